/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The n-th allocation fails, for all n: the registry is as it was, can be used, and says the same after a
 * crash. */

#include <errno.h>
#include <string.h>

#include <sqlite3.h>

#include "alloc-faults.h"
#include "registry-world.h"
#include "suite.h"

/* SQLite has its own way to the C library. */
static sqlite3_mem_methods sqlite_memory;

static void *sqlite_malloc(int n)
{
        return alloc_fails_now() ? NULL : sqlite_memory.xMalloc(n);
}

static void *sqlite_realloc(void *p, int n)
{
        return alloc_fails_now() ? NULL : sqlite_memory.xRealloc(p, n);
}

/* Before anything else in this process uses it. */
static bool let_sqlite_fail(void)
{
        int r = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory);
        sqlite3_mem_methods failing = sqlite_memory;

        failing.xMalloc = sqlite_malloc;
        failing.xRealloc = sqlite_realloc;
        return r == SQLITE_OK && sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) == SQLITE_OK;
}

#define SITE                                                                                                \
        "peios-registry: 1\nlayer: site\nprecedence: 7\nhives: [Users]\nkeys:\n"                            \
        "  \\App: !blanket { V: !dword 9, New: !sz text }\n"                                                \
        "  \\Own\\Deep: { V: !dword 1 }\n"                                                                  \
        "  \\Gone: !hidden\n"                                                                               \
        "  Users\\U: { V: !dword 1 }\n"
#define SITE_CHANGED                                                                                        \
        "peios-registry: 1\nlayer: site\nprecedence: 8\nhives: [Users, More]\nkeys:\n"                      \
        "  \\App: { V: !dword 9, New: !sz other }\n"                                                        \
        "  \\Own: !hidden\n"                                                                                \
        "  More\\M: { V: !dword 1 }\n"
#define SITE_PATH "etc/peios/registry.d/50-site.yaml"

static void setup(void)
{
        world_init(&w);
        world_do(&w, "set - \\System\\Registry\\Layers\\high Precedence 5");
        world_do(&w,
                "set - \\App V 1\nset high \\App W 1\nset - \\App\\In X 1\nset high \\App\\In\\Deep Y 1\n"
                "set - \\Gone V 1");
}

/* Nothing of the tests' own may allocate while the countdown runs. */
struct change {
        enum {
                SET,
                DELETE,
                CREATE_KEY,
                DELETE_KEY,
                DROPINS,
                UNDO, /* of all that `text` says */
        } kind;
        const char *layer, *key, *name;
        const char *text;
        const char *before; /* another change, or NULL */
        const char *file;   /* of a drop-in before it, or NULL */
};

static struct registry_undo to_undo;

static int take_back(void)
{
        struct registry_undone undone = { 0 };
        registry_end_with_failure(w.r);
        return registry_undo(w.r, &to_undo, &undone, NULL);
}

static int apply_change(const struct change *c, const struct path *path)
{
        const struct value v = { .type = REG_DWORD, .data = c->text, .size = 4 };
        const struct registry_write write = { .path = path,
                .name = c->name ? c->name : "",
                .layer = c->layer,
                .value = &v,
                .recursive = true };

        switch (c->kind) {
        case SET:
                return registry_change(w.r, CHANGE_SET, &write, NULL);
        case DELETE:
                return registry_change(w.r, CHANGE_DELETE, &write, NULL);
        case CREATE_KEY:
                return registry_change(w.r, CHANGE_CREATE_KEY, &write, NULL);
        case UNDO:
                return take_back();
        default:
                return registry_change(w.r, CHANGE_DELETE_KEY, &write, NULL);
        }
}

/* One change, and however it went another one behind it, which must do. */
static int try_change(const struct change *c, const struct path *path, struct registry_events *events)
{
        if (c->kind == DROPINS)
                return registry_apply_dropins(w.r, &w.files, events, NULL);
        int r = registry_begin(w.r, NULL);
        if (r < 0)
                return r;
        r = apply_change(c, path);
        if (r != 0) {
                registry_abort(w.r);
                return r;
        }
        return registry_end(w.r, events);
}

enum outcome {
        FAILED,
        SPARED, /* SQLite can do without some of what it asks for */
        DONE,   /* it did not come to the n-th */
};

static enum outcome fail_nth(const struct change *c, const struct path *path, unsigned n)
{
        struct registry_events events = { 0 };
        struct dump before = world_dump(&w, false);

