/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "../../../service/monitor/cause.h"
#include "alloc-faults.h"
#include "suite.h"

static struct hints hints;
static uint64_t at;

static void setup(void)
{
        hints = (struct hints){ 0 };
        at = 1000000;
}

static void teardown(void)
{
        hints_done(&hints);
}

static int say_as(unsigned facility, enum kmsg_caller kind, uint32_t caller, const char *text)
{
        struct kmsg_record r = { .facility = facility, .caller_kind = kind, .caller = caller };

        (void)snprintf(r.text, sizeof(r.text), "%s", text);
        return hints_add(&hints, &r, ++at);
}

static int say(const char *text)
{
        return say_as(0, KMSG_CALLER_UNKNOWN, 0, text);
}

static void say_all(const char *const *lines)
{
        for (; *lines; lines++)
                (void)say(*lines);
}

TEST(a_line_is_a_hint)
{
        ck_assert_int_eq(say("usb 1-1: new device"), 0);
        ck_assert_int_eq(say("foo: loading out-of-tree module taints kernel."), 1);
        const struct hint *h = hints_newest(&hints, 12, 0);
        ck_assert_ptr_nonnull(h);
        ck_assert_str_eq(h->module, "foo");
        ck_assert_str_eq(h->reason, "module-load");
        ck_assert_str_eq(h->detail, "foo: loading out-of-tree module taints kernel.");
        ck_assert_int_eq(h->context, CONTEXT_UNKNOWN);
        ck_assert_uint_eq(h->pid, AUDIT_ID_UNSET);
        ck_assert_ptr_null(hints_newest(&hints, 13, 0));
        ck_assert_ptr_null(hints_newest(&hints, 12, at + 1));
}

TEST(only_the_kernel_is_heard)
{
        for (unsigned facility = 1; facility < 24; facility++)
                ck_assert_int_eq(say_as(facility, KMSG_CALLER_UNKNOWN, 0,
                                         "foo: loading out-of-tree module taints kernel."),
                        0);
        ck_assert_uint_eq(hints.n, 0);
}

/* A task has any name that it likes, and the kernel begins such a line with it. */
TEST(a_name_is_no_report)
{
        struct kmsg_record forged = { .level = 6,
                .text = "WARNING: [123]: segfault at 0 ip 0 sp 0 error 6 in x" };

        ck_assert_int_eq(hints_add(&hints, &forged, ++at), 0);
        (void)strcpy(forged.text, "BUG: x[123]: segfault at 0 ip 0 sp 0 error 6 in x");
        ck_assert_int_eq(hints_add(&hints, &forged, ++at), 0);
        ck_assert_int_eq(say("WARNING: CPU: 0 PID: 77 at kernel/foo.c:12 bar+0x1/0x2 [evil]"), 1);
        ck_assert_uint_eq(hints.n, 1);
        ck_assert_str_eq(hints.list[0].module, "evil");
}

TEST(the_newest_counts)
{
        (void)say("a: loading out-of-tree module taints kernel.");
        (void)say("b: loading out-of-tree module taints kernel.");
        (void)say("c: loading test module taints kernel.");
        ck_assert_str_eq(hints_newest(&hints, 12, 0)->module, "b");
        hints_forget(&hints, at - 1);
        ck_assert_str_eq(hints_newest(&hints, 12, 0)->module, "b");
        hints_forget(&hints, at);
        ck_assert_ptr_null(hints_newest(&hints, 12, 0));
        ck_assert_str_eq(hints_newest(&hints, 18, 0)->module, "c");
}

TEST(of_the_past_the_first_counts)
{
        hints.first_only = true;
        (void)say("a: loading out-of-tree module taints kernel.");
        for (unsigned i = 0; i < 10 * HINTS_MAX; i++)
                ck_assert_int_eq(say("b: loading out-of-tree module taints kernel."), 1);
        ck_assert_str_eq(hints_newest(&hints, 12, 0)->module, "a");
        ck_assert_uint_eq(hints.n, 1);
}

TEST(hints_are_bounded)
{
        for (unsigned i = 0; i < 3 * HINTS_MAX; i++)
                ck_assert_int_eq(say(textf("m%u: loading out-of-tree module taints kernel.", i)), 1);
        ck_assert_uint_eq(hints.n, HINTS_MAX);
        ck_assert_str_eq(hints.list[0].module, "m128");
}

