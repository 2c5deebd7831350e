/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which list of modules is whose. */
#include <stdlib.h>
#include <string.h>

#include "../../../schema/base/buf.h"
#include "scratch.h"
#include "suite.h"
#include "scan-folder.h"

/* On x86 an oops lists the modules below the call trace since Linux 4.16, a warning above its line. `m` is
 * counted for the reports with these numbers, 0 for the first. */
#define LINE "CPU: 0 PID: 1 Comm: x Tainted: G           O       6.1.0-1-amd64 #1\n"
#define LIST "Modules linked in: m(O) ext4 [last unloaded: x(E)]\n"
#define TRACE "RIP: 0010:f+0x1/0x2 [m]\nCall Trace:\n <TASK>\n </TASK>\n"
#define END_TRACE "---[ end trace 0000000000000000 ]---\n"

TEST(lists)
{
        static const struct {
                const char *text, *reports;
        } cases[] = {
                { "Oops: 0002 [#1] SMP\n" LINE TRACE LIST "CR2: 0\n" END_TRACE, "0" },
                { "Oops: 0002 [#1] SMP\n" LIST LINE TRACE END_TRACE, "0" },
                { "[ cut here ]\nWARNING: CPU: 0\n" LIST LINE TRACE END_TRACE, "0" },
                /* Each has its own. */
                { "Oops: 1\n" LINE TRACE LIST END_TRACE "Oops: 1\n" LINE TRACE LIST END_TRACE, "01" },
                { "Oops: 1\n" LINE TRACE LIST END_TRACE
                  "[ cut here ]\nWARNING: CPU: 0\n" LIST LINE TRACE END_TRACE,
                        "01" },
                { "WARNING: CPU: 0\n" LIST LINE TRACE END_TRACE "Oops: 1\n" LINE TRACE LIST END_TRACE,
                        "01" },
                /* Of the other one, which is cut off behind it, or in front. */
                { "Oops: 1\n" LINE TRACE "[ cut here ]\n" LIST "Comm: y Tainted: G O 6.2 #1\n", "1" },
                { "Oops: 1\n" LINE TRACE LIST "Comm: y Tainted: G O 6.2 #1\n", "0" },
                { "INFO: task x blocked\n Tainted: G O 6.2 #1\nOops: 1\n" LIST LINE, "1" },
                { LIST END_TRACE "Oops: 1\n" LINE TRACE, "" },
                { "Oops: 1\n" LINE TRACE END_TRACE LIST, "" },
                /* Full lines go on. */
                { "Oops: 1\n" LINE "[1.0] Modules linked in: a b c\n[1.1]  d m(O) e\n[1.2] CR2: 0 z(E)\n",
                        "0" },
                { "Oops: 1\n" LINE "[1.0] Modules linked in: a\n[1.2] CR2: 0\n[1.3]  m(O)\n", "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct scan s;
                char found[8] = "";
                put_text("log", cases[i].text);
                scan_of(&s, "log");
                _cleanup_free_ const struct scan_name **modules = scan_sort_modules(&s.modules);
                const struct scan_name *m = scan_find(modules, "m");
                ck_assert_ptr_null(scan_find(modules, "z"));
                for (const char *p = cases[i].text; m && (p = strstr(p, "ainted: ")); p += 8) {
                        uint64_t at = (uint64_t)(p - cases[i].text);
                        if (at == m->count.first.offset || at == m->count.last.offset)
                                (void)strcat(found, strstr(cases[i].text, "ainted: ") == p ? "0" : "1");
                }
                ck_assert_msg(
                        strcmp(found, cases[i].reports) == 0 && (!m || m->count.reports == strlen(found)),
                        "case %zu: '%s'", i, found);
                scan_done(&s);
        }
}

/* The list is found wherever a block ends between its report and its own end. */
TEST(list_across_blocks)
{
        static const char report[] = LINE TRACE LIST END_TRACE;
        const size_t n = 96 * 1024 + 4096;
        _cleanup_free_ char *text = malloc(n);

        for (size_t at = 96 * 1024 - 3 * sizeof(report); at < 96 * 1024 + 8; at += 3) {
                struct scan s;
                memset(text, '\n', n);
                memcpy(text + at, report, sizeof(report) - 1);
                put("log", text, n);
                scan_of(&s, "log");
                ck_assert_msg(
                        s.reports == 1 && s.modules.map.used == 2, "at %zu: %u", at, s.modules.map.used);
                scan_done(&s);
        }
}

/* A trace of a page lies between them, and the next report far behind. */
TEST(list_far_below)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct scan s;

        buf_puts(&text, "Oops: 1\n" LINE);
        while (text.len < 20000)
                buf_puts(&text, " ? a_function+0x10/0x20\n");
        buf_puts(&text, LIST END_TRACE);
        while (text.len < 60000)
                buf_puts(&text, "something else\n");
        buf_puts(&text, "Oops: 1\n" LINE);
        while (text.len < 120000)
                buf_puts(&text, "something else\n");
        buf_puts(&text, "Modules linked in: too_far(O)\n");
        put("log", buf_str(&text), text.len);
        scan_of(&s, "log");
        _cleanup_free_ const struct scan_name **modules = scan_sort_modules(&s.modules);
        ck_assert_uint_eq(s.reports, 2);
        ck_assert_uint_eq(scan_find(modules, "m")->count.reports, 1);
        ck_assert_uint_eq(scan_find(modules, "m")->count.first.offset, s.flags[12].first.offset);
        ck_assert_ptr_null(scan_find(modules, "too_far"));
        scan_done(&s);
}

Suite *test_suite(void)
{
        return suite_with("taint-scan-lists", scan_folder_make, scratch_teardown);
}
