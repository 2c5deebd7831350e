/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../../service/taint/decode.h"
#include "alloc-faults.h"
#include "suite.h"

static const struct taint_kernel anything;

TEST(numbers)
{
        static const struct {
                const char *text;
                int r;
                uint64_t value;
        } cases[] = {
                { "0", 0, 0 },
                { "4097", 0, 4097 },
                { "0x1001", 0, 4097 },
                { "0XfF", 0, 255 },
                { "0o17", 0, 15 },
                { "017", 0, 17 },
                { "18446744073709551615", 0, UINT64_MAX },
                { "0xffffffffffffffff", 0, UINT64_MAX },
                { "18446744073709551616", -ERANGE, 0 },
                { "0x10000000000000000", -ERANGE, 0 },
                { "0x", -EINVAL, 0 },
                { "0o8", -EINVAL, 0 },
                { "", -EINVAL, 0 },
                { "-1", -EINVAL, 0 },
                { "+1", -EINVAL, 0 },
                { "1 ", -EINVAL, 0 },
                { "12a", -EINVAL, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint64_t v = 0;
                int r = taint_number_parse(cases[i].text, strlen(cases[i].text), 0, &v);
                ck_assert_msg(r == cases[i].r && v == cases[i].value, "'%s': %d %lu", cases[i].text, r,
                        (unsigned long)v);
        }
}

TEST(forms)
{
        static const struct {
                const char *text;
                uint64_t mask;
                size_t modules;
                const char *note; /* starts with it */
        } cases[] = {
                { "12289\n", 0x3001, 0, "" },
                { "  0x200  ", 0x200, 0, "" },
                { "0777", 777, 0, "read as decimal" },
                { "0999", 999, 0, "" },
                { "007", 7, 0, "" },
                { "P        W  O", 0x1201, 0, "" },
                { "POE", 0x3001, 0, "" },
                { "(OE)", 0x3000, 0, "" },
                { "(PO+)", 0x1001, 0, "" },
                { "(O-)", 0x1000, 0, "" },
                { "G", 0, 0, "" },
                { "Tainted: P   M        ", 0x11, 0, "" },
                { "Not tainted", 0, 0, "" },
                /* A task has any name that it likes. */
                { "PID: 1 Comm: Not tainted Tainted: P        W  OE     6.1.0-13-amd64 #1", 0x3201, 0, "" },
                { "PID: 1 Comm: Tainted: P Tainted: G        W  O       6.1.0-13-amd64 #1", 0x1200, 0, "" },
                { "PID: 1 Comm: Tainted: K Not tainted 6.1.0-13-amd64 #1", 0, 0, "" },
                /* What sticks to the letters. */
                { "Tainted: G        W\x1b[0m", 0x200, 0, "" },
                { "Tainted: G        W.", 0x200, 0, "" },
                { "Tainted: G        W  O<br>", 0x1200, 0, "" },
                { "Tainted: G        W  O&nbsp;", 0x1200, 0, "" },
                { "Tainted: G        W  OE\\n[ 1.0]", 0x3200, 0, "" },
                /* A letter that is newer than this table. */
                { "POEZ", 0x3001, 0, "" },
                { "(OZE)", 0x3000, 0, "" },
                { "[P]=PROPRIETARY_MODULE, [W]=WARN", 0x201, 0, "" },
                { "Tainted: [P]=PROPRIETARY_MODULE,[O]=OOT_MODULE", 0x1001, 0, "" },
                { "Tainted: [W]=SOMETHING_NEW", 0x200, 0, "" },
                { "Tainted: [S]=UNSAFE_SMP", 4, 0, "" },
                { "nvidia(POE)", 0x3001, 1, "" },
                { "Modules linked in: a(O) b(P+) c [last unloaded: d(E)]", 0x3001, 3, "" },
                { "Modules linked in: a b c", 0, 0, "no module" },
                { "Modules linked in: \x1b[1ma(O)\x1b[0m \x1b[0;31mb(E)", 0x3000, 2, "" },
                { "Unloaded tainted modules: pkey_uv(E):1", 0x2000, 1, "" },
                { "x 1 0 - Live 0xffffffffc0a00000 (OE)", 0x3000, 1, "" },
                { "x 1 2 y,z, Unloading 0x0 (PO-)", 0x1001, 1, "" },
                { "/sys/module/zfs/taint:PO", 0x1001, 1, "" },
                { "kernel.tainted = 4097", 4097, 0, "" },
                { "/proc/sys/kernel/tainted:4097", 4097, 0, "" },
                { "foo: loading test module taints kernel.", 1 << 18, 1, "" },
                { "Setting dangerous option enable_fbc - tainting kernel", 1 << 6, 0, "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_decoded_ struct taint_decoded d = { 0 };
                struct diag diag = { 0 };
                int r = taint_decode_one(cases[i].text, strlen(cases[i].text), &anything, &d, &diag);
                ck_assert_msg(r == 0 && d.reading.mask == cases[i].mask && d.n_modules == cases[i].modules &&
                                      strncmp(d.note, cases[i].note, strlen(cases[i].note)) == 0 &&
                                      (d.note[0] == '\0') == (cases[i].note[0] == '\0'),
                        "'%s': %d 0x%lx %zu '%s' %s", cases[i].text, r, (unsigned long)d.reading.mask,
                        d.n_modules, d.note, diag.text);
        }
}

/* It is tainted: to say that it is not would be the worst of answers. */
TEST(unreadable)
{
        static const char *const cases[] = { "Tainted: G", "Tainted: G\nW is not part of it",
                "CPU: 0 PID: 1 Comm: a Tainted: \xef\xbf\xbd\xef\xbf\xbdW 5.4.0 #1",
                "CPU: 0 PID: 1 Comm: a Tainted: G???????W???? 5.4.0 #1", "CPU: 0 PID: 1 Comm: a Tainted:",
                "Pid: 8855, comm: nfsd Tainted: G 2.6.27.45-0.1-default #1" };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_decoded_ struct taint_decoded d = { 0 };
                ck_assert_int_eq(taint_decode_one(cases[i], strlen(cases[i]), &anything, &d, NULL), 0);
                ck_assert_msg(d.unreadable && d.reading.mask == 0, "'%s'", cases[i]);
        }
}

TEST(refused)
{
        static const char *const cases[] = { "", "  \n", "hello", "Q", "-", "()", "(O", "(O)x", "-5", "1.5",
                "12 13", "18446744073709551616", "tainted", "Tainted:", "Tainted: ", "tainted love", "0x",
                "(XEN) ----[ Xen-4.19.0  x86_64  debug=n  Tainted:  M     ]----", "int f(A); g(O)",
                "kernel.tainted = 99999999999999999999" };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct taint_decoded d = { .note = "untouched" };
                struct diag diag = { 0 };
                ck_assert_msg(taint_decode_one(cases[i], strlen(cases[i]), &anything, &d, &diag) == -EINVAL,
                        "'%s'", cases[i]);
                ck_assert(diag.text[0] != '\0');
                ck_assert_str_eq(d.note, "untouched");
        }
}

