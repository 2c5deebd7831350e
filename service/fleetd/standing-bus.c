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

#define PROPERTIES "org.freedesktop.DBus.Properties"

/* What is asked, and how the answer is read; nobody is started for it. */
static const struct question {
        const char *name, *path, *interface, *method, *argument;
        int (*read)(sd_bus_message *m, struct buf *out);
        const char *absent;
} questions[] = {
        { POLICY_BUS_NAME, POLICY_PATH, PROPERTIES, "GetAll", POLICY_INTERFACE, standing_text_policy,
                "\"policy-service\":null" },
        { POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, "ListSettings", NULL, standing_text_values,
                "\"values\":null" },
        { REGISTRY_BUS_NAME, REGISTRY_PATH, PROPERTIES, "GetAll", REGISTRY_INTERFACE, standing_text_registry,
                "\"registry\":null" },
};

struct part {
        struct standing *of;
        const struct question *question;
        sd_bus_slot *call; /* under way */
        struct buf text;
};

struct standing {
        sd_bus *bus;
        char *root;
        void (*changed)(void *userdata);
        void *userdata;
        struct peer *peers[2]; /* whose signals count */
        sd_bus_slot *signals[2];
        struct fswatch *folders[3];
        sd_event_source *timer;
        struct part parts[ARRAY_SIZE(questions)];
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
        for (size_t i = 0; i < ARRAY_SIZE(s->parts); i++)
                if (s->parts[i].call)
                        return true;
        return false;
}

/* All that was asked for is there. */
static void compose(struct standing *s)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        int r = standing_text_machine(s->root, &text);
        for (size_t i = 0; i < ARRAY_SIZE(s->parts); i++)
                buf_printf(&text, ",%s", buf_str(&s->parts[i].text));
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

static int on_answer(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct part *p = userdata;

        p->call = sd_bus_slot_unref(p->call);
        buf_clear(&p->text);
        int r = sd_bus_message_is_method_error(m, NULL) ? -ENOENT : p->question->read(m, &p->text);
        if (r < 0) {
                buf_clear(&p->text);
                buf_puts(&p->text, p->question->absent);
        }
        answered(p->of);
        return 0;
}

static int ask(struct part *p)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const struct question *q = p->question;

        int r = sd_bus_message_new_method_call(p->of->bus, &m, q->name, q->path, q->interface, q->method);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, false);
        if (r >= 0 && q->argument)
                r = sd_bus_message_append(m, "s", q->argument);
        return r < 0 ? r : sd_bus_call_async(p->of->bus, &p->call, m, on_answer, p, CALL_TIMEOUT_USEC);
}

static int on_time(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        struct standing *s = userdata;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(s->parts); i++)
                r = ask(&s->parts[i]);
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
        for (size_t i = 0; i < ARRAY_SIZE(s->parts); i++)
                s->parts[i] = (struct part){ .of = s, .question = &questions[i] };
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
        for (size_t i = 0; i < ARRAY_SIZE(s->parts); i++) {
                sd_bus_slot_unref(s->parts[i].call);
                buf_done(&s->parts[i].text);
        }
        for (size_t i = 0; i < ARRAY_SIZE(s->folders); i++)
                (void)fswatch_free(s->folders[i]);
        sd_event_source_disable_unref(s->timer);
        buf_done(&s->text);
        free(s->root);
        free(s);
        return NULL;
}
