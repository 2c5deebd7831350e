/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The commands of peios-auditpol. Each prints its result on standard output and what went wrong on standard
 * error. */

#include "../../schema/bus/client.h"

struct show_options {
        bool json;
        bool follow;      /* events: go on */
        const char *root; /* --root, or NULL */
};

/* Writes the buffer to standard output. */
enum exit_code show_print(struct buf *out);

enum exit_code show_status(const struct show_options *o, const char *argument);
enum exit_code show_get(const struct show_options *o, const char *argument);
enum exit_code show_set(const struct show_options *o, const char *value);
enum exit_code show_explain(const struct show_options *o, const char *argument);
