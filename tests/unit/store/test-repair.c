/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong is put right where nobody has to guess; else the newest good backup takes its place, or
 * nothing is done. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../registry-provider/store/backup.h"
#include "../../../registry-provider/store/inspect.h"
#include "../../../registry-provider/store/repair.h"
#include "store-file.h"
#include "suite.h"

static struct repair repaired(const struct scratch *s, bool only_look, enum repair_outcome outcome)
{
        struct repair p;
        struct diag d = { 0 };

        int r = repair_store(s->file, 4096, only_look, &p, &d);
        ck_assert_msg(r == 0, "%d %s", r, d.text);
        ck_assert_msg(p.outcome == outcome, "%d: %s", p.outcome, p.left.n > 0 ? p.left.list[0] : "");
        return p;
}

static void is_whole(const struct scratch *s)
{
        _cleanup_(diags_done) struct diags found = { 0 };
        struct diag d = { 0 };

        ck_assert_int_eq(inspect_file(s->file, &found, &d), 0);
        ck_assert_msg(found.n == 0, "%s", found.n > 0 ? found.list[0] : "");
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
        "INSERT INTO layer VALUES(7, 'SITE', 'Site')",
        "UPDATE value SET type = 65535 WHERE sequence = 2",
        "INSERT INTO file VALUES(99, '/etc/x', 0, 1, NULL, NULL)",
        "INSERT INTO layer VALUES(7, 'site', 'Site'); CREATE INDEX twice ON layer(name); PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX twice ON layer(folded)' WHERE name = 'twice'",
};

START_TEST(mended)
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
        is_whole(&here);
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
END_TEST

/* Values of a key whose row is lost cannot be seen, but are not lost for good. */
START_TEST(what_it_was_is_kept)
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
END_TEST

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

START_TEST(not_without_a_guess)
{
        make_store(&here, 3);
        break_it(&here, others[_i]);

        struct repair p = repaired(&here, false, REPAIR_IMPOSSIBLE);
        ck_assert_uint_gt(p.left.n, 0);
        repair_done(&p);
        _cleanup_free_ char *files = scratch_list(&here, "registry.db");
        ck_assert_str_eq(files, "registry.db ");
}
END_TEST

START_TEST(from_a_backup)
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
        is_whole(&here);
        ck_assert_int_eq(get_number(here.file, "SELECT count(*) FROM value"), 3);
        _cleanup_free_ char *after = scratch_list(&here, "registry.db");
        ck_assert_str_eq(after, "registry.db registry.db.corrupt-1 ");
}
END_TEST

/* One that breaks the same rule is no good one. */
START_TEST(no_good_backup)
{
        make_store(&here, 3);
        run_sql(here.file, others[0]);
        (void)make_backup(&here);

        struct repair p = repaired(&here, false, REPAIR_IMPOSSIBLE);
        repair_done(&p);
}
END_TEST

START_TEST(of_another_version)
{
        struct repair p;
        struct diag d = { 0 };
        ck_assert_int_eq(repair_store(here.file, 4096, false, &p, &d), -ENOENT);
        make_store(&here, 3);
        run_sql(here.file, "PRAGMA user_version = 3");

        d = (struct diag){ 0 };
        ck_assert_int_eq(repair_store(here.file, 4096, false, &p, &d), -EPROTONOSUPPORT);
        ck_assert_ptr_nonnull(strstr(d.text, "format 3"));
}
END_TEST

Suite *test_suite(void)
{
        const TTest *const tests[] = { what_it_was_is_kept, no_good_backup, of_another_version };
        Suite *suite = suite_with("repair", tests, ARRAY_SIZE(tests), here_make, here_remove);

        suite_loop(mended, ARRAY_SIZE(mendable));
        suite_loop(not_without_a_guess, ARRAY_SIZE(others));
        suite_loop(from_a_backup, ARRAY_SIZE(others));
        return suite;
}
