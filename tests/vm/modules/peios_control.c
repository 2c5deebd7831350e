// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's half of the policy, as a reference for the tests: kernel.audit_taint_events, from 0 to 3.
 * While it is not 0 the kernel writes a record of each taint bit itself, once a boot. Loading it taints the
 * kernel. */
#include <linux/audit.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/panic.h>
#include <linux/sysctl.h>
#include <linux/version.h>

static int policy = 3;
static int least = 0, most = 3;
static DECLARE_BITMAP(reported, 64);
static struct ctl_table_header *header;

static struct ctl_table table[] = { {
                                            .procname = "audit_taint_events",
                                            .data = &policy,
                                            .maxlen = sizeof(policy),
                                            .mode = 0644,
                                            .proc_handler = proc_dointvec_minmax,
                                            .extra1 = &least,
                                            .extra2 = &most,
                                    },
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
        {}
#endif
};

static unsigned long long mask_now(void)
{
        unsigned long long mask = 0;

        for (unsigned int i = 0; i < 64; i++)
                if (test_taint(i))
                        mask |= 1ULL << i;
        return mask;
}

static int on_add_taint(struct kprobe *p, struct pt_regs *regs)
{
        unsigned int bit = regs->di;
        unsigned long long before;

        /* Whoever loads it again must not hear of the old ones. */
        if (bit >= 64 || test_taint(bit) || test_and_set_bit(bit, reported) || !READ_ONCE(policy))
                return 0;
        before = mask_now();
        audit_log(NULL, GFP_ATOMIC, AUDIT_KERNEL_OTHER,
                "op=tainted-kernel bit=%u old=0x%llx new=0x%llx res=1", bit, before, before | 1ULL << bit);
        return 0;
}

static struct kprobe probe = { .symbol_name = "add_taint", .pre_handler = on_add_taint };

static int __init peios_control_init(void)
{
        int r = register_kprobe(&probe);

        if (r < 0)
                return r;
        header = register_sysctl("kernel", table);
        if (header)
                return 0;
        unregister_kprobe(&probe);
        return -ENOMEM;
}

static void __exit peios_control_exit(void)
{
        unregister_sysctl_table(header);
        unregister_kprobe(&probe);
}

module_init(peios_control_init);
module_exit(peios_control_exit);
MODULE_LICENSE("GPL");
