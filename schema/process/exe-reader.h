/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which program a process runs, proc/<pid>/exe. Of another user's process the kernel shows that only to a
 * process with CAP_SYS_PTRACE, which is as much as all files and all memory of the machine. So a process of
 * its own has it, which can do nothing else: it is handed the open directory of a task, and returns what the
 * link `exe` in it says. The daemon has the capability no more. */

#include <systemd/sd-event.h>

#include "../base/macro.h"
#include "process.h"

/* Questions that are not answered yet. */
#define EXE_READER_QUESTIONS_MAX 256u
/* Who waited this long is answered that it is not known, and nobody else waits until the late answer has
 * come, which is thrown away. */
#define EXE_READER_TIMEOUT_USEC UINT64_C(3000000)

struct exe_reader;
struct exe_question;

/* Called once, and not from within exe_reader_ask(). `exe`: "" where it is not known. */
typedef void (*exe_reader_fn)(const char *exe, void *userdata);

/* Starts the process. It has what the caller has: it is started first, before threads, signal masks and
 * files. When it ends it cannot be started anew, as the capability is gone: that is logged once, and from
 * then on no exe is known. 0 or negative errno. */
_must_check_ int exe_reader_new(struct exe_reader **ret);
/* Ends the process. Who waits is not called. */
struct exe_reader *exe_reader_free(struct exe_reader *x);
DEFINE_CLEANUP(struct exe_reader *, exe_reader_free, exe_reader_freep);

/* Before anything is asked. 0 or negative errno. */
_must_check_ int exe_reader_attach(struct exe_reader *x, sd_event *event);

/* `dir`: proc/<pid>, of process_read_caller(); stays the caller's. *ret_question is good until fn is called.
 * 0: fn will be called; -ENOTCONN: there is no such process (also for x = NULL); -EBUSY: too many questions,
 * or it is late; or another negative errno. */
_must_check_ int exe_reader_ask(
        struct exe_reader *x, int dir, exe_reader_fn fn, void *userdata, struct exe_question **ret_question);
/* fn is not called. NULL is fine. */
void exe_question_cancel(struct exe_question *q);

/* The process of exe-reader.h: a directory in, the text of its link `exe` out. */

struct exe_answer {
        uint32_t number;                            /* the question's */
        char exe[sizeof(((struct actor *)0)->exe)]; /* as much as there is of it, without an end */
};

/* Gives up all capabilities but CAP_SYS_PTRACE, all descriptors but `fd`, which becomes 0, and all system
 * calls but five. From here on every other call ends the process. 0 or negative errno. */
_must_check_ int exe_reader_confine(int fd);

/* Answers until the other end of 0 is closed. */
_Noreturn void exe_reader_serve(void);
