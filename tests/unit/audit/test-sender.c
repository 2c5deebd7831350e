/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "../../../schema/audit/sender.h"
#include "../../../schema/base/clock.h"
#include "suite.h"

/* No timer of the sender's runs in these tests unless they say so. */
#define RETRY_NEVER 3600000u
/* How long a test waits before it calls something lost: never reached where all is well. */
#define PATIENCE_MS 20000
#define LOG_MAX 4096

/* A backend that does as it is told, and writes down what went through. */
struct fake {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        int answer;      /* of send(): 1, 0, negative errno */
        int answer_once; /* of the next send only, where it is not 0 */
        int open_answer;
        const char *note; /* the reason that goes with answer 1 */
        bool block;       /* send() does not return until this is false */
        bool blocking;    /* a send() is in there */
        unsigned opens, closes, sends;
        bool signals_blocked;
        char log[LOG_MAX]; /* "text+ " or "text- " for success and failure, of what was handed over */
};

static int fake_open(void *ctx)
{
        struct fake *f = ctx;

        (void)pthread_mutex_lock(&f->lock);
        f->opens++;
        int r = f->open_answer;
        (void)pthread_mutex_unlock(&f->lock);
        return r;
}

static int fake_send(void *ctx, int fd, const char *text, bool success, char *reason, size_t size)
{
        struct fake *f = ctx;
        sigset_t mask;

        (void)pthread_mutex_lock(&f->lock);
        f->sends++;
        (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
        f->signals_blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGCHLD) == 1;
        while (f->block) {
                f->blocking = true;
                (void)pthread_cond_broadcast(&f->changed);
                (void)pthread_cond_wait(&f->changed, &f->lock);
        }
        f->blocking = false;
        int r = fd == f->open_answer ? f->answer : -EBADF;
        if (f->answer_once != 0) {
                r = f->answer_once;
                f->answer_once = 0;
        }
        if (r == 0)
                (void)snprintf(reason, size, "refused by the test");
        if (r > 0) {
                size_t n = strlen(f->log);
                (void)snprintf(f->log + n, sizeof(f->log) - n, "%s%c ", text, success ? '+' : '-');
                if (f->note)
                        (void)snprintf(reason, size, "%s", f->note);
        }
        (void)pthread_cond_broadcast(&f->changed);
        (void)pthread_mutex_unlock(&f->lock);
        return r;
}

static void fake_close(void *ctx, int fd)
{
        struct fake *f = ctx;

        (void)pthread_mutex_lock(&f->lock);
        ck_assert_int_eq(fd, f->open_answer);
        f->closes++;
        (void)pthread_cond_broadcast(&f->changed);
        (void)pthread_mutex_unlock(&f->lock);
}

static struct fake fake;
static const struct sender_backend fake_backend = {
        .open = fake_open, .send = fake_send, .close = fake_close, .ctx = &fake
};
static struct sender *sender;

static unsigned n_sent, n_kept, n_lost;
static char outcomes[LOG_MAX]; /* "1s " sent, "1k " kept, "1l " lost */
static pthread_t owner;

static void on_outcome(uint64_t cookie, enum sender_outcome outcome, void *userdata)
{
        size_t n = strlen(outcomes);

        ck_assert_ptr_eq(userdata, &fake);
        ck_assert(pthread_equal(pthread_self(), owner));
        n_sent += outcome == SENDER_SENT;
        n_kept += outcome == SENDER_KEPT;
        n_lost += outcome == SENDER_LOST;
        if (n + 32 < sizeof(outcomes))
                (void)snprintf(outcomes + n, sizeof(outcomes) - n, "%u%c ", (unsigned)cookie,
                        outcome == SENDER_SENT   ? 's'
                        : outcome == SENDER_KEPT ? 'k'
                                                 : 'l');
}

static void set(int answer)
{
        (void)pthread_mutex_lock(&fake.lock);
        fake.answer = answer;
        (void)pthread_mutex_unlock(&fake.lock);
}

static void block(bool on)
{
        (void)pthread_mutex_lock(&fake.lock);
        fake.block = on;
        (void)pthread_cond_broadcast(&fake.changed);
        (void)pthread_mutex_unlock(&fake.lock);
}

