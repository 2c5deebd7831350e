/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* System calls that fail on demand, in a program that is linked with io_fault_args: a test that runs as root
 * cannot take the rights away. */

#include <stddef.h>

struct io_fault {
        unsigned calls; /* so far */
        unsigned at; /* this call (1 is the first) fails with `error`; a write with error 0 writes nothing */
        int error;
        size_t chunk; /* read(2), write(2): at most so many bytes a call, 0 for no limit */
};

extern struct io_fault on_write, on_read, on_fsync, on_rename;

void io_faults_none(void);
