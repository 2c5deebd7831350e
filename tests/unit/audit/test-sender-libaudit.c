/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sender with the real backend above a libaudit and a kernel that are played here: what counts as sent,
 * and what is said where it is not. */
#include <check.h>
#include <errno.h>
#include <libaudit.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "../../../schema/audit/sender.h"
#include "../../../schema/base/clock.h"
#include "suite.h"

struct status_answer {
        int error; /* of the request, negative errno */
        uint32_t enabled, lost;
        uint32_t pid, rate_limit, backlog, backlog_limit;
        bool silent; /* the answer never comes */
};

static const struct play {
        const char *name;
        int open_error;
        struct status_answer status[2]; /* before and after the send */
        int send_result, send_errno;
        bool want; /* it is sent; else it is kept */
        const char *reason;
        unsigned want_sends;
} plays[] = {
        { "all is well", 0, { { .enabled = 1, .lost = 5 }, { .enabled = 1, .lost = 5 } }, 3, 0, true, "",
                1 },
        { "enabled and locked", 0, { { .enabled = 2 }, { .enabled = 2 } }, 3, 0, true, "", 1 },
        { "disabled", 0, { { .enabled = 0 } }, 3, 0, false, "auditing is disabled in the kernel (enabled=0)",
                0 },
        { "disabled meanwhile", 0, { { .enabled = 1 }, { .enabled = 0 } }, 3, 0, false,
                "auditing was disabled in the kernel meanwhile (enabled=0)", 1 },
        { "lost rose", 0, { { .enabled = 1, .lost = 5 }, { .enabled = 1, .lost = 6, .pid = 300 } }, 3, 0,
                false, "the kernel lost records meanwhile (backlog or rate limit)", 1 },
        { "lost rose, nobody fetches", 0,
                { { .enabled = 1, .lost = 5 },
                        { .enabled = 1, .lost = 6, .backlog = 63, .backlog_limit = 64 } },
                3, 0, true, "", 1 },
        { "lost rose, nobody fetches, no limit", 0,
                { { .enabled = 1 }, { .enabled = 1, .lost = 6, .backlog = 9 } }, 3, 0, true, "", 1 },
        { "lost rose, nobody fetches, full", 0,
                { { .enabled = 1, .lost = 5 },
                        { .enabled = 1, .lost = 6, .backlog = 64, .backlog_limit = 64 } },
                3, 0, false, "the kernel lost records meanwhile (backlog or rate limit)", 1 },
        { "lost rose, nobody fetches, limited", 0,
                { { .enabled = 1, .lost = 5 }, { .enabled = 1, .lost = 6, .rate_limit = 1 } }, 3, 0, false,
                "the kernel lost records meanwhile (backlog or rate limit)", 1 },
        { "no CAP_AUDIT_WRITE", 0, { { .enabled = 1 } }, 0, EPERM, false,
                "the kernel refused the record: CAP_AUDIT_WRITE is missing", 1 },
        { "no CAP_AUDIT_WRITE, not hidden", 0, { { .enabled = 1 } }, -EPERM, EPERM, false,
                "the kernel refused the record: CAP_AUDIT_WRITE is missing", 1 },
        { "user namespace", 0, { { .error = -ECONNREFUSED } }, 0, ECONNREFUSED, false,
                "the kernel refused the record: no auditing in this user namespace", 1 },
        { "neither capability", 0, { { .error = -EPERM } }, 0, EPERM, false,
                "the kernel refused the record: CAP_AUDIT_WRITE is missing", 1 },
        { "no CAP_AUDIT_CONTROL", 0, { { .error = -EPERM } }, 3, 0, true,
                "sent, but not confirmed: reading the audit status needs CAP_AUDIT_CONTROL", 1 },
        { "invalid", 0, { { .enabled = 1 } }, -EINVAL, EINVAL, false,
                "the kernel refused the record: invalid type or length", 1 },
        { "refused for another reason", 0, { { .enabled = 1 } }, 0, EBUSY, false,
                "the kernel refused the record: Device or resource busy", 1 },
        { "broken in the request", 0, { { .error = -ENOBUFS } }, 3, 0, false,
                "the audit status cannot be read: No buffer space available", 0 },
        { "broken in the send", 0, { { .enabled = 1 } }, -ENOBUFS, ENOBUFS, false,
                "the audit socket is broken: No buffer space available", 2 },
        { "broken afterwards", 0, { { .enabled = 1 }, { .error = -ENOBUFS } }, 3, 0, false,
                "the kernel does not say whether it kept the record: No buffer space available", 1 },
        { "limited from the start", 0,
                { { .enabled = 1, .rate_limit = 1 }, { .enabled = 1, .rate_limit = 1 } }, 3, 0, true, "",
                1 },
        { "limited from the start, lost", 0,
                { { .enabled = 1, .rate_limit = 1 }, { .enabled = 1, .lost = 1, .rate_limit = 1 } }, 3, 0,
                false, "the kernel lost records meanwhile (backlog or rate limit)", 1 },
        { "no answer", 0, { { .silent = true } }, 3, 0, false,
                "the audit status cannot be read: Connection timed out", 0 },
        { "no answer afterwards", 0, { { .enabled = 1 }, { .silent = true } }, 3, 0, false,
                "the kernel does not say whether it kept the record: Connection timed out", 1 },
        { "no audit in the kernel", EPROTONOSUPPORT, { { 0 } }, 0, 0, false,
                "cannot open the audit socket: the kernel has no audit support", 0 },
};

