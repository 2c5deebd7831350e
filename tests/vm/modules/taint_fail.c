// SPDX-License-Identifier: GPL-2.0-only
/* Taints by what it says of itself, and then does not load: its bits stay and it leaves no trace. */
#include <linux/module.h>

static int __init taint_fail_init(void)
{
        return -ENODEV;
}
module_init(taint_fail_init);
MODULE_LICENSE("Proprietary");
MODULE_INFO(staging, "Y");
MODULE_INFO(test, "Y");
