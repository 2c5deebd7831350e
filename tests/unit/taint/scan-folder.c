/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan-folder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../schema/base/file.h"
#include "scratch.h"
#include "suite.h"

const struct taint_kernel scan_anything;

void scan_folder_make(void)
{
        scratch_setup();
        ck_assert_int_eq(chdir(scratch_root.root), 0);
}

void put(const char *name, const void *data, size_t n)
{
        _cleanup_close_ int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(file_write_all(fd, data, n), 0);
}

void put_text(const char *name, const char *text)
{
        put(name, text, strlen(text));
}

void scan_of(struct scan *s, const char *path)
{
        char *const paths[] = { (char *)(uintptr_t)path, NULL };

        ck_assert_int_eq(scan_init(s, &scan_anything), 0);
        ck_assert_int_eq(scan_paths(s, paths), 0);
}

const struct scan_name *scan_find(const struct scan_name **list, const char *name)
{
        for (; *list; list++)
                if (strcmp((*list)->name, name) == 0)
                        return *list;
        return NULL;
}
