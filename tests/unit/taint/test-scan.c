/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../service/taint/scan.h"
#include "../../../schema/base/file.h"
#include "alloc-faults.h"
#include "scratch.h"
#include "suite.h"
#include "scan-folder.h"

static const char corpus[] = "[1.0] Modules linked in: nvidia(POE) ext4 spl(O)\n"
                             "[1.1] CPU: 0 PID: 1 Comm: a Tainted: P           OE      6.1.0-13-amd64 #1\n"
                             "[1.2] RIP: something\n"
                             "[2.0] Modules linked in: spl(O)\n"
                             "[2.1]  more zfs(PO) [last unloaded: x]\n"
                             "[2.1] CPU: 0 UID: 0 PID: 2 Comm: b Tainted: P   Q    W  O        6.12.1 #1\n"
                             "[2.2] Tainted: [P]=PROPRIETARY_MODULE, [W]=WARN, [O]=OOT_MODULE\n"
                             "[3.0] CPU: 2 PID: 3 Comm: c Tainted: G        W    3.10.49 #1\n"
                             "[3.1] task: eb5da4c0 ti: e7402000\n"
                             "[3.2] CPU: 2 PID: 3 Comm: c Tainted: G        W    3.10.49 #1\n"
                             "[4.0] CPU: 0 PID: 4 Comm: d Tainted: G        W          5.19.8 #1\n"
                             "[4.1] REGS: c0 TRAP: 0300   Tainted: G        W          (5.19.8)\n"
                             "[5.0] CPU: 0 PID: 5 Comm: e Not tainted 6.12.1 #1\n"
                             "kernel.tainted = 4097\n"
                             "tainted love\n";

TEST(counted)
{
        struct scan s;

        put_text("log", corpus);
        scan_of(&s, "log");
        ck_assert_uint_eq(s.n_files, 1);
        ck_assert_uint_eq(s.bytes, sizeof(corpus) - 1);
        ck_assert_uint_eq(s.reports, 4);
        ck_assert_uint_eq(s.clean, 1);
        ck_assert_uint_eq(s.ambiguous, 0);
        ck_assert_uint_eq(s.flags[0].reports, 2);
        ck_assert_uint_eq(s.flags[9].reports, 3);
        ck_assert_uint_eq(s.flags[12].reports, 2);
        ck_assert_uint_eq(s.flags[13].reports, 1);
        ck_assert_uint_eq(s.flags[1].reports, 0);
        ck_assert_str_eq(s.flags[9].first.release, "6.12.1");
        ck_assert_str_eq(s.flags[9].last.release, "5.19.8");
        ck_assert(memcmp(corpus + s.flags[9].first.offset, "ainted: P   Q", 13) == 0);
        const struct scan_letter *q = s.letters['Q'];
        ck_assert_ptr_nonnull(q);
        ck_assert_uint_eq(q->count.reports, 1);
        ck_assert_uint_eq(q->n_examples, 1);
        ck_assert_ptr_nonnull(strstr(q->examples[0], "Tainted: P   Q"));
        ck_assert_ptr_null(s.letters['R']);
        scan_done(&s);
}

TEST(by_name)
{
        struct scan s;

        put_text("log", corpus);
        scan_of(&s, "log");
        _cleanup_free_ const struct scan_name **modules = scan_sort_modules(&s.modules);
        _cleanup_free_ const struct scan_name **releases = scan_sort_releases(&s.releases);
        ck_assert_str_eq(modules[0]->name, "spl");
        ck_assert_uint_eq(modules[0]->count.reports, 2);
        ck_assert_uint_eq(modules[0]->mask, 0x1000);
        ck_assert_uint_eq(scan_find(modules, "zfs")->mask, 0x1001);
        ck_assert_uint_eq(scan_find(modules, "zfs")->count.reports, 1);
        ck_assert_uint_eq(scan_find(modules, "nvidia")->mask, 0x3001);
        ck_assert_ptr_null(scan_find(modules, "ext4"));
        ck_assert_str_eq(releases[0]->name, "3.10.49");
        ck_assert_uint_eq(releases[0]->count.reports, 1);
        ck_assert_str_eq(releases[1]->name, "5.19.8");
        ck_assert_str_eq(releases[2]->name, "6.1.0-13-amd64");
        ck_assert_str_eq(releases[3]->name, "6.12.1");
        ck_assert_uint_eq(releases[3]->clean, 1);
        ck_assert_uint_eq(releases[3]->mask, 0x1201);
        ck_assert_ptr_null(releases[4]);
        scan_done(&s);
}