        if (c->kind == DROPINS) {
                dropins_done(&w.files);
                ck_assert_int_eq(dropins_load(w.root.root, WORLD_VALUE_MAX, &w.files), 0);
        }
        alloc_fail_at(n);
        int r = try_change(c, path, &events);
        if (r == 0)
                r = registry_sync(w.r, NULL);
        const bool failed = alloc_failed();
        registry_events_done(&events);
        ck_assert_msg(r == 0 || (failed && r == -ENOMEM), "%s: allocation %u: %s", c->key, n, strerror(-r));
        if (r < 0) {
                struct dump after = world_dump(&w, false);
                dump_assert_equal(&before, &after, c->key);
                dump_done(&after);
                ck_assert(!registry_pending(w.r));
        }
        dump_done(&before);
        return r < 0 ? FAILED : failed ? SPARED : DONE;
}

static void check_crash(const char *what)
{
        struct dump before = world_dump(&w, true);
        world_crash(&w);
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, what);
        dump_done(&before);
        dump_done(&after);
}

/* As if nothing had been done. */
static void prepare(const struct change *c, const char *file)
{
        world_teardown();
        setup();
        if (c->before)
                world_do(&w, c->before);
        if (c->file) {
                world_write(&w, SITE_PATH, c->file);
                world_reload_well(&w);
        }
        if (c->kind == DROPINS)
                world_write(&w, SITE_PATH, file);
        if (c->kind == UNDO) {
                to_undo.after = last_row(registry_store(w.r));
                world_do(&w, c->text);
                to_undo.until = last_row(registry_store(w.r));
        }
}

/* `file`: what a drop-in says now; NULL: it is gone. */
static void run_change(const struct change *c, const char *file)
{
        _cleanup_path_ struct path path = { 0 };
        enum outcome outcome;
        unsigned n = 0, failures = 0;

        prepare(c, file);
        ck_assert_int_eq(registry_path(w.r, c->key, &path, NULL), 0);
        while ((outcome = fail_nth(c, &path, ++n)) != DONE) {
                failures += outcome == FAILED;
                if (outcome == SPARED)
                        prepare(c, file);
        }
        ck_assert_uint_gt(failures, 10);
        check_crash(c->key);
        world_do(&w, "set - \\After V 1");
        world_do(&w, "rmr - \\After");
}

#define METADATA "\\System\\Registry\\Layers\\"

static const struct change changes_of_one[] = {
        { SET, NULL, "\\App", "V", "\2\0\0\0", NULL, NULL },
        { SET, NULL, "\\New\\Deep\\Key", "V", "\2\0\0\0", NULL, NULL },
        { SET, "high", "\\App", "V", "\3\0\0\0", NULL, NULL },
        { CREATE_KEY, "high", "\\New\\Deep\\Key", NULL, NULL, "set - \\New\\Deep\\Key V 2", NULL },
        { DELETE, "high", "\\App", "V", NULL, "set high \\App V 3", NULL },
        { DELETE_KEY, NULL, "\\App", NULL, NULL, NULL, NULL },
        { SET, NULL, METADATA "high", "Enabled", "\0\0\0\0", NULL, NULL },
        { SET, NULL, METADATA "high", "Enabled", "\1\0\0\0", "set - " METADATA "high Enabled 0", NULL },
        { SET, NULL, METADATA "more", "Precedence", "\1\0\0\0", NULL, NULL },
        { DELETE_KEY, NULL, METADATA "high", NULL, NULL, NULL, NULL },
        { UNDO, NULL, "\\App", NULL, "set - \\App V 2\nset high \\New\\Deep V 3\ndel high \\App W", NULL,
                NULL },
        { UNDO, NULL, "\\App", NULL, "rmr - \\App\nset - \\App\\In V 4\nmask high \\App", NULL, NULL },
        { UNDO, NULL, "\\App", NULL, "unmask - \\App\nhide high \\Gone",
                "set - \\App V 1\nmask - \\App\nset - \\App W 2", NULL },
};

TEST_EACH(changes, ARRAY_SIZE(changes_of_one))
{
        run_change(&changes_of_one[_i], NULL);
}

#define TAKEN "peios-registry: 1\nlayer: taken\n"
#define MOVED "peios-registry: 1\nlayer: moved\nkeys: { \\Moved: { V: !dword 1 } }\n"

static const struct {
        const char *before, *file, *then;
} reloads[] = {
        { NULL, NULL, SITE },
        { NULL, SITE, SITE_CHANGED },
        { "set - " METADATA "taken Precedence 1\nset - \\App V 2", SITE, TAKEN },
        { NULL, SITE_CHANGED, MOVED },
        { NULL, SITE, NULL },
};

