/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json.h"

#include <inttypes.h>
#include <string.h>

#include "../names/fold.h"

static void before_item(struct json *j)
{
        if (j->comma)
                buf_putc(j->out, ',');
        j->comma = true;
}

static void begin(struct json *j, char bracket)
{
        before_item(j);
        buf_putc(j->out, bracket);
        j->comma = false;
}

static void end(struct json *j, char bracket)
{
        buf_putc(j->out, bracket);
        j->comma = true;
}

void json_begin_object(struct json *j)
{
        begin(j, '{');
}

void json_end_object(struct json *j)
{
        end(j, '}');
}

void json_begin_array(struct json *j)
{
        begin(j, '[');
}

void json_end_array(struct json *j)
{
        end(j, ']');
}

static void quote_char(struct buf *out, const char *s, size_t len, uint32_t c)
{
        if (c == '"' || c == '\\') {
                buf_putc(out, '\\');
                buf_putc(out, (char)c);
        } else if (c == '\n')
                buf_puts(out, "\\n");
        else if (c < 0x20 || c == 0x7f)
                buf_printf(out, "\\u%04x", (unsigned)c);
        else
                buf_add(out, s, len);
}

static void quote(struct buf *out, const char *s, size_t n)
{
        buf_putc(out, '"');
        for (size_t i = 0; i < n;) {
                uint32_t c;
                size_t len = utf8_decode(s + i, n - i, &c);
                if (len > 0)
                        quote_char(out, s + i, len, c);
                else
                        buf_puts(out, "\xEF\xBF\xBD");
                i += len > 0 ? len : 1;
        }
        buf_putc(out, '"');
}

void json_key(struct json *j, const char *name)
{
        before_item(j);
        quote(j->out, name, strlen(name));
        buf_putc(j->out, ':');
        j->comma = false;
}

void json_string_n(struct json *j, const char *s, size_t n)
{
        before_item(j);
        quote(j->out, s, n);
}

void json_string(struct json *j, const char *s)
{
        if (s)
                json_string_n(j, s, strlen(s));
        else
                json_null(j);
}

void json_number(struct json *j, uint64_t v)
{
        before_item(j);
        buf_printf(j->out, v < JSON_SAFE_INTEGER ? "%" PRIu64 : "\"%" PRIu64 "\"", v);
}

void json_bool(struct json *j, bool v)
{
        before_item(j);
        buf_puts(j->out, v ? "true" : "false");
}

void json_null(struct json *j)
{
        before_item(j);
        buf_puts(j->out, "null");
}