TEST(the_caller_is_the_task)
{
        (void)say_as(0, KMSG_CALLER_TASK, 4242, "foo: loading out-of-tree module taints kernel.");
        const struct hint *h = hints_newest(&hints, 12, 0);
        ck_assert_uint_eq(h->pid, 4242);
        ck_assert_int_eq(h->context, CONTEXT_TASK);
        (void)say_as(0, KMSG_CALLER_CPU, 1, "Setting dangerous option x - tainting kernel");
        h = hints_newest(&hints, 6, 0);
        ck_assert_uint_eq(h->pid, AUDIT_ID_UNSET);
        ck_assert_int_eq(h->context, CONTEXT_INTERRUPT);
        (void)say("msr: Write to unrecognized MSR 0x1 by wrmsr (pid: 5), tainting CPU_OUT_OF_SPEC.");
        h = hints_newest(&hints, 2, 0);
        ck_assert_uint_eq(h->pid, 5);
        ck_assert_int_eq(h->context, CONTEXT_TASK);
}

/* Head, context lines, end. */
static const struct {
        const char *name;
        const char *const lines[12];
        enum taint_context context;
        uint32_t pid;
        const char *comm, *module, *stack;
} reports[] = {
        { "task, 6.1",
                { "WARNING: CPU: 1 PID: 4424 at /x/t.c:12 t_init+0x5/0xf60 [tmod]",
                        "Modules linked in: tmod(OE+) virtio",
                        "CPU: 1 PID: 4424 Comm: insmod Tainted: G           OE      6.1.0-56-amd64 #1  Debian 6.1.176-1",
                        "RIP: 0010:t_init+0x5/0xf60 [tmod]", "Call Trace:", " <TASK>",
                        " do_one_initcall+0x56/0x220", " ? kmalloc_trace+0x26/0x90",
                        " do_init_module+0x4a/0x1f0", " </TASK>", "---[ end trace 0000000000000000 ]---" },
                CONTEXT_TASK, 4424, "insmod", "tmod",
                "do_one_initcall+0x56/0x220\ndo_init_module+0x4a/0x1f0\n" },
        { "soft interrupt",
                { "WARNING: CPU: 0 PID: 77 at /x/t.c:1 fn+0x1/0x2 [tmod]",
                        "CPU: 0 PID: 77 Comm: bash Not tainted 6.1.0 #1", "Call Trace:", " <IRQ>",
                        " call_timer_fn+0x24/0x130", " __do_softirq+0xed/0x2fe",
                        " sysvec_apic_timer_interrupt+0x6e/0x90", " </IRQ>", " <TASK>", " do_idle+0x1/0x2",
                        "---[ end trace 0 ]---" },
                CONTEXT_SOFT_INTERRUPT, 77, "bash", "tmod",
                "call_timer_fn+0x24/0x130\n__do_softirq+0xed/0x2fe\nsysvec_apic_timer_interrupt+0x6e/0x90\n"
                "do_idle+0x1/0x2\n" },
        { "hard interrupt that met a soft one",
                { "WARNING: CPU: 0 PID: 77 at /x/t.c:1 fn+0x1/0x2",
                        "CPU: 0 PID: 77 Comm: bash Not tainted 6.1.0 #1", "Call Trace:", " <IRQ>",
                        " __handle_irq_event_percpu+0x1/0x2", " __do_softirq+0xed/0x2fe", " </IRQ>",
                        "---[ end trace 0 ]---" },
                CONTEXT_INTERRUPT, 77, "bash", "",
                "__handle_irq_event_percpu+0x1/0x2\n__do_softirq+0xed/0x2fe\n" },
        { "worker",
                { "WARNING: drivers/x.c:1 at fn+0x1/0x2, CPU#0: kworker/0:1/12",
                        "CPU: 0 UID: 0 PID: 12 Comm: kworker/0:1 Not tainted 6.19.0 #1",
                        "Workqueue: events fn [tmod]", "RIP: 0010:fn+0x1/0x2 [tmod]",
                        "Call Trace:", " <TASK>", " worker_thread+0x1/0x2", "---[ end trace 0 ]---" },
                CONTEXT_KERNEL_THREAD, 12, "kworker/0:1", "tmod", "worker_thread+0x1/0x2\n" },
        { "a name like the line",
                { "WARNING: CPU: 0 PID: 9 at a.c:1 b+0x1/0x2",
                        "CPU: 0 PID: 9 Comm: x Tainted: y Tainted: G        W          6.1.0 #1",
                        "---[ end trace 0 ]---" },
                CONTEXT_UNKNOWN, 9, "x Tainted: y", "", NULL },
        { "a name like the other line",
                { "WARNING: CPU: 0 PID: 9 at a.c:1 b+0x1/0x2",
                        "CPU: 0 PID: 9 Comm: x Tainted: G Not tainted 6.1.0 #1", "---[ end trace 0 ]---" },
                CONTEXT_UNKNOWN, 9, "x Tainted: G", "", NULL },
        { "old kernel",
                { "WARNING: at kernel/softirq.c:143 local_bh_enable+0x8e/0xb0()",
                        "Pid: 3007, comm: cinfoo Tainted: P           2.6.32 #2",
                        "Call Trace:", " [<c103d1a3>] warn_slowpath_common+0x63/0x80",
                        "---[ end trace 93d72a36b9146f22 ]---" },
                CONTEXT_UNKNOWN, 3007, "cinfoo", "", "[<c103d1a3>] warn_slowpath_common+0x63/0x80\n" },
};

