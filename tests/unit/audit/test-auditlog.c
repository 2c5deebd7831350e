/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records over the end of a process, with a kernel that is played here. */
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../schema/audit/auditlog.h"
#include "scratch.h"
#include "suite.h"

static struct scratch root;
static atomic_bool takes;
static atomic_int lost;         /* < 0: it does not say */
static atomic_bool loses, hold; /* what it takes next; and it does not say yet */
static atomic_int at_once = -1; /* what it says right after it took one; < 0: it was asked that */
static char log_path[128];

static int fake_open(_unused_ void *ctx)
{
        return 1000;
}

/* What the kernel took stands in a file, because it outlives the processes of the test. */
static int fake_send(_unused_ void *ctx, _unused_ int fd, const char *text, _unused_ bool success,
        char *reason, size_t size)
{
        if (!takes) {
                (void)snprintf(reason, size, "auditing is off");
                return 0;
        }
        FILE *f = fopen(log_path, "ae");
        if (!f || fprintf(f, "%s\n", text) < 0 || fclose(f) != 0)
                abort();
        at_once = (int)lost;
        if (lost >= 0) {
                hold = true;
                lost += loses;
        }
        return 1;
}

static void fake_close(_unused_ void *ctx, _unused_ int fd)
{
}

static int fake_status(_unused_ void *ctx, _unused_ int fd, struct sender_kernel *ret)
{
        int says = atomic_exchange(&at_once, -1);
        while (says < 0 && hold)
                (void)usleep(1000);
        if (says < 0)
                says = lost;
        *ret = (struct sender_kernel){
                .enabled = true, .fetched = says >= 0, .lost = says < 0 ? 0 : (uint64_t)says
        };
        return 0;
}

static const struct sender_backend backend = {
        .open = fake_open,
        .send = fake_send,
        .close = fake_close,
        .status = fake_status,
        .settle_ms = 100,
};

static unsigned entries;
static char entry_text[RECORD_TEXT_MAX];

void __wrap_journal_entry_send(const struct record *r, const char *record_text);

void __wrap_journal_entry_send(_unused_ const struct record *r, const char *record_text)
{
        entries++;
        (void)snprintf(entry_text, sizeof(entry_text), "%s", record_text);
}

static void setup(void)
{
        entries = 0;
        scratch_new(&root);
        (void)snprintf(log_path, sizeof(log_path), "%s", scratch_path(&root, "/kernel"));
        scratch_puts(&root, "/kernel", "");
        takes = true;
        lost = at_once = -1;
        loses = hold = false;
}

static void teardown(void)
{
        scratch_done(&root);
}

static struct auditlog *start(sd_event **ret_event)
{
        struct auditlog *log = NULL;
        ck_assert_int_ge(sd_event_new(ret_event), 0);
        const struct auditlog_config config = {
                .event = *ret_event, .backend = &backend, .run_dir = root.root
        };
        ck_assert_int_ge(auditlog_new(&config, &log), 0);
        return log;
}

static uint64_t emit(struct auditlog *log, const char *path)
{
        return auditlog_emit(log, &(struct record){ .kind = RECORD_POLICY_CHANGED,
                                          .path = path,
                                          .old_text = "enabled",
                                          .new_text = "disabled",
                                          .success = true });
}

static void run_until_sent(struct auditlog *log, sd_event *event, uint64_t n)
{
        for (int i = 0; i < 500 && auditlog_status(log).sent < n; i++)
                ck_assert_int_ge(sd_event_run(event, 10000), 0);
        ck_assert_uint_eq(auditlog_status(log).sent, n);
}

static unsigned taken(const char *part)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        unsigned n = 0;
        ck_assert(scratch_read(&root, "/kernel", &text));
        for (const char *at = buf_str(&text); (at = strstr(at, part)); at += strlen(part))
                n++;
        return n;
}

/* Each line that adds a record has one behind it that marks it. */
static bool nothing_left(void)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        ck_assert(scratch_read(&root, "/unsent", &text));
        for (const char *line = buf_str(&text), *end; (end = strchr(line, '\n')); line = end + 1) {
                char mark[32];
                if (*line != '+')
                        continue;
                (void)snprintf(
                        mark, sizeof(mark), "\n-%.*s\n", (int)strspn(line + 1, "0123456789"), line + 1);
                if (!strstr(line, mark))
                        return false;
        }
        return true;
}

