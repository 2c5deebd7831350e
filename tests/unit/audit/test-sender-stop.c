/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a sender that does not know yet whether the kernel lost what it took. */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lossy-kernel.h"
#include "suite.h"

/* The last look comes at once. */
TEST(stop_looks_again)
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

/* It says nothing of what became of it: the next start sends it again. */
TEST(stop_cannot_look)
{
        start(NEVER, NEVER);
        submit(1, 1);
        wait_outcomes("1s ");
        lock();
        fake.status_answer = -EIO;
        unlock();
        stop();
        ck_assert_str_eq(outcomes, "1s 1k 1l ");
        check_log("1 ", "+1 -1 ");
}

/* The thread hangs in a look: of what was sent nobody knows, so it is not called sent. */
TEST(stop_while_it_looks)
{
        static const char *const wants[] = { "1s 1k 1l ", "1s 1k 1l 2l " };

        for (unsigned more = 0; more < ARRAY_SIZE(wants); more++) {
                start(NEVER, more ? NEVER : 500);
                lock();
                fake.tight = true; /* it looks before each */
                unlock();
                submit(1, 1);
                wait_outcomes("1s ");
                lock();
                fake.block = true;
                unlock();
                if (more)
                        submit(2, 2);
                lock_when_it_hangs();
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

/* The kernel took it, and does not say whether it stayed: the next start sends it again. */
TEST(stop_while_it_asks)
{
        start(NEVER, NEVER);
        fake.block_at_once = true;
        submit(1, 2);
        lock_when_it_hangs();
        ck_assert_str_eq(fake.handed_over, "+1 ");
        unlock();
        sender = sender_stop(sender, 50);
        ck_assert_str_eq(outcomes, "1l 2l ");
        lock();
        ck_assert_str_eq(fake.handed_over, "+1 -1 ");
        fake.block_at_once = false;
        (void)pthread_cond_broadcast(&fake.changed);
        while (fake.closes == 0)
                (void)pthread_cond_wait(&fake.changed, &fake.lock);
        ck_assert_str_eq(fake.handed_over, "+1 -1 ");
        ck_assert_uint_eq(fake.sends, 1);
        unlock();
        ck_assert_str_eq(outcomes, "1l 2l ");
}

TEST(stop_while_it_looks_in_doubt)
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
        lock_when_it_hangs();
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

Suite *test_suite(void)
{
        return suite_of("sender-stop");
}
