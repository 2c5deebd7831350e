/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The commands of peios-auditpol. Each prints its result on standard output and what went wrong on standard
 * error. */

#include "../../schema/bus/client.h"
#include "auditpol-options.h"

/* Writes the buffer to standard output. */
enum exit_code show_print(const struct buf *out);

enum exit_code show_status(const struct auditpol_options *o);
enum exit_code show_get(const struct auditpol_options *o);
enum exit_code show_set(const struct auditpol_options *o, const char *value);
enum exit_code show_explain(const struct auditpol_options *o);
