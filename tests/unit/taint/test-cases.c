/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What people have in hand, made small: as mail, web pages and terminals left it, of other processors, of
 * other tools. Each with what a careful reader makes of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../service/taint/decode.h"
#include "../../../service/taint/scan.h"
#include "scratch.h"
#include "suite.h"
#include "scan-folder.h"

#define NB "\xc2\xa0"
#define CPU "CPU: 0 PID: 7 Comm: a "
#define P_W_O "Tainted: P        W  O       6.1.0 #1\n"

static const struct taint_kernel anything;

struct count {
        const char *what, *text;
        uint64_t tainted, unreadable, clean, mask;
        const char *release; /* NULL: not looked at */
};

static const struct count counts[] = {
        /* White space of mail, web pages and copying. */
        { "quoted-printable, wrapped",
                ">> CPU: 61 PID: 9 Comm: rmmod Kdump: loaded Tainted: G=C2=A0=C2=A0=C2=\n"
                "=A0=C2=A0=C2=A0=C2=A0=C2=A0=C2=A0\n>> W=C2=A0=C2=A0 6.1.0-rc3+ #1=\n3\n",
                1, 0, 0, 1 << 9, "6.1.0-rc3+" },
        { "=20", CPU "Tainted: P=20=20=20=20=20=20=20=20W=20=20O 6.1.0 #1=3D\n", 1, 0, 0, 0x1201, "6.1.0" },
        { "no-break spaces", CPU "Tainted: P" NB NB NB NB NB NB NB NB "W" NB NB "O" NB " 4.14.65 #3\n", 1, 0,
                0, 0x1201, "4.14.65" },
        { "of Latin-1", CPU "Tainted: P\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0W\xa0\xa0O 4.14.65 #3\n", 1, 0, 0,
                0x1201, "4.14.65" },
        { "thin and ideographic", CPU "Tainted: P\xe2\x80\x89\xe3\x80\x80W\xe2\x80\xafO 4.14.65 #3\n", 1, 0,
                0, 0x1201, "4.14.65" },
        { "a web page",
                "&gt; &lt;4&gt;[&nbsp; 1.2] CPU: 3 PID: 2 Comm: x Tainted: G&nbsp;&nbsp;&#160;&#xa0;&nbsp;OE 5.4.0-rc7&#43; #7<br>\n",
                1, 0, 0, 3 << 12, "5.4.0-rc7+" },
        { "zero width",
                CPU "Tain"
                    "ted: P\xe2\x80\x8b W 4.1.2 #3\n",
                1, 0, 0, 0x201, "4.1.2" },
        { "letters that got lost", CPU "Tainted: ????????? 4.14.65 #3\n", 1, 1, 0, 0, "4.14.65" },
        { "all but G", CPU "Tainted: G 4.14.65 #3\n", 1, 1, 0, 0, "4.14.65" },

        /* One report, told twice. */
        { "sparc64",
                CPU
                "Tainted: P           O   3.18.34 #7\ntask: 1 ti: 2\nTSTATE: 0000009011001600 TPC: 0 TNPC: 4 Y: 0    Tainted: P           O  \n",
                1, 0, 0, 0x1001, "3.18.34" },
        { "sparc", CPU "Not tainted 3.18.34 #7\nPSR: 404000c4 PC: f0 NPC: f4 Y: 00    Not tainted\n", 0, 0,
                1, 0, "3.18.34" },
        { "parisc",
                CPU
                "Tainted: G        W   4.9.0 #1\nYZrvWESTHLNXBCVMcbcbcbcbOGFRQPDI\nPSW: 0000 Tainted: G        W  \n",
                1, 0, 0, 1 << 9, "4.9.0" },
        { "ia64",
                CPU
                "Not tainted 4.9.0 #1\npsr : 0000101008026018 ifs : 8000 ip  : [<a0>]    Not tainted (4.9.0)\n",
                0, 0, 1, 0, "4.9.0" },
        { "ia64 before 3.10",
                "Pid: 1, CPU 0, comm: init\npsr : 0000101008026018 ifs : 8000 ip  : [<a0>]    Tainted: P  (2.6.30)\n",
                1, 0, 0, 1, "2.6.30" },
        { "mips",
                CPU
                "Tainted: G      D        3.18.29 #6\nepc   : 80018b70 f+0x5c/0x3c8\n    Tainted: G      D       \nra    : 80\n",
                1, 0, 0, 1 << 7, "3.18.29" },
        { "powerpc",
                CPU
                "Tainted: G        W  5.19.8 #1\nREGS: c0 TRAP: 0300   Tainted: G        W          (5.19.8)\n",
                1, 0, 0, 1 << 9, "5.19.8" },
        { "lockdep",
                "WARNING: possible circular locking dependency detected\n5.15.1 #1 Tainted: G           O     \n----\nopenssl/315 is trying\n"
                "stack backtrace:\nCPU: 0 PID: 315 Comm: openssl Tainted: G           O      5.15.1 #1\n",
                1, 0, 0, 1 << 12, "5.15.1" },
        { "lockdep, clean",
                "WARNING: possible recursive locking detected\n5.15.1 #1 Not tainted\n----\nstack backtrace:\n" CPU
                "Not tainted 5.15.1 #1\n",
                0, 0, 1, 0, "5.15.1" },
        { "slub",
                "[1.0] BUG kmalloc-256 (Not tainted): Poison overwritten\n[1.1] Disabling lock debugging due to kernel taint\n"
                "[1.2] INFO: 0x72 @offset=24068. First byte 0x8 instead of 0x6b\n[1.3] CPU: 13 PID: 0 Comm: swapper/13 Tainted: G    B             5.10.110 #0\n",
                1, 0, 0, 1 << 5, "5.10.110" },
        { "an oops and its panic",
                "[1.0] Oops: 0000 [#1]\n[1.1] " CPU "Not tainted 6.1.0 #1\n[1.2] ---[ end trace 0 ]---\n"
                "[1.3] Kernel panic - not syncing: Fatal exception\n[1.4] " CPU
                "Tainted: G      D            6.1.0 #1\n",
                1, 0, 0, 1 << 7, "6.1.0" },
        { "a hung task and its panic",
                "[243.56] INFO: task balenad:4049 blocked for more than 120 seconds.\n[243.56]       Not tainted 4.9.140 #1\n"
                "[243.60] Kernel panic - not syncing: hung_task: blocked tasks\n[243.61] CPU: 3 PID: 47 Comm: khungtaskd Not tainted 4.9.140 #1\n",
                0, 0, 1, 0, "4.9.140" },
        { "all CPUs in one stall",
                "kernel: INFO: rcu_sched self-detected stall on CPU { 2}\nkernel: sending NMI to all CPUs:\nkernel: NMI backtrace for cpu 0\n"
                "kernel: CPU: 0 PID: 0 Comm: swapper/0 Tainted: PF          O 3.11.6 #2\nkernel: NMI backtrace for cpu 1\n"
                "kernel: CPU: 1 PID: 0 Comm: swapper/1 Tainted: PF          O 3.11.6 #2\n",
                1, 0, 0, 0x1003, "3.11.6" },

        /* Several reports that look alike. */
        { "hung tasks",
                "[6141.92] INFO: task a:5 blocked for more than 120 seconds.\n[6141.92]       Tainted: G         C      4.14.17 #1\n"
                "[6141.93] INFO: task mv:21 blocked for more than 120 seconds.\n[6141.93]       Tainted: G         C      4.14.17 #1\n"
                "[6264.80] INFO: task a:5 blocked for more than 120 seconds.\n[6264.80]       Tainted: G         C      4.14.17 #1\n",
                3, 0, 0, 1 << 10, "4.14.17" },
        { "page allocation failures",
                "[1.0] a: page allocation failure: order:0\n[1.1] " CPU P_W_O
                "[1.5] a: page allocation failure: order:0\n[1.6] " CPU P_W_O,
                2, 0, 0, 0x1201, "6.1.0" },
        { "soft lockups",
                "[1.0] watchdog: BUG: soft lockup - CPU#0 stuck for 23s! [a:7]\n[1.1] " CPU P_W_O
                "[25.0] watchdog: BUG: soft lockup - CPU#0 stuck for 23s! [a:7]\n[25.1] " CPU P_W_O,
                2, 0, 0, 0x1201, "6.1.0" },
        { "what grep left", "[1.0] " CPU P_W_O "[99.0] " CPU P_W_O, 2, 0, 0, 0x1201, "6.1.0" },
        { "what grep left, by the clock",
                "May 17 18:48:11 h kernel: " CPU P_W_O "May 17 18:50:14 h kernel: " CPU P_W_O, 2, 0, 0,
                0x1201, "6.1.0" },

        /* Others speak, or nobody does. */
        { "xen", "(XEN) ----[ Xen-4.17.2  x86_64  debug=n  Not tainted ]----\n(XEN) CPU:    0\n", 0, 0, 0, 0,
                NULL },
        { "xen, wrapped", "----[ Xen-4.17.2  x86_64  debug=n\nTainted:  C I  ]----\n", 0, 0, 0, 0, NULL },
        { "busybox' lsmod",
                "Module                  Size  Used by    Tainted: P  \nModule                  Size  Used by    Not tainted\n",
                0, 0, 0, 0, NULL },
        { "prose",
                "Look for 'Not tainted: ' or 'Tainted: ' followed by letters.\nMy kernel is tainted: A third party driver.\n"
                "The report said tainted: I do not know. Ist er tainted: E-Mail an den Autor.\nNodes tainted: NO   Canvas tainted: N/A    Resource is tainted: TRUE\n",
                0, 0, 0, 0, NULL },
        { "systemd's taint", "Oct  1 10:00:02 host systemd[1]: System is tainted: unmerged-bin\n", 0, 0, 0,
                0, NULL },

        /* Where the release stands. */
        { "wrapped", "[4.3] CPU: 0 PID: 1 Comm: swapper/0 Not tainted\n6.10.0-0.rc0.fc41.x86_64+debug #1\n",
                0, 0, 1, 0, "6.10.0-0.rc0.fc41.x86_64+debug" },
        { "behind the build", CPU "Not tainted #30 5.4.17\n", 0, 0, 1, 0, "5.4.17" },
        { "in front, clean", "6.13.0-rc6+ #121 Not tainted\n", 0, 0, 1, 0, "6.13.0-rc6+" },
        { "netconsole's fragments",
                "4,416,17584,-,ncfrag=0/70;CPU: 0 PID: 7 Comm: a Tainted: P     \n4,416,17584,-,ncfrag=36/70;   W  O       6.1.0 #1\n",
                1, 0, 0, 0x1201, "6.1.0" },
};

