/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "../../../service/taint/decode.h"
#include "suite.h"

static const struct taint_kernel anything;

TEST(printed)
{
        char s[TAINT_LETTERS_MAX];

        ck_assert_str_eq(taint_columns(0, s), "");
        ck_assert_str_eq(taint_columns(1, s), "P                   ");
        ck_assert_str_eq(taint_columns(1 << 9, s), "G        W          ");
        ck_assert_str_eq(taint_columns(0xfffff, s), "PFSRMBUDAWCIOELKXTNJ");
        ck_assert_str_eq(taint_columns(UINT64_C(1) << 40, s), "G                   ");
        ck_assert_str_eq(taint_letters(0x3001, TAINT_UPSTREAM, 0, s), "POE");
        ck_assert_str_eq(taint_letters(UINT64_C(1) << 40, TAINT_UPSTREAM, 0, s), "");
}

static void check_round_trip(uint64_t mask, const char *letters, bool squeezed)
{
        struct taint_reading r = { 0 };

        taint_read_letters(letters, strlen(letters), &anything, squeezed, &r);
        /* An assertion that holds costs more than all the rest. */
        if (r.mask != mask || r.unknown[0] != '\0' || r.columns == squeezed)
                ck_abort_msg("0x%lx '%s' gave 0x%lx", (unsigned long)mask, letters, (unsigned long)r.mask);
}

/* Both ways the kernel prints: all of them where the program is called with a word, else every 61st, and
 * those with one bit or two. */
TEST(round_trip)
{
        char s[TAINT_LETTERS_MAX];

        for (uint64_t mask = 0; mask < UINT64_C(1) << TAINT_UPSTREAM_BITS; mask++) {
                if (!suite_argument && mask % 61 != 0 && __builtin_popcountll(mask) > 2)
                        continue;
                check_round_trip(mask, taint_columns(mask, s), false);
                check_round_trip(mask, taint_letters(mask, TAINT_UPSTREAM, 0, s), true);
        }
}

TEST(round_trip_numbers)
{
        uint64_t mask = 1;

        for (unsigned i = 0; i < 5000; i++) {
                _cleanup_decoded_ struct taint_decoded d = { 0 };
                char s[32];
                uint64_t number;
                int n = snprintf(s, sizeof(s), i % 2 ? "%lu" : "0x%lx", (unsigned long)mask);
                ck_assert_int_eq(taint_number_parse(s, (size_t)n, 0, &number), 0);
                ck_assert_uint_eq(number, mask);
                ck_assert_int_eq(taint_decode_one(s, (size_t)n, &anything, &d, NULL), 0);
                ck_assert_uint_eq(d.reading.mask, mask);
                for (unsigned bit = 0; bit < 64; bit++) {
                        const struct taint_flag *f = d.reading.flags[bit];
                        if (f ? f->bit != bit || !(mask >> bit & 1)
                              : bit < TAINT_UPSTREAM_BITS && mask >> bit & 1)
                                ck_abort_msg("0x%lx: bit %u", (unsigned long)mask, bit);
                }
                mask = mask * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        }
}

