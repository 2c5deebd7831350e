/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../schema/base/file.h"
#include "../../../schema/base/macro.h"
#include "../../../schema/names/fold.h"
#include "suite.h"

TEST(well_known_characters)
{
        static const struct {
                uint32_t c, folded;
        } rows[] = {
                { 'A', 'a' },
                { 'Z', 'z' },
                { 'a', 'a' },
                { '@', '@' },
                { '[', '[' },
                { '`', '`' },
                { '{', '{' },
                { 0, 0 },
                { 0xB5, 0x3BC },    /* micro sign -> mu */
                { 0xC9, 0xE9 },     /* É */
                { 0xD7, 0xD7 },     /* multiplication sign, between two runs of letters */
                { 0xDF, 0xDF },     /* ß: ss only under full folding */
                { 0x1E9E, 0xDF },   /* capital sharp s */
                { 0x130, 0x130 },   /* İ: only T and F */
                { 0x131, 0x131 },   /* dotless i */
                { 0x17F, 's' },     /* long s */
                { 0x3A3, 0x3C3 },   /* Σ */
                { 0x3C2, 0x3C3 },   /* final ς */
                { 0x3C3, 0x3C3 },   /* σ */
                { 0x212A, 'k' },    /* Kelvin sign */
                { 0x212B, 0xE5 },   /* Ångström sign */
                { 0x2126, 0x3C9 },  /* ohm sign */
                { 0x1C4, 0x1C6 },   /* Ǆ */
                { 0x1C5, 0x1C6 },   /* ǅ, title case */
                { 0x23A, 0x2C65 },  /* two bytes of UTF-8 become three */
                { 0x13A0, 0x13A0 }, /* Cherokee folds to capitals */
                { 0xAB70, 0x13A0 }, /* Cherokee small a */
                { 0x13F8, 0x13F0 },
                { 0x1C80, 0x432 },    /* Cyrillic rounded ve */
                { 0x10A0, 0x2D00 },   /* Georgian */
                { 0xFF21, 0xFF41 },   /* fullwidth A */
                { 0x10400, 0x10428 }, /* Deseret */
                { 0x1E900, 0x1E922 }, /* Adlam */
                { 0x1FD3, 0x390 },    /* 15.1 */
                { 0xFB05, 0xFB06 },
                { 0x1C89, 0x1C8A }, /* 16.0 */
                { 0xA7CB, 0x264 },
                { 0xA7DA, 0xA7DB },
                { 0x10D50, 0x10D70 }, /* Garay */
                { 0x10D65, 0x10D85 },
                { 0x10D66, 0x10D66 },
                { 0x1E97F, 0x1E97F },
                { 0x1E980, 0x1E980 },
                { 0x10FFFF, 0x10FFFF },
                { 0x110000, 0x110000 },
                { UINT32_MAX, UINT32_MAX },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                ck_assert_msg(fold_char(rows[i].c) == rows[i].folded, "U+%04X -> U+%04X",
                        (unsigned)rows[i].c, (unsigned)fold_char(rows[i].c));
}

/* The CRC was taken over the C and S lines of CaseFolding-16.0.0, each as two little-endian words. */
TEST(whole_table)
{
        uint32_t crc = 0;
        unsigned n = 0;
        for (uint32_t c = 0; c < 0x110000; c++) {
                uint32_t folded = fold_char(c);
                if (fold_char(folded) != folded)
                        ck_abort_msg("U+%04X folds twice", (unsigned)c);
                if (folded == c)
                        continue;
                uint8_t words[8];
                for (unsigned i = 0; i < 4; i++) {
                        words[i] = (uint8_t)(c >> 8 * i);
                        words[4 + i] = (uint8_t)(folded >> 8 * i);
                }
                crc = file_sum(crc, words, sizeof(words));
                n++;
        }
        ck_assert_str_eq(fold_unicode_version, "16.0.0");
        ck_assert_uint_eq(n, 1484);
        ck_assert_uint_eq(crc, 0xe1b3b2e3);
}

/* Rows in the order of their folded code points; the names in a row are equal. */
static const char *const names[][4] = {
        { "" },
        { "a", "A" },
        { "a\\b", "A\\B" },
        { "a_", "A_" }, /* above the capitals, below the small letters */
        { "aa", "AA", "aA" },
        { "e\u0301", "E\u0301" }, /* é decomposed is another name */
        { "k", "K", "\u212A" },
        { "kernel\u00e9xx", "\u212AERNEL\u00c9xX", "KerneL\u00C9XX" },
        { "machine", "Machine", "MACHINE", "mAcHiNe" },
        { "machine name of more than sixteen bytes", "Machine Name OF More Than \u017Fixteen Bytes" },
        { "machines", "machine\u017F", "MACHINES" },
        { "strasse", "STRASSE", "\u017Ftra\u017F\u017Fe" },
        { "stra\u00dfe", "STRA\u1e9eE", "Stra\u00dfe" },
        { "\u00e9", "\u00c9" }, /* é composed */
        { "\u03c3\u03c3", "\u03a3\u03c2", "\u03c2\u03c3", "\u03a3\u03a3" },
        { "\u2c65", "\u023a" },
        { "\U00010d70", "\U00010d50" },
};

static void check_pair(size_t i, const char *a, size_t j, const char *b)
{
        int expected = (i > j) - (i < j);
        ck_assert_msg(fold_compare(a, strlen(a), b, strlen(b)) == expected, "%s and %s", a, b);
        ck_assert_msg(fold_equal(a, strlen(a), b, strlen(b)) == (i == j), "%s and %s", a, b);
        for (uint32_t seed = 0; seed < 3; seed++)
                ck_assert_msg((fold_hash(a, strlen(a), seed) == fold_hash(b, strlen(b), seed)) == (i == j),
                        "hashes of %s and %s", a, b);
}

TEST(order_equality_and_hash)
{
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                for (size_t j = 0; j < ARRAY_SIZE(names); j++)
                        for (size_t a = 0; a < 4 && names[i][a]; a++)
                                for (size_t b = 0; b < 4 && names[j][b]; b++)
                                        check_pair(i, names[i][a], j, names[j][b]);
        ck_assert_uint_ne(fold_hash("name", 4, 1), fold_hash("name", 4, 2));
}

/* The same letters in another case and, where there is one, another length of character, at every place of a
 * word and over several pieces of the hash. */
TEST(words_and_pieces)
{
        char plain[300], other[3 * sizeof(plain)];
        for (size_t n = 0; n < sizeof(plain); n++) {
                size_t len = 0;
                uint64_t random = n;
                for (size_t i = 0; i < n; i++) {
                        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
                        unsigned pick = (unsigned)(random >> 40);
                        bool kelvin = pick % 13 == 0;
                        plain[i] = kelvin ? 'k' : (char)('a' + pick % 26);
                        if (kelvin) {
                                memcpy(other + len, "\u212A", 3);
                                len += 3;
                        } else
                                other[len++] = (char)(pick & 256 ? plain[i] : plain[i] - 0x20);
                }
                ck_assert(fold_equal(plain, n, other, len));
                ck_assert_uint_eq(fold_hash(plain, n, 7), fold_hash(other, len, 7));
                if (n == 0)
                        continue;
                ck_assert_int_eq(fold_compare(plain, n - 1, other, len), -1);
                ck_assert_uint_ne(fold_hash(plain, n - 1, 7), fold_hash(other, len, 7));
                plain[n / 2] = '0';
                ck_assert_int_eq(fold_compare(plain, n, other, len), -1);
                ck_assert_int_eq(fold_compare(other, len, plain, n), 1);
                ck_assert_uint_ne(fold_hash(plain, n, 7), fold_hash(other, len, 7));
        }
}

/* Every ASCII character against every other, inside a word and behind the last one. */
TEST(ascii)
{
        for (unsigned a = 0; a < 0x80; a++)
                for (unsigned b = 0; b < 0x80; b++) {
                        char x[] = "01234567xyz", y[] = "01234567XYZ";
                        int lower_a = (int)(a >= 'A' && a <= 'Z' ? a + 32 : a);
                        int lower_b = (int)(b >= 'A' && b <= 'Z' ? b + 32 : b);
                        x[5] = (char)a, y[5] = (char)b;
                        int in_word = fold_compare(x, 11, y, 11);
                        x[5] = y[5] = '5', x[10] = (char)a, y[10] = (char)b;
                        int behind = fold_compare(x, 11, y, 11);
                        int expected = (lower_a > lower_b) - (lower_a < lower_b);
                        ck_assert_msg(in_word == expected && behind == expected, "0x%02x 0x%02x", a, b);
                        ck_assert_msg((fold_hash(x, 11, 1) == fold_hash(y, 11, 1)) == (expected == 0),
                                "0x%02x 0x%02x", a, b);
                }
}

/* Names are checked before they come here; if one ever is not, nothing may be read behind its end. */
TEST(bad_bytes_are_themselves)
{
        static const char cut[] = "ab\xE2\x84";
        ck_assert(fold_equal(cut, 4, "AB\xE2\x84", 4));
        ck_assert_uint_eq(fold_hash(cut, 4, 1), fold_hash("AB\xE2\x84", 4, 1));
        ck_assert(!fold_equal(cut, 4, "ab\xE2\x85", 4));
        ck_assert(!fold_equal("\xFF", 1, "\u00ff", 2));
}

TEST(slips)
{
        static const struct {
                const char *a, *b;
                bool slip;
        } rows[] = {
                { "TaintEvents", "TaintEvent", true },
                { "TaintEvents", "taintevent", true },
                { "TaintEvents", "TaintEventss", true },
                { "TaintEvents", "xTaintEvents", true },
                { "TaintEvents", "TaintEvemts", true },
                { "TaintEvents", "TiantEvents", true },
                { "TaintEvents", "TaintEvenst", true },
                { "TaintEvents", "TAINTEVENTS", false },
                { "TaintEvents", "TaintEven", false },
                { "TaintEvents", "TaintEvnets1", false },
                { "TaintEvents", "tniatEvents", false },
                { "Größe", "Grösse", false },
                { "Größe", "GRÖßEN", true },
                { "aab", "ab", true },
                { "a", "b", true },
                { "", "b", true },
                { "", "", false },
                { "ab", "ba", true },
                { "abc", "cab", false },
        };
        char name[2 * FOLD_SLIP_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const char *a = rows[i].a, *b = rows[i].b;
                ck_assert_msg(fold_is_slip(a, strlen(a), b, strlen(b)) == rows[i].slip, "%s %s", a, b);
                ck_assert_msg(fold_is_slip(b, strlen(b), a, strlen(a)) == rows[i].slip, "%s %s", b, a);
        }
        memset(name, 'x', sizeof(name));
        ck_assert(fold_is_slip(name, FOLD_SLIP_MAX, name, FOLD_SLIP_MAX - 1));
        ck_assert(!fold_is_slip(name, FOLD_SLIP_MAX + 1, name, FOLD_SLIP_MAX));
}

Suite *test_suite(void)
{
        return suite_of("fold");
}