TEST(counted)
{
        for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
                const struct count *c = &counts[i];
                struct scan s;
                uint64_t mask = 0;
                size_t n_rows;
                const struct taint_flag *rows = taint_flags(&n_rows);

                put_text("log", c->text);
                scan_of(&s, "log");
                for (size_t k = 0; k < n_rows; k++)
                        mask |= s.flags[k].reports > 0 ? UINT64_C(1) << rows[k].bit : 0;
                _cleanup_free_ const struct scan_name **releases = scan_sort_releases(&s.releases);
                ck_assert_msg(s.reports == c->tainted && s.unreadable == c->unreadable &&
                                      s.clean == c->clean && mask == c->mask,
                        "%s: %lu tainted, %lu unreadable, %lu clean, 0x%lx", c->what, s.reports,
                        s.unreadable, s.clean, mask);
                if (c->release)
                        ck_assert_msg(releases[0] && strcmp(releases[0]->name, c->release) == 0,
                                "%s: release '%s'", c->what, releases[0] ? releases[0]->name : "");
                scan_done(&s);
        }
}

/* The record of the oops and that of the panic are of one crash; the same text in other files is not. */
TEST(pstore)
{
        static const char crash[] = "<4>[12.5] " CPU P_W_O;
        char text[512];
        struct scan s;

        (void)snprintf(text, sizeof(text), "Oops#1 Part1\n%s", crash);
        put_text("dmesg-1", text);
        (void)snprintf(text, sizeof(text),
                "Panic#2 Part1\n%s<4>[12.6] Kernel panic - not syncing: Fatal exception\n<4>[12.7] " CPU
                        P_W_O,
                crash);
        put_text("dmesg-2", text);
        scan_of(&s, ".");
        ck_assert_uint_eq(s.reports, 1);
        scan_done(&s);

        put_text("dmesg-1", crash);
        put_text("dmesg-2", crash);
        scan_of(&s, ".");
        ck_assert_uint_eq(s.reports, 2);
        scan_done(&s);
}

