/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "feed.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "../../schema/bus/peer.h"
#include "../../schema/events/loop.h"
#include "regedit.h"

#define RETRY_USEC UINT64_C(1000000)
/* A dialogue of polkit's takes as long as a person does. */
#define ANSWER_USEC UINT64_C(120000000)

/* What polkit calls it to write to the registry. */
#define WRITE_ACTION "org.peios.Registry1.write"

struct feed {
        sd_event *event;
        struct regedit *regedit;
        sd_bus *bus; /* NULL: there is none now */
        struct peer *provider;
        sd_event_source *retry;
};

/* ---- Calls ---- */

struct call {
        struct feed *feed;
        feed_fn fn;
        char *key, *name;
};

static void call_free(void *p)
{
        struct call *c = p;

        free(c->key);
        free(c->name);
        free(c);
}

static struct call *call_new(struct feed *f, const char *key, const char *name, feed_fn fn)
{
        struct call *c = calloc(1, sizeof(*c));

        if (!c)
                return NULL;
        *c = (struct call){ .feed = f, .fn = fn, .key = strdup(key), .name = name ? strdup(name) : NULL };
        if (c->key && (c->name || !name))
                return c;
        call_free(c);
        return NULL;
}

static int on_answer(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct call *c = userdata;
        struct feed_answer a = { .key = c->key, .name = c->name, .reply = m };

        if (sd_bus_message_is_method_error(m, NULL)) {
                a.reply = NULL;
                a.is_absent = client_service_absent(sd_bus_message_get_error(m));
                a.code = client_explain(-sd_bus_message_get_errno(m), sd_bus_message_get_error(m),
                        REGISTRY_SERVICE_WORDS, &a.d);
        }
        c->fn(c->feed->regedit, &a);
        return 0;
}

int feed_new_call(struct feed *f, const char *method, sd_bus_message **ret)
{
        return f->bus ? client_new_call(f->bus, method, ret) : -ENOTCONN;
}

int feed_send(struct feed *f, sd_bus_message *m, const char *key, const char *name, feed_fn fn)
{
        sd_bus_slot *slot = NULL;
        struct call *c = call_new(f, key, name, fn);

        if (!c)
                return -ENOMEM;
        int r = sd_bus_call_async(f->bus, &slot, m, on_answer, c, ANSWER_USEC);
        if (r < 0) {
                call_free(c);
                return r;
        }
        (void)sd_bus_slot_set_destroy_callback(slot, call_free);
        r = sd_bus_slot_set_floating(slot, true);
        sd_bus_slot_unref(slot);
        return r < 0 ? r : 0;
}

int feed_ask(struct feed *f, const char *method, const char *key, const char *name, feed_fn fn,
        const char *types, ...)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        va_list ap;

        int r = feed_new_call(f, method, &m);
        va_start(ap, types);
        if (r >= 0)
                r = sd_bus_message_appendv(m, types, ap);
        va_end(ap);
        return r < 0 ? r : feed_send(f, m, key, name, fn);
}

int feed_ask_property(struct feed *f, const char *name, feed_fn fn)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = f->bus ? sd_bus_message_new_method_call(f->bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                 "org.freedesktop.DBus.Properties", "Get")
                       : -ENOTCONN;
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", REGISTRY_INTERFACE, name);
        return r < 0 ? r : feed_send(f, m, "", name, fn);
}

int feed_ask_polkit(struct feed *f, feed_fn fn)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const char *own;

        int r = f->bus ? sd_bus_get_unique_name(f->bus, &own) : -ENOTCONN;
        if (r >= 0)
                r = sd_bus_message_new_method_call(f->bus, &m, "org.freedesktop.PolicyKit1",
                        "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
                        "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(m, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s", own,
                        WRITE_ACTION, 0, 0u, "");
        return r < 0 ? r : feed_send(f, m, "", NULL, fn);
}

/* ---- The beginning: the hives, and all that changes in them ---- */

static void lost(struct feed *f, const struct diag *d)
{
        regedit_lose_provider(f->regedit, d);
}

static void on_subscribed(struct regedit *r, const struct feed_answer *a)
{
        if (!a->reply)
                regedit_fail(r, &a->d);
}

static int subscribe(struct feed *f, const char *hive)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = feed_new_call(f, "Subscribe", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "sb", hive, 1);
        if (r >= 0)
                r = wire_append_options(m, &(struct wire_options){ .unchanged = true });
        return r < 0 ? r : feed_send(f, m, hive, NULL, on_subscribed);
}