/* Two lines put together lose the columns, even where letters happen to stand in one. */
TEST(wrapped)
{
        static const struct {
                const char *text;
                uint64_t mask;
                size_t ambiguous;
        } cases[] = {
                { "Tainted: G            X 3.13.0 #1", 1 << 13, 0 },
                { "Tainted: G\n           X 3.13.0 #1", 1 << 13, 1 },
                { "> Tainted: G\n> > W 3.13.0", 1 << 9, 0 },
                { "Tainted:\nG        W 3.13.0", 1 << 9, 0 },
                { "Tainted: G   =\n   OE 3.13.0", 3 << 12, 0 },
                { "Tainted: P\nUsing defaults", 1, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_decoded_ struct taint_decoded d = { 0 };
                ck_assert_int_eq(
                        taint_decode_one(cases[i].text, strlen(cases[i].text), &anything, &d, NULL), 0);
                ck_assert_msg(d.reading.mask == cases[i].mask && d.reading.n_ambiguous == cases[i].ambiguous,
                        "case %zu: 0x%lx %zu", i, (unsigned long)d.reading.mask, d.reading.n_ambiguous);
        }
}

struct walked {
        unsigned n, stop_at;
        uint64_t masks[16];
};

static int walk(const struct taint_decoded *d, void *userdata)
{
        struct walked *w = userdata;

        ck_assert_uint_lt(w->n, ARRAY_SIZE(w->masks));
        w->masks[w->n++] = d->reading.mask;
        return w->n == w->stop_at ? 7 : 0;
}

static const char log_text[] = "[    1.0] foo: loading out-of-tree module taints kernel.\n"
                               "[    2.0] nothing (O) to see\n"
                               "[    2.1] Modules linked in: foo(O) bar(PO)\n"
                               "[    2.2]  baz(E) qux\n"
                               "[    2.3] CPU: 0 PID: 1 Comm: x Tainted: P        W  O       6.12.1 #1\n"
                               "[    2.4] Tainted: [P]=PROPRIETARY_MODULE, [W]=WARN, [O]=OOT_MODULE\n"
                               "[    3.3] CPU: 0 PID: 1 Comm: x Tainted: P        W  O       6.12.1 #1\n"
                               "[    4.0] Linux version 12\n"
                               "4096\n";

TEST(whole_log)
{
        static const uint64_t expected[] = { 0x1000, 0x1001, 0x2000, 0x1201 };
        struct walked w = { 0 };

        ck_assert_int_eq(taint_decode_text(log_text, strlen(log_text), &anything, walk, &w, NULL), 0);
        ck_assert_uint_eq(w.n, ARRAY_SIZE(expected));
        for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
                ck_assert_uint_eq(w.masks[i], expected[i]);
        w = (struct walked){ .stop_at = 2 };
        ck_assert_int_eq(taint_decode_text(log_text, strlen(log_text), &anything, walk, &w, NULL), 7);
        ck_assert_uint_eq(w.n, 2);
}

/* A list of names that a mail program wrapped is told once, with or without the letters above it. */
TEST(wrapped_names)
{
        static const struct {
                const char *text;
                unsigned n;
        } cases[] = {
                { "Tainted: [O]=OOT_MODULE,\n  [E]=UNSIGNED_MODULE\nCode: 1\n", 1 },
                { "Tainted: [P]=PROPRIETARY_MODULE, =\n[O]=OOT_MODULE,=\n[E]=UNSIGNED_MODULE\nCode: 1\n",
                        1 },
                { "Comm: x Tainted: G           OE      6.12.95 #1\nTainted: [O]=OOT_MODULE,\n"
                  "[E]=UNSIGNED_MODULE\n",
                        1 },
                /* Of something else. */
                { "Tainted: [O]=OOT_MODULE\n[E]=UNSIGNED_MODULE\n", 2 },
                { "Tainted: [O]=OOT_MODULE,\nCode: 1\n[E]=UNSIGNED_MODULE\n", 2 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct walked w = { 0 };
                ck_assert_int_eq(
                        taint_decode_text(cases[i].text, strlen(cases[i].text), &anything, walk, &w, NULL),
                        0);
                ck_assert_msg(w.n == cases[i].n, "case %zu: %u", i, w.n);
        }
}

/* As `cat /sys/module/.../taint` prints: only where no line tells more are short lines read. */
TEST(bare_lines)
{
        struct walked w = { 0 };
        struct diag d = { 0 };

        ck_assert_int_eq(taint_decode_text("OE\n\nPO\n", 7, &anything, walk, &w, NULL), 0);
        ck_assert_uint_eq(w.n, 2);
        ck_assert_uint_eq(w.masks[0], 0x3000);
        ck_assert_uint_eq(w.masks[1], 0x1001);
        ck_assert_int_eq(taint_decode_text("a word\nand another\n", 19, &anything, walk, &w, &d), -EINVAL);
        ck_assert_str_eq(d.text, "no line of the text reports taints");
}

TEST(messages)
{
        static const struct {
                const char *line;
                int bit;
                const char *module;
        } cases[] = {
                { "[   65.6] chardev2: loading out-of-tree module taints kernel.", 12, "chardev2" },
                { "Dec 14 16:37 kern.warn kernel: [1.0] mt7628: module license 'x' taints kernel.", 0,
                        "mt7628" },
                { "kernel: foo: module license 'x' taints kernel.", 0, "foo" },
                { "foo: bad vermagic: kernel tainted.", 1, "foo" },
                { "zfs: module license taints kernel.", 0, "zfs" },
                { "livepatch_x: tainting kernel with TAINT_LIVEPATCH", 15, "livepatch_x" },
                { "WARNING: CPU: 0 PID: 4529 at kernel/workqueue.c:2911", 9, NULL },
                { "WARNING: kernel/workqueue.c:2911 at __flush_work+0x1/0x2, CPU#1: foo/1", 9, NULL },
                { "WARNING: a shell's", -1, NULL },
                { "foo: module verification failed: signature and/or  required key missing - tainting kernel",
                        13, "foo" },
                { "BUG: Bad page state in process foo  pfn:1", 5, NULL },
                { "Write to unrecognized MSR 0x1 by x (pid: 1), tainting CPU_OUT_OF_SPEC.", 2, NULL },
                { "nothing", -1, NULL },
                { "", -1, NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_decoded_ struct taint_decoded d = { 0 };
                int r = taint_decode_one(cases[i].line, strlen(cases[i].line), &anything, &d, NULL);
                char module[64] = "";
                if (d.n_modules > 0)
                        (void)snprintf(module, sizeof(module), "%.*s", (int)d.modules[0].module.name_len,
                                d.modules[0].module.name);
                ck_assert_int_eq(r, cases[i].bit < 0 ? -EINVAL : 0);
                ck_assert_msg(d.reading.mask == (cases[i].bit < 0 ? 0 : UINT64_C(1) << cases[i].bit) &&
                                      strcmp(module, cases[i].module ? cases[i].module : "") == 0,
                        "'%s': 0x%lx '%s'", cases[i].line, (unsigned long)d.reading.mask, module);
        }
}

/* The assertions of walk() allocate. */
static int ignore(_unused_ const struct taint_decoded *d, _unused_ void *userdata)
{
        return 0;
}

TEST(no_memory)
{
        bool failed = true;
        for (unsigned i = 1; failed; i++) {
                alloc_fail_at(i);
                int r = taint_decode_text(log_text, strlen(log_text), &anything, ignore, NULL, NULL);
                failed = alloc_fails(r, i, 3);
        }
}

Suite *test_suite(void)
{
        return suite_of("taint-decode");
}
