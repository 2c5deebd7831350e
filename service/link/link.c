/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/bus/cleanup.h"
#include "../../schema/bus/client.h"
#include "../../schema/bus/peer.h"

/* As Get() calls the layer of the schema's default, which Resolve() and signals call no value. */
#define LAYER_OF_DEFAULTS "default"

struct follow {
        struct link *link;
        const struct schema_value *sv;
        uint64_t subscription;                /* 0: none */
        bool subscribed_here;                 /* the first of its key: carries the key's subscription */
        sd_bus_slot *subscribing, *resolving; /* calls under way */
        bool is_heard;                        /* what was heard last is a value */
        uint32_t heard_type;
        struct buf heard;
};

struct link {
        sd_bus *bus;
        struct settings *settings;
        struct follow *list;
        size_t n;
        sd_bus_slot *changed;
        struct peer *provider; /* whose signals count */
        sd_event_source *retry;
        uint64_t delay;
        sd_bus_slot *rechecking;
        bool missed; /* a signal of a change never came */
        bool asking; /* calls are being made: the round cannot be over yet */
        bool failed; /* an answer of this round was an error */
        bool connected;
};

/* Who or what made a change, as an a{sv} says it. */
struct origin {
        struct actor actor;
        bool has_actor;            /* a caller made it */
        const char *reason, *file; /* borrowed from the message */
        uint32_t file_owner;
        struct seal seal; /* of the file */
};

static int read_origin(sd_bus_message *m, struct origin *ret)
{
        struct origin o = { .actor = ACTOR_UNKNOWN, .file_owner = AUDIT_ID_UNSET };
        const char *state = "", *comm = NULL, *exe = "", *context = "", *signer = "";
        uint64_t serial = 0;
        const struct wire_member members[] = {
                { "actor", "s", &state },
                { "pid", "u", &o.actor.pid },
                { "uid", "u", &o.actor.uid },
                { "loginuid", "u", &o.actor.loginuid },
                { "session", "u", &o.actor.session },
                { "comm", "s", &comm },
                { "exe", "s", &exe },
                { "context", "s", &context },
                { "reason", "s", &o.reason },
                { "file", "s", &o.file },
                { "file-owner", "u", &o.file_owner },
                { "serial", "t", &serial },
                { "signer", "s", &signer },
        };

        int r = wire_read_dict(m, members, ARRAY_SIZE(members));
        if (r < 0)
                return r;
        o.has_actor = comm != NULL;
        o.seal = seal_of(serial, signer);
        o.actor.nobody = strcmp(state, "none") == 0;
        *stpncpy(o.actor.comm, comm ? comm : "", sizeof(o.actor.comm) - 1) = '\0';
        *stpncpy(o.actor.exe, exe, sizeof(o.actor.exe) - 1) = '\0';
        *stpncpy(o.actor.context, context, sizeof(o.actor.context) - 1) = '\0';
        *ret = o;
        return 0;
}

/* a(sustuvsts) of Resolve(): the first entry, which wins where the value exists. */
static int read_winner(sd_bus_message *m, struct buf *bytes, uint32_t *ret_type, struct setting_input *in)
{
        const char *signer = "";
        uint64_t serial = 0;

        int r = sd_bus_message_enter_container(m, 'a', "(sustuvsts)");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'r', "sustuvsts");
        if (r > 0) {
                r = sd_bus_message_read(m, "sust", &in->layer, NULL, NULL, &in->sequence);
                if (r >= 0)
                        r = wire_read_value(m, bytes, ret_type, NULL);
                if (r >= 0)
                        r = sd_bus_message_read(m, "sts", NULL, &serial, &signer);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r >= 0)
                        in->seal = seal_of(serial, signer);
        }
        while (r >= 0 && (r = sd_bus_message_at_end(m, false)) == 0)
                r = sd_bus_message_skip(m, "(sustuvsts)");
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static void hand_over(struct follow *f, const struct setting_input *in)
{
        struct setting *s = settings_find(f->link->settings, &f->sv->key, f->sv->name);

        f->is_heard = in->value != NULL;
        buf_clear(&f->heard);
        if (in->value) {
                f->heard_type = in->value->type;
                buf_add(&f->heard, in->value->data, in->value->size);
        }
        if (s && setting_input(s, in) < 0)
                log_error("%s: out of memory; the value in force stays", s->path);
}

