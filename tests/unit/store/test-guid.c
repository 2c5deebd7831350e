/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include "../../../registry-provider/store/store.h"
#include "suite.h"

TEST(guids)
{
        struct guid g, h;
        char out[37];

        for (unsigned i = 0; i < sizeof(g.bytes); i++)
                g.bytes[i] = (uint8_t)(i * 16 + i);
        guid_format(&g, out);
        ck_assert_str_eq(out, "00112233-4455-6677-8899-aabbccddeeff");

        ck_assert_int_eq(guid_new(&g), 0);
        ck_assert_int_eq(guid_new(&h), 0);
        ck_assert(!guid_equal(&g, &h));
        ck_assert_uint_eq(g.bytes[6] & 0xF0, 0x70);
        ck_assert_uint_eq(g.bytes[8] & 0xC0, 0x80);
        (void)usleep(1000);
        ck_assert_int_eq(guid_new(&g), 0);
        ck_assert_int_lt(memcmp(&h, &g, sizeof(h)), 0);
        uint64_t ms = 0;
        for (size_t i = 0; i < 6; i++)
                ms = ms << 8 | g.bytes[i];
        ck_assert_int_le(labs((long)(ms / 1000) - (long)time(NULL)), 2);
}

Suite *test_suite(void)
{
        return suite_of("guid");
}
