/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "file.h"

#define BOOT_ID_LEN (BOOT_ID_MAX - 1)

uint64_t clock_of(clockid_t clock)
{
        struct timespec t = { 0 };

        (void)clock_gettime(clock, &t);
        return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int clock_boot_id(const char *root, char ret[static BOOT_ID_MAX])
{
        _cleanup_free_ char *path = file_path(root, "/proc/sys/kernel/random/boot_id");
        _cleanup_buf_ struct buf text = BUF_INIT;

        ret[0] = '\0';
        if (!path)
                return -ENOMEM;
        int r = file_read(AT_FDCWD, path, 4096, &text, NULL, NULL);
        if (r < 0)
                return r;
        if (text.len != BOOT_ID_LEN + 1 || text.data[BOOT_ID_LEN] != '\n' ||
                strspn(text.data, "0123456789abcdef-") != BOOT_ID_LEN)
                return -EBADMSG;
        *(char *)mempcpy(ret, text.data, BOOT_ID_LEN) = '\0';
        return 0;
}
