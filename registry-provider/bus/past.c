/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "past-internal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/thread.h"
#include "../../schema/bus/cleanup.h"
#include "../../schema/bus/wire.h"
#include "../../schema/dbus/names.h"
#include "answer.h"

/* Calls that wait, or are being worked; of all, but for those who may write. */
#define CALLS_MAX 64u
#define CALLS_PER_USER_MAX 8u
/* Each is kept whole meanwhile: room for paths and names, more than once. */
#define CALL_BYTES_MAX 65536u
/* Between two steps of what is whole, where there is always something else to be done. */
#define TURN_MOST_USEC UINT64_C(25000)
/* Who has one tree after the other read keeps the log from being begun anew. */
#define LOG_PAGES_MOST 65536u
#define INTERRUPT_USEC 20000u
/* A thread that does not end for so long is left to the end of the process. */
#define END_USEC UINT64_C(1000000)

static const struct method methods[] = {
        { .name = "GetAt", .of_value = true, .answer = reader_answer_get },
        { .name = "ListAt", .answer = reader_answer_list },
        { .name = "InfoAt", .answer = reader_answer_info },
        { .name = "ResolveAt", .of_value = true, .answer = reader_answer_resolve },
        { .name = "ReadTree", .of_now = true },
        { .name = "ReadTreeAt" },
        { .name = "Restore", .of_copy = true },
        { .name = "PreviewRestore", .of_copy = true },
};

struct call *past_call_free(struct call *c)
{
        if (!c)
                return NULL;
        c->tree = reader_tree_free(c->tree);
        c->registry = registry_close(c->registry);
        c->copy = restoration_free(c->copy);
        sd_bus_message_unref(c->m);
        free(c->key);
        free(c->name);
        free(c->layer);
        free(c->after);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(struct call *, past_call_free, call_freep);

static bool is_first(const struct call *c, const struct call *other)
{
        return c->may_write != other->may_write ? c->may_write : c->n_before < other->n_before;
}

void past_put(struct call **list, struct call *c)
{
        while (*list && !is_first(c, *list))
                list = &(*list)->next;
        c->next = *list;
        *list = c;
}

struct call *past_take(struct call **list)
{
        struct call *c = *list;

        if (c)
                *list = c->next;
        return c;
}

void past_put_waiting(struct lane *l, struct call *c)
{
        past_put(&l->waiting, c);
        (void)pthread_cond_signal(&l->wake);
}

/* ---- The threads ---- */

static int show(struct store *s, struct call *c)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        int64_t row;

        int r = history_find(s, c->scale, c->number, INT64_MAX, &row, &c->why);
        return r != 0 ? answer_missed(r) : store_show(s, row);
}

static struct reader_part part_of(const struct call *c)
{
        return (struct reader_part){
                .layer = c->layer, .after = c->after, .whole = c->is_whole, .keys_max = c->keys_max
        };
}

static struct reader_question question_of(const struct call *c)
{
        return (struct reader_question){ .key = c->key, .name = c->name, .of_link = c->of_link };
}

/* Looks at what the answer will look at, so that it is all there; what is wrong with it is found again. */
static void bring_back(struct call *c)
{
        const struct registry *r = c->registry;
        const struct store *s = registry_store(r);
        _cleanup_store_scope_ struct store_scope scope = registry_scope(r);
        _cleanup_place_ struct reader_place place = { 0 };
        const struct reader_question q = question_of(c);
        struct guid key;
        size_t depth, n;

        if (!c->method->answer) {
                const struct reader_part part = part_of(c);
                c->keys_max = reader_look_at_tree(c->registry, &q, &part);
                return;
        }
        if (reader_find(r, &q, &place, NULL) != 0)
                return;
        if (registry_find_key(r, place.way.path, &key, NULL) != 0) {
                (void)registry_hiding(r, place.way.path, &depth);
                return;
        }
        (void)store_key(s, &key);
        (void)store_blankets(s, &key);
        if (!c->name)
                (void)store_children(s, &key, &n);
}

