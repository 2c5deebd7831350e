/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "standing.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/bus/cleanup.h"
#include "../../schema/bus/peer.h"
#include "../../schema/dbus/names.h"
#include "../../schema/events/fswatch.h"
#include "../../schema/events/loop.h"
#include "../../schema/layout.h"

#define CALL_TIMEOUT_USEC UINT64_C(10000000)
/* After a signal: others follow it. */
#define SOON_USEC UINT64_C(100000)
/* The registry reads its files some time after they change, and says nothing of most layers: once more then,
 * and each time four times later. */
#define LATER_USEC UINT64_C(3000000)
/* Without a signal: what was missed. */
#define SELDOM_USEC (UINT64_C(3600) * 1000000)

enum part {
        POLICY,
        VALUES,
        REGISTRY,
        PARTS_N,
};

struct standing {
        sd_bus *bus;
        char *root;
        void (*changed)(void *userdata);
        void *userdata;
        struct peer *peers[2]; /* whose signals count */
        sd_bus_slot *signals[2], *calls[PARTS_N];
        struct fswatch *folders[3];
        sd_event_source *timer;
        struct buf parts[PARTS_N];
        struct buf text;
        uint64_t delay; /* to the next look, where no signal comes */
        bool again;
};

const char *standing_text(const struct standing *s)
{
        return buf_str(&s->text);
}

static void plan(struct standing *s, uint64_t usec)
{
        int r = loop_timer_start(s->timer, usec);

        if (r < 0)
                log_error("cannot set a timer: %s; what changes is not reported", strerror(-r));
}

static bool is_asking(const struct standing *s)
{
        return s->calls[POLICY] || s->calls[VALUES] || s->calls[REGISTRY];
}

/* All that was asked for is there. */
static void compose(struct standing *s)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        int r = standing_text_machine(s->root, &text);
        for (size_t i = 0; i < PARTS_N; i++)
                buf_printf(&text, ",%s", buf_str(&s->parts[i]));
        buf_putc(&text, ',');
        if (r == 0)
                r = standing_text_groups(s->root, &text);
        if (r < 0 || text.error < 0)
                return;
        bool same = strcmp(buf_str(&s->text), buf_str(&text)) == 0;
        struct buf old = s->text;
        s->text = text;
        text = old;
        if (!same)
                s->changed(s->userdata);
}

static void answered(struct standing *s)
{
        if (is_asking(s))
                return;
        compose(s);
        plan(s, s->again ? SOON_USEC : s->delay);
        if (!s->again)
                s->delay = s->delay * 4 < SELDOM_USEC ? s->delay * 4 : SELDOM_USEC;
        s->again = false;
}

static int on_answer(struct standing *s, enum part part, sd_bus_message *m)
{
        static int (*const readers[PARTS_N])(sd_bus_message * m, struct buf * out) = {
                [POLICY] = standing_text_policy,
                [VALUES] = standing_text_values,
                [REGISTRY] = standing_text_registry,
        };
        static const char *const absent[] = { "\"policy-service\":null", "\"values\":null",
                "\"registry\":null" };

        s->calls[part] = sd_bus_slot_unref(s->calls[part]);
        buf_clear(&s->parts[part]);
        int r = sd_bus_message_is_method_error(m, NULL) ? -ENOENT : readers[part](m, &s->parts[part]);
        if (r < 0) {
                buf_clear(&s->parts[part]);
                buf_puts(&s->parts[part], absent[part]);
        }
        answered(s);
        return 0;
}

static int on_policy(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        return on_answer(userdata, POLICY, m);
}

static int on_values(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        return on_answer(userdata, VALUES, m);
}

static int on_registry(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        return on_answer(userdata, REGISTRY, m);
}

