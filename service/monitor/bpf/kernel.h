/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* The few kernel types that the programs touch, with the members they touch and no others: libbpf finds the
 * running kernel's offsets. So the programs build on a machine with another kernel, or one without BTF. */

#include <stdbool.h>

typedef unsigned char __u8;
typedef signed short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

#define BPF_MAP_TYPE_HASH 1
#define BPF_MAP_TYPE_ARRAY 2
#define BPF_MAP_TYPE_RINGBUF 27
#define BPF_F_MMAPABLE 1024
#define BPF_ANY 0

#define PF_KTHREAD 0x00200000U

/* preempt_count(), the same since 5.10 */
#define PREEMPT_SERVING_SOFTIRQ 0x00000100U
#define PREEMPT_HARDIRQ_OR_NMI 0x00ff0000U

/* In struct pcpu_hot, which not all kernels have: behind the one pointer. */
#define PCPU_HOT_PREEMPT_COUNT 8

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct hlist_bl_node {
        struct hlist_bl_node **pprev;
};

struct qstr {
        const unsigned char *name;
};

struct dentry {
        struct hlist_bl_node d_hash;
        struct dentry *d_parent;
        struct qstr d_name;
};

struct vfsmount {
        struct dentry *mnt_root;
};

struct mount {
        struct mount *mnt_parent;
        struct dentry *mnt_mountpoint;
        struct vfsmount mnt;
};

struct path {
        struct vfsmount *mnt;
        struct dentry *dentry;
};

struct file {
        struct path f_path;
};

struct kiocb {
        struct file *ki_filp;
};

struct mm_struct {
        struct file *exe_file;
};

typedef struct {
        __u32 val;
} kuid_t;

struct task_struct {
        unsigned int flags;
        struct mm_struct *mm;
        __u64 start_boottime;
        kuid_t loginuid;
        unsigned int sessionid;
};

struct module {
        char name[56];
};

struct load_info {
        const char *name;
};

struct pt_regs {
        unsigned long di;
};

#pragma clang attribute pop