/* Waits until a send() hangs. */
static void wait_blocking(void)
{
        (void)pthread_mutex_lock(&fake.lock);
        while (!fake.blocking)
                (void)pthread_cond_wait(&fake.changed, &fake.lock);
        (void)pthread_mutex_unlock(&fake.lock);
}

static int submit_text(const char *text, bool success, uint64_t cookie)
{
        const struct sender_record r = { .cookie = cookie,
                .success = success,
                .since = (int64_t)clock_of(CLOCK_BOOTTIME),
                .text = text };

        return sender_submit(sender, &r, false);
}

static void submit(uint64_t cookie, bool success)
{
        ck_assert_int_eq(submit_text(textf("r%u", (unsigned)cookie), success, cookie), 0);
}

/* Runs the owner's loop until so many outcomes were told. */
static void wait_outcomes(unsigned n)
{
        while (n_sent + n_kept + n_lost < n) {
                struct pollfd p = { .fd = sender_fd(sender), .events = POLLIN };
                ck_assert_msg(poll(&p, 1, PATIENCE_MS) == 1, "only: %s", outcomes);
                sender_dispatch(sender);
        }
}

static void check_status(uint64_t sent, uint64_t lost, uint64_t kept, const char *problem)
{
        struct sender_status st = sender_status(sender);

        ck_assert_uint_eq(st.sent, sent);
        ck_assert_uint_eq(st.lost, lost);
        ck_assert_uint_eq(st.kept, kept);
        ck_assert_str_eq(st.problem, problem);
}

static void start(unsigned retry_ms)
{
        fake = (struct fake){ .lock = PTHREAD_MUTEX_INITIALIZER,
                .changed = PTHREAD_COND_INITIALIZER,
                .answer = 1,
                .open_answer = 7 };
        n_sent = n_kept = n_lost = 0;
        outcomes[0] = '\0';
        owner = pthread_self();
        ck_assert_int_eq(sender_new(&fake_backend, retry_ms, NULL, on_outcome, &fake, &sender), 0);
}

static void stop(void)
{
        sender = sender_stop(sender, PATIENCE_MS);
        ck_assert_ptr_null(sender);
        ck_assert_uint_eq(fake.opens > 0 && fake.open_answer >= 0 ? fake.opens : 0, fake.closes);
}

TEST(sends)
{
        start(RETRY_NEVER);
        submit(1, true);
        submit(2, false);
        submit(3, true);
        wait_outcomes(3);
        ck_assert_str_eq(outcomes, "1s 2s 3s ");
        check_status(3, 0, 0, "");
        stop();
        ck_assert_str_eq(fake.log, "r1+ r2- r3+ ");
        ck_assert_uint_eq(fake.opens, 1);
        ck_assert(fake.signals_blocked);
}

TEST(says_what_was_not_confirmed)
{
        start(RETRY_NEVER);
        fake.note = "not confirmed";
        submit(1, true);
        wait_outcomes(1);
        check_status(1, 0, 0, "not confirmed");
        submit(2, true);
        wait_outcomes(2);
        check_status(2, 0, 0, "not confirmed");
        stop();
}

TEST(keeps_then_sends_in_order)
{
        start(RETRY_NEVER);
        set(0);
        submit(1, true);
        submit(2, true);
        wait_outcomes(2);
        check_status(0, 0, 2, "refused by the test");
        /* Told once only, however often it is tried. */
        sender_kick(sender);
        submit(3, true);
        wait_outcomes(3);
        ck_assert_str_eq(outcomes, "1k 2k 3k ");
        check_status(0, 0, 3, "refused by the test");
        set(1);
        sender_kick(sender);
        wait_outcomes(6);
        ck_assert_str_eq(outcomes, "1k 2k 3k 1s 2s 3s ");
        check_status(3, 0, 0, "");
        stop();
        ck_assert_str_eq(fake.log, "r1+ r2+ r3+ ");
}

TEST(retries_by_itself)
{
        start(20);
        set(0);
        submit(1, true);
        wait_outcomes(1);
        set(1);
        wait_outcomes(2);
        ck_assert_str_eq(outcomes, "1k 1s ");
        stop();
}

TEST(success_brings_the_kept_ones)
{
        start(RETRY_NEVER);
        set(0);
        submit(1, true);
        wait_outcomes(1);
        set(1);
        submit(2, true);
        wait_outcomes(3);
        ck_assert_str_eq(outcomes, "1k 1s 2s ");
        stop();
}

