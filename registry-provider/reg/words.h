/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names as they stand on the command line, and as they are shown. Pure. */

#include "../../schema/base/buf.h"
#include "../../schema/base/diag.h"
#include "../../schema/base/json.h"
#include "../../schema/names/path.h"

/* Whether the word can be a key's path, without asking whether there is such a key. 0, -EINVAL or
 * -ENAMETOOLONG with d set, or -ENOMEM. */
_must_check_ int words_check_key(const char *word, struct diag *d);

/* `\A\B\Name` to key `\A\B` and value name `Name` ("" for `@`). Both malloc()ed. 0, -ENOMEM, or -EINVAL with
 * d set: there is no separator before the name, or nothing after it. */
_must_check_ int words_split(const char *word, char **ret_key, char **ret_name, struct diag *d);

/* What stands between the components of a path that is shown: `\` unless --sep or $REG_SEP says otherwise;
 * one of the two, or its name. 0 or -EINVAL. The program has one. */
_must_check_ int words_set_separator(const char *word);
/* A path that the provider gave, for people, and as a member of the open object (or, without a name, as the
 * next item of the open array). */
void words_put_path(struct buf *out, const char *path);
void words_path_to_json(struct json *j, const char *name, const char *path);
/* The separator alone, as listings put it behind a key. */
void words_put_separator(struct buf *out);

/* A key as the documentation writes it: `\System\…`, the default hive left out, every separator a backslash.
 */
void words_format_key(struct buf *out, const char *key);
/* And of a value: `\System\Audit\Modules\TaintEvents`. */
void words_format_value(struct buf *out, const char *key, const char *name);

/* What a check has found: a line each, and as a member of the open object. */
void words_put_findings(struct buf *out, const struct diags *found);
void words_findings_to_json(struct json *j, const char *name, const struct diags *found);

/* Whether type inference makes something of the literal that its writer may not expect: a number written
 * with a leading zero or in hex. */
bool words_surprise(const char *literal);

/* The number of a change, or a time (µs since 1970). */
struct words_moment {
        bool is_time;
        uint64_t number;
};
/* False: it is neither. */
bool words_parse_moment(const char *text, uint64_t now, struct words_moment *ret);

/* As listings print a key: one separator at its end, which is cut off; a lone one is no key's. */
bool words_trim_key(char *word);

/* Whether the literal begins as if with a type that it does not begin with: as regedit's files write one, or
 * in capitals. */
bool words_look_typed(const char *literal);

/* Whether the literal is a number as .reg files write it, `dword:00000010`: there that is 16. */
bool words_are_regedit_number(const char *literal);

/* Whether the literal is a number that no type holds: type inference makes text of it. */
bool words_are_oversized_number(const char *literal);
