/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The floor of a boot-time apply: the lines `path=value` of a file, each written to its path. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
        char line[4096];
        FILE *f = argc == 2 ? fopen(argv[1], "re") : NULL;
        if (!f)
                return 1;
        while (fgets(line, sizeof(line), f)) {
                char *value = strchr(line, '=');
                if (!value)
                        return 1;
                *value++ = '\0';
                int fd = open(line, O_WRONLY | O_CLOEXEC);
                if (fd < 0 || write(fd, value, strlen(value)) < 0)
                        return 1;
                (void)close(fd);
        }
        return fclose(f) == 0 ? 0 : 1;
}
