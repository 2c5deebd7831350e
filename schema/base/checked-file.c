/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "checked-file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define POLYNOMIAL_REFLECTED UINT32_C(0x82F63B78)
#define SUM_MARK "# crc32c: "
#define SUM_FORMAT SUM_MARK "%08" PRIx32 "\n"
#define SUM_BYTES (sizeof(SUM_MARK "01234567\n") - 1)
#define BAD_FILES_MAX 100u

/* Slicing by four: a table of 4 x 256 entries, made on first use. Building it twice in a race would write
 * the same values, and all callers are on one thread anyway. */
static uint32_t table[4][256];

static void make_table(void)
{
        for (uint32_t i = 0; i < 256; i++) {
                uint32_t c = i;
                for (int k = 0; k < 8; k++)
                        c = (c & 1) ? (c >> 1) ^ POLYNOMIAL_REFLECTED : c >> 1;
                table[0][i] = c;
        }
        for (uint32_t i = 0; i < 256; i++)
                for (size_t t = 1; t < ARRAY_SIZE(table); t++)
                        table[t][i] = (table[t - 1][i] >> 8) ^ table[0][table[t - 1][i] & 0xFF];
}

uint32_t checked_file_sum(uint32_t crc, const void *data, size_t n)
{
        const uint8_t *p = data;

        if (table[0][1] == 0)
                make_table();
        crc = ~crc;
        for (; n >= 4; n -= 4, p += 4) {
                crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
                crc = table[3][crc & 0xFF] ^ table[2][(crc >> 8) & 0xFF] ^ table[1][(crc >> 16) & 0xFF] ^
                      table[0][crc >> 24];
        }
        for (; n > 0; n--, p++)
                crc = (crc >> 8) ^ table[0][(crc ^ *p) & 0xFF];
        return ~crc;
}

uint32_t checked_file_end(uint32_t sum, struct buf *piece)
{
        size_t body = piece->len;

        sum = checked_file_sum(sum, buf_str(piece), body);
        buf_printf(piece, SUM_FORMAT, sum);
        return checked_file_sum(sum, buf_str(piece) + body, piece->len - body);
}

static int check_line(const char *path, const char *line, size_t n, uint32_t sum, struct diag *d)
{
        char expected[SUM_BYTES + 1];

        (void)snprintf(expected, sizeof(expected), SUM_FORMAT, sum);
        if (n == SUM_BYTES && memcmp(line, expected, SUM_BYTES) == 0)
                return 0;
        return diag_set(d, EINVAL, "%s: is damaged or was edited, expected '%.*s'", path, (int)SUM_BYTES - 1,
                expected);
}

static int damaged(const char *path, size_t at, struct diag *d)
{
        return diag_set(d, EINVAL, "%s: is damaged or was edited after byte %zu", path, at);
}

int checked_file_check(const char *path, const char *text, size_t n, size_t *ret, struct diag *d)
{
        uint32_t sum = 0;
        size_t sound = 0;

        for (size_t at = 0, next; at < n; at = next) {
                const char *end = memchr(text + at, '\n', n - at);
                next = end ? (size_t)(end - text) + 1 : n;
                if (text[at] == '#' && (end || next - at >= SUM_BYTES)) {
                        int r = check_line(path, text + at, next - at, sum, d);
                        if (r < 0)
                                return r;
                        sound = next;
                } else if (sound > 0 && text[at] != ' ' && text[at] != '#') {
                        return damaged(path, at, d);
                }
                sum = checked_file_sum(sum, text + at, next - at);
        }
        if (sound == 0)
                return diag_set(d, EINVAL, "%s: is cut short, expected a checksum line", path);
        *ret = sound;
        /* A whole line of a sum is not what was cut short. */
        bool ends_in_sum = n - sound >= SUM_BYTES && text[n - 1] == '\n' &&
                           memcmp(text + n - SUM_BYTES, SUM_MARK, sizeof(SUM_MARK) - 1) == 0;
        return ends_in_sum ? damaged(path, sound, d) : 0;
}

void checked_file_set_aside(const char *path, struct diag *d)
{
        for (unsigned i = 0; i < BAD_FILES_MAX; i++) {
                _cleanup_buf_ struct buf to = BUF_INIT;
                buf_printf(&to, i == 0 ? "%s.bad" : "%s.bad.%u", path, i);
                if (to.error == 0 && renameat2(AT_FDCWD, path, AT_FDCWD, to.data, RENAME_NOREPLACE) == 0) {
                        diag_prefix(d, "set aside as '%s'", to.data);
                        return;
                }
                if (to.error < 0 || errno != EEXIST)
                        break;
        }
        diag_prefix(d, "ignored, and cannot be set aside");
}
