/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copies of strings through malloc() of this program, so that they fail with the others. */
#include <stdlib.h>
#include <string.h>

char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

char *__wrap_strndup(const char *s, size_t n)
{
        n = strnlen(s, n);
        char *copy = malloc(n + 1);
        if (!copy)
                return NULL;
        memcpy(copy, s, n);
        copy[n] = '\0';
        return copy;
}

char *__wrap_strdup(const char *s)
{
        return __wrap_strndup(s, strlen(s));
}
