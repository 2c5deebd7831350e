/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files below a world's root. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/buf.h"
#include "../../schema/base/file.h"
#include "harness.h"

#define SLOTS 4u

const char *world_path(const char *path)
{
        static char slots[SLOTS][4096];
        static unsigned next;
        char *at = slots[next++ % SLOTS];

        ck_assert_int_lt(snprintf(at, sizeof(slots[0]), "%s%s", world.root, path), (int)sizeof(slots[0]));
        return at;
}

void world_write(const char *path, const char *text)
{
        const char *full = world_path(path);
        _cleanup_free_ char *dir = strdup(full);

        *strrchr(dir, '/') = '\0';
        ck_assert_int_eq(file_make_dirs(dir), 0);
        _cleanup_close_ int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ck_assert_msg(fd >= 0, "%s: %m", full);
        ck_assert_int_eq(file_write_all(fd, text, strlen(text)), 0);
}

void world_poke(const char *path, const char *text)
{
        _cleanup_close_ int fd = open(world_path(path), O_WRONLY | O_CLOEXEC);
        ck_assert_msg(fd >= 0, "%s: %m", path);
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

void world_replace(const char *path, const char *text)
{
        world_write("/../new", text);
        _cleanup_free_ char *dir = strdup(world_path(path));
        *strrchr(dir, '/') = '\0';
        ck_assert_int_eq(file_make_dirs(dir), 0);
        world_rename("/../new", path);
}

void world_rename(const char *from, const char *to)
{
        const char *source = world_path(from), *target = world_path(to);

        ck_assert_msg(rename(source, target) == 0, "%s: %m", source);
}

const char *world_read(const char *path)
{
        static char slots[SLOTS][4096];
        static unsigned next;
        char *at = slots[next++ % SLOTS];
        _cleanup_buf_ struct buf text = BUF_INIT;

        at[0] = '\0';
        if (file_read(AT_FDCWD, world_path(path), sizeof(slots[0]) - 1, &text, NULL, NULL) < 0)
                return at;
        (void)strcpy(at, buf_str(&text));
        at[strcspn(at, "\n")] = '\0';
        return at;
}

bool world_has(const char *path)
{
        return access(world_path(path), F_OK) == 0;
}

bool control_is(const char *text)
{
        return strcmp(world_read(CONTROL_FILE), text) == 0;
}
