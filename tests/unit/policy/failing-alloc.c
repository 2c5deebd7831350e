/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "failing-alloc.h"

#include <errno.h>
#include <stddef.h>

static unsigned fail_at, count;

void alloc_fail_at(unsigned nth)
{
        fail_at = nth;
        count = 0;
}

bool alloc_failed(void)
{
        bool failed = fail_at > 0 && count >= fail_at;

        fail_at = 0;
        return failed;
}

static bool fails_now(void)
{
        if (fail_at == 0 || ++count != fail_at)
                return false;
        errno = ENOMEM;
        return true;
}

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
char *__wrap_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t n)
{
        return fails_now() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
        return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
        return fails_now() ? NULL : __real_realloc(p, n);
}

char *__wrap_strdup(const char *s)
{
        return fails_now() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
        return fails_now() ? NULL : __real_strndup(s, n);
}
