/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The real sender and the real kernel: what is told as handed over comes out of the kernel again, as it was;
 * what the kernel does not take is kept, and says why. Reads the multicast group that every record goes to.
 * Auditing is switched on and off meanwhile and put back as it was, so only one such test runs at a time. */
#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libaudit.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "../../schema/base/buf.h"
#include "../../schema/audit/record.h"
#include "../../schema/audit/sender.h"
#include "../../schema/base/clock.h"

#define LOCK_PATH "/run/lock/peios-audit-test.lock"
#define PATIENCE_MS 20000
#define RETRY_NEVER 3600000u
#define RECEIVED_MAX (MAX_AUDIT_MESSAGE_LENGTH + 64)

static uint32_t enabled_before;

static int skip(const char *why)
{
        (void)fprintf(stderr, "SKIP: %s, so no record went through the kernel\n", why);
        return 77;
}

static bool get_status(struct audit_status *ret)
{
        int fd = audit_open();
        bool found = false;

        if (fd < 0)
                return false;
        if (audit_request_status(fd) > 0)
                for (int i = 0; i < 50 && !found; i++) {
                        struct pollfd p = { .fd = fd, .events = POLLIN };
                        struct audit_reply reply;
                        if (poll(&p, 1, 200) == 1 &&
                                audit_get_reply(fd, &reply, GET_REPLY_NONBLOCKING, 0) > 0 &&
                                reply.type == AUDIT_GET) {
                                *ret = *reply.status;
                                found = true;
                        }
                }
        audit_close(fd);
        return found;
}

static bool set_enabled(uint32_t enabled)
{
        int fd = audit_open();
        bool done = fd >= 0 && audit_set_enabled(fd, enabled) > 0;

        audit_close(fd);
        return done;
}

static void put_back(int signal_number)
{
        (void)set_enabled(enabled_before);
        _exit(128 + signal_number);
}

static int log_fd = -1;
static struct sender *sender;
static unsigned n_outcomes;
static enum sender_outcome last_outcome;
static char token[40];

static void on_outcome(uint64_t cookie _unused_, enum sender_outcome outcome, void *userdata _unused_)
{
        n_outcomes++;
        last_outcome = outcome;
}

static void open_log(void)
{
        struct sockaddr_nl group = { .nl_family = AF_NETLINK, .nl_groups = 1u << (AUDIT_NLGRP_READLOG - 1) };
        int size = 8 << 20;

        log_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
        ck_assert_int_ge(log_fd, 0);
        ck_assert_int_eq(setsockopt(log_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)), 0);
        ck_assert_int_eq(bind(log_fd, (struct sockaddr *)&group, sizeof(group)), 0);
}

static void setup(void)
{
        uint64_t random[2];

        ck_assert_int_eq(getrandom(random, sizeof(random), 0), sizeof(random));
        (void)snprintf(token, sizeof(token), "t%016" PRIx64 "%016" PRIx64, random[0], random[1]);
        n_outcomes = 0;
        ck_assert(set_enabled(1));
        open_log();
}

static void start(void)
{
        ck_assert_int_eq(sender_new(&sender_libaudit, RETRY_NEVER, NULL, on_outcome, NULL, &sender), 0);
}

static void teardown(void)
{
        sender = sender_stop(sender, PATIENCE_MS);
        (void)close(log_fd);
}

static void wait_outcomes(unsigned n)
{
        while (n_outcomes < n) {
                struct pollfd p = { .fd = sender_fd(sender), .events = POLLIN };
                ck_assert_msg(
                        poll(&p, 1, PATIENCE_MS) == 1, "no outcome: %s", sender_status(sender).problem);
                sender_dispatch(sender);
        }
}

