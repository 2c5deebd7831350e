/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What Check() finds is put right while the provider runs: Repair(), PreviewRepair() and peios-reg repair.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>

#include "client.h"
#include "dropin.h"
#include "shell.h"

#define KEY "\\Test\\Key"
#define ASIDE LAYOUT_STORE ".corrupt-1"

/* What nobody but another program can have done. */
static void run_sql(const char *file, const char *sql)
{
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open(world_path(file), &db), SQLITE_OK);
        (void)sqlite3_busy_timeout(db, 10000);
        ck_assert_msg(
                sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static int64_t count(const char *file, const char *from)
{
        _cleanup_free_ char *sql = NULL;
        sqlite3_stmt *q;
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open(world_path(file), &db), SQLITE_OK);
        ck_assert(asprintf(&sql, "SELECT count(*) FROM %s", from) > 0);
        ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
        ck_assert_int_eq(sqlite3_step(q), SQLITE_ROW);
        int64_t n = sqlite3_column_int64(q, 0);
        ck_assert_int_eq(sqlite3_finalize(q), SQLITE_OK);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
        return n;
}

/* A layer, a mask of each kind, and a key that is gone. */
static void start(void)
{
        registryd_start(NULL);
        (void)shell_output(0,
                "reg set /System/Registry/Layers/site Precedence 5; reg set /Test/Key V one; "
                "reg set --layer=site /Test/Key W two; reg mask /Test/Key M; reg new /Test/Masked; reg mask --all /Test/Masked; "
                "reg set /Test/Gone V x; reg del -r -y /Test/Gone");
}

static void says(const char *method, const char *outcome, const char *text)
{
        _cleanup_message_ sd_bus_message *m = answer(world.bus, method, "");
        const char *word, *all = message_text(m);

        ck_assert_int_gt(sd_bus_message_rewind(m, true), 0);
        ck_assert_int_gt(sd_bus_message_read(m, "s", &word), 0);
        ck_assert_msg(strcmp(word, outcome) == 0, "%s, %s: %s", text, outcome, all);
        ck_assert_msg(strstr(all, text), "%s: %s", text, all);
}

static bool is_whole(void)
{
        _cleanup_message_ sd_bus_message *m = answer(world.bus, "Check", "");

        return strcmp(message_text(m), "[]") == 0;
}

#define IN_KEY "(SELECT guid FROM key WHERE name = 'Key')"
#define NO_KEY "x'77000000000000000000000000000000'"
#define ONE_MORE "UPDATE history SET sequence = sequence + 1 WHERE id = (SELECT max(id) FROM history);"
#define LAST "(SELECT sequence FROM history ORDER BY id DESC LIMIT 1)"

static const struct fault {
        const char *sql, *found;
} mended[] = {
        { "INSERT INTO value VALUES(" NO_KEY ", 'v', 1, 'V', 1, 1, x'00')",
                "value 'V' of layer base is in a key that is not there" },
        { "INSERT INTO blanket VALUES(" NO_KEY ", 1, 1)", "masks the values of a key that is not there" },
        { "INSERT INTO path_entry VALUES(" NO_KEY ", 'sub', 1, 'Sub', 1, NULL)",
                "subkey 'Sub' of layer base is in a key that is not there" },
        { ONE_MORE "INSERT INTO path_entry SELECT " IN_KEY ", 'sub', 1, 'Sub', " LAST ", " NO_KEY,
                "names a subkey 'Sub', and there is no such key" },
        { "INSERT INTO key SELECT " NO_KEY ", " IN_KEY ", 'Lost', x'', 0, 0",
                "no layer names it: it is an orphan" },
        { "INSERT INTO key VALUES(" NO_KEY ", x'78000000000000000000000000000000', 'Lost', x'', 0, 0)",
                "the key that it is in is not there" },
        { "UPDATE value SET folded = 'x' WHERE folded = 'v'", "is stored as 'x', expected 'v'" },
        { "UPDATE path_entry SET folded = 'x' WHERE folded = 'key'", "is stored as 'x', expected 'key'" },
        { "UPDATE history SET folded = 'X' WHERE folded = 'gone'", "is stored as 'X', expected 'gone'" },
        { "UPDATE layer SET folded = 'SITE' WHERE folded = 'site'", "layer 'site' is stored as 'SITE'" },
        { "UPDATE value SET data = x'00' WHERE type = 65535", "is a mask, and has data" },
        { "INSERT INTO file VALUES(99, '/etc/x', 0, 1, NULL, NULL)", "is behind layer number 99" },
};

