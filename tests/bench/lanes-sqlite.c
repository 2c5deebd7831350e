/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "lanes.h"

struct sqlite_lane {
        sqlite3 *db;
        sqlite3_stmt *set;
        unsigned n_values;
};

static int run(struct lane *lane, unsigned round, double *ret_usec)
{
        const struct sqlite_lane *s = lane->context;
        unsigned value = bench_pick(s->n_values, round);
        char key[64], data[64];

        (void)snprintf(
                key, sizeof(key), BENCH_KEY "\\" BENCH_VALUE, value / VALUES_A_KEY, value % VALUES_A_KEY);
        bench_fresh_value(data, sizeof(data), round);
        double start = now_usec();
        int ok = sqlite3_bind_text(s->set, 1, data, -1, SQLITE_STATIC) == SQLITE_OK &&
                 sqlite3_bind_text(s->set, 2, key, -1, SQLITE_STATIC) == SQLITE_OK &&
                 sqlite3_step(s->set) == SQLITE_DONE && sqlite3_reset(s->set) == SQLITE_OK;
        *ret_usec = now_usec() - start;
        return ok && sqlite3_changes(s->db) == 1 ? 0 : -EIO;
}

void lane_sqlite_set(struct lane *lane, const char *file, unsigned n_values)
{
        struct sqlite_lane *s = calloc(1, sizeof(*s));
        if (!s)
                abort();
        s->n_values = n_values;
        if (sqlite3_open(file, &s->db) != SQLITE_OK ||
                sqlite3_exec(s->db, "pragma journal_mode=wal; pragma synchronous=full", NULL, NULL, NULL) !=
                        SQLITE_OK ||
                sqlite3_prepare_v2(s->db, "update value set data=? where name=?", -1, &s->set, NULL) !=
                        SQLITE_OK)
                die(file, -EIO);
        lane->context = s;
        lane->run = run;
}
