/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static const char *log_program = "";
static int log_max = LOG_INFO;
static bool log_to_journal;

void log_setup(const char *program, int max)
{
        log_program = program;
        log_max = max;
        log_to_journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_line(int priority, const char *format, ...)
{
        if (priority > log_max)
                return;

        char line[2048];
        va_list ap;
        va_start(ap, format);
        (void)vsnprintf(line, sizeof(line), format, ap);
        va_end(ap);
        /* One line, one entry: a newline in somebody's text must not begin a second one. */
        for (char *p = line; *p; p++)
                if (*p == '\n')
                        *p = ' ';
        if (log_to_journal)
                (void)fprintf(stderr, "<%d>%s\n", priority, line);
        else
                (void)fprintf(stderr, "%s: %s\n", log_program, line);
}
