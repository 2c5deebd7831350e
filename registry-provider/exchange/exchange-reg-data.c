/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands behind `=` in a .reg text. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "exchange-reg.h"

static bool is_digit(char c)
{
        return isxdigit((unsigned char)c) != 0;
}

static unsigned digit(char c)
{
        return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* Over the word, in any case. */
static bool take(struct exchange_reg *r, const char *word)
{
        size_t n = strlen(word);
        if (r->size - r->here.at < n || strncasecmp(r->s + r->here.at, word, n) != 0)
                return false;
        r->here.at += n;
        return true;
}

static int read_dword(struct exchange_reg *r)
{
        exchange_reg_skip_blanks(r);
        struct exchange_reg_place start = r->here;
        uint32_t n = 0;
        size_t digits = 0;

        for (; is_digit(exchange_reg_peek(r)); digits++, r->here.at++)
                n = n << 4 | digit(exchange_reg_peek(r));
        if (digits == 0)
                return exchange_reg_bad(
                        r, &start, "`dword:` without a number, expected 1 to 8 hexadecimal digits");
        if (digits > 8)
                return exchange_reg_bad(
                        r, &start, "`dword:` with %zu digits, expected 1 to 8 hexadecimal digits", digits);
        value_put_number(&r->data, REG_DWORD, n);
        return 0;
}

/* ---- Bytes ---- */

/* Behind a backslash the bytes go on in the next line. What else stands there is not swallowed. */
static int go_on(struct exchange_reg *r)
{
        struct exchange_reg_place start = r->here;

        r->here.at++;
        exchange_reg_skip_blanks(r);
        if (exchange_reg_peek(r) == ';')
                exchange_reg_skip_to_line_end(r);
        if (!exchange_reg_at_line_end(r))
                return exchange_reg_bad(r, &start, "text behind the `\\`, expected the end of the line");
        if (!exchange_reg_at_end(r))
                exchange_reg_next_line(r);
        exchange_reg_skip_blanks(r);
        char c = exchange_reg_peek(r);
        if (is_digit(c) || c == ',')
                return 0;
        if (exchange_reg_at_line_end(r))
                return exchange_reg_bad(r, &start,
                        "the value ends here though `\\` says that it goes on, expected more bytes");
        return exchange_reg_bad(r, &start,
                "`\\` says that the value goes on, but line %u has no bytes, expected no `\\`, or more bytes",
                r->here.line);
}

static int read_byte(struct exchange_reg *r)
{
        struct exchange_reg_place start = r->here;
        unsigned n = 0, digits = 0;

        for (; is_digit(exchange_reg_peek(r)); digits++, r->here.at++)
                n = (n << 4 | digit(exchange_reg_peek(r))) & 0xff;
        if (digits == 0)
                return exchange_reg_bad(r, &start, "not a byte, expected one or two hexadecimal digits");
        if (digits > 2)
                return exchange_reg_bad(
                        r, &start, "a byte of %u digits, expected one or two, and `,` behind them", digits);
        buf_putc(&r->bytes, (char)n);
        return 0;
}

static bool ends(struct exchange_reg *r)
{
        exchange_reg_skip_blanks(r);
        return exchange_reg_at_line_end(r) || exchange_reg_peek(r) == ';';
}

static int read_bytes(struct exchange_reg *r)
{
        buf_clear(&r->bytes);
        while (!ends(r)) {
                int e = exchange_reg_peek(r) == '\\' ? go_on(r) : 0;
                if (e == 0)
                        e = read_byte(r);
                if (e < 0)
                        return e;
                if (ends(r))
                        break;
                if (exchange_reg_peek(r) == '\\') {
                        e = go_on(r);
                        if (e < 0)
                                return e;
                }
                if (exchange_reg_peek(r) != ',')
                        return exchange_reg_bad(
                                r, &r->here, "text behind a byte, expected `,` or the end of the line");
                r->here.at++;
        }
        return r->bytes.error;
}

/* ---- Bytes as what their type says ---- */

/* The text that the bytes are, into r->data. */
static int read_encoded(struct exchange_reg *r, const struct exchange_reg_place *start, uint32_t type)
{
        if (!r->is_v4 && r->bytes.len % 2 != 0)
                return exchange_reg_bad(r, start, "%s of %zu bytes, expected UTF-16, two bytes each",
                        value_type_symbol(type), r->bytes.len);
        if (exchange_codec_convert(&r->codec, buf_str(&r->bytes), r->bytes.len, &r->data))
                return r->data.error;
        return exchange_reg_bad(r, start, "%s that is no text, expected %s", value_type_symbol(type),
                r->is_v4 ? r->text.code_page : "UTF-16");
}

/* One NUL ends it; more are kept; text behind one is not. */
static int read_hex_text(struct exchange_reg *r, const struct exchange_reg_place *start, uint32_t type)
{
        int e = read_encoded(r, start, type);
        if (e < 0 || r->data.len == 0)
                return e;
        size_t len = strlen(r->data.data);
        for (size_t i = len; i < r->data.len; i++)
                if (r->data.data[i] != '\0')
                        return exchange_reg_bad(r, start, "%s with text behind a NUL, expected none",
                                value_type_symbol(type));
        if (len < r->data.len)
                r->data.len--;
        return 0;
}

/* Items that are empty are dropped. */
static int read_hex_list(struct exchange_reg *r, const struct exchange_reg_place *start)
{
        _cleanup_buf_ struct buf list = BUF_INIT;
        int e = read_encoded(r, start, REG_MULTI_SZ);

        for (size_t i = 0; e == 0 && i < r->data.len;) {
                size_t len = strnlen(r->data.data + i, r->data.len - i);
                if (len > 0)
                        value_put_multi_item(&list, r->data.data + i, len);
                i += len + 1;
        }
        if (e < 0)
                return e;
        buf_clear(&r->data);
        buf_add(&r->data, list.data, list.len);
        return list.error;
}

static int read_hex_number(struct exchange_reg *r, const struct exchange_reg_place *start, uint32_t type)
{
        size_t size = type == REG_QWORD ? 8 : 4;
        if (r->bytes.len != size)
                return exchange_reg_bad(r, start, "%s of %zu bytes, expected %zu", value_type_symbol(type),
                        r->bytes.len, size);
        buf_add(&r->data, r->bytes.data, r->bytes.len);
        return 0;
}

static int read_hex_data(struct exchange_reg *r, const struct exchange_reg_place *start, uint32_t type)
{
        switch (type) {
        case REG_SZ:
        case REG_EXPAND_SZ:
                return read_hex_text(r, start, type);
        case REG_MULTI_SZ:
                return read_hex_list(r, start);
        case REG_DWORD:
        case REG_DWORD_BIG_ENDIAN:
        case REG_QWORD:
                return read_hex_number(r, start, type);
        default:
                buf_add(&r->data, buf_str(&r->bytes), r->bytes.len);
                return 0;
        }
}

/* The code in `hex(7):`; without one it is REG_BINARY. */
static int read_hex_type(struct exchange_reg *r, const struct exchange_reg_place *start, uint32_t *ret)
{
        uint64_t n = 0;
        size_t digits = 0;

        *ret = REG_BINARY;
        if (take(r, ":"))
                return 0;
        if (take(r, "("))
                for (; is_digit(exchange_reg_peek(r)); digits++, r->here.at++)
                        n = n > UINT32_MAX ? n : n << 4 | digit(exchange_reg_peek(r));
        if (digits == 0 || !take(r, "):"))
                return exchange_reg_bad(r, start, "`hex` and no type, expected `hex:` or `hex(n):`");
        if (n == REG_LINK)
                return exchange_reg_bad(
                        r, start, "a link as bytes, expected another type (links are made otherwise)");
        if (n > VALUE_TYPE_MAX)
                return exchange_reg_bad(
                        r, start, "no value has this type, expected hex(0) to hex(%x)", VALUE_TYPE_MAX);
        *ret = (uint32_t)n;
        return 0;
}

static int read_hex(struct exchange_reg *r, const struct exchange_reg_place *start, uint32_t *ret_type)
{
        int e = read_hex_type(r, start, ret_type);
        if (e == 0)
                e = read_bytes(r);
        return e < 0 ? e : read_hex_data(r, start, *ret_type);
}

static int read_kind(struct exchange_reg *r, uint32_t *ret_type, bool *ret_deleted)
{
        const struct exchange_reg_place start = r->here;
        int e;

        if (exchange_reg_peek(r) == '"') {
                *ret_type = REG_SZ;
                e = exchange_reg_quoted(r);
                buf_add(&r->data, buf_str(&r->word), r->word.len);
                return e;
        }
        if (take(r, "dword:")) {
                *ret_type = REG_DWORD;
                return read_dword(r);
        }
        if (take(r, "hex"))
                return read_hex(r, &start, ret_type);
        if (take(r, "-")) {
                *ret_deleted = true;
                return 0;
        }
        return exchange_reg_bad(r, &start,
                "%s, expected \"text\", dword:, hex:, hex(n): or - (which deletes the value)",
                exchange_reg_at_line_end(r) ? "nothing behind `=`" : "data that .reg does not have");
}

int exchange_reg_data(struct exchange_reg *r, uint32_t *ret_type, bool *ret_deleted)
{
        const struct exchange_reg_place start = r->here;

        buf_clear(&r->data);
        *ret_type = REG_NONE;
        *ret_deleted = false;
        int e = read_kind(r, ret_type, ret_deleted);
        if (e < 0)
                return e;
        if (!ends(r)) {
                r->ran_away = r->here.line != start.line;
                return r->ran_away
                               ? exchange_reg_bad(r, &start,
                                         "quotes that are not closed in this line, and text behind the next ones in "
                                         "line %u, expected a quotation mark",
                                         r->here.line)
                               : exchange_reg_bad(
                                         r, &r->here, "text behind the data, expected the end of the line");
        }
        if (r->data.error)
                return r->data.error;
        size_t max = r->how->value_max > 0 ? r->how->value_max : VALUE_BYTES_DEFAULT_MAX;
        return r->data.len <= max ? 0
                                  : exchange_reg_bad(r, &start, "a value of %zu bytes, expected at most %zu",
                                            r->data.len, max);
}
