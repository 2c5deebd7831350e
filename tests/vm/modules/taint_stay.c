// SPDX-License-Identifier: GPL-2.0-only
/* No module_exit: it only goes by force. */
#include <linux/module.h>

static int __init taint_stay_init(void)
{
        return 0;
}
module_init(taint_stay_init);
MODULE_LICENSE("GPL");
