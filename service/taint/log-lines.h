/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a line of the kernel log says of a taint: log-lines.def as a function. Pure. A hint and no proof: a
 * line can come without its bit, and a bit without a line. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_NAME_MAX 64u /* of a module or a task, with the NUL */

struct log_line {
        unsigned bit;
        const char *reason;
        bool report, acting, weak;
        char module[LOG_NAME_MAX]; /* "" for none */
        char comm[LOG_NAME_MAX];   /* "" for none */
        const char *comm_at;       /* where it stands in the text; NULL for none */
        uint32_t pid;              /* UINT32_MAX for none */
};

/* Where the kernel's own text begins in a line of a log file: behind the time, the host, `kernel:` and what
 * mail or a listing put in front. NULL where another program wrote the line. */
const char *log_line_text(const char *line, size_t n);

/* One record's text. False: it says nothing of a taint. */
bool log_line_match(const char *text, struct log_line *ret);

/* Does the pattern (log-lines.def) fit? Captures go to the members of *ret, which keeps the others. */
bool log_pattern_match(const char *pattern, const char *text, struct log_line *ret);

/* The module behind a symbol as the kernel prints it, `name+0x5/0xf60 [module]`, that begins within the
 * first `n` bytes: where a report came from. False: there is none. */
bool log_symbol_module(const char *text, size_t n, char ret[static LOG_NAME_MAX]);
