/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "refusals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/events/timer.h"

#define PATH_MAX_KEPT 512

struct refusal {
        struct actor actor; /* of the newest */
        char path[PATH_MAX_KEPT];
        char layer[256];
        uint64_t count; /* since it was told last */
        bool used;
};

struct refusals {
        void (*emit)(const struct record *record, void *userdata);
        void *userdata;
        sd_event_source *timer;
        struct refusal list[REFUSALS_MAX];
        uint64_t others; /* that found no place */
};

static void emit(struct refusals *r, const struct actor *actor, const char *path, const char *layer,
        const char *why, uint64_t count)
{
        r->emit(&(struct record){ .kind = RECORD_WRITE_DENIED,
                        .path = path,
                        .layer = layer && layer[0] ? layer : NULL,
                        .reason = "access-denied",
                        .detail = why,
                        .count = count,
                        .actor = actor },
                r->userdata);
}

/* The sentence for people has no place for a count. */
static void emit_counted(struct refusals *r, const struct actor *actor, const char *path, const char *layer,
        const char *why, uint64_t count)
{
        char text[64];

        (void)snprintf(text, sizeof(text), "%s, %" PRIu64 " times", why, count);
        emit(r, actor, path, layer, text, count);
}

/* The window is over: what was counted is told, and the next of its kind is told at once again. */
static void tell_counted(struct refusals *r)
{
        for (size_t i = 0; i < REFUSALS_MAX; i++) {
                struct refusal *x = &r->list[i];
                if (x->used && x->count > 0)
                        emit_counted(r, &x->actor, x->path, x->layer, "the same again", x->count);
                x->used = false;
        }
        if (r->others > 0)
                emit_counted(r, NULL, "?", NULL, "of many users or values", r->others);
        r->others = 0;
}

static int on_timer(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        tell_counted(userdata);
        return 0;
}

int refusals_new(sd_event *event, void (*emit_record)(const struct record *record, void *userdata),
        void *userdata, struct refusals **ret)
{
        struct refusals *r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        r->emit = emit_record;
        r->userdata = userdata;
        int e = timer_new(event, 0, on_timer, r, &r->timer);
        if (e < 0) {
                free(r);
                return e;
        }
        *ret = r;
        return 0;
}

struct refusals *refusals_free(struct refusals *r)
{
        if (!r)
                return NULL;
        tell_counted(r);
        sd_event_source_disable_unref(r->timer);
        free(r);
        return NULL;
}

static bool is_same(const struct refusal *x, const struct actor *actor, const char *path, const char *layer)
{
        return x->actor.uid == actor->uid && x->actor.loginuid == actor->loginuid &&
               x->actor.session == actor->session && strncmp(x->path, path, sizeof(x->path) - 1) == 0 &&
               strncmp(x->layer, layer, sizeof(x->layer) - 1) == 0;
}

static struct refusal *find(
        struct refusals *r, const struct actor *actor, const char *path, const char *layer)
{
        struct refusal *unused = NULL;

        for (size_t i = 0; i < REFUSALS_MAX; i++) {
                struct refusal *x = &r->list[i];
                if (x->used && is_same(x, actor, path, layer))
                        return x;
                if (!x->used && !unused)
                        unused = x;
        }
        return unused;
}

static void start_timer(struct refusals *r)
{
        if (timer_runs(r->timer))
                return;
        int e = timer_start(r->timer, REFUSAL_WINDOW_USEC);
        if (e < 0)
                log_warning("cannot set a timer: %s; refused calls are told of at the end", strerror(-e));
}

void refusals_tell(
        struct refusals *r, const struct actor *actor, const char *path, const char *layer, const char *why)
{
        layer = layer ? layer : "";
        struct refusal *x = find(r, actor, path, layer);

        start_timer(r);
        if (!x) {
                r->others++;
                return;
        }
        x->actor = *actor;
        if (x->used) {
                x->count++;
                return;
        }
        x->used = true;
        x->count = 0;
        *stpncpy(x->path, path, sizeof(x->path) - 1) = '\0';
        *stpncpy(x->layer, layer, sizeof(x->layer) - 1) = '\0';
        emit(r, actor, path, layer, why, 0);
}
