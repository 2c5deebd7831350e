/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compressed files: read whole, cut off, damaged, and of kinds that are not read. */
#include <stdlib.h>
#include <string.h>

#include "../../../schema/base/fileio.h"
#include "../../../service/taint/unpack.h"
#include "../base/test-util.h"
#include "packed.h"
#include "scan-folder.h"

START_TEST(compressed)
{
        static const struct {
                const struct unpack_format *format;
                const uint8_t *data;
                size_t n;
        } cases[] = {
                { &unpack_gzip, packed_gzip, sizeof(packed_gzip) },
                { &unpack_xz, packed_xz, sizeof(packed_xz) },
                { &unpack_zstd, packed_zstd, sizeof(packed_zstd) },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                for (size_t times = 1; times <= 2; times++) {
                        _cleanup_buf_ struct buf twice = BUF_INIT;
                        struct scan s;
                        for (size_t k = 0; k < times; k++)
                                buf_add(&twice, cases[i].data, cases[i].n);
                        put("log", twice.data, twice.len);
                        scan_of(&s, "log");
                        if (cases[i].format->open) {
                                ck_assert_uint_eq(s.n_skipped, 0);
                                ck_assert_uint_eq(s.bytes, times * (sizeof(packed_text) - 1));
                                ck_assert_uint_eq(s.flags[13].reports, 1);
                                ck_assert_uint_eq(s.modules.map.used, 1);
                                ck_assert_uint_eq(s.consumed, twice.len);
                        } else {
                                ck_assert_uint_eq(s.n_skipped, 1);
                                ck_assert_ptr_nonnull(strstr(s.skipped[0].reason, cases[i].format->library));
                        }
                        scan_done(&s);
                }
        }
}
END_TEST

START_TEST(damaged)
{
        static const struct {
                const uint8_t *data;
                size_t n;
        } cases[] = { { packed_gzip, sizeof(packed_gzip) }, { packed_xz, sizeof(packed_xz) },
                { packed_zstd, sizeof(packed_zstd) } };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                for (size_t n = 8; n < cases[i].n; n += 5) {
                        struct scan s;
                        put("log", cases[i].data, n);
                        scan_of(&s, "log");
                        ck_assert_msg(s.n_skipped == 1, "case %zu cut to %zu", i, n);
                        ck_assert_str_eq(s.skipped[0].path, "log");
                        scan_done(&s);
                        _cleanup_free_ uint8_t *copy = malloc(cases[i].n);
                        memcpy(copy, cases[i].data, cases[i].n);
                        copy[n] = (uint8_t)(copy[n] ^ 0x55);
                        put("log", copy, cases[i].n);
                        scan_of(&s, "log");
                        scan_done(&s);
                }
}
END_TEST

/* Taken for text they would be clean. */
START_TEST(unread)
{
        static const struct {
                const char *data;
                size_t n;
                const char *reason; /* NULL: text */
        } cases[] = {
                { "BZh91AY&SY\x92\x84", 12, "compressed with bzip2, which is not read; unpack it first" },
                { "\x5d\0\0\x80\0\xff\xff\xff\xff", 9,
                        "compressed with lzma, which is not read; unpack it first" },
                { "\x04\x22\x4d\x18\x64\x40\xa7\0", 8,
                        "compressed with lz4, which is not read; unpack it first" },
                { "\x1f\x9d\x90\x41\x84\0\0\0", 8,
                        "compressed with compress, which is not read; unpack it first" },
                { "PK\x03\x04\x0a\0\0\0\0", 9, "compressed with zip, which is not read; unpack it first" },
                { "7z\xbc\xaf\x27\x1c\0\x04", 8,
                        "compressed with 7-Zip, which is not read; unpack it first" },
                { "BZh", 3, NULL },
                { "]", 1, NULL },
                { "PKCS #7 signature\n", 18, NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct scan s;
                put("log", cases[i].data, cases[i].n);
                scan_of(&s, "log");
                ck_assert_uint_eq(s.n_files, cases[i].reason ? 0 : 1);
                ck_assert_uint_eq(s.n_skipped, cases[i].reason ? 1 : 0);
                if (cases[i].reason)
                        ck_assert_str_eq(s.skipped[0].reason, cases[i].reason);
                scan_done(&s);
        }
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { compressed, damaged, unread };
        return run_tests_with(
                "taint-packed", tests, ARRAY_SIZE(tests), scan_folder_make, scan_folder_remove);
}
