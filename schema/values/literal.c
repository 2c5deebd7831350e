/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../names/fold.h"
#include "value.h"

static int parse_number(const char *s, uint32_t type, struct buf *ret, struct diag *d)
{
        uint64_t v, max = type == REG_QWORD ? UINT64_MAX : UINT32_MAX;
        int r = number_parse(s, strlen(s), max, &v);
        if (r == -ERANGE)
                return diag_set(d, ERANGE, "%s: the number is too large, expected at most %" PRIu64,
                        value_type_keyword(type), max);
        if (r < 0)
                return diag_set(d, EINVAL, "%s: expected a decimal number or 0x and hex digits",
                        value_type_keyword(type));
        value_put_number(ret, type, v);
        return 0;
}

/* A string of the command line holds no NUL, but it may not be UTF-8. */
static int check_utf8(const char *s, struct diag *d)
{
        size_t len = strlen(s), valid = utf8_valid_prefix(s, len);
        if (valid < len)
                return diag_set(d, EINVAL,
                        "the string is not valid UTF-8 at byte %zu (0x%02x), expected UTF-8 or 0x<type code>:HEX",
                        valid, (uint8_t)s[valid]);
        return 0;
}

static int parse_string(const char *s, struct buf *ret, struct diag *d)
{
        int r = check_utf8(s, d);
        if (r == 0)
                buf_puts(ret, s);
        return r;
}

static int parse_multi(const char *s, struct buf *ret, struct diag *d)
{
        int r = check_utf8(s, d);
        if (r < 0 || *s == '\0')
                return r;
        for (; *s; s++) {
                if (s[0] == '\\' && (s[1] == ',' || s[1] == '\\'))
                        buf_putc(ret, *++s);
                else
                        buf_putc(ret, *s == ',' ? '\0' : *s);
        }
        buf_putc(ret, '\0');
        return 0;
}

static int parse_hex(const char *s, const char *prefix, struct buf *ret, struct diag *d)
{
        int r = number_parse_hex(s, strlen(s), ret);
        if (r == -EINVAL)
                return diag_set(d, EINVAL,
                        "%s: expected pairs of hex digits, with blanks, `:` or `-` only between them",
                        prefix);
        return r;
}

static int parse_typed(const char *s, uint32_t type, struct buf *ret, struct diag *d)
{
        switch (type) {
        case REG_NONE:
                return *s ? diag_set(d, EINVAL, "none: expected nothing after the colon") : 0;
        case REG_DWORD:
        case REG_DWORD_BIG_ENDIAN:
        case REG_QWORD:
                return parse_number(s, type, ret, d);
        case REG_MULTI_SZ:
                return parse_multi(s, ret, d);
        case REG_BINARY:
                return parse_hex(s, "hex", ret, d);
        default:
                return parse_string(s, ret, d);
        }
}

/* The prefixes are fewer than what value_type_parse() takes: `REG_SZ:x` is a string. */
static bool find_prefix(const char *s, size_t len, uint32_t *ret)
{
        uint32_t type;
        if (value_type_parse(s, len, &type) < 0)
                return false;
        const char *keyword = value_type_keyword(type);
        if (strlen(keyword) != len || memcmp(s, keyword, len) != 0)
                keyword = "bin";
        if (strlen(keyword) != len || memcmp(s, keyword, len) != 0)
                return false;
        *ret = type;
        return true;
}

static bool is_code(const char *s, size_t len)
{
        uint64_t code;
        return len > 2 && s[0] == '0' && (s[1] | 0x20) == 'x' &&
               number_parse(s, len, UINT64_MAX, &code) != -EINVAL;
}

static int parse_code(const char *s, const char *colon, struct buf *ret, uint32_t *ret_type, struct diag *d)
{
        if (value_type_parse(s, (size_t)(colon - s), ret_type) < 0)
                return diag_set(
                        d, EINVAL, "no value has this type code, expected 0x0 to 0x%x", VALUE_TYPE_MAX);
        return parse_hex(colon + 1, "0x<type code>", ret, d);
}

/* A number too large for any type is `anything else`, as a word would be. */
static int infer(const char *s, struct buf *ret, uint32_t *ret_type, struct diag *d)
{
        uint64_t v;
        if (number_parse(s, strlen(s), UINT64_MAX, &v) < 0) {
                *ret_type = REG_SZ;
                return parse_string(s, ret, d);
        }
        *ret_type = v <= UINT32_MAX ? REG_DWORD : REG_QWORD;
        return parse_number(s, *ret_type, ret, d);
}

int literal_parse(
        const char *s, struct buf *ret_bytes, uint32_t *ret_type, bool *ret_inferred, struct diag *d)
{
        const char *colon = strchr(s, ':');
        size_t len = colon ? (size_t)(colon - s) : 0;
        bool code = is_code(s, len), prefix = false;
        uint32_t type;
        int r;

        if (code)
                r = parse_code(s, colon, ret_bytes, &type, d);
        else if ((prefix = find_prefix(s, len, &type)))
                r = parse_typed(colon + 1, type, ret_bytes, d);
        else
                r = infer(s, ret_bytes, &type, d);
        if (r == 0)
                r = ret_bytes->error;
        if (r < 0)
                return r;
        *ret_type = type;
        if (ret_inferred)
                *ret_inferred = !code && !prefix;
        return 0;
}

static void format_multi(struct buf *out, const struct value *v)
{
        const char *s = v->data;

        /* The last NUL ends the last item. */
        for (size_t i = 0; i + 1 < v->size; i++) {
                if (s[i] == ',' || s[i] == '\\')
                        buf_putc(out, '\\');
                buf_putc(out, s[i] ? s[i] : ',');
        }
}

void literal_format(struct buf *out, const struct value *v)
{
        uint64_t number;

        if (!value_is_plain(v)) {
                buf_printf(out, "0x%x:", v->type);
                number_format_hex(out, v->data, v->size);
                return;
        }
        buf_printf(out, "%s:", value_type_keyword(v->type));
        if (value_get_u64(v, &number) == 0)
                buf_number(out, number);
        else if (v->type == REG_MULTI_SZ)
                format_multi(out, v);
        else if (value_is_text(v->type))
                buf_add(out, v->data, v->size);
        else
                number_format_hex(out, v->data, v->size);
}
