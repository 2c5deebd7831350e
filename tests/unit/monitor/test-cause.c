/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../../service/monitor/cause.h"
#include "alloc-faults.h"
#include "scratch.h"
#include "suite.h"

static struct modules listed(const char *text)
{
        struct modules m = { 0 };

        ck_assert_int_eq(modules_parse(&m, text), 0);
        modules_settle(&m);
        return m;
}

TEST(proc_modules)
{
        struct modules m = listed("vboxdrv 512000 2 vboxnetadp,vboxnetflt, Live 0xffffffffc0a00000 (OE)\n"
                                  "ext4 983040 1 - Live 0x0000000000000000\n"
                                  "\n"
                                  "garbage\n"
                                  "coming 16384 1 - Loading 0x0000000000000000 (POE+)\n"
                                  "going 16384 0 - Unloading 0x0000000000000000 (-)\n"
                                  "odd 16384 0 - Live 0x0 )\n"
                                  "too_many 1 0 - Live 0x0 (ABCDEFGHIJKLMNOPQRSTUVWXYZ)\n"
                                  "last 1 0 - Live 0x0 (C)");

        ck_assert_uint_eq(m.n, 6);
        ck_assert_str_eq(m.list[0].name, "coming");
        ck_assert_str_eq(m.list[0].taints, "POE");
        ck_assert_str_eq(modules_find(&m, "ext4")->taints, "");
        ck_assert_str_eq(modules_find(&m, "going")->taints, "");
        ck_assert_str_eq(modules_find(&m, "last")->taints, "C");
        ck_assert_str_eq(modules_find(&m, "vboxdrv")->taints, "OE");
        ck_assert_ptr_null(modules_find(&m, "garbage"));
        ck_assert_ptr_null(modules_find(&m, "too_many"));
        modules_done(&m);
        ck_assert_ptr_null(modules_find(&m, "ext4"));
}

TEST(letters)
{
        static const struct {
                const char *letters;
                unsigned bit;
                bool carries;
        } cases[] = { { "POE", 0, true }, { "OE", 0, false }, { "F", 1, true }, { "C", 10, true },
                { "O", 12, true }, { "E", 13, true }, { "O", 13, false }, { "K", 15, true },
                { "X", 16, true }, { "N", 18, true }, { "W", 9, false }, { "D", 7, false },
                { "", 12, false }, { "OE", 63, false } };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct module m = { .name = "m" };
                (void)strcpy(m.taints, cases[i].letters);
                ck_assert_msg(module_carries(&m, cases[i].bit) == cases[i].carries, "%s %u",
                        cases[i].letters, cases[i].bit);
        }
}

TEST(letters_of_one)
{
        _cleanup_scratch_ struct scratch s;
        char taints[MODULE_TAINTS_MAX] = "x";

        scratch_new(&s);
        module_read_taints(s.root, "foo", taints);
        ck_assert_str_eq(taints, "");
        module_add_letter(taints, 12);
        module_add_letter(taints, 9);
        module_add_letter(taints, 63);
        ck_assert_str_eq(taints, "O");
        module_add_letter(taints, 13);
        module_add_letter(taints, 12);
        ck_assert_str_eq(taints, "OE");
        scratch_puts(&s, "/sys/module/foo/taint", "PO\n");
        scratch_puts(&s, "/sys/taint", "X\n");
        module_read_taints(s.root, "foo", taints);
        ck_assert_str_eq(taints, "PO");
        module_read_taints(s.root, "..", taints);
        ck_assert_str_eq(taints, "");
        scratch_puts(&s, "/sys/module/foo/taint", "ABCDEFGHIJKLMNOPQRSTUVWXYZ\n");
        module_read_taints(s.root, "foo", taints);
        ck_assert_str_eq(taints, "");
}

TEST(both_places_are_read)
{
        _cleanup_scratch_ struct scratch s;
        struct modules m;

        scratch_new(&s);
        ck_assert_int_eq(modules_read(s.root, &m), 0);
        ck_assert_uint_eq(m.n, 0);
        scratch_puts(&s, "/sys/module/hidden/taint", "OE\n");
        scratch_puts(&s, "/sys/module/both/taint", "E\n");
        scratch_puts(&s, "/sys/module/builtin/parameters/x", "1\n");
        scratch_puts(&s, "/sys/module/clean/taint", "\n");
        ck_assert_int_eq(modules_read(s.root, &m), 0);
        ck_assert_uint_eq(m.n, 3);
        modules_done(&m);
        scratch_puts(&s, "/proc/modules", "both 1 0 - Live 0x0 (O)\nlisted 1 0 - Live 0x0 (P)\n");
        ck_assert_int_eq(modules_read(s.root, &m), 0);
        ck_assert_uint_eq(m.n, 4);
        ck_assert_uint_eq(strlen(modules_find(&m, "both")->taints), 2);
        ck_assert_str_eq(modules_find(&m, "hidden")->taints, "OE");
        ck_assert_str_eq(modules_find(&m, "listed")->taints, "P");
        modules_done(&m);

        for (unsigned n = 1;; n++) {
                alloc_fail_at(n);
                int r = modules_read(s.root, &m);
                bool failed = alloc_failed();
                if (r == 0)
                        modules_done(&m);
                else
                        ck_assert_int_eq(r, -ENOMEM);
                if (!failed)
                        break;
        }
}

