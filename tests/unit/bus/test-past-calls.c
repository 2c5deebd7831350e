/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls for earlier moments: what the loop does for an answer is its user's time, a page ends where the
 * thread's look at it did, and nobody takes the places of those who may write; a copy that hangs stops
 * nothing else. The gate, the thread's look, the clock and what is read are the test's. */
#include <fcntl.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../../registry-provider/bus/past.h"
#include "../../../schema/bus/cleanup.h"
#include "../../../schema/dbus/names.h"
#include "../registry/registry-util.h"
#include "suite.h"

/* More keys, with the longest values, than one message takes. */
#define MANY 600u
/* Calls that wait: of all who may not write, and of each. */
#define PLACES 64u
#define PLACES_OF_USER 8u

struct caller *__wrap_gate_caller(struct gate *g, sd_bus_message *m);
void __wrap_gate_took(struct gate *g, sd_bus_message *m, uint64_t since);
int __wrap_gate_take(struct gate *g, sd_bus_message *m, size_t bytes, sd_bus_error *error);
void __wrap_writer_flush(struct writer *w);
size_t __wrap_reader_look_at_tree(
        struct registry *of, const struct reader_question *q, const struct reader_part *part);
size_t __real_reader_look_at_tree(
        struct registry *of, const struct reader_question *q, const struct reader_part *part);
int __wrap_sd_bus_send(sd_bus *bus, sd_bus_message *m, uint64_t *cookie);

uint64_t __wrap_clock_of(clockid_t clock);
unsigned __wrap_store_log_pages(const struct store *s);
uint64_t __real_clock_of(clockid_t clock);
ssize_t __wrap_pread64(int fd, void *bytes, size_t n, off_t at);
ssize_t __real_pread64(int fd, void *bytes, size_t n, off_t at);
int __wrap_loop_timer_start(sd_event_source *timer, uint64_t usec);
int __real_loop_timer_start(sd_event_source *timer, uint64_t usec);
int __wrap_sd_bus_reply_method_error(sd_bus_message *m, const sd_bus_error *error);

static struct caller_user user = { .uid = 1 };
static struct caller caller = { .user = &user };
static sd_bus_message *taken_of, *sent;
static bool was_sent; /* when that was taken */
static unsigned n_taken;
static uint64_t order[PLACES + PLACES_OF_USER]; /* the calls' cookies */
static size_t keys_max;
static bool is_held; /* the thread waits in its look */
static sem_t looks, goes_on;
static _Atomic uint64_t later; /* than the clock says, µs */
static unsigned log_pages;
static _Atomic uint64_t leap; /* so much later again at each look at the clock */
static sd_bus_error answered;

struct caller *__wrap_gate_caller(_unused_ struct gate *g, _unused_ sd_bus_message *m)
{
        return &caller;
}

void __wrap_gate_took(_unused_ struct gate *g, sd_bus_message *m, uint64_t since)
{
        ck_assert_uint_gt(since, 0);
        taken_of = m;
        was_sent = sent != NULL;
        ck_assert_uint_lt(n_taken, ARRAY_SIZE(order));
        ck_assert_int_ge(sd_bus_message_get_cookie(m, &order[n_taken++]), 0);
}

int __wrap_gate_take(_unused_ struct gate *g, _unused_ sd_bus_message *m, _unused_ size_t bytes,
        _unused_ sd_bus_error *error)
{
        return 0;
}

void __wrap_writer_flush(_unused_ struct writer *w)
{
}

uint64_t __wrap_clock_of(clockid_t clock)
{
        return __real_clock_of(clock) + (later += leap);
}

unsigned __wrap_store_log_pages(_unused_ const struct store *s)
{
        return log_pages;
}

static void hold(void)
{
        if (!is_held)
                return;
        (void)sem_post(&looks);
        (void)sem_wait(&goes_on);
}

ssize_t __wrap_pread64(int fd, void *bytes, size_t n, off_t at)
{
        hold();
        return __real_pread64(fd, bytes, n, at);
}

int __wrap_loop_timer_start(sd_event_source *timer, uint64_t usec)
{
        ck_assert_uint_gt(usec, 1);
        return __real_loop_timer_start(timer, 1);
}

int __wrap_sd_bus_reply_method_error(_unused_ sd_bus_message *m, const sd_bus_error *error)
{
        ck_assert(!sd_bus_error_is_set(&answered));
        return sd_bus_error_copy(&answered, error);
}

size_t __wrap_reader_look_at_tree(
        struct registry *of, const struct reader_question *q, const struct reader_part *part)
{
        const size_t max = __real_reader_look_at_tree(of, q, part);

