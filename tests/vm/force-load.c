/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* insmod -f, which busybox does not have: without modversions and vermagic. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <linux/module.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
        int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

        if (fd < 0 || syscall(SYS_finit_module, fd, "",
                              MODULE_INIT_IGNORE_MODVERSIONS | MODULE_INIT_IGNORE_VERMAGIC) < 0) {
                fprintf(stderr, "force-load: %s\n", strerror(errno));
                return 1;
        }
        return 0;
}
