/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A registry becomes what a copy of it has, or of another one: all layers, and what counts. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../../registry-provider/registry/registry-compare.h"
#include "registry-util.h"
#include "suite.h"

#define LAYERS "Machine\\System\\Registry\\Layers\\"

static void run(const char *file, const char *sql)
{
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        (void)sqlite3_close(db);
}

/* A copy, as Backup() makes it, open, with what `sql` makes of it. */
static struct store *copy_with(const struct world *w, const char *name, const char *sql)
{
        const char *file = world_file(w), *path = scratch_path(&w->root, name);
        _cleanup_buf_ struct buf copy = BUF_INIT;
        struct store *s = NULL;

        (void)unlink(path);
        buf_printf(&copy, "VACUUM INTO '%s'", path);
        run(file, buf_str(&copy));
        run(path, sql);
        ck_assert_int_eq(store_open(path, STORE_AT_BOOT, SIZE_MAX, &s, NULL), 0);
        return s;
}

static struct store *copy_of(const struct world *w, const char *name)
{
        return copy_with(w, name, "");
}

/* What it is about; NULL: all. */
static const struct path *only;

static void compare(const struct world *w, const struct store *then, struct registry_differences *ret)
{
        _cleanup_store_ struct store *now = NULL;
        struct diag d = { 0 };

        ck_assert_int_eq(store_open(world_file(w), STORE_READ_ONLY, SIZE_MAX, &now, &d), 0);
        int r = registry_compare(now, then, only, ret, &d);
        ck_assert_msg(r == 0, "%d %s", r, d.text);
        ck_assert_uint_eq(ret->sequence, registry_sequence(w->r));
}

/* One transaction, synced. Returns how many entries are others then. */
static unsigned restore(struct world *w, const struct store *then, struct registry_undone *undone)
{
        static const struct store_author author = { .reason = "restore", .actor = ACTOR_UNKNOWN };
        struct registry_differences differences;
        struct registry_events events = { 0 };

        compare(w, then, &differences);
        w->d = (struct diag){ 0 };
        ck_assert_int_eq(registry_begin(w->r, &author), 0);
        registry_end_with_failure(w->r);
        int r = registry_restore(w->r, then, &differences, undone, &w->d);
        ck_assert_msg(r == 0, "%s: %s", error_name(r), w->d.text);
        ck_assert_int_eq(registry_end(w->r, &events), 0);
        const struct registry_counts c = events.counts;
        registry_events_done(&events);
        registry_differences_done(&differences);
        ck_assert_int_eq(registry_sync(w->r, &w->d), 0);
        return c.values_set + c.values_deleted + c.keys_created + c.keys_deleted + c.masks;
}

static void restore_all(struct world *w, const struct store *then)
{
        struct registry_undone undone;
        const uint64_t before = registry_sequence(w->r);

        (void)restore(w, then, &undone);
        ck_assert_uint_eq(undone.left_out, 0);
        /* A second time there is nothing to do. */
        const uint64_t sequence = registry_sequence(w->r);
        ck_assert_uint_ge(sequence, before);
        ck_assert_uint_eq(restore(w, then, &undone), 0);
        ck_assert_uint_eq(registry_sequence(w->r), sequence);
        world_check(w);
}

static void prepare(struct world *w)
{
        world_init(w);
        world_do(w, "set - " LAYERS "x Precedence 5\nset - " LAYERS "y Precedence 3\n"
                    "set - " LAYERS "z Precedence 3");
}

