/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the programs in the kernel and their reader share: compiled for both. The types are those of
 * <linux/types.h>, which kernel.h brings along for the programs. All memory is zeroed before its first use.
 */

#define REPORT_BITS 64
#define REPORT_FRAMES 24
#define REPORT_FRAMES_A_TEXT 12 /* bpf_snprintf takes no more arguments */
#define REPORT_TEXTS 2
#define REPORT_TEXT_SIZE 768
#define REPORT_EXE_SIZE 512
#define REPORT_MODULE_SIZE 64
#define REPORT_SYSCTL_SIZE 32

enum report_where {
        REPORT_PERHAPS_TASK, /* or it was interrupted: the programs could not see which */
        REPORT_PERHAPS_KERNEL_THREAD,
        REPORT_IN_TASK,
        REPORT_IN_KERNEL_THREAD,
        REPORT_IN_SOFT_INTERRUPT,
        REPORT_IN_INTERRUPT,
};

#define REPORT_EXE_DELETED 1U
#define REPORT_EXE_CUT 2U

struct report_task {
        __u32 pid, uid, loginuid, session;
        char comm[16];
        __u32 exe_flags;
        __u32 exe_len;             /* of the names below with their NULs */
        char exe[REPORT_EXE_SIZE]; /* the path's names, each with its NUL, the last one first */
};

/* A slot goes from empty through writing to ready in the kernel; its reader marks it as reported. */
enum report_state {
        REPORT_EMPTY,
        REPORT_WRITING,
        REPORT_READY,
        REPORT_DONE,
};

struct report_slot {
        __u32 state;
        __u32 where, cpu;
        __u32 tie;       /* another set the same bit at the same instant */
        __u64 boot_nsec; /* CLOCK_BOOTTIME */
        __u64 old_mask;
        __u64 task_key;
        struct report_task task;
        char module[REPORT_MODULE_SIZE]; /* that is being loaded or unloaded */
        __u32 frames_n;
        __u64 frames[REPORT_FRAMES];
        char text[REPORT_TEXTS][REPORT_TEXT_SIZE]; /* one frame a line, the innermost first */
};

/* What goes through the ring. A slot only needs its reader woken. */
enum report_kind {
        REPORT_SLOT,
        REPORT_SYSCTL,
};

struct report_wake {
        __u32 kind, bit;
};

struct report_sysctl {
        __u32 kind;
        __s32 result;
        __u64 boot_nsec;
        char name[REPORT_SYSCTL_SIZE]; /* below kernel. */
        struct report_task task;
};
