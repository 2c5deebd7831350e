/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "past.h"

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
#include "../registry/restoration.h"
#include "../store/halt.h"
#include "../store/history.h"
#include "answer.h"

/* Calls that wait, or are being worked; of all, but for those who may write. */
#define CALLS_MAX 64u
#define CALLS_PER_USER_MAX 8u
#define INTERRUPT_USEC 20000u

static const struct method {
        const char *name;
        bool of_value;
        reader_answer_t answer; /* NULL: it takes options of its own */
        bool of_copy;
} methods[] = {
        { "GetAt", true, reader_answer_get, false },
        { "ListAt", false, reader_answer_list, false },
        { "InfoAt", false, reader_answer_info, false },
        { "ResolveAt", true, reader_answer_resolve, false },
        { "ReadTreeAt", false, NULL, false },
        { "Restore", false, NULL, true },
        { "PreviewRestore", false, NULL, true },
};

/* As often a copy is compared beside the loop before the loop does it, so that nothing is changed meanwhile.
 */
#define COMPARISONS_MAX 4u

/* What the thread needs of it is copied: messages are the loop's. */
struct call {
        struct call *next;
        sd_bus_message *m;
        const struct method *method;
        uint32_t uid;
        bool may_write;
        bool is_writers;
        char *key, *name;
        char *layer, *after; /* of ReadTreeAt() */
        size_t keys_max;
        bool of_link, is_of_now;
        enum history_scale scale;
        uint64_t number;

        struct restoration *copy;  /* of a copy */
        struct registry *registry; /* of a moment; NULL: it failed */
        int error;                 /* as a registry's */
        struct diag why;
};

struct past {
        struct reader *reader;
        char *file;
        sd_event_source *source;
        int event_fd;
        pthread_t thread;
        bool has_thread;
        unsigned n; /* calls that are not answered yet */

        pthread_mutex_t lock; /* of what follows */
        pthread_cond_t wake;
        bool stop, has_ended;
        struct call *waiting, *done;
        struct halt halt; /* has its own */
};

static struct call *call_free(struct call *c)
{
        if (!c)
                return NULL;
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
DEFINE_CLEANUP(struct call *, call_free, call_freep);

/* Whoever may write comes first. */
static void put(struct call **list, struct call *c)
{
        while (*list && (*list)->may_write >= c->may_write)
                list = &(*list)->next;
        c->next = *list;
        *list = c;
}

static struct call *take(struct call **list)
{
        struct call *c = *list;

        if (c)
                *list = c->next;
        return c;
}

/* ---- The thread ---- */

static int show(struct store *s, struct call *c)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        int64_t row;

        int r = history_find(s, c->scale, c->number, INT64_MAX, &row, &c->why);
        return r != 0 ? answer_missed(r) : store_show(s, row);
}

static struct reader_part part_of(const struct call *c)
{
        return (struct reader_part){ .layer = c->layer, .after = c->after, .keys_max = c->keys_max };
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
        struct past *p = userdata;