static const struct {
        const char *before, *change;
} cases[] = {
        { "", "set - Machine\\A V one" },
        { "set - Machine\\A V one", "set - Machine\\A v two" },
        { "set - Machine\\A V one", "del - Machine\\A V" },
        { "set - Machine\\A V one\nset - Machine\\A\\B W 7", "rmr - Machine\\A" },
        { "set - Machine\\A V one\nset x Machine\\A\\B V two", "rmr - Machine\\A\nrmr x Machine\\A" },
        { "set - Machine\\A V one", "rmr - Machine\\A\nset - Machine\\A W two" },
        { "set - Machine\\A V one", "set - Machine\\A V !" },
        { "set y Machine\\A V one\nset z Machine\\A V two",
                "set y Machine\\A V three\nset y Machine\\A V one" },
        { "set y Machine\\A V one\nset z Machine\\A V two", "del z Machine\\A V" },
        { "mk y Machine\\A\nhide z Machine\\A", "show z Machine\\A" },
        { "hide z Machine\\A\nmk y Machine\\A", "hide z Machine\\A" },
        { "set x Machine\\A V two", "rmr - " LAYERS "x" },
        { "", "set - " LAYERS "new Precedence 9\nmk - Machine\\C" },
        { "set x Machine\\A V two", "set - " LAYERS "x Enabled 0" },
        { "set - Machine\\A V one\nmask - Machine\\A\nset - Machine\\A W w", "set - Machine\\A V two" },
        { "set - Machine\\A V one\nmask - Machine\\A", "set - Machine\\A V two\nset - Machine\\A V one" },
        { "set - Machine\\A V one\nmask x Machine\\A", "unmask x Machine\\A" },
        { "set - Machine\\A V one", "mask x Machine\\A\nset x Machine\\A W w" },
        { "mk x Machine\\A\nhide x Machine\\A\\B\nset y Machine\\A\\B V one",
                "set x Machine\\A\\B W two\nrmr y Machine\\A" },
        { "mk - Machine\\A", "mk x Machine\\A\\B\nrm x Machine\\A\\B\nmk - Machine\\A\\B" },
        { "", "ln - Machine\\L Machine\\A" },
        { "ln - Machine\\L Machine\\A", "lrm - Machine\\L" },
        { "ln - Machine\\L Machine\\A", "lset - Machine\\L @ >Machine\\B\nset - Machine\\B V 1" },
        { "ln - Machine\\L Machine\\A", "lrm - Machine\\L\nset - Machine\\L V 1" },
        { "set - Machine\\L V 1", "rm - Machine\\L\nln - Machine\\L Machine\\A" },
};

TEST_EACH(what_the_copy_has, ARRAY_SIZE(cases))
{
        struct world w;

        prepare(&w);
        if (cases[_i].before[0])
                world_do(&w, cases[_i].before);
        _cleanup_dump_ struct dump contents = world_contents(&w), effective = world_effective(&w);
        _cleanup_store_ struct store *then = copy_of(&w, "copy.db");
        world_do(&w, cases[_i].change);
        _cleanup_dump_ struct dump changed = world_contents(&w);
        const int64_t row = last_row(registry_store(w.r));
        restore_all(&w, then);
        _cleanup_dump_ struct dump after = world_contents(&w), effective_after = world_effective(&w);
        dump_assert_equal(&contents, &after, cases[_i].change);
        dump_assert_equal(&effective, &effective_after, cases[_i].change);
        /* It is a change as any other. */
        world_undo_since(&w, row);
        _cleanup_dump_ struct dump again = world_contents(&w);
        dump_assert_equal(&changed, &again, cases[_i].change);
        world_check(&w);
        world_done(&w);
}

/* Nothing has the GUID that it has here, not even a hive. */
TEST(of_another_machine)
{
        struct world one, other;

        prepare(&one);
        world_do(&one, "set - Machine\\A V one\nset x Machine\\A\\B V two\nhide y Machine\\C");
        world_do(&one, "set - Machine\\Only W 7");
        _cleanup_dump_ struct dump contents = world_contents(&one), effective = world_effective(&one);
        _cleanup_store_ struct store *then = copy_of(&one, "copy.db");
        prepare(&other);
        world_do(&other, "set - Machine\\A V one\nset y Machine\\a\\D V three\nset - Machine\\Here W 8");
        restore_all(&other, then);
        _cleanup_dump_ struct dump after = world_contents(&other), effective_after = world_effective(&other);
        dump_assert_equal(&contents, &after, "contents");
        dump_assert_equal(&effective, &effective_after, "effective");
        /* What is the same is not written: its number is the old one. */
        ck_assert_str_eq(world_get(&other, "Machine\\A", "V"), "'one'@base");
        world_done(&other);
        world_done(&one);
}

