/* SPDX-License-Identifier: GPL-2.0-only */

/* Reports each taint bit once, at the instant at which it is set, by the first who sets it. Several
 * programs hang on the same function, because the kernel skips one that it is in the middle of: a soft
 * interrupt in the middle of the first is seen by the next. Whoever turns the bit in `claimed` reports; the
 * others are silent. */

#include "kernel.h"
#include "report.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* ---- Who is running: the task's own numbers, and the path of its program ---- */

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

/* ---- What a task asks of the kernel, kept from a function's begin to its end: it names the module ---- */

enum doing_kind {
        DOING_LOAD,
        DOING_UNLOAD,
        DOING_WRITE, /* of kernel.tainted */
};

/* A task that dies in the middle leaves its entry behind: the start time distinguishes it from a later
 * one at the same address. */
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

/* ---- Reports ---- */

char LICENSE[] SEC("license") = "GPL";

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, REPORT_BITS);
        __uint(map_flags, BPF_F_MMAPABLE);
        __type(key, __u32);
        __type(value, struct report_slot);
} taint_slots SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, 64 * 1024);
} ring SEC(".maps");

/* Bits that were reported or were set before: their reader fills in the latter. */
__u64 claimed = 0;
__u64 drops = 0;

/* From /proc/kallsyms: for a variable or type that is not in the kernel libbpf would look through its
 * modules, which takes CAP_SYS_ADMIN. All are 0 where kernel.kptr_restrict hides them. */
extern const void tainted_mask __ksym __weak;
extern const void __per_cpu_offset __ksym __weak;
extern const void __preempt_count __ksym __weak;
extern const void pcpu_hot __ksym __weak; /* has it from 6.2 to 6.14 */

static __always_inline bool read_mask(__u64 *ret)
{
        return &tainted_mask && bpf_probe_read_kernel(ret, sizeof(*ret), &tainted_mask) == 0;
}

static __always_inline bool read_preempt_count(__u32 *ret)
{
        __u64 cpu = bpf_get_smp_processor_id(), offset, count = 0;

        if (&__preempt_count)
                count = (__u64)&__preempt_count;
        else if (&pcpu_hot)
                count = (__u64)&pcpu_hot + PCPU_HOT_PREEMPT_COUNT;
        if (!count || !&__per_cpu_offset ||
                bpf_probe_read_kernel(&offset, sizeof(offset), (const __u64 *)&__per_cpu_offset + cpu))
                return false;
        return bpf_probe_read_kernel(ret, sizeof(*ret), (const void *)(offset + count)) == 0;
}

static __always_inline __u32 where_now(struct task_struct *task)
{
        bool thread = BPF_CORE_READ(task, flags) & PF_KTHREAD;
        __u32 count;

        if (!read_preempt_count(&count))
                return thread ? REPORT_PERHAPS_KERNEL_THREAD : REPORT_PERHAPS_TASK;
        if (count & PREEMPT_HARDIRQ_OR_NMI)
                return REPORT_IN_INTERRUPT;
        if (count & PREEMPT_SERVING_SOFTIRQ)
                return REPORT_IN_SOFT_INTERRUPT;
        return thread ? REPORT_IN_KERNEL_THREAD : REPORT_IN_TASK;
}

/* As text at once: a module's symbols may be gone when the report is read. */
static __always_inline void read_stack(void *ctx, struct report_slot *slot)
{
        static const char format[] = "%pS\n%pS\n%pS\n%pS\n%pS\n%pS\n%pS\n%pS\n%pS\n%pS\n%pS\n%pS\n";
        const __u32 size = REPORT_FRAMES_A_TEXT * sizeof(slot->frames[0]);
        long n = bpf_get_stack(ctx, slot->frames, sizeof(slot->frames), 0);

        if (n <= 0)
                return;
        slot->frames_n = (__u32)n / sizeof(slot->frames[0]);
        bpf_snprintf(slot->text[0], REPORT_TEXT_SIZE, format, slot->frames, size);
        if (slot->frames_n > REPORT_FRAMES_A_TEXT)
                bpf_snprintf(
                        slot->text[1], REPORT_TEXT_SIZE, format, slot->frames + REPORT_FRAMES_A_TEXT, size);
}

static __noinline int fill_slot(
        void *ctx, struct report_slot *slot, struct task_struct *task, __u64 old_mask)
{
        /* A pinned slot may hold what was there before a root-kit cleared the bit. */
        slot->tie = 0;
        slot->module[0] = '\0';
        slot->frames_n = 0;
        slot->boot_nsec = bpf_ktime_get_boot_ns();
        slot->old_mask = old_mask;
        slot->cpu = bpf_get_smp_processor_id();
        read_task(task, &slot->task);
        if (slot->where == REPORT_IN_TASK || slot->where == REPORT_PERHAPS_TASK)
                read_doing(task, slot);
        read_stack(ctx, slot);
        return 0;
}

/* `before`: the mask without the bit, if it is known. */
static __noinline int report_bit(void *ctx, __u32 bit, __u64 before, bool known)
{
        struct task_struct *task = (struct task_struct *)bpf_get_current_task();
        struct report_wake wake = { .kind = REPORT_SLOT, .bit = bit };
        __u64 had, flag = 1ULL << (bit & 63);
        struct report_slot *slot;

        had = __sync_fetch_and_or(&claimed, flag);
        slot = bpf_map_lookup_elem(&taint_slots, &bit);
        if (!slot)
                return 0;
        if (had & flag) {
                /* Too late by an instant, unless it is the other program's report of the same thing. */
                if (known && (slot->task_key != (__u64)task || slot->where != where_now(task)))
                        slot->tie = 1;
                return 0;
        }
        slot->task_key = (__u64)task;
        slot->where = where_now(task);
        slot->state = REPORT_WRITING;
        /* The reader wakes meanwhile, which takes longer; where it comes too early, the second wakes it. */
        bpf_ringbuf_output(&ring, &wake, sizeof(wake), 0);
        fill_slot(ctx, slot, task, known ? before : had);
        __sync_lock_test_and_set(&slot->state, REPORT_READY);
        if (bpf_ringbuf_output(&ring, &wake, sizeof(wake), 0))
                __sync_fetch_and_add(&drops, 1);
        return 0;
}

