/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a build without libaudit says; sender-none.c is linked in place of the real backend here. */
#include <check.h>
#include <poll.h>

#include "../../../schema/audit/sender.h"
#include "../../../schema/base/clock.h"
#include "suite.h"

static unsigned n_kept, n_lost;

static void on_outcome(uint64_t cookie, enum sender_outcome outcome, void *userdata _unused_)
{
        ck_assert_uint_eq(cookie, 5);
        ck_assert_int_ne(outcome, SENDER_SENT);
        n_kept += outcome == SENDER_KEPT;
        n_lost += outcome == SENDER_LOST;
}

TEST(says_so)
{
        const struct sender_record record = {
                .cookie = 5, .success = true, .since = (int64_t)clock_of(CLOCK_BOOTTIME), .text = "op=x"
        };
        struct sender *s = NULL;

        ck_assert_int_eq(sender_new(&sender_libaudit, 3600000, NULL, on_outcome, NULL, &s), 0);
        ck_assert_int_eq(sender_submit(s, &record, false), 0);
        struct pollfd p = { .fd = sender_fd(s), .events = POLLIN };
        ck_assert_int_eq(poll(&p, 1, 20000), 1);
        sender_dispatch(s);
        ck_assert_uint_eq(n_kept, 1);
        ck_assert_str_eq(
                sender_status(s).problem, "built without libaudit: nothing can be sent to the kernel");
        (void)sender_stop(s, 20000);
        ck_assert_uint_eq(n_lost, 1);
}

Suite *test_suite(void)
{
        return suite_of("sender-none");
}