static void work(const struct past *p, struct call *c)
{
        struct store *s = NULL;

        if (c->copy) {
                c->error = restoration_gather(c->copy, p->file, &c->why);
                return;
        }
        c->error = store_open(p->file, STORE_READ_ONLY, SIZE_MAX, &s, &c->why);
        if (c->error == 0)
                c->error = show(s, c);
        if (c->error != 0) {
                (void)store_close(s);
                return;
        }
        c->error = registry_open_past(s, &c->registry);
        if (c->error == 0)
                bring_back(c);
}

static void *run(void *userdata)
{
        struct lane *l = userdata;
        struct past *p = l->past;

        halt_watch(&l->halt);
        (void)pthread_mutex_lock(&p->lock);
        while (!p->stop) {
                struct call *c = l->working = past_take(&l->waiting);
                if (!c) {
                        (void)pthread_cond_wait(&l->wake, &p->lock);
                        continue;
                }
                (void)pthread_mutex_unlock(&p->lock);
                work(p, c);
                (void)pthread_mutex_lock(&p->lock);
                l->working = NULL;
                past_put(&p->done, c);
                /* It fails only where the loop is to wake anyway. */
                (void)eventfd_write(p->event_fd, 1);
        }
        l->has_ended = true;
        (void)pthread_cond_broadcast(&l->wake);
        (void)pthread_mutex_unlock(&p->lock);
        return NULL;
}

/* ---- The answer ---- */

/* Whatever the file cannot be opened for, it is no fault of what was asked. */
static int fail(const struct past *p, const struct call *c, sd_bus_error *error)
{
        return c->error > 0 || store_is_failure(c->error) || !c->why.text[0]
                       ? reader_fail(p->reader, NULL, c->error, &c->why, error)
                       : sd_bus_error_set(error, ERROR_STORAGE, c->why.text);
}

static int answer_moment(
        const struct past *p, struct registry *of, const struct call *c, sd_bus_error *error)
{
        const struct reader_question q = question_of(c);
        const struct reader_part part = part_of(c);

        registry_set_schema(of, registry_schema(p->reader->registry));
        return c->method->answer ? c->method->answer(p->reader, of, c->m, &q, error)
                                 : reader_answer_tree(p->reader, of, c->m, &q, &part, error);
}

static void reply_error(const struct call *c, int r, const sd_bus_error *error)
{
        (void)(sd_bus_error_is_set(error) ? sd_bus_reply_method_error(c->m, error)
                                          : sd_bus_reply_method_errno(c->m, r, NULL));
}

static void answer(const struct past *p, struct call *c)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = c->copy       ? past_answer_copy(p, c, &error)
                : c->registry ? answer_moment(p, c->registry, c, &error)
                              : fail(p, c, &error);
        if (r < 0)
                reply_error(c, r, &error);
}

static struct call *take_done(struct past *p)
{
        (void)pthread_mutex_lock(&p->lock);
        struct call *c = past_take(&p->done);
        if (!c)
                (void)eventfd_read(p->event_fd, &(eventfd_t){ 0 });
        (void)pthread_mutex_unlock(&p->lock);
        return c;
}

/* One in a turn of the loop; what it takes is its user's time. */
static int on_done(
        _unused_ sd_event_source *source, _unused_ int fd, _unused_ uint32_t events, void *userdata)
{
        struct past *p = userdata;
        struct call *c = take_done(p);

        if (c && c->is_given_up)
                p->is_stuck = false;
        else if (c && past_compares_again(p, c))
                return 0;
        else if (c) {
                const uint64_t since = clock_usec();
                p->n--;
                answer(p, c);
                gate_took(p->reader->gate, c->m, since);
        }
        (void)past_call_free(c);
        return 0;
}

/* ---- What is whole ---- */

