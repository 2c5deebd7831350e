/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* `taint` (the running kernel) and `events` of peios-auditpol. */

#include "show.h"

enum exit_code show_taint(const struct auditpol_options *o, const char *argument);
/* EXIT_CODE_OK where all is accepted, and 2 where something is left over. */
enum exit_code show_taint_check(const struct auditpol_options *o, const char *argument);
enum exit_code show_events(const struct auditpol_options *o, const char *argument);