        halt_watch(&p->halt);
        (void)pthread_mutex_lock(&p->lock);
        while (!p->stop) {
                struct call *c = take(&p->waiting);
                if (!c) {
                        (void)pthread_cond_wait(&p->wake, &p->lock);
                        continue;
                }
                (void)pthread_mutex_unlock(&p->lock);
                work(p, c);
                (void)pthread_mutex_lock(&p->lock);
                put(&p->done, c);
                /* It fails only where the loop is to wake anyway. */
                (void)eventfd_write(p->event_fd, 1);
        }
        p->has_ended = true;
        (void)pthread_cond_broadcast(&p->wake);
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

static int answer_moment(const struct past *p, struct call *c, sd_bus_error *error)
{
        const struct reader_question q = question_of(c);
        const struct reader_part part = part_of(c);

        registry_set_schema(c->registry, registry_schema(p->reader->registry));
        return c->method->answer ? c->method->answer(p->reader, c->registry, c->m, &q, error)
                                 : reader_answer_tree(p->reader, c->registry, c->m, &q, &part, error);
}

/* What is wrong with a copy, or the disk cannot do for it, is no fault of the registry's. */
static int answer_copy(const struct past *p, struct call *c, sd_bus_error *error)
{
        const struct registry *registry = p->reader->registry;

        if (c->error == 0 && !restoration_is_current(c->copy, registry))
                c->error = restoration_compare(c->copy, p->file, &c->why);
        if (c->error > 0 || (c->error < 0 && !c->why.text[0]))
                return answer_fail(registry, c->error, &c->why, error);
        return c->error < 0 ? sd_bus_error_set(error, ERROR_STORAGE, c->why.text)
                            : writer_restore(p->reader->writer, c->m, c->copy, error);
}

static void answer(const struct past *p, struct call *c)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = c->copy       ? answer_copy(p, c, &error)
                : c->registry ? answer_moment(p, c, &error)
                              : fail(p, c, &error);
        if (r < 0)
                (void)(sd_bus_error_is_set(&error) ? sd_bus_reply_method_error(c->m, &error)
                                                   : sd_bus_reply_method_errno(c->m, r, NULL));
}

static struct call *take_done(struct past *p)
{
        (void)pthread_mutex_lock(&p->lock);
        struct call *c = take(&p->done);
        if (!c)
                (void)eventfd_read(p->event_fd, &(eventfd_t){ 0 });
        (void)pthread_mutex_unlock(&p->lock);
        return c;
}

static void put_waiting(struct past *p, struct call *c)
{
        put(&p->waiting, c);
        (void)pthread_cond_signal(&p->wake);
}

/* Somebody has changed the registry meanwhile. */
static bool compare_again(struct past *p, struct call *c)
{
        if (!c->copy || c->error != 0)
                return false;
        writer_flush(p->reader->writer);
        if (restoration_is_current(c->copy, p->reader->registry) ||
                restoration_tries(c->copy) >= COMPARISONS_MAX)
                return false;
        (void)pthread_mutex_lock(&p->lock);
        put_waiting(p, c);
        (void)pthread_mutex_unlock(&p->lock);
        return true;
}

/* One in a turn of the loop; what it takes is its user's time. */
static int on_done(
        _unused_ sd_event_source *source, _unused_ int fd, _unused_ uint32_t events, void *userdata)
{
        struct past *p = userdata;
        struct call *c = take_done(p);

        if (c && compare_again(p, c))
                return 0;
        if (c) {
                const uint64_t since = clock_usec();
                p->n--;
                answer(p, c);
                gate_took(p->reader->gate, c->m, since);
        }
        (void)call_free(c);
        return 0;
}

/* ---- Calls ---- */

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
        c->layer = layer ? strdup(layer) : NULL;
        c->after = after ? strdup(after) : NULL;
        if ((layer && !c->layer) || (after && !c->after))
                return -ENOMEM;
        return 0;
}

/* The descriptor is the message's. */
static int read_copy(const struct past *p, sd_bus_message *m, struct call *c, sd_bus_error *error)
{
        _cleanup_path_ struct path path = { 0 };
        const char *key = NULL;
        const struct wire_member members[] = { { "key", "s", &key } };
        struct diag d = { 0 };
        int fd;

        int r = sd_bus_message_read(m, "h", &fd);
        if (r >= 0)
                r = wire_read_strict(m, members, ARRAY_SIZE(members), &d);
        if (r < 0)
                return answer_invalid(r, &d, error);
        r = key ? registry_path(p->reader->registry, key, &path, &d) : 0;
        if (r != 0)
                return answer_fail(p->reader->registry, r, &d, error);
        c->m = sd_bus_message_ref(m);
        return restoration_new(fd, &path, &c->copy);
}

