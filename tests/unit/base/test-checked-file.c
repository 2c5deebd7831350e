/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../schema/base/file.h"
#include "../../../schema/base/macro.h"
#include "suite.h"

/* RFC 3720, B.4; the CRC is the four bytes shown there, read little-endian. */
TEST(rfc3720_vectors)
{
        uint8_t zeros[32] = { 0 }, ones[32], up[32], down[32];
        memset(ones, 0xFF, sizeof(ones));
        for (uint8_t i = 0; i < 32; i++) {
                up[i] = i;
                down[i] = (uint8_t)(31 - i);
        }
        static const uint8_t scsi_read[48] = { [0] = 0x01,
                [1] = 0xC0,
                [16] = 0x14,
                [22] = 0x04,
                [27] = 0x14,
                [31] = 0x18,
                [32] = 0x28,
                [40] = 0x02 };
        const struct {
                const void *data;
                size_t n;
                uint32_t crc;
        } rows[] = {
                { zeros, 32, 0x8A9136AA },
                { ones, 32, 0x62A8AB43 },
                { up, 32, 0x46DD794E },
                { down, 32, 0x113FDB5C },
                { scsi_read, 48, 0xD9963A56 },
                { "123456789", 9, 0xE3069283 },
                { "", 0, 0 },
                { NULL, 0, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                ck_assert_msg(
                        file_sum(0, rows[i].data, rows[i].n) == rows[i].crc, "row %zu is another CRC", i);
}

TEST(chains_at_every_cut)
{
        static const char text[] = "The quick brown fox jumps over the lazy dog";
        const uint32_t whole = file_sum(0, text, strlen(text));
        for (size_t cut = 0; cut <= strlen(text); cut++)
                ck_assert_uint_eq(file_sum(file_sum(0, text, cut), text + cut, strlen(text) - cut), whole);
}

TEST(every_bit_counts)
{
        uint8_t data[37] = { 0 };
        const uint32_t clean = file_sum(0, data, sizeof(data));
        for (size_t bit = 0; bit < 8 * sizeof(data); bit++) {
                data[bit / 8] ^= (uint8_t)(1u << bit % 8);
                ck_assert_uint_ne(file_sum(0, data, sizeof(data)), clean);
                data[bit / 8] = 0;
        }
}

Suite *test_suite(void)
{
        return suite_of("checked-file");
}
