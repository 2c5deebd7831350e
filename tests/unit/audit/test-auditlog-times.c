/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When something happened, in which boot, and how late its record is: the clocks, the boot and the kernel
 * are played here. */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../schema/base/clock.h"
#include "../../../schema/audit/auditlog.h"
#include "scratch.h"
#include "suite.h"

#define SECOND INT64_C(1000000)
#define BOOT "0f1e2d3c-1111-2222-3333-444455556666"
#define NEXT_BOOT "f0e1d2c3-1111-2222-3333-444455556666"
#define TAKEN_MAX 64u

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_boot_id(const char *root, char ret[static BOOT_ID_MAX]);

static atomic_llong real_usec, boot_usec;
static const char *boot_id;

/* The others drive the sender's timers. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
        if (clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME)
                return __real_clock_gettime(clock, ret);
        long long usec = clock == CLOCK_REALTIME ? real_usec : boot_usec;
        *ret = (struct timespec){ .tv_sec = usec / SECOND, .tv_nsec = usec % SECOND * 1000 };
        return 0;
}

int __wrap_clock_boot_id(const char *root, char ret[static BOOT_ID_MAX])
{
        ck_assert_ptr_null(root);
        (void)strcpy(ret, boot_id ? boot_id : "");
        return boot_id ? 0 : -ENOENT;
}

static void pass(int64_t seconds)
{
        real_usec += seconds * SECOND;
        boot_usec += seconds * SECOND;
}

/* What the kernel took. */
struct taken {
        char path[16], boot[RECORD_BOOT_MAX];
        uint64_t seconds, usec, late, seqno;
        bool is_late;
};

static atomic_bool takes, holds, held;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct taken all[TAKEN_MAX];
static size_t n_all;
static struct scratch root;
static struct auditlog *audit;
static sd_event *event;

static int fake_open(_unused_ void *ctx)
{
        return 1000;
}

static void fake_close(_unused_ void *ctx, _unused_ int fd)
{
}

static int fake_send(_unused_ void *ctx, _unused_ int fd, const char *text, _unused_ bool success,
        char *reason, size_t size)
{
        struct taken t = { 0 };
        const char *times = strstr(text, " when=");

        while (holds) {
                held = true;
                (void)usleep(1000);
        }
        if (!takes) {
                (void)snprintf(reason, size, "auditing is off");
                return 0;
        }
        /* As the documentation has it: in this order, and at the end. */
        int n = 0;
        if (sscanf(strstr(text, " path="), " path=\"%15[^\"]", t.path) != 1 || !times)
                abort();
        t.is_late = sscanf(times,
                            " when=%" SCNu64 ".%6" SCNu64 " boot=%8[0-9a-f?] late=%" SCNu64 " seqno=%" SCNu64
                            "%n",
                            &t.seconds, &t.usec, t.boot, &t.late, &t.seqno, &n) == 5;
        if (!t.is_late &&
                sscanf(times, " when=%" SCNu64 ".%6" SCNu64 " boot=%8[0-9a-f?] seqno=%" SCNu64 "%n",
                        &t.seconds, &t.usec, t.boot, &t.seqno, &n) != 4)
                abort();
        if (times[n] != '\0')
                abort();
        (void)pthread_mutex_lock(&lock);
        if (n_all == TAKEN_MAX)
                abort();
        all[n_all++] = t;
        (void)pthread_mutex_unlock(&lock);
        return 1;
}

static const struct sender_backend backend = { .open = fake_open, .send = fake_send, .close = fake_close };

static void start_at(uint64_t numbers)
{
        const struct auditlog_config config = {
                .event = event, .backend = &backend, .run_dir = root.root, .numbers = numbers
        };
        ck_assert_int_ge(auditlog_new(&config, &audit), 0);
}

static void setup(void)
{
        scratch_new(&root);
        ck_assert_int_ge(sd_event_new(&event), 0);
        takes = true;
        holds = held = false;
        n_all = 0;
        real_usec = 1700000000 * SECOND + 250;
        boot_usec = 100 * SECOND;
        boot_id = BOOT;
        start_at(0);
}

