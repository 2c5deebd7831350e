/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stacks as Debian's 6.1 gave them, shortened, and what they tell. */
#include <string.h>

#include "../../../schema/base/macro.h"
#include "../../../service/monitor/bpf/report-event.h"
#include "suite.h"

static const struct {
        const char *stack;
        unsigned bit;
        const char *reason, *caller, *module;
        enum report_entry entry;
        bool object, victim;
} cases[] = {
        { "add_taint+0x5/0x50\nload_module+0x170d/0x21a0\n__do_sys_finit_module+0xac/0x120\n", 12,
                "module-load", "load_module+0x170d/0x21a0", "", REPORT_BY_TASK, true, false },
        { "add_taint+0x5/0x50\nload_module.cold+0x10d/0x42d\n", 10, "module-load",
                "load_module.cold+0x10d/0x42d", "", REPORT_BY_TASK, true, false },
        { "add_taint+0x5/0x50\ntry_to_force_load+0x2e/0x40\ncheck_version+0xa4/0xe0\n", 1,
                "module-load-forced", "try_to_force_load+0x2e/0x40", "", REPORT_BY_TASK, true, false },
        { "add_taint+0x5/0x50\nload_module+0x1/0x2\n", 15, "livepatch", "load_module+0x1/0x2", "",
                REPORT_BY_TASK, true, false },
        { "add_taint+0x5/0x50\n__do_sys_delete_module.constprop.0+0x2f4/0x330\n", 3, "module-unload-forced",
                "__do_sys_delete_module.constprop.0+0x2f4/0x330", "", REPORT_BY_TASK, true, false },
        { "bpf_trampoline_6442477001+0x1ce/0x1000\nproc_taint+0x5/0x1a0\nproc_sys_call_handler+0x1bd/0x2e0\n",
                4, "sysctl-write", "proc_taint+0x5/0x1a0", "", REPORT_BY_TASK, false, false },
        /* What is called by a rule's function, and is not known itself. */
        { "add_taint+0x5/0x50\nunheard_of+0x1/0x2\nmsr_write+0x1/0x2\n", 2, "msr-write",
                "unheard_of+0x1/0x2", "", REPORT_BY_TASK, false, false },
        { "add_taint+0x5/0x50\nunheard_of+0x1/0x2\nksys_write+0x1/0x2\n", 2, "kernel-code",
                "unheard_of+0x1/0x2", "", REPORT_BY_TASK, false, false },
        /* A module's own code, though it runs while it is loaded. */
        { "add_taint+0x5/0x50\nset_it+0x12/0x20 [taint_test]\nload_module+0x1/0x2\n", 40, "module-code",
                "set_it+0x12/0x20", "taint_test", REPORT_BY_TASK, false, false },
        /* A module's function may be called as it likes. */
        { "add_taint+0x5/0x50\nbad_page+0x12/0x20 [taint_test]\n", 40, "module-code", "bad_page+0x12/0x20",
                "taint_test", REPORT_BY_TASK, false, false },
        { "add_taint+0x5/0x50\nreport_bug+0xe2/0x150\nhandle_bug+0x41/0x70\nexc_invalid_op+0x13/0x60\n"
          "asm_exc_invalid_op+0x16/0x20\nwarn+0x11/0x20 [taint_test]\nrun+0x127/0x22b [taint_test]\n",
                9, "warning", "warn+0x11/0x20", "taint_test", REPORT_BY_TASK, false, false },
        { "add_taint+0x5/0x50\n__warn+0x1/0x2\nreport_bug+0xe2/0x150\nacpi_check+0x1/0x2\n", 11,
                "firmware-bug", "acpi_check+0x1/0x2", "", REPORT_BY_TASK, false, false },
        { "add_taint+0x5/0x50\noops_end+0x48/0xd0\npage_fault_oops+0xf9/0x2b0\nexc_page_fault+0x70/0x170\n"
          "asm_exc_page_fault+0x22/0x30\nin_dying_thread+0x13/0x30 [taint_test]\nkthread+0xda/0x100\n",
                7, "oops", "in_dying_thread+0x13/0x30", "taint_test", REPORT_BY_TASK, false, false },
        { "add_taint+0x5/0x50\nbad_page.cold+0x1/0x2\nfree_pcppages_bulk+0x1/0x2\n", 5, "bad-page",
                "free_pcppages_bulk+0x1/0x2", "", REPORT_BY_TASK, false, true },
        { "add_taint+0x5/0x50\nwatchdog_timer_fn+0x1/0x2\n__hrtimer_run_queues+0x10d/0x250\n"
          "__sysvec_apic_timer_interrupt+0x5d/0x110\n",
                14, "soft-lockup", "watchdog_timer_fn+0x1/0x2", "", REPORT_BY_INTERRUPT, false, true },
        { "add_taint+0x5/0x50\ndo_machine_check+0x1/0x2\nexc_machine_check+0x1/0x2\n", 4, "machine-check",
                "do_machine_check+0x1/0x2", "", REPORT_BY_INTERRUPT, false, true },
        /* At the end of an interrupt there are both: the innermost counts. */
        { "add_taint+0x5/0x50\nset_it+0x12/0x20 [taint_test]\nhandle_softirqs+0xd7/0x280\n"
          "__irq_exit_rcu+0xac/0xe0\nsysvec_apic_timer_interrupt+0x6e/0x90\n",
                34, "module-code", "set_it+0x12/0x20", "taint_test", REPORT_BY_SOFT_INTERRUPT, false,
                false },
        { "add_taint+0x5/0x50\nset_it+0x12/0x20 [taint_test]\nhrtimer_interrupt+0xf4/0x210\n"
          "sysvec_apic_timer_interrupt+0x69/0x90\nhandle_softirqs+0xd7/0x280\n",
                35, "module-code", "set_it+0x12/0x20", "taint_test", REPORT_BY_INTERRUPT, false, false },
        /* Nothing to go by. */
        { "", 12, "unknown", "", "", REPORT_BY_TASK, false, false },
        { "add_taint+0x5/0x50", 12, "unknown", "", "", REPORT_BY_TASK, false, false },
        { "add_taint+0x5/0x50\n__warn+0x1/0x2\n", 9, "warning", "", "", REPORT_BY_TASK, false, false },
        { "0xffffffffc02d3fe9\n", 12, "kernel-code", "0xffffffffc02d3fe9", "", REPORT_BY_TASK, false,
                false },
        { "f+0x1/0x2 [\n", 12, "kernel-code", "f+0x1/0x2", "", REPORT_BY_TASK, false, false },
};

