/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of the kernel's reports, those that nobody sane wrote among them. */
#include <string.h>

#include "../../../service/monitor/bpf/report-event.h"
#include "alloc-faults.h"
#include "suite.h"

#define OFFSET INT64_C(1700000000000000)

static struct report_slot slot;
static struct taint_event event;

/* `names`: the path's last one first, a `/` between. */
static void set_exe(const char *names)
{
        char *exe = slot.task.exe;

        slot.task.exe_len = (__u32)strlen(names) + 1;
        memcpy(exe, names, slot.task.exe_len);
        for (size_t i = 0; i < slot.task.exe_len; i++)
                if (exe[i] == '/')
                        exe[i] = '\0';
}

static void setup(void)
{
        slot = (struct report_slot){
                .state = REPORT_READY,
                .where = REPORT_IN_TASK,
                .cpu = 1,
                .boot_nsec = 5000123456,
                .old_mask = 2,
                .task = { .pid = 7, .uid = 1, .loginuid = 1000, .session = 3, .comm = "insmod" },
                .module = "floppy",
                .frames_n = 2,
                .text = { "add_taint+0x5/0x50\nload_module+0x1/0x2\n0x0\n0x0\n", "0x0\n" },
        };
        set_exe("insmod/sbin/usr");
        event = (struct taint_event){ 0 };
}

static void teardown(void)
{
        free(event.stack);
}

TEST(a_module_is_loaded)
{
        ck_assert_int_eq(report_to_event(&slot, 12, OFFSET, &event), 0);
        ck_assert_uint_eq(event.bit, 12);
        ck_assert(!event.cleared);
        ck_assert_uint_eq(event.old_mask, 2);
        ck_assert_uint_eq(event.new_mask, 0x1002);
        ck_assert_uint_eq(event.time_usec, 1700000005000123);
        ck_assert_uint_eq(event.seqno, 0);
        ck_assert_str_eq(event.reason, "module-load");
        ck_assert_str_eq(event.module, "floppy");
        ck_assert_int_eq(event.attribution, ATTRIBUTION_EXACT);
        ck_assert_int_eq(event.context, CONTEXT_TASK);
        ck_assert_uint_eq(event.actor.pid, 7);
        ck_assert_uint_eq(event.actor.uid, 1);
        ck_assert_uint_eq(event.actor.loginuid, 1000);
        ck_assert_uint_eq(event.actor.session, 3);
        ck_assert_str_eq(event.actor.comm, "insmod");
        ck_assert_str_eq(event.actor.exe, "/usr/sbin/insmod");
        ck_assert_str_eq(event.actor.context, "");
        ck_assert_str_eq(event.detail, "Set from load_module+0x1/0x2 on CPU 1.");
        ck_assert_str_eq(event.stack, "add_taint+0x5/0x50\nload_module+0x1/0x2\n");
        ck_assert_ptr_null(event.properties);
}

TEST(bit_63)
{
        ck_assert_int_eq(report_to_event(&slot, 63, OFFSET, &event), 0);
        ck_assert_uint_eq(event.new_mask, UINT64_C(0x8000000000000002));
}

/* Who only happened to run is reported in words and is no actor, nor is what he was loading the module. */
TEST_EACH(bystanders, 7)
{
        static const struct {
                __u32 where;
                const char *stack;
                enum taint_context context;
                const char *words;
        } cases[] = {
                { REPORT_IN_KERNEL_THREAD, "f+0x1/0x2\n", CONTEXT_KERNEL_THREAD,
                        "in the kernel thread insmod (7)" },
                { REPORT_IN_SOFT_INTERRUPT, "f+0x1/0x2\n", CONTEXT_SOFT_INTERRUPT,
                        "in a soft interrupt that came in while insmod (7) was running" },
                { REPORT_IN_INTERRUPT, "f+0x1/0x2\n", CONTEXT_INTERRUPT,
                        "in an interrupt that came in while insmod (7) was running" },
                { REPORT_PERHAPS_KERNEL_THREAD, "f+0x1/0x2\n", CONTEXT_KERNEL_THREAD,
                        "in the kernel thread" },
                { REPORT_PERHAPS_TASK, "handle_softirqs+0x1/0x2\n", CONTEXT_SOFT_INTERRUPT,
                        "in a soft interrupt" },
                { REPORT_PERHAPS_KERNEL_THREAD, "common_interrupt+0x1/0x2\n", CONTEXT_INTERRUPT,
                        "in an interrupt" },
                { 77, "f+0x1/0x2\n", CONTEXT_UNKNOWN, "Set from f+0x1/0x2 on CPU 1." },
        };

        slot.where = cases[_i].where;
        slot.frames_n = 1;
        memset(slot.text, 0, sizeof(slot.text));
        memcpy(slot.text[0], cases[_i].stack, strlen(cases[_i].stack));
        ck_assert_int_eq(report_to_event(&slot, 12, OFFSET, &event), 0);
        ck_assert_int_eq(event.context, cases[_i].context);
        ck_assert_ptr_nonnull(strstr(event.detail, cases[_i].words));
        ck_assert_uint_eq(event.actor.pid, AUDIT_ID_UNSET);
        ck_assert_uint_eq(event.actor.loginuid, AUDIT_ID_UNSET);
        ck_assert_str_eq(actor_state(&event.actor), event.context == CONTEXT_UNKNOWN ? "unknown" : "none");
        ck_assert_str_eq(event.actor.comm, "");
        ck_assert_str_eq(event.module, "");
}