TEST(letters_of_distributions)
{
        struct scan s;

        put_text("log",
                "[1.1] Modules linked in: asus_atk0110(N) hid_hyperv(X) nvme_tcp(OEN) nfsd\n"
                "[1.2] CPU: 2 PID: 8772 Comm: java Tainted: G           OE  X  N 5.14.21-150500.55.39-default #1 SLE15-SP5\n"
                "[9.1] Modules linked in: ib_sdp(U) nfs(U) nfsd(U)\n"
                "[9.2] Pid: 23788, comm: mpi_multibw Not tainted 2.6.16-1.2108_FC4.rootsmp #1\n");
        scan_of(&s, "log");
        _cleanup_free_ const struct scan_name **modules = scan_sort_modules(&s.modules);
        char letters[TAINT_LETTERS_MAX];
        const struct scan_name *m = scan_find(modules, "asus_atk0110");
        ck_assert_str_eq(taint_letters(m->mask, m->kernel.distro, m->kernel.version, letters), "N");
        m = scan_find(modules, "nvme_tcp");
        ck_assert_str_eq(taint_letters(m->mask, m->kernel.distro, m->kernel.version, letters), "OEN");
        ck_assert_ptr_null(scan_find(modules, "ib_sdp"));
        scan_done(&s);
}