static void set_state(struct link *l, bool connected, const char *problem)
{
        if (l->connected && connected)
                return;
        l->connected = connected;
        settings_connected(l->settings, connected, problem);
}

static void begin_round(struct link *l);

static int on_retry(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        begin_round(userdata);
        return 0;
}

static void retry_later(struct link *l)
{
        int r = l->retry ? sd_event_source_set_time_relative(l->retry, l->delay)
                         : sd_event_add_time_relative(sd_bus_get_event(l->bus), &l->retry, CLOCK_MONOTONIC,
                                   l->delay, 0, on_retry, l);
        if (r >= 0)
                r = sd_event_source_set_enabled(l->retry, SD_EVENT_ONESHOT);
        if (r < 0)
                log_error("cannot set a timer: %s; the registry is asked again when it restarts",
                        strerror(-r));
        l->delay = l->delay * 2 > LINK_RETRY_MOST_USEC ? LINK_RETRY_MOST_USEC : l->delay * 2;
}

static bool is_under_way(const struct link *l)
{
        for (size_t i = 0; i < l->n; i++)
                if (l->list[i].subscribing || l->list[i].resolving)
                        return true;
        return false;
}

/* A call has ended, with a problem or NULL. Once none is under way the round is over: all is known, or it is
 * tried again later. */
static void answered(struct link *l, const char *problem)
{
        if (problem && !l->failed) {
                l->failed = true;
                set_state(l, false, problem);
        }
        if (l->asking || is_under_way(l))
                return;
        if (l->failed) {
                retry_later(l);
                return;
        }
        l->delay = LINK_RETRY_FIRST_USEC;
        l->missed = false;
        set_state(l, true, "");
}

static const char *error_text(sd_bus_message *m)
{
        const sd_bus_error *e = sd_bus_message_get_error(m);
        return e && e->message ? e->message : e && e->name ? e->name : "no answer";
}

/* A call that is under way on the slot is forgotten: its answer may be older than what made us ask. */
static int call(struct follow *f, sd_bus_slot **slot, const char *method, sd_bus_message_handler_t answer,
        const char *types, ...)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        va_list arguments;

        *slot = sd_bus_slot_unref(*slot);
        int r = client_new_call(f->link->bus, method, &m);
        if (r < 0)
                return r;
        va_start(arguments, types);
        r = sd_bus_message_appendv(m, types, arguments);
        va_end(arguments);
        return r < 0 ? r : sd_bus_call_async(f->link->bus, slot, m, answer, f, LINK_CALL_TIMEOUT_USEC);
}

static int on_resolved(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct follow *f = userdata;
        struct link *l = f->link;
        struct setting_input in = { .layer = "", .is_resync = true };
        _cleanup_buf_ struct buf bytes = BUF_INIT;
        struct origin origin;
        uint32_t type = 0;
        int exists = 0;

        f->resolving = sd_bus_slot_unref(f->resolving);
        if (sd_bus_message_is_method_error(m, NULL)) {
                answered(l, error_text(m));
                return 0;
        }
        int r = sd_bus_message_read(m, "bs", &exists, NULL);
        if (r >= 0)
                r = read_winner(m, &bytes, &type, &in);
        if (r >= 0)
                r = read_origin(m, &origin);
        if (r < 0) {
                answered(l, "the provider's answer cannot be read");
                return 0;
        }
        const struct value value = { .type = type, .data = bytes.data, .size = bytes.len };
        in.value = exists ? &value : NULL;
        in.actor = origin.has_actor ? &origin.actor : NULL;
        /* Not that of the write: why it is looked at now. */
        in.reason = l->missed ? "signal-missed" : "changed-while-away";
        in.file = origin.file;
        in.file_owner = origin.file_owner;
        hand_over(f, &in);
        answered(l, NULL);
        return 0;
}