/* The next record with our token; the type and the text after `audit(…): `. */
static unsigned read_record(char *ret, size_t size)
{
        for (;;) {
                union {
                        struct nlmsghdr header;
                        char bytes[RECEIVED_MAX];
                } m;
                struct pollfd p = { .fd = log_fd, .events = POLLIN };
                ck_assert_msg(poll(&p, 1, PATIENCE_MS) == 1, "no record with %s came", token);
                ssize_t n = recv(log_fd, &m, sizeof(m) - 1, 0);
                ck_assert_int_ge(n, NLMSG_HDRLEN);
                m.bytes[n] = '\0';
                if (!strstr(m.bytes + NLMSG_HDRLEN, token))
                        continue;
                (void)snprintf(ret, size, "%s", m.bytes + NLMSG_HDRLEN);
                return m.header.nlmsg_type;
        }
}

static int submit_text(const char *text, bool success, uint64_t cookie)
{
        const struct sender_record r = { .cookie = cookie,
                .success = success,
                .since = (int64_t)clock_of(CLOCK_BOOTTIME),
                .text = text };

        return sender_submit(sender, &r, false);
}

static void submit(uint64_t seqno, bool success, struct buf *text)
{
        static const struct actor actor = {
                .pid = 4243,
                .uid = 1000,
                .loginuid = 1000,
                .session = 3,
                .comm = "res=failed",
                .exe = "/usr/bin/peios-reg",
        };
        struct record r = { .kind = RECORD_POLICY_CHANGED,
                .path = token,
                .old_text = "it's on",
                .new_text = "off",
                .actor = &actor,
                .seqno = seqno,
                .success = success };

        buf_clear(text);
        ck_assert_int_eq(record_format(&r, text), 0);
        ck_assert_int_eq(submit_text(text->data, success, seqno), 0);
}

static void check_record(const struct buf *text, bool success, bool kept)
{
        char got[RECEIVED_MAX], want[64], whole[RECORD_TEXT_MAX + 16];
        _cleanup_buf_ struct buf sent = BUF_INIT;

        ck_assert_uint_eq(read_record(got, sizeof(got)), AUDIT_USYS_CONFIG);
        const char *late = strstr(got, " late=");
        ck_assert_msg(!kept || late, "%s", got);
        if (late)
                record_add_late(&sent, text->data, strtoull(late + strlen(" late="), NULL, 10));
        else
                buf_puts(&sent, text->data);
        (void)snprintf(whole, sizeof(whole), " msg='%s exe=", buf_str(&sent));
        ck_assert_msg(strstr(got, whole), "%s", got);
        (void)snprintf(want, sizeof(want), " terminal=? res=%s'", success ? "success" : "failed");
        ck_assert_msg(strstr(got, want), "%s", got);
        (void)snprintf(want, sizeof(want), ": pid=%d ", (int)getpid());
        ck_assert_msg(strstr(got, want), "%s", got);
}

static void check_status(uint64_t sent, uint64_t lost, uint64_t kept, const char *problem)
{
        struct sender_status st = sender_status(sender);

        ck_assert_str_eq(st.problem, problem);
        ck_assert_uint_eq(st.sent, sent);
        ck_assert_uint_eq(st.lost, lost);
        ck_assert_uint_eq(st.kept, kept);
}

START_TEST(arrives)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        start();
        submit(1, true, &text);
        wait_outcomes(1);
        ck_assert_int_eq(last_outcome, SENDER_SENT);
        check_record(&text, true, false);
        submit(2, false, &text);
        wait_outcomes(2);
        check_record(&text, false, false);
        check_status(2, 0, 0, "");
}
END_TEST

START_TEST(disabled_is_kept_and_sent_later)
{
        _cleanup_buf_ struct buf text = BUF_INIT, marker = BUF_INIT;

        start();
        ck_assert(set_enabled(0));
        submit(1, true, &text);
        wait_outcomes(1);
        ck_assert_int_eq(last_outcome, SENDER_KEPT);
        check_status(0, 0, 1, "auditing is disabled in the kernel (enabled=0)");
        sender_kick(sender);

        ck_assert(set_enabled(1));
        sender_kick(sender);
        wait_outcomes(2);
        ck_assert_int_eq(last_outcome, SENDER_SENT);
        check_status(1, 0, 0, "");
        /* It comes once: the next one after it is the next one that was sent. */
        submit(2, true, &marker);
        wait_outcomes(3);
        check_record(&text, true, true);
        check_record(&marker, true, false);
}
END_TEST

