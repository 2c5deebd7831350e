/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "../../../service/monitor/cause.h"
#include "../process/fake-process.h"
#include "suite.h"

#define TICK_USEC 10000u /* 100 a second, as everywhere */

static struct taint_event attributed(unsigned bit, const struct cause *cause)
{
        struct taint_event e = { .bit = bit };

        cause_attribute(scratch_root.root, cause, UINT64_MAX, &e);
        return e;
}

TEST(actors_and_bystanders)
{
        fake_process_run(&scratch_root, 42, "bash", "bash", 1);
        struct cause c = {
                .quality = CAUSE_GOOD, .reason = "warning", .pid = 42, .comm = "bash", .detail = "WARNING"
        };

        c.context = CONTEXT_TASK;
        struct taint_event e = attributed(9, &c);
        ck_assert_uint_eq(e.actor.pid, 42);
        ck_assert_uint_eq(e.actor.loginuid, 1000);
        ck_assert_int_eq(e.attribution, ATTRIBUTION_LIKELY);
        ck_assert_str_eq(e.detail, "WARNING");
        ck_assert_str_eq(actor_state(&e.actor), "known");

        static const struct {
                enum taint_context context;
                const char *detail;
        } none[] = { { CONTEXT_INTERRUPT, "WARNING; interrupted task: pid 42 (bash)" },
                { CONTEXT_SOFT_INTERRUPT, "WARNING; interrupted task: pid 42 (bash)" },
                { CONTEXT_KERNEL_THREAD, "WARNING; kernel thread: pid 42 (bash)" },
                { CONTEXT_BOOT, "WARNING" }, { CONTEXT_UNKNOWN, "WARNING; running task: pid 42 (bash)" } };
        for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
                c.context = none[i].context;
                e = attributed(9, &c);
                ck_assert_uint_eq(e.actor.pid, AUDIT_ID_UNSET);
                ck_assert_int_eq(e.context, none[i].context);
                ck_assert_str_eq(e.detail, none[i].detail);
                /* Of what came from nowhere it is not even known whether there is anybody. */
                ck_assert_str_eq(
                        actor_state(&e.actor), none[i].context == CONTEXT_UNKNOWN ? "unknown" : "none");
        }
}

TEST(tasks_that_are_no_actors)
{
        const struct fake_process thread = { .pid = 9, .comm = "kworker/0:1", .kernel_thread = true };
        struct cause c = {
                .quality = CAUSE_GOOD, .reason = "warning", .pid = 42, .comm = "bash", .detail = "WARNING"
        };

        fake_process_run(&scratch_root, 42, "bash", "bash", 1);
        fake_process_make(&scratch_root, &thread);
        /* A victim of the hardware. */
        c.context = CONTEXT_TASK;
        struct taint_event e = attributed(4, &c);
        ck_assert_uint_eq(e.actor.pid, AUDIT_ID_UNSET);
        ck_assert_str_eq(e.detail, "WARNING; running task: pid 42 (bash)");
        ck_assert_str_eq(actor_state(&e.actor), "none");
        c.context = CONTEXT_UNKNOWN;
        e = attributed(4, &c);
        ck_assert_str_eq(actor_state(&e.actor), "none");
        /* Somebody may have written to the sysctl. */
        c.quality = CAUSE_NONE;
        e = attributed(4, &c);
        ck_assert_str_eq(actor_state(&e.actor), "unknown");
        c.quality = CAUSE_GOOD;
        c.context = CONTEXT_TASK;
        /* proc knows what the line did not say. */
        c.pid = 9;
        (void)strcpy(c.comm, "kworker/0:1");
        e = attributed(9, &c);
        ck_assert_int_eq(e.context, CONTEXT_KERNEL_THREAD);
        ck_assert_uint_eq(e.actor.pid, AUDIT_ID_UNSET);
        ck_assert_str_eq(actor_state(&e.actor), "none");
        c.pid = 0;
        e = attributed(9, &c);
        ck_assert_int_eq(e.context, CONTEXT_KERNEL_THREAD);
        ck_assert_uint_eq(e.actor.pid, AUDIT_ID_UNSET);
        ck_assert_str_eq(actor_state(&e.actor), "none");
        /* It oopsed and is gone: where its stack begins tells. */
        c.pid = 77;
        (void)strcpy(c.comm, "taint_test");
        c.stack = "set_it+0x12/0x20 [taint_test]\nkthread+0xd8/0x100\nret_from_fork+0x1f/0x30\n";
        e = attributed(7, &c);
        ck_assert_int_eq(e.context, CONTEXT_KERNEL_THREAD);
        ck_assert_uint_eq(e.actor.pid, AUDIT_ID_UNSET);
        ck_assert_str_eq(e.detail, "WARNING; kernel thread: pid 77 (taint_test)");
        ck_assert_str_eq(actor_state(&e.actor), "none");
        c.stack = "set_it+0x12/0x20 [taint_test]\ndo_syscall_64+0x55/0xb0\n";
        e = attributed(7, &c);
        ck_assert_int_eq(e.context, CONTEXT_TASK);
        ck_assert_uint_eq(e.actor.pid, 77);
}

