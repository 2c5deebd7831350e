/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kills the monitor at every step of reporting, for real, and starts it again: in the end each transition
 * has one record, whenever it was, and its journal entry, which comes behind the record. */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../schema/layout.h"
#include "../../../service/monitor/monitor.h"
#include "scratch.h"
#include "suite.h"

#define MASK UINT64_C(0x3201)
#define BITS 4u
#define STEPS_MAX 200u

/* What outlives a kill: the records, and the number of the last. */
static struct shared {
        uint64_t seqno;
        unsigned records[64], cleared[64], entries[64];
        unsigned steps; /* of this life */
        unsigned die_at;
} * shared;

static struct scratch root;

static void step(void)
{
        if (++shared->steps == shared->die_at)
                (void)raise(SIGKILL);
}

int __real_file_replace(int dir_fd, const char *name, const void *data, size_t n, mode_t mode);
int __wrap_file_replace(int dir_fd, const char *name, const void *data, size_t n, mode_t mode);

int __wrap_file_replace(int dir_fd, const char *name, const void *data, size_t n, mode_t mode)
{
        step();
        int r = __real_file_replace(dir_fd, name, data, n, mode);
        step();
        return r;
}

int __real_file_write_all(int fd, const void *data, size_t n);
int __wrap_file_write_all(int fd, const void *data, size_t n);

static bool is_service;

/* A kill may cut a write short. */
int __wrap_file_write_all(int fd, const void *data, size_t n)
{
        const char *text = data;

        if (!is_service)
                return __real_file_write_all(fd, data, n);
        const size_t part[] = { 0, 1, n / 2, n - n / 2 - 2, 1 };

        for (size_t i = 0; i < ARRAY_SIZE(part); text += part[i++]) {
                if (__real_file_write_all(fd, text, part[i]) < 0)
                        return -EIO;
                step();
        }
        return 0;
}

/* A kill takes nothing from the page cache, and the state is kept in memory anyway. */
int __wrap_fsync(int fd);

int __wrap_fsync(_unused_ int fd)
{
        return 0;
}

static void on_transition(struct taint_event *e, _unused_ void *userdata)
{
        step();
        if (e->seqno == 0) {
                /* A record and its number are one: see taint-state.h for the moment between them. */
                e->seqno = ++shared->seqno;
                (*(e->cleared ? &shared->cleared[e->bit] : &shared->records[e->bit]))++;
                step();
        }
        shared->entries[e->bit]++;
        step();
}

static void on_reported(_unused_ const struct taint_event *e, _unused_ void *userdata)
{
}

static void on_blind(_unused_ const char *text, _unused_ void *userdata)
{
}

static void on_changed(_unused_ void *userdata)
{
}

static uint64_t last_seqno(_unused_ void *userdata)
{
        return shared->seqno;
}

/* True when it lived to the end. */
static bool live(unsigned die_at)
{
        shared->die_at = die_at;
        shared->steps = 0;
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                sd_event *event = NULL;
                struct monitor *m = NULL;
                is_service = true;
                if (sd_event_new(&event) < 0)
                        _exit(2);
                const struct monitor_config config = { .root = root.root,
                        .event = event,
                        .callbacks = { .transition = on_transition,
                                .reported = on_reported,
                                .blind = on_blind,
                                .changed = on_changed,
                                .last_seqno = last_seqno } };
                _exit(monitor_new(&config, &m, NULL) < 0 || monitor_start(m, NULL) < 0 ? 1 : 0);
        }
        int status;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status))
                ck_assert_int_eq(WEXITSTATUS(status), 0);
        return WIFEXITED(status);
}

static void begin(uint64_t mask)
{
        char text[32];

        shared->seqno = 0;
        memset(shared->records, 0, sizeof(shared->records));
        memset(shared->cleared, 0, sizeof(shared->cleared));
        memset(shared->entries, 0, sizeof(shared->entries));
        scratch_remove(&root, LAYOUT_POLICY_RUN "/taint-state");
        scratch_puts(&root, "/proc/sys/kernel/random/boot_id", "0f0e0d0c-1111-2222-3333-444455556666\n");
        (void)snprintf(text, sizeof(text), "%" PRIu64 "\n", mask);
        scratch_puts(&root, "/proc/sys/kernel/tainted", text);
}

static void setup(void)
{
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(shared, MAP_FAILED);
        scratch_new(&root);
}

static void teardown(void)
{
        scratch_done(&root);
        (void)munmap(shared, sizeof(*shared));
}

static void check_records(unsigned least, unsigned most)
{
        for (unsigned bit = 0; bit < 64; bit++) {
                bool set = MASK >> bit & 1;
                ck_assert_msg(shared->records[bit] >= (set ? least : 0) &&
                                      shared->records[bit] <= (set ? most : 0),
                        "killed at step %u: bit %u has %u records", shared->die_at, bit,
                        shared->records[bit]);
                ck_assert_msg(shared->entries[bit] >= shared->records[bit],
                        "killed at step %u: bit %u has no entry", shared->die_at, bit);
        }
}

TEST(killed_once_at_any_step)
{
        unsigned at = 1;

        for (;; at++) {
                begin(MASK);
                bool lived = live(at);
                unsigned die_at = shared->die_at;
                ck_assert(lived || live(0));
                shared->die_at = die_at;
                check_records(1, 1);
                if (lived)
                        break;
                ck_assert_uint_lt(at, STEPS_MAX);
        }
        ck_assert_uint_gt(at, 4 * BITS);
}

TEST(killed_at_the_same_step_again_and_again)
{
        /* From the fifth step on each life gets something done. */
        for (unsigned at = 5; at < 20; at++) {
                begin(MASK);
                unsigned lives = 0;
                while (!live(at))
                        ck_assert_uint_lt(++lives, STEPS_MAX);
                check_records(1, 1);
        }
}

TEST(killed_while_a_cleared_bit_is_reported)
{
        for (unsigned at = 1;; at++) {
                begin(MASK);
                ck_assert(live(0));
                scratch_puts(&root, "/proc/sys/kernel/tainted", "1\n");
                bool lived = live(at);
                ck_assert(lived || live(0));
                check_records(1, 1);
                for (unsigned bit = 1; bit < 64; bit++)
                        ck_assert_uint_eq(shared->cleared[bit], MASK >> bit & 1);
                if (lived)
                        break;
        }
}

TEST(half_a_file_is_in_nobodys_way)
{
        begin(MASK);
        scratch_puts(&root, LAYOUT_POLICY_RUN "/.taint-state.tmp", "peios-taint");
        ck_assert(live(0));
        ck_assert(live(0));
        check_records(1, 1);
        ck_assert(!scratch_exists(&root, LAYOUT_POLICY_RUN "/.taint-state.tmp"));
}

Suite *test_suite(void)
{
        return suite_with("monitor-kill", setup, teardown);
}