TEST(kept_over_a_stop)
{
        sd_event *event = NULL;
        struct auditlog *log = start(&event);
        takes = false;
        ck_assert_uint_eq(emit(log, "first"), 1);
        ck_assert_uint_eq(emit(log, "second"), 2);
        for (int i = 0; i < 500 && auditlog_status(log).kept < 2; i++)
                ck_assert_int_ge(sd_event_run(event, 10000), 0);
        (void)auditlog_free(log);
        sd_event_unref(event);
        ck_assert_uint_eq(taken("op="), 0);
        ck_assert(!nothing_left());

        takes = true;
        log = start(&event);
        ck_assert_uint_eq(auditlog_last_seqno(log), 2);
        run_until_sent(log, event, 2);
        ck_assert_uint_eq(taken("path=\"first\""), 1);
        ck_assert_uint_eq(taken("path=\"second\""), 1);
        ck_assert_uint_eq(taken("seqno=1\n"), 1);
        ck_assert_uint_eq(taken("seqno=2\n"), 1);
        ck_assert(nothing_left());
        ck_assert_uint_eq(emit(log, "third"), 3);
        run_until_sent(log, event, 3);
        (void)auditlog_free(log);
        sd_event_unref(event);

        log = start(&event);
        ck_assert_uint_eq(auditlog_last_seqno(log), 3);
        (void)auditlog_free(log);
        sd_event_unref(event);
        ck_assert_uint_eq(taken("op="), 3);
}

/* Also by the next run, which has the number alone. */
TEST(the_entry_may_follow_its_record)
{
        const struct record r = {
                .kind = RECORD_POLICY_CHANGED, .path = "x", .when = 1234567, .success = true
        };
        sd_event *event = NULL;
        struct auditlog *log = start(&event);

        (void)emit(log, "other");
        ck_assert_uint_eq(entries, 1);
        ck_assert_uint_eq(auditlog_send(log, &r), 2);
        run_until_sent(log, event, 2);
        ck_assert_uint_eq(entries, 1);
        for (unsigned i = 0; i < 2; i++) {
                auditlog_enter(log, &r, 2);
                ck_assert_uint_eq(entries, 2 + i);
                ck_assert(strstr(entry_text, "path=\"x\""));
                ck_assert_uint_eq(taken(entry_text), 1);
                (void)auditlog_free(log);
                sd_event_unref(event);
                log = start(&event);
        }
        ck_assert_uint_eq(auditlog_last_seqno(log), 2);
        (void)auditlog_free(log);
        sd_event_unref(event);
        ck_assert_uint_eq(taken("op="), 2);
}

/* Whatever the thread had sent when the process was killed, the next one sends the rest, and nothing twice.
 */
TEST(kept_over_a_kill)
{
        for (int round = 0; round < 20; round++) {
                pid_t pid = fork();
                ck_assert_int_ge(pid, 0);
                if (pid == 0) {
                        sd_event *own;
                        struct auditlog *log = start(&own);
                        takes = round % 2 == 0;
                        for (int i = 0; i < 5; i++)
                                (void)emit(log, "x");
                        _exit(0); /* as a kill: nothing is waited for */
                }
                int status;
                ck_assert_int_eq(waitpid(pid, &status, 0), pid);
                ck_assert_int_eq(status, 0);
        }
        sd_event *event = NULL;
        struct auditlog *log = start(&event);
        ck_assert_uint_eq(auditlog_last_seqno(log), 100);
        for (int i = 0; i < 500 && !nothing_left(); i++)
                ck_assert_int_ge(sd_event_run(event, 10000), 0);
        (void)auditlog_free(log);
        sd_event_unref(event);
        for (unsigned i = 1; i <= 100; i++)
                ck_assert_uint_ge(taken(textf("seqno=%u\n", i)), 1);
        /* A kill between the kernel's yes and the mark is the one thing that sends a record again: one a
         * kill, and the same one where the next run is killed there, too. */
        ck_assert_uint_le(taken("op="), 120);
}

TEST(numbers_outlive_a_lost_file)
{
        sd_event *event = NULL;
        struct auditlog *log = start(&event);
        takes = false;
        (void)emit(log, "first");
        (void)emit(log, "second");
        (void)auditlog_free(log);
        sd_event_unref(event);
        /* Killed between the two files: the record is there, its number is not kept yet. */
        scratch_puts(&root, "/seqno", "00000000000000000001\n");
        log = start(&event);
        ck_assert_uint_eq(auditlog_last_seqno(log), 2);
        (void)auditlog_free(log);
        sd_event_unref(event);
}

static unsigned n_done;

static void on_done(_unused_ void *userdata)
{
        n_done++;
}

static bool left(const char *number)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        ck_assert(scratch_read(&root, "/unsent", &text));
        return strstr(buf_str(&text), number) != NULL;
}

static void run_until_kept(struct auditlog *log, sd_event *event, uint64_t n)
{
        for (int i = 0; i < 500 && auditlog_status(log).kept != n; i++)
                ck_assert_int_ge(sd_event_run(event, 10000), 0);
        ck_assert_uint_eq(auditlog_status(log).kept, n);
}

/* The kernel took it, said so, and lost it: it is told of at once, kept, in the file again, and sent again.
 */
