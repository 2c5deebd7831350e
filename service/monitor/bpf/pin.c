/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "pin.h"

/* libbpf would refuse to load at all. */
static int remove_misfit(const char *path, size_t value_size, uint32_t entries)
{
        struct bpf_map_info info = { 0 };
        __u32 n = sizeof(info);
        _cleanup_close_ int fd = bpf_obj_get(path);

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (bpf_obj_get_info_by_fd(fd, &info, &n) < 0)
                return -errno;
        if (info.type == BPF_MAP_TYPE_ARRAY && info.key_size == sizeof(uint32_t) &&
                info.value_size == value_size && info.max_entries == entries &&
                info.map_flags == BPF_F_MMAPABLE)
                return 0;
        return unlink(path) < 0 ? -errno : 0;
}

int pin_prepare(const char *folder, const char *name, size_t value_size, uint32_t entries, char **ret)
{
        _cleanup_free_ char *path = NULL;
        struct statfs fs;
        int r;

        if (!folder)
                return 0;
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
                return -errno;
        if (statfs(folder, &fs) < 0)
                return -errno;
        if (fs.f_type != BPF_FS_MAGIC)
                return -EINVAL;
        if (asprintf(&path, "%s/%s", folder, name) < 0)
                return -ENOMEM;
        r = remove_misfit(path, value_size, entries);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(path);
        return 0;
}