static __always_inline int add_taint(void *ctx, __u32 bit)
{
        __u64 before = 0;
        bool known = read_mask(&before);

        if (bit >= REPORT_BITS || before & (1ULL << bit))
                return 0;
        return report_bit(ctx, bit, before, known);
}

SEC("fentry/add_taint")
int BPF_PROG(fentry_add_taint, __u32 bit)
{
        return add_taint(ctx, bit);
}

SEC("fentry/add_taint")
int BPF_PROG(fentry_add_taint_again, __u32 bit)
{
        return add_taint(ctx, bit);
}

SEC("kprobe/add_taint")
int kprobe_add_taint(struct pt_regs *ctx)
{
        return add_taint(ctx, (__u32)ctx->di);
}

/* Newer kernels have add_taint inlined in here. With the others every bit has been reported by its end. */
SEC("fentry/proc_taint")
int BPF_PROG(fentry_proc_taint, const void *table, int write)
{
        __u64 mask;

        if (write && read_mask(&mask))
                begin_doing(DOING_WRITE, 0, mask);
        return 0;
}

struct written {
        void *ctx;
        __u64 before, bits;
};

static long report_written(__u32 bit, struct written *w)
{
        if (bit < REPORT_BITS && w->bits & (1ULL << bit))
                report_bit(w->ctx, bit, w->before, true);
        return 0;
}

SEC("fexit/proc_taint")
int BPF_PROG(fexit_proc_taint, const void *table, int write)
{
        struct doing *d = find_doing((struct task_struct *)bpf_get_current_task());
        struct written w = { .ctx = ctx };
        __u64 mask;

        if (!write || !d || !read_mask(&mask))
                return 0;
        w.before = d->mask;
        w.bits = mask & ~d->mask & ~claimed;
        if (w.bits)
                bpf_loop(REPORT_BITS, report_written, &w, 0);
        end_doing();
        return 0;
}

SEC("fentry/load_module")
int BPF_PROG(fentry_load_module, const struct load_info *info)
{
        begin_doing(DOING_LOAD, info, 0);
        return 0;
}

/* From here on the name that load_info points to is gone; the module's own stays. */
SEC("tp_btf/module_load")
int BPF_PROG(tp_module_load, const struct module *module)
{
        struct doing *d = find_doing((struct task_struct *)bpf_get_current_task());

        if (d)
                bpf_probe_read_kernel_str(d->module, sizeof(d->module), module->name);
        return 0;
}

SEC("fexit/load_module")
int BPF_PROG(fexit_load_module)
{
        end_doing();
        return 0;
}

SEC("fentry/__x64_sys_delete_module")
int BPF_PROG(fentry_delete_module, const struct pt_regs *regs)
{
        begin_doing(DOING_UNLOAD, (const void *)regs->di, 0);
        return 0;
}

SEC("fexit/__x64_sys_delete_module")
int BPF_PROG(fexit_delete_module)
{
        end_doing();
        return 0;
}

/* Compared by words: each byte would be a branch, and the verifier walks through what follows for each. */
union folder_name {
        char text[8];
        __u64 word;
};

union sysctl_name {
        char text[REPORT_SYSCTL_SIZE];
        __u64 words[REPORT_SYSCTL_SIZE / 8];
};

static __always_inline bool same(const union sysctl_name *a, const union sysctl_name *b)
{
        __u64 difference = 0;

        for (int i = 0; i < REPORT_SYSCTL_SIZE / 8; i++)
                difference |= a->words[i] ^ b->words[i];
        return difference == 0;
}

/* Through whichever mount of procfs. */
SEC("fexit/proc_sys_call_handler")
int BPF_PROG(fexit_sysctl, struct kiocb *iocb, const void *iter, int write, long result)
{
        struct dentry *dentry = iocb->ki_filp->f_path.dentry;
        static const union folder_name kernel = { "kernel" };
        static const union sysctl_name tainted = { "tainted" }, control = { "audit_taint_events" };
        union folder_name folder = {};
        union sysctl_name name = {};
        struct report_sysctl *report;

        if (!write)
                return 0;
        bpf_probe_read_kernel_str(folder.text, sizeof(folder), BPF_CORE_READ(dentry, d_parent, d_name.name));
        bpf_probe_read_kernel_str(name.text, sizeof(name), BPF_CORE_READ(dentry, d_name.name));
        if (folder.word != kernel.word || (!same(&name, &tainted) && !same(&name, &control)))
                return 0;
        report = bpf_ringbuf_reserve(&ring, sizeof(*report), 0);
        if (!report) {
                __sync_fetch_and_add(&drops, 1);
                return 0;
        }
        report->kind = REPORT_SYSCTL;
        report->result = (__s32)result;
        report->boot_nsec = bpf_ktime_get_boot_ns();
        __builtin_memcpy(report->name, &name, sizeof(name));
        read_task((struct task_struct *)bpf_get_current_task(), &report->task);
        bpf_ringbuf_submit(report, 0);
        return 0;
}
