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

/* ---- A load ---- */

struct loader {
        sqlite3 *db;
        sqlite3_stmt *begin, *commit, *key, *entry, *value;
        uint64_t sequence, guid;
        uint8_t vendors[LOAD_VENDORS][16], app[16];
};

static const char tables[] =
        "pragma page_size=1024; pragma journal_mode=wal; pragma synchronous=full; pragma cache_size=-8192;"
        "create table key(guid blob primary key, parent blob, name text not null, flags integer not null,"
        " time integer not null) strict, without rowid;"
        "create table path_entry(parent blob not null, folded text not null, layer integer not null,"
        " name text not null, sequence integer not null, target blob, primary key(parent, folded, layer))"
        " strict, without rowid;"
        "create table value(key blob not null, folded text not null, layer integer not null, name text not null,"
        " sequence integer not null, type integer not null, data blob not null,"
        " primary key(key, folded, layer)) strict, without rowid;";

static sqlite3_stmt *prepare(const struct loader *l, const char *sql)
{
        sqlite3_stmt *statement = NULL;

        if (sqlite3_prepare_v2(l->db, sql, -1, &statement, NULL) != SQLITE_OK)
                die(sql, -EIO);
        return statement;
}

static bool step(sqlite3_stmt *statement)
{
        return sqlite3_step(statement) == SQLITE_DONE && sqlite3_reset(statement) == SQLITE_OK;
}

static void bind_name(sqlite3_stmt *statement, int folded_at, int name_at, const char *name, char *folded)
{
        size_t n = strnlen(name, 15);

        for (size_t i = 0; i < n; i++)
                folded[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
        (void)sqlite3_bind_text(statement, folded_at, folded, (int)n, SQLITE_STATIC);
        (void)sqlite3_bind_text(statement, name_at, name, (int)n, SQLITE_STATIC);
}

/* In order, as the registry's are. */
static void make_guid(struct loader *l, uint8_t ret[16])
{
        sqlite3_randomness(16, ret);
        l->guid++;
        for (unsigned i = 0; i < 8; i++)
                ret[i] = (uint8_t)(l->guid >> (56 - 8 * i));
}

static bool load_key(struct loader *l, const uint8_t parent[16], const char *name, uint8_t ret[16])
{
        char folded[16];

        make_guid(l, ret);
        (void)sqlite3_bind_blob(l->entry, 1, parent, 16, SQLITE_STATIC);
        bind_name(l->entry, 2, 3, name, folded);
        (void)sqlite3_bind_int64(l->entry, 4, (sqlite3_int64)++l->sequence);
        (void)sqlite3_bind_blob(l->entry, 5, ret, 16, SQLITE_STATIC);
        (void)sqlite3_bind_blob(l->key, 1, ret, 16, SQLITE_STATIC);
        (void)sqlite3_bind_blob(l->key, 2, parent, 16, SQLITE_STATIC);
        (void)sqlite3_bind_text(l->key, 3, name, -1, SQLITE_STATIC);
        return step(l->entry) && step(l->key);
}

static bool load_value(struct loader *l, unsigned value)
{
        struct load_name name;
        char folded[16], data[64];
        bool ok = true;

        load_name(value, &name);
        load_data(value, data, sizeof(data));
        /* Each key once, as the values of one come one after the other. */
        if (strcmp(name.value, "Name0") == 0)
                ok = load_key(l, l->vendors[name.vendor_number], name.app, l->app);
        (void)sqlite3_bind_blob(l->value, 1, l->app, 16, SQLITE_STATIC);
        bind_name(l->value, 2, 3, name.value, folded);
        (void)sqlite3_bind_int64(l->value, 4, (sqlite3_int64)++l->sequence);
        (void)sqlite3_bind_blob(l->value, 5, data, (int)strlen(data) + 1, SQLITE_STATIC);
        return ok && step(l->value);
}

static int run_load(struct lane *lane, unsigned round, double *ret_usec)
{
        struct loader *l = lane->context;

        double start = now_usec();
        bool ok = step(l->begin);
        for (unsigned i = 0; ok && i < LOAD_BATCH; i++)
                ok = load_value(l, round * LOAD_BATCH + i);
        ok = ok && step(l->commit);
        *ret_usec = now_usec() - start;
        return ok ? 0 : -EIO;
}

void lane_sqlite_load(struct lane *lane, const char *file)
{
        struct loader *l = calloc(1, sizeof(*l));

        if (!l)
                abort();
        if (sqlite3_open(file, &l->db) != SQLITE_OK ||
                sqlite3_exec(l->db, tables, NULL, NULL, NULL) != SQLITE_OK)
                die(file, -EIO);
        for (size_t i = 0; i < LOAD_VENDORS; i++)
                make_guid(l, l->vendors[i]);
        l->begin = prepare(l, "begin immediate");
        l->commit = prepare(l, "commit");
        l->key = prepare(l, "insert into key values(?, ?, ?, 0, 1)");
        l->entry = prepare(l, "insert into path_entry values(?, ?, 1, ?, ?, ?)");
        l->value = prepare(l, "insert into value values(?, ?, 1, ?, ?, 1, ?)");
        lane->context = l;
        lane->run = run_load;
}
