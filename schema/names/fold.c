/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fold.h"

#include <string.h>

#include "../base/hashmap.h"
#include "fold-table.h"

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define HIGH_BITS (EACH_BYTE * 0x80)

/* Folded bytes are hashed this many at a time, wherever the input's words and characters end, so that names
 * of different lengths that fold alike hash alike. Most names are one piece. */
#define HASH_PIECE 64u

static inline uint32_t fold(uint32_t c)
{
        if (c < 0x80)
                return c - 'A' < 26u ? c + 0x20 : c;
        if (c >= fold_limit)
                return c;
        uint32_t block = fold_block_of[c >> FOLD_BLOCK_BITS];
        uint32_t low = c & ((1u << FOLD_BLOCK_BITS) - 1);
        return c + (uint32_t)fold_deltas[fold_delta_of[block << FOLD_BLOCK_BITS | low]];
}

uint32_t fold_char(uint32_t c)
{
        return fold(c);
}

/* Eight ASCII characters to lower case at once: a byte's high bit comes up in `from_a` when it is 'A' or
 * more, in `above_z` when it is more than 'Z'. */
static inline uint64_t fold_ascii_word(uint64_t word)
{
        uint64_t from_a = word + EACH_BYTE * (0x80 - 'A');
        uint64_t above_z = word + EACH_BYTE * (0x80 - 'Z' - 1);
        return word | ((from_a & ~above_z & HIGH_BITS) >> 2);
}

static inline bool ascii_word(const char *s, size_t n, uint64_t *ret)
{
        if (n < sizeof(*ret))
                return false;
        memcpy(ret, s, sizeof(*ret));
        return (*ret & HIGH_BITS) == 0;
}

/* The next folded character. A byte that is not UTF-8, which callers keep out, stands for itself above all
 * characters, so that even then equal names have equal hashes. */
static inline uint32_t next_folded(const char **s, size_t *n)
{
        uint32_t c = (uint8_t)(*s)[0];
        size_t len = 1;
        if (c >= 0x80) {
                len = utf8_decode(*s, *n, &c);
                if (len == 0) {
                        c = 0x110000 + (uint8_t)(*s)[0];
                        len = 1;
                }
        }
        *s += len;
        *n -= len;
        return fold(c);
}

int fold_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
        /* Mostly the same name comes as it came before. */
        if (a_len == b_len && (a == b || memcmp(a, b, a_len) == 0))
                return 0;
        while (a_len > 0 && b_len > 0) {
                uint64_t a_word, b_word;
                if (ascii_word(a, a_len, &a_word) && ascii_word(b, b_len, &b_word) &&
                        fold_ascii_word(a_word) == fold_ascii_word(b_word)) {
                        a += sizeof(a_word), a_len -= sizeof(a_word);
                        b += sizeof(b_word), b_len -= sizeof(b_word);
                        continue;
                }
                uint32_t a_char = next_folded(&a, &a_len), b_char = next_folded(&b, &b_len);
                if (a_char != b_char)
                        return a_char < b_char ? -1 : 1;
        }
        return (a_len > 0) - (b_len > 0);
}

bool fold_equal(const char *a, size_t a_len, const char *b, size_t b_len)
{
        return fold_compare(a, a_len, b, b_len) == 0;
}

int fold_order(const char *a, const char *b)
{
        return fold_compare(a, strlen(a), b, strlen(b));
}

bool fold_same(const char *a, const char *b)
{
        /* Nearly always it is spelled alike. */
        return strcmp(a, b) == 0 || fold_order(a, b) == 0;
}

static size_t fold_all(const char *s, size_t n, uint32_t ret[static FOLD_SLIP_MAX])
{
        size_t len = 0;
        while (n > 0)
                ret[len++] = next_folded(&s, &n);
        return len;
}

bool fold_is_slip(const char *a, size_t a_len, const char *b, size_t b_len)
{
        uint32_t x[FOLD_SLIP_MAX], y[FOLD_SLIP_MAX];
        if (a_len > FOLD_SLIP_MAX || b_len > FOLD_SLIP_MAX)
                return false;
        size_t n = fold_all(a, a_len, x), m = fold_all(b, b_len, y), less = n < m ? n : m;
        size_t front = 0, back = 0;

        while (front < less && x[front] == y[front])
                front++;
        while (back < less - front && x[n - 1 - back] == y[m - 1 - back])
                back++;
        /* What is left between what both have. */
        n -= front + back;
        m -= front + back;
        if (n <= 1 && m <= 1)
                return n + m > 0;
        return n == 2 && m == 2 && x[front] == y[front + 1] && x[front + 1] == y[front];
}

static size_t put_utf8(char *to, uint32_t c)
{
        if (c < 0x80) {
                to[0] = (char)c;
                return 1;
        }
        size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
        static const uint8_t lead[] = { 0, 0xC0, 0xE0, 0xF0 };
        to[0] = (char)(lead[more] | c >> (6 * more));
        for (size_t i = 1; i <= more; i++)
                to[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3F));
        return more + 1;
}

size_t fold_text(const char *s, size_t n, char *ret, size_t size)
{
        size_t len = 0;

        while (n > 0) {
                char c[4];
                size_t more = 1;
                if ((uint8_t)*s < 0x80) {
                        c[0] = (char)fold((uint8_t)*s++);
                        n--;
                } else
                        more = put_utf8(c, next_folded(&s, &n));
                if (more >= size - len)
                        return 0;
                for (size_t i = 0; i < more; i++)
                        ret[len++] = c[i];
        }
        ret[len] = '\0';
        return len;
}

uint32_t fold_hash(const char *s, size_t n, uint32_t seed)
{
        char folded[HASH_PIECE + sizeof(uint64_t)];
        size_t len = 0;

        while (n > 0) {
                uint64_t word;
                if (ascii_word(s, n, &word)) {
                        word = fold_ascii_word(word);
                        memcpy(folded + len, &word, sizeof(word));
                        len += sizeof(word);
                        s += sizeof(word), n -= sizeof(word);
                } else
                        len += put_utf8(folded + len, next_folded(&s, &n));
                if (len >= HASH_PIECE) {
                        seed = hashmap_hash(folded, HASH_PIECE, seed);
                        len -= HASH_PIECE;
                        memmove(folded, folded + HASH_PIECE, len);
                }
        }
        return hashmap_hash(folded, len, seed);
}
