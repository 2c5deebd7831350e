/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* peios-reg as people type it: each command is a line for the shell, with `reg` for the program, in the
 * world's folder. It must end with this exit code. */

/* What the line says, standard error too. Good until the next call. */
const char *shell_output(int code, const char *line);

/* Each of the texts is in it, in this order. */
void shell_says(int code, const char *line, const char *const *texts);
#define SHELL_SAYS(code, line, ...) shell_says(code, line, (const char *const[]){ __VA_ARGS__, NULL })

void shell_is(int code, const char *line, const char *expected);
