/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HALVES _LINUX_CAPABILITY_U32S_3

/* The C library has neither call. */
int privileges_keep(uint64_t capabilities)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[HALVES];
        uint32_t too_many = 0;

        if (syscall(SYS_capget, &header, data) < 0)
                return -errno;
        for (unsigned i = 0; i < HALVES; i++) {
                uint32_t kept = (uint32_t)(capabilities >> (32 * i));
                too_many |= (data[i].effective | data[i].permitted | data[i].inheritable) & ~kept;
                data[i].effective &= kept;
                data[i].permitted &= kept;
                data[i].inheritable &= kept;
        }
        if (!too_many)
                return 0;
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int privileges_drop(uint64_t capabilities)
{
        return privileges_keep(~capabilities);
}
