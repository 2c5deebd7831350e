/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../schema/base/macro.h"
#include "../../../service/taint/letters.h"
#include "scratch.h"
#include "suite.h"
#include "scan-folder.h"

#define FILES "proc/sys/kernel/"

static void make_folders(void)
{
        scan_folder_make();
        ck_assert_int_eq(mkdir("proc", 0755), 0);
        ck_assert_int_eq(mkdir("proc/sys", 0755), 0);
        ck_assert_int_eq(mkdir("proc/sys/kernel", 0755), 0);
}

TEST(masks)
{
        struct diag d = { 0 };
        uint64_t mask = 7;

        ck_assert_int_eq(taint_running_mask(".", &mask, &d), -ENOENT);
        ck_assert_ptr_nonnull(strstr(d.text, "tainted"));
        put_text(FILES "tainted", "12289\n");
        ck_assert_int_eq(taint_running_mask(".", &mask, &d), 0);
        ck_assert_uint_eq(mask, 12289);
        put_text(FILES "tainted", "much\n");
        ck_assert_int_eq(taint_running_mask(".", &mask, &d), -EINVAL);
        ck_assert_ptr_nonnull(strstr(d.text, "'much' is no mask"));
        ck_assert_uint_eq(mask, 12289);
}

TEST(letters)
{
        static const struct {
                const char *file; /* NULL: there is none */
                uint64_t mask;
                const char *letters;
                bool differs;
        } cases[] = {
                { NULL, 0x1201, "P        W  O       ", false },
                { "P        W  O \n", 0x1201, "P        W  O ", false },
                { "G        W  O \n", 0x1201, "G        W  O ", true },
                { "P        W  O      Q\n", 0x1201, "P        W  O      Q", false }, /* a newer kernel's */
                { "\n", 0, "", false },
                { "G                              and much more than letters would ever need to be told of\n",
                        1, "P                   ", false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char s[TAINT_LETTERS_MAX];
                bool differs;
                if (cases[i].file)
                        put_text(FILES "tainted_chars", cases[i].file);
                ck_assert_str_eq(taint_running_letters(".", cases[i].mask, &differs, s), cases[i].letters);
                ck_assert_msg(differs == cases[i].differs, "case %zu", i);
        }
}

Suite *test_suite(void)
{
        return suite_with("taint-running", make_folders, scratch_teardown);
}
