/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Serial and signer come from databases and other processes, and go into records, on terminals and D-Bus. */

#include "../../../schema/base/macro.h"
#include "../../../schema/names/seal.h"
#include "suite.h"

TEST(a_key_has_a_number)
{
        static const char *const none[] = { "", "187d88b7353d409", "187d88b7353d40922", "187D88B7353D4092",
                "187d88b7353d409g", "187d88b7353d409 ", "\x1b[31mred\x1b[0m....", "x op=taint res=1",
                "0123456789abcde\xc3", "0123456789abcd\xc3\xa4" };
        const struct seal nothing = { 0 };

        struct seal s = seal_of(UINT64_MAX, "187d88b7353d4092");
        ck_assert_uint_eq(s.serial, UINT64_MAX);
        ck_assert_str_eq(s.signer, "187d88b7353d4092");
        for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
                s = seal_of(7, none[i]);
                ck_assert_msg(seal_equal(&s, &nothing), "%s", none[i]);
        }
        s = seal_of(0, "187d88b7353d4092");
        ck_assert(seal_equal(&s, &nothing));
}

Suite *test_suite(void)
{
        return suite_of("seal");
}
