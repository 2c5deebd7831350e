/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A line of a log as the kernel wrote it: mail, web pages and copying put other characters in the place of
 * blanks, break lines and write `=3D` or `&gt;`. Letters stand in columns, so one such character more or
 * less makes other taints of them. No I/O, no allocation. */

#include <stddef.h>

#define TAINT_PLAIN_BEFORE ((size_t)1024) /* some logs have no ends of lines */
#define TAINT_PLAIN_BEHIND ((size_t)4096)
#define TAINT_PLAIN_LINES 6U /* with those below, for what was wrapped */

struct taint_plain {
        char text[TAINT_PLAIN_BEFORE * 2 + TAINT_PLAIN_BEHIND];
        size_t n;
        size_t at; /* of what stood at the place that was asked for */
};

/* The line that holds text[at], and the lines below it. It begins where the line does, within
 * TAINT_PLAIN_BEFORE bytes. */
void taint_plain_read(const char *text, size_t n, size_t at, struct taint_plain *ret);
