/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Log lines to standard error. Under systemd (JOURNAL_STREAM is set) each line carries its priority as
 * `<N>`, which the journal understands, so that programs need no libsystemd to log. */

#include <syslog.h>

#include "macro.h"

/* Lines with a priority number above `max` are dropped. Default LOG_INFO. `program` must stay valid. */
void log_setup(const char *program, int max);

_printf_(2, 3) void log_line(int priority, const char *format, ...);

#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
/* What it comes to is the code: `return log_failure(EXIT_FAILURE, "…");`. */
#define log_failure(code, ...) (log_line(LOG_ERR, __VA_ARGS__), (code))
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
