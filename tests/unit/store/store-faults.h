/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Faults on demand, in a program that is linked with this and with the wraps of malloc, calloc, reallocarray
 * and strdup. */

#include <stdbool.h>

enum fault {
        OUR_MEMORY,
        SQLITE_MEMORY,
        SQLITE_MEMORY_LASTING, /* all that follow, too */
        INTERRUPTED,           /* SQLite, at a step of a statement */
        FAULTS_N
};
extern enum fault fault;

/* The n-th from now (1 is the next) fails. */
void faults_arm(unsigned n);
/* Ends that, and says whether it did fail. */
bool faults_disarm(void);
bool faults_failed(void);

/* Before SQLite's first use. */
void faults_take_over_memory(void);
/* A progress handler. */
int faults_interrupt(void *unused);
