/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <string.h>

#include "../../../schema/base/macro.h"
#include "../../../service/monitor/kmsg.h"
#include "../../../service/taint/log-lines.h"
#include "suite.h"

#define NONE UINT32_MAX
#define LONG_NAME "a_name_that_is_longer_than_any_module_can_be_in_this_or_any_kernel"

/* As the kernel prints them; from kernel logs in public reports and from the sources. */
static const struct {
        const char *text;
        unsigned bit;
        const char *reason, *module, *comm;
        uint32_t pid;
} lines[] = {
        { "nvidia: module license 'NVIDIA' taints kernel.", 0, "module-load", "nvidia", "", NONE },
        { "lve: module license taints kernel.", 0, "module-load", "lve", "", NONE },
        { "fglrx: module license 'Proprietary. (C) 2002 - ATI: all' taints kernel.", 0, "module-load",
                "fglrx", "", NONE },
        { "foo: no version magic: kernel tainted.", 1, "module-load-forced", "foo", "", NONE },
        { "foo: no versions for exported symbols: kernel tainted.", 1, "module-load-forced", "foo", "",
                NONE },
        { "msr: Write to unrecognized MSR 0x123 by wrmsr (pid: 1234), tainting CPU_OUT_OF_SPEC.", 2,
                "msr-write", "", "wrmsr", 1234 },
        { "msr: Write to unrecognized MSR 0x1b0 by x86_energy_perf (pid: 7).", 2, "msr-write", "",
                "x86_energy_perf", 7 },
        { "Write to unrecognized MSR 0x10 by my (pid: 1) (pid: 42), tainting CPU_OUT_OF_SPEC.", 2,
                "msr-write", "", "my (pid: 1)", 42 },
        { "microcode: Attempting late microcode loading - it is dangerous and taints the kernel.", 2,
                "microcode-load", "", "", NONE },
        { "microcode: Late microcode loading without minimal revision check taints the kernel.", 2,
                "microcode-load", "", "", NONE },
        { "microcode: Microcode late loading tainted the kernel", 2, "microcode-load", "", "", NONE },
        { "kvm [1]: Non-architectural vgic, tainting kernel", 2, "cpu-out-of-spec", "", "", NONE },
        { "amdgpu: Overdrive is enabled, please disable it before reporting any bugs unrelated to overdrive.",
                2, "cpu-out-of-spec", "", "", NONE },
        { "WARNING: This combination of AMD processors is not suitable for SMP.", 2, "cpu-out-of-spec", "",
                "", NONE },
        { "mce: [Hardware Error]: Machine check events logged", 4, "machine-check", "", "", NONE },
        { "Machine check events logged", 4, "machine-check", "", "", NONE },
        { "mce: [Hardware Error]: CPU 2: Machine Check Exception: 5 Bank 4: b200000000070f0f", 4,
                "machine-check", "", "", NONE },
        { "CPU0: Machine Check Exception.", 4, "machine-check", "", "", NONE },
        { "SError Interrupt on CPU3, code 0xbf000000 -- SError", 4, "machine-check", "", "", NONE },
        { "i915 0000:00:02.0: [drm] This is a pre-production stepping. It may not be fully functional.", 4,
                "machine-check", "", "", NONE },
        { "BUG: Bad page state in process cc1plus  pfn:1a2b3", 5, "bad-page", "", "cc1plus", NONE },
        { "BUG: Bad page map in process Xorg  pte:800000012 pmd:123", 5, "bad-page", "", "Xorg", NONE },
        { "BUG: Bad page cache in process tar  pfn:12345", 5, "bad-page", "", "tar", NONE },
        { "BUG: KASAN: use-after-free in foo+0x10/0x20 [bar]", 5, "memory-corruption", "bar", "", NONE },
        { "BUG: KFENCE: out-of-bounds read in foo+0x10/0x20", 5, "memory-corruption", "", "", NONE },
        { "BUG kmalloc-64 (Not tainted): Poison overwritten", 5, "slab-corruption", "", "", NONE },
        { "Setting dangerous option reset - tainting kernel", 6, "dangerous-option", "", "", NONE },
        { "i915: Setting dangerous option enable_guc - tainting kernel", 6, "dangerous-option", "", "",
                NONE },
        { "i915 0000:00:02.0: Force probing unsupported Device ID a7a0, tainting kernel", 6,
                "dangerous-option", "", "", NONE },
        { "vfio-pci 0000:00:04.0: Adding kernel taint for vfio-noiommu group on device", 6, "vfio-noiommu",
                "", "", NONE },
        { "BUG: unable to handle kernel NULL pointer dereference at 0000000000000010", 7, "oops", "", "",
                NONE },
        { "BUG: kernel NULL pointer dereference, address: 0000000000000000", 7, "oops", "", "", NONE },
        { "Oops: 0002 [#1] PREEMPT SMP NOPTI", 7, "oops", "", "", NONE },
        { "Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP", 7,
                "oops", "", "", NONE },
        { "Oops [#1]", 7, "oops", "", "", NONE },
        { "Internal error: Oops: 0000000096000004 [#1] SMP", 7, "oops", "", "", NONE },
        { "kernel BUG at mm/slub.c:4025!", 7, "oops", "", "", NONE },
        { "invalid opcode: 0000 [#1] SMP", 7, "oops", "", "", NONE },
        { "divide error: 0000 [#2] PREEMPT SMP", 7, "oops", "", "", NONE },
        { "stack segment: 0000 [#1] SMP PTI", 7, "oops", "", "", NONE },
        { "illegal operation: 0001 ilc:1 [#1] SMP", 7, "oops", "", "", NONE },
        { "general protection fault: 0000 [#1] SMP", 7, "oops", "", "", NONE },
        { "Unable to handle kernel paging request at virtual address ffff000000000000", 7, "oops", "", "",
                NONE },
        { "Kernel panic - not syncing: Fatal exception", 7, "panic", "", "", NONE },
        { "ACPI: Override [DSDT-   A M I], this is unsafe: tainting kernel", 8, "acpi-table-override", "",
                "", NONE },
        { "Override [DSDT-CALISTGA], this is unsafe: tainting kernel", 8, "acpi-table-override", "", "",
                NONE },
        { "WARNING: CPU: 1 PID: 4424 at kernel/foo.c:12 foo_init+0x5/0xf60 [taintmod]", 9, "warning",
                "taintmod", "", 4424 },
        { "WARNING: CPU: 0 PID: 1 at drivers/a.c:1 b+0x1/0x2", 9, "warning", "", "", 1 },
        { "WARNING: kernel/foo.c:12 at foo_init+0x5/0xf60 [taintmod], CPU#1: insmod/4424", 9, "warning",
                "taintmod", "insmod", 4424 },
        { "WARNING: kernel/foo.c:12 at foo+0x5/0xf60, CPU#0: kworker/0:1/12", 9, "warning", "",
                "kworker/0:1", 12 },
        { "WARNING: at foo+0x5/0xf60, CPU#1: a b/3", 9, "warning", "", "a b", 3 },
        { "WARNING: at kernel/softirq.c:143 local_bh_enable+0x8e/0xb0()", 9, "warning", "", "", NONE },
        { "BUG: scheduling while atomic: swapper/0/0x00000002", 9, "warning", "", "swapper", 0 },
        { "BUG: scheduling while atomic: a/0x1/7/0x00000002", 9, "warning", "", "a/0x1", 7 },
        { "BUG: scheduling while atomic: /7/0x00000002", 9, "warning", "", "", NONE },
        { "BUG: sleeping function called from invalid context at kernel/locking/mutex.c:580", 9, "warning",
                "", "", NONE },
        { "rts5139: module is from the staging directory, the quality is unknown, you have been warned.", 10,
                "module-load", "rts5139", "", NONE },
        { "[Firmware Bug]: TSC doesn't count with P0 frequency!", 11, "firmware-bug", "", "", NONE },
        { "DMAR: [Firmware Bug]: Your BIOS is broken; DMAR reported at address fed90000 returns all ones!",
                11, "firmware-bug", "", "", NONE },
        { "mtrr: your BIOS has configured an incorrect mask, fixing it.", 11, "firmware-bug", "", "", NONE },
        { "vboxdrv: loading out-of-tree module taints kernel.", 12, "module-load", "vboxdrv", "", NONE },
        { "foo: module verification failed: signature and/or required key missing - tainting kernel", 13,
                "module-load", "foo", "", NONE },
        { "foo: module verification failed: signature and/or  required key missing - tainting kernel", 13,
                "module-load", "foo", "", NONE },
        { "BUG: soft lockup - CPU#3 stuck for 22s! [stress:1234]", 14, "soft-lockup", "", "stress", 1234 },
        { "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [swapper/0:0]", 14, "soft-lockup", "",
                "swapper/0", 0 },
        { "BUG: soft lockup - CPU#3 stuck for 22s! [:1234]", 14, "soft-lockup", "", "", NONE },
        /* A task's name is no symbol of a module. */
        { "BUG: soft lockup - CPU#3 stuck for 22s! [+0x1/0x1 [ab]:1234]", 14, "soft-lockup", "",
                "+0x1/0x1 [ab]", 1234 },
        { "BUG: scheduling while atomic: +0x1/0x1 [ab]/7/0x00000002", 9, "warning", "", "+0x1/0x1 [ab]", 7 },
        { "BUG: Bad page state in process +0x1/0x1 [ab]  pfn:1a2b3", 5, "bad-page", "", "+0x1/0x1 [ab]",
                NONE },
        { "WARNING: a.c:1 at foo+0x5/0xf60, CPU#1: +0x1/0x1 [ab]/12", 9, "warning", "", "+0x1/0x1 [ab]",
                12 },
        { "BUG: using smp_processor_id() in preemptible [00000000] code: +0x1/0x1 [ab]/12", 7, "oops", "",
                "", NONE },
        { "livepatch_sample: tainting kernel with TAINT_LIVEPATCH", 15, "module-load", "livepatch_sample",
                "", NONE },
        { "livepatch: tainting kernel with TAINT_LIVEPATCH", 15, "livepatch", "", "", NONE },
        { "tainting kernel with TAINT_LIVEPATCH", 15, "livepatch", "", "", NONE },
        { "BTRFS alert (device sda1): btrfs RAID5/6 is EXPERIMENTAL and has known data-loss bugs", 16,
                "btrfs-raid56", "", "", NONE },
        { "fatrace (99): Using fanotify permission checks may lead to deadlock; tainting kernel", 16,
                "fanotify-permission", "", "fatrace", 99 },
        { "kunit_example: loading test module taints kernel.", 18, "module-load", "kunit_example", "",
                NONE },
        { "fwctl fwctl0: fwtool(123): has requested full access to the physical device", 19, "fwctl-write",
                "", "fwtool", 123 },
        { "fwctl fwctl0: a(1): b(123): has requested full access to the physical device device", 19,
                "fwctl-write", "", "a(1): b", 123 },
        { "TECH PREVIEW: eBPF syscall may not be fully supported.", 29, "tech-preview", "", "", NONE },
};