static void say(struct hints *h, const char *text, uint64_t usec)
{
        struct kmsg_record r = { 0 };

        (void)snprintf(r.text, sizeof(r.text), "%s", text);
        ck_assert_int_ge(hints_add(h, &r, usec), 0);
}

TEST(the_log_comes_before_the_modules)
{
        struct hints h = { 0 };
        struct modules before = listed("a 1 0 - Live 0x0 (OE)\n");
        struct modules after =
                listed("a 1 0 - Live 0x0 (OE)\nfoo 1 0 - Live 0x0 (OE)\nbar 1 0 - Live 0x0 (O)\n");
        struct cause_sources sources = { .hints = &h, .before = &before, .after = &after, .now = 100 };
        struct cause c;

        cause_find(12, &sources, &c);
        ck_assert_int_eq(c.quality, CAUSE_GOOD);
        ck_assert_str_eq(c.module, "");
        ck_assert_str_eq(c.detail, "one of the modules bar, foo");
        cause_find(13, &sources, &c);
        ck_assert_str_eq(c.module, "foo");
        ck_assert_str_eq(c.module_taints, "OE");
        ck_assert_str_eq(c.reason, "module-load");
        ck_assert(c.loader);
        cause_find(0, &sources, &c);
        ck_assert_int_eq(c.quality, CAUSE_NONE);
        ck_assert_str_eq(c.reason, "unknown");

        say(&h, "foo: loading out-of-tree module taints kernel.", 50);
        cause_find(12, &sources, &c);
        ck_assert_str_eq(c.module, "foo");
        ck_assert_str_eq(c.module_taints, "OE");
        ck_assert_uint_eq(c.usec, 50);
        sources.hints_since = 51;
        cause_find(12, &sources, &c);
        ck_assert_str_eq(c.module, "");
        hints_done(&h);
        modules_done(&before);
        modules_done(&after);
}

TEST(forced_unloads_leave_a_gap)
{
        struct hints h = { 0 };
        struct modules before = listed("a 1 0 - Live 0x0\nfoo 1 0 - Live 0x0 (OE)\n");
        struct modules after = listed("a 1 0 - Live 0x0\nnew 1 0 - Live 0x0\n");
        struct cause_sources sources = { .hints = &h, .before = &before, .after = &after };
        struct cause c;

        cause_find(3, &sources, &c);
        ck_assert_int_eq(c.quality, CAUSE_GOOD);
        ck_assert_str_eq(c.reason, "module-unload-forced");
        ck_assert_str_eq(c.module, "foo");
        cause_find(12, &sources, &c);
        ck_assert_int_eq(c.quality, CAUSE_NONE);
        modules_done(&before);
        modules_done(&after);
}

TEST(a_write_is_the_last_resort)
{
        struct hints h = { 0 };
        struct modules none = { 0 };
        struct cause_sources sources = { .hints = &h, .before = &none, .after = &none, .now = 100 };
        struct cause c;

        cause_find(6, &sources, &c);
        ck_assert_int_eq(c.quality, CAUSE_NONE);
        sources.sysctl_written = true;
        cause_find(6, &sources, &c);
        ck_assert_int_eq(c.quality, CAUSE_WEAK);
        ck_assert_str_eq(c.reason, "sysctl-write");
        say(&h, "Setting dangerous option x - tainting kernel", 90);
        cause_find(6, &sources, &c);
        ck_assert_int_eq(c.quality, CAUSE_GOOD);
        ck_assert_str_eq(c.reason, "dangerous-option");
        say(&h, "WARNING: CPU: 0 PID: 9 at a.c:1 b+0x1/0x2", 90);
        cause_find(9, &sources, &c);
        ck_assert_int_eq(c.quality, CAUSE_INCOMPLETE);
        hints_done(&h);
}

Suite *test_suite(void)
{
        return suite_of("cause");
}
