/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The process of exe-reader.h: a directory in, the text of its link `exe` out. */

#include <stdbool.h>
#include <stddef.h>

#include "../base/macro.h"
#include "actor.h"

struct exe_answer {
        uint32_t number;                            /* the question's */
        char exe[sizeof(((struct actor *)0)->exe)]; /* as much as there is of it, without an end */
};

/* Gives up all capabilities but CAP_SYS_PTRACE, all descriptors but `fd`, which becomes 0, and all system
 * calls but five. From here on every other call ends the process. 0 or negative errno. */
_must_check_ int exe_reader_confine(int fd);

/* Answers until the other end of 0 is closed. */
_Noreturn void exe_reader_serve(void);
