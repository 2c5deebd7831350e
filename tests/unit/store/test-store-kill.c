/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process that writes is killed at any moment: the store opens and has every turn that was answered, and
 * of the next one all or nothing. `test-store-kill ROUNDS` does it more often than 200 times. */

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../schema/base/macro.h"
#include "../../../schema/values/value.h"
#include "suite.h"
#include "disk.h"
#include "store-work.h"

#define KEYS 3u
#define LARGE 5000u

static unsigned rounds = 200;
static char file[64];

static struct guid key_of(unsigned i)
{
        return (struct guid){ { (uint8_t)(1 + i) } };
}

/* ---- The process that is killed ---- */

static void *check_points(void *userdata)
{
        sqlite3 *db;

        if (sqlite3_open(file, &db) != SQLITE_OK)
                abort();
        for (;;) {
                (void)sqlite3_exec(db, "PRAGMA wal_checkpoint(PASSIVE)", NULL, NULL, NULL);
                (void)usleep(500);
        }
        return userdata;
}

static void apply_or_abort(struct store *s, struct store_op op)
{
        op.sequence = store_take_sequence(s);
        if (store_apply(s, &op) < 0)
                abort();
}

static void begin_or_abort(struct store *s)
{
        if (store_begin(s, NULL) < 0)
                abort();
}

/* The number in each key, in transactions of their own. */
static void write_turn(struct store *s, uint64_t number)
{
        static char data[LARGE];

        memset(data, (int)number, sizeof(data));
        memcpy(data, &number, sizeof(number));
        for (unsigned i = 0; i < KEYS; i++) {
                begin_or_abort(s);
                apply_or_abort(s, (struct store_op){ .code = STORE_SET_VALUE,
                                          .guid = key_of(i),
                                          .name = "turn",
                                          .layer = "base",
                                          .type = REG_BINARY,
                                          .data = data,
                                          .size = number % 7 == i ? sizeof(data) : sizeof(number) });
                begin_or_abort(s);
                apply_or_abort(s, (struct store_op){ .code = STORE_SET_BLANKET,
                                          .guid = key_of(i),
                                          .layer = "refused",
                                          .set = true });
                store_rollback(s);
                if (store_commit(s) < 0)
                        abort();
        }
}

static void write_until_killed(int fd, uint64_t number)
{
        struct store *s;
        pthread_t thread;

        if (work_open(file, &s) < 0 || pthread_create(&thread, NULL, check_points, NULL) != 0)
                abort();
        for (;;) {
                write_turn(s, ++number);
                if (store_sync(s, NULL) < 0 || write(fd, &number, sizeof(number)) != sizeof(number))
                        abort();
        }
}

/* ---- What it leaves ---- */

static uint64_t get_turn(const struct store *s, unsigned i)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const struct guid key = key_of(i);
        const struct store_value_entry *value = store_value(s, &key, "turn", 4);
        uint64_t number;

        ck_assert_int_eq(store_error(s, NULL), 0);
        if (!value)
                return 0;
        memcpy(&number, value->data, sizeof(number));
        for (size_t k = sizeof(number); k < value->size; k++)
                if (((const char *)value->data)[k] != (char)number)
                        ck_abort_msg("a value is half there");
        ck_assert_ptr_null(store_blankets(s, &key));
        return number;
}

static uint64_t check_values(const struct store *s, uint64_t answered)
{
        uint64_t number = get_turn(s, 0);

        for (unsigned i = 1; i < KEYS; i++)
                ck_assert_uint_eq(get_turn(s, i), number);
        ck_assert_msg(number == answered || number == answered + 1, "%lu was answered, %lu is there",
                answered, number);
        return number;
}

/* As the boot sees it; in every second round as the next process does, which takes in the log. */
static uint64_t check_store(uint64_t answered, bool whole)
{
        struct store *s;

        ck_assert_int_eq(store_open(file, STORE_AT_BOOT, WORK_VALUE_MAX, &s, NULL), 0);
        uint64_t number = check_values(s, answered);
        store_close(s);
        if (!whole)
                return number;
        ck_assert_int_eq(work_open(file, &s), 0);
        ck_assert_uint_eq(check_values(s, answered), number);
        ck_assert_uint_eq(work_number(file, "SELECT count(*) FROM history WHERE op = 0x21"), number * KEYS);
        work_check(file);
        store_close(s);
        return number;
}

static uint64_t kill_one(uint64_t number, useconds_t after)
{
        uint64_t answered = number;
        int fds[2];

        ck_assert_int_eq(pipe(fds), 0);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                write_until_killed(fds[1], number);
        ck_assert_int_eq(close(fds[1]), 0);
        (void)usleep(after);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        while (read(fds[0], &number, sizeof(number)) == sizeof(number))
                answered = number;
        int status;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        ck_assert_int_eq(close(fds[0]), 0);
        return answered;
}

TEST(killed)
{
        char *directory = disk_scratch();
        uint64_t number = 0, random = 1;
        struct diag d;
        struct store *s;

        (void)snprintf(file, sizeof(file), "%s/registry.db", directory);
        ck_assert_int_eq(work_open(file, &s), 0);
        begin_or_abort(s);
        for (unsigned i = 0; i < KEYS; i++)
                apply_or_abort(
                        s, (struct store_op){ .code = STORE_CREATE_KEY, .guid = key_of(i), .name = "Hive" });
        ck_assert_int_eq(store_commit(s), 0);
        ck_assert_int_eq(store_sync(s, &d), 0);
        store_close(s);
        for (unsigned i = 0; i < rounds; i++)
                number = check_store(kill_one(number, (useconds_t)(disk_random(&random) % 20000)), i % 2);
        printf("%u kills, %lu turns\n", rounds, number);
        disk_scratch_remove(directory, true);
        free(directory);
}

Suite *test_suite(void)
{
        if (suite_argument)
                rounds = (unsigned)strtoul(suite_argument, NULL, 10);
        return suite_of("store-kill");
}