static void resolve_key(struct link *l, const struct path *key)
{
        for (size_t i = 0; i < l->n; i++) {
                struct follow *f = &l->list[i];
                if (path_equal(&f->sv->key, key) &&
                        call(f, &f->resolving, "Resolve", on_resolved, "ss", key->text, f->sv->name) < 0)
                        answered(l, "the registry cannot be asked");
        }
}

/* Subscribed first, read then: nothing can change unseen between the two. */
static int on_subscribed(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct follow *f = userdata;

        f->subscribing = sd_bus_slot_unref(f->subscribing);
        if (sd_bus_message_is_method_error(m, NULL) ||
                sd_bus_message_read(m, "tt", &f->subscription, NULL) < 0) {
                answered(f->link, error_text(m));
                return 0;
        }
        resolve_key(f->link, &f->sv->key);
        answered(f->link, NULL);
        return 0;
}

/* A round: subscribes where there is no subscription and none is under way (many end together, each with a
 * round), and reads everything. */
static void begin_round(struct link *l)
{
        if (l->retry)
                (void)sd_event_source_set_enabled(l->retry, SD_EVENT_OFF);
        l->failed = false;
        l->asking = true;
        for (size_t i = 0; i < l->n; i++) {
                struct follow *f = &l->list[i];
                if (!f->subscribed_here)
                        continue;
                if (f->subscription != 0)
                        resolve_key(l, &f->sv->key);
                else if (!f->subscribing && call(f, &f->subscribing, "Subscribe", on_subscribed, "sba{sv}",
                                                    f->sv->key.text, 0, 1, "unchanged", "b", 1) < 0)
                        answered(l, "the registry cannot be asked");
        }
        l->asking = false;
        answered(l, NULL);
}

static void end_subscription(struct link *l, uint64_t subscription)
{
        int r = sd_bus_call_method_async(l->bus, NULL, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE,
                "Unsubscribe", NULL, NULL, "t", subscription);
        if (r < 0)
                log_debug("cannot end a subscription: %s; ignoring", strerror(-r));
}

static struct follow *find_subscription(struct link *l, uint64_t subscription)
{
        for (size_t i = 0; i < l->n; i++)
                if (l->list[i].subscription == subscription && subscription != 0)
                        return &l->list[i];
        return NULL;
}

/* By the key that was subscribed to: an event names the key itself, whatever links lead there. */
static struct follow *find_value(struct link *l, const struct path *key, const char *name)
{
        for (size_t i = 0; i < l->n; i++) {
                const struct schema_value *sv = l->list[i].sv;
                if (path_equal(&sv->key, key) && fold_same(sv->name, name))
                        return &l->list[i];
        }
        return NULL;
}

/* One event (sssuvsts) of the key. A value's event carries all there is to know; of any other the whole key
 * is read again. */
static int read_event(struct follow *subscribed, sd_bus_message *m, struct setting_input *in)
{
        struct link *l = subscribed->link;
        _cleanup_buf_ struct buf bytes = BUF_INIT;
        const char *kind, *name, *signer;
        uint64_t serial;
        uint32_t type;

        int r = sd_bus_message_read(m, "sss", &kind, NULL, &name);
        if (r >= 0)
                r = wire_read_value(m, &bytes, &type, NULL);
        if (r >= 0)
                r = sd_bus_message_read(m, "sts", &in->layer, &serial, &signer);
        if (r < 0)
                return r;
        in->seal = seal_of(serial, signer);
        if (strcmp(kind, "ended") == 0) {
                subscribed->subscription = 0;
                begin_round(l);
                return 0;
        }
        if (strncmp(kind, "value-", strlen("value-")) != 0) {
                resolve_key(l, &subscribed->sv->key);
                return 0;
        }
        struct follow *f = find_value(l, &subscribed->sv->key, name);
        if (!f)
                return 0;
        const struct value value = { .type = type, .data = bytes.data, .size = bytes.len };
        in->value = in->layer[0] != '\0' ? &value : NULL;
        hand_over(f, in);
        return 0;
}

