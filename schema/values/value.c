/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../names/fold.h"

#define NULS_MAX 2u /* at the end of a string */

static const struct {
        const char *symbol;
        const char *keyword;
} types[] = {
#define VALUE_TYPE(symbol, code, keyword) [code] = { #symbol, keyword },
#include "value-types.def"
#undef VALUE_TYPE
};

static const char *numbered(const char *prefix, uint32_t type)
{
        static char ring[4][sizeof("REG_0xffffffff")];
        static unsigned at;
        char *text = ring[at++ % ARRAY_SIZE(ring)];
        (void)snprintf(text, sizeof(ring[0]), "%s0x%x", prefix, type);
        return text;
}

bool value_type_known(uint32_t type)
{
        return type <= VALUE_TYPE_MAX;
}

const char *value_type_symbol(uint32_t type)
{
        return value_type_known(type) ? types[type].symbol : numbered("REG_", type);
}

const char *value_type_keyword(uint32_t type)
{
        return value_type_known(type) && types[type].keyword ? types[type].keyword : numbered("", type);
}

static bool text_is(const char *s, size_t len, const char *text)
{
        return text && strlen(text) == len && memcmp(s, text, len) == 0;
}

static bool is_symbol(const char *s, size_t len, const char *symbol)
{
        return strlen(symbol) == len && strncasecmp(s, symbol, len) == 0;
}

int value_type_parse(const char *s, size_t len, uint32_t *ret)
{
        for (uint32_t type = 0; type < ARRAY_SIZE(types); type++)
                if (text_is(s, len, types[type].keyword) || is_symbol(s, len, types[type].symbol)) {
                        *ret = type;
                        return 0;
                }
        if (text_is(s, len, "bin") || text_is(s, len, "binary")) {
                *ret = REG_BINARY;
                return 0;
        }

        uint64_t code;
        if (len < 2 || s[0] != '0' || (s[1] | 0x20) != 'x' || number_parse(s, len, UINT32_MAX, &code) < 0 ||
                !value_type_known((uint32_t)code))
                return -EINVAL;
        *ret = (uint32_t)code;
        return 0;
}

bool value_is_text(uint32_t type)
{
        return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_LINK || type == REG_MULTI_SZ;
}

static uint64_t read_le(const uint8_t *p, size_t n)
{
        uint64_t v = 0;
        for (size_t i = 0; i < n; i++)
                v |= (uint64_t)p[i] << (8 * i);
        return v;
}

int value_get_u32(const struct value *v, uint32_t *ret)
{
        if ((v->type != REG_DWORD && v->type != REG_DWORD_BIG_ENDIAN) || v->size != sizeof(*ret))
                return -EINVAL;
        uint32_t n = (uint32_t)read_le(v->data, sizeof(n));
        *ret = v->type == REG_DWORD ? n : __builtin_bswap32(n);
        return 0;
}

int value_get_u64(const struct value *v, uint64_t *ret)
{
        uint32_t small;
        if (value_get_u32(v, &small) == 0) {
                *ret = small;
                return 0;
        }
        if (v->type != REG_QWORD || v->size != sizeof(*ret))
                return -EINVAL;
        *ret = read_le(v->data, sizeof(*ret));
        return 0;
}

/* A link ends where its bytes do; other strings lose the NUL of those who end them so, or two. */
static size_t text_length(const struct value *v)
{
        const char *s = v->data;
        size_t len = v->size;
        for (size_t i = 0; v->type != REG_LINK && i < NULS_MAX && len > 0 && s[len - 1] == '\0'; i++)
                len--;
        return len;
}

int value_get_string(const struct value *v, const char **ret, size_t *ret_len)
{
        if (v->type != REG_SZ && v->type != REG_EXPAND_SZ && v->type != REG_LINK)
                return -EINVAL;
        size_t len = text_length(v);
        if (len > 0 && (memchr(v->data, '\0', len) || utf8_valid_prefix(v->data, len) < len))
                return -EINVAL;
        *ret = len > 0 ? v->data : "";
        *ret_len = len;
        return 0;
}