TEST(gone_or_another_program_by_now)
{
        struct cause c = { .quality = CAUSE_GOOD,
                .reason = "msr-write",
                .pid = 42,
                .comm = "wrmsr",
                .context = CONTEXT_TASK };

        struct taint_event e = attributed(2, &c);
        ck_assert_uint_eq(e.actor.pid, 42);
        ck_assert_str_eq(e.actor.comm, "wrmsr");
        ck_assert_uint_eq(e.actor.loginuid, AUDIT_ID_UNSET);

        fake_process_run(&scratch_root, 42, "bash", "bash", 1);
        e = attributed(2, &c);
        ck_assert_str_eq(e.actor.comm, "wrmsr");
        ck_assert_str_eq(e.actor.exe, "");
        ck_assert_uint_eq(e.actor.uid, AUDIT_ID_UNSET);
        ck_assert_uint_eq(e.actor.loginuid, 1000);
}

TEST(what_was_there_before)
{
        struct cause c = { .quality = CAUSE_GOOD,
                .reason = "module-load",
                .pid = AUDIT_ID_UNSET,
                .module = "foo",
                .detail = "foo: loading out-of-tree module taints kernel." };
        struct taint_event e = { .bit = 12 };

        cause_attribute_baseline(scratch_root.root, &c, 0, true, &e);
        ck_assert_str_eq(e.reason, "present-at-start");
        ck_assert_str_eq(e.detail, "module-load: foo: loading out-of-tree module taints kernel.");
        ck_assert_str_eq(e.module, "foo");
        ck_assert_int_eq(e.attribution, ATTRIBUTION_LIKELY);

        c = (struct cause){ .reason = "unknown", .pid = AUDIT_ID_UNSET };
        cause_attribute_baseline(scratch_root.root, &c, 0, true, &e);
        ck_assert_int_eq(e.attribution, ATTRIBUTION_UNKNOWN);
        ck_assert_int_eq(strncmp(e.detail, "unexplained: ", 13), 0);
        ck_assert_ptr_null(strstr(e.detail, "does not go back"));
        cause_attribute_baseline(scratch_root.root, &c, 0, false, &e);
        ck_assert_ptr_nonnull(strstr(e.detail, "does not go back"));

        e.bit = 17;
        cause_attribute_baseline(scratch_root.root, &c, 0, true, &e);
        ck_assert_int_eq(e.attribution, ATTRIBUTION_LIKELY);
        ck_assert_int_eq(e.context, CONTEXT_BOOT);
        ck_assert_uint_eq(e.actor.pid, AUDIT_ID_UNSET);
}

TEST(details_are_cut)
{
        struct taint_event e = { 0 };

        for (unsigned i = 0; i < 100; i++)
                taint_event_add_detail(&e, "%s", "0123456789");
        ck_assert_uint_eq(strlen(e.detail), sizeof(e.detail) - 1);
}

/* ---- Who loads a module ---- */

TEST(files_of_modules)
{
        static const struct {
                const char *file, *module;
                bool same;
        } cases[] = { { "foo", "foo", true }, { "foo.ko", "foo", true }, { "/a/b/foo.ko.xz", "foo", true },
                { "./foo-bar.ko", "foo_bar", true }, { "foo_bar", "foo-bar", true },
                { "foo2.ko", "foo", false }, { "fo", "foo", false }, { "/foo/bar.ko", "foo", false },
                { "-f", "foo", false }, { "", "foo", false }, { "foo.o", "foo", false } };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                ck_assert_msg(module_file_matches(cases[i].file, cases[i].module) == cases[i].same, "%s %s",
                        cases[i].file, cases[i].module);
}

TEST(who_loads)
{
        struct process p;

        ck_assert_int_eq(cause_find_loader(scratch_root.root, "foo", UINT64_MAX, &p), -ESRCH);
        fake_process_run(&scratch_root, 10, "bash", "bash foo", 1);
        fake_process_run(&scratch_root, 11, "modprobe", "modprobe bar", 1);
        ck_assert_int_eq(cause_find_loader(scratch_root.root, "foo", UINT64_MAX, &p), 0);
        ck_assert_uint_eq(p.actor.pid, 11); /* what bar needs, for all that is known */
        fake_process_run(&scratch_root, 12, "modprobe", "modprobe baz", 1);
        ck_assert_int_eq(cause_find_loader(scratch_root.root, "foo", UINT64_MAX, &p), -ESRCH);
        fake_process_run(&scratch_root, 13, "insmod", "insmod /x/other.ko", 1);
        ck_assert_int_eq(cause_find_loader(scratch_root.root, "foo", UINT64_MAX, &p), -ESRCH);
        fake_process_run(&scratch_root, 14, "insmod", "insmod /x/foo.ko", 5);
        ck_assert_int_eq(cause_find_loader(scratch_root.root, "foo", UINT64_MAX, &p), 0);
        ck_assert_uint_eq(p.actor.pid, 14);
        ck_assert_int_eq(cause_find_loader(scratch_root.root, "foo", 4 * TICK_USEC, &p), -ESRCH);
        ck_assert_int_eq(cause_find_loader(scratch_root.root, "other", UINT64_MAX, &p), 0);
        ck_assert_uint_eq(p.actor.pid, 13);
}

TEST(a_name_alone_makes_no_loader)
{
        const struct fake_process mask = {
                .pid = 66, .comm = "modprobe", .command_line = "modprobe foo", .unprivileged = true
        };
        struct process p;

        fake_process_make(&scratch_root, &mask);
        ck_assert_int_eq(cause_find_loader(scratch_root.root, "foo", UINT64_MAX, &p), -ESRCH);
        fake_process_run(&scratch_root, 13, "insmod", "insmod /x/foo.ko", 1);
        ck_assert_int_eq(cause_find_loader(scratch_root.root, "foo", UINT64_MAX, &p), 0);
        ck_assert_uint_eq(p.actor.pid, 13);
}

Suite *test_suite(void)
{
        return suite_with("attribute", scratch_setup, scratch_teardown);
}
