/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory.h"

#include <sqlite3.h>
#include <stddef.h>

/* A row of the history has what was and what is, of at most 64 MiB each (--value-max), and names. */
#define AT_ONCE_MAX (129 * 1024 * 1024)

/* SQLite's own, or the test's that came before. */
static sqlite3_mem_methods usual;

/* Of the thread, as a connection is one thread's. */
static _Thread_local bool was_refused;

/* SQLite takes it for the end of all memory, and stops what it is at; it needs no other way out than that,
 * which it has everywhere. */
static bool is_refused(int n)
{
        if (n <= AT_ONCE_MAX)
                return false;
        was_refused = true;
        return true;
}

static void *allocate(int n)
{
        return is_refused(n) ? NULL : usual.xMalloc(n);
}

static void *reallocate(void *p, int n)
{
        return is_refused(n) ? NULL : usual.xRealloc(p, n);
}

void memory_limit(void)
{
        sqlite3_mem_methods methods;

        /* Nobody asks for SQLite's sums of memory, and each allocation would take a lock for them. */
        (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);

        if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &methods) != SQLITE_OK || methods.xMalloc == allocate)
                return;

        usual = methods;
        methods.xMalloc = allocate;
        methods.xRealloc = reallocate;
        (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

void memory_begin(void)
{
        was_refused = false;
}

bool memory_was_refused(int code)
{
        return was_refused && (code == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM);
}
