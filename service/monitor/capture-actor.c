/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "capture.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/fileio.h"
#include "../../schema/process/process.h"

#define FILE_MAX 65536u
#define PARENTS_MAX 16u

/* The unit is the last part of the path that is one: a folder below it is the unit's own. */
static void put_unit(struct buf *out, char *cgroup)
{
        static const char *const suffixes[] = { ".service", ".scope", ".socket", ".mount", ".swap",
                ".slice" };
        char *rest = cgroup;
        const char *unit = "";

        for (char *part = strsep(&rest, "/"); part; part = strsep(&rest, "/")) {
                const char *dot = strrchr(part, '.');
                for (size_t i = 0; dot && i < ARRAY_SIZE(suffixes); i++)
                        if (strcmp(dot, suffixes[i]) == 0)
                                unit = part;
        }
        capture_put(out, "PEIOS_ACTOR_UNIT", unit);
}

/* The line of the unified hierarchy, `0::/path`. */
static void put_cgroup(const char *root, uint32_t pid, struct buf *out)
{
        char name[64];
        (void)snprintf(name, sizeof(name), "/proc/%" PRIu32 "/cgroup", pid);
        _cleanup_free_ char *path = root_path(root, name);
        _cleanup_buf_ struct buf text = BUF_INIT;

        if (!path || read_file(AT_FDCWD, path, FILE_MAX, &text, NULL, NULL) < 0 || text.len == 0)
                return;
        char *rest = text.data;
        for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
                if (strncmp(line, "0::", 3) == 0) {
                        capture_put(out, "PEIOS_ACTOR_CGROUP", line + 3);
                        put_unit(out, line + 3);
                        return;
                }
}

static void put_parents(const char *root, uint32_t pid, uint64_t started_before, struct buf *out)
{
        _cleanup_buf_ struct buf chain = BUF_INIT;
        struct process p;

        for (unsigned i = 0; i <= PARENTS_MAX && process_read(root, pid, started_before, &p) == 0; i++) {
                if (i > 0)
                        buf_printf(&chain, "%s%s[%" PRIu32 "]", i > 1 ? " < " : "", p.actor.comm, pid);
                if (p.parent == 0 || p.parent == pid)
                        break;
                pid = p.parent;
        }
        if (chain.error < 0)
                out->error = chain.error;
        else
                capture_put(out, "PEIOS_ACTOR_PARENTS", buf_str(&chain));
}

void capture_actor(
        const char *root, uint32_t pid, uint64_t started_before, const char *command_line, struct buf *out)
{
        capture_put(out, "PEIOS_ACTOR_COMMAND_LINE", command_line);
        put_cgroup(root, pid, out);
        put_parents(root, pid, started_before, out);
}
