/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is remembered of records that were sent, and what is kept of them, has a limit. */
#include <string.h>
#include <unistd.h>

#include "lossy-kernel.h"
#include "suite.h"

TEST(list_is_bounded)
{
        start(NEVER, NEVER);
        submit(1, UNCONFIRMED_MAX + 6);
        wait_n_outcomes(UNCONFIRMED_MAX + 6);
        lose();
        outcomes[0] = '\0';
        submit(1000, 1000);
        wait_n_outcomes(2 * UNCONFIRMED_MAX + 8);
        check_status(7, UNCONFIRMED_MAX, true, LOST);
        ck_assert_int_eq(strncmp(outcomes, "1000k 7k 8k ", 12), 0);
        ck_assert_ptr_nonnull(strstr(outcomes, "70k 7s "));
        stop();
}

/* No more of the kept ones go out than are remembered. */
TEST(round_pauses)
{
        start(NEVER, 4000);
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
        unsigned sends = fake.sends;
        unlock();
        sender_kick(sender);
        submit(101, 101);
        wait_n_outcomes(101 + UNCONFIRMED_MAX);
        (void)usleep(100000);
        check_status(UNCONFIRMED_MAX, 101 - UNCONFIRMED_MAX, false, "");
        lock();
        ck_assert_uint_eq(fake.sends, sends);
        unlock();
        wait_n_outcomes(202);
        check_status(101, 0, false, "");
        stop();
        /* In their order, the new one last. */
        ck_assert_ptr_nonnull(strstr(fake.log, "1 2 3 4 "));
        ck_assert_ptr_nonnull(strstr(fake.log, "64 65 66 "));
        ck_assert_ptr_nonnull(strstr(fake.log, "99 100 101 "));
}

TEST(queue_stays_bounded)
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

Suite *test_suite(void)
{
        return suite_of("sender-bounds");
}