int value_next_string(const struct value *v, size_t *i, const char **ret, size_t *ret_len)
{
        const char *data = v->data;

        if (v->type != REG_MULTI_SZ)
                return -EINVAL;
        while (*i < v->size && data[*i] == '\0')
                (*i)++;
        if (*i >= v->size)
                return 0;
        const char *s = data + *i;
        size_t len = strnlen(s, v->size - *i);
        if (utf8_valid_prefix(s, len) < len)
                return -EINVAL;
        *ret = s;
        *ret_len = len;
        *i += len;
        return 1;
}

static bool multi_decodes(const struct value *v)
{
        const char *s;
        size_t i = 0, len;
        int r;
        while ((r = value_next_string(v, &i, &s, &len)) > 0)
                ;
        return r == 0;
}

bool value_decodes(const struct value *v)
{
        const char *s;
        size_t len;
        uint64_t n;

        switch (v->type) {
        case REG_NONE:
        case REG_TOMBSTONE:
                return v->size == 0;
        case REG_SZ:
        case REG_EXPAND_SZ:
        case REG_LINK:
                return value_get_string(v, &s, &len) == 0;
        case REG_DWORD:
        case REG_DWORD_BIG_ENDIAN:
        case REG_QWORD:
                return value_get_u64(v, &n) == 0;
        case REG_MULTI_SZ:
                return multi_decodes(v);
        default:
                return true;
        }
}

bool value_is_plain(const struct value *v)
{
        const char *s = v->data;

        if (!value_decodes(v))
                return false;
        if (v->size == 0)
                return true;
        if (v->type == REG_SZ || v->type == REG_EXPAND_SZ)
                return s[v->size - 1] != '\0';
        if (v->type != REG_MULTI_SZ)
                return true;
        return s[0] != '\0' && s[v->size - 1] == '\0' && !memmem(s, v->size, "\0", 2);
}

bool value_equal(const struct value *a, const struct value *b)
{
        return a->type == b->type && a->size == b->size &&
               (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

void value_put_number(struct buf *ret, uint32_t type, uint64_t v)
{
        if (type == REG_QWORD)
                buf_le64(ret, v);
        else
                buf_le32(ret, type == REG_DWORD ? (uint32_t)v : __builtin_bswap32((uint32_t)v));
}

void value_put_multi_item(struct buf *ret, const char *s, size_t n)
{
        buf_add(ret, s, n);
        buf_putc(ret, '\0');
}

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
                number_format_hex(out, v->data, v->size);
}

static void json_hex(struct json *j, const char *key, const struct value *v)
{
        _cleanup_buf_ struct buf hex = BUF_INIT;
        number_format_hex(&hex, v->data, v->size);
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

static void json_text(struct json *j, const char *name, const struct value *v)
{
        const char *s;
        size_t len;

        json_key(j, name);
        if (value_get_string(v, &s, &len) == 0)
                json_string_n(j, s, len);
        else
                json_multi(j, v);
}

bool value_data_to_json(struct json *j, const char *name, const struct value *v)
{
        bool decodes = value_decodes(v);
        uint64_t n;

        if (v->type == REG_BINARY)
                json_hex(j, name, v);
        else if (decodes && value_is_text(v->type))
                json_text(j, name, v);
        else if (value_get_u64(v, &n) == 0)
                json_add_number(j, name, n);
        else if (v->type == REG_NONE && decodes)
                json_add_string(j, name, NULL);
        else
                return false;
        return true;
}

void value_to_json(struct json *j, const struct value *v)
{
        json_add_string(j, "type", v->type == REG_BINARY ? "binary" : value_type_keyword(v->type));
        if (!value_data_to_json(j, "data", v) || (value_is_text(v->type) && !value_is_plain(v)))
                json_hex(j, "hex", v);
}
