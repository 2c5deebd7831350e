/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "repair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "inspect.h"

/* In this order. What is removed leads nowhere and is seen by nobody; but it may be all that is left of a
 * key whose row was lost, so a copy is kept. What is changed says what it said. The numbers, types, layers
 * and authors of rows cannot be known again. */
static const char *const mends[] = {
        "REINDEX",
        "UPDATE OR IGNORE layer SET folded = fold(name) WHERE folded IS NOT fold(name) AND fold(name) <> ''",
        "UPDATE OR IGNORE path_entry SET folded = fold(name) WHERE folded IS NOT fold(name)"
        " AND fold(name) <> ''",
        "UPDATE OR IGNORE value SET folded = fold(name) WHERE folded IS NOT fold(name)"
        " AND fold(name) IS NOT NULL",
        "UPDATE history SET folded = fold(name) WHERE folded IS NOT NULL AND folded IS NOT fold(name)"
        " AND fold(name) <> ''",
        "UPDATE value SET data = x'' WHERE type = 65535 AND length(data) > 0",
        "DELETE FROM file WHERE layer NOT IN (SELECT id FROM layer)",
};

/* Again and again, as a key that goes leaves others that no layer names. */
static const char *const sweeps[] = {
        "DELETE FROM path_entry WHERE parent NOT IN (SELECT guid FROM key)"
        " OR (target IS NOT NULL AND target NOT IN (SELECT guid FROM key))",
        "DELETE FROM value WHERE key NOT IN (SELECT guid FROM key)",
        "DELETE FROM blanket WHERE key NOT IN (SELECT guid FROM key)",
        "DELETE FROM key WHERE parent IS NOT NULL AND (parent NOT IN (SELECT guid FROM key)"
        " OR guid NOT IN (SELECT target FROM path_entry WHERE target IS NOT NULL))",
};

void repair_done(struct repair *r)
{
        diags_done(&r->found);
        diags_done(&r->left);
}

/* ---- Mending ---- */

static int run(struct database *db, const char *sql)
{
        sqlite3_stmt *statement = database_prepare(db, sql);
        int r = database_run(db, statement);

        (void)sqlite3_finalize(statement);
        return r;
}

static int sweep(struct database *db)
{
        int r = 0, before;

        do {
                before = sqlite3_total_changes(db->sqlite);
                for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sweeps); i++)
                        r = run(db, sweeps[i]);
        } while (r == 0 && sqlite3_total_changes(db->sqlite) != before);
        return r;
}

/* What is wrong then is in `left`. */
static int mend_and_look(struct database *db, struct diags *left, struct diag *d)
{
        bool is_torn;

        int r = inspect_prepare(db);
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(mends); i++)
                r = run(db, mends[i]);
        if (r == 0)
                r = sweep(db);
        return r == 0 ? inspect_database(db, left, &is_torn, d) : diag_set(d, -r, "%s", db->why.text);
}

/* In one transaction, which is undone unless all is right then. What cannot be read cannot be mended. */
static int mend(const char *file, bool only_look, struct diags *left, struct diag *d)
{
        _cleanup_(database_closep) struct database *db = NULL;

        int r = database_open_upkeep(file, &db, d);
        if (r == 0)
                r = database_do(db, BEGIN_WRITE);
        if (r == 0)
                r = mend_and_look(db, left, d);
        if (r == 0 && left->n == 0 && !only_look)
                r = database_do(db, COMMIT);
        if (db && !sqlite3_get_autocommit(db->sqlite))
                (void)database_force(db, ROLLBACK);
        if (r == -EUCLEAN)
                return diags_add(left, d);
        return r < 0 && !d->text[0] ? diag_set(d, -r, "%s", db ? db->why.text : strerror(-r)) : r;
}

static int write_note(const char *file, size_t value_max, const struct diags *found, struct diag *d)
{
        struct diag text;

        (void)diag_set(&text, 0, "repaired: %zu %s; first: %s", found->n,
                found->n == 1 ? "thing was not as it should be" : "things were not as they should be",
                found->list[0]);
        return recovery_note(file, value_max, text.text, 0, d);
}

/* ---- Another one in its place ---- */

static int has_good_backup(const char *file, bool *ret)
{
        _cleanup_free_ struct backup *backups = NULL;
        size_t n = 0;

        int r = backup_list(file, &backups, &n);
        *ret = false;
        for (size_t i = 0; r == 0 && !*ret && i < n; i++) {
                _cleanup_(diags_done) struct diags found = { 0 };
                _cleanup_free_ char *path = backup_beside(file, backups[i].name);
                struct diag d = { 0 };
                *ret = path && inspect_file(path, &found, &d) == 0 && found.n == 0;
        }
        return r;
}

static int replace(const char *file, size_t value_max, bool only_look, struct repair *p, struct diag *d)
{
        _cleanup_store_ struct store *s = NULL;
        bool has = false;

        int r = has_good_backup(file, &has);
        p->outcome = has ? REPAIR_RECOVERED : REPAIR_IMPOSSIBLE;
        if (r < 0 || !has || only_look)
                return r;
        r = recovery_mark(file, p->left.list[0]);
        if (r == 0)
                r = recovery_open(file, value_max, &s, &p->recovery, d);
        return r < 0 ? r : 0;
}

/* ---- The whole ---- */

static int look(const char *file, struct diags *ret, struct diag *d)
{
        int r = inspect_file(file, ret, d);

        return r == -EUCLEAN ? diags_add(ret, d) : r;
}

static int repair(const char *file, size_t value_max, bool only_look, struct repair *p, struct diag *d)
{
        int r = look(file, &p->found, d);
        if (r < 0 || p->found.n == 0)
                return r;
        r = mend(file, true, &p->left, d);
        if (r < 0)
                return r;
        if (p->left.n > 0)
                return replace(file, value_max, only_look, p, d);
        p->outcome = REPAIR_MENDED;
        if (only_look)
                return 0;
        r = recovery_keep(file, &p->recovery, d);
        if (r == 0)
                r = mend(file, false, &p->left, d);
        return r < 0 ? r : write_note(file, value_max, &p->found, d);
}

int repair_store(const char *file, size_t value_max, bool only_look, struct repair *ret, struct diag *d)
{
        _cleanup_repair_ struct repair p = { 0 };

        int r = repair(file, value_max, only_look, &p, d);
        if (r < 0)
                return d->text[0] ? r : diag_set(d, -r, "%s: %s", file, strerror(-r));
        *ret = p;
        p = (struct repair){ 0 };
        return 0;
}