/* Nobody is started for it. */
static int ask(struct standing *s, enum part part, const char *name, const char *path, const char *interface,
        const char *method, const char *argument, sd_bus_message_handler_t answer)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = sd_bus_message_new_method_call(s->bus, &m, name, path, interface, method);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, false);
        if (r >= 0 && argument)
                r = sd_bus_message_append(m, "s", argument);
        return r < 0 ? r : sd_bus_call_async(s->bus, &s->calls[part], m, answer, s, CALL_TIMEOUT_USEC);
}

static int on_time(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        static const char properties[] = "org.freedesktop.DBus.Properties";
        struct standing *s = userdata;

        int r = ask(
                s, POLICY, POLICY_BUS_NAME, POLICY_PATH, properties, "GetAll", POLICY_INTERFACE, on_policy);
        if (r >= 0)
                r = ask(s, VALUES, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, "ListSettings", NULL,
                        on_values);
        if (r >= 0)
                r = ask(s, REGISTRY, REGISTRY_BUS_NAME, REGISTRY_PATH, properties, "GetAll",
                        REGISTRY_INTERFACE, on_registry);
        if (r < 0) {
                log_warning("cannot ask how this machine stands: %s; trying again", strerror(-r));
                plan(s, LATER_USEC);
        }
        return 0;
}

/* What is being answered may be from before it. */
static void look(struct standing *s)
{
        s->again = is_asking(s);
        if (!s->again)
                plan(s, SOON_USEC);
}

static int on_signal(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct standing *s = userdata;

        if (peer_sent(s->peers[0], m) || peer_sent(s->peers[1], m))
                look(s);
        return 0;
}

static void on_peer(_unused_ const char *old, _unused_ const char *owner, void *userdata)
{
        look(userdata);
}

static void on_folder(void *userdata)
{
        struct standing *s = userdata;

        s->delay = LATER_USEC;
        look(s);
}

/* ---- making and ending ---- */

static int watch_folders(struct standing *s)
{
        static const char *const folders[] = { LAYOUT_FLEET_DIR, LAYOUT_DROPINS_FLEET,
                LAYOUT_DROPINS_ADMIN };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(folders); i++) {
                _cleanup_free_ char *path = file_path(s->root, folders[i]);
                r = path ? fswatch_new(sd_bus_get_event(s->bus), FSWATCH_DIRECTORY, path, on_folder, s,
                                   &s->folders[i])
                         : -ENOMEM;
        }
        return r;
}

static int start(struct standing *s)
{
        static const struct {
                const char *name, *path;
        } peers[] = { { POLICY_BUS_NAME, POLICY_PATH }, { REGISTRY_BUS_NAME, REGISTRY_PATH } };
        int r = loop_timer_new(sd_bus_get_event(s->bus), 0, on_time, s, &s->timer);

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(peers); i++) {
                r = sd_bus_match_signal_async(s->bus, &s->signals[i], peers[i].name, peers[i].path, NULL,
                        NULL, on_signal, NULL, s);
                if (r >= 0)
                        r = peer_new(s->bus, peers[i].name, on_peer, s, &s->peers[i]);
        }
        return r < 0 ? r : watch_folders(s);
}

int standing_new(sd_bus *bus, const char *root, void (*changed)(void *userdata), void *userdata,
        struct standing **ret)
{
        struct standing *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        *s = (struct standing){ .bus = bus, .changed = changed, .userdata = userdata, .delay = SELDOM_USEC };
        s->root = strdup(root);
        int r = s->root ? start(s) : -ENOMEM;
        if (r < 0) {
                (void)standing_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct standing *standing_free(struct standing *s)
{
        if (!s)
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(s->peers); i++) {
                (void)peer_free(s->peers[i]);
                sd_bus_slot_unref(s->signals[i]);
        }
        for (size_t i = 0; i < PARTS_N; i++) {
                sd_bus_slot_unref(s->calls[i]);
                buf_done(&s->parts[i]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(s->folders); i++)
                (void)fswatch_free(s->folders[i]);
        sd_event_source_disable_unref(s->timer);
        buf_done(&s->text);
        free(s->root);
        free(s);
        return NULL;
}
