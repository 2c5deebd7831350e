/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "refusals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/log.h"
#include "../events/loop.h"

#define TEXT_MAX 512u
#define RANGES_MAX 8u
#define RANGES_TEXT_MAX (RANGES_MAX * sizeof("4294967295-4294967295,"))

struct refusal {
        struct actor actor; /* of the newest */
        uint64_t when;      /* the newest was */
        char *path;
        char *layer;
        uint64_t count; /* since it was recorded last */
};

struct refusing_user {
        uint32_t uid;
        struct refusal list[REFUSALS_PER_USER];
        size_t n;
        struct refusal others; /* that found no place: the newest of them */
        bool goes_on;          /* after what the window began with */
        unsigned window, left; /* in REFUSAL_WINDOW_USEC */
};

/* Whatever there are: of more than RANGES_MAX those become one that lie closest together. */
struct uid_ranges {
        struct {
                uint32_t first, last;
        } list[RANGES_MAX + 1]; /* ascending, with something between any two */
        size_t n;
};

struct refusals {
        refusals_emit_t emit;
        void *userdata;
        sd_event_source *timer;
        struct refusing_user *users[REFUSAL_USERS_MAX];
        size_t n_users;
        struct refusal crowd; /* of users that found no place: the newest */
        struct uid_ranges crowd_uids;
};

static void ranges_join(struct uid_ranges *r, size_t i)
{
        r->list[i].last = r->list[i + 1].last;
        r->n--;
        memmove(&r->list[i + 1], &r->list[i + 2], (r->n - i - 1) * sizeof(r->list[0]));
}

static void ranges_join_closest(struct uid_ranges *r)
{
        size_t closest = 0;

        for (size_t i = 1; i + 1 < r->n; i++)
                if (r->list[i + 1].first - r->list[i].last <
                        r->list[closest + 1].first - r->list[closest].last)
                        closest = i;
        ranges_join(r, closest);
}

static void ranges_add(struct uid_ranges *r, uint32_t uid)
{
        size_t i = 0;

        while (i < r->n && r->list[i].last < uid)
                i++;
        if (i < r->n && r->list[i].first <= uid)
                return;
        memmove(&r->list[i + 1], &r->list[i], (r->n - i) * sizeof(r->list[0]));
        r->list[i].first = r->list[i].last = uid;
        r->n++;
        if (i + 1 < r->n && r->list[i + 1].first == uid + 1)
                ranges_join(r, i);
        if (i > 0 && r->list[i - 1].last + 1 == uid)
                ranges_join(r, i - 1);
        if (r->n > RANGES_MAX)
                ranges_join_closest(r);
}

static void ranges_format(const struct uid_ranges *r, char *out)
{
        *out = '\0';
        for (size_t i = 0; i < r->n; i++) {
                out += sprintf(out, "%s%u", i > 0 ? "," : "", r->list[i].first);
                if (r->list[i].last > r->list[i].first)
                        out += sprintf(out, "-%u", r->list[i].last);
        }
}

static void emit(
        struct refusals *r, const struct refusal *x, const char *uids, const char *why, uint64_t count)
{
        r->emit(&(struct refusals_record){ .actor = &x->actor,
                        .path = x->path,
                        .layer = x->layer && x->layer[0] ? x->layer : NULL,
                        .why = why,
                        .users = uids,
                        .count = count,
                        .when = x->when },
                r->userdata);
}

/* The sentence for people has no place for a count. */
static void emit_counted(struct refusals *r, struct refusal *x, const char *uids, const char *why)
{
        char text[128];

        if (x->count == 0)
                return;
        (void)snprintf(
                text, sizeof(text), "%s, %" PRIu64 " time%s", why, x->count, x->count == 1 ? "" : "s");
        emit(r, x, uids, text, x->count);
        x->count = 0;
}

static void refusal_done(struct refusal *x)
{
        free(x->path);
        free(x->layer);
        *x = (struct refusal){ 0 };
}

/* Without memory the record lacks the text. */
static void refusal_set(struct refusal *x, const char *path, const char *layer)
{
        free(x->path);
        free(x->layer);
        x->path = strndup(path, TEXT_MAX);
        x->layer = strndup(layer, TEXT_MAX);
}

static void refusal_note(struct refusal *x, const struct actor *actor)
{
        x->actor = *actor;
        x->when = clock_of(CLOCK_REALTIME);
}

