// SPDX-License-Identifier: GPL-2.0-only
/* As from drivers/staging. */
#include <linux/module.h>

static int __init taint_staging_init(void)
{
        return 0;
}

static void __exit taint_staging_exit(void)
{
}

module_init(taint_staging_init);
module_exit(taint_staging_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(staging, "Y");