/* A key and all below it, whatever else has changed. */
TEST(one_key)
{
        struct world w;
        struct path path;

        prepare(&w);
        world_do(&w, "set - Machine\\A\\B V one\nset x Machine\\A\\B\\C V two\nset - Machine\\A W w");
        _cleanup_store_ struct store *then = copy_of(&w, "copy.db");
        ck_assert_int_eq(registry_path(w.r, "Machine\\A\\B", &path, NULL), 0);
        only = &path;
        world_do(&w, "set - Machine\\A\\B V other\nrmr x Machine\\A\\B\\C\nset - Machine\\A W other\n"
                     "set - Machine\\A\\B\\D V new\nset - Machine\\E V new");
        restore_all(&w, then);
        ck_assert_str_eq(world_get(&w, "Machine\\A\\B", "V"), "'one'@base");
        ck_assert_str_eq(world_get(&w, "Machine\\A\\B\\C", "V"), "'two'@x");
        ck_assert_str_eq(world_get(&w, "Machine\\A\\B\\D", "V"), "NOT_FOUND");
        ck_assert_str_eq(world_get(&w, "Machine\\A", "W"), "'other'@base");
        ck_assert_str_eq(world_get(&w, "Machine\\E", "V"), "'new'@base");
        /* The way to it is made again, and no more. */
        world_do(&w, "rmr x Machine\\A\nrmr - Machine\\A");
        restore_all(&w, then);
        ck_assert_str_eq(world_get(&w, "Machine\\A\\B\\C", "V"), "'two'@x");
        ck_assert_str_eq(world_get(&w, "Machine\\A", "W"), "NOT_FOUND");
        path_done(&path);
        /* It goes where the copy has none. */
        ck_assert_int_eq(registry_path(w.r, "Machine\\E", &path, NULL), 0);
        restore_all(&w, then);
        ck_assert_str_eq(world_get(&w, "Machine\\E", "V"), "NOT_FOUND");
        ck_assert_str_eq(world_get(&w, "Machine\\A\\B", "V"), "'one'@base");
        path_done(&path);
        world_done(&w);
}

/* Those are made, but no more than it takes. */
TEST(hives)
{
        struct world one, other;
        struct path path;

        prepare(&one);
        world_write(&one, ETC "50-a.yaml", HEAD("site") "hives: [Users]\nkeys:\n  Users: { R: !dword 1 }\n");
        world_reload_well(&one);
        world_do(&one, "set - Users\\Bob V one\nset - Machine\\A V one");
        _cleanup_store_ struct store *then = copy_of(&one, "copy.db");
        prepare(&other);
        ck_assert_int_eq(registry_path(other.r, "Machine\\A", &path, NULL), 0);
        only = &path;
        restore_all(&other, then);
        ck_assert_str_eq(world_get(&other, "Machine\\A", "V"), "'one'@base");
        ck_assert_uint_eq(registry_hives(other.r)->n, 1);
        only = NULL;
        restore_all(&other, then);
        ck_assert_str_eq(world_get(&other, "Users\\Bob", "V"), "'one'@base");
        ck_assert_str_eq(world_get(&other, "Users", "R"), "NOT_FOUND");
        path_done(&path);
        world_done(&other);
        world_done(&one);
}

#define FILE_A "etc/peios/registry.d/50-a.yaml"

