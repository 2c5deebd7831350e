/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-process.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *file_of(uint32_t pid, const char *name)
{
        static char path[64];

        (void)snprintf(path, sizeof(path), "/proc/%" PRIu32 "/%s", pid, name);
        return path;
}

void fake_process_make(const struct scratch *s, const struct fake_process *p)
{
        char text[512], line[512];

        (void)snprintf(text, sizeof(text),
                "%" PRIu32 " (%s) S %" PRIu32 " 1 1 0 -1 %u 1 2 3 4 5 6 7 8 20 0 1 0 %" PRIu64 " 1000 10\n",
                p->pid, p->comm, p->parent, p->kernel_thread ? 0x00200040u : 0x00400100u, p->start);
        scratch_puts(s, file_of(p->pid, "stat"), text);
        (void)snprintf(text, sizeof(text), "%s\n", p->comm);
        scratch_puts(s, file_of(p->pid, "comm"), text);
        (void)snprintf(text, sizeof(text), "Name:\t%s\nUid:\t1001\t0\t0\t0\nCapEff:\t%s\n", p->comm,
                p->unprivileged ? "0000000000000000" : "000001ffffffffff");
        scratch_puts(s, file_of(p->pid, "status"), text);
        scratch_puts(s, file_of(p->pid, "loginuid"), "1000");
        scratch_puts(s, file_of(p->pid, "sessionid"), "3");
        scratch_puts(s, file_of(p->pid, "attr/current"), "unconfined\n");
        scratch_puts(s, file_of(p->pid, "cgroup"),
                "1:name=x:/old\n0::/user.slice/user-1000.slice/session-3.scope/x\n");
        size_t n = p->command_line ? strlen(p->command_line) : 0;
        for (size_t i = 0; i < n; i++)
                line[i] = p->command_line[i] == ' ' ? '\0' : p->command_line[i];
        line[n] = '\0';
        scratch_write(s, file_of(p->pid, "cmdline"), line, n > 0 ? n + 1 : 0);
        if (p->kernel_thread)
                return;
        ck_assert_int_eq(symlink("/usr/bin/kmod", scratch_path(s, file_of(p->pid, "exe"))), 0);
        ck_assert_int_eq(symlink(s->root, scratch_path(s, file_of(p->pid, "root"))), 0);
}

void fake_process_run(
        const struct scratch *s, uint32_t pid, const char *comm, const char *command_line, uint64_t start)
{
        const struct fake_process p = {
                .pid = pid, .parent = 1, .comm = comm, .command_line = command_line, .start = start
        };

        fake_process_make(s, &p);
}

void fake_process_end(const struct scratch *s, uint32_t pid)
{
        static const char *const names[] = { "stat", "comm", "status", "loginuid", "sessionid",
                "attr/current", "attr", "cgroup", "cmdline", "exe", "root", "" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                scratch_remove(s, file_of(pid, names[i]));
}
