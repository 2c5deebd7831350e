/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdlib.h>

/* glibc's calls its own realloc(): so that a failing one fails this too. Needs --wrap=reallocarray. */
void *__wrap_reallocarray(void *p, size_t n, size_t size);

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
        return n > 0 && size > SIZE_MAX / n ? NULL : realloc(p, n * size);
}
