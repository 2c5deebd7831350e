/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/file.h"

struct group {
        char *key, *file;
};

struct fetch {
        struct agent *agent;
        struct etcd *etcd;
        int folder_fd;
        struct group *groups;
        size_t n;
        size_t asked;                   /* the group that etcd is asked for */
        struct etcd_call *call, *watch; /* under way: that, or the watch of all */
        uint64_t from;                  /* what the watch begins with */
        uint64_t revision;              /* the store's, at its last answer */
        uint64_t began, heard;          /* CLOCK_MONOTONIC */
        uint64_t counted_from;          /* as well */
        unsigned count;                 /* of FETCH_MUCH, since then */
        struct lane lane;
};

const struct lane *fetch_lane(const struct fetch *f)
{
        return &f->lane;
}

static void stop(struct fetch *f)
{
        f->watch = etcd_cancel(f->watch);
        f->call = etcd_cancel(f->call);
}

static void fail(struct fetch *f, enum etcd_status status, const char *text)
{
        stop(f);
        lane_failed(&f->lane, status, text);
        agent_plan(f->agent);
}

/* False: it is too much, and all is tried again when the minute is over. */
static bool count(struct fetch *f)
{
        const uint64_t now = clock_usec();

        if (now >= f->counted_from + FETCH_MUCH_USEC) {
                f->counted_from = now;
                f->count = 0;
        }
        if (++f->count <= FETCH_MUCH)
                return true;
        fail(f, ETCD_NONSENSE, "more changes a minute than policies can have");
        f->lane.due = f->counted_from + FETCH_MUCH_USEC + lane_spread(FETCH_MUCH_USEC);
        agent_plan(f->agent);
        return false;
}

/* ---- into the folder ---- */

static bool is_there(struct fetch *f, const struct group *g, const struct etcd_pair *pair)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        return file_read(f->folder_fd, g->file, pair->value_len, &text, NULL, NULL) == 0 &&
               text.len == pair->value_len && memcmp(buf_str(&text), pair->value, text.len) == 0;
}

/* What the group has after all of the answer's changes; NULL: nothing new. */
static const struct etcd_pair *last_of(const struct group *g, const struct etcd_answer *a)
{
        for (size_t i = a->n_pairs; i > 0; i--)
                if (!a->pairs[i - 1].deleted && strcmp(a->pairs[i - 1].key, g->key) == 0)
                        return &a->pairs[i - 1];
        return NULL;
}

/* False: it failed, and all is tried again later. */
static bool store(struct fetch *f, const struct group *g, const struct etcd_pair *pair)
{
        char text[256];

        if (!count(f))
                return false;
        int r = file_replace(f->folder_fd, g->file, pair->value, pair->value_len, 0644);
        if (r == 0)
                return true;
        (void)snprintf(text, sizeof(text), "%s cannot be written: %s", g->file, strerror(-r));
        fail(f, ETCD_REFUSED, text);
        return false;
}

/* Whoever judges them waits for a change of the folder: what is the same is not written again. Its revision
 * says nothing, as a store that was restored from a copy gives the same numbers once more. */
static bool take_pairs(struct fetch *f, const struct etcd_answer *a)
{
        for (size_t i = 0; i < f->n; i++) {
                const struct group *g = &f->groups[i];
                const struct etcd_pair *pair = last_of(g, a);
                if (pair && !is_there(f, g, pair) && !store(f, g, pair))
                        return false;
        }
        return true;
}

/* ---- from etcd ---- */

/* A store that was restored from a copy counts its changes from there: what one says and what the other says
 * is not to be mixed, and what is waited for may have been already. Answers come one after the other, so
 * that the number only rises in one store. False: it has failed. */
static bool takes(struct fetch *f, const struct etcd_answer *a)
{
        if (a->status != ETCD_OK) {
                fail(f, a->status, a->text);
                return false;
        }
        if (a->revision < f->revision) {
                fail(f, ETCD_REFUSED, "its store is an older one than it was");
                return false;
        }
        f->revision = a->revision;
        return true;
}

