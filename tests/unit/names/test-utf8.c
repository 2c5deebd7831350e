/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../schema/base/buf.h"
#include "../../../schema/base/macro.h"
#include "../../../schema/names/fold.h"
#include "suite.h"

TEST(edges)
{
        static const struct {
                const char *bytes;
                size_t n, len; /* len 0: not valid */
                uint32_t c;
        } rows[] = {
                { "\0", 1, 1, 0 },
                { "a", 1, 1, 'a' },
                { "\x7F", 1, 1, 0x7F },
                { "\x80", 1, 0, 0 }, /* continuation without a lead */
                { "\xBF", 1, 0, 0 },
                { "\xC0\x80", 2, 0, 0 }, /* overlong */
                { "\xC1\xBF", 2, 0, 0 },
                { "\xC2\x80", 2, 2, 0x80 },
                { "\xC2", 1, 0, 0 }, /* cut short */
                { "\xC2\x41", 2, 0, 0 },
                { "\xC2\xC2", 2, 0, 0 },
                { "\xDF\xBF", 2, 2, 0x7FF },
                { "\xE0\x9F\xBF", 3, 0, 0 },
                { "\xE0\xA0\x80", 3, 3, 0x800 },
                { "\xE2\x82", 2, 0, 0 },
                { "\xE2\x82\x41", 3, 0, 0 },
                { "\xED\x9F\xBF", 3, 3, 0xD7FF },
                { "\xED\xA0\x80", 3, 0, 0 }, /* surrogates */
                { "\xED\xBF\xBF", 3, 0, 0 },
                { "\xEE\x80\x80", 3, 3, 0xE000 },
                { "\xEF\xBF\xBF", 3, 3, 0xFFFF },
                { "\xF0\x8F\xBF\xBF", 4, 0, 0 },
                { "\xF0\x90\x80\x80", 4, 4, 0x10000 },
                { "\xF0\x90\x80", 3, 0, 0 },
                { "\xF0\x90\x41\x80", 4, 0, 0 },
                { "\xF4\x8F\xBF\xBF", 4, 4, 0x10FFFF },
                { "\xF4\x90\x80\x80", 4, 0, 0 }, /* above U+10FFFF */
                { "\xF5\x80\x80\x80", 4, 0, 0 },
                { "\xF8\x88\x80\x80\x80", 5, 0, 0 }, /* five bytes */
                { "\xFE", 1, 0, 0 },
                { "\xFF", 1, 0, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                uint32_t c = 0xAAAA;
                size_t len = utf8_decode(rows[i].bytes, rows[i].n, &c);
                ck_assert_msg(len == rows[i].len, "row %zu: length %zu", i, len);
                ck_assert_msg(c == (len ? rows[i].c : 0xAAAA), "row %zu: U+%04X", i, (unsigned)c);
                ck_assert_uint_eq(utf8_valid_prefix(rows[i].bytes, rows[i].n), len);
        }
}

/* Straight from the definition (Unicode, table 3-6), to compare with. */
static size_t encode(uint32_t c, char *to)
{
        if (c < 0x80) {
                to[0] = (char)c;
                return 1;
        }
        if (c < 0x800) {
                to[0] = (char)(0xC0 | c >> 6);
                to[1] = (char)(0x80 | (c & 0x3F));
                return 2;
        }
        if (c < 0x10000) {
                to[0] = (char)(0xE0 | c >> 12);
                to[1] = (char)(0x80 | (c >> 6 & 0x3F));
                to[2] = (char)(0x80 | (c & 0x3F));
                return 3;
        }
        to[0] = (char)(0xF0 | c >> 18);
        to[1] = (char)(0x80 | (c >> 12 & 0x3F));
        to[2] = (char)(0x80 | (c >> 6 & 0x3F));
        to[3] = (char)(0x80 | (c & 0x3F));
        return 4;
}

TEST(every_character)
{
        for (uint32_t c = 0; c < 0x110000; c++) {
                char bytes[4];
                uint32_t back = ~c;
                size_t n = encode(c, bytes), expected = c >= 0xD800 && c < 0xE000 ? 0 : n;
                if (utf8_decode(bytes, n, &back) != expected || (expected && back != c) ||
                        (n > 1 && utf8_decode(bytes, n - 1, &back) != 0))
                        ck_abort_msg("U+%04X", (unsigned)c);
        }
}

/* Text is checked in words: a bad byte must be found at each place of a word, in short and long text. */
TEST(first_bad_byte)
{
        char text[40];
        for (size_t n = 1; n <= sizeof(text); n++)
                for (size_t bad = 0; bad < n; bad++) {
                        memset(text, 'x', sizeof(text));
                        ck_assert_uint_eq(utf8_valid_prefix(text, n), n);
                        text[bad] = '\xFF';
                        ck_assert_uint_eq(utf8_valid_prefix(text, n), bad);
                        text[bad] = '\xC3';
                        ck_assert_uint_eq(utf8_valid_prefix(text, n), bad);
                        if (bad + 1 == n)
                                continue;
                        text[bad + 1] = '\xA9';
                        ck_assert_uint_eq(utf8_valid_prefix(text, n), n);
                }
        ck_assert_uint_eq(utf8_valid_prefix("", 0), 0);
}

TEST(replaced)
{
        static const struct {
                const char *text, *expected;
        } cases[] = {
                { "", "" },
                { "pl\xC3\xA4in \xF0\x9F\x90\xA7", "pl\xC3\xA4in \xF0\x9F\x90\xA7" },
                { "\xFF", "\xEF\xBF\xBD" },
                { "a\xC3", "a\xEF\xBF\xBD" },
                { "\xED\xA0\x80z", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz" },
                /* U+FFFE, U+1FFFF, U+FDD0 and U+FDEF, and the neighbours U+FDCF and U+FDF0 */
                { "\xEF\xBF\xBE", "\xEF\xBF\xBD" },
                { "\xF0\x9F\xBF\xBF", "\xEF\xBF\xBD" },
                { "\xEF\xB7\x90\xEF\xB7\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD" },
                { "\xEF\xB7\x8F\xEF\xB7\xB0", "\xEF\xB7\x8F\xEF\xB7\xB0" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_buf_ struct buf out = BUF_INIT;
                utf8_replace(&out, cases[i].text, strlen(cases[i].text));
                ck_assert_int_eq(out.error, 0);
                ck_assert_str_eq(buf_str(&out), cases[i].expected);
                ck_assert(utf8_sendable(cases[i].expected, strlen(cases[i].expected)));
                ck_assert_int_eq(utf8_sendable(cases[i].text, strlen(cases[i].text)),
                        strcmp(cases[i].text, cases[i].expected) == 0);
        }
}

Suite *test_suite(void)
{
        return suite_of("utf8");
}