TEST(a_victim_is_no_actor)
{
        slot.frames_n = 1;
        strcpy(slot.text[0], "bad_page+0x1/0x2\n");
        ck_assert_int_eq(report_to_event(&slot, 5, OFFSET, &event), 0);
        ck_assert_int_eq(event.context, CONTEXT_TASK);
        ck_assert_uint_eq(event.actor.pid, AUDIT_ID_UNSET);
        ck_assert_ptr_nonnull(strstr(event.detail, "while insmod (7) was running"));
        ck_assert_str_eq(actor_state(&event.actor), "none");
}

TEST(a_task_whose_context_is_guessed)
{
        slot.where = REPORT_PERHAPS_TASK;
        ck_assert_int_eq(report_to_event(&slot, 12, OFFSET, &event), 0);
        ck_assert_int_eq(event.context, CONTEXT_TASK);
        ck_assert_uint_eq(event.actor.loginuid, 1000);
}

TEST(no_stack)
{
        slot.where = REPORT_PERHAPS_TASK;
        slot.frames_n = 0;
        ck_assert_int_eq(report_to_event(&slot, 12, OFFSET, &event), 0);
        ck_assert_int_eq(event.context, CONTEXT_UNKNOWN);
        ck_assert_str_eq(event.reason, "unknown");
        ck_assert_ptr_null(event.stack);
        ck_assert_str_eq(event.detail, "Set from an unknown place on CPU 1.");
}

TEST(a_tie)
{
        slot.tie = 1;
        ck_assert_int_eq(report_to_event(&slot, 12, OFFSET, &event), 0);
        ck_assert_ptr_nonnull(strstr(event.detail, "; another set it at the same instant."));
        ck_assert(event.tie);
        free(STEAL_PTR(event.stack));
        slot.tie = 0;
        ck_assert_int_eq(report_to_event(&slot, 12, OFFSET, &event), 0);
        ck_assert_ptr_null(strstr(event.detail, "instant"));
        ck_assert(!event.tie);
}

/* More frames than one text holds, and those who watch left out. */
TEST(a_long_stack)
{
        slot.frames_n = 14;
        strcpy(slot.text[0], "add_taint+0x5/0x50\nbpf_trampoline_1+0x1/0x2\na\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
        strcpy(slot.text[1], "k\nl\n0x0\n");
        ck_assert_int_eq(report_to_event(&slot, 12, OFFSET, &event), 0);
        ck_assert_str_eq(event.stack, "add_taint+0x5/0x50\na\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n");
}

TEST_EACH(paths, 4)
{
        static const struct {
                const char *names;
                __u32 flags;
                const char *path;
        } cases[] = {
                { "init", 0, "/init" },
                { "sh/bin", REPORT_EXE_DELETED, "/bin/sh (deleted)" },
                { "sh/bin", REPORT_EXE_CUT, ".../bin/sh" },
                { "sh/bin", REPORT_EXE_CUT | REPORT_EXE_DELETED, ".../bin/sh (deleted)" },
        };

        set_exe(cases[_i].names);
        slot.task.exe_flags = cases[_i].flags;
        ck_assert_int_eq(report_to_event(&slot, 12, OFFSET, &event), 0);
        ck_assert_str_eq(event.actor.exe, cases[_i].path);
}

TEST(a_path_that_is_too_long)
{
        char names[REPORT_EXE_SIZE];

        memset(names, 'a', 400);
        names[200] = '/';
        names[400] = '\0';
        set_exe(names);
        slot.task.exe_flags = REPORT_EXE_DELETED;
        ck_assert_int_eq(report_to_event(&slot, 12, OFFSET, &event), 0);
        ck_assert_uint_eq(strlen(event.actor.exe), strlen("...") + 1 + 200 + strlen(" (deleted)"));
        ck_assert_int_eq(strncmp(event.actor.exe, ".../aaa", 7), 0);
}

TEST(a_task_without_program)
{
        slot.task.exe_len = 0;
        slot.task.exe_flags = REPORT_EXE_CUT | REPORT_EXE_DELETED;
        ck_assert_int_eq(report_to_event(&slot, 12, OFFSET, &event), 0);
        ck_assert_str_eq(event.actor.exe, "");
}

/* Nothing is read past its end (run with the sanitizers). */
TEST_EACH(noise, 256)
{
        struct report_slot *copy = malloc(sizeof(*copy));

        memset(&slot, _i, sizeof(slot));
        *copy = slot;
        ck_assert_int_eq(report_to_event(copy, 12, OFFSET, &event), 0);
        ck_assert_uint_lt(strlen(event.detail), sizeof(event.detail));
        free(copy);
}

TEST(a_sysctl_is_written)
{
        const struct report_sysctl report = { .kind = REPORT_SYSCTL,
                .result = -22,
                .boot_nsec = 1000,
                .name = "audit_taint_events",
                .task = slot.task };
        struct sysctl_write w;

        report_to_sysctl_write(&report, OFFSET, &w);
        ck_assert_str_eq(w.name, "kernel.audit_taint_events");
        ck_assert_int_eq(w.result, -22);
        ck_assert_uint_eq(w.time_usec, (uint64_t)OFFSET + 1);
        ck_assert_uint_eq(w.actor.loginuid, 1000);
        ck_assert_str_eq(w.actor.exe, "/usr/sbin/insmod");
}

TEST(no_memory)
{
        bool failed = true;

        for (unsigned n = 1; failed; n++) {
                alloc_fail_at(n);
                failed = alloc_fails(report_to_event(&slot, 12, OFFSET, &event), n, 1);
                ck_assert(!failed || !event.stack);
                ck_assert_uint_lt(n, 100);
        }
}

Suite *test_suite(void)
{
        return suite_with("bpf-report", setup, teardown);
}