TEST(lost_by_the_kernel)
{
        sd_event *event = NULL;
        lost = 5;
        loses = true;
        struct auditlog *log = start(&event);
        const struct record record = {
                .kind = RECORD_POLICY_CHANGED,
                .path = "first",
                .old_text = "enabled",
                .new_text = "disabled",
                .success = true,
        };
        n_done = 0;
        hold = true;
        (void)auditlog_emit_then(log, &record, on_done, NULL);
        ck_assert(left("+1 1 "));
        hold = false;
        for (int i = 0; i < 500 && n_done == 0; i++)
                ck_assert_int_ge(sd_event_run(event, 10000), 0);
        ck_assert_uint_eq(n_done, 1);
        ck_assert_uint_eq(auditlog_status(log).sent, 1);
        ck_assert(nothing_left());

        hold = false;
        run_until_kept(log, event, 1);
        ck_assert_uint_eq(auditlog_status(log).sent, 0);
        ck_assert_str_eq(auditlog_status(log).problem, SENDER_LOST_MEANWHILE);
        ck_assert(left("+1 1 "));

        /* Another one comes: the first one goes through, and when it is seen to stay, the other follows. */
        loses = false;
        (void)emit(log, "second");
        run_until_sent(log, event, 1);
        ck_assert_uint_eq(taken("path=\"first\""), 2);
        ck_assert_uint_eq(taken("path=\"second\""), 0);
        ck_assert(left("-1\n"));
        ck_assert(left("+2 1 "));
        hold = false;
        run_until_sent(log, event, 2);
        run_until_kept(log, event, 0);
        ck_assert_uint_eq(taken("seqno=1\n"), 2);
        ck_assert_uint_eq(taken("seqno=2\n"), 1);
        ck_assert(nothing_left());
        ck_assert_uint_eq(auditlog_status(log).lost, 0);
        ck_assert_str_eq(auditlog_status(log).problem, "");
        ck_assert_uint_eq(n_done, 1);
        hold = false;
        (void)auditlog_free(log);
        sd_event_unref(event);
}

/* What is told late, or was lost for another reason, sends nothing more to a kernel that goes on losing. */
TEST(quiet_in_doubt)
{
        sd_event *event = NULL;
        lost = 5;
        loses = true;
        struct auditlog *log = start(&event);
        (void)emit(log, "first");
        run_until_sent(log, event, 1);
        hold = false;
        run_until_kept(log, event, 1);

        (void)emit(log, "second");
        while (taken("path=\"first\"") == 1)
                (void)usleep(1000);
        hold = false;
        while (auditlog_status(log).kept < 2)
                (void)usleep(1000);
        ck_assert_int_ge(sd_event_run(event, 0), 0);
        (void)usleep(50000);
        ck_assert_uint_eq(taken("op="), 2);

        takes = false;
        for (unsigned i = 0; i < SENDER_QUEUE_MAX; i++)
                (void)emit(log, "more");
        run_until_kept(log, event, SENDER_QUEUE_MAX);
        ck_assert_uint_gt(auditlog_status(log).lost, 0);
        while (sd_event_run(event, 0) > 0)
                ;
        takes = true;
        (void)emit(log, "third");
        run_until_sent(log, event, 1);
        hold = false;
        (void)usleep(50000);
        while (sd_event_run(event, 0) > 0)
                ;
        (void)usleep(50000);
        ck_assert_uint_eq(taken("path=\"third\""), 0);
        ck_assert_uint_eq(taken("op="), 3);
        (void)auditlog_free(log);
        sd_event_unref(event);
}

/* What the kernel lost just before the end is in the file, and the next start sends it. */
TEST(lost_at_the_end)
{
        sd_event *event = NULL;
        lost = 5;
        loses = true;
        struct auditlog *log = start(&event);
        (void)emit(log, "first");
        run_until_sent(log, event, 1);
        ck_assert(nothing_left());
        loses = hold = false;
        (void)auditlog_free(log);
        sd_event_unref(event);
        ck_assert(left("+1 1 "));

        log = start(&event);
        run_until_sent(log, event, 1);
        ck_assert(nothing_left());
        ck_assert_uint_eq(taken("seqno=1\n"), 2);
        hold = false;
        (void)auditlog_free(log);
        sd_event_unref(event);
}

/* What found no place in the queue is told of by the next start; the rest is sent. */
TEST(losses_over_a_stop)
{
        sd_event *event = NULL;
        takes = false;
        struct auditlog *log = start(&event);
        for (unsigned i = 0; i < SENDER_QUEUE_MAX + 3; i++)
                (void)emit(log, "one");
        run_until_kept(log, event, SENDER_QUEUE_MAX);
        for (int i = 0; i < 500 && auditlog_status(log).lost != 3; i++)
                ck_assert_int_ge(sd_event_run(event, 10000), 0);
        while (sd_event_run(event, 0) > 0)
                ;
        (void)auditlog_free(log);
        sd_event_unref(event);

        takes = true;
        log = start(&event);
        for (int i = 0; i < 5000 && !nothing_left(); i++)
                ck_assert_int_ge(sd_event_run(event, 10000), 0);
        (void)auditlog_free(log);
        sd_event_unref(event);
        /* With that one the file holds one more than the queue, which may push one out before it is sent. */
        ck_assert_uint_ge(taken("path=\"one\""), SENDER_QUEUE_MAX - 1);
        ck_assert_uint_eq(taken("op=audit-events-lost reason=not-handed-over count=3 "), 1);
}

Suite *test_suite(void)
{
        return suite_with("auditlog", setup, teardown);
}
