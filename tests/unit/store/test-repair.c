/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong is put right where nobody has to guess; else the newest good backup takes its place, or
 * nothing is done. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "../../../registry-provider/store/backup.h"
#include "../../../registry-provider/store/inspect.h"
#include "../../../registry-provider/store/repair.h"
#include "store-file.h"
#include "suite.h"

/* What the folder's file system has free. */
static unsigned long blocks_free = 1ul << 40;

int __wrap_statvfs64(const char *path, struct statvfs *ret);
int __wrap_statvfs64(const char *path, struct statvfs *ret)
{
        ck_assert_ptr_nonnull(path);
        *ret = (struct statvfs){ .f_frsize = 1024, .f_bavail = blocks_free };
        return 0;
}

static struct repair repaired(const struct scratch *s, bool only_look, enum repair_outcome outcome)
{
        struct repair p = { .only_looked = only_look };
        struct diag d = { 0 };

        int r = repair_store(s->file, 4096, &p, &d);
        ck_assert_msg(r == 0, "%d %s", r, d.text);
        ck_assert_msg(p.outcome == outcome, "%d: %s", p.outcome, p.left.n > 0 ? p.left.list[0] : "");
        return p;
}

static size_t count_findings(const char *file)
{
        _cleanup_(diags_done) struct diags found = { 0 };
        struct diag d = { 0 };

        ck_assert_int_eq(inspect_file(file, &found, &d), 0);
        return found.n;
}

/* As upkeep looks at it, beside the store. */
static bool looked_at(struct repair *p)
{
        _cleanup_(database_closep) struct database *db = NULL;
        struct diag d = { 0 };
        bool is_torn;

        ck_assert_int_eq(database_open_upkeep(here.file, &db, &d), 0);
        ck_assert_int_eq(inspect_database(db, &p->found, &is_torn, &d), 0);
        return is_torn;
}

static struct repair repaired_beside(bool only_look, enum repair_outcome outcome)
{
        struct repair p = { .only_looked = only_look };
        struct diag d = { 0 };

        const bool is_torn = looked_at(&p);
        int r = repair_open_store(here.file, is_torn, &p, &d);
        ck_assert_msg(r == 0, "%d %s", r, d.text);
        ck_assert_msg(p.outcome == outcome, "%d: %s", p.outcome, p.left.n > 0 ? p.left.list[0] : "");
        return p;
}

static const char *const mendable[] = {
        /* Entries without a key, and a key, with what is in it, that no layer names. */
        "INSERT INTO value VALUES(x'77000000000000000000000000000000', 'v', 1, 'V', 1, 1, x'00')",
        "INSERT INTO blanket VALUES(x'77000000000000000000000000000000', 1, 1)",
        "INSERT INTO path_entry VALUES(x'01000000000000000000000000000000', 'sub', 1, 'Sub', 1,"
        " x'77000000000000000000000000000000')",
        "INSERT INTO key VALUES(x'77000000000000000000000000000000', x'01000000000000000000000000000000', 'Sub', x'', 0, 0);"
        "INSERT INTO key VALUES(x'78000000000000000000000000000000', x'77000000000000000000000000000000', 'Below', x'', 0, 0);"
        "INSERT INTO path_entry VALUES(x'77000000000000000000000000000000', 'below', 1, 'Below', 1,"
        " x'78000000000000000000000000000000');"
        "INSERT INTO value VALUES(x'78000000000000000000000000000000', 'v', 1, 'V', 1, 1, x'00')",
        /* Names that are folded as nobody looks for them. */
        "UPDATE value SET folded = 'VALUE2' WHERE sequence = 2",
        "UPDATE history SET sequence = 4 WHERE id = (SELECT max(id) FROM history);"
        "INSERT INTO path_entry VALUES(x'01000000000000000000000000000000', 'SUB', 1, 'Sub', 4, NULL)",
        "UPDATE history SET folded = 'VALUE2' WHERE sequence = 2",
        "UPDATE history SET flags = flags & ~8",
        "INSERT INTO layer VALUES(7, 'SITE', 'Site')",
        "UPDATE value SET type = 65535 WHERE sequence = 2",
        "INSERT INTO file VALUES(99, '/etc/x', 0, 1, NULL, NULL)",
        "INSERT INTO layer VALUES(7, 'site', 'Site'); CREATE INDEX twice ON layer(name); PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX twice ON layer(folded)' WHERE name = 'twice'",
};

