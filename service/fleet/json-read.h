/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON that others wrote, as json-c reads it. Nobody who wrote it is trusted: what would take many times its
 * size of memory is not read. */

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../schema/base/macro.h"

/* 0 or -ENOMEM. *ret is NULL, and *ret_why says why, where it is no JSON, or too deep, or of too many parts.
 */
_must_check_ int json_read(const char *text, size_t n, struct json_object **ret, const char **ret_why);

/* NULL as well where it is there and of another type. */
struct json_object *json_read_member(struct json_object *o, const char *name, enum json_type type);
const char *json_read_text(struct json_object *o, const char *name);
/* 0 as well for one below it. */
uint64_t json_read_number(struct json_object *o, const char *name);
bool json_read_true(struct json_object *o, const char *name);