/* What is written while the loop puts it together changes nothing of it. */
static int open_tree(const struct past *p, struct call *c, sd_bus_error *error)
{
        const struct reader_question q = question_of(c);
        const struct reader_part part = part_of(c);
        struct registry *now = p->reader->registry;
        struct store *s = NULL;

        writer_flush(p->reader->writer);
        c->error = store_open(p->file, STORE_READ_ONLY, SIZE_MAX, &s, &c->why);
        if (c->error == 0)
                c->error = store_freeze(s, registry_store(now));
        if (c->error == 0)
                c->error = registry_open_frozen(now, STEAL_PTR(s), &c->registry);
        (void)store_close(s);
        return c->error != 0 ? fail(p, c, error)
                             : reader_tree_open(p->reader, c->registry, c->m, &q, &part, &c->tree, error);
}

/* 1: it goes on; 0: it was sent; or negative. */
static int step(const struct past *p, struct call *c, sd_bus_error *error)
{
        const uint64_t since = clock_usec();

        int r = c->tree ? 0 : open_tree(p, c, error);
        if (r >= 0)
                r = reader_tree_step(c->tree, error);
        if (r == 0 && (r = reader_tree_send(c->tree, error)) > 0)
                r = 0;
        gate_took(p->reader->gate, c->m, since);
        return r;
}

static void end_whole(struct past *p)
{
        p->wholes.working = past_call_free(p->wholes.working);
        p->n--;
}

static void on_turn(void *userdata)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        struct past *p = userdata;
        struct lane *l = &p->wholes;

        if (!l->working)
                l->working = past_take(&l->waiting);
        if (!l->working)
                return;
        int r = step(p, l->working, &error);
        if (r < 0)
                reply_error(l->working, r, &error);
        if (r <= 0)
                end_whole(p);
        if (l->working || l->waiting)
                (void)!loop_deferred_start(p->turn);
}

/* ---- Calls ---- */

static int keep_part(struct call *c, const char *layer, const char *after)
{
        c->layer = layer ? strdup(layer) : NULL;
        c->after = after ? strdup(after) : NULL;
        return (layer && !c->layer) || (after && !c->after) ? -ENOMEM : 0;
}

static int read_options_of_now(sd_bus_message *m, struct call *c, sd_bus_error *error)
{
        const char *layer = NULL, *after = NULL;
        int whole = 0, no_follow = 0;
        const struct wire_member members[] = {
                { "layer", "s", &layer },
                { "after", "s", &after },
                { "whole", "b", &whole },
                { "no-follow", "b", &no_follow },
        };
        struct diag d = { 0 };

        int r = wire_read_strict(m, members, ARRAY_SIZE(members), &d);
        if (r < 0)
                return answer_invalid(r, &d, error);
        c->of_link = no_follow != 0;
        c->is_whole = whole != 0;
        c->is_of_now = !c->is_whole;
        return keep_part(c, layer, after);
}

static int read_moment(sd_bus_message *m, struct call *c, sd_bus_error *error)
{
        uint64_t sequence = UINT64_MAX, time = UINT64_MAX;
        const char *layer = NULL, *after = NULL;
        int no_follow = 0;
        const struct wire_member members[] = {
                { "sequence", "t", &sequence },
                { "time", "t", &time },
                { "no-follow", "b", &no_follow },
                { "layer", "s", &layer },
                { "after", "s", &after },
        };
        const size_t n = c->method->answer ? 3 : ARRAY_SIZE(members);
        struct diag d = { 0 };

        int r = wire_read_strict(m, members, n, &d);
        if (r < 0)
                return answer_invalid(r, &d, error);
        c->of_link = no_follow != 0;
        c->is_of_now = c->of_link && c->method->answer && sequence == UINT64_MAX && time == UINT64_MAX;
        if (c->is_of_now)
                return 0;
        if ((sequence == UINT64_MAX) == (time == UINT64_MAX))
                return sd_bus_error_set(error, ERROR_INVALID_VALUE,
                        "one of the options sequence and time says which moment");
        c->scale = sequence != UINT64_MAX ? HISTORY_BY_SEQUENCE : HISTORY_BY_TIME;
        c->number = sequence != UINT64_MAX ? sequence : time;
        return keep_part(c, layer, after);
}

