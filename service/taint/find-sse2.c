/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "find.h"

#include <emmintrin.h>
#include <string.h>

/* Two letters of the needle, apart from each other, at 16 positions at once. In logs these two seldom meet.
 */
#define FIRST 1
#define SECOND 5

/* One bit a position at which both letters fit. */
static unsigned candidates(const char *p, __m128i first, __m128i second)
{
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(p + FIRST));
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(p + SECOND));

        return (unsigned)_mm_movemask_epi8(
                _mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, second)));
}

const char *taint_find(const char *text, size_t n)
{
        const __m128i first = _mm_set1_epi8(TAINT_NEEDLE[FIRST]),
                      second = _mm_set1_epi8(TAINT_NEEDLE[SECOND]);
        const char *p = text, *end = text + n;

        for (; (size_t)(end - p) >= 32 + SECOND; p += 32)
                for (unsigned bits = candidates(p, first, second) | candidates(p + 16, first, second) << 16;
                        bits != 0; bits &= bits - 1) {
                        const char *at = p + __builtin_ctz(bits);
                        if (memcmp(at, TAINT_NEEDLE, TAINT_NEEDLE_LEN) == 0)
                                return at;
                }
        return memmem(p, (size_t)(end - p), TAINT_NEEDLE, TAINT_NEEDLE_LEN);
}
