/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exchange-text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "../../schema/names/fold.h"

/* ---- From one encoding to another ---- */

int exchange_codec_open(struct exchange_codec *ret, const char *to, const char *from)
{
        iconv_t cd = iconv_open(to, from);
        if (cd == (iconv_t)-1) /* NOLINT */
                return errno == ENOMEM ? -ENOMEM : -EINVAL;
        *ret = (struct exchange_codec){ .cd = cd, .unit = strcmp(from, EXCHANGE_UTF16) == 0 ? 2 : 1 };
        return 0;
}

void exchange_codec_close(struct exchange_codec *c)
{
        if (c->cd)
                (void)iconv_close(c->cd);
        c->cd = NULL;
}

/* iconv() into the room that there is; what it says when that is full, or the text is at its end or no text.
 */
static int step(struct exchange_codec *c, char **s, size_t *n, struct buf *out)
{
        if (buf_reserve(out, *n + 16) < 0)
                return ENOMEM;
        char *to = out->data + out->len;
        size_t room = out->size - out->len - 1;
        int error = iconv(c->cd, s, n, &to, &room) == (size_t)-1 ? errno : 0;

        out->len = (size_t)(to - out->data);
        out->data[out->len] = '\0';
        return error;
}

bool exchange_codec_convert(struct exchange_codec *c, const char *s, size_t n, struct buf *out)
{
        char *at = (char *)(uintptr_t)s;
        bool good = true;

        (void)iconv(c->cd, NULL, NULL, NULL, NULL);
        while (n > 0 && !out->error) {
                int error = step(c, &at, &n, out);
                if (error == 0 || error == E2BIG || error == ENOMEM)
                        continue;
                size_t skipped = n < c->unit ? n : c->unit;
                buf_putc(out, EXCHANGE_NO_CHARACTER);
                at += skipped;
                n -= skipped;
                good = false;
        }
        return good;
}

/* ---- A whole text ---- */

static bool is_blank(char c)
{
        return c == ' ' || c == '\t';
}

static bool begins(const char *s, size_t n, const char *with)
{
        return n >= strlen(with) && memcmp(s, with, strlen(with)) == 0;
}

static size_t length_of_line(const char *s, size_t n)
{
        size_t len = 0;
        while (len < n && s[len] != '\n' && s[len] != '\r')
                len++;
        return len;
}

static enum exchange_version version_of_line(const char *s, size_t n)
{
        static const char v4[] = "REGEDIT4", v5[] = "Windows Registry Editor Version 5.00";
        static const char *const others[] = { "REGEDIT", "Windows Registry Editor", "WINE REGISTRY" };

        while (n > 0 && is_blank(s[n - 1]))
                n--;
        if (n == strlen(v4) && begins(s, n, v4))
                return EXCHANGE_V4;
        if (n == strlen(v5) && begins(s, n, v5))
                return EXCHANGE_V5;
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                if (begins(s, n, others[i]))
                        return EXCHANGE_OTHER_VERSION;
        return EXCHANGE_NO_HEADER;
}

enum exchange_version exchange_version_of(const char *s, size_t n, size_t *ret_at)
{
        size_t at = 0;

        while (at < n) {
                size_t start = at, len = length_of_line(s + at, n - at);
                while (start < at + len && is_blank(s[start]))
                        start++;
                *ret_at = start;
                if (start < at + len && s[start] != ';' && s[at] != '#')
                        return version_of_line(s + start, at + len - start);
                at += len + 1;
        }
        *ret_at = n;
        return EXCHANGE_NO_HEADER;
}

static int convert_all(const char *s, size_t n, const char *encoding, const char *name,
        struct exchange_text *ret, struct diag *d)
{
        struct exchange_codec codec;
        int r = exchange_codec_open(&codec, "UTF-8", encoding);
        if (r == -EINVAL)
                return diag_set(d, EINVAL,
                        "%s: encoding `%s` is not known here, expected a name from `iconv -l`", name,
                        encoding);
        if (r < 0)
                return r;
        (void)exchange_codec_convert(&codec, s, n, &ret->text);
        exchange_codec_close(&codec);
        return ret->text.error;
}

