/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel loses later is noticed, kept and sent again, and no more is sent meanwhile than a probe.
 */
#include <errno.h>
#include <unistd.h>

#include "../../../schema/base/clock.h"
#include "lossy-kernel.h"
#include "suite.h"

TEST(nothing_lost)
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

TEST(one_question_a_record)
{
        start(NEVER, NEVER);
        submit(1, 1);
        wait_outcomes("1s ");
        submit(2, 2);
        wait_outcomes("1s 2s ");
        submit(3, 3);
        wait_outcomes("1s 2s 3s ");
        check_quiet(1, 3);
        check_status(3, 0, false, "");
        stop();
        check_log("1 2 3 ", "+1 +2 +3 ");
}

TEST(lost_between_two_sends)
{
        start(NEVER, NEVER);
        submit(1, 1);
        wait_outcomes("1s ");
        lose();
        submit(2, 2);
        /* Either may be gone: the first goes again, and the second waits for it. */
        wait_outcomes("1s 2k 1k 1s ");
        check_status(1, 1, true, LOST);
        /* Until it is known what becomes of the first, nothing passes it. */
        submit(3, 3);
        wait_outcomes("1s 2k 1k 1s 3k ");
        check_status(1, 2, true, LOST);
        check_log("1 2 1 ", "+1 +2 -2 -1 +1 ");
        stop();
        /* It can not be seen any more. */
        check_log("1 2 1 ", "+1 +2 -2 -1 +1 -1 ");
        ck_assert_str_eq(outcomes, "1s 2k 1k 1s 3k 1k 1l 2l 3l ");
}

/* What was lost since the last answer was others' own: that is not known the first time, and each later one
 * is asked for before. */
TEST(others_were_lost)
{
        start(NEVER, 20);
        submit(1, 1);
        wait_outcomes("1s ");
        wait_looks(2);
        check_quiet(2, 1);
        lose();
        submit(2, 2);
        wait_outcomes("1s 2k 2s ");
        wait_looks(4);
        check_quiet(4, 3);
        lose();
        submit(3, 3);
        wait_outcomes("1s 2k 2s 3s ");
        check_status(3, 0, false, "");
        stop();
        check_log("1 2 2 3 ", "+1 +2 -2 +2 +3 ");
}

TEST(disabled_since_the_last)
{
        start(NEVER, NEVER);
        submit(1, 1);
        wait_outcomes("1s ");
        lock();
        fake.disabled = true;
        unlock();
        submit(2, 3);
        wait_outcomes("1s 2k 3k ");
        check_log("1 2 ", "+1 +2 -2 ");
        /* None goes out while that is so. */
        submit(4, 4);
        wait_outcomes("1s 2k 3k 4k ");
        check_status(1, 3, false, "auditing is disabled in the kernel (enabled=0)");
        check_log("1 2 ", "+1 +2 -2 ");
        lock();
        fake.disabled = false;
        unlock();
        sender_kick(sender);
        wait_outcomes("1s 2k 3k 4k 2s 3s 4s ");
        stop();
        check_log("1 2 2 3 4 ", "+1 +2 -2 +2 +3 +4 ");
}

TEST(lost_after_the_last)
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

/* One goes out for each try, the oldest; when it stays, the others follow by themselves. */
TEST(goes_on_losing)
{
        start(NEVER, 20);
        set_loses(true);
        submit(1, 1);
        wait_outcomes("1s 1k ");
        submit(2, 2);
        wait_outcomes("1s 1k 1s 2k 1k ");
        submit(3, 3);
        wait_outcomes("1s 1k 1s 2k 1k 1s 3k 1k ");
        for (unsigned i = 0; i < 3; i++) {
                sender_kick(sender);
                wait_n_outcomes(8 + 2 * i + 2);
                check_status(0, 3, true, LOST);
        }
        lock();
        ck_assert_str_eq(fake.log, "1 1 1 1 1 1 ");
        unlock();
        set_loses(false);
        sender_kick(sender);
        wait_n_outcomes(14 + 3);
        lock();
        ck_assert_str_eq(fake.log, "1 1 1 1 1 1 1 2 3 ");
        unlock();
        check_status(3, 0, false, "");
        stop();
}