static const struct play *play;
static unsigned n_sends, n_queued;
static int seq;
static struct audit_status answer;
/* What lies in the socket: message types, oldest first; AUDIT_GET carries `queued_seq`. */
static struct {
        int type;
        uint32_t seq;
} queued[16];

int __wrap_audit_open(void);
void __wrap_audit_close(int fd);
int __wrap_audit_request_status(int fd);
int __wrap_audit_get_reply(int fd, struct audit_reply *rep, reply_t block, int peek);
int __wrap_audit_log_user_message(int fd, int type, const char *message, const char *hostname,
        const char *addr, const char *tty, int result);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);

int __wrap_audit_open(void)
{
        errno = play->open_error;
        return play->open_error ? -1 : 42;
}

void __wrap_audit_close(int fd)
{
        ck_assert_int_eq(fd, 42);
}

static void enqueue(int type, uint32_t message_seq)
{
        ck_assert_uint_lt(n_queued, ARRAY_SIZE(queued));
        queued[n_queued].type = type;
        queued[n_queued++].seq = message_seq;
}

int __wrap_audit_request_status(int fd)
{
        ck_assert_int_eq(fd, 42);
        /* What lay there would be taken for the acknowledgement. */
        ck_assert_uint_eq(n_queued, 0);
        const struct status_answer *s = &play->status[n_sends > 0];
        if (s->error)
                return s->error;
        answer = (struct audit_status){ .enabled = s->enabled,
                .lost = s->lost,
                .pid = s->pid,
                .rate_limit = s->rate_limit,
                .backlog = s->backlog,
                .backlog_limit = s->backlog_limit };
        seq++;
        if (s->silent)
                return seq;
        /* Somebody else's, a late one of an earlier question, the right one, the acknowledgement of it. */
        enqueue(AUDIT_USER, 0);
        enqueue(AUDIT_GET, (uint32_t)seq - 1);
        enqueue(AUDIT_GET, (uint32_t)seq);
        enqueue(NLMSG_ERROR, (uint32_t)seq);
        return seq;
}

int __wrap_audit_get_reply(int fd, struct audit_reply *rep, reply_t block, int peek)
{
        static struct audit_status other = { .enabled = 99, .lost = 99 };

        ck_assert_int_eq(fd, 42);
        ck_assert_int_eq(block, GET_REPLY_NONBLOCKING);
        ck_assert_int_eq(peek, 0);
        if (n_queued == 0)
                return -EAGAIN;
        *rep = (struct audit_reply){ .type = queued[0].type, .nlh = &rep->msg.nlh };
        rep->nlh->nlmsg_seq = queued[0].seq;
        if (rep->type == AUDIT_GET)
                rep->status = queued[0].seq == (uint32_t)seq ? &answer : &other;
        n_queued--;
        memmove(queued, queued + 1, n_queued * sizeof(queued[0]));
        return 100;
}

int __wrap_audit_log_user_message(int fd, int type, const char *message, const char *hostname,
        const char *addr, const char *tty, int result)
{
        ck_assert_int_eq(fd, 42);
        ck_assert_int_eq(type, AUDIT_USYS_CONFIG);
        ck_assert_str_eq(message, "op=x");
        ck_assert_ptr_null(hostname);
        ck_assert_ptr_null(addr);
        ck_assert_str_eq(tty, "");
        ck_assert_int_eq(result, 1);
        ck_assert_uint_eq(n_queued, 0);
        n_sends++;
        errno = play->send_errno;
        return play->send_result;
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(fds[0].fd, 42);
        ck_assert_int_gt(timeout, 0);
        return n_queued > 0;
}

static char outcomes[32];

static void on_outcome(uint64_t cookie, enum sender_outcome outcome, void *userdata _unused_)
{
        static const char *const names[] = { "sent ", "kept ", "lost " };

        ck_assert_uint_eq(cookie, 1);
        (void)strcat(outcomes, names[outcome]);
}

