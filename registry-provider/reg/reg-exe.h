/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The commands that have reg.exe's names and options. */

#include "../../schema/values/value.h"
#include "session.h"

/* The value that /v or /ve names; NULL where none of them does, or /va. An enum exit_code. */
_must_check_ int reg_exe_value(struct session *s, const char **ret);

struct reg_exe_style {
        const char *between;   /* a value's name, type and data */
        const char *separator; /* of the items of a list; NULL: \0 */
        bool numbered;         /* the type's code behind its name */
};

/* As reg.exe prints them: the long name of the root in front, and of a value, the default one's name being
 * "(Default)". */
void reg_exe_put_path(struct buf *out, const char *path);
void reg_exe_put_value(
        struct buf *out, const char *name, const struct value *v, const struct reg_exe_style *style);