static int on_changed(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct link *l = userdata;
        uint64_t subscription, sequence;
        struct origin origin;

        if (!peer_sent(l->provider, m) || sd_bus_message_read(m, "tt", &subscription, &sequence) < 0)
                return 0;
        struct follow *f = find_subscription(l, subscription);
        if (!f) {
                /* From a question whose answer came too late: while the provider hangs there are many. */
                end_subscription(l, subscription);
                return 0;
        }
        int r = read_origin(m, &origin);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(sssuvsts)");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "sssuvsts")) > 0) {
                struct setting_input in = {
                        .actor = origin.has_actor ? &origin.actor : NULL,
                        .reason = origin.reason,
                        .file = origin.file,
                        .file_owner = origin.file_owner,
                        .cause = origin.seal,
                        .sequence = sequence,
                };
                r = read_event(f, m, &in);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r < 0) {
                log_warning("a change signal cannot be read: %s; reading everything again", strerror(-r));
                begin_round(l);
        }
        return 0;
}

static void forget_calls(struct link *l)
{
        for (size_t i = 0; i < l->n; i++) {
                l->list[i].subscription = 0;
                l->list[i].subscribing = sd_bus_slot_unref(l->list[i].subscribing);
                l->list[i].resolving = sd_bus_slot_unref(l->list[i].resolving);
        }
        l->rechecking = sd_bus_slot_unref(l->rechecking);
}

static void end_subscriptions(struct link *l)
{
        for (size_t i = 0; i < l->n; i++)
                if (l->list[i].subscription != 0)
                        end_subscription(l, l->list[i].subscription);
        forget_calls(l);
}

static void on_provider(const char *old, const char *owner, void *userdata)
{
        struct link *l = userdata;

        forget_calls(l);
        l->delay = LINK_RETRY_FIRST_USEC;
        /* At the beginning in any case: to ask for it has it started. */
        if (owner[0] != '\0' || old[0] == '\0')
                begin_round(l);
        else
                set_state(l, false, "the registry provider went away");
}

/* One of (ssuvts) of GetMany(). What two layers say so that it cannot be told apart is no value, as
 * Resolve() has it; no other error was there when all was read. */
static int is_as_heard(sd_bus_message *m, const struct follow *f, bool *ret)
{
        _cleanup_buf_ struct buf bytes = BUF_INIT;
        const char *error, *layer;
        uint32_t type;

        int r = sd_bus_message_enter_container(m, 'r', "ssuvts");
        if (r >= 0)
                r = sd_bus_message_read(m, "ss", &error, NULL);
        if (r >= 0)
                r = wire_read_value(m, &bytes, &type, NULL);
        if (r >= 0)
                r = sd_bus_message_read(m, "ts", NULL, &layer);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        if (strcmp(error, ERROR_NOT_FOUND) == 0 || strcmp(error, ERROR_CORRUPT) == 0 ||
                strcmp(layer, LAYER_OF_DEFAULTS) == 0)
                *ret = !f->is_heard;
        else
                *ret = error[0] == '\0' && f->is_heard && type == f->heard_type &&
                       buf_equal(&bytes, &f->heard);
        return 0;
}