TEST(lines_of_the_kernel)
{
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                struct log_line got;
                ck_assert_msg(log_line_match(lines[i].text, &got), "no match: %s", lines[i].text);
                ck_assert_msg(got.bit == lines[i].bit, "%s: bit %u", lines[i].text, got.bit);
                ck_assert_str_eq(got.reason, lines[i].reason);
                ck_assert_str_eq(got.module, lines[i].module);
                ck_assert_str_eq(got.comm, lines[i].comm);
                ck_assert_msg(got.pid == lines[i].pid, "%s: pid %u", lines[i].text, got.pid);
        }
}

TEST(other_lines)
{
        static const char *const texts[] = {
                "",
                " ",
                "usb 1-2: new high-speed USB device number 5 using xhci_hcd",
                "WARNING: possible circular locking dependency detected",
                "module: loading",
                ": loading out-of-tree module taints kernel.",
                "a b: loading out-of-tree module taints kernel.",
                "audit: type=1400 comm=\"x: loading out-of-tree module taints kernel.\"",
                "vboxdrv: loading out-of-tree module taints kernel. Not",
                "xvboxdrv: loading out-of-tree module taints the kernel.",
                "Write to unrecognized MSR 0x10 by a (pid: x), tainting CPU_OUT_OF_SPEC.",
                LONG_NAME ": loading out-of-tree module taints kernel.",
                "Setting dangerous option - tainting kernel",
                "nobody: 0000 [#1] SMP",
                "a.out: divide error: 0000 [#1] SMP",
                "some text Setting dangerous option x - tainting kernel",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct log_line got;
                ck_assert_msg(!log_line_match(texts[i], &got), "match: %s", texts[i]);
        }
}