TEST(reopens)
{
        start(RETRY_NEVER);
        submit(1, true);
        wait_outcomes(1);
        (void)pthread_mutex_lock(&fake.lock);
        fake.answer_once = -ECONNRESET;
        (void)pthread_mutex_unlock(&fake.lock);
        submit(2, true);
        wait_outcomes(2);
        ck_assert_str_eq(outcomes, "1s 2s ");
        check_status(2, 0, 0, "");
        stop();
        ck_assert_uint_eq(fake.opens, 2);
        ck_assert_str_eq(fake.log, "r1+ r2+ ");
}

TEST(kicked_while_it_tries)
{
        start(RETRY_NEVER);
        set(0);
        submit(1, true);
        wait_outcomes(1);
        block(true);
        sender_kick(sender);
        wait_blocking();
        sender_kick(sender);
        block(false);
        (void)pthread_mutex_lock(&fake.lock);
        while (fake.sends < 3)
                (void)pthread_cond_wait(&fake.changed, &fake.lock);
        (void)pthread_mutex_unlock(&fake.lock);
        stop();
}

TEST(stays_broken)
{
        start(RETRY_NEVER);
        set(-ECONNRESET);
        submit(1, true);
        wait_outcomes(1);
        check_status(0, 0, 1, "the audit socket is broken: Connection reset by peer");
        set(1);
        sender_kick(sender);
        wait_outcomes(2);
        ck_assert_str_eq(outcomes, "1k 1s ");
        stop();
}