TEST_EACH(mended, ARRAY_SIZE(mendable))
{
        make_store(&here, 3);
        run_sql(here.file, mendable[_i]);

        struct repair p = repaired(&here, true, REPAIR_MENDED);
        const size_t n = p.found.n;
        ck_assert_uint_gt(n, 0);
        repair_done(&p);
        p = repaired(&here, false, REPAIR_MENDED);
        ck_assert_uint_eq(p.found.n, n);
        repair_done(&p);
        ck_assert_uint_eq(count_findings(here.file), 0);
        ck_assert_int_eq(get_number(here.file, "SELECT count(*) FROM value"), 3);
        ck_assert_int_eq(get_number(here.file, "SELECT count(*) FROM key"), 1);
        ck_assert_int_eq(get_number(here.file,
                                 "SELECT count(*) FROM history WHERE op = 4098 AND name LIKE 'repaired: %'"),
                1);
        p = repaired(&here, false, REPAIR_NOT_NEEDED);
        repair_done(&p);
        _cleanup_store_ struct store *store = open_store(&here);
        put_values(store, 4, 4);
        ck_assert_uint_eq(count_values(store), 4);
}

/* The last one is SQLite's to find: what that finds is not written to while it is open. */
TEST_EACH(mended_beside_a_store, ARRAY_SIZE(mendable))
{
        const bool is_torn = _i + 1 == (int)ARRAY_SIZE(mendable);
        make_store(&here, 3);
        _cleanup_store_ struct store *store = open_store(&here);
        ck_assert_uint_eq(count_values(store), 3);
        run_sql(here.file, mendable[_i]);

        struct repair p = repaired_beside(true, is_torn ? REPAIR_STOP_FIRST : REPAIR_MENDED);
        const size_t n = p.found.n;
        ck_assert_uint_gt(n, 0);
        repair_done(&p);
        expect_files(&here, "registry.db.corrupt", "");
        p = repaired_beside(false, is_torn ? REPAIR_STOP_FIRST : REPAIR_MENDED);
        repair_done(&p);
        if (is_torn) {
                expect_files(&here, "registry.db.corrupt", "");
                return;
        }
        ck_assert_uint_eq(count_findings(here.file), 0);
        ck_assert_uint_eq(count_findings(scratch_path(&here, "registry.db.corrupt-1")), n);
        store_forget_all(store);
        (void)store_take_sequence(store); /* one of them has it */
        put_values(store, 4, 4);
        ck_assert_uint_eq(count_values(store), 4);
        p = repaired_beside(false, REPAIR_NOT_NEEDED);
        repair_done(&p);
}

/* Whoever reads meanwhile goes on reading what it was; and no copy is written over another. */
TEST(beside_a_reader)
{
        static const char sql[] =
                "INSERT INTO value VALUES(x'77000000000000000000000000000000', 'v', 1, 'V', 1, 1, x'00')";
        make_store(&here, 3);
        _cleanup_store_ struct store *store = open_store(&here), *reader = NULL;
        run_sql(here.file, sql);
        ck_assert_int_eq(store_open(here.file, STORE_READ_ONLY, 4096, &reader, NULL), 0);
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(reader);
        ck_assert_uint_eq(count_values(reader), 3);

        struct repair p = repaired_beside(false, REPAIR_MENDED);
        ck_assert_str_eq(p.recovery.set_aside, "registry.db.corrupt-1");
        repair_done(&p);
        put_values(store, 4, 5);
        ck_assert_uint_eq(count_values(reader), 3);
        run_sql(here.file, sql);
        p = repaired_beside(false, REPAIR_MENDED);
        ck_assert_str_eq(p.recovery.set_aside, "registry.db.corrupt-2");
        repair_done(&p);
        ck_assert_int_eq(
                get_number(scratch_path(&here, "registry.db.corrupt-1"), "SELECT count(*) FROM value"), 4);
        ck_assert_int_eq(
                get_number(scratch_path(&here, "registry.db.corrupt-2"), "SELECT count(*) FROM value"), 6);
}

static void fails(int error, const char *text, bool beside)
{
        _cleanup_repair_ struct repair p = { 0 };
        struct diag d = { 0 };

        int r = beside ? (looked_at(&p), repair_open_store(here.file, false, &p, &d))
                       : repair_store(here.file, 4096, &p, &d);
        ck_assert_int_eq(r, error);
        ck_assert_msg(strstr(d.text, text), "%s", d.text);
        expect_files(&here, "registry.db.corrupt", "");
        ck_assert_uint_gt(count_findings(here.file), 0);
}

TEST_EACH(no_room_for_what_it_was, 2)
{
        make_store(&here, 3);
        _cleanup_store_ struct store *store = _i ? open_store(&here) : NULL;
        run_sql(here.file, mendable[0]);
        blocks_free = 10;
        fails(-ENOSPC, "would leave less than that free", _i);
        blocks_free = 1ul << 40;
        struct repair p = _i ? repaired_beside(false, REPAIR_MENDED) : repaired(&here, false, REPAIR_MENDED);
        repair_done(&p);
}