TEST(acting_and_reports)
{
        struct log_line got;

        ck_assert(log_line_match("msr: Write to unrecognized MSR 0x1 by a (pid: 1).", &got));
        ck_assert(got.acting && !got.report);
        ck_assert(log_line_match("WARNING: CPU: 0 PID: 1 at a.c:1 b+0x1/0x2", &got));
        ck_assert(!got.acting && got.report);
        ck_assert(log_line_match("foo: loading test module taints kernel.", &got));
        ck_assert(!got.acting && !got.report);
}

TEST(modules_of_symbols)
{
        static const struct {
                const char *text, *module;
        } cases[] = {
                { "RIP: 0010:init_module+0x5/0xf60 [taintmod]", "taintmod" },
                { "foo+0x10/0x20 [bar 0123456789abcdef]", "bar" },
                { "a+0x1/0x2 b+0x1/0x2 [mod(OE)]", "mod" },
                { "foo+0x10/0x20", NULL },
                { "foo+0x10 [bar]", NULL },
                { "foo+0x10/0x20 [bar", NULL },
                { "foo+0x10/0x20 []", NULL },
                { "", NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char module[LOG_NAME_MAX] = "";
                ck_assert_int_eq(log_symbol_module(cases[i].text, strlen(cases[i].text), module),
                        cases[i].module != NULL);
                ck_assert_str_eq(module, cases[i].module ? cases[i].module : "");
        }
}

TEST(long_lines_end)
{
        static char text[KMSG_TEXT_MAX];
        struct log_line got;

        memset(text, '/', sizeof(text) - 1);
        memcpy(text, "WARNING: ", 9);
        for (size_t i = 9; i + 4 < sizeof(text); i += 4)
                memcpy(text + i, " at ", 4);
        ck_assert(log_line_match(text, &got));
        memset(text, ':', sizeof(text) - 1);
        ck_assert(!log_line_match(text, &got));
        memset(text, '(', sizeof(text) - 1);
        memcpy(text, "msr: Write to unrecognized MSR 0x1 by ", 38);
        ck_assert(!log_line_match(text, &got));
}

static bool parse(const char *line, struct kmsg_record *r)
{
        return kmsg_record_parse(line, strlen(line), r);
}

TEST(records)
{
        struct kmsg_record r;

        ck_assert(parse("4,1234,5678901,-;vboxdrv: loading out-of-tree module taints kernel.", &r));
        ck_assert_uint_eq(r.level, 4);
        ck_assert_uint_eq(r.facility, 0);
        ck_assert_uint_eq(r.seq, 1234);
        ck_assert_uint_eq(r.usec, 5678901);
        ck_assert_int_eq(r.caller_kind, KMSG_CALLER_UNKNOWN);
        ck_assert_str_eq(r.text, "vboxdrv: loading out-of-tree module taints kernel.");

        ck_assert(parse("14,1,2,-;made up", &r));
        ck_assert_uint_eq(r.facility, 1);
        ck_assert(parse("30,1,2,c;", &r));
        ck_assert_uint_eq(r.facility, 3);
        ck_assert_str_eq(r.text, "");

        ck_assert(parse("4,1,2,-,caller=T4242;x", &r));
        ck_assert_int_eq(r.caller_kind, KMSG_CALLER_TASK);
        ck_assert_uint_eq(r.caller, 4242);
        ck_assert(parse("4,1,2,-,caller=C3,more=1;x;y", &r));
        ck_assert_int_eq(r.caller_kind, KMSG_CALLER_CPU);
        ck_assert_uint_eq(r.caller, 3);
        ck_assert_str_eq(r.text, "x;y");
        ck_assert(parse("4,1,2,-,caller=X3;x", &r));
        ck_assert_int_eq(r.caller_kind, KMSG_CALLER_UNKNOWN);
        ck_assert(parse("4,1,2,-,caller=T;x", &r));
        ck_assert(parse("4,1,2,-,caller=;x", &r));
        ck_assert_int_eq(r.caller_kind, KMSG_CALLER_UNKNOWN);

        ck_assert(parse("4,1,2,-;a\\x0ab\\x5cx \\x00\\x4\\xzz\\", &r));
        ck_assert_str_eq(r.text, "a\nb\\x ?\\x4\\xzz\\");
}

TEST(records_that_are_none)
{
        static const char *const bad[] = { "", ";", "4;x", "4,1;x", "4,1,2;x", ",1,2,-;x", "-4,1,2,-;x",
                "4,1,x,-;x", "4,18446744073709551616,2,-;x", "4,1,2,-", "4 ,1,2,-;x" };
        struct kmsg_record r;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(!parse(bad[i], &r), "%s", bad[i]);
        ck_assert(!kmsg_record_parse("4,1,2,-;a\0b", 11, &r));
}

TEST(long_records_are_cut)
{
        char line[2 * KMSG_TEXT_MAX];
        struct kmsg_record r;

        memset(line, 'a', sizeof(line));
        memcpy(line, "4,1,2,-;", 8);
        ck_assert(kmsg_record_parse(line, sizeof(line), &r));
        ck_assert_uint_eq(strlen(r.text), KMSG_TEXT_MAX - 1);
}

Suite *test_suite(void)
{
        return suite_of("log-lines");
}