static int on_values(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct link *l = userdata;
        bool same = true;
        size_t i;

        l->rechecking = sd_bus_slot_unref(l->rechecking);
        /* What is being asked for now is newer. */
        if (sd_bus_message_is_method_error(m, NULL) || !l->connected || is_under_way(l))
                return 0;
        int r = sd_bus_message_enter_container(m, 'a', "(ssuvts)");
        for (i = 0; r >= 0 && same && i < l->n; i++)
                r = is_as_heard(m, &l->list[i], &same);
        if (r < 0)
                log_debug("what is followed cannot be read again: %s; ignoring", strerror(-r));
        if (r < 0 || same)
                return 0;
        const struct schema_value *sv = l->list[i - 1].sv;
        log_warning(
                "%s\\%s is not what the registry reported last; subscribing anew", sv->key.text, sv->name);
        l->missed = true;
        end_subscriptions(l);
        begin_round(l);
        return 0;
}

void link_recheck(struct link *l)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        if (l->rechecking || !l->connected || is_under_way(l))
                return;
        int r = client_new_call(l->bus, "GetMany", &m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(ss)");
        for (size_t i = 0; r >= 0 && i < l->n; i++)
                r = sd_bus_message_append(m, "(ss)", l->list[i].sv->key.text, l->list[i].sv->name);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_call_async(l->bus, &l->rechecking, m, on_values, l, LINK_CALL_TIMEOUT_USEC);
        if (r < 0)
                log_debug("what is followed cannot be read again: %s; ignoring", strerror(-r));
}

/* What is known of the same value or key goes on. */
static void take_over(struct follow *f, struct follow *old, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (!path_equal(&old[i].sv->key, &f->sv->key))
                        continue;
                if (f->subscribed_here && old[i].subscription != 0) {
                        f->subscription = old[i].subscription;
                        old[i].subscription = 0;
                }
                if (!fold_same(old[i].sv->name, f->sv->name))
                        continue;
                f->is_heard = old[i].is_heard;
                f->heard_type = old[i].heard_type;
                f->heard = old[i].heard;
                old[i].heard = BUF_INIT;
        }
}

static void free_list(struct link *l)
{
        for (size_t i = 0; i < l->n; i++)
                buf_done(&l->list[i].heard);
        free(l->list);
}

/* Asks nothing yet. */
static int make_list(struct link *l)
{
        const struct settings *all = l->settings;
        struct follow *list = calloc(all->n ? all->n : 1, sizeof(*list));

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < all->n; i++) {
                list[i] = (struct follow){ .link = l, .sv = all->list[i]->sv, .subscribed_here = true };
                for (size_t k = 0; k < i; k++)
                        if (path_equal(&list[k].sv->key, &list[i].sv->key))
                                list[i].subscribed_here = false;
                take_over(&list[i], l->list, l->n);
        }
        end_subscriptions(l);
        free_list(l);
        l->list = list;
        l->n = all->n;
        return 0;
}

int link_follow(struct link *l)
{
        int r = make_list(l);
        if (r == 0)
                begin_round(l);
        return r;
}

int link_new(sd_bus *bus, struct settings *settings, struct link **ret)
{
        struct link *l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        *l = (struct link){ .bus = bus, .settings = settings, .delay = LINK_RETRY_FIRST_USEC };
        int r = make_list(l);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus, &l->changed, REGISTRY_BUS_NAME, REGISTRY_PATH,
                        REGISTRY_INTERFACE, "Changed", on_changed, NULL, l);
        if (r >= 0)
                r = peer_new(bus, REGISTRY_BUS_NAME, on_provider, l, &l->provider);
        if (r < 0) {
                (void)link_free(l);
                return r;
        }
        *ret = l;
        return 0;
}

struct link *link_free(struct link *l)
{
        if (!l)
                return NULL;
        forget_calls(l);
        sd_bus_slot_unref(l->changed);
        (void)peer_free(l->provider);
        sd_event_source_disable_unref(l->retry);
        free_list(l);
        free(l);
        return NULL;
}