/* The same task again and again: each is a report. What one of them says twice, and the panic that follows,
 * is none. */
TEST(separate_reports)
{
        static const char line[] = "CPU: 0 PID: 77 Comm: x Tainted: G        W          6.1.0-1-amd64 #1\n";
        char text[4096] = "";
        struct scan s;

        for (unsigned i = 0; i < 5; i++)
                (void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
                        "[%u.0] ------------[ cut here ]------------\n[%u.1] %s[%u.2] %s", i, i, line, i,
                        line);
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
                "[9.0] ---[ end trace 0 ]---\n[9.1] Kernel panic - not syncing: x\n[9.2] %s", line);
        put_text("log", text);
        scan_of(&s, "log");
        ck_assert_uint_eq(s.reports, 5);
        scan_done(&s);

        (void)snprintf(text, sizeof(text), "[1.0] %s[1.1] ---[ end trace 0 ]---\n[2.0] %s", line, line);
        put_text("log", text);
        scan_of(&s, "log");
        ck_assert_uint_eq(s.reports, 2);
        scan_done(&s);
}

/* Nothing between them says that another one begins: the same text ten seconds later is one. */
TEST(another_time)
{
        static const unsigned after[] = { 10, 11 };
        struct scan s;

        for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
                put_text("log",
                        textf("[1.0] CPU: 0 PID: 77 Comm: x Tainted: G        W          6.1.0-1-amd64 #1\n"
                              "[%u.0] CPU: 0 PID: 77 Comm: x Tainted: G        W          6.1.0-1-amd64 #1\n",
                                1 + after[i]));
                scan_of(&s, "log");
                ck_assert_uint_eq(s.reports, after[i] > 10 ? 2 : 1);
                scan_done(&s);
        }
}

/* The kernel's word counts, and not that in a task's name. */
TEST(tasks_names)
{
        struct scan s;

        put_text("log", "CPU: 0 PID: 1 Comm: Not tainted Tainted: P           O       6.1.0-13-amd64 #1\n"
                        "CPU: 0 PID: 2 Comm: Tainted: K Not tainted 6.1.0-13-amd64 #1\n");
        scan_of(&s, "log");
        ck_assert_uint_eq(s.reports, 1);
        ck_assert_uint_eq(s.clean, 1);
        ck_assert_uint_eq(s.flags[0].reports, 1);
        ck_assert_uint_eq(s.flags[15].reports, 0);
        scan_done(&s);
}

/* A whole log in one line: what is far away is another line. */
TEST(one_long_line)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct scan s;

        for (unsigned i = 0; i < 100; i++) {
                for (unsigned k = 0; k < 500; k++)
                        buf_puts(&text, "padding ");
                buf_printf(&text, "\\n[%u.0] Comm: x Tainted: G        W          6.1.%u #1", i, i);
        }
        put("log", buf_str(&text), text.len);
        scan_of(&s, "log");
        ck_assert_uint_eq(s.reports, 100);
        scan_done(&s);
}

#define REPORT_LEN 101U

/* Reports at every place around the end of a block are found once each. */
TEST(across_blocks)
{
        const size_t n = 3500;
        _cleanup_free_ char *text = malloc((n + 1) * REPORT_LEN + 1);

        for (unsigned i = 0; i < n; i++) {
                char *report = text + REPORT_LEN * (i + 1);
                int length = snprintf(report, REPORT_LEN + 1,
                        "Modules linked in: m%04u(O)\nCPU: 0 PID: %04u Comm: a Tainted: G           O       6.1.1 #1",
                        i, i);
                memset(report + length, '\n', REPORT_LEN - (size_t)length);
        }
        for (size_t shift = 0; shift < REPORT_LEN; shift++) {
                struct scan s;
                memset(text, 'x', REPORT_LEN);
                text[REPORT_LEN - 1] = '\n';
                put("log", text + shift, (n + 1) * REPORT_LEN - shift);
                scan_of(&s, "log");
                if (s.reports != n || s.flags[12].reports != n || s.modules.map.used != n)
                        ck_abort_msg("shift %zu: %lu reports, %u modules", shift, (unsigned long)s.reports,
                                s.modules.map.used);
                ck_assert(memcmp(text + shift + s.flags[12].last.offset, "ainted: G", 9) == 0);
                scan_done(&s);
        }
}

