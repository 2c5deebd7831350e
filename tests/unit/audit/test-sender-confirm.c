/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records that the kernel takes and loses later: a kernel that is played here says so by its count only. */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "../../../service/audit/sender.h"

/* No timer of the sender's runs in these tests unless they say so. */
#define NEVER 3600000u
#define PATIENCE_MS 20000
#define LOG_MAX 8192
#define UNCONFIRMED_MAX 64u

static struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        int answer;        /* of send() */
        int status_answer; /* of status() */
        bool nobody_fetches;
        uint64_t lost, loses_later;
        bool loses;           /* each record that it takes, by the next look */
        bool block, blocking; /* a look does not return; is in there */
        bool asked_at_once;   /* the next question is the one behind a send, no look */
        int fails_at_once;    /* of that one */
        unsigned sends, looks, opens, closes;
        char log[LOG_MAX];         /* "1 ": what it took */
        char handed_over[LOG_MAX]; /* "+1 -1 " */
} fake;

static void lock(void)
{
        (void)pthread_mutex_lock(&fake.lock);
}

static void unlock(void)
{
        (void)pthread_cond_broadcast(&fake.changed);
        (void)pthread_mutex_unlock(&fake.lock);
}

static int fake_open(void *ctx _unused_)
{
        lock();
        fake.opens++;
        unlock();
        return 1000;
}

static void fake_close(void *ctx _unused_, int fd)
{
        ck_assert_int_eq(fd, 1000);
        lock();
        fake.closes++;
        unlock();
}

static void add(char *log, const char *before, const char *text)
{
        size_t n = strlen(log);
        (void)snprintf(log + n, LOG_MAX - n, "%s%s ", before, text);
}

static int fake_send(
        void *ctx _unused_, int fd _unused_, const char *text, bool success, char *reason, size_t size)
{
        ck_assert(success == (strcmp(text, "2") != 0));
        lock();
        fake.sends++;
        int r = fake.answer;
        if (r > 0)
                add(fake.log, "", text);
        else
                (void)snprintf(reason, size, "refused by the test");
        if (r > 0 && fake.loses)
                fake.loses_later++;
        fake.asked_at_once = r > 0;
        unlock();
        return r;
}

static void look(void)
{
        fake.looks++;
        while (fake.block) {
                fake.blocking = true;
                (void)pthread_cond_broadcast(&fake.changed);
                (void)pthread_cond_wait(&fake.changed, &fake.lock);
        }
        fake.lost += fake.loses_later;
        fake.loses_later = 0;
}

static int fake_status(void *ctx _unused_, int fd, struct sender_kernel *ret)
{
        ck_assert_int_eq(fd, 1000);
        lock();
        int r = fake.asked_at_once && fake.fails_at_once ? fake.fails_at_once : fake.status_answer;
        if (!fake.asked_at_once)
                look();
        /* One that failed is asked again, by a connection that is opened anew. */
        fake.asked_at_once = fake.asked_at_once && r < 0;
        if (r == 0)
                *ret = (struct sender_kernel){
                        .enabled = true, .fetched = !fake.nobody_fetches, .lost = fake.lost
                };
        unlock();
        return r;
}

static struct sender_backend backend;
static struct sender *sender;
static unsigned n_outcomes, n_kept;
static char outcomes[LOG_MAX]; /* "1s " sent, "1k " kept, "1l " lost */

static void on_outcome(uint64_t cookie, enum sender_outcome outcome, void *userdata _unused_)
{
        char text[32];

        (void)snprintf(text, sizeof(text), "%u%c", (unsigned)cookie,
                outcome == SENDER_SENT   ? 's'
                : outcome == SENDER_KEPT ? 'k'
                                         : 'l');
        add(outcomes, "", text);
        n_outcomes++;
        n_kept += outcome == SENDER_KEPT;
}

static void on_handed_over(
        uint64_t cookie, bool sent, bool success, const char *text, void *userdata _unused_)
{
        char number[32];

        (void)snprintf(number, sizeof(number), "%u", (unsigned)cookie);
        ck_assert_str_eq(text, number);
        ck_assert(success == (cookie != 2));
        lock();
        add(fake.handed_over, sent ? "+" : "-", text);
        unlock();
}

