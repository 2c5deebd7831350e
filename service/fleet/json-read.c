/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-read.h"

#include <errno.h>

/* Deeper than any answer of etcd's or verdict, and of more parts. A part costs up to 400 bytes of memory,
 * and one byte of text. */
#define DEPTH_MAX 12
#define PARTS_MAX 20000u

static bool has_too_many_parts(const char *text, size_t n)
{
        size_t parts = 0;

        for (size_t i = 0; i < n; i++)
                parts += text[i] == ',' || text[i] == '[' || text[i] == '{';
        return parts > PARTS_MAX;
}

int json_read(const char *text, size_t n, struct json_object **ret, const char **ret_why)
{
        *ret = NULL;
        *ret_why = "it has too many parts";
        if (n > INT32_MAX || has_too_many_parts(text, n))
                return 0;
        struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
        if (!tokener)
                return -ENOMEM;
        json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
        *ret = json_tokener_parse_ex(tokener, text, (int)n);
        *ret_why = json_tokener_error_desc(json_tokener_get_error(tokener));
        json_tokener_free(tokener);
        return 0;
}

struct json_object *json_read_member(struct json_object *o, const char *name, enum json_type type)
{
        struct json_object *found = NULL;

        if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, name, &found))
                return NULL;
        return json_object_is_type(found, type) ? found : NULL;
}

const char *json_read_text(struct json_object *o, const char *name)
{
        struct json_object *found = json_read_member(o, name, json_type_string);

        return found ? json_object_get_string(found) : NULL;
}

uint64_t json_read_number(struct json_object *o, const char *name)
{
        struct json_object *found = json_read_member(o, name, json_type_int);

        return found ? json_object_get_uint64(found) : 0;
}

bool json_read_true(struct json_object *o, const char *name)
{
        struct json_object *found = json_read_member(o, name, json_type_boolean);

        return found && json_object_get_boolean(found);
}