TEST(folders)
{
        struct scan s;
        char *const both[] = { "tree", "link", NULL };

        ck_assert_int_eq(mkdir("tree", 0755), 0);
        ck_assert_int_eq(mkdir("tree/b", 0755), 0);
        put_text("tree/b/2", "Tainted: G        W    3.10.49 #1\n");
        put_text("tree/a", "Tainted: G  R      4.1.2 #1\n");
        put_text("tree/empty", "");
        put_text("outside", "Tainted: GF      4.1.2 #1\n");
        ck_assert_int_eq(symlink("../outside", "tree/link"), 0);
        ck_assert_int_eq(symlink("outside", "link"), 0);
        ck_assert_int_eq(mkfifo("tree/fifo", 0644), 0);
        scan_of(&s, "tree");
        ck_assert_uint_eq(s.n_files, 3);
        ck_assert_str_eq(s.files[0], "tree/a");
        ck_assert_str_eq(s.files[1], "tree/b/2");
        ck_assert_uint_eq(s.reports, 2);
        ck_assert_uint_eq(s.n_skipped, 1);
        ck_assert_str_eq(s.skipped[0].path, "tree/fifo");
        ck_assert_str_eq(s.skipped[0].reason, "not a regular file");
        scan_done(&s);
        ck_assert_int_eq(scan_init(&s, &scan_anything), 0);
        ck_assert_int_eq(scan_paths(&s, both), 0);
        ck_assert_uint_eq(s.reports, 3);
        ck_assert_uint_eq(s.flags[1].reports, 1);
        scan_done(&s);
        scan_of(&s, "missing");
        ck_assert_uint_eq(s.n_skipped, 1);
        ck_assert_str_eq(s.skipped[0].reason, "No such file or directory");
        scan_done(&s);
        ck_assert_uint_eq(scan_measure(both), 34 + 28 + 26);
}

static void progress(void *userdata, uint64_t consumed)
{
        uint64_t *last = userdata;

        ck_assert_uint_ge(consumed, *last);
        *last = consumed;
}

TEST(pipes)
{
        int fds[2];
        uint64_t last = 0;
        struct scan s;

        ck_assert_int_eq(pipe(fds), 0);
        ck_assert_int_eq(file_write_all(fds[1], corpus, sizeof(corpus) - 1), 0);
        (void)close(fds[1]);
        ck_assert_int_eq(scan_init(&s, &scan_anything), 0);
        s.progress = progress;
        s.userdata = &last;
        ck_assert_int_eq(scan_fd(&s, fds[0], "pipe"), 0);
        ck_assert_uint_eq(s.reports, 4);
        ck_assert_uint_eq(last, sizeof(corpus) - 1);
        ck_assert_str_eq(s.files[0], "pipe");
        scan_done(&s);
        (void)close(fds[0]);
}

TEST(settled)
{
        const struct taint_kernel suse = { .distro = TAINT_SUSE };
        char *const paths[] = { "log", NULL };
        size_t n, row = 0;
        struct scan s;

        put_text("log", "Modules linked in: hv_vmbus(X)\nTainted: G OX syzkaller\n");
        scan_of(&s, "log");
        ck_assert_uint_eq(s.ambiguous, 1);
        ck_assert_uint_eq(s.flags[16].reports, 1);
        scan_done(&s);
        ck_assert_int_eq(scan_init(&s, &suse), 0);
        ck_assert_int_eq(scan_paths(&s, paths), 0);
        ck_assert_uint_eq(s.flags[16].reports, 0);
        const struct taint_flag *rows = taint_flags(&n);
        for (size_t i = 0; i < n; i++)
                if (s.flags[i].reports > 0)
                        row = i;
        ck_assert_int_eq(rows[row].distro, TAINT_SUSE);
        scan_done(&s);
}

TEST(no_memory)
{
        char *const paths[] = { "log", NULL };

        put_text("log", corpus);
        bool failed = true;
        for (unsigned i = 1; failed; i++) {
                struct scan s = { 0 };
                alloc_fail_at(i);
                int r = scan_init(&s, &scan_anything);
                if (r == 0)
                        r = scan_paths(&s, paths);
                failed = alloc_fails(r, i, 10);
                scan_done(&s);
        }
}

Suite *test_suite(void)
{
        return suite_with("taint-scan", scan_folder_make, scratch_teardown);
}