static int check_size(sd_bus_message *m, sd_bus_error *error)
{
        const struct account_size limit = { .values = SIZE_MAX, .bytes = CALL_BYTES_MAX };
        struct account_size size;

        int r = account_measure(m, &limit, &size);
        return r != 0 ? r
                      : sd_bus_error_setf(error, ERROR_TOO_LARGE,
                                "a call for one moment has more than %u bytes", CALL_BYTES_MAX);
}

static int read_call(const struct past *p, sd_bus_message *m, struct call *c, sd_bus_error *error)
{
        const char *key, *name = NULL;

        if (c->method->of_copy)
                return past_read_copy(p, m, c, error);
        int r = check_size(m, error);
        if (r >= 0)
                r = sd_bus_message_read(m, "s", &key);
        if (r >= 0 && c->method->of_value)
                r = sd_bus_message_read(m, "s", &name);
        if (r >= 0)
                r = c->method->of_now ? read_options_of_now(m, c, error) : read_moment(m, c, error);
        if (r < 0)
                return r;
        c->key = strdup(key);
        c->name = name ? strdup(name) : NULL;
        c->m = sd_bus_message_ref(m);
        return c->key && (c->name || !name) ? 0 : -ENOMEM;
}

static unsigned count(const struct lane *l, uint32_t uid)
{
        unsigned n = 0;

        for (const struct call *c = l->waiting; c; c = c->next)
                n += c->uid == uid;
        return n;
}

static int start(struct lane *l)
{
        if (l->has_thread)
                return 0;
        int r = thread_start(&l->thread, run, l);
        l->has_thread = r == 0;
        return r;
}

static int enter(struct past *p, struct lane *l, struct call *c, sd_bus_error *error)
{
        (void)pthread_mutex_lock(&p->lock);
        c->n_before = count(l, c->uid);
        const bool has_room = (c->may_write || p->n < CALLS_MAX) && c->n_before < CALLS_PER_USER_MAX;
        if (has_room) {
                past_put_waiting(l, c);
                p->n++;
        }
        (void)pthread_mutex_unlock(&p->lock);
        return has_room ? 1
                        : sd_bus_error_setf(error, ERROR_LIMIT,
                                  "%u calls, or %u of one user, already wait for earlier moments", CALLS_MAX,
                                  CALLS_PER_USER_MAX);
}

/* It has all layers, and takes long. */
static int refuse(struct past *p, sd_bus_message *m, const struct caller *caller, sd_bus_error *error)
{
        if (strcmp(sd_bus_message_get_member(m), "Restore") == 0)
                refusals_note(p->reader->writer->refusals, &caller->actor, "Restore()", NULL, "not root");
        return sd_bus_error_set(error, ERROR_ACCESS_DENIED, "only root may restore a copy");
}

int past_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct past *p = *(struct past **)userdata;
        _cleanup_(call_freep) struct call *c = calloc(1, sizeof(*c));
        struct caller *caller = gate_caller(p->reader->gate, m);

        if (!c || !caller)
                return c ? -ESRCH : -ENOMEM;
        c->uid = caller->user->uid;
        c->may_write = gate_is_writer(caller);
        for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
                if (strcmp(methods[i].name, sd_bus_message_get_member(m)) == 0)
                        c->method = &methods[i];
        int r = c->method->of_copy && c->uid != 0 ? refuse(p, m, caller, error) : read_call(p, m, c, error);
        if (r < 0)
                return r;
        /* The thread sees what is committed. */
        writer_flush(p->reader->writer);
        if (c->is_of_now)
                return answer_moment(p, p->reader->registry, c, error);
        struct lane *l = c->copy ? &p->copies : c->is_whole ? &p->wholes : &p->moments;
        if (c->is_whole && !c->may_write &&
                store_log_pages(registry_store(p->reader->registry)) >= LOG_PAGES_MOST)
                return sd_bus_error_set(
                        error, ERROR_LIMIT, "the database's log is too large for a whole tree");
        r = c->is_whole ? loop_deferred_start(p->turn) : start(l);
        if (r >= 0 && c->copy)
                r = past_watch_copies(p);
        if (r >= 0)
                r = enter(p, l, c, error);
        if (r > 0)
                (void)STEAL_PTR(c);
        return r;
}

