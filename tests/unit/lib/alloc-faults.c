/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "alloc-faults.h"

#include <check.h>
#include <errno.h>
#include <stddef.h>

static unsigned countdown;
static bool failed;

void alloc_fail_at(unsigned n)
{
        countdown = n;
        failed = false;
}

bool alloc_failed(void)
{
        countdown = 0;
        return failed;
}

bool alloc_fails(int r, unsigned n, unsigned least)
{
        countdown = 0;
        ck_assert_msg(r == (failed ? -ENOMEM : 0), "allocation %u: %d", n, r);
        ck_assert(failed || n > least);
        return failed;
}

bool alloc_fails_now(void)
{
        if (countdown == 0 || --countdown > 0)
                return false;
        failed = true;
        errno = ENOMEM;
        return true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t n)
{
        return alloc_fails_now() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
        return alloc_fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
        return alloc_fails_now() ? NULL : __real_realloc(p, n);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
        return alloc_fails_now() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
        return alloc_fails_now() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
        return alloc_fails_now() ? NULL : __real_strndup(s, n);
}
