/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The commands that have reg.exe's names and options. */

#include "../../schema/values/value.h"
#include "session.h"

/* The value that /v or /ve names; NULL where none of them does, or /va. An enum exit_code. */
_must_check_ int reg_exe_value(struct session *s, const char **ret);

/* As reg.exe prints them: the long name of the root in front, and a value's name (the default one's is
 * "(Default)"), type and data with `between` between them; `separator` is between the items of a list, \0 if
 * NULL. */
void reg_exe_put_path(struct buf *out, const char *path);
void reg_exe_put_value(struct buf *out, const char *name, const struct value *v, const char *between,
        const char *separator);
