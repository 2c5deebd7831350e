/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of names: all of them, in their order, also where there are very many. */
#include <errno.h>

#include "../../../schema/base/clock.h"
#include "../../../schema/bus/wire.h"
#include "alloc-faults.h"
#include "message.h"
#include "suite.h"

/* "0", "1" and so on, and a number behind them. */
static sd_bus_message *message_of(unsigned n)
{
        sd_bus_message *m = message_new("C");

        ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "s"), 0);
        for (unsigned i = 0; i < n; i++)
                ck_assert_int_ge(sd_bus_message_append_basic(m, 's', textf("%u", i)), 0);
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        ck_assert_int_ge(sd_bus_message_append(m, "u", 7u), 0);
        message_seal(m);
        return m;
}

static void reads(unsigned n)
{
        _cleanup_message_ sd_bus_message *m = message_of(n);
        _cleanup_free_ const char **names = NULL;
        uint32_t behind = 0;
        size_t n_read;

        ck_assert_int_eq(wire_read_names(m, &names, &n_read), 0);
        ck_assert_uint_eq(n_read, n);
        for (unsigned i = 0; i < n; i++)
                ck_assert_str_eq(names[i], textf("%u", i));
        ck_assert_ptr_null(names[n]);
        ck_assert_int_ge(sd_bus_message_read(m, "u", &behind), 0);
        ck_assert_uint_eq(behind, 7);
}

TEST(all_of_them)
{
        static const unsigned counts[] = { 0, 1, 15, 16, 17, 1000 };

        for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
                reads(counts[i]);
}

/* Of ten times as many each takes as long. */
TEST(very_many)
{
        _cleanup_message_ sd_bus_message *m = message_of(200000);
        _cleanup_free_ const char **names = NULL;
        size_t n;

        const uint64_t start = clock_of(CLOCK_PROCESS_CPUTIME_ID);
        ck_assert_int_eq(wire_read_names(m, &names, &n), 0);
        ck_assert_uint_lt(clock_of(CLOCK_PROCESS_CPUTIME_ID) - start, 2000000);
        ck_assert_uint_eq(n, 200000);
}

TEST(what_fails_leaves_nothing)
{
        _cleanup_message_ sd_bus_message *m = message_of(17);
        const char **names = NULL;
        size_t n = 3;

        for (unsigned i = 1; i <= 2; i++) {
                ck_assert_int_ge(sd_bus_message_rewind(m, true), 0);
                alloc_fail_at(i);
                int r = wire_read_names(m, &names, &n);
                ck_assert(alloc_failed());
                ck_assert_int_eq(r, -ENOMEM);
                ck_assert_ptr_null(names);
                ck_assert_uint_eq(n, 3);
        }
}

Suite *test_suite(void)
{
        return suite_with("wire-names", message_setup, message_teardown);
}