static void record_user(struct refusals *r, struct refusing_user *u)
{
        for (size_t i = 0; i < u->n; i++) {
                emit_counted(r, &u->list[i], NULL, "the same again");
                refusal_done(&u->list[i]);
        }
        u->n = 0;
        emit_counted(r, &u->others, NULL, "of many kinds, of which this is the newest");
        refusal_done(&u->others);
}

static void record_crowd(struct refusals *r)
{
        char uids[RANGES_TEXT_MAX];

        ranges_format(&r->crowd_uids, uids);
        emit_counted(r, &r->crowd, uids, "of many users, of which this is the newest");
        refusal_done(&r->crowd);
        r->crowd_uids = (struct uid_ranges){ 0 };
}

/* What was counted is recorded, and the next of its kind is recorded at once again. False: the user is
 * forgotten. */
static bool end_window(struct refusals *r, struct refusing_user *u)
{
        record_user(r, u);
        u->window = !u->goes_on                           ? u->window / 2
                    : u->window * 2 < REFUSAL_WINDOWS_MAX ? u->window * 2
                                                          : REFUSAL_WINDOWS_MAX;
        u->left = u->window;
        u->goes_on = false;
        return u->window > 0;
}

static void start_timer(struct refusals *r)
{
        if (loop_timer_runs(r->timer))
                return;
        int e = loop_timer_start(r->timer, REFUSAL_WINDOW_USEC);
        if (e < 0)
                log_warning("cannot set a timer: %s; refused calls are reported at the end", strerror(-e));
}

static int on_timer(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        struct refusals *r = userdata;

        for (size_t i = 0; i < r->n_users;) {
                struct refusing_user *u = r->users[i];
                if (--u->left > 0 || end_window(r, u)) {
                        i++;
                        continue;
                }
                free(u);
                r->users[i] = r->users[--r->n_users];
        }
        record_crowd(r);
        if (r->n_users > 0)
                start_timer(r);
        return 0;
}

int refusals_new(sd_event *event, refusals_emit_t emit_record, void *userdata, struct refusals **ret)
{
        struct refusals *r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        r->emit = emit_record;
        r->userdata = userdata;
        int e = loop_timer_new(event, 0, on_timer, r, &r->timer);
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
        while (r->n_users > 0) {
                struct refusing_user *u = r->users[--r->n_users];
                record_user(r, u);
                free(u);
        }
        record_crowd(r);
        sd_event_source_disable_unref(r->timer);
        free(r);
        return NULL;
}

/* NULL: there is no place for one more. */
static struct refusing_user *find_user(struct refusals *r, uint32_t uid)
{
        for (size_t i = 0; i < r->n_users; i++)
                if (r->users[i]->uid == uid) {
                        r->users[i]->goes_on = true;
                        return r->users[i];
                }
        struct refusing_user *u = r->n_users < REFUSAL_USERS_MAX ? calloc(1, sizeof(*u)) : NULL;
        if (!u)
                return NULL;
        u->uid = uid;
        u->window = u->left = 1;
        r->users[r->n_users++] = u;
        return u;
}

static bool is_text(const char *kept, const char *text)
{
        return kept && strncmp(kept, text, TEXT_MAX) == 0;
}

static struct refusal *find_refusal(
        struct refusing_user *u, const struct actor *actor, const char *path, const char *layer)
{
        for (size_t i = 0; i < u->n; i++) {
                struct refusal *x = &u->list[i];
                if (x->actor.loginuid == actor->loginuid && x->actor.session == actor->session &&
                        is_text(x->path, path) && is_text(x->layer, layer))
                        return x;
        }
        return NULL;
}

void refusals_note(
        struct refusals *r, const struct actor *actor, const char *path, const char *layer, const char *why)
{
        layer = layer ? layer : "";
        struct refusing_user *u = find_user(r, actor->uid);
        struct refusal *x = u ? find_refusal(u, actor, path, layer) : NULL;

        start_timer(r);
        if (!x && u && u->n < REFUSALS_PER_USER) {
                x = &u->list[u->n++];
                refusal_set(x, path, layer);
                refusal_note(x, actor);
                emit(r, x, NULL, why, 0);
                return;
        }
        if (!u)
                ranges_add(&r->crowd_uids, actor->uid);
        if (!x) {
                x = u ? &u->others : &r->crowd;
                refusal_set(x, path, layer);
        }
        refusal_note(x, actor);
        x->count++;
}