TEST(reports_are_put_together)
{
        for (size_t i = 0; i < ARRAY_SIZE(reports); i++) {
                setup();
                say_all(reports[i].lines);
                const struct hint *h = hints_newest(&hints, 9, 0);
                ck_assert_ptr_nonnull(h);
                ck_assert_msg(h->context == reports[i].context, "%s: %s", reports[i].name,
                        taint_context_name(h->context));
                ck_assert_uint_eq(h->pid, reports[i].pid);
                ck_assert_str_eq(h->comm, reports[i].comm);
                ck_assert_str_eq(h->module, reports[i].module);
                ck_assert_str_eq(h->detail, reports[i].lines[0]);
                ck_assert_str_eq(buf_str(&h->stack), reports[i].stack ? reports[i].stack : "");
                ck_assert(!hint_goes_on(h, at));
                teardown();
        }
        setup();
}

TEST(an_oops_is_one_report)
{
        (void)say("BUG: kernel NULL pointer dereference, address: 0000000000000000");
        (void)say("#PF: supervisor write access in kernel mode");
        (void)say("Oops: 0002 [#1] PREEMPT SMP");
        (void)say("CPU: 1 PID: 5 Comm: tkthread Tainted: G           OE 6.1.0 #1");
        ck_assert_uint_eq(hints.n, 1);
        const struct hint *h = hints_newest(&hints, 7, 0);
        ck_assert_str_eq(h->detail, "BUG: kernel NULL pointer dereference, address: 0000000000000000");
        ck_assert_str_eq(h->comm, "tkthread");
        ck_assert(hint_goes_on(h, at));
        (void)say("---[ end trace 0 ]---");
        ck_assert(!hint_goes_on(h, at));
}

TEST(a_report_without_end_ends)
{
        (void)say("WARNING: CPU: 0 PID: 9 at a.c:1 b+0x1/0x2");
        const struct hint *h = hints_newest(&hints, 9, 0);
        ck_assert(hint_goes_on(h, at));
        ck_assert(!hint_goes_on(h, h->usec + HINT_REPORT_USEC));
        at += HINT_REPORT_USEC;
        (void)say("CPU: 0 PID: 1 Comm: other Not tainted 6.1.0");
        ck_assert_str_eq(hints_newest(&hints, 9, 0)->comm, "");
}

TEST(the_boot_has_no_actor)
{
        (void)say("[Firmware Bug]: TSC doesn't count with P0 frequency!");
        (void)say("WARNING: CPU: 0 PID: 1 at a.c:1 b+0x1/0x2");
        (void)say_as(1, KMSG_CALLER_UNKNOWN, 0, "Run /made/up as init process");
        ck_assert_int_eq(hints_newest(&hints, 11, 0)->context, CONTEXT_UNKNOWN);
        (void)say("Run /init as init process");
        (void)say("Setting dangerous option x - tainting kernel");
        ck_assert_int_eq(hints_newest(&hints, 11, 0)->context, CONTEXT_BOOT);
        ck_assert_int_eq(hints_newest(&hints, 9, 0)->context, CONTEXT_BOOT);
        ck_assert(!hint_goes_on(hints_newest(&hints, 9, 0), at));
        ck_assert_int_eq(hints_newest(&hints, 6, 0)->context, CONTEXT_UNKNOWN);
}

