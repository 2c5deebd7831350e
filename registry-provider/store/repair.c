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
        "UPDATE history AS h SET flags = flags | 8 WHERE NOT flags & 8"
        " AND (key IS NOT (SELECT key FROM history WHERE id < h.id ORDER BY id DESC LIMIT 1)"
        " OR NOT EXISTS(SELECT 1 FROM history WHERE id BETWEEN h.id - 15 AND h.id - 1 AND flags & 8))",
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

/* What is wrong then is in r->left. Nothing reaches the file before the commit, so that the copy is of what
 * it was. */
static int mend_all(struct database *db, struct repair *r, struct diag *d)
{
        bool is_torn;

        int e = run(db, "PRAGMA cache_spill = OFF");
        if (e == 0)
                e = inspect_prepare(db);
        if (e == 0)
                e = database_do(db, BEGIN_WRITE);
        for (size_t i = 0; e == 0 && i < ARRAY_SIZE(mends); i++)
                e = run(db, mends[i]);
        if (e == 0)
                e = sweep(db);
        if (e < 0)
                return diag_set(d, -e, "%s", db->why.text);
        e = inspect_database(db, &r->left, &is_torn, d);
        if (e < 0 || r->left.n > 0 || r->only_looked)
                return e;
        e = recovery_keep(db->path, &r->recovery, d);
        if (e == 0 && database_do(db, COMMIT) < 0)
                e = diag_set(d, -db->error, "%s", db->why.text);
        return e;
}

/* In one transaction, which is undone unless all is right then. What cannot be read cannot be mended. */
static int mend(const char *file, struct repair *r, struct diag *d)
{
        _cleanup_(database_closep) struct database *db = NULL;

        int e = database_open_upkeep(file, &db, d);
        if (e == 0)
                e = mend_all(db, r, d);
        if (db && !sqlite3_get_autocommit(db->sqlite))
                (void)database_force(db, ROLLBACK);
        return e == -EUCLEAN ? diags_add(&r->left, d) : e;
}

void repair_note(const struct repair *r, struct diag *ret)
{
        (void)diag_set(ret, 0, "repaired: %zu %s; first: %s", r->found.n,
                r->found.n == 1 ? "thing was not as it should be" : "things were not as they should be",
                r->found.list[0]);
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

static int replace(const char *file, size_t value_max, struct repair *r, struct diag *d)
{
        _cleanup_store_ struct store *s = NULL;

        int e = recovery_mark(file, r->left.list[0]);
        if (e == 0)
                e = recovery_open(file, value_max, &s, &r->recovery, d);
        return e < 0 ? e : 0;
}

/* ---- The whole ---- */

/* What was found is mended, or it is known what else there is to do. */
static int try_to_mend(const char *file, struct repair *r, struct diag *d)
{
        bool has = false;

        r->outcome = REPAIR_MENDED;
        int e = mend(file, r, d);
        if (e < 0 || r->left.n == 0)
                return e;
        e = has_good_backup(file, &has);
        r->outcome = has ? REPAIR_RECOVERED : REPAIR_IMPOSSIBLE;
        return e;
}

static int look(const char *file, struct diags *ret, struct diag *d)
{
        int r = inspect_file(file, ret, d);

        return r == -EUCLEAN ? diags_add(ret, d) : r;
}

int repair_store(const char *file, size_t value_max, struct repair *r, struct diag *d)
{
        struct diag note;

        int e = look(file, &r->found, d);
        if (e < 0 || r->found.n == 0)
                return e;
        e = try_to_mend(file, r, d);
        if (e < 0 || r->only_looked || r->outcome == REPAIR_IMPOSSIBLE)
                return e;
        if (r->outcome == REPAIR_RECOVERED)
                return replace(file, value_max, r, d);
        repair_note(r, &note);
        return recovery_note(file, value_max, note.text, 0, d);
}

int repair_open_store(const char *file, bool is_damaged, struct repair *r, struct diag *d)
{
        if (r->found.n == 0)
                return 0;
        int e = is_damaged ? 0 : try_to_mend(file, r, d);
        if (is_damaged || r->outcome == REPAIR_RECOVERED)
                r->outcome = REPAIR_STOP_FIRST;
        return e;
}

/* ---- For people ---- */

const char *repair_word(const struct repair *r)
{
        static const char *const words[] = { [REPAIR_NOT_NEEDED] = "not-needed",
                [REPAIR_MENDED] = "mended",
                [REPAIR_RECOVERED] = "backup-loaded",
                [REPAIR_STOP_FIRST] = "stop-first",
                [REPAIR_IMPOSSIBLE] = "impossible" };

        return words[r->outcome];
}

void repair_describe(const struct repair *r, struct diag *ret)
{
        const char *text = "";

        switch (r->outcome) {
        case REPAIR_NOT_NEEDED:
                text = "all is as it should be";
                break;
        case REPAIR_MENDED:
                text = "all of that would be mended";
                break;
        case REPAIR_RECOVERED:
                text = "the database would be set aside, and the newest good backup loaded";
                break;
        case REPAIR_STOP_FIRST:
                text = "it cannot be mended while peios-registryd runs: stop it, and repair again";
                break;
        case REPAIR_IMPOSSIBLE:
                text = "it cannot be mended, and there is no good backup: nothing is done";
                break;
        }
        if (r->outcome == REPAIR_MENDED && !r->only_looked)
                (void)diag_set(ret, 0, "all of that is mended; %s is what it was", r->recovery.set_aside);
        else if (r->outcome == REPAIR_RECOVERED && !r->only_looked)
                recovery_describe(&r->recovery, ret);
        else
                (void)diag_set(ret, 0, "%s", text);
}
