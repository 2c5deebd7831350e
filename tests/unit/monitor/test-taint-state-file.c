/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <sys/stat.h>
#include <string.h>

#include "../../../schema/layout.h"
#include "../../../service/monitor/state-file.h"
#include "../policy/scratch.h"

#define BOOT "0f0e0d0c-1111-2222-3333-444455556666"
#define STATE LAYOUT_POLICY_RUN "/taint-state"

START_TEST(the_file_is_of_one_boot)
{
        _cleanup_scratch_ struct scratch root;
        struct state s = { .boot_id = BOOT, .told = 5 }, back;
        struct diag d = { 0 };
        struct taint_event e = { .bit = 3, .reason = "x" };
        struct stat st;
        size_t at;

        scratch_new(&root);
        ck_assert_int_eq(taint_state_load(root.root, BOOT, &back, &d), 0);
        ck_assert_str_eq(back.boot_id, BOOT);
        ck_assert_uint_eq(back.told, 0);
        ck_assert_int_lt(state_store(root.root, &s, &d), 0); /* no folder */

        scratch_puts(&root, LAYOUT_POLICY_RUN "/seqno", "1");
        ck_assert_int_eq(history_add(&s.history, &e, (struct history_mark){ 0 }, &at), 0);
        ck_assert_msg(state_store(root.root, &s, &d) == 0, "%s", d.text);
        ck_assert_int_eq(stat(scratch_path(&root, STATE), &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        ck_assert_uint_eq(scratch_count(&root, LAYOUT_POLICY_RUN), 2);

        ck_assert_int_eq(taint_state_load(root.root, BOOT, &back, &d), 0);
        ck_assert_uint_eq(back.told, 5);
        ck_assert_uint_eq(back.history.n, 1);
        state_done(&back);

        ck_assert_int_eq(taint_state_load(root.root, "another", &back, &d), 0);
        ck_assert_str_eq(back.boot_id, "another");
        ck_assert_uint_eq(back.told, 0);
        ck_assert_uint_eq(back.history.n, 0);
        state_done(&s);
}
END_TEST

START_TEST(a_damaged_file_is_set_aside)
{
        static const char *const bad[] = { "", "x", "peios-taint-state: 1\n", "\xff\xfe",
                "# crc32c: 00000000\n" };
        _cleanup_scratch_ struct scratch root;
        struct state back;

        scratch_new(&root);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct diag d = { 0 };
                scratch_puts(&root, STATE, bad[i]);
                ck_assert_int_eq(taint_state_load(root.root, BOOT, &back, &d), -EINVAL);
                ck_assert_str_eq(back.boot_id, BOOT);
                ck_assert_uint_eq(back.told | back.history.n, 0);
                ck_assert_msg(strstr(d.text, "set aside as"), "%s", d.text);
                ck_assert(!scratch_exists(&root, STATE));
        }
        ck_assert(scratch_exists(&root, STATE ".bad"));
        ck_assert(scratch_exists(&root, STATE ".bad.4"));

        /* Not even a folder there is in the way for long. */
        scratch_puts(&root, STATE "/x", "");
        ck_assert_int_eq(taint_state_load(root.root, BOOT, &back, NULL), -EINVAL);
        ck_assert(!scratch_exists(&root, STATE));
}
END_TEST

START_TEST(boot_ids)
{
        static const struct {
                const char *text;
                bool good;
        } cases[] = { { BOOT "\n", true }, { BOOT, false }, { "", false }, { "\n", false },
                { BOOT "0\n", false }, { "0F0e0d0c-1111-2222-3333-444455556666\n", false },
                { "../0d0c-1111-2222-3333-444455556666-\n", false } };
        _cleanup_scratch_ struct scratch root;
        char id[BOOT_ID_MAX] = "x";

        scratch_new(&root);
        ck_assert_int_eq(clock_boot_id(root.root, id), -ENOENT);
        ck_assert_str_eq(id, "");
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                scratch_puts(&root, "/proc/sys/kernel/random/boot_id", cases[i].text);
                ck_assert_int_eq(clock_boot_id(root.root, id) == 0, cases[i].good);
                ck_assert_str_eq(id, cases[i].good ? BOOT : "");
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("taint-state-file");
        TCase *tc = tcase_create("taint-state-file");
        tcase_add_test(tc, the_file_is_of_one_boot);
        tcase_add_test(tc, a_damaged_file_is_set_aside);
        tcase_add_test(tc, boot_ids);
        suite_add_tcase(s, tc);
        SRunner *sr = srunner_create(s);
        srunner_run_all(sr, CK_NORMAL);
        int failed = srunner_ntests_failed(sr);
        srunner_free(sr);
        return failed > 0;
}