TEST(settled)
{
        static const struct {
                const char *letters;
                enum taint_distro distro;
                uint32_t version;
                uint64_t mask;
                const char *ambiguous, *unknown;
        } cases[] = {
                { "G OX", TAINT_ANY, 0, 1 << 12 | 1 << 16, "X", "" },
                { "G OX", TAINT_UBUNTU, TAINT_VERSION(3, 13, 0), 1 << 12 | 1 << 13, "", "" },
                { "G OX", TAINT_UPSTREAM, 0, 1 << 12 | 1 << 16, "", "" },
                { "G OX", TAINT_UPSTREAM, TAINT_VERSION(3, 13, 0), 1 << 12 | 1 << 16, "", "" },
                /* the column settles what the letter does not */
                { "G           OX", TAINT_ANY, 0, 1 << 12 | 1 << 13, "", "" },
                { "G           O   X", TAINT_ANY, 0, 1 << 12 | 1 << 16, "X", "" },
                { "G           O   X", TAINT_ANY, TAINT_VERSION(4, 4, 0), 1 << 12 | UINT64_C(1) << 31, "",
                        "" },
                { "X", TAINT_SUSE, TAINT_VERSION(3, 0, 101), UINT64_C(1) << 31, "", "" },
                { "X", TAINT_SUSE, TAINT_VERSION(5, 14, 0), 1 << 16, "", "" },
                { "N", TAINT_ANY, 0, 1 << 18, "N", "" },
                { "N", TAINT_ANY, TAINT_VERSION(5, 3, 0), UINT64_C(1) << 31, "", "" },
                { "N", TAINT_SUSE, TAINT_VERSION(4, 4, 0), UINT64_C(1) << 30, "", "" },
                { "G                 N", TAINT_ANY, 0, 1 << 18, "", "" },
                { "G                  N", TAINT_ANY, 0, UINT64_C(1) << 31, "", "" },
                { "G                 N", TAINT_SUSE, 0, 1 << 18, "", "" },
                { "T", TAINT_ANY, 0, 1 << 17, "T", "" },
                { "T", TAINT_RHEL, TAINT_VERSION(3, 10, 0), 1 << 29, "", "" },
                { "T", TAINT_RHEL, TAINT_VERSION(6, 17, 0), 1 << 17, "", "" },
                { "G           OE  ------------ T", TAINT_ANY, 0, 1 << 29 | 3 << 12, "", "" },
                { "P           OE    --------- -t -", TAINT_ANY, 0, 1 << 29 | 3 << 12 | 1, "", "" },
                { "T", TAINT_RHEL, TAINT_VERSION(4, 18, 0), 1 << 17, "", "" },
                { "GF       W  O--------------", TAINT_ANY, 0, 1 << 1 | 1 << 9 | 1 << 12, "", "" },
                { "U", TAINT_ANY, 0, 1 << 6, "", "" },
                { "U", TAINT_ANY, TAINT_VERSION(2, 6, 11), 1 << 30, "", "" },
                { "U", TAINT_RHEL, TAINT_VERSION(2, 6, 18), 1 << 6, "", "" },
                /* E came with 3.15 but stands in 3.10 of RHEL */
                { "OE", TAINT_RHEL, TAINT_VERSION(3, 10, 0), 3 << 12, "", "" },
                { "u", TAINT_ANY, 0, 1 << 30, "u", "" },
                { "u", TAINT_ANY, TAINT_VERSION(5, 14, 0), UINT64_C(1) << 31, "", "" },
                { "prH", TAINT_ANY, 0, 7 << 26, "", "" },
                { "G Q ZQ W", TAINT_ANY, 0, 1 << 9, "", "QZ" },
                { "G", TAINT_ANY, 0, 0, "", "" },
                { "", TAINT_ANY, 0, 0, "", "" },
                { "GPG", TAINT_ANY, 0, 1, "", "" },
                { "XTN", TAINT_ANY, 0, 7 << 16, "XTN", "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct taint_kernel c = { cases[i].distro, cases[i].version };
                struct taint_reading r = { 0 };
                char ambiguous[TAINT_AMBIGUOUS_MAX + 1] = "";
                taint_read_letters(cases[i].letters, strlen(cases[i].letters), &c, false, &r);
                for (size_t k = 0; k < r.n_ambiguous; k++) {
                        ambiguous[k] = r.ambiguous[k].letter;
                        ck_assert_uint_gt(r.ambiguous[k].n, 1);
                        ck_assert_ptr_eq(
                                r.flags[r.ambiguous[k].candidates[0]->bit], r.ambiguous[k].candidates[0]);
                }
                ck_assert_msg(r.mask == cases[i].mask && strcmp(ambiguous, cases[i].ambiguous) == 0 &&
                                      strcmp(r.unknown, cases[i].unknown) == 0,
                        "case %zu '%s': 0x%lx '%s' '%s'", i, cases[i].letters, (unsigned long)r.mask,
                        ambiguous, r.unknown);
        }
}

TEST(many_unknown)
{
        struct taint_reading r = { 0 };

        taint_read_letters("abcdefghijklmnoqsvwxyz", 22, &anything, false, &r);
        ck_assert_uint_eq(strlen(r.unknown), TAINT_UNKNOWN_MAX);
        ck_assert_uint_eq(r.mask, 0);
}

TEST(ambiguous_numbers)
{
        struct taint_reading r = { 0 };
        const struct taint_kernel suse = { TAINT_SUSE, TAINT_VERSION(5, 14, 0) };

        taint_read_mask(UINT64_C(1) << 31 | 1 << 16 | 1 << 13, &anything, &r);
        ck_assert_uint_eq(r.n_ambiguous, 2);
        r = (struct taint_reading){ 0 };
        taint_read_mask(UINT64_C(1) << 31 | 1 << 16, &suse, &r);
        ck_assert_uint_eq(r.n_ambiguous, 0);
        ck_assert_str_eq(r.flags[31]->symbol, "NO_SUPPORT");
}

Suite *test_suite(void)
{
        return suite_of("taint-letters");
}