static void stop(void)
{
        audit = auditlog_free(audit);
}

static void teardown(void)
{
        stop();
        sd_event_unref(event);
        scratch_done(&root);
}

static uint64_t emit_of(const char *path, uint64_t when)
{
        return auditlog_emit(audit, &(struct record){ .kind = RECORD_POLICY_CHANGED,
                                            .path = path,
                                            .old_text = "a",
                                            .new_text = "b",
                                            .when = when,
                                            .success = true });
}

static uint64_t emit(const char *path)
{
        return emit_of(path, 0);
}

static void wait_status(uint64_t sent, uint64_t kept)
{
        struct sender_status s = auditlog_status(audit);

        for (int i = 0; i < 2000 && (s.sent != sent || s.kept != kept); i++) {
                ck_assert_int_ge(sd_event_run(event, 10000), 0);
                s = auditlog_status(audit);
        }
        ck_assert_uint_eq(s.sent, sent);
        ck_assert_uint_eq(s.kept, kept);
}

#define NOT_LATE UINT64_MAX

static void check(
        size_t i, const char *path, uint64_t seconds, const char *boot, uint64_t late, uint64_t seqno)
{
        ck_assert_uint_lt(i, n_all);
        ck_assert_str_eq(all[i].path, path);
        ck_assert_uint_eq(all[i].seconds, seconds);
        ck_assert_uint_eq(all[i].usec, 250);
        ck_assert_str_eq(all[i].boot, boot);
        ck_assert_int_eq(all[i].is_late, late != NOT_LATE);
        if (late != NOT_LATE)
                ck_assert_uint_eq(all[i].late, late);
        ck_assert_uint_eq(all[i].seqno, seqno);
}

static void check_unique(void)
{
        for (size_t i = 0; i < n_all; i++)
                for (size_t k = 0; k < i; k++)
                        ck_assert_msg(strcmp(all[i].boot, all[k].boot) != 0 || all[i].seqno != all[k].seqno,
                                "%s and %s: %s, %" PRIu64, all[k].path, all[i].path, all[i].boot,
                                all[i].seqno);
}

TEST(in_time)
{
        (void)emit("first");
        wait_status(1, 0);
        pass(3);
        /* What BPF saw, or the log had, is told later than it happened; that is no delay of the record. */
        (void)emit_of("second", (uint64_t)real_usec - 2 * SECOND);
        wait_status(2, 0);
        check(0, "first", 1700000000, "0f1e2d3c", NOT_LATE, 1);
        check(1, "second", 1700000001, "0f1e2d3c", NOT_LATE, 2);
}

/* The timeline is there although all arrive at one time: three that were kept, in their order, then the one
 * that opened the way. */
TEST(kept_ones_go_first)
{
        takes = false;
        (void)emit("first");
        wait_status(0, 1);
        pass(5);
        (void)emit("second");
        pass(2);
        (void)emit("third");
        wait_status(0, 3);
        pass(10);
        takes = true;
        (void)emit("fourth");
        wait_status(4, 0);
        check(0, "first", 1700000000, "0f1e2d3c", 17, 1);
        check(1, "second", 1700000005, "0f1e2d3c", 12, 2);
        check(2, "third", 1700000007, "0f1e2d3c", 10, 3);
        check(3, "fourth", 1700000017, "0f1e2d3c", NOT_LATE, 4);
        check_unique();
}

/* The kernel can hold a sender for a minute: what is behind it was not kept, but is late. */
TEST(behind_one_that_is_held)
{
        holds = true;
        (void)emit("first");
        while (!held)
                (void)usleep(1000);
        (void)emit("second");
        pass(42);
        holds = false;
        wait_status(2, 0);
        check(0, "first", 1700000000, "0f1e2d3c", NOT_LATE, 1);
        check(1, "second", 1700000000, "0f1e2d3c", 42, 2);
}

