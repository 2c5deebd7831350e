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

static bool needs_escape(uint32_t c)
{
        return c == '"' || c == '\\' || c < 0x20 || c == 0x7f;
}

static void escape(struct buf *out, uint32_t c)
{
        if (c == '"' || c == '\\') {
                buf_putc(out, '\\');
                buf_putc(out, (char)c);
        } else if (c == '\n')
                buf_puts(out, "\\n");
        else
                buf_printf(out, "\\u%04x", (unsigned)c);
}

/* Most texts are nothing else. */
static size_t plain_prefix(const char *s, size_t n)
{
        size_t i = 0;

        while (i < n && (uint8_t)s[i] < 0x80 && !needs_escape((uint8_t)s[i]))
                i++;
        return i;
}

static void quote(struct buf *out, const char *s, size_t n)
{
        size_t from = 0; /* what goes out in one piece */

        buf_putc(out, '"');
        for (size_t i = plain_prefix(s, n); i < n;) {
                uint32_t c;
                const size_t len = utf8_decode(s + i, n - i, &c), next = i + (len > 0 ? len : 1);
                if (len == 0 || needs_escape(c)) {
                        buf_add(out, s + from, i - from);
                        if (len > 0)
                                escape(out, c);
                        else
                                buf_puts(out, "\xEF\xBF\xBD");
                        from = next;
                }
                i = next;
        }
        buf_add(out, s + from, n - from);
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