/* A newline, or whatever else, comes out of a name that somebody chose. */
TEST(a_record_is_one_line)
{
        static const char *const texts[] = {
                "usb 1-1: Product: x\nfoo: loading test module taints kernel.",
                "usb 1-1: Product: x\n\nBUG: made up\n",
                "usb 1-1: Product: x\rBUG: made up",
                "usb 1-1: Product: x\x1b[2K\x1b[1GBUG: made up",
                "a\nBUG: made[42]: segfault at 0 ip 0 sp 0 error 4",
                "foo: loading test module taints kernel.\nmore",
                "\nfoo: loading test module taints kernel.",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                ck_assert_msg(say(texts[i]) == 0, "%s", texts[i]);
        ck_assert_uint_eq(hints.n, 0);
        /* The boot is not over because a name says so. */
        (void)say("[Firmware Bug]: TSC doesn't count with P0 frequency!");
        (void)say("usb 1-1: Product: x\nRun /init as init process");
        ck_assert_int_eq(hints_newest(&hints, 11, 0)->context, CONTEXT_UNKNOWN);
        /* The name is taken whole, as proc has it. */
        ck_assert_int_eq(say("BUG: Bad page state in process a\nBUG: b  pfn:1a2b3"), 1);
        ck_assert_str_eq(hints_newest(&hints, 5, 0)->comm, "a\nBUG: b");
        ck_assert_uint_eq(hints.n, 2);
}

TEST(a_record_within_a_report_is_one_line)
{
        (void)say("WARNING: CPU: 0 PID: 9 at a.c:1 b+0x1/0x2");
        (void)say("usb 1-1: Product: x\n---[ end trace 0 ]---");
        (void)say("usb 1-1: Product: x\nRIP: 0010:a+0x1/0x2 [bad]");
        (void)say("usb 1-1: Product: x\n <IRQ>\n made_up+0x1/0x2");
        (void)say("usb 1-1: Product: x\nCPU: 0 PID: 77 Comm: sshd Not tainted 6.1.0 #1");
        const struct hint *h = hints_newest(&hints, 9, 0);
        ck_assert(hint_goes_on(h, at));
        ck_assert_uint_eq(h->pid, 9);
        ck_assert_str_eq(h->comm, "");
        ck_assert_str_eq(h->module, "");
        ck_assert_uint_eq(h->stack.len, 0);
        ck_assert_int_eq(h->context, CONTEXT_UNKNOWN);
}

/* What anybody's name begins is less than a warning ("NAME[42]: segfault at"). */
TEST(a_name_is_no_line_of_a_report)
{
        struct kmsg_record r = { .level = LOG_INFO,
                .text = "RIP: +0x1/0x1 [[42]: segfault at 0 ip 0 sp 0 error 4" };

        (void)say("WARNING: CPU: 0 PID: 9 at a.c:1 b+0x1/0x2");
        ck_assert_int_eq(hints_add(&hints, &r, ++at), 0);
        (void)strcpy(r.text, "---[ end [42]: segfault at 0 ip 0 sp 0 error 4");
        ck_assert_int_eq(hints_add(&hints, &r, ++at), 0);
        ck_assert_str_eq(hints_newest(&hints, 9, 0)->module, "");
        ck_assert(hint_goes_on(hints_newest(&hints, 9, 0), at));
}

TEST(stacks_are_bounded)
{
        (void)say("WARNING: CPU: 0 PID: 9 at a.c:1 b+0x1/0x2");
        for (unsigned i = 0; i < 1000; i++)
                (void)say(" some_function+0x100/0x200");
        ck_assert_uint_le(hints.list[0].stack.len, HINT_STACK_MAX);
        ck_assert_uint_gt(hints.list[0].stack.len, HINT_STACK_MAX - 64);
}

TEST(failing_allocations)
{
        for (unsigned n = 1;; n++) {
                bool lost = false;
                setup();
                alloc_fail_at(n);
                for (unsigned i = 0; i < 2 * HINTS_MAX && !lost; i++)
                        lost = say("foo: loading test module taints kernel.") == -ENOMEM;
                for (size_t i = 0; i < ARRAY_SIZE(reports); i++)
                        say_all(reports[i].lines);
                bool failed = alloc_failed();
                ck_assert_uint_le(hints.n, HINTS_MAX);
                teardown();
                if (!failed)
                        break;
                ck_assert_uint_lt(n, 100);
        }
        setup();
}

Suite *test_suite(void)
{
        return suite_with("hints", setup, teardown);
}