        hold();
        return keys_max ? keys_max : max;
}

int __wrap_sd_bus_send(_unused_ sd_bus *bus, sd_bus_message *m, _unused_ uint64_t *cookie)
{
        ck_assert_ptr_null(sent);
        sent = sd_bus_message_ref(m);
        return 0;
}

static struct world w;
static sd_event *event;
static sd_bus *bus;
static struct registry1_config config;
static struct writer writer = { .config = &config };
static struct reader reader = { .writer = &writer };
static struct past *past;

static void setup(void)
{
        int fds[2];

        world_init(&w);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        ck_assert_int_ge(sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL), 0);
        (void)close(fds[1]);
        config.bus = bus;
        reader.registry = w.r;
        ck_assert_int_eq(past_new(&reader, world_file(&w), &past), 0);
        n_taken = 0;
        keys_max = 0;
        is_held = false;
        (void)sem_init(&looks, 0, 0);
        (void)sem_init(&goes_on, 0, 0);
        user = (struct caller_user){ .uid = 1 };
}

static void teardown(void)
{
        later = leap = log_pages = 0;
        past = past_free(past);
        sd_bus_error_free(&answered);
        sent = sd_bus_message_unref(sent);
        sd_bus_close_unref(bus);
        sd_event_unref(event);
        world_done(&w);
}

/* Of the newest moment. */
static void call(const char *method, const char *key, const char *name, const char *after)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        sent = sd_bus_message_unref(sent);
        taken_of = NULL;
        ck_assert_int_ge(
                sd_bus_message_new_method_call(bus, &m, "a.b", REGISTRY_PATH, REGISTRY_INTERFACE, method),
                0);
        ck_assert_int_ge(sd_bus_message_append_basic(m, 's', key), 0);
        if (name)
                ck_assert_int_ge(sd_bus_message_append_basic(m, 's', name), 0);
        ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", after ? 2 : 1, "sequence", "t",
                                 registry_sequence(w.r), "after", "s", after),
                0);
        ck_assert_int_ge(sd_bus_message_seal(m, 1, 0), 0);
        ck_assert_int_gt(past_call(m, &past, NULL), 0);
        while (!sent)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_ptr_eq(taken_of, m);
        ck_assert(was_sent);
        ck_assert_int_ge(sd_bus_message_seal(sent, 2, 0), 0);
        ck_assert_int_eq(sd_bus_message_is_method_error(sent, NULL), 0);
}

TEST(an_answer_is_its_users_time)
{
        world_do(&w, "set - Machine\\A V one");
        call("GetAt", "Machine\\A", "V", NULL);
        call("ReadTreeAt", "Machine\\A", NULL, NULL);
        ck_assert_uint_eq(n_taken, 2);
}

/* ReadTreeAt() of the newest moment, by a user; 1, or negative with `error` set. */
static int ask_as(uint32_t uid, uint64_t cookie, const char *key, sd_bus_error *error)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        user = (struct caller_user){ .uid = uid, .account.is_root = uid == 0 };
        ck_assert_int_ge(sd_bus_message_new_method_call(
                                 bus, &m, "a.b", REGISTRY_PATH, REGISTRY_INTERFACE, "ReadTreeAt"),
                0);
        ck_assert_int_ge(
                sd_bus_message_append(m, "sa{sv}", key, 1, "sequence", "t", registry_sequence(w.r)), 0);
        ck_assert_int_ge(sd_bus_message_seal(m, cookie, 0), 0);
        return past_call(m, &past, error);
}

static int enter_as(uint32_t uid, uint64_t cookie, sd_bus_error *error)
{
        return ask_as(uid, cookie, "Machine", error);
}

static void has_no_place(uint32_t uid)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

        ck_assert_int_lt(enter_as(uid, 1000, &error), 0);
        ck_assert_str_eq(error.name, ERROR_LIMIT);
}

TEST(places_of_those_who_may_write)
{
        uint64_t cookie = 1;

        is_held = true;
        ck_assert_int_eq(enter_as(1, cookie++, NULL), 1);
        (void)sem_wait(&looks);
        for (uint32_t i = 0; i < PLACES - 1; i++)
                ck_assert_int_eq(enter_as(1 + i / PLACES_OF_USER, cookie++, NULL), 1);
        has_no_place(77);
        for (unsigned i = 0; i < PLACES_OF_USER; i++)
                ck_assert_int_eq(enter_as(0, cookie++, NULL), 1);
        has_no_place(0);
        is_held = false;
        (void)sem_post(&goes_on);
        while (n_taken < ARRAY_SIZE(order)) {
                sent = sd_bus_message_unref(sent);
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        }
        /* They are first, too; but for the one that the thread was at. */
        for (unsigned i = 0; i <= PLACES_OF_USER; i++)
                ck_assert(order[i] == 1 || order[i] > PLACES);
        /* Nobody waits for all that another one has asked before. */
        for (unsigned i = 0; i < PLACES / PLACES_OF_USER; i++)
                ck_assert_uint_eq(order[1 + PLACES_OF_USER + i], 2 + i * PLACES_OF_USER);
}