/* What the next start would find. */
static char marks[32];

static void on_handed_over(const struct sender_record *r, bool sent, void *userdata _unused_)
{
        ck_assert_uint_eq(r->cookie, 1);
        ck_assert(r->success);
        ck_assert_str_eq(r->text, "op=x");
        (void)strcat(marks, sent ? "+ " : "- ");
}

/* Sent: it is marked. Taken and not kept: it was, where nothing spoke against it, and is no more. */
static const char *wanted_marks(void)
{
        bool taken = play->send_result > 0 && play->want_sends > 0;

        if (play->want)
                return "+ ";
        return taken && play->status[0].rate_limit == 0 ? "+ - " : "";
}

static void await_outcome(struct sender *s)
{
        for (unsigned i = 0; i < 20000 && !*outcomes; i++) {
                sender_dispatch(s);
                (void)usleep(1000);
        }
}

TEST_EACH(plays_out, ARRAY_SIZE(plays))
{
        const struct sender_record record = {
                .cookie = 1, .success = true, .since = (int64_t)clock_of(CLOCK_BOOTTIME), .text = "op=x"
        };
        struct sender *s = NULL;

        play = &plays[_i];
        n_sends = n_queued = 0;
        outcomes[0] = marks[0] = '\0';
        seq = 1;
        enqueue(NLMSG_ERROR, 1); /* left by an earlier send */
        ck_assert_int_eq(sender_new(&sender_libaudit, 3600000, on_handed_over, on_outcome, NULL, &s), 0);
        ck_assert_int_eq(sender_submit(s, &record, false), 0);
        await_outcome(s);
        /* What it never takes would hold up all that is behind it. */
        const char *not_sent = play->send_result == -EINVAL ? "lost " : "kept ";
        ck_assert_msg(
                strcmp(outcomes, play->want ? "sent " : not_sent) == 0, "%s: %s", play->name, outcomes);
        ck_assert_msg(strcmp(sender_status(s).problem, play->reason) == 0, "%s: %s", play->name,
                sender_status(s).problem);
        ck_assert_msg(n_sends == play->want_sends, "%s: %u", play->name, n_sends);
        ck_assert_msg(strcmp(marks, wanted_marks()) == 0, "%s: %s", play->name, marks);
        (void)sender_stop(s, 20000);
}

static const struct look {
        struct play play; /* its first status */
        int want;
        struct sender_kernel kernel;
} looks[] = {
        { { .name = "a daemon", .status = { { .enabled = 1, .lost = 5, .pid = 300 } } }, 0,
                { .enabled = true, .fetched = true, .lost = 5 } },
        { { .name = "none yet lost, locked", .status = { { .enabled = 2, .pid = 300 } } }, 0,
                { .enabled = true, .fetched = true } },
        { { .name = "nobody fetches", .status = { { .enabled = 1, .lost = 5 } } }, 0,
                { .enabled = true, .lost = 5 } },
        { { .name = "off, limited", .status = { { .rate_limit = 1 } } }, 0, { .tight = true } },
        { { .name = "full", .status = { { .backlog = 64, .backlog_limit = 64 } } }, 0, { .tight = true } },
        { { .name = "no limit", .status = { { .backlog = 64 } } }, 0, { .lost = 0 } },
        { { .name = "no CAP_AUDIT_CONTROL", .status = { { .error = -EPERM } } }, -EPERM, { .lost = 99 } },
        { { .name = "user namespace", .status = { { .error = -ECONNREFUSED } } }, -EPERM, { .lost = 99 } },
        { { .name = "broken", .status = { { .error = -ENOBUFS } } }, -ENOBUFS, { .lost = 99 } },
        { { .name = "no answer", .status = { { .silent = true } } }, -ETIMEDOUT, { .lost = 99 } },
};

TEST_EACH(asks, ARRAY_SIZE(looks))
{
        struct sender_kernel kernel = { .lost = 99 };
        const struct sender_kernel *want = &looks[_i].kernel;

        play = &looks[_i].play;
        n_sends = n_queued = 0;
        seq = 1;
        enqueue(NLMSG_ERROR, 1); /* left by an earlier send */
        int r = sender_libaudit.status(sender_libaudit.ctx, 42, &kernel);
        ck_assert_msg(r == looks[_i].want, "%s: %d", play->name, r);
        ck_assert_int_eq(kernel.enabled, want->enabled);
        ck_assert_int_eq(kernel.fetched, want->fetched);
        ck_assert_int_eq(kernel.tight, want->tight);
        ck_assert_uint_eq(kernel.lost, want->lost);
        ck_assert_uint_gt(sender_libaudit.settle_ms, 0);
}

Suite *test_suite(void)
{
        return suite_of("sender-libaudit");
}
