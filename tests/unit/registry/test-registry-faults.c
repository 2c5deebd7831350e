/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A store that cannot be read or written: nobody takes what cannot be read for what is not there, and what
 * is not stored is not in force either. */

#include <errno.h>
#include <string.h>

#include "../../../registry-provider/store/store-internal.h"
#include "suite.h"
#include "failing-disk.h"
#include "registry-world.h"

#define LAYERS "\\System\\Registry\\Layers\\"
#define SITE_PATH "etc/peios/registry.d/50-site.yaml"
#define SITE                                                                                                \
        "peios-registry: 1\nlayer: site\nprecedence: 7\nhives: [Users]\nkeys:\n"                            \
        "  \\App: !blanket { V: !dword 9, New: !sz text }\n"                                                \
        "  \\Own\\Deep: { V: !dword 1 }\n"                                                                  \
        "  \\Gone: !hidden\n"                                                                               \
        "  Users\\U: { V: !dword 1 }\n"

static void setup(void)
{
        world_init(&w);
        world_do(&w, "set - " LAYERS "high Precedence 5");
        world_do(&w,
                "set - \\App V 1\nset high \\App W 1\nset - \\App\\In X 1\nset high \\App\\In\\Deep Y 1\n"
                "set - \\Gone V 1");
        /* More than one page of each table. */
        _cleanup_buf_ struct buf script = BUF_INIT;
        for (unsigned i = 0; i < 40; i++)
                buf_printf(&script, "set - \\Fill\\Key%u Value A-value-that-takes-its-room-%u\n", i, i);
        world_do(&w, buf_str(&script));
}

static void teardown(void)
{
        disk_failing_syncs = disk_failing_read = 0;
        disk_is_full = false;
        world_done(&w);
}

static void assert_as_before(struct dump *before, const char *what)
{
        struct dump after = world_dump(&w, false);
        dump_assert_equal(before, &after, what);
        dump_done(&after);
}

/* ---- Reading ---- */

/* All is read anew, and the n-th read fails. */
static void fail_read(unsigned n)
{
        struct store *s = store_writable(registry_store(w.r));

        cache_clear(&s->cache);
        (void)sqlite3_db_release_memory(s->db->sqlite);
        disk_failing_read = n;
}

/* Whether it has. */
static bool has_failed(void)
{
        bool failed = disk_failing_read == 0;

        disk_failing_read = 0;
        return failed;
}

struct question {
        const char *key, *name;
        int (*ask)(const struct path *path, const char *name);
};

static int ask_value(const struct path *path, const char *name)
{
        struct registry_value v;
        return registry_get(w.r, path, name, &v, &w.d);
}

static int ask_key(const struct path *path, _unused_ const char *name)
{
        struct guid key;
        return registry_find_key(w.r, path, &key, &w.d);
}

static int ask_lists(const struct path *path, _unused_ const char *name)
{
        _cleanup_free_ const struct store_path_entry **children = NULL;
        _cleanup_free_ const struct store_value_entry **values = NULL;
        const struct store *s = registry_store(w.r);
        size_t n = 0, n_values = 0;
        struct guid key;

        int r = registry_find_key(w.r, path, &key, &w.d);
        if (r == 0)
                r = resolve_children(s, registry_layers(w.r), &key, &children, &n);
        if (r == 0)
                r = resolve_values(s, registry_layers(w.r), &key, SIZE_MAX, &values, &n_values);
        return r < 0 ? r : (int)(n * 100 + n_values);
}

static int ask_why(const struct path *path, const char *name)
{
        _cleanup_free_ struct why_entry *why = NULL;
        size_t n = 0;
        struct guid key;

        int r = registry_find_key(w.r, path, &key, &w.d);
        if (r == 0)
                r = resolve_why(
                        registry_store(w.r), registry_layers(w.r), &key, name, strlen(name), &why, &n);
        return r < 0 ? r : (int)n;
}