/* All that wait are kept whole: there is no path of such a length. */
TEST(large_calls)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        char key[100000];

        memset(key, 'x', sizeof(key) - 1);
        key[sizeof(key) - 1] = '\0';
        ck_assert_int_lt(ask_as(1, 1, key, &error), 0);
        ck_assert_str_eq(error.name, ERROR_TOO_LARGE);
}

/* Of the registry's own file; 1, or negative with `error` set. */
static int preview_restore(sd_bus_error *error)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const int fd = open(world_file(&w), O_RDONLY | O_CLOEXEC);

        user = (struct caller_user){ .account.is_root = true };
        ck_assert_int_ge(sd_bus_message_new_method_call(
                                 bus, &m, "a.b", REGISTRY_PATH, REGISTRY_INTERFACE, "PreviewRestore"),
                0);
        ck_assert_int_ge(sd_bus_message_append(m, "ha{sv}", fd, 0), 0);
        ck_assert_int_ge(sd_bus_message_seal(m, 1, 0), 0);
        (void)close(fd);
        return past_call(m, &past, error);
}

/* It is given up in time, and another one is taken when its thread has come back. */
TEST(a_copy_that_hangs)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

        world_do(&w, "set - Machine\\A V one");
        is_held = true;
        ck_assert_int_eq(preview_restore(NULL), 1);
        (void)sem_wait(&looks);
        /* Nobody else waits for it. */
        call("GetAt", "Machine\\A", "V", NULL);
        ck_assert(!sd_bus_error_is_set(&answered));
        later = 31 * 1000000;
        while (!sd_bus_error_is_set(&answered))
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_str_eq(answered.name, ERROR_STORAGE);
        ck_assert_ptr_nonnull(strstr(answered.message, "nothing has come of a copy for 30 seconds"));
        ck_assert_int_lt(preview_restore(&error), 0);
        ck_assert_str_eq(error.name, ERROR_STORAGE);
        call("GetAt", "Machine\\A", "V", NULL);
        is_held = false;
        (void)sem_post(&goes_on);
        while (preview_restore(NULL) < 0)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
}

/* Nor does the daemon wait at its end. */
TEST(an_end_while_a_copy_hangs)
{
        is_held = true;
        ck_assert_int_eq(preview_restore(NULL), 1);
        (void)sem_wait(&looks);
        past = past_free(past);
}

/* The keys of the page that was sent by their last letters; *ret_after: where the next one begins. */
static const char *keys_sent(const char **ret_after)
{
        static char keys[32];
        const char *path;
        size_t n = 0;

        ck_assert_int_gt(sd_bus_message_enter_container(sent, 'a', "(" REGISTRY_TREE_KEY ")"), 0);
        while (sd_bus_message_enter_container(sent, 'r', REGISTRY_TREE_KEY) > 0) {
                ck_assert_int_gt(sd_bus_message_read(sent, "s", &path), 0);
                ck_assert_int_ge(sd_bus_message_skip(sent, &REGISTRY_TREE_KEY[1]), 0);
                ck_assert_int_ge(sd_bus_message_exit_container(sent), 0);
                ck_assert_uint_lt(n, sizeof(keys) - 1);
                keys[n++] = path[strlen(path) - 1];
        }
        keys[n] = '\0';
        ck_assert_int_ge(sd_bus_message_exit_container(sent), 0);
        ck_assert_int_gt(sd_bus_message_read(sent, "s", ret_after), 0);
        return keys;
}

static const char *page(const char *after, const char **ret_after)
{
        call("ReadTreeAt", "Machine\\A", NULL, after);
        return keys_sent(ret_after);
}

TEST(a_page_ends_where_the_look_did)
{
        const char *after;

        world_do(&w, "mk - Machine\\A\\B\nmk - Machine\\A\\C\nmk - Machine\\A\\D\nmk - Machine\\A\\E");
        keys_max = 2;
        ck_assert_str_eq(page(NULL, &after), "AB");
        ck_assert_str_eq(after, "Machine\\A\\B");
        ck_assert_str_eq(page("Machine\\A\\B", &after), "CD");
        ck_assert_str_eq(page("Machine\\A\\D", &after), "E");
        ck_assert_str_eq(after, "");
        keys_max = 0;
        ck_assert_str_eq(page(NULL, &after), "ABCDE");
        ck_assert_str_eq(after, "");
}