static void on_change(const struct etcd_answer *a, void *userdata)
{
        struct fetch *f = userdata;

        if (a->status != ETCD_OK)
                f->watch = NULL;
        if (!takes(f, a))
                return;
        f->heard = clock_usec();
        if (!count(f) || !take_pairs(f, a))
                return;
        lane_succeeded(&f->lane);
        agent_plan(f->agent);
}

static void start_watch(struct fetch *f)
{
        const char *keys[ETCD_WATCH_KEYS_MAX];

        for (size_t i = 0; i < f->n; i++)
                keys[i] = f->groups[i].key;
        f->heard = clock_usec();
        int r = etcd_watch(f->etcd, keys, f->n, f->from, on_change, f, &f->watch);
        if (r < 0)
                fail(f, ETCD_DOWN, strerror(-r));
        agent_plan(f->agent);
}

static void ask(struct fetch *f);

/* The watch begins behind the first answer, so that no change falls between two. */
static void on_group(const struct etcd_answer *a, void *userdata)
{
        struct fetch *f = userdata;

        f->call = NULL;
        if (!takes(f, a) || !take_pairs(f, a))
                return;
        if (f->asked == 0)
                f->from = a->revision + 1;
        f->asked++;
        if (f->asked < f->n)
                ask(f);
        else
                start_watch(f);
}

static void ask(struct fetch *f)
{
        etcd_keep(f->etcd, f->asked + 1 < f->n);
        int r = etcd_range(f->etcd, f->groups[f->asked].key, NULL, 0, on_group, f, &f->call);

        if (r < 0)
                fail(f, ETCD_DOWN, strerror(-r));
}

static void begin(struct fetch *f)
{
        stop(f);
        f->began = clock_usec();
        f->asked = 0;
        f->revision = 0;
        ask(f);
}

void fetch_work(struct fetch *f, uint64_t now)
{
        if (lane_begins(&f->lane, now))
                return begin(f);
        if (!f->watch)
                return;
        if (now >= f->heard + FETCH_SILENCE_USEC)
                fail(f, ETCD_SLOW, "it has been silent for 25 minutes");
        else if (now >= f->began + FETCH_ROUND_USEC)
                begin(f);
}

uint64_t fetch_due(const struct fetch *f)
{
        uint64_t silence = f->heard + FETCH_SILENCE_USEC, round = f->began + FETCH_ROUND_USEC;

        if (!f->watch)
                return f->lane.due;
        return silence < round ? silence : round;
}

/* ---- making and ending ---- */

static int add_group(struct fetch *f, const char *prefix, const char *name)
{
        struct group *g = &f->groups[f->n++];

        if (asprintf(&g->key, "%s/policy/%s", prefix, name) < 0)
                g->key = NULL;
        if (asprintf(&g->file, "%s.yaml", name) < 0)
                g->file = NULL;
        return g->key && g->file ? 0 : -ENOMEM;
}

int fetch_new(struct agent *agent, struct etcd *etcd, const struct agent_config *config, struct fetch **ret)
{
        struct fetch *f = config->n_groups <= ETCD_WATCH_KEYS_MAX ? calloc(1, sizeof(*f)) : NULL;

        if (!f)
                return config->n_groups <= ETCD_WATCH_KEYS_MAX ? -ENOMEM : -E2BIG;
        f->agent = agent;
        f->etcd = etcd;
        f->folder_fd = config->incoming_fd;
        f->groups = calloc(config->n_groups + 1, sizeof(*f->groups));
        f->lane = (struct lane){ .what = "policies", .due = LANE_NEVER };
        int r = f->groups ? 0 : -ENOMEM;
        for (size_t i = 0; r == 0 && i < config->n_groups; i++)
                r = add_group(f, config->prefix, config->groups[i]);
        if (r < 0) {
                (void)fetch_free(f);
                return r;
        }
        if (f->n > 0)
                f->lane.due = clock_usec() + lane_spread(LANE_FIRST_USEC);
        *ret = f;
        return 0;
}

struct fetch *fetch_free(struct fetch *f)
{
        if (!f)
                return NULL;
        stop(f);
        for (size_t i = 0; i < f->n; i++) {
                free(f->groups[i].key);
                free(f->groups[i].file);
        }
        free(f->groups);
        free(f);
        return NULL;
}
