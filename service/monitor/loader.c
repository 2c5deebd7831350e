/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loader.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/fileio.h"
#include "../../schema/values/value.h"

#define FILE_MAX 65536u

bool module_file_matches(const char *file, const char *module)
{
        const char *slash = strrchr(file, '/');
        const char *s = slash ? slash + 1 : file;

        for (; *module != '\0'; s++, module++)
                if ((*s == '-' ? '_' : *s) != (*module == '-' ? '_' : *module))
                        return false;
        return *s == '\0' || strncmp(s, ".ko", 3) == 0;
}

enum loader {
        LOADER_NONE,
        LOADER_EXACT, /* loads what its command line says */
        LOADER_LOOSE, /* may load what depends on it, or what an alias or a file stands for */
};

static enum loader loader_kind(const char *comm)
{
        static const struct {
                const char *comm;
                enum loader kind;
        } loaders[] = { { "insmod", LOADER_EXACT }, { "rmmod", LOADER_EXACT }, { "modprobe", LOADER_LOOSE },
                { "kmod", LOADER_LOOSE }, { "systemd-modules", LOADER_LOOSE } };

        for (size_t i = 0; i < ARRAY_SIZE(loaders); i++)
                if (strcmp(loaders[i].comm, comm) == 0)
                        return loaders[i].kind;
        return LOADER_NONE;
}

/* Anybody can give a task such a name. */
static bool may_load(const char *root, uint32_t pid)
{
        uint64_t capabilities;

        return process_capabilities(root, pid, &capabilities) &&
               (capabilities & UINT64_C(1) << CAP_SYS_MODULE);
}

static bool names_module(const char *root, uint32_t pid, const char *module)
{
        _cleanup_buf_ struct buf line = BUF_INIT;

        if (module[0] == '\0' || process_command_line(root, pid, FILE_MAX, &line) < 0 || line.len == 0)
                return false;
        char *rest = line.data;
        for (char *arg = strsep(&rest, " "); arg; arg = strsep(&rest, " "))
                if (module_file_matches(arg, module))
                        return true;
        return false;
}

struct search {
        const char *root, *module;
        uint64_t started_before;
        struct process found;
        unsigned n;
};

/* True: this one it is, no need to look on. */
static bool try_loader(struct search *s, int proc, const char *name)
{
        char file[NAME_MAX + sizeof("/comm")];
        _cleanup_buf_ struct buf comm = BUF_INIT;
        struct process p;
        uint64_t pid;

        if (number_parse(name, strlen(name), INT32_MAX, &pid) < 0)
                return false;
        (void)stpcpy(stpcpy(file, name), "/comm");
        if (read_file(proc, file, FILE_MAX, &comm, NULL, NULL) < 0 || comm.len == 0)
                return false;
        comm.data[strcspn(comm.data, "\n")] = '\0';
        enum loader kind = loader_kind(comm.data);
        if (kind == LOADER_NONE || !may_load(s->root, (uint32_t)pid))
                return false;
        bool named = names_module(s->root, (uint32_t)pid, s->module);
        if ((!named && kind == LOADER_EXACT) ||
                process_read(s->root, (uint32_t)pid, s->started_before, &p) < 0)
                return false;
        s->found = p;
        s->n = named ? 1 : s->n + 1;
        return named;
}

int loader_find(const char *root, const char *module, uint64_t started_before, struct process *ret)
{
        struct search s = { .root = root, .module = module, .started_before = started_before };
        _cleanup_free_ char *path = root_path(root, "/proc");
        DIR *dir = path ? opendir(path) : NULL;

        if (!dir)
                return path ? -ESRCH : -ENOMEM;
        for (struct dirent *e = readdir(dir); e; e = readdir(dir))
                if (try_loader(&s, dirfd(dir), e->d_name))
                        break;
        (void)closedir(dir);
        if (s.n != 1)
                return -ESRCH;
        *ret = s.found;
        return 0;
}