/* The wall clock is set meanwhile: `when` is what it said, and `late` what passed. */
TEST(a_clock_that_is_set)
{
        takes = false;
        (void)emit("first");
        wait_status(0, 1);
        pass(7);
        real_usec -= 365 * 86400 * SECOND;
        takes = true;
        (void)emit("second");
        wait_status(2, 0);
        check(0, "first", 1700000000, "0f1e2d3c", 7, 1);
        check(1, "second", 1700000007 - 365 * 86400, "0f1e2d3c", NOT_LATE, 2);
}

TEST(over_a_restart)
{
        takes = false;
        (void)emit("first");
        pass(1);
        (void)emit("second");
        wait_status(0, 2);
        stop();
        pass(60);
        start_at(0);
        (void)emit("third");
        wait_status(0, 3);
        takes = true;
        (void)emit("fourth");
        wait_status(4, 0);
        check(0, "first", 1700000000, "0f1e2d3c", 61, 1);
        check(1, "second", 1700000001, "0f1e2d3c", 60, 2);
        check(2, "third", 1700000061, "0f1e2d3c", 0, 3);
        check(3, "fourth", 1700000061, "0f1e2d3c", NOT_LATE, 4);
        check_unique();
}

/* Below /run nothing outlives a boot; elsewhere it does, and the clock of the boot began anew. */
TEST(over_a_reboot)
{
        takes = false;
        (void)emit("first");
        wait_status(0, 1);
        stop();
        pass(200);
        boot_usec = 30 * SECOND;
        boot_id = NEXT_BOOT;
        takes = true;
        start_at(0);
        (void)emit("second");
        wait_status(2, 0);
        check(0, "first", 1700000000, "0f1e2d3c", 200, 1);
        check(1, "second", 1700000200, "f0e1d2c3", NOT_LATE, 2);
        check_unique();
}

TEST(a_new_boot_begins_anew)
{
        (void)emit("first");
        wait_status(1, 0);
        stop();
        scratch_remove(&root, "/seqno");
        scratch_remove(&root, "/unsent");
        boot_id = NEXT_BOOT;
        start_at(0);
        (void)emit("second");
        wait_status(1, 0);
        check(0, "first", 1700000000, "0f1e2d3c", NOT_LATE, 1);
        check(1, "second", 1700000000, "f0e1d2c3", NOT_LATE, 1);
        check_unique();
}

TEST(a_boot_without_a_name)
{
        stop();
        boot_id = NULL;
        start_at(0);
        (void)emit("first");
        wait_status(1, 0);
        check(0, "first", 1700000000, "?", NOT_LATE, 1);
}

/* Where the last number cannot be had no earlier one may come again. */
TEST(numbers_of_a_damaged_file)
{
        static const char *const damages[] = { "", "no number\n", "0\n", "00000000000000000009", NULL };

        for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
                (void)emit("before");
                (void)emit("before");
                wait_status(i == 0 ? 2 : 3, 0);
                stop();
                if (damages[i]) {
                        scratch_puts(&root, "/seqno", damages[i]);
                } else {
                        scratch_remove(&root, "/seqno");
                        ck_assert_int_eq(mkfifo(scratch_path(&root, "/seqno"), 0600), 0);
                }
                pass(1);
                start_at(0);
                (void)emit("behind");
                wait_status(1, 0);
        }
        ck_assert_uint_eq(n_all, 3 * ARRAY_SIZE(damages));
        check_unique();
}

/* The registry provider's records and the policy service's are in one audit trail. */
TEST(two_daemons)
{
        (void)emit("service");
        wait_status(1, 0);
        stop();
        scratch_done(&root);
        scratch_new(&root);
        for (unsigned i = 0; i < 2; i++) {
                start_at(AUDITLOG_PROVIDER_NUMBERS);
                ck_assert_uint_eq(emit("provider"), AUDITLOG_PROVIDER_NUMBERS + 1 + i);
                wait_status(1, 0);
                stop();
        }
        ck_assert_uint_eq(n_all, 3);
        check_unique();
}

Suite *test_suite(void)
{
        return suite_with("auditlog-times", setup, teardown);
}