/* What is asked from here on is answered after the subscriptions: nothing is missed. */
static void on_hives(struct regedit *regedit, const struct feed_answer *a)
{
        struct feed *f = regedit->feed;
        _cleanup_free_ const char **hives = NULL;
        struct diag d = { 0 };
        size_t n = 0;

        if (!a->reply) {
                lost(f, &a->d);
                return;
        }
        int r = sd_bus_message_enter_container(a->reply, 'v', "as");
        if (r >= 0)
                r = wire_read_names(a->reply, &hives, &n);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = subscribe(f, hives[i]);
        if (r >= 0) {
                regedit_begin(regedit, hives, n);
                return;
        }
        (void)client_explain(r, NULL, REGISTRY_SERVICE_WORDS, &d);
        lost(f, &d);
}

static void ask_hives(struct feed *f)
{
        struct diag d = { 0 };

        int r = feed_ask_property(f, "Hives", on_hives);
        if (r >= 0)
                return;
        (void)client_explain(r, NULL, REGISTRY_SERVICE_WORDS, &d);
        lost(f, &d);
}

static void on_started(struct regedit *r, const struct feed_answer *a)
{
        if (!a->reply)
                regedit_lose_provider(r, &a->d);
}

static void on_provider(const char *old, const char *owner, void *userdata)
{
        struct feed *f = userdata;
        struct diag d = { 0 };

        if (old[0]) {
                (void)diag_set(&d, 0, "%s went away: waiting for it", REGISTRY_SERVICE_WORDS);
                lost(f, &d);
        }
        if (owner[0])
                ask_hives(f);
        /* Who asks may have it started; then its name says so. */
        else if (!old[0] && feed_ask_property(f, "Version", on_started) < 0)
                lost(f, &(const struct diag){ "out of memory" });
}

static int on_changed(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct feed *f = userdata;

        if (peer_sent(f->provider, m))
                regedit_take_changes(f->regedit, m);
        return 0;
}

/* ---- The bus ---- */

static int try_again(struct feed *f)
{
        return loop_timer_start(f->retry, RETRY_USEC);
}

int feed_begin_anew(struct feed *f, const struct diag *why)
{
        lost(f, why);
        return try_again(f);
}

static int on_disconnected(_unused_ sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        return feed_begin_anew(
                userdata, &(const struct diag){ "the connection to the bus broke off: trying again" });
}

static int watch_bus(struct feed *f)
{
        int r = sd_bus_match_signal(f->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, f);
        if (r >= 0)
                r = sd_bus_match_signal_async(f->bus, NULL, REGISTRY_BUS_NAME, REGISTRY_PATH,
                        REGISTRY_INTERFACE, "Changed", on_changed, NULL, f);
        if (r >= 0)
                r = peer_new(f->bus, REGISTRY_BUS_NAME, on_provider, f, &f->provider);
        return r < 0 ? r : sd_bus_attach_event(f->bus, f->event, SD_EVENT_PRIORITY_NORMAL);
}

static void disconnect(struct feed *f)
{
        f->provider = peer_free(f->provider);
        f->bus = sd_bus_close_unref(f->bus);
}

static int connect_bus(struct feed *f)
{
        struct diag d = { 0 };

        disconnect(f);
        int r = client_connect(&f->bus, &d);
        if (r >= 0)
                r = watch_bus(f);
        if (r >= 0)
                return 0;
        if (!d.text[0])
                (void)diag_set(&d, -r, "cannot watch the bus: %s", strerror(-r));
        disconnect(f);
        return feed_begin_anew(f, &d);
}

static int on_retry(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        return connect_bus(userdata);
}

int feed_new(sd_event *event, struct regedit *regedit, struct feed **ret)
{
        struct feed *f = calloc(1, sizeof(*f));

        if (!f)
                return -ENOMEM;
        *f = (struct feed){ .event = event, .regedit = regedit };
        int r = loop_timer_new(event, 0, on_retry, f, &f->retry);
        if (r >= 0)
                r = connect_bus(f);
        if (r < 0) {
                (void)feed_free(f);
                return r;
        }
        *ret = f;
        return 0;
}

struct feed *feed_free(struct feed *f)
{
        if (!f)
                return NULL;
        disconnect(f);
        sd_event_source_disable_unref(f->retry);
        free(f);
        return NULL;
}