/* One change each, root's, of which each subscriber hears once. */
static void mends(const struct fault *fault, struct ear *ear, unsigned n)
{
        char aside[64];

        (void)snprintf(aside, sizeof(aside), "%s.corrupt-%u", LAYOUT_STORE, n);
        run_sql(LAYOUT_STORE, fault->sql);
        /* What is remembered of before is forgotten, and what is found now remembered. */
        succeeds(world.bus, "Preview", "a(sssuv)a{sv}", 0, 0);
        (void)get_text(world.bus, KEY, "V");
        says("PreviewRepair", "mended", fault->found);
        ck_assert(!world_has(aside));
        ck_assert(!is_whole());
        ear_clear(ear);
        says("Repair", "mended", strrchr(aside, '/') + 1);
        ck_assert(is_whole());
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "one base");
        ck_assert_str_eq(get_text(world.bus, KEY, "W"), "two site");
        WAIT_ON(world.bus, ear->n == 2);
        ck_assert_uint_eq(ear_count(ear, "'overflow'"), 2);
        ck_assert_int_eq(
                count(LAYOUT_STORE, "history h JOIN author a ON a.id = h.author WHERE op = 0x1002"
                                    " AND name LIKE 'repaired: %' AND reason = 'repair' AND uid = 0"),
                n);
        ck_assert_int_eq(count(aside, "value WHERE type = 65535"), 1);
        says("Repair", "not-needed", "all is as it should be");
}

START_TEST(what_is_mended)
{
        _cleanup_ear_ struct ear ear = { 0 };

        start();
        ear_on_changes(&ear, world.bus);
        (void)subscribe(world.bus, KEY, false);
        (void)subscribe(world.bus, "\\Nothing\\There", true);
        for (unsigned i = 0; i < ARRAY_SIZE(mended); i++)
                mends(&mended[i], &ear, i + 1);
        if (records_are_logged())
                ck_assert(daemon_said(&world.registryd, "repaired"));
        (void)set_string(world.bus, KEY, "V", "three");
        daemon_kill(&world.registryd);
        registryd_start(NULL);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "three base");
        ck_assert(is_whole());
        ck_assert_str_eq(registry_property(world.bus, "Problems"), "[]");
}
END_TEST

static const struct fault left[] = {
        { "UPDATE key SET flags = 6 WHERE name = 'Key'", "its flags are 6" },
        { "UPDATE key SET name = 'a\\b' WHERE name = 'Masked'", "no key can have its name" },
        { "INSERT INTO key VALUES(x'09000000000000000000000000000000', NULL, 'MACHINE', x'', 0, 0)",
                "there are two hives of this name" },
        { "UPDATE path_entry SET layer = 77 WHERE folded = 'masked'", "there is no such layer" },
        { "UPDATE path_entry SET sequence = (SELECT sequence FROM value WHERE folded = 'v') WHERE folded = 'masked'",
                "was given to 2 entries" },
        { "UPDATE value SET sequence = 9999 WHERE folded = 'v'", "has number 9999" },
        { "UPDATE value SET type = 99 WHERE folded = 'v'", "has type 99" },
        { "UPDATE blanket SET layer = 77", "its values are masked by layer number 77" },
        { "DELETE FROM author", "there is no such author" },
        { "UPDATE history SET op = 5 WHERE id = 3", "has operation 5, which is none" },
        { "UPDATE history SET sequence = 9999 WHERE id = 3", "after number 9999" },
        { "CREATE TRIGGER t AFTER UPDATE ON layer BEGIN DELETE FROM key; END", "there is a trigger" },
};

static void leaves(const struct fault *fault, bool has_backup)
{
        run_sql(LAYOUT_STORE, fault->sql);
        says("Repair", has_backup ? "stop-first" : "impossible", fault->found);
        ck_assert(!world_has(ASIDE));
        ck_assert(!is_whole());
        /* It goes on as before. */
        (void)set_string(world.bus, "\\Test\\Other", "V", "still");
        SHELL_SAYS(4, "reg repair", fault->found, "peios-reg: it cannot be mended");
}

/* Where there is a backup, that can take its place once the provider is stopped. */
START_TEST(what_is_left)
{
        start();
        (void)shell_output(0, "reg backup copy.db");
        for (size_t i = 0; i < 2 * ARRAY_SIZE(left); i++) {
                daemon_stop(&world.registryd);
                (void)shell_output(0, "rm root" LAYOUT_STORE "-*; cp copy.db root" LAYOUT_STORE
                                      "; rm -f root" LAYOUT_STATE "/backup-*");
                if (i % 2)
                        (void)shell_output(
                                0, "cp copy.db root" LAYOUT_STATE "/backup-00000000000000000001.db");
                registryd_start(NULL);
                leaves(&left[i / 2], i % 2);
        }
}
END_TEST

/* An index that is not what its table has: the file itself is damaged. */
START_TEST(the_file_is_damaged)
{
        start();
        run_sql(LAYOUT_STORE,
                "CREATE INDEX twice ON layer(name); PRAGMA writable_schema = ON;"
                "UPDATE sqlite_schema SET sql = 'CREATE INDEX twice ON layer(folded)' WHERE name = 'twice';"
                "UPDATE layer SET name = 'Site' WHERE folded = 'site'");
        says("Repair", "stop-first", "stop it, and repair again");
        ck_assert_ptr_nonnull(strstr(registry_property(world.bus, "Problems"), LAYOUT_STORE));
        refused(world.bus, ERROR_STORAGE, "", "Set", "ssuva{sv}", KEY, "V", (uint32_t)REG_SZ, "s", "x", 0);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "one base");
        daemon_stop(&world.registryd);
        SHELL_SAYS(0, "reg repair --root root", "all of that is mended");
        registryd_start(NULL);
        ck_assert_str_eq(registry_property(world.bus, "Problems"), "[]");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "one base");
}
END_TEST