/* First and last are by date, whatever the order of the files, and a pause of the year has no hold on
 * syslog. */
TEST(dated)
{
        static const struct timespec times[2] = { { .tv_sec = 1772366400 },
                { .tv_sec = 1772366400 } }; /* 2026-03-01 */
        struct scan s;

        ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
        put_text("a", "2026-01-31T10:00:00Z h kernel: " CPU P_W_O);
        put_text("b", "Dec 31 10:00:00 h kernel: " CPU P_W_O);
        put_text("c", "[ 1.0] " CPU P_W_O);
        for (const char *name = "abc"; *name; name++)
                ck_assert_int_eq(utimensat(AT_FDCWD, (char[]){ *name, '\0' }, times, 0), 0);
        scan_of(&s, ".");
        ck_assert_uint_eq(s.flags[0].reports, 3);
        ck_assert_int_eq(s.flags[0].first.usec, INT64_C(1767175200000000));
        ck_assert_int_eq(s.flags[0].first.dated, SCAN_DATED_TEXT);
        ck_assert_str_eq(s.files[s.flags[0].first.file], "./b");
        ck_assert_int_eq(s.flags[0].last.usec, INT64_C(1772366400000000));
        ck_assert_int_eq(s.flags[0].last.dated, SCAN_DATED_FILE);
        _cleanup_free_ const struct scan_name **weeks = scan_sort_weeks(&s.weeks);
        ck_assert_str_eq(weeks[0]->name, "2026-W01");
        ck_assert_str_eq(weeks[1]->name, "2026-W05");
        ck_assert_str_eq(weeks[2]->name, "2026-W09");
        scan_done(&s);

        char path[] = ".";
        char *const paths[] = { path, NULL };
        ck_assert_int_eq(scan_init(&s, &scan_anything), 0);
        s.since = INT64_C(1769817600000000);
        s.until = INT64_C(1769904000000000);
        ck_assert_int_eq(scan_paths(&s, paths), 0);
        ck_assert_uint_eq(s.reports, 1);
        ck_assert_uint_eq(s.other_times, 2);
        ck_assert_uint_eq(s.flags[0].reports, 1);
        scan_done(&s);
}

