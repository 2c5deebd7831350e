/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What a task is asking of the kernel, kept from the begin of a function to its end: it names the module. */

#include "kernel.h"
#include "report.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

enum doing_kind {
        DOING_LOAD,
        DOING_UNLOAD,
        DOING_WRITE, /* of kernel.tainted */
};

/* A task that dies in the middle leaves its entry behind: the start time tells it from a later one at the
 * same address. */
struct doing {
        __u64 started;
        __u64 kind;         /* no gap behind it: the verifier wants every byte set */
        const void *object; /* load_info or the module's name in user space */
        __u64 mask;
        char module[REPORT_MODULE_SIZE];
};

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, 256);
        __type(key, __u64);
        __type(value, struct doing);
} doings SEC(".maps");

static __always_inline struct doing *find_doing(struct task_struct *task)
{
        __u64 key = (__u64)task;
        struct doing *d = bpf_map_lookup_elem(&doings, &key);

        return d && d->started == BPF_CORE_READ(task, start_boottime) ? d : 0;
}

static __always_inline void begin_doing(__u32 kind, const void *object, __u64 mask)
{
        struct task_struct *task = (struct task_struct *)bpf_get_current_task();
        __u64 key = (__u64)task;
        struct doing d = {
                .started = BPF_CORE_READ(task, start_boottime),
                .kind = kind,
                .object = object,
                .mask = mask,
        };

        bpf_map_update_elem(&doings, &key, &d, BPF_ANY);
}

static __always_inline void end_doing(void)
{
        __u64 key = bpf_get_current_task();

        bpf_map_delete_elem(&doings, &key);
}

static __always_inline void read_doing(struct task_struct *task, struct report_slot *slot)
{
        struct doing *d = find_doing(task);
        const void *object;

        if (!d)
                return;
        object = d->object;
        if (d->module[0])
                __builtin_memcpy(slot->module, d->module, sizeof(slot->module));
        else if (d->kind == DOING_LOAD) {
                bpf_probe_read_kernel_str(slot->module, sizeof(slot->module),
                        BPF_CORE_READ((const struct load_info *)object, name));
        } else if (d->kind == DOING_UNLOAD)
                /* The kernel has read it just now, so it is in memory. */
                bpf_probe_read_user_str(slot->module, sizeof(slot->module), object);
}
