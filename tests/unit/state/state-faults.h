/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* System calls that fail on demand, for a program that is linked with --wrap for each call in
 * state_fault_wraps (meson.build). */

#include <stdbool.h>
#include <stddef.h>

/* From now on the n-th call that changes a file (1 is the next) fails with `error`; with `for_good` all
 * after it, too, as if the process were dead. */
void faults_arm(unsigned nth, int error, bool for_good);
/* Ends that and says whether it came to the n-th. */
bool faults_disarm(void);
/* The calls since it was armed, in order: "open fsync …" ("open" only where a file is made). */
const char *faults_trace(void);
/* write(2) and pwrite(2) take at most so many bytes; 0: no limit. */
void faults_short_writes(size_t chunk);
