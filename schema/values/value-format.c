/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "../names/fold.h"
#include "value.h"

/* Also the C1 controls: a terminal may obey them too. */
static bool is_control(uint32_t c)
{
        return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

static void format_string(struct buf *out, const char *s, size_t n)
{
        while (n > 0) {
                uint32_t c;
                size_t len = utf8_decode(s, n, &c);
                if (is_control(c))
                        for (size_t i = 0; i < len; i++)
                                buf_printf(out, "\\x%02x", (uint8_t)s[i]);
                else
                        buf_add(out, s, len);
                s += len;
                n -= len;
        }
}

static void format_multi(struct buf *out, const struct value *v, bool single_line)
{
        const char *s, *separator = "";
        size_t i = 0, len;
        while (value_next_string(v, &i, &s, &len) > 0) {
                buf_puts(out, separator);
                format_string(out, s, len);
                separator = single_line ? ", " : "\n";
        }
}

void value_format(struct buf *out, const struct value *v, bool single_line)
{
        const char *s;
        size_t len;
        uint64_t n;

        if (value_get_string(v, &s, &len) == 0)
                format_string(out, s, len);
        else if (value_get_u64(v, &n) == 0)
                buf_printf(out, "%" PRIu64, n);
        else if (v->type == REG_MULTI_SZ && value_decodes(v))
                format_multi(out, v, single_line);
        else
                hex_format(out, v->data, v->size);
}

static void json_hex(struct json *j, const char *key, const struct value *v)
{
        _cleanup_buf_ struct buf hex = BUF_INIT;
        hex_format(&hex, v->data, v->size);
        if (hex.error)
                j->out->error = hex.error;
        json_key(j, key);
        json_string_n(j, buf_str(&hex), hex.len);
}

static void json_multi(struct json *j, const struct value *v)
{
        const char *s;
        size_t i = 0, len;
        json_begin_array(j);
        while (value_next_string(v, &i, &s, &len) > 0)
                json_string_n(j, s, len);
        json_end_array(j);
}

static void json_text(struct json *j, const struct value *v)
{
        const char *s;
        size_t len;

        json_key(j, "data");
        if (value_get_string(v, &s, &len) == 0)
                json_string_n(j, s, len);
        else
                json_multi(j, v);
        if (!value_is_plain(v))
                json_hex(j, "hex", v);
}

void value_to_json(struct json *j, const struct value *v)
{
        bool decodes = value_decodes(v);
        uint64_t n;

        json_key(j, "type");
        json_string(j, value_type_keyword(v->type));
        if (v->type == REG_BINARY)
                json_hex(j, "data", v);
        else if (decodes && value_is_text(v->type))
                json_text(j, v);
        else if (value_get_u64(v, &n) == 0) {
                json_key(j, "data");
                json_number(j, n);
        } else if (v->type == REG_NONE && decodes) {
                json_key(j, "data");
                json_null(j);
        } else
                json_hex(j, "hex", v);
}