static int refuse_byte(const char *name, const char *s, size_t at, struct diag *d)
{
        size_t line = 1, start = 0;

        for (size_t i = 0; i < at; i++)
                if (s[i] == '\n' || (s[i] == '\r' && s[i + 1] != '\n')) {
                        line++;
                        start = i + 1;
                }
        return diag_set(d, EINVAL,
                "%s:%zu:%zu: byte 0x%02x is not UTF-8, expected UTF-16 with a byte order mark, UTF-8, or an "
                "encoding that is named",
                name, line, utf8_count(s + start, at - start) + 1, (uint8_t)s[at]);
}

#define CODING ";coding: "
#define CODING_TAIL ((size_t)100)

/* What Samba writes behind the last key, for an editor. */
static bool find_coding(const char *s, size_t n, char *word, size_t size)
{
        size_t tail = n < CODING_TAIL ? n : CODING_TAIL;
        const char *at = memmem(s + n - tail, tail, CODING, strlen(CODING));
        if (!at)
                return false;
        at += strlen(CODING);
        size_t len = length_of_line(at, (size_t)(s + n - at));
        if (len == 0 || len >= size)
                return false;
        for (size_t i = 0; i < len; i++)
                if (!isalnum((unsigned char)at[i]) && at[i] != '-' && at[i] != '_')
                        return false;
        memcpy(word, at, len);
        word[len] = '\0';
        return true;
}

/* No mark, and nobody said what it is: what it says itself, or UTF-8 if it can be. */
static int find_out(const char *name, const char *s, size_t n, struct exchange_text *ret, struct diag *d)
{
        size_t valid = utf8_valid_prefix(s, n), at;
        bool is_v4 = exchange_version_of(s, n, &at) == EXCHANGE_V4;

        if (n >= 2 && (s[0] == '\0' || s[1] == '\0'))
                return diag_set(d, EINVAL,
                        "%s:1:1: UTF-16 without a byte order mark, expected one (save the file anew)", name);
        if (is_v4 && find_coding(s, n, ret->coding, sizeof(ret->coding))) {
                ret->code_page = ret->coding;
                return convert_all(s, n, ret->coding, name, ret, d);
        }
        if (valid == n) {
                buf_add(&ret->text, s, n);
                for (size_t i = 0; i < n; i++)
                        if ((uint8_t)s[i] >= 0x80) {
                                ret->code_page = "UTF-8";
                                break;
                        }
                return ret->text.error;
        }
        if (is_v4)
                return convert_all(s, n, EXCHANGE_ANSI, name, ret, d);
        return refuse_byte(name, s, valid, d);
}

int exchange_text_decode(const char *name, const void *data, size_t size, const char *encoding,
        struct exchange_text *ret, struct diag *d)
{
        const char *s = data;

        *ret = (struct exchange_text){ .code_page = encoding ? encoding : EXCHANGE_ANSI };
        if (begins(s, size, "\xfe\xff"))
                return diag_set(d, EINVAL,
                        "%s:1:1: big-endian UTF-16, expected little-endian (save the file as UTF-16LE)",
                        name);
        int r;
        if (begins(s, size, "\xff\xfe"))
                r = convert_all(s + 2, size - 2, EXCHANGE_UTF16, name, ret, d);
        else if (begins(s, size, "\xef\xbb\xbf")) {
                ret->code_page = encoding ? encoding : "UTF-8";
                buf_add(&ret->text, s + 3, size - 3);
                r = ret->text.error;
        } else if (encoding)
                r = convert_all(s, size, encoding, name, ret, d);
        else
                r = find_out(name, s, size, ret, d);
        if (r < 0)
                exchange_text_done(ret);
        return r;
}

void exchange_text_done(struct exchange_text *t)
{
        buf_done(&t->text);
}
