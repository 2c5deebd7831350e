/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The commands that have reg.exe's names and options. */

#include "session.h"

/* The value that /v or /ve names; NULL where none of them does, or /va. An enum exit_code. */
_must_check_ int reg_exe_value(struct session *s, const char **ret);
