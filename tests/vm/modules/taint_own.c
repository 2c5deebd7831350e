// SPDX-License-Identifier: GPL-2.0-only
/* Its licence is what taints. */
#include <linux/module.h>

static int __init taint_own_init(void)
{
        return 0;
}

static void __exit taint_own_exit(void)
{
}

module_init(taint_own_init);
module_exit(taint_own_exit);
MODULE_LICENSE("Proprietary");