static int read_call(const struct past *p, sd_bus_message *m, struct call *c, sd_bus_error *error)
{
        const char *key, *name = NULL;

        if (c->method->of_copy)
                return read_copy(p, m, c, error);
        int r = sd_bus_message_read(m, "s", &key);
        if (r >= 0 && c->method->of_value)
                r = sd_bus_message_read(m, "s", &name);
        if (r >= 0)
                r = read_moment(m, c, error);
        if (r < 0)
                return r;
        c->key = strdup(key);
        c->name = name ? strdup(name) : NULL;
        c->m = sd_bus_message_ref(m);
        return c->key && (c->name || !name) ? 0 : -ENOMEM;
}

static unsigned count(const struct past *p, uint32_t uid)
{
        unsigned n = 0;

        for (const struct call *c = p->waiting; c; c = c->next)
                n += c->uid == uid;
        return n;
}

static int start(struct past *p)
{
        if (p->has_thread)
                return 0;
        int r = thread_start(&p->thread, run, p);
        p->has_thread = r == 0;
        return r;
}

static int enter(struct past *p, struct call *c, sd_bus_error *error)
{
        (void)pthread_mutex_lock(&p->lock);
        const bool has_room = (c->may_write || p->n < CALLS_MAX) && count(p, c->uid) < CALLS_PER_USER_MAX;
        if (has_room) {
                put_waiting(p, c);
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
        if (c->is_of_now) {
                const struct reader_question q = question_of(c);
                return c->method->answer(p->reader, p->reader->registry, m, &q, error);
        }
        r = start(p);
        if (r >= 0)
                r = enter(p, c, error);
        if (r > 0)
                (void)STEAL_PTR(c);
        return r;
}

void past_drop_caller(struct past *p, const char *name)
{
        struct call **at = &p->waiting;

        (void)pthread_mutex_lock(&p->lock);
        while (*at)
                if (strcmp(sd_bus_message_get_sender((*at)->m), name) == 0) {
                        p->n--;
                        (void)call_free(take(at));
                } else
                        at = &(*at)->next;
        (void)pthread_mutex_unlock(&p->lock);
}

/* ---- Life ---- */

int past_new(struct reader *reader, const char *file, struct past **ret)
{
        struct past *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        p->reader = reader;
        (void)pthread_mutex_init(&p->lock, NULL);
        thread_cond_init(&p->wake);
        halt_init(&p->halt);
        restoration_clean_up(file);
        p->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        p->file = strdup(file);
        int r = p->event_fd < 0 ? -errno : p->file ? 0 : -ENOMEM;
        if (r == 0)
                r = sd_event_add_io(sd_bus_get_event(reader->writer->config->bus), &p->source, p->event_fd,
                        EPOLLIN, on_done, p);
        if (r < 0) {
                (void)past_free(p);
                return r;
        }
        *ret = p;
        return 0;
}

struct past *past_free(struct past *p)
{
        struct call *c;

        if (!p)
                return NULL;
        (void)pthread_mutex_lock(&p->lock);
        p->stop = true;
        (void)pthread_cond_broadcast(&p->wake);
        while (p->has_thread && !p->has_ended) {
                /* It is lost between two statements. */
                halt_call(&p->halt);
                (void)thread_wait_until(&p->wake, &p->lock, clock_usec() + INTERRUPT_USEC);
        }
        (void)pthread_mutex_unlock(&p->lock);
        if (p->has_thread)
                (void)pthread_join(p->thread, NULL);
        while ((c = take(&p->waiting)) || (c = take(&p->done)))
                (void)call_free(c);
        sd_event_source_disable_unref(p->source);
        if (p->event_fd >= 0)
                (void)close(p->event_fd);
        halt_done(&p->halt);
        (void)pthread_cond_destroy(&p->wake);
        (void)pthread_mutex_destroy(&p->lock);
        free(p->file);
        free(p);
        return NULL;
}
