/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The boot-time apply, by both programs that do it. */

#include "dropin.h"

#define ACCEPTED LAYOUT_ACCEPTED_DIR "/" LAYOUT_ACCEPTED_NAME

/* Runs each. The exit code, what the control of TaintEvents holds afterwards (it holds 9 before), and what
 * must be said (NULL: nothing). `accepted`, if it is not NULL, is written to the file before. */
void apply_with(const char *accepted, int code, const char *control, const char *line);
void apply(int code, const char *control, const char *line);
