/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Writes JSON (RFC 8259) into a buffer: commas and quoting are done here, the order is the caller's. Bytes
 * that are not valid UTF-8 are written as U+FFFD; callers that must be exact write hex instead. */

#include "buf.h"

struct json {
        struct buf *out;
        bool comma;
};

/* Numbers from here up are written as strings: a double cannot hold them (RFC 8259, section 6). */
#define JSON_SAFE_INTEGER (UINT64_C(1) << 53)

static inline struct json json_on(struct buf *out)
{
        return (struct json){ .out = out };
}

void json_begin_object(struct json *j);
void json_end_object(struct json *j);
void json_begin_array(struct json *j);
void json_end_array(struct json *j);
/* The name of the next member. */
void json_key(struct json *j, const char *name);
void json_string(struct json *j, const char *s); /* NULL is written as null */
void json_string_n(struct json *j, const char *s, size_t n);
void json_number(struct json *j, uint64_t v);
void json_bool(struct json *j, bool v);
void json_null(struct json *j);

/* A member of the open object that is an array, which is to be ended. */
static inline void json_open_array(struct json *j, const char *name)
{
        json_key(j, name);
        json_begin_array(j);
}

/* A whole member of the open object. */
static inline void json_add_string(struct json *j, const char *name, const char *s)
{
        json_key(j, name);
        json_string(j, s);
}

static inline void json_add_number(struct json *j, const char *name, uint64_t v)
{
        json_key(j, name);
        json_number(j, v);
}

static inline void json_add_bool(struct json *j, const char *name, bool v)
{
        json_key(j, name);
        json_bool(j, v);
}
