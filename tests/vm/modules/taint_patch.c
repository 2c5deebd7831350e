// SPDX-License-Identifier: GPL-2.0-only
/* Says that it is a live patch, and patches nothing. */
#include <linux/module.h>

static int __init taint_patch_init(void)
{
        return 0;
}

static void __exit taint_patch_exit(void)
{
}

module_init(taint_patch_init);
module_exit(taint_patch_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
