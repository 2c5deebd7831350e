/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WAL_BYTES (1024 * 1024)

static struct wal *of(sqlite3_file *file)
{
        return (struct wal *)file->pMethods;
}

/* What fails is gone, as what never reached the file: SQLite begins again where the last commit ended. */
static int flush(sqlite3_file *file)
{
        struct wal *w = of(file);
        const int n = w->n;

        w->n = 0;
        return n > 0 ? w->usual->xWrite(file, w->bytes, n, w->at) : SQLITE_OK;
}

static int file_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
{
        struct wal *w = of(file);
        const bool fits = n <= (int)sizeof(w->bytes) - w->n && at == w->at + w->n;

        int r = fits ? SQLITE_OK : flush(file);
        if (r != SQLITE_OK || n > (int)sizeof(w->bytes))
                return r != SQLITE_OK ? r : w->usual->xWrite(file, data, n, at);
        if (w->n == 0)
                w->at = at;
        memcpy(w->bytes + w->n, data, (size_t)n);
        w->n += n;
        return SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *ret, int n, sqlite3_int64 at)
{
        int r = flush(file);

        return r == SQLITE_OK ? of(file)->usual->xRead(file, ret, n, at) : r;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
        int r = flush(file);

        return r == SQLITE_OK ? of(file)->usual->xTruncate(file, size) : r;
}

static int file_sync(sqlite3_file *file, int flags)
{
        int r = flush(file);

        return r == SQLITE_OK ? of(file)->usual->xSync(file, flags) : r;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret)
{
        int r = flush(file);

        return r == SQLITE_OK ? of(file)->usual->xFileSize(file, ret) : r;
}

/* Behind what is in it already, which is never cut off. */
static void lengthen(const struct wal *w, sqlite3_file *file)
{
        sqlite3_int64 size = 0;

        int r = w->usual->xFileSize(file, &size);
        while (r == SQLITE_OK && size < WAL_BYTES) {
                r = w->usual->xWrite(file, w->bytes, (int)sizeof(w->bytes), size);
                size += (sqlite3_int64)sizeof(w->bytes);
        }
}

struct wal *wal_new(sqlite3 *sqlite)
{
        sqlite3_file *file = NULL;

        int r = sqlite3_file_control(sqlite, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
        if (r != SQLITE_OK || !file || !file->pMethods)
                return NULL;
        struct wal *w = calloc(1, sizeof(*w));
        if (!w)
                return NULL;
        w->usual = file->pMethods;
        w->methods = *w->usual;
        w->methods.xWrite = file_write;
        w->methods.xRead = file_read;
        w->methods.xTruncate = file_truncate;
        w->methods.xSync = file_sync;
        w->methods.xFileSize = file_size;
        lengthen(w, file);
        file->pMethods = &w->methods;
        return w;
}

struct wal *wal_free(struct wal *w)
{
        free(w);
        return NULL;
}