static void start(unsigned retry_ms, unsigned settle_ms)
{
        (void)memset(&fake, 0, sizeof(fake));
        (void)pthread_mutex_init(&fake.lock, NULL);
        (void)pthread_cond_init(&fake.changed, NULL);
        fake.answer = 1;
        fake.lost = 7;
        n_outcomes = n_kept = 0;
        outcomes[0] = '\0';
        backend = (struct sender_backend){
                .open = fake_open,
                .send = fake_send,
                .close = fake_close,
                .status = fake_status,
                .settle_ms = settle_ms,
        };
        ck_assert_int_eq(sender_new(&backend, retry_ms, on_handed_over, on_outcome, NULL, &sender), 0);
}

static void stop(void)
{
        sender = sender_stop(sender, PATIENCE_MS);
        ck_assert_uint_eq(fake.opens, fake.closes);
}

static void submit(unsigned first, unsigned last)
{
        for (unsigned i = first; i <= last; i++) {
                char text[32];
                (void)snprintf(text, sizeof(text), "%u", i);
                ck_assert_int_eq(sender_submit(sender, text, i != 2, i), 0);
        }
}

static void dispatch_one(int timeout_ms)
{
        struct pollfd p = { .fd = sender_fd(sender), .events = POLLIN };
        ck_assert_msg(poll(&p, 1, timeout_ms) == 1, "only: %s", outcomes);
        sender_dispatch(sender);
}

static void wait_outcomes(const char *want)
{
        while (strlen(outcomes) < strlen(want))
                dispatch_one(PATIENCE_MS);
        ck_assert_str_eq(outcomes, want);
}

static void wait_n_outcomes(unsigned n)
{
        while (n_outcomes < n)
                dispatch_one(PATIENCE_MS);
        ck_assert_uint_eq(n_outcomes, n);
}

static void set_loses(bool on)
{
        lock();
        fake.loses = on;
        unlock();
}

/* The count rises for what the kernel took already. */
static void lose(void)
{
        lock();
        fake.lost++;
        unlock();
}

static void wait_looks(unsigned n)
{
        lock();
        while (fake.looks < n)
                (void)pthread_cond_wait(&fake.changed, &fake.lock);
        unlock();
}

/* Nothing wakes any more: neither the owner nor the thread. */
static void check_quiet(unsigned looks, unsigned sends)
{
        struct pollfd p = { .fd = sender_fd(sender), .events = POLLIN };

        ck_assert_int_eq(poll(&p, 1, 150), 0);
        lock();
        ck_assert_uint_eq(fake.looks, looks);
        ck_assert_uint_eq(fake.sends, sends);
        unlock();
}

static void check_log(const char *want, const char *handed_over)
{
        lock();
        ck_assert_str_eq(fake.log, want);
        ck_assert_str_eq(fake.handed_over, handed_over);
        unlock();
}

static void check_status(uint64_t sent, uint64_t kept, bool in_doubt, const char *problem)
{
        struct sender_status st = sender_status(sender);

        ck_assert_uint_eq(st.sent, sent);
        ck_assert_uint_eq(st.kept, kept);
        ck_assert_uint_eq(st.lost, 0);
        ck_assert_int_eq(st.in_doubt, in_doubt);
        ck_assert_str_eq(st.problem, problem);
}

#define LOST SENDER_LOST_MEANWHILE

START_TEST(nothing_lost)
{
        start(NEVER, 20);
        submit(1, 1);
        wait_outcomes("1s ");
        wait_looks(2);
        check_quiet(2, 1);
        check_status(1, 0, false, "");
        stop();
        check_log("1 ", "+1 ");
        ck_assert_str_eq(outcomes, "1s ");
}
END_TEST

START_TEST(lost_between_two_sends)
{
        start(NEVER, NEVER);
        submit(1, 1);
        wait_outcomes("1s ");
        lose();
        submit(2, 2);
        wait_outcomes("1s 1k 2s ");
        check_status(1, 1, true, LOST);
        /* Once for each rise. */
        submit(3, 3);
        wait_outcomes("1s 1k 2s 3s ");
        check_status(2, 1, true, LOST);
        check_log("1 2 3 ", "+1 -1 +2 +3 ");
        stop();
        /* It can not be seen any more what becomes of them: those that are sent last are no better off. */
        check_log("1 2 3 ", "+1 -1 +2 +3 -2 -3 ");
        ck_assert_str_eq(outcomes, "1s 1k 2s 3s 2k 3k 1l 2l 3l ");
}
END_TEST

