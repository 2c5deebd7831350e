/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The commands `taint …` of peios-auditpol. */

#include "../taint/letters.h"
#include "show.h"

/* This kernel's taints, and what the service knows of them. */
enum exit_code taint_show(const struct auditpol_options *o);
/* What of them is not accepted. EXIT_CODE_OK where all is, and 2 where something is left over. */
enum exit_code taint_check(const struct auditpol_options *o);

/* These two ask no service. `arguments` are what follows the command, NULL-terminated; `-` is standard
 * input. 0, EXIT_CODE_USAGE, EXIT_CODE_INVALID where an argument is no taint (the others are shown),
 * EXIT_CODE_FAILURE. */
enum exit_code taint_decode(const struct auditpol_options *o, int n, char *const *arguments);

/* The same for files and folders; EXIT_CODE_FAILURE also where one could not be read (the rest is shown). */
enum exit_code taint_scan(const struct auditpol_options *o, int n, char *const *arguments);

/* --era and --distro. EXIT_CODE_OK, or EXIT_CODE_USAGE after a message. */
enum exit_code taint_context_of(const struct auditpol_options *o, struct taint_kernel *ret);
