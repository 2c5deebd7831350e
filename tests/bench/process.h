/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* Its output goes to /dev/null. 0 or negative errno. */
int process_start(char *const *argv, pid_t *ret);
/* 0, or -ECHILD when it failed. */
int process_wait(pid_t pid);