START_TEST(lost_after_the_last)
{
        start(NEVER, 20);
        set_loses(true);
        submit(1, 1);
        wait_outcomes("1s 1k ");
        check_status(0, 1, true, LOST);
        check_log("1 ", "+1 -1 ");
        check_quiet(2, 1);

        set_loses(false);
        sender_kick(sender);
        wait_outcomes("1s 1k 1s ");
        /* That it stays is told of, too. */
        while (sender_status(sender).in_doubt)
                dispatch_one(PATIENCE_MS);
        check_status(1, 0, false, "");
        check_quiet(4, 2);
        stop();
        check_log("1 1 ", "+1 -1 +1 ");
}
END_TEST

/* One goes out for each try, the oldest; when it stays, the others follow by themselves. */
START_TEST(goes_on_losing)
{
        start(NEVER, 20);
        set_loses(true);
        submit(1, 3);
        while (n_kept < 3)
                dispatch_one(PATIENCE_MS);
        for (unsigned i = 4; i < 7; i++) {
                sender_kick(sender);
                while (n_kept < i)
                        dispatch_one(PATIENCE_MS);
                check_status(0, 3, true, LOST);
        }
        lock();
        ck_assert_str_eq(fake.log, "1 2 3 1 1 1 ");
        unlock();
        set_loses(false);
        sender_kick(sender);
        wait_n_outcomes(6 + 6 + 3);
        lock();
        ck_assert_str_eq(fake.log, "1 2 3 1 1 1 1 2 3 ");
        unlock();
        check_status(3, 0, false, "");
        stop();
}
END_TEST