START_TEST(largest_record_is_whole)
{
        static char big[RECORD_TEXT_MAX + 1];
        char got[RECEIVED_MAX];

        start();
        (void)memset(big, 'x', RECORD_TEXT_MAX);
        (void)memcpy(big, token, strlen(token));
        ck_assert_int_eq(submit_text(big, true, 1), 0);
        wait_outcomes(1);
        ck_assert_int_eq(last_outcome, SENDER_SENT);
        ck_assert_uint_eq(read_record(got, sizeof(got)), AUDIT_USYS_CONFIG);
        ck_assert_ptr_nonnull(strstr(got, big));
        ck_assert_ptr_nonnull(strstr(got, "res=success"));
}
END_TEST

/* Of this thread and of those that it starts. */
static void drop_capability(unsigned capability)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2];

        ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
        data[CAP_TO_INDEX(capability)].effective &= ~CAP_TO_MASK(capability);
        data[CAP_TO_INDEX(capability)].permitted &= ~CAP_TO_MASK(capability);
        ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

START_TEST(without_control)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        drop_capability(CAP_AUDIT_CONTROL);
        start();
        submit(1, true, &text);
        wait_outcomes(1);
        ck_assert_int_eq(last_outcome, SENDER_SENT);
        check_record(&text, true, false);
        check_status(1, 0, 0, "sent, but not confirmed: reading the audit status needs CAP_AUDIT_CONTROL");
}
END_TEST

START_TEST(without_write)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        drop_capability(CAP_AUDIT_WRITE);
        start();
        submit(1, true, &text);
        wait_outcomes(1);
        ck_assert_int_eq(last_outcome, SENDER_KEPT);
        check_status(0, 0, 1, "the kernel refused the record: CAP_AUDIT_WRITE is missing");
}
END_TEST

START_TEST(in_user_namespace)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        if (unshare(CLONE_NEWUSER) < 0) {
                (void)fprintf(stderr, "SKIP: no user namespaces here (%m), so that refusal was not seen\n");
                return;
        }
        start();
        submit(1, true, &text);
        wait_outcomes(1);
        ck_assert_int_eq(last_outcome, SENDER_KEPT);
        check_status(0, 0, 1, "the kernel refused the record: no auditing in this user namespace");
}
END_TEST

static int run(void)
{
        Suite *s = suite_create("audit-kernel");
        TCase *c = tcase_create("audit-kernel");

        suite_add_tcase(s, c);
        tcase_set_timeout(c, 60);
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, arrives);
        tcase_add_test(c, disabled_is_kept_and_sent_later);
        tcase_add_test(c, largest_record_is_whole);
        tcase_add_test(c, without_control);
        tcase_add_test(c, without_write);
        tcase_add_test(c, in_user_namespace);

        SRunner *sr = srunner_create(s);
        /* A child a test: capabilities and namespaces go with it, and this process stays to put things back.
         */
        srunner_set_fork_status(sr, CK_FORK);
        srunner_run_all(sr, CK_ENV);
        int failed = srunner_ntests_failed(sr);
        srunner_free(sr);
        return failed > 0;
}

int main(void)
{
        struct audit_status status;

        if (geteuid() != 0)
                return skip("not root");
        _cleanup_close_ int lock = open(LOCK_PATH, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (lock < 0 || flock(lock, LOCK_EX) < 0) {
                perror(LOCK_PATH);
                return 1;
        }
        if (!get_status(&status))
                return skip("the kernel has no audit, or this process may not ask it (CAP_AUDIT_CONTROL)");
        if (status.pid != 0)
                return skip("an audit daemon runs");
        if (status.enabled > 1)
                return skip("the audit configuration is locked");

        enabled_before = status.enabled;
        (void)signal(SIGINT, put_back);
        (void)signal(SIGTERM, put_back);
        (void)signal(SIGHUP, put_back);
        int failed = run();
        if (!set_enabled(enabled_before)) {
                (void)fprintf(stderr, "auditing could not be put back to enabled=%u\n", enabled_before);
                return 1;
        }
        return failed;
}
