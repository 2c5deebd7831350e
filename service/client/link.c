/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/bus/wire.h"
#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"
#include "link-read.h"

static void set_state(struct link *l, bool connected, const char *problem)
{
        if (l->connected == connected && connected)
                return;
        l->connected = connected;
        l->config.state(connected, problem, l->config.userdata);
}

static int on_retry(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        link_begin(userdata);
        return 0;
}

static void retry_later(struct link *l)
{
        int r = l->retry ? sd_event_source_set_time_relative(l->retry, l->delay)
                         : sd_event_add_time_relative(sd_bus_get_event(l->config.bus), &l->retry,
                                   CLOCK_MONOTONIC, l->delay, 0, on_retry, l);
        if (r >= 0)
                r = sd_event_source_set_enabled(l->retry, SD_EVENT_ONESHOT);
        if (r < 0)
                log_error("cannot set a timer: %s; the registry is asked again when it restarts",
                        strerror(-r));
        l->delay = l->delay * 2 > LINK_RETRY_MOST_USEC ? LINK_RETRY_MOST_USEC : l->delay * 2;
}

static bool is_under_way(const struct link *l)
{
        for (size_t i = 0; i < l->config.n; i++)
                if (l->list[i].subscribing || l->list[i].resolving)
                        return true;
        return false;
}