TEST_EACH(judges, ARRAY_SIZE(cases))
{
        struct report_verdict v;

        report_judge_stack(cases[_i].stack, cases[_i].bit, &v);
        ck_assert_str_eq(v.reason, cases[_i].reason);
        ck_assert_str_eq(v.caller, cases[_i].caller);
        ck_assert_str_eq(v.module, cases[_i].module);
        ck_assert_int_eq(v.entry, cases[_i].entry);
        ck_assert_int_eq(v.object, cases[_i].object);
        ck_assert_int_eq(v.victim, cases[_i].victim);
}

TEST(cuts_long_names)
{
        struct report_verdict v;
        char stack[600];

        memset(stack, 'x', sizeof(stack));
        memcpy(stack + 300, " [", 2);
        stack[sizeof(stack) - 1] = '\0';
        report_judge_stack(stack, 0, &v);
        ck_assert_uint_eq(strlen(v.caller), REPORT_SYMBOL_MAX - 1);
        ck_assert_uint_eq(strlen(v.module), REPORT_MODULE_NAME_MAX - 1);
        ck_assert_str_eq(v.reason, "module-code");
}

TEST(knows_watchers)
{
        ck_assert(report_is_watcher("bpf_trampoline_6442477001+0x1ce/0x1000\n"));
        ck_assert(!report_is_watcher("add_taint+0x5/0x50\nbpf_prog_1+0x1/0x2\n"));
        ck_assert(!report_is_watcher(""));
}

Suite *test_suite(void)
{
        return suite_of("bpf-stack");
}