TEST(somebody_writes)
{
        make_store(&here, 3);
        _cleanup_store_ struct store *store = open_store(&here);
        run_sql(here.file, mendable[0]);
        ck_assert_int_eq(store_begin(store, NULL), 0);
        fails(-EBUSY, "locked", true);
        store_rollback(store);
        struct repair p = repaired_beside(false, REPAIR_MENDED);
        repair_done(&p);
}

/* Values of a key whose row is lost cannot be seen, but are not lost for good. */
TEST(what_it_was_is_kept)
{
        make_store(&here, 3);
        run_sql(here.file, "DELETE FROM key");

        struct repair p = repaired(&here, true, REPAIR_MENDED);
        repair_done(&p);
        _cleanup_free_ char *before = scratch_list(&here, "registry.db");
        ck_assert_str_eq(before, "registry.db ");
        p = repaired(&here, false, REPAIR_MENDED);
        ck_assert_str_eq(p.recovery.set_aside, "registry.db.corrupt-1");
        repair_done(&p);
        ck_assert_int_eq(get_number(here.file, "SELECT count(*) FROM value"), 0);
        ck_assert_int_eq(
                get_number(scratch_path(&here, "registry.db.corrupt-1"), "SELECT count(*) FROM value"), 3);
}

static const char *const others[] = {
        "UPDATE value SET type = 99 WHERE sequence = 2", "UPDATE value SET layer = 99 WHERE sequence = 2",
        "UPDATE value SET sequence = 77 WHERE sequence = 2", "DELETE FROM author", NULL, /* torn */
};

static void break_it(const struct scratch *s, const char *sql)
{
        if (sql)
                run_sql(s->file, sql);
        else
                damage_pages_with(s->file, "Value2");
}

TEST_EACH(not_without_a_guess, ARRAY_SIZE(others))
{
        make_store(&here, 3);
        break_it(&here, others[_i]);

        struct repair p = repaired(&here, false, REPAIR_IMPOSSIBLE);
        ck_assert_uint_gt(p.left.n, 0);
        repair_done(&p);
        _cleanup_free_ char *files = scratch_list(&here, "registry.db");
        ck_assert_str_eq(files, "registry.db ");
}

TEST_EACH(not_beside_a_store, ARRAY_SIZE(others) - 1)
{
        make_store(&here, 3);
        break_it(&here, others[_i]);
        _cleanup_store_ struct store *store = open_store(&here);

        struct repair p = repaired_beside(false, REPAIR_IMPOSSIBLE);
        repair_done(&p);
        expect_files(&here, "registry.db.corrupt", "");
}

TEST_EACH(from_a_backup_once_it_is_closed, ARRAY_SIZE(others) - 1)
{
        make_store(&here, 3);
        (void)make_backup(&here);
        break_it(&here, others[_i]);
        {
                _cleanup_store_ struct store *store = open_store(&here);
                struct repair p = repaired_beside(false, REPAIR_STOP_FIRST);
                repair_done(&p);
        }
        struct repair p = repaired(&here, false, REPAIR_RECOVERED);
        repair_done(&p);
}

TEST_EACH(from_a_backup, ARRAY_SIZE(others))
{
        make_store(&here, 3);
        (void)make_backup(&here);
        break_it(&here, others[_i]);

        struct repair p = repaired(&here, true, REPAIR_RECOVERED);
        repair_done(&p);
        _cleanup_free_ char *before = scratch_list(&here, "registry.db");
        ck_assert_str_eq(before, "registry.db ");
        p = repaired(&here, false, REPAIR_RECOVERED);
        ck_assert_str_eq(p.recovery.backup, "backup-00000000000000000003.db");
        repair_done(&p);
        ck_assert_uint_eq(count_findings(here.file), 0);
        ck_assert_int_eq(get_number(here.file, "SELECT count(*) FROM value"), 3);
        _cleanup_free_ char *after = scratch_list(&here, "registry.db");
        ck_assert_str_eq(after, "registry.db registry.db.corrupt-1 ");
}

/* One that breaks the same rule is no good one. */
TEST(no_good_backup)
{
        make_store(&here, 3);
        run_sql(here.file, others[0]);
        (void)make_backup(&here);

        struct repair p = repaired(&here, false, REPAIR_IMPOSSIBLE);
        repair_done(&p);
}

TEST(of_another_version)
{
        struct repair p = { 0 };
        struct diag d = { 0 };
        ck_assert_int_eq(repair_store(here.file, 4096, &p, &d), -ENOENT);
        make_store(&here, 3);
        run_sql(here.file, "PRAGMA user_version = 99");

        d = (struct diag){ 0 };
        ck_assert_int_eq(repair_store(here.file, 4096, &p, &d), -EPROTONOSUPPORT);
        ck_assert_ptr_nonnull(strstr(d.text, "format 99"));
}

Suite *test_suite(void)
{
        return suite_with("repair", here_make, here_remove);
}