TEST(tries_by_itself)
{
        const uint64_t from = clock_usec();

        start(50, 10);
        set_loses(true);
        submit(1, 2);
        while (n_kept < 7)
                dispatch_one(PATIENCE_MS);
        /* Four at least were tried again. */
        ck_assert_uint_ge(clock_usec() - from, 200 * 1000);
        set_loses(false);
        while (sender_status(sender).sent < 2)
                dispatch_one(PATIENCE_MS);
        stop();
}

/* Auditing is enabled while the thread still has the old answer: that it was told of counts. */
TEST(kicked_while_it_asks)
{
        start(NEVER, 20);
        lock();
        fake.disabled = true;
        unlock();
        submit(1, 1);
        wait_outcomes("1k ");
        lock();
        fake.block = true;
        unlock();
        sender_kick(sender);
        lock_when_it_hangs();
        fake.disabled = false;
        sender_kick(sender);
        fake.block = false;
        unlock();
        wait_outcomes("1k 1s ");
        stop();
}

/* A new one is a reason to try the kept one, and follows it. */
TEST(new_one_stays)
{
        start(NEVER, 20);
        set_loses(true);
        submit(1, 1);
        wait_outcomes("1s 1k ");
        set_loses(false);
        submit(2, 2);
        wait_outcomes("1s 1k 1s 2k 2s ");
        check_log("1 1 2 ", "+1 -1 +1 +2 ");
        stop();
}

TEST(nobody_fetches)
{
        start(NEVER, 20);
        set_loses(true);
        submit(1, 1);
        wait_outcomes("1s 1k ");
        lock();
        fake.nobody_fetches = true;
        unlock();
        submit(2, 2);
        wait_outcomes("1s 1k 1s 2s ");
        check_status(2, 0, false, "");
        /* As long as that is so nothing is remembered. */
        lock();
        fake.nobody_fetches = false;
        unlock();
        submit(3, 3);
        wait_outcomes("1s 1k 1s 2s 3s 3k ");
        check_log("1 1 2 3 ", "+1 -1 +1 +2 +3 -3 ");
        stop();
}

TEST(look_fails)
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
        wait_outcomes("1s 2k 1k 1s 3k 2s 3s ");
        check_log("1 1 2 3 ", "+1 -1 +1 +2 +3 ");
        stop();
}

/* The question behind a send: better twice than not at all. */
TEST(question_fails)
{
        start(NEVER, NEVER);
        lock();
        fake.fails_at_once = -EIO;
        unlock();
        submit(1, 1);
        wait_outcomes("1k ");
        check_status(0, 1, false, "the kernel does not say whether it kept the record: Input/output error");
        lock();
        fake.fails_at_once = 0;
        unlock();
        submit(2, 2);
        wait_outcomes("1k 1s 2s ");
        check_log("1 1 2 ", "+1 -1 +1 +2 ");
        check_status(2, 0, false, "");
        stop();
}

/* A look that fails is made again, and what it said is taken back when one succeeds. */
TEST(look_fails_once)
{
        for (unsigned lost = 0; lost < 2; lost++) {
                start(50, 20);
                lock();
                fake.block_at_once = true;
                unlock();
                submit(1, 1);
                /* Before the look that is due soon: a busy machine may run that at once. */
                lock_when_it_hangs();
                fake.block_at_once = false;
                fake.status_answer = -EIO;
                unlock();
                wait_outcomes("1s ");
                while (!*sender_status(sender).problem)
                        dispatch_one(PATIENCE_MS);
                check_status(1, 0, false, "sent, but not confirmed: Input/output error");
                lock();
                fake.status_answer = 0;
                fake.lost += lost;
                unlock();
                while (strcmp(sender_status(sender).problem, lost ? LOST : "") != 0)
                        dispatch_one(PATIENCE_MS);
                if (!lost)
                        check_status(1, 0, false, "");
                stop();
        }
}

/* In doubt that is no reason for another try before its time. */
TEST(look_fails_in_doubt)
{
        start(2000, 20);
        set_loses(true);
        submit(1, 2);
        while (n_kept < 2)
                dispatch_one(PATIENCE_MS);
        lock();
        fake.status_answer = -EIO;
        unsigned looks = fake.looks;
        unlock();
        /* One question, asked twice. */
        wait_looks(looks + 2);
        (void)usleep(150000);
        lock();
        ck_assert_uint_eq(fake.looks, looks + 2);
        ck_assert_uint_eq(fake.sends, 2);
        unlock();
        stop();
}

Suite *test_suite(void)
{
        return suite_of("sender-confirm");
}