TEST(cannot_open)
{
        static const struct {
                int error;
                const char *problem;
        } cases[] = {
                { -EPROTONOSUPPORT, "cannot open the audit socket: the kernel has no audit support" },
                { -EMFILE, "cannot open the audit socket: Too many open files" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                start(RETRY_NEVER);
                fake.open_answer = cases[i].error;
                submit(1, true);
                wait_outcomes(1);
                check_status(0, 0, 1, cases[i].problem);
                stop();
                ck_assert_str_eq(outcomes, "1k 1l ");
                ck_assert_uint_eq(fake.sends, 0);
        }
}

TEST(drops_the_oldest_kept)
{
        start(RETRY_NEVER);
        set(0);
        for (unsigned i = 0; i < SENDER_QUEUE_MAX; i++)
                submit(i, true);
        wait_outcomes(SENDER_QUEUE_MAX);
        check_status(0, 0, SENDER_QUEUE_MAX, "refused by the test");
        outcomes[0] = '\0';
        submit(5000, true);
        wait_outcomes(SENDER_QUEUE_MAX + 2);
        submit(5001, true);
        wait_outcomes(SENDER_QUEUE_MAX + 4);
        check_status(0, 2, SENDER_QUEUE_MAX, "refused by the test");
        ck_assert_ptr_nonnull(strstr(outcomes, "0l "));
        ck_assert_ptr_nonnull(strstr(outcomes, "1l "));
        ck_assert_ptr_nonnull(strstr(outcomes, "5001k "));
        ck_assert_uint_eq(n_lost, 2);
        set(1);
        sender_kick(sender);
        wait_outcomes(2 * SENDER_QUEUE_MAX + 4);
        check_status(SENDER_QUEUE_MAX, 2, 0, "");
        stop();
        ck_assert_int_eq(strncmp(fake.log, "r2+ r3+ ", 8), 0);
}

/* submit() never waits for a sender that hangs; what does not fit goes, the oldest first. */
TEST(overflows_while_blocked)
{
        start(RETRY_NEVER);
        block(true);
        submit(0, true);
        wait_blocking();
        for (unsigned i = 1; i < SENDER_QUEUE_MAX; i++)
                submit(i, true);
        check_status(0, 0, 0, "");
        submit(5000, true);
        submit(5001, true);
        wait_outcomes(2);
        ck_assert_str_eq(outcomes, "1l 2l ");
        check_status(0, 2, 0, "the queue is full: sending takes too long");
        block(false);
        wait_outcomes(SENDER_QUEUE_MAX + 2);
        check_status(SENDER_QUEUE_MAX, 2, 0, "");
        stop();
        ck_assert_int_eq(strncmp(fake.log, "r0+ r3+ ", 8), 0);
}

TEST(stop_sends_what_waits)
{
        start(RETRY_NEVER);
        set(0);
        submit(1, true);
        wait_outcomes(1);
        block(true);
        submit(2, true);
        wait_blocking();
        submit(3, true);
        (void)pthread_mutex_lock(&fake.lock);
        fake.answer = 1;
        fake.block = false;
        (void)pthread_cond_broadcast(&fake.changed);
        (void)pthread_mutex_unlock(&fake.lock);
        stop();
        ck_assert_uint_eq(n_sent, 3);
        ck_assert_uint_eq(n_lost, 0);
        ck_assert_ptr_nonnull(strstr(fake.log, "r1+ "));
}

TEST(stop_gives_the_kept_one_try)
{
        start(RETRY_NEVER);
        set(0);
        submit(1, true);
        submit(2, true);
        wait_outcomes(2);
        unsigned before = fake.sends;
        stop();
        ck_assert_str_eq(outcomes, "1k 2k 1l 2l ");
        ck_assert_uint_eq(fake.sends, before + 1);
}

/* The thread hangs in the kernel: stopping must not. What it held is lost for the owner, and it cleans up
 * behind itself when it comes back. */
TEST(stop_while_blocked)
{
        start(RETRY_NEVER);
        set(0);
        submit(1, true);
        wait_outcomes(1);
        block(true);
        sender_kick(sender);
        wait_blocking();
        submit(2, true);
        sender = sender_stop(sender, 50);
        ck_assert_ptr_null(sender);
        ck_assert_str_eq(outcomes, "1k 1l 2l ");

        /* Takes the number of the sender's descriptor: nothing may be written there any more. */
        int reused = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        eventfd_t count;
        (void)pthread_mutex_lock(&fake.lock);
        fake.answer = 1;
        fake.block = false;
        (void)pthread_cond_broadcast(&fake.changed);
        while (fake.closes == 0)
                (void)pthread_cond_wait(&fake.changed, &fake.lock);
        ck_assert_uint_eq(fake.sends, 2);
        (void)pthread_mutex_unlock(&fake.lock);
        ck_assert_str_eq(outcomes, "1k 1l 2l ");
        ck_assert_int_eq(eventfd_read(reused, &count), -1);
        (void)close(reused);
}

static void submit_again(uint64_t cookie, enum sender_outcome outcome, void *userdata)
{
        on_outcome(cookie, outcome, userdata);
        if (outcome == SENDER_LOST)
                ck_assert_int_eq(submit_text("too late", true, 9), -ESHUTDOWN);
}

TEST(stop_takes_no_more)
{
        start(RETRY_NEVER);
        (void)sender_stop(sender, PATIENCE_MS);
        ck_assert_int_eq(sender_new(&fake_backend, RETRY_NEVER, NULL, submit_again, &fake, &sender), 0);
        set(0);
        submit(1, true);
        wait_outcomes(1);
        stop();
        ck_assert_str_eq(outcomes, "1k 1l ");
}

TEST(stop_without_work)
{
        ck_assert_ptr_null(sender_stop(NULL, 0));
        start(RETRY_NEVER);
        stop();
        ck_assert_uint_eq(fake.opens, 0);
        ck_assert_str_eq(outcomes, "");
}

TEST(refuses_what_the_kernel_would_cut)
{
        char text[SENDER_TEXT_MAX + 1];

        start(RETRY_NEVER);
        memset(text, 'x', sizeof(text));
        text[SENDER_TEXT_MAX] = '\0';
        ck_assert_int_eq(submit_text(text, true, 1), -EMSGSIZE);
        text[SENDER_TEXT_MAX - 1] = '\0';
        ck_assert_int_eq(submit_text(text, true, 2), 0);
        wait_outcomes(1);
        ck_assert_str_eq(outcomes, "2s ");
        stop();
}

TEST(fd_is_quiet_when_nothing_waits)
{
        start(RETRY_NEVER);
        submit(1, true);
        wait_outcomes(1);
        struct pollfd p = { .fd = sender_fd(sender), .events = POLLIN };
        ck_assert_int_eq(poll(&p, 1, 0), 0);
        sender_dispatch(sender);
        ck_assert_str_eq(outcomes, "1s ");
        stop();
}

Suite *test_suite(void)
{
        return suite_of("sender");
}