START_TEST(there_is_no_room)
{
        struct rlimit old;

        start();
        run_sql(LAYOUT_STORE, mended[0].sql);
        ck_assert_int_eq(prlimit(world.registryd.pid, RLIMIT_FSIZE, NULL, &old), 0);
        const struct rlimit none = { .rlim_cur = 4096, .rlim_max = old.rlim_max };
        ck_assert_int_eq(prlimit(world.registryd.pid, RLIMIT_FSIZE, &none, NULL), 0);
        refused(world.bus, ERROR_STORAGE, "", "Repair", "");
        ck_assert(!world_has(ASIDE));
        ck_assert(!world_has(ASIDE "-journal"));
        ck_assert_int_eq(prlimit(world.registryd.pid, RLIMIT_FSIZE, &old, NULL), 0);
        ck_assert(!is_whole());
        says("Repair", "mended", "registry.db.corrupt-1");
        ck_assert(is_whole());
}
END_TEST

/* Values of volatile keys, which no file has, stay. */
START_TEST(others_go_on)
{
        uint32_t i = 0;

        start();
        (void)shell_output(0, "reg new --volatile /Test/Volatile; reg set /Test/Volatile V here");
        run_sql(LAYOUT_STORE, mended[0].sql);
        _cleanup_message_ sd_bus_message *m = answer_while_writing(world.bus, KEY, &i, "Repair", NULL);
        ck_assert_int_eq(sd_bus_message_is_method_error(m, NULL), 0);
        ck_assert(is_whole());
        ck_assert_str_eq(get_text(world.bus, "\\Test\\Volatile", "V"), "here base");
        _cleanup_message_ sd_bus_message *got = answer(world.bus, "Get", "ss", KEY, "N");
        uint32_t type, found;
        ck_assert_int_gt(sd_bus_message_read(got, "uv", &type, "u", &found), 0);
        ck_assert_uint_eq(found + 1, i);
}
END_TEST

/* What was mended may be how much a layer counts. */
START_TEST(layers_are_read_again)
{
        start();
        (void)shell_output(0, "reg set /System/Registry/Layers/low Precedence 3; "
                              "reg set --layer=site /Test/Key V two; reg set --layer=low /Test/Key V three");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "two site");
        daemon_stop(&world.registryd);
        run_sql(LAYOUT_STORE,
                "UPDATE value SET folded = 'x' WHERE folded = 'precedence' AND key = (SELECT guid FROM key WHERE name = 'site')");
        registryd_start(NULL);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "three low");
        says("Repair", "mended", "value 'Precedence'");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "two site");
}
END_TEST

START_TEST(the_program)
{
        start();
        shell_is(0, "reg repair; reg repair -q", "all is as it should be\n");
        run_sql(LAYOUT_STORE, "UPDATE value SET folded = 'x' WHERE folded = 'v'");
#define FOUND "\\Machine\\Test\\Key: value 'V' of layer base is stored as 'x', expected 'v'\n"
        shell_is(0, "reg repair --dry-run", FOUND "all of that would be mended\n");
        shell_is(0, "reg repair", FOUND "all of that is mended; registry.db.corrupt-1 is what it was\n");
        shell_is(0, "reg repair --json",
                "{\"outcome\":\"not-needed\",\"dry_run\":false,\"text\":\"all is as it should be\","
                "\"findings\":[],\"left\":[]}\n");
        /* The next one has a copy of its own. */
        run_sql(LAYOUT_STORE, "UPDATE value SET folded = 'x' WHERE folded = 'v'");
        SHELL_SAYS(0, "reg repair --json", "\"outcome\":\"mended\"", "registry.db.corrupt-2");
}
END_TEST

START_TEST(who_may)
{
        registryd_start(NULL);
        _cleanup_bus_ sd_bus *other = world_connect(UID_NOBODY);
        run_sql(LAYOUT_STORE, mended[0].sql);
        refused(other, ERROR_ACCESS_DENIED, "only root may have the database repaired", "Repair", "");
        refused(other, ERROR_ACCESS_DENIED, "only root may have the database repaired", "PreviewRepair", "");
        if (records_are_logged())
                WAIT(daemon_said(&world.registryd, "Repair()"));
        ck_assert(!is_whole());
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { what_is_mended, what_is_left, the_file_is_damaged, there_is_no_room,
                others_go_on, layers_are_read_again, the_program };
        const TTest *const privileged[] = { who_may };
        harness_add_privileged(privileged, ARRAY_SIZE(privileged), "that another user repairs nothing");
        return harness_main(tests, ARRAY_SIZE(tests));
}
