/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the two commands share. */

#include "../taint/letters.h"
#include "taint.h"

/* --era and --distro. EXIT_CODE_OK, or EXIT_CODE_USAGE after a message. */
enum exit_code taint_context_of(const struct auditpol_options *o, struct taint_kernel *ret);

/* Writes all of the buffer to standard output. EXIT_CODE_OK, or EXIT_CODE_FAILURE after a message. */
enum exit_code taint_print(const struct buf *out);