/* What files have stays as they say. */
TEST(files_stay)
{
        struct world w;
        struct registry_undone undone;

        prepare(&w);
        world_write(
                &w, FILE_A, "peios-registry: 1\nlayer: a\nprecedence: 9\nkeys:\n  \\A\\B: { W: !sz old }\n");
        world_reload_well(&w);
        world_do(&w, "set - Machine\\A\\B V one");
        _cleanup_store_ struct store *then = copy_of(&w, "copy.db");
        world_write(
                &w, FILE_A, "peios-registry: 1\nlayer: a\nprecedence: 9\nkeys:\n  \\A\\B: { W: !sz new }\n");
        world_reload_well(&w);
        world_do(&w, "set - Machine\\A\\B V two");
        ck_assert_uint_eq(restore(&w, then, &undone), 1);
        ck_assert_str_eq(world_get(&w, "Machine\\A\\B", "W"), "'new'@a");
        ck_assert_str_eq(world_get(&w, "Machine\\A\\B", "V"), "'one'@base");
        /* And where there is none any more nothing comes back of it. */
        world_write(&w, FILE_A, NULL);
        world_reload_well(&w);
        ck_assert_uint_eq(restore(&w, then, &undone), 0);
        ck_assert_str_eq(world_get(&w, "Machine\\A\\B", "W"), "NOT_FOUND");
        /* Nor does that go which only came with a file since. */
        world_write(&w, ETC "60-b.yaml", HEAD("b") "precedence: 9\nkeys:\n  \\A\\B: { W: !sz newer }\n");
        world_reload_well(&w);
        ck_assert_uint_eq(restore(&w, then, &undone), 0);
        ck_assert_str_eq(world_get(&w, "Machine\\A\\B", "W"), "'newer'@b");
        world_check(&w);
        world_done(&w);
}

TEST(volatile_keys_stay)
{
        struct world w;
        struct registry_undone undone;

        prepare(&w);
        world_do(&w, "set - Machine\\A V one");
        _cleanup_store_ struct store *then = copy_of(&w, "copy.db");
        world_do(
                &w, "set - Machine\\A\\New V one\nvset - Machine\\A\\New\\Run W 7\nvset - Machine\\Run W 8");
        ck_assert_uint_eq(restore(&w, then, &undone), 1);
        ck_assert_uint_eq(undone.left_out, 1);
        ck_assert_str_eq(world_get(&w, "Machine\\A\\New", "V"), "NOT_FOUND");
        ck_assert_str_eq(world_get(&w, "Machine\\A\\New\\Run", "W"), "7@base");
        ck_assert_str_eq(world_get(&w, "Machine\\Run", "W"), "8@base");
        world_done(&w);
}

TEST(too_much)
{
        _cleanup_(registry_differences_done) struct registry_differences differences = { 0 };
        _cleanup_store_ struct store *now = NULL;
        struct diag d = { 0 };
        struct world w;
        const uint64_t n = 1 + REGISTRY_DIFFERENCES_BYTES_MAX / WORLD_VALUE_MAX;
        char data[WORLD_VALUE_MAX];

        prepare(&w);
        _cleanup_store_ struct store *empty = copy_of(&w, "empty.db");
        struct path path;
        ck_assert_int_eq(registry_path(w.r, "Machine\\A", &path, NULL), 0);
        memset(data, 'x', sizeof(data));
        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        for (uint64_t i = 0; i <= n; i++) {
                char name[32];
                (void)snprintf(name, sizeof(name), "V%u", (unsigned)i);
                ck_assert_int_eq(
                        registry_change(w.r, CHANGE_SET,
                                &(struct registry_write){ .path = &path,
                                        .name = name,
                                        .value = &(struct value){ REG_BINARY, sizeof(data), data } },
                                NULL),
                        0);
        }
        struct registry_events events;
        ck_assert_int_eq(registry_end(w.r, &events), 0);
        registry_events_done(&events);
        ck_assert_int_eq(registry_sync(w.r, NULL), 0);
        path_done(&path);
        _cleanup_store_ struct store *full = copy_of(&w, "full.db");
        ck_assert_int_eq(registry_compare(empty, full, NULL, &differences, &d), REGISTRY_TOO_LARGE);
        ck_assert_ptr_nonnull(strstr(d.text, "more than one change may have"));
        ck_assert_uint_eq(differences.n, 0);
        /* To take it away is less. */
        ck_assert_int_eq(store_open(world_file(&w), STORE_READ_ONLY, SIZE_MAX, &now, &d), 0);
        ck_assert_int_eq(registry_compare(now, empty, NULL, &differences, &d), 0);
        ck_assert_uint_eq(differences.n, n + 2);
        world_done(&w);
}

