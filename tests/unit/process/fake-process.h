/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A task below a scratch root's proc. */

#include <stdint.h>

#include "scratch.h"

struct fake_process {
        uint32_t pid, parent;
        const char *comm, *command_line; /* blanks in it become NUL */
        uint64_t start;                  /* ticks */
        bool kernel_thread, unprivileged;
};

void fake_process_make(const struct scratch *s, const struct fake_process *p);
/* A child of the first one. */
void fake_process_run(
        const struct scratch *s, uint32_t pid, const char *comm, const char *command_line, uint64_t start);
void fake_process_end(const struct scratch *s, uint32_t pid);
