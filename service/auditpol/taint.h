/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The commands `taint decode` and `taint scan` of peios-auditpol. They ask no service. */

#include "../../schema/bus/wire.h"
#include "auditpol-options.h"

/* `arguments` are what follows the command, NULL-terminated; `-` is standard input. 0, EXIT_CODE_USAGE,
 * EXIT_CODE_INVALID where an argument is no taint (the others are shown), EXIT_CODE_FAILURE. */
enum exit_code taint_decode(const struct auditpol_options *o, int n, char *const *arguments);

/* The same for files and folders; EXIT_CODE_FAILURE also where one could not be read (the rest is shown). */
enum exit_code taint_scan(const struct auditpol_options *o, int n, char *const *arguments);
