/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-faults.h"

#include <check.h>
#include <sqlite3.h>

enum fault fault;
static unsigned countdown; /* the one that fails; 0: none */
static bool has_failed;

static bool fails_now(enum fault of)
{
        if (countdown == 0 || (fault == SQLITE_MEMORY_LASTING ? SQLITE_MEMORY : fault) != of)
                return false;
        if (countdown > 1) {
                countdown--;
                return false;
        }
        has_failed = true;
        if (fault != SQLITE_MEMORY_LASTING)
                countdown = 0;
        return true;
}

void faults_arm(unsigned n)
{
        countdown = n;
        has_failed = false;
}

bool faults_disarm(void)
{
        countdown = 0;
        return has_failed;
}

bool faults_failed(void)
{
        return has_failed;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);

void *__wrap_malloc(size_t n)
{
        return fails_now(OUR_MEMORY) ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
        return fails_now(OUR_MEMORY) ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
        return fails_now(OUR_MEMORY) ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
        return fails_now(OUR_MEMORY) ? NULL : __real_strdup(s);
}

static sqlite3_mem_methods real;

static void *sqlite_malloc(int n)
{
        return fails_now(SQLITE_MEMORY) ? NULL : real.xMalloc(n);
}

static void *sqlite_realloc(void *p, int n)
{
        return fails_now(SQLITE_MEMORY) ? NULL : real.xRealloc(p, n);
}

int faults_interrupt(void *unused)
{
        (void)unused;
        return fails_now(INTERRUPTED);
}

void faults_take_over_memory(void)
{
        ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real), SQLITE_OK);
        sqlite3_mem_methods failing = real;
        failing.xMalloc = sqlite_malloc;
        failing.xRealloc = sqlite_realloc;
        ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
        /* Each allocation by itself. */
        ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK);
}