struct decoded {
        const char *text;
        int r;
        uint64_t mask;
        const char *module; /* the first */
};

static const struct decoded decodes[] = {
        /* Numbers. */
        { "Tainted: 0x1201", 0, 0x1201, NULL },
        { "Kernel is tainted: 0x200", 0, 0x200, NULL },
        { "Kernel is tainted: flags=512", 0, 512, NULL },
        { "The kernel is tainted (12288)", 0, 12288, NULL },
        { "kernel taint: 512", 0, 512, NULL },
        { "12288 (0x3000)", 0, 12288, NULL },
        { "12288 (0x3001)", -EINVAL, 0, NULL },
        { "4609,", 0, 4609, NULL },
        { "4609 apples", -EINVAL, 0, NULL },
        { "cat /proc/sys/kernel/tainted\n12289\n[ 5.4] foo: loading out-of-tree module taints kernel.", 0,
                12289, "foo" },
        /* Tools. */
        { "Taint-check: 12289  (see https://access.redhat.com/solutions/40594)", 0, 12289, NULL },
        { "TAINTED_MASK: 200  W", 0, 512, NULL },
        { "kernel_tainted_short: GBDL", 0, 0x40a0, NULL },
        { "your kernel has been tainted (flags:GSDOEL). Explanation:", 0, 0x7084, NULL },
        { "Raw taint value as int/string: 12288/'G           OE      '\n\nTainted modules:\n * dump_test (OE)",
                0, 12288, "dump_test" },
        { "Warning: loading /lib/a.o will taint the kernel: non-GPL license - BSD", 0, 1, NULL },
        { "Warning: loading hello.o will taint the kernel: forced load", 0, 2, NULL },
        /* Names. */
        { "TAINT_WARN", 0, 512, NULL },
        { "WARN", 0, 512, NULL },
        { "OOT_MODULE,WARN", 0, 0x1200, NULL },
        { "OOT_MODULE | TAINT_DIE", 0, 0x1080, NULL },
        { "UNSAFE_SMP", 0, 4, NULL },
        /* This project's own. */
        { "op=tainted-kernel taint=TAINT_OOT_MODULE bit=12 old=0x0 new=0x1000 reason=module-load name=\"a\" seqno=7",
                0, 1 << 12, NULL },
        { "PEIOS_TAINT=TAINT_WARN", 0, 512, NULL },
        { "{\"mask\":4609,\"letters\":\"P        W  O\"}", 0, 4609, NULL },
        { "peios_kernel_taint_set{bit=\"9\",name=\"TAINT_WARN\"} 1", 0, 512, NULL },
        { "peios_kernel_taint_set{bit=\"9\",name=\"TAINT_WARN\"} 0", -EINVAL, 0, NULL },
        /* The kernel's messages, and those of other programs. */
        { "vfio-pci 0000:01:00.0: Adding kernel taint for vfio-noiommu group on device", 0, 64, NULL },
        { "[ 100.1] microcode: Attempting late microcode loading - it is dangerous and taints the kernel.",
                0, 4, NULL },
        { "Oct  1 10:00:00 host gunicorn[812]: Oops: the page could not be shown", -EINVAL, 0, NULL },
        { "Oct  1 10:00:01 host jvm[900]: WARNING: at com.example.Foo.bar(Foo.java:12)", -EINVAL, 0, NULL },
        { "Oct  1 10:00:03 host git[77]: warning: Setting dangerous option core.fsync", -EINVAL, 0, NULL },
        { "Oct  1 10:00:04 host app[78]: foo: module license 'MIT' taints kernel.", -EINVAL, 0, NULL },
        { "Oct  1 10:00:04 host kernel: foo: module license 'MIT' taints kernel.", 0, 1, "foo" },
        { "Oct  1 10:00:04 host kernel[0]: foo: module license 'MIT' taints kernel.", 0, 1, "foo" },
        { "[Wed Dec 19 03:36:07 2018] foo: loading test module taints kernel.", 0, 1 << 18, "foo" },
        { "<4>[    8.2] foo: loading test module taints kernel.", 0, 1 << 18, "foo" },
        { "BUG: KCSAN: data-race in a / b", -EINVAL, 0, NULL },
        { "Kernel panic - not syncing: hung_task: blocked tasks", -EINVAL, 0, NULL },
        /* Words. */
        { "NOT TAINTED", -EINVAL, 0, NULL },
        { "DESCRIPTION", -EINVAL, 0, NULL },
        { "NOT", -EINVAL, 0, NULL },
        { "P" NB NB NB NB NB NB NB NB "W", 0, 0x201, NULL },
        { "P        W  O", 0, 0x1201, NULL },
        { "OP", 0, 0x1001, NULL },
        /* A list above the line with its kernel. */
        { "Modules linked in: a(N) b(OEN)\nCPU: 2 PID: 8 Comm: java Tainted: G           OE     N 5.14.21-150500.55.39-default #1 SLE15-SP5",
                0, UINT64_C(1) << 31 | 0x3000, "a" },
        { "Modules linked in: nfs(U) ext3(U)\nPid: 2, comm: x Not tainted 2.6.16-1.2108_FC4.rootsmp #1", 0,
                0, NULL },
};