START_TEST(tries_by_itself)
{
        struct timespec from, to;

        (void)clock_gettime(CLOCK_MONOTONIC, &from);
        start(50, 10);
        set_loses(true);
        submit(1, 2);
        while (n_kept < 6)
                dispatch_one(PATIENCE_MS);
        (void)clock_gettime(CLOCK_MONOTONIC, &to);
        /* Four at least were tried again. */
        ck_assert_int_ge((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000, 200);
        set_loses(false);
        while (sender_status(sender).sent < 2)
                dispatch_one(PATIENCE_MS);
        stop();
}
END_TEST

/* A new one that stays brings the kept ones. */
START_TEST(new_one_stays)
{
        start(NEVER, 20);
        set_loses(true);
        submit(1, 1);
        wait_outcomes("1s 1k ");
        set_loses(false);
        submit(2, 2);
        wait_outcomes("1s 1k 2s 1s ");
        check_log("1 2 1 ", "+1 -1 +2 +1 ");
        stop();
}
END_TEST

START_TEST(list_is_bounded)
{
        start(NEVER, NEVER);
        submit(1, UNCONFIRMED_MAX + 6);
        wait_n_outcomes(UNCONFIRMED_MAX + 6);
        lose();
        outcomes[0] = '\0';
        submit(1000, 1000);
        wait_n_outcomes(2 * UNCONFIRMED_MAX + 7);
        check_status(7, UNCONFIRMED_MAX, true, LOST);
        ck_assert_int_eq(strncmp(outcomes, "7k 8k ", 6), 0);
        ck_assert_ptr_nonnull(strstr(outcomes, "70k 1000s "));
        stop();
}
END_TEST

/* No more of the kept ones go out than are remembered. */
START_TEST(round_pauses)
{
        start(NEVER, 1000);
        lock();
        fake.answer = 0;
        unlock();
        submit(1, 100);
        wait_n_outcomes(100);
        lock();
        fake.answer = 1;
        unlock();
        sender_kick(sender);
        wait_n_outcomes(100 + UNCONFIRMED_MAX);
        lock();
        fake.answer = 0;
        unlock();
        sender_kick(sender);
        submit(101, 101);
        wait_n_outcomes(101 + UNCONFIRMED_MAX);
        lock();
        fake.answer = 1;
        unlock();
        (void)usleep(100000);
        check_status(UNCONFIRMED_MAX, 101 - UNCONFIRMED_MAX, false, "refused by the test");
        wait_n_outcomes(202);
        check_status(101, 0, false, "");
        stop();
        ck_assert_uint_eq(fake.sends, 202);
}
END_TEST

START_TEST(queue_stays_bounded)
{
        start(NEVER, NEVER);
        submit(1, 10);
        wait_n_outcomes(10);
        lock();
        fake.answer = 0;
        unlock();
        submit(11, 10 + SENDER_QUEUE_MAX);
        wait_n_outcomes(10 + SENDER_QUEUE_MAX);
        lose();
        outcomes[0] = '\0';
        sender_kick(sender);
        wait_n_outcomes(10 + SENDER_QUEUE_MAX + 20);
        struct sender_status st = sender_status(sender);
        ck_assert_uint_eq(st.sent, 0);
        ck_assert_uint_eq(st.kept, SENDER_QUEUE_MAX);
        ck_assert_uint_eq(st.lost, 10);
        ck_assert_ptr_nonnull(strstr(outcomes, "10k 1l 2l 3l "));
        stop();
}
END_TEST

START_TEST(nobody_fetches)
{
        start(NEVER, NEVER);
        set_loses(true);
        submit(1, 1);
        wait_outcomes("1s ");
        submit(2, 2);
        wait_outcomes("1s 1k 2s ");
        lock();
        fake.nobody_fetches = true;
        unlock();
        submit(3, 3);
        wait_outcomes("1s 1k 2s 3s 1s ");
        check_status(3, 0, false, "");
        /* As long as that is so nothing is remembered. */
        lock();
        fake.nobody_fetches = false;
        unlock();
        submit(4, 4);
        wait_outcomes("1s 1k 2s 3s 1s 4s ");
        check_log("1 2 3 1 4 ", "+1 -1 +2 +3 +1 +4 ");
        stop();
        check_log("1 2 3 1 4 ", "+1 -1 +2 +3 +1 +4 -4 ");
}
END_TEST

START_TEST(look_fails)
{
        start(NEVER, 500);
        submit(1, 1);
        wait_outcomes("1s ");
        lock();
        fake.status_answer = -EIO;
        unlock();
        dispatch_one(PATIENCE_MS);
        check_status(1, 0, false, "sent, but not confirmed: Input/output error");
        check_quiet(3, 1);
        lock();
        ck_assert_uint_eq(fake.opens, 2);
        unlock();
        /* Nobody knows whether it would be taken. */
        submit(2, 2);
        wait_outcomes("1s 2k ");
        check_status(1, 1, false, "the audit status cannot be read: Input/output error");
        lock();
        fake.status_answer = 0;
        fake.lost++;
        unlock();
        submit(3, 3);
        wait_outcomes("1s 2k 1k 3s ");
        check_log("1 3 ", "+1 -1 +3 ");
        stop();
}
END_TEST

/* The question behind a send: what was sent is remembered all the same. */
START_TEST(question_fails)
{
        start(NEVER, NEVER);
        lock();
        fake.fails_at_once = -EIO;
        unlock();
        submit(1, 1);
        wait_outcomes("1s ");
        check_status(1, 0, false, "sent, but not confirmed: Input/output error");
        lock();
        fake.fails_at_once = 0;
        fake.lost++;
        unlock();
        submit(2, 2);
        wait_outcomes("1s 1k 2s ");
        check_log("1 2 ", "+1 -1 +2 ");
        stop();
}
END_TEST

/* In doubt that is no reason for another try before its time. */
START_TEST(look_fails_in_doubt)
{
        start(400, 20);
        set_loses(true);
        submit(1, 2);
        while (n_kept < 2)
                dispatch_one(PATIENCE_MS);
        lock();
        fake.status_answer = -EIO;
        unsigned looks = fake.looks;
        while (fake.looks == looks)
                (void)pthread_cond_wait(&fake.changed, &fake.lock);
        unlock();
        (void)usleep(150000);
        /* One question, asked twice. */
        lock();
        ck_assert_uint_eq(fake.looks, looks + 2);
        ck_assert_uint_eq(fake.sends, 2);
        unlock();
        stop();
}
END_TEST

/* The last look comes at once. */
START_TEST(stop_looks_again)
{
        for (int lost = 0; lost < 2; lost++) {
                start(NEVER, NEVER);
                set_loses(lost);
                submit(1, 1);
                wait_outcomes("1s ");
                stop();
                ck_assert_str_eq(outcomes, lost ? "1s 1k 1l " : "1s ");
                check_log("1 ", lost ? "+1 -1 " : "+1 ");
                ck_assert_uint_eq(fake.looks, 2);
        }
}
END_TEST

START_TEST(stop_sends_the_new_ones)
{
        start(NEVER, 20);
        set_loses(true);
        submit(1, 1);
        wait_outcomes("1s 1k ");
        lock();
        fake.block = true;
        unlock();
        submit(3, 4);
        lock();
        while (!fake.blocking)
                (void)pthread_cond_wait(&fake.changed, &fake.lock);
        fake.block = false;
        unlock();
        stop();
        check_log("1 3 4 ", "+1 -1 +3 -3 +4 -4 ");
        ck_assert_ptr_nonnull(strstr(outcomes, "1l 3l 4l "));
}
END_TEST

/* The thread hangs in a look: of what was sent nobody knows, so it is not called sent. */
START_TEST(stop_while_it_looks)
{
        static const char *const wants[] = { "1s 1k 1l ", "1s 1k 1l 2l " };

        for (unsigned more = 0; more < ARRAY_SIZE(wants); more++) {
                start(NEVER, more ? NEVER : 500);
                submit(1, 1);
                wait_outcomes("1s ");
                lock();
                fake.block = true;
                unlock();
                if (more)
                        submit(2, 2);
                lock();
                while (!fake.blocking)
                        (void)pthread_cond_wait(&fake.changed, &fake.lock);
                unlock();
                sender = sender_stop(sender, 50);
                ck_assert_ptr_null(sender);
                ck_assert_str_eq(outcomes, wants[more]);
                lock();
                ck_assert_str_eq(fake.handed_over, "+1 -1 ");
                fake.lost++;
                fake.block = false;
                (void)pthread_cond_broadcast(&fake.changed);
                while (fake.closes == 0)
                        (void)pthread_cond_wait(&fake.changed, &fake.lock);
                ck_assert_str_eq(fake.handed_over, "+1 -1 ");
                ck_assert_uint_eq(fake.sends, 1);
                unlock();
                ck_assert_str_eq(outcomes, wants[more]);
        }
}
END_TEST

START_TEST(stop_while_it_looks_in_doubt)
{
        eventfd_t count;

        start(NEVER, 20);
        set_loses(true);
        submit(1, 1);
        wait_outcomes("1s 1k ");
        lock();
        fake.block = true;
        unlock();
        submit(2, 2);
        lock();
        while (!fake.blocking)
                (void)pthread_cond_wait(&fake.changed, &fake.lock);
        unlock();
        sender = sender_stop(sender, 50);
        ck_assert_str_eq(outcomes, "1s 1k 1l 2l ");
        /* Takes the number of the sender's descriptor: nothing may be written there any more. */
        int reused = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        lock();
        fake.nobody_fetches = true;
        fake.block = false;
        (void)pthread_cond_broadcast(&fake.changed);
        while (fake.closes == 0)
                (void)pthread_cond_wait(&fake.changed, &fake.lock);
        unlock();
        ck_assert_int_eq(eventfd_read(reused, &count), -1);
        (void)close(reused);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sender-confirm");
        TCase *c = tcase_create("sender-confirm");

        suite_add_tcase(s, c);
        tcase_set_timeout(c, 60);
        tcase_add_test(c, nothing_lost);
        tcase_add_test(c, lost_between_two_sends);
        tcase_add_test(c, lost_after_the_last);
        tcase_add_test(c, goes_on_losing);
        tcase_add_test(c, tries_by_itself);
        tcase_add_test(c, new_one_stays);
        tcase_add_test(c, list_is_bounded);
        tcase_add_test(c, round_pauses);
        tcase_add_test(c, queue_stays_bounded);
        tcase_add_test(c, nobody_fetches);
        tcase_add_test(c, look_fails);
        tcase_add_test(c, question_fails);
        tcase_add_test(c, look_fails_in_doubt);
        tcase_add_test(c, stop_looks_again);
        tcase_add_test(c, stop_sends_the_new_ones);
        tcase_add_test(c, stop_while_it_looks);
        tcase_add_test(c, stop_while_it_looks_in_doubt);

        SRunner *sr = srunner_create(s);
        srunner_run_all(sr, CK_ENV);
        int failed = srunner_ntests_failed(sr);
        srunner_free(sr);
        return failed > 0;
}