static struct store *copy_with_values(const struct world *w, const char *name, unsigned n)
{
        _cleanup_buf_ struct buf sql = BUF_INIT;

        buf_printf(&sql,
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %u)"
                " INSERT INTO value(key, folded, layer, name, sequence, type, data)"
                " SELECT (SELECT guid FROM key WHERE parent IS NULL AND name = 'Machine'), 'v' || i, 1, 'v' || i, 1, %u, x'01000000' FROM n",
                n, (unsigned)REG_DWORD);
        return copy_with(w, name, buf_str(&sql));
}

/* However small each is. */
TEST(too_many)
{
        _cleanup_(registry_differences_done) struct registry_differences differences = { 0 };
        struct diag d = { 0 };
        struct world w;

        prepare(&w);
        _cleanup_store_ struct store *none = copy_of(&w, "none.db"),
                                     *most = copy_with_values(&w, "most.db", REGISTRY_DIFFERENCES_MAX),
                                     *more = copy_with_values(&w, "more.db", REGISTRY_DIFFERENCES_MAX + 1);
        ck_assert_int_eq(registry_compare(none, more, NULL, &differences, &d), REGISTRY_TOO_LARGE);
        ck_assert_ptr_nonnull(strstr(d.text, "more than one change may have"));
        ck_assert_int_eq(registry_compare(none, most, NULL, &differences, &d), 0);
        ck_assert_uint_eq(differences.n, REGISTRY_DIFFERENCES_MAX);
        world_done(&w);
}

/* ---- Random runs ---- */

#define RUNS 30
#define ROUNDS 8

static void random_change(struct world *w)
{
        static const char *const layers[] = { "-", "x", "y", "z" };

        world_change_somehow(w, layers, ARRAY_SIZE(layers));
}

/* Of each second one the copy is another machine's. */
TEST_EACH(random_runs, ROUNDS)
{
        for (int run = 0; run < RUNS; run++) {
                struct world w, other;
                char what[32];
                srandom((unsigned)(_i * RUNS + run));
                prepare(&w);
                for (unsigned n = pick(25); n > 0; n--)
                        random_change(&w);
                _cleanup_dump_ struct dump contents = world_contents(&w), effective = world_effective(&w);
                _cleanup_store_ struct store *then = copy_of(&w, "copy.db");
                prepare(&other);
                struct world *to = run % 2 ? &other : &w;
                for (unsigned n = pick(25) + 1; n > 0; n--)
                        random_change(to);
                (void)snprintf(what, sizeof(what), "run %d", _i * RUNS + run);
                _cleanup_dump_ struct dump changed = world_contents(to);
                const int64_t row = last_row(registry_store(to->r));
                restore_all(to, then);
                _cleanup_dump_ struct dump after = world_contents(to), effective_after = world_effective(to);
                dump_assert_equal(&contents, &after, what);
                dump_assert_equal(&effective, &effective_after, what);
                world_undo_since(to, row);
                _cleanup_dump_ struct dump again = world_contents(to);
                dump_assert_equal(&changed, &again, what);
                world_done(&other);
                world_done(&w);
        }
}

Suite *test_suite(void)
{
        return suite_of("registry-restore");
}