/* As where the machine has so much other work that the time of a page is over at once. */
TEST(a_page_has_some_keys_at_any_time)
{
        const char *after;

        for (char c = 'B'; c <= 'Y'; c++)
                world_do(&w, textf("mk - Machine\\A\\%c", c));
        leap = 1000000;
        ck_assert_str_eq(page(NULL, &after), "ABCDEFGHIJKLMNOP");
        ck_assert_str_eq(page("Machine\\A\\P", &after), "QRSTUVWXY");
        ck_assert_str_eq(after, "");
}

static int ask_whole(sd_bus_message **ret, sd_bus_error *error)
{
        ck_assert_int_ge(sd_bus_message_new_method_call(
                                 bus, ret, "a.b", REGISTRY_PATH, REGISTRY_INTERFACE, "ReadTree"),
                0);
        ck_assert_int_ge(sd_bus_message_append(*ret, "sa{sv}", "Machine\\A", 1, "whole", "b", 1), 0);
        ck_assert_int_ge(sd_bus_message_set_sender(*ret, ":1.1"), 0);
        ck_assert_int_ge(sd_bus_message_seal(*ret, 1, 0), 0);
        return past_call(*ret, &past, error);
}

/* It is put together in steps, each of which is its user's time; what is written in between is not in it. */
TEST(a_whole_is_of_one_moment)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const char *after;

        for (char c = 'B'; c <= 'Y'; c++)
                world_do(&w, textf("mk - Machine\\A\\%c", c));
        leap = 1000000;
        ck_assert_int_gt(ask_whole(&m, NULL), 0);
        while (n_taken == 0)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_ptr_null(sent);
        world_do(&w, "mk - Machine\\A\\Z");
        while (!sent)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_int_ge(sd_bus_message_seal(sent, 2, 0), 0);
        ck_assert_str_eq(keys_sent(&after), "ABCDEFGHIJKLMNOPQRSTUVWXY");
        ck_assert_str_eq(after, "");
        ck_assert_uint_eq(n_taken, 2);
        ck_assert(was_sent);
}

/* Few keys can have much in them. */
TEST(steps_of_a_whole_are_short)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        _cleanup_buf_ struct buf script = BUF_INIT;
        char text[WORLD_VALUE_MAX / 2];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        for (unsigned i = 0; i < 10 * 30; i++)
                buf_printf(&script, "set - Machine\\A\\K%u V%u %s\n", i % 10, i, text);
        world_do(&w, buf_str(&script));
        leap = 1000000;
        ck_assert_int_gt(ask_whole(&m, NULL), 0);
        while (!sent)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        ck_assert_uint_gt(n_taken, 1);
}

TEST(nobody_waits_for_a_whole)
{
        sd_bus_message *m = NULL;

        for (char c = 'B'; c <= 'Y'; c++)
                world_do(&w, textf("mk - Machine\\A\\%c", c));
        leap = 1000000;
        ck_assert_int_gt(ask_whole(&m, NULL), 0);
        while (n_taken == 0)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
        past_drop_caller(past, ":1.1");
        sd_bus_message_unref(m);
        while (sd_event_run(event, 0) > 0)
                ;
        ck_assert_uint_eq(n_taken, 1);
        ck_assert_ptr_null(sent);
}

TEST(no_whole_beside_a_large_log)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

        log_pages = 65536;
        ck_assert_int_lt(ask_whole(&m, &error), 0);
        ck_assert_str_eq(error.name, ERROR_LIMIT);
}

/* With what a message holds, for example. */
TEST(a_look_says_where_it_ended)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(w.r);
        const struct reader_question machine = { .key = "Machine" };
        const struct reader_part part = { 0 };
        _cleanup_buf_ struct buf script = BUF_INIT;
        char text[WORLD_VALUE_MAX / 2 - 1];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        ck_assert_uint_eq(__real_reader_look_at_tree(w.r, &machine, &part), 0);
        for (unsigned i = 0; i < MANY; i++)
                buf_printf(&script, "set - Machine\\K%u V %s\n", i, text);
        world_do(&w, buf_str(&script));
        const size_t n = __real_reader_look_at_tree(w.r, &machine, &part);
        ck_assert(n > 0 && n < MANY);
}

Suite *test_suite(void)
{
        return suite_with("past-calls", setup, teardown);
}
