/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CORRUPT_MAX 10000u

static const struct {
        const char *prefix, *suffix;
} parts[] = {
        [FILE_JOURNAL] = { "journal-", "" },
        [FILE_SNAPSHOT] = { "snapshot-", ".yaml" },
};

void file_name(enum file_kind kind, uint64_t generation, char ret[static FILE_NAME_SIZE])
{
        (void)snprintf(ret, FILE_NAME_SIZE, "%s%016" PRIx64 "%s", parts[kind].prefix, generation,
                parts[kind].suffix);
}

void file_temporary_name(enum file_kind kind, uint64_t generation, char ret[static FILE_NAME_SIZE])
{
        (void)snprintf(ret, FILE_NAME_SIZE, ".%s%016" PRIx64 ".tmp", parts[kind].prefix, generation);
}

/* Exactly what file_name() makes: anything else is not ours. */
static bool parse_name(const char *name, struct file_id *ret)
{
        for (size_t kind = 0; kind < ARRAY_SIZE(parts); kind++) {
                char again[FILE_NAME_SIZE];
                size_t n = strlen(parts[kind].prefix);
                if (strncmp(name, parts[kind].prefix, n) != 0)
                        continue;
                uint64_t generation = strtoull(name + n, NULL, 16);
                file_name((enum file_kind)kind, generation, again);
                if (strcmp(name, again) != 0 || generation == 0 || generation > GENERATION_MAX)
                        continue;
                *ret = (struct file_id){ .kind = (enum file_kind)kind, .generation = generation };
                return true;
        }
        return false;
}

static bool is_temporary(const char *name)
{
        size_t n = strlen(name);
        return (strncmp(name, ".journal-", 9) == 0 || strncmp(name, ".snapshot-", 10) == 0) && n > 4 &&
               strcmp(name + n - 4, ".tmp") == 0;
}

void file_list_done(struct file_list *l)
{
        free(l->list);
        *l = (struct file_list){ 0 };
}

static int add(struct file_list *l, const struct file_id *id)
{
        struct file_id *list = reallocarray(l->list, l->n + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        l->list = list;
        l->list[l->n++] = *id;
        return 0;
}

static int by_generation(const void *a, const void *b)
{
        uint64_t x = ((const struct file_id *)a)->generation, y = ((const struct file_id *)b)->generation;
        return x < y ? -1 : x > y;
}

static int read_entries(DIR *d, int dir_fd, bool clean, struct file_list *l)
{
        for (;;) {
                struct file_id id;
                errno = 0;
                const struct dirent *e = readdir(d);
                if (!e)
                        return -errno;
                if (clean && is_temporary(e->d_name))
                        (void)unlinkat(dir_fd, e->d_name, 0);
                if (!parse_name(e->d_name, &id))
                        continue;
                int r = add(l, &id);
                if (r < 0)
                        return r;
        }
}

int file_list_read(int dir_fd, bool clean, struct file_list *ret)
{
        struct file_list l = { 0 };
        /* A descriptor of its own: a duplicate would share its position with other listings. */
        int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        DIR *d = fdopendir(fd);
        if (!d) {
                int r = -errno;
                (void)close(fd);
                return r;
        }
        int r = read_entries(d, dir_fd, clean, &l);
        (void)closedir(d);
        if (r < 0) {
                file_list_done(&l);
                return r;
        }
        if (l.n > 0)
                qsort(l.list, l.n, sizeof(*l.list), by_generation);
        *ret = l;
        return 0;
}

int file_rename(int dir_fd, const char *from, const char *to)
{
        if (renameat2(dir_fd, from, dir_fd, to, RENAME_NOREPLACE) == 0)
                return 0;
        if (errno != EINVAL && errno != ENOSYS)
                return -errno;
        /* A file system without RENAME_NOREPLACE. The directory is locked, so nothing of ours can come
         * between. */
        if (faccessat(dir_fd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return -EEXIST;
        return renameat(dir_fd, from, dir_fd, to) < 0 ? -errno : 0;
}

int file_set_aside(int dir_fd, const char *name)
{
        char to[FILE_NAME_SIZE + 24];

        for (unsigned n = 1; n <= CORRUPT_MAX; n++) {
                (void)snprintf(to, sizeof(to), "%s.corrupt-%u", name, n);
                int r = file_rename(dir_fd, name, to);
                if (r != -EEXIST)
                        return r;
        }
        return -EEXIST;
}

int pwrite_all(int fd, const void *data, size_t n, size_t offset)
{
        for (const char *p = data; n > 0;) {
                ssize_t w = pwrite(fd, p, n, (off_t)offset);
                if (w < 0 && errno == EINTR)
                        continue;
                if (w < 0)
                        return -errno;
                if (w == 0)
                        return -EIO;
                p += w;
                n -= (size_t)w;
                offset += (size_t)w;
        }
        return 0;
}