/* A call has ended. Once none is under way the round is over: all is known, or it is tried again later. */
static void answered(struct link *l, bool ok, const char *problem)
{
        if (!ok && !l->failed) {
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

bool link_is_settled(const struct link *l)
{
        return l->connected && !is_under_way(l);
}

static const char *error_text(sd_bus_message *m)
{
        const sd_bus_error *e = sd_bus_message_get_error(m);
        return e && e->message ? e->message : e && e->name ? e->name : "no answer";
}

static int on_resolved(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct follow *f = userdata;
        struct link *l = f->link;
        _cleanup_buf_ struct buf bytes = BUF_INIT;
        struct link_value v = { .key = f->key->text,
                .name = f->name,
                .layer = "",
                .file_owner = AUDIT_ID_UNSET,
                .is_resync = true,
                .reason = l->missed ? "signal-missed" : "changed-while-away" };
        struct value value = { 0 };
        struct actor actor;
        bool known = false;
        int exists = 0;
        const char *path, *reason; /* of the write; v.reason is why it is looked at now */

        f->resolving = sd_bus_slot_unref(f->resolving);
        if (sd_bus_message_is_method_error(m, NULL)) {
                answered(l, false, error_text(m));
                return 0;
        }
        int r = sd_bus_message_read(m, "bs", &exists, &path);
        if (r >= 0)
                r = link_read_winner(m, exists, &bytes, &value, &v.layer, &v.sequence);
        if (r >= 0)
                r = link_read_origin(m, &actor, &known, &reason, &v.file, &v.file_owner);
        if (r < 0) {
                answered(l, false, "the provider's answer cannot be read");
                return 0;
        }
        v.value = exists ? &value : NULL;
        v.actor = known ? &actor : NULL;
        link_tell(f, &v);
        answered(l, true, NULL);
        return 0;
}

static int resolve(struct follow *f)
{
        struct link *l = f->link;
        sd_bus_message *m = NULL;

        f->resolving = sd_bus_slot_unref(f->resolving);
        int r = sd_bus_message_new_method_call(
                l->config.bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Resolve");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", f->key->text, f->name);
        if (r >= 0)
                r = sd_bus_call_async(
                        l->config.bus, &f->resolving, m, on_resolved, f, LINK_CALL_TIMEOUT_USEC);
        sd_bus_message_unref(m);
        return r;
}

void link_resolve_key(struct link *l, const struct path *key)
{
        for (size_t i = 0; i < l->config.n; i++) {
                if (!path_equal(l->list[i].key, key))
                        continue;
                if (resolve(&l->list[i]) < 0)
                        answered(l, false, "the registry cannot be asked");
        }
}

/* Subscribed first, read then: nothing can change unseen between the two. */
static int on_subscribed(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct follow *f = userdata;
        uint64_t sequence;

        f->subscribing = sd_bus_slot_unref(f->subscribing);
        if (sd_bus_message_is_method_error(m, NULL) ||
                sd_bus_message_read(m, "tt", &f->subscription, &sequence) < 0) {
                answered(f->link, false, error_text(m));
                return 0;
        }
        link_resolve_key(f->link, f->key);
        answered(f->link, true, NULL);
        return 0;
}

static int subscribe(struct follow *f)
{
        struct link *l = f->link;
        sd_bus_message *m = NULL;

        f->subscribing = sd_bus_slot_unref(f->subscribing);
        int r = sd_bus_message_new_method_call(
                l->config.bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Subscribe");
        if (r >= 0)
                r = sd_bus_message_append(m, "sba{sv}", f->key->text, 0, 1, "unchanged", "b", 1);
        if (r >= 0)
                r = sd_bus_call_async(
                        l->config.bus, &f->subscribing, m, on_subscribed, f, LINK_CALL_TIMEOUT_USEC);
        sd_bus_message_unref(m);
        return r;
}

void link_begin(struct link *l)
{
        if (l->retry)
                (void)sd_event_source_set_enabled(l->retry, SD_EVENT_OFF);
        l->failed = false;
        l->asking = true;
        for (size_t i = 0; i < l->config.n; i++) {
                struct follow *f = &l->list[i];
                if (!f->subscribed_here)
                        continue;
                if (f->subscription != 0) {
                        link_resolve_key(l, f->key);
                        continue;
                }
                if (subscribe(f) < 0)
                        answered(l, false, "the registry cannot be asked");
        }
        l->asking = false;
        answered(l, true, NULL);
}

static void forget(struct link *l)
{
        for (size_t i = 0; i < l->config.n; i++) {
                l->list[i].subscription = 0;
                l->list[i].subscribing = sd_bus_slot_unref(l->list[i].subscribing);
                l->list[i].resolving = sd_bus_slot_unref(l->list[i].resolving);
        }
        l->rechecking = sd_bus_slot_unref(l->rechecking);
}

void link_subscribe_anew(struct link *l)
{
        for (size_t i = 0; i < l->config.n; i++)
                if (l->list[i].subscription != 0)
                        link_end_subscription(l, l->list[i].subscription);
        forget(l);
        link_begin(l);
}

static void on_provider(const char *old, const char *owner, void *userdata)
{
        struct link *l = userdata;

        forget(l);
        l->delay = LINK_RETRY_FIRST_USEC;
        /* At the beginning in any case: to ask for it has it started. */
        if (owner[0] != '\0' || old[0] == '\0')
                link_begin(l);
        else
                set_state(l, false, "the registry provider went away");
}

static int make_list(struct link *l)
{
        l->list = calloc(l->config.n ? l->config.n : 1, sizeof(*l->list));
        if (!l->list)
                return -ENOMEM;
        for (size_t i = 0; i < l->config.n; i++) {
                struct follow *f = &l->list[i];
                *f = (struct follow){ .link = l,
                        .key = l->config.keys[i],
                        .name = l->config.names[i],
                        .subscribed_here = true };
                for (size_t k = 0; k < i; k++)
                        if (path_equal(l->list[k].key, f->key))
                                f->subscribed_here = false;
        }
        return 0;
}

/* What is known of the same value or key goes on. */
static void take_over(struct follow *f, struct follow *old, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (!path_equal(old[i].key, f->key))
                        continue;
                if (f->subscribed_here && old[i].subscription != 0) {
                        f->subscription = old[i].subscription;
                        old[i].subscription = 0;
                }
                if (!fold_equal(old[i].name, strlen(old[i].name), f->name, strlen(f->name)))
                        continue;
                f->is_heard = old[i].is_heard;
                f->heard_type = old[i].heard_type;
                f->heard = old[i].heard;
                old[i].heard = BUF_INIT;
        }
}

int link_follow(struct link *l, const struct path *const *keys, const char *const *names, size_t n)
{
        const struct link_config before = l->config;
        struct follow *old = l->list;

        l->config.keys = keys;
        l->config.names = names;
        l->config.n = n;
        int r = make_list(l);
        if (r < 0) {
                l->config = before;
                l->list = old;
                return r;
        }
        for (size_t i = 0; i < n; i++)
                take_over(&l->list[i], old, before.n);
        l->rechecking = sd_bus_slot_unref(l->rechecking);
        for (size_t i = 0; i < before.n; i++) {
                if (old[i].subscription != 0)
                        link_end_subscription(l, old[i].subscription);
                sd_bus_slot_unref(old[i].subscribing);
                sd_bus_slot_unref(old[i].resolving);
                buf_done(&old[i].heard);
        }
        free(old);
        link_begin(l);
        return 0;
}

int link_new(const struct link_config *config, struct link **ret)
{
        struct link *l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        l->config = *config;
        l->delay = LINK_RETRY_FIRST_USEC;
        int r = make_list(l);
        if (r >= 0)
                r = sd_bus_match_signal_async(config->bus, &l->changed, REGISTRY_BUS_NAME, REGISTRY_PATH,
                        REGISTRY_INTERFACE, "Changed", link_on_changed, NULL, l);
        if (r >= 0)
                r = peer_new(config->bus, REGISTRY_BUS_NAME, on_provider, l, &l->provider);
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
        if (l->list)
                forget(l);
        for (size_t i = 0; l->list && i < l->config.n; i++)
                buf_done(&l->list[i].heard);
        sd_bus_slot_unref(l->changed);
        (void)peer_free(l->provider);
        sd_event_source_disable_unref(l->retry);
        free(l->list);
        free(l);
        return NULL;
}