static void count_refused(_unused_ const struct layers_refused *refused, void *userdata)
{
        ++*(int *)userdata;
}

static int ask_refused(_unused_ const struct path *path, _unused_ const char *name)
{
        int n = 0, r = layers_each_refused(registry_store(w.r), registry_layers(w.r), count_refused, &n);
        return r < 0 ? r : n;
}

static const struct question questions[] = {
        { "\\App", "", ask_refused },
        { "\\App", "V", ask_value },
        { "\\App\\In\\Deep", "Y", ask_value },
        { "\\App", "None", ask_value },
        { "\\App\\None\\Deep", "V", ask_value },
        { "\\System\\Audit\\Modules", "TaintEvents", ask_value },
        { "\\Gone\\In", "V", ask_value },
        { "\\Fill\\Key7", "", ask_key },
        { "\\Fill\\Key70", "", ask_key },
        { "\\App", "", ask_lists },
        { "\\Fill", "", ask_lists },
        { "\\App", "V", ask_why },
        { "\\App", "None", ask_why },
};

static int ask(const struct question *q)
{
        _cleanup_path_ struct path path = { 0 };
        _cleanup_store_scope_ struct store_scope scope = registry_scope(w.r);

        ck_assert_int_eq(registry_path(w.r, q->key, &path, NULL), 0);
        w.d = (struct diag){ 0 };
        return q->ask(&path, q->name);
}

TEST_EACH(each_read_fails_once, ARRAY_SIZE(questions))
{
        const struct question *q = &questions[_i];
        unsigned n = 0;
        bool failed;

        world_write(&w, SITE_PATH, SITE);
        world_reload_well(&w);
        world_do(&w, "set - " LAYERS "high Enabled 2");
        int expected = ask(q);
        do {
                fail_read(++n);
                int r = ask(q);
                failed = has_failed();
                ck_assert_msg(r == (failed ? -EIO : expected), "%s %s, read %u: %d %s", q->key, q->name, n,
                        r, w.d.text);
                ck_assert(!failed || !w.d.text[0] || strstr(w.d.text, "registry.db"));
                ck_assert_int_eq(ask(q), expected);
        } while (failed);
        ck_assert_uint_gt(n, 3);
}

/* ---- Changing ---- */

static const char *const scripts[] = {
        "set - \\App V 2",
        "set - \\App V 1",
        "set - \\New\\Deep\\Key V 1",
        "set high \\App\\In\\Deep Y !",
        "del - \\App V",
        "del high \\App V",
        "del - \\None V",
        "mk high \\New\\Deep",
        "mk - \\App",
        "rm - \\App",
        "rmr - \\App",
        "rmr high \\App",
        "rm - \\None",
        "set - " LAYERS "high Enabled 0",
        "rm - " LAYERS "high",
        "set - " LAYERS "more Precedence 1",
};

/* What it ends with when nothing fails, as text. */
static char *preview(const char *script)
{
        char *text = world_preview(&w, script);
        w.d = (struct diag){ 0 };
        return text;
}

/* True if it came to the n-th read. */
static bool fail_nth_read(const char *script, const char *expected, unsigned n)
{
        struct registry_events events = { 0 };

        struct dump before = world_dump(&w, false);
        fail_read(n);
        int r = registry_begin(w.r, NULL);
        if (r == 0) {
                r = world_change(&w, script);
                if (r != 0)
                        registry_abort(w.r);
                else
                        r = registry_end(w.r, &events);
        }
        bool failed = has_failed();
        _cleanup_free_ char *text = r != 0 ? error_text(&w, r) : events_text(&events);
        registry_events_done(&events);
        if (!failed) {
                ck_assert_str_eq(text, expected);
        } else {
                ck_assert_msg(r == -EIO, "%s, read %u: %s", script, n, text);
                ck_assert_int_eq(registry_sync(w.r, NULL), 0);
                assert_as_before(&before, script);
        }
        dump_done(&before);
        return failed;
}