static void drop_caller(struct lane *l, const char *name)
{
        struct call **at = &l->waiting;

        while (*at)
                if (strcmp(sd_bus_message_get_sender((*at)->m), name) == 0) {
                        l->past->n--;
                        (void)past_call_free(past_take(at));
                } else
                        at = &(*at)->next;
}

void past_drop_caller(struct past *p, const char *name)
{
        (void)pthread_mutex_lock(&p->lock);
        drop_caller(&p->moments, name);
        drop_caller(&p->copies, name);
        drop_caller(&p->wholes, name);
        (void)pthread_mutex_unlock(&p->lock);
        if (p->wholes.working && strcmp(sd_bus_message_get_sender(p->wholes.working->m), name) == 0)
                end_whole(p);
}

/* ---- Life ---- */

static void lane_init(struct lane *l, struct past *p)
{
        l->past = p;
        halt_init(&l->halt);
        thread_cond_init(&l->wake);
}

int past_new(struct reader *reader, const char *file, struct past **ret)
{
        struct past *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        p->reader = reader;
        (void)pthread_mutex_init(&p->lock, NULL);
        lane_init(&p->moments, p);
        lane_init(&p->copies, p);
        lane_init(&p->wholes, p);
        restoration_clean_up(file);
        p->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        p->file = strdup(file);
        int r = p->event_fd < 0 ? -errno : p->file ? 0 : -ENOMEM;
        if (r == 0)
                r = sd_event_add_io(sd_bus_get_event(reader->writer->config->bus), &p->source, p->event_fd,
                        EPOLLIN, on_done, p);
        if (r >= 0)
                r = loop_deferred_new(sd_bus_get_event(reader->writer->config->bus),
                        SD_EVENT_PRIORITY_IDLE + 2, TURN_MOST_USEC, on_turn, p, &p->turn);
        if (r < 0) {
                (void)past_free(p);
                return r;
        }
        *ret = p;
        return 0;
}

/* False: it hangs in a file of somebody's. */
static bool end_thread(struct lane *l)
{
        const uint64_t until = clock_usec() + END_USEC;

        (void)pthread_cond_broadcast(&l->wake);
        while (l->has_thread && !l->has_ended &&
                (!l->working || !l->working->copy || clock_usec() < until)) {
                /* It is lost between two statements. */
                halt_call(&l->halt);
                (void)thread_wait_until(&l->wake, &l->past->lock, clock_usec() + INTERRUPT_USEC);
        }
        return !l->has_thread || l->has_ended;
}

static void lane_done(struct lane *l)
{
        struct call *c;

        if (l->has_thread)
                (void)pthread_join(l->thread, NULL);
        while ((c = past_take(&l->waiting)))
                (void)past_call_free(c);
        halt_done(&l->halt);
        (void)pthread_cond_destroy(&l->wake);
}

struct past *past_free(struct past *p)
{
        struct call *c;

        if (!p)
                return NULL;
        p->source = sd_event_source_disable_unref(p->source);
        p->look = sd_event_source_disable_unref(p->look);
        p->turn = loop_deferred_free(p->turn);
        (void)past_call_free(STEAL_PTR(p->wholes.working));
        (void)pthread_mutex_lock(&p->lock);
        p->stop = true;
        const bool has_ended = end_thread(&p->moments) && end_thread(&p->copies);
        (void)pthread_mutex_unlock(&p->lock);
        /* Then all of it stays the thread's, until the process ends. */
        if (!has_ended)
                return NULL;
        lane_done(&p->moments);
        lane_done(&p->copies);
        lane_done(&p->wholes);
        while ((c = past_take(&p->done)))
                (void)past_call_free(c);
        if (p->event_fd >= 0)
                (void)close(p->event_fd);
        (void)pthread_mutex_destroy(&p->lock);
        free(p->file);
        free(p);
        return NULL;
}
