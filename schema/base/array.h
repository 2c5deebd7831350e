/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lists that grow by doubling, and have no field for their size: room is for the next power of two. */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "macro.h"

/* Room for one element of `size` bytes more. `list` is where the list is held: that has n, and only this has
 * made it (or n is 0 or 1). 0 or -ENOMEM; then it is as it was. */
_must_check_ static inline int array_grow(void *list, size_t n, size_t size)
{
        void *now;

        if ((n & (n - 1)) != 0)
                return 0;
        memcpy(&now, list, sizeof(now));
        now = reallocarray(now, n > 0 ? 2 * n : 1, size);
        if (!now)
                return -ENOMEM;
        memcpy(list, &now, sizeof(now));
        return 0;
}

/* Where the word is in a list of such, or n. */
static inline size_t array_find_word(const char *const *list, size_t n, const char *word)
{
        size_t i = 0;

        while (i < n && strcmp(list[i], word) != 0)
                i++;
        return i;
}
#define array_has_word(list, word) (array_find_word(list, ARRAY_SIZE(list), word) < ARRAY_SIZE(list))

/* Where the element of that key is in a sorted list, or would be; `compare` is of an element with the key.
 */
static inline size_t array_place(const void *list, size_t n, size_t size, const void *key,
        int (*compare)(const void *element, const void *key), bool *ret_found)
{
        size_t low = 0;

        *ret_found = false;
        while (low < n) {
                const size_t middle = low + (n - low) / 2;
                const int c = compare((const char *)list + middle * size, key);
                if (c == 0)
                        *ret_found = true;
                if (c < 0)
                        low = middle + 1;
                else
                        n = middle;
        }
        return low;
}
