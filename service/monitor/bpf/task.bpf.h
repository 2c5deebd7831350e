/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Who is running: the task's own numbers, and the path of its program. */

#include "kernel.h"
#include "report.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define EXE_STEPS_MAX 32
/* The verifier wants room for one more whole name behind the last place where one may start. */
#define EXE_START_MAX (REPORT_EXE_SIZE / 2)

/* One step up: at the root of a mount to where it is mounted. False at the top. */
static __always_inline bool step_over_mount(struct dentry **dentry, struct vfsmount **vfsmount)
{
        struct mount *mount, *parent;

        if (*dentry != BPF_CORE_READ(*vfsmount, mnt_root))
                return false;
        mount = (struct mount *)((char *)*vfsmount - bpf_core_field_offset(struct mount, mnt));
        parent = BPF_CORE_READ(mount, mnt_parent);
        if (parent == mount)
                return false;
        *dentry = BPF_CORE_READ(mount, mnt_mountpoint);
        *vfsmount = (struct vfsmount *)((char *)parent + bpf_core_field_offset(struct mount, mnt));
        return true;
}

struct exe_walk {
        struct dentry *dentry;
        struct vfsmount *vfsmount;
        struct report_task *ret;
        __u32 used;
        __u32 whole; /* the root was reached */
};

/* One name, or one mount. 1: that was the last. */
static long step_up(__u32 i, struct exe_walk *w)
{
        struct dentry *dentry = w->dentry, *parent = BPF_CORE_READ(dentry, d_parent);
        __u32 used = w->used;
        long n;

        if (step_over_mount(&w->dentry, &w->vfsmount))
                return 0;
        if (!dentry || parent == dentry) {
                w->whole = 1;
                return 1;
        }
        if (used >= EXE_START_MAX)
                return 1;
        /* A kernel that verifies the callback with its first `used` alone drops the question above. This it
         * cannot. */
        asm volatile("" : "+r"(used));
        used &= EXE_START_MAX - 1;
        n = bpf_probe_read_kernel_str(&w->ret->exe[used], EXE_START_MAX, BPF_CORE_READ(dentry, d_name.name));
        if (n <= 0)
                return 1;
        w->used = used + (__u32)n;
        w->dentry = parent;
        return 0;
}

static __noinline int read_exe(struct task_struct *task, struct report_task *ret)
{
        struct file *file = BPF_CORE_READ(task, mm, exe_file);
        struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
        struct exe_walk w = {
                .dentry = dentry,
                .vfsmount = BPF_CORE_READ(file, f_path.mnt),
                .ret = ret,
        };

        ret->exe_len = 0;
        ret->exe_flags = 0;
        if (!file)
                return 0;
        if (!BPF_CORE_READ(dentry, d_hash.pprev))
                ret->exe_flags = REPORT_EXE_DELETED;
        /* A loop of our own the verifier would walk through again and again. */
        bpf_loop(EXE_STEPS_MAX, step_up, &w, 0);
        if (!w.whole)
                ret->exe_flags |= REPORT_EXE_CUT;
        ret->exe_len = w.used;
        return 0;
}

static __always_inline void read_task(struct task_struct *task, struct report_task *ret)
{
        ret->pid = (__u32)(bpf_get_current_pid_tgid() >> 32);
        ret->uid = (__u32)bpf_get_current_uid_gid();
        /* Kernels without audit have neither. */
        ret->loginuid = ret->session = ~0U;
        if (bpf_core_field_exists(task->loginuid)) {
                ret->loginuid = BPF_CORE_READ(task, loginuid.val);
                ret->session = BPF_CORE_READ(task, sessionid);
        }
        bpf_get_current_comm(ret->comm, sizeof(ret->comm));
        read_exe(task, ret);
}
