/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The file of a write-ahead log, under SQLite. It is as long as a log mostly gets, and is written over,
 * which spares each commit the change of a file's length. And SQLite writes each page in two pieces, one
 * behind the other: here they are gathered, and go to the file before it is synced, or read. Until then they
 * count for nobody: SQLite lets others know of them after the sync. */

#include <sqlite3.h>

struct wal {
        sqlite3_io_methods methods; /* the file's, which so leads here */
        const sqlite3_io_methods *usual;
        sqlite3_int64 at; /* in the file, of the first byte that is gathered */
        int n;
        char bytes[64 * 1024];
};

/* A connection's log, from now on; nobody else may write to it while it is lengthened. It is a matter of
 * speed alone: NULL where it cannot be done. */
struct wal *wal_new(sqlite3 *sqlite);
/* The connection is closed. */
struct wal *wal_free(struct wal *w);