struct sum {
        uint64_t mask;
        char module[64];
};

static int add(const struct taint_decoded *d, void *userdata)
{
        struct sum *sum = userdata;

        sum->mask |= d->reading.mask;
        if (d->n_modules > 0 && !sum->module[0])
                (void)snprintf(sum->module, sizeof(sum->module), "%.*s", (int)d->modules[0].module.name_len,
                        d->modules[0].module.name);
        return 0;
}

TEST(decoded)
{
        for (size_t i = 0; i < ARRAY_SIZE(decodes); i++) {
                const struct decoded *c = &decodes[i];
                struct sum sum = { 0 };
                struct diag d = { 0 };
                int r = taint_decode_text(c->text, strlen(c->text), &anything, add, &sum, &d);
                ck_assert_msg(r == c->r && sum.mask == c->mask &&
                                      strcmp(sum.module, c->module ? c->module : "") == 0,
                        "'%s': %d 0x%lx '%s'", c->text, r, sum.mask, sum.module);
        }
}

/* As PowerShell's `>` writes it; with and without a mark, in both orders. */
TEST(utf16)
{
        static const char line[] = CPU "Tainted: P        W  O       6.1.0 \xc3\xa9#1\n";
        static const struct {
                bool mark, big_endian;
        } cases[] = { { true, false }, { true, true }, { false, false }, { false, true } };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const int high = cases[i].big_endian ? 0 : 1;
                char text[256];
                size_t n = 0;
                if (cases[i].mark) {
                        text[n + (size_t)high] = '\xfe';
                        text[n + (size_t)!high] = '\xff';
                        n += 2;
                }
                for (const char *p = line; *p; n += 2) {
                        bool is_e = *p == '\xc3';
                        text[n + (size_t)high] = '\0';
                        text[n + (size_t)!high] = is_e ? '\xe9' : *p;
                        p += is_e ? 2 : 1;
                }
                struct scan s;
                struct sum sum = { 0 };
                put("log", text, n);
                scan_of(&s, "log");
                ck_assert_uint_eq(s.reports, 1);
                ck_assert_uint_eq(s.flags[12].reports, 1);
                scan_done(&s);
                ck_assert_int_eq(taint_decode_text(text, n, &anything, add, &sum, NULL), 0);
                ck_assert_uint_eq(sum.mask, 0x1201);
        }
}

Suite *test_suite(void)
{
        return suite_with("taint-cases", scan_folder_make, scratch_teardown);
}
