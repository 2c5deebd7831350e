/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What it costs. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Of a process: CPU seconds that it had, and kB that it has: VmRSS, or RssAnon. */
double load_cpu(pid_t pid);
unsigned long load_memory(pid_t pid, const char *what);
/* How often its threads have slept. */
unsigned long load_wakes(pid_t pid);

/* Bytes that this process's libcurl sent and received, while they count. */
uint64_t load_bytes(void);
void load_count_bytes(bool on);