TEST_EACH(each_read_of_a_change_fails_once, ARRAY_SIZE(scripts))
{
        const char *script = scripts[_i];
        unsigned n = 1;

        world_write(&w, SITE_PATH, SITE);
        world_reload_well(&w);
        _cleanup_free_ char *expected = preview(script);
        while (fail_nth_read(script, expected, n))
                n++;
        ck_assert_uint_gt(n, 3);
}

/* It is not the files' fault. */
TEST(each_read_of_a_reload_fails_once)
{
        struct registry_events events;
        bool failed;

        world_write(&w, SITE_PATH, SITE);
        world_reload_well(&w);
        world_write(&w, SITE_PATH, "peios-registry: 1\nlayer: site\nkeys: { \\App: { V: !dword 4 } }\n");
        for (unsigned n = 1; n < 1000; n++) {
                struct dump before = world_dump(&w, false);
                dropins_done(&w.files);
                ck_assert_int_eq(dropins_load(w.root.root, WORLD_VALUE_MAX, &w.files), 0);
                w.d = (struct diag){ 0 };
                fail_read(n);
                int r = registry_apply_dropins(w.r, &w.files, &events, &w.d);
                failed = has_failed();
                for (size_t i = 0; i < w.files.n; i++)
                        ck_assert_ptr_null(w.files.list[i].error);
                ck_assert_int_eq(r, failed ? -EIO : 0);
                if (failed) {
                        ck_assert_ptr_nonnull(strstr(w.d.text, "registry.db"));
                        assert_as_before(&before, "a reload");
                }
                dump_done(&before);
                if (!failed) {
                        registry_events_done(&events);
                        ck_assert_str_eq(world_get(&w, "\\App", "V"), "4@site");
                        ck_assert_uint_gt(n, 10);
                        return;
                }
        }
        ck_abort();
}

TEST(each_read_of_opening_fails_once)
{
        unsigned n = 0;
        int r;

        world_write(&w, SITE_PATH, SITE);
        world_reload_well(&w);
        struct dump before = world_dump(&w, false);
        do {
                world_close(&w);
                disk_failing_read = ++n;
                r = world_open(&w);
                bool failed = has_failed();
                ck_assert_msg(failed ? r < 0 || n == 1 : r == 0, "read %u: %d %s", n, r, w.d.text);
                ck_assert(r == 0 || w.d.text[0]);
        } while (r < 0 || n == 1);
        assert_as_before(&before, "opening");
        dump_done(&before);
        ck_assert_uint_gt(n, 10);
}

/* ---- Writing ---- */

static void end_transaction(const char *script)
{
        struct registry_events events;

        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        ck_assert_int_eq(world_change(&w, script), 0);
        ck_assert_int_eq(registry_end(w.r, &events), 0);
        registry_events_done(&events);
}

/* A layer that appears, one that moves, a hive, keys, values. */
static void end_several(void)
{
        struct registry_events events;

        world_write(&w, SITE_PATH, SITE);
        dropins_done(&w.files);
        ck_assert_int_eq(dropins_load(w.root.root, WORLD_VALUE_MAX, &w.files), 0);
        ck_assert_int_eq(registry_apply_dropins(w.r, &w.files, &events, NULL), 0);
        registry_events_done(&events);
        end_transaction("set - " LAYERS "high Precedence 9\nset - " LAYERS "more Precedence 4");
        end_transaction("set - \\App V 2\nvset - \\Tmp\\Run V 3\nset - Users\\U W 1");
        ck_assert_uint_eq(registry_hives(w.r)->n, 2);
        ck_assert_uint_eq(registry_layers(w.r)->n, 4);
        ck_assert_str_eq(world_get(&w, "\\App", "W"), "1@high");
}

