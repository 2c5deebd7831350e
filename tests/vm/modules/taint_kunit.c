// SPDX-License-Identifier: GPL-2.0-only
/* As a test module of the kernel's. */
#include <linux/module.h>

static int __init taint_kunit_init(void)
{
        return 0;
}

static void __exit taint_kunit_exit(void)
{
}

module_init(taint_kunit_init);
module_exit(taint_kunit_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