TEST_EACH(dropins, ARRAY_SIZE(reloads))
{
        const struct change reload = {
                .kind = DROPINS, .key = "\\App", .before = reloads[_i].before, .file = reloads[_i].file
        };
        run_change(&reload, reloads[_i].then);
}

/* A change that fails leaves nothing of itself in its transaction either. */
TEST(in_an_open_transaction)
{
        _cleanup_path_ struct path path = { 0 }, first = { 0 };
        const struct change before = { SET, NULL, "\\First\\Key", "V", "\1\0\0\0", NULL, NULL };
        const struct change c = { SET, NULL, "\\New\\Key", "V", "\2\0\0\0", NULL, NULL };
        unsigned n = 0, kept = 0;

        ck_assert_int_eq(registry_path(w.r, c.key, &path, NULL), 0);
        ck_assert_int_eq(registry_path(w.r, before.key, &first, NULL), 0);
        bool failed;
        do {
                struct registry_events events;
                ck_assert_int_eq(registry_begin(w.r, NULL), 0);
                ck_assert_int_eq(apply_change(&before, &first), 0);
                alloc_fail_at(++n);
                int r = apply_change(&c, &path);
                failed = alloc_failed();
                ck_assert(r == 0 || (failed && r == -ENOMEM));
                int ended = registry_end(w.r, &events);
                /* Where SQLite itself has no memory it may undo the whole transaction. */
                ck_assert(ended == 0 || (r < 0 && ended == -ENOMEM));
                if (ended == 0) {
                        ck_assert_uint_eq(events.n, r < 0 ? 3 : 6);
                        registry_events_done(&events);
                        kept++;
                }
                ck_assert_int_eq(registry_sync(w.r, NULL), 0);
                ck_assert_str_eq(world_get(&w, "\\New\\Key", "V"), r < 0 ? "NOT_FOUND" : "2@base");
                ck_assert_str_eq(world_get(&w, "\\First\\Key", "V"), ended < 0 ? "NOT_FOUND" : "1@base");
                if (ended == 0)
                        world_do(&w, "rmr - \\First");
                if (r == 0)
                        world_do(&w, "rmr - \\New");
        } while (failed);
        ck_assert_uint_gt(kept, 5);
        check_crash("at the end");
}

/* Never another answer. */
TEST(judging)
{
        static const struct value two = { .type = REG_DWORD, .data = "\2\0\0\0", .size = 4 };
        _cleanup_path_ struct path path = { 0 };
        const struct registry_write write = { .path = &path, .name = "Enabled", .value = &two };
        unsigned n = 0, failures = 0;
        int r;

        world_do(&w, "set - " METADATA "high Enabled 1");
        ck_assert_int_eq(registry_path(w.r, METADATA "high", &path, NULL), 0);
        do {
                struct registry_verdict verdict = { 0 };
                alloc_fail_at(++n);
                r = registry_judge(w.r, CHANGE_SET, &write, true, &verdict, NULL);
                bool failed = alloc_failed();
                ck_assert(r == 0 || (failed && r == -ENOMEM));
                failures += r < 0;
                if (r == 0) {
                        ck_assert_str_eq(verdict.why, "2 is not allowed, expected one of 0, 1");
                        ck_assert_str_eq(verdict.last_good, "1");
                }
                registry_verdict_done(&verdict);
        } while (r != 0);
        ck_assert_uint_gt(failures, 2);
}

/* The path is the test's own. */
static int open_nth(unsigned n, bool *ret_failed)
{
        struct registry_config config = { .schema = w.schema, .value_max = WORLD_VALUE_MAX };
        const char *file = world_file(&w);

        alloc_fail_at(n);
        int r = store_open(file, STORE_WRITE, WORLD_VALUE_MAX, &config.store, NULL);
        if (r == 0)
                r = registry_open(&config, &w.r, NULL);
        *ret_failed = alloc_failed();
        return r;
}

TEST(opening)
{
        unsigned n = 0, failures = 0;
        bool failed;

        world_write(&w, SITE_PATH, SITE);
        free(world_reload(&w));
        struct dump before = world_dump(&w, false);
        do {
                world_close(&w);
                int r = open_nth(++n, &failed);
                ck_assert_msg(r == 0 || (failed && r == -ENOMEM), "allocation %u: %s", n, strerror(-r));
                failures += r < 0;
        } while (failed);
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "opened at last");
        dump_done(&before);
        dump_done(&after);
        ck_assert_uint_gt(failures, 100);
}

Suite *test_suite(void)
{
        /* Before its first use. */
        if (!let_sqlite_fail())
                exit(EXIT_FAILURE);
        return suite_with("registry-alloc", setup, world_teardown);
}