static void assert_undone(struct dump *before, uint64_t sequence)
{
        ck_assert(!registry_pending(w.r));
        assert_as_before(before, "a turn that failed");
        ck_assert_uint_eq(registry_hives(w.r)->n, 1);
        ck_assert_uint_eq(registry_layers(w.r)->n, 2);
        ck_assert_uint_eq(registry_sequence(w.r), sequence);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "1@base");
        ck_assert_int_eq(registry_sync(w.r, NULL), 0);
}

/* All of it works again. */
static void use_again(void)
{
        world_reload_well(&w);
        world_do(&w, "set - " LAYERS "more Precedence 4\nset - \\App V 2");
        struct dump before = world_dump(&w, true);
        world_crash(&w);
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a crash");
        dump_done(&before);
        dump_done(&after);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "9@site");
}

TEST(a_sync_fails)
{
        static const unsigned failing[] = { 1, 2, 3 };
        struct dump before = world_dump(&w, false);
        uint64_t sequence = registry_sequence(w.r), version = registry_layers_version(w.r);

        for (size_t i = 0; i < ARRAY_SIZE(failing); i++) {
                end_several();
                disk_failing_syncs = failing[i];
                ck_assert_int_eq(registry_sync(w.r, &w.d), -EIO);
                ck_assert_ptr_nonnull(strstr(w.d.text, "registry.db"));
                ck_assert_uint_gt(registry_layers_version(w.r), version);
                assert_undone(&before, sequence);
                while (disk_failing_syncs > 0)
                        ck_assert_int_eq(registry_begin(w.r, NULL), -EIO);
        }
        dump_done(&before);
        use_again();
}

TEST(the_disk_is_full)
{
        struct dump before = world_dump(&w, false);
        uint64_t sequence = registry_sequence(w.r);
        _cleanup_buf_ struct buf large = BUF_INIT;

        /* More than the log has room for already. */
        for (unsigned i = 0; i < 400; i++)
                buf_printf(&large, "set - \\Large V%u %04000u-\n", i, i);
        end_several();
        end_transaction(buf_str(&large));
        disk_is_full = true;
        ck_assert_int_eq(registry_sync(w.r, &w.d), -ENOSPC);
        assert_undone(&before, sequence);
        ck_assert_int_eq(registry_begin(w.r, NULL), -ENOSPC);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "1@base");
        disk_is_full = false;
        dump_done(&before);
        use_again();
}

static void limit_pages(unsigned pages)
{
        ck_assert_int_eq(sqlite3_exec(registry_store(w.r)->db->sqlite,
                                 textf("PRAGMA max_page_count = %u", pages), NULL, NULL, NULL),
                SQLITE_OK);
}

/* In the midst of a change, and with it goes what has ended before in the turn. */
TEST(no_page_is_left)
{
        struct dump before = world_dump(&w, false);
        uint64_t sequence = registry_sequence(w.r);
        _cleanup_buf_ struct buf large = BUF_INIT;

        for (unsigned i = 0; i < 400; i++)
                buf_printf(&large, "set - \\Large V%u %04000u-\n", i, i);
        end_several();
        limit_pages(1);
        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        ck_assert_int_eq(world_change(&w, buf_str(&large)), -ENOSPC);
        ck_assert_ptr_nonnull(strstr(w.d.text, "full"));
        ck_assert_int_lt(world_change(&w, "set - \\App V 7"), 0);
        registry_abort(w.r);
        int r = registry_sync(w.r, &w.d);
        if (r == 0) {
                /* SQLite could undo the one change alone. */
                ck_assert_str_eq(world_get(&w, "\\App", "V"), "9@site");
                ck_assert_uint_eq(registry_hives(w.r)->n, 2);
        } else {
                ck_assert_int_eq(r, -ENOSPC);
                assert_undone(&before, sequence);
        }
        limit_pages(1000000);
        dump_done(&before);
        use_again();
}

Suite *test_suite(void)
{
        return suite_with("registry-faults", setup, teardown);
}
