/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The n-th allocation fails, for all n: the registry is as it was, can be used, and says the same after a
 * crash. */

#include <errno.h>
#include <string.h>

#include "../base/test-util.h"
#include "registry-util.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

static unsigned countdown;
static bool failed;

static bool fails_now(void)
{
        if (countdown == 0 || --countdown > 0)
                return false;
        failed = true;
        return true;
}

void *__wrap_malloc(size_t n)
{
        return fails_now() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
        return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
        return fails_now() ? NULL : __real_realloc(p, n);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
        return fails_now() ? NULL : __real_realloc(p, n * size);
}

char *__wrap_strndup(const char *s, size_t n)
{
        n = strnlen(s, n);
        char *copy = fails_now() ? NULL : __real_malloc(n + 1);
        if (copy)
                *(char *)mempcpy(copy, s, n) = '\0';
        return copy;
}

char *__wrap_strdup(const char *s)
{
        return __wrap_strndup(s, strlen(s));
}

static struct world w;

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

static void teardown(void)
{
        world_done(&w);
}

/* Nothing of the tests' own may allocate while the countdown runs. */
struct change {
        enum {
                SET,
                DELETE,
                CREATE_KEY,
                DELETE_KEY,
                DROPINS,
        } kind;
        const char *layer, *key, *name;
        const char *text;
};

static int apply_change(const struct change *c, const struct path *path)
{
        const struct registry_write write = {
                .path = path, .name = c->name ? c->name : "", .layer = c->layer
        };
        const struct value v = { .type = REG_DWORD, .data = c->text, .size = 4 };
        uint64_t sequence;

        switch (c->kind) {
        case SET:
                return registry_set(w.r, &write, &v, &sequence, NULL);
        case DELETE:
                return registry_delete(w.r, &write, NULL);
        case CREATE_KEY:
                return registry_create_key(w.r, &write, NULL);
        default:
                return registry_delete_key(w.r, &write, true, NULL);
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
        if (r < 0) {
                registry_abort(w.r);
                return r;
        }
        return registry_end(w.r, events);
}

static bool fail_nth(const struct change *c, const struct path *path, unsigned n)
{
        struct registry_events events = { 0 };
        struct dump before = world_dump(&w, false);

        if (c->kind == DROPINS) {
                dropins_done(&w.files);
                ck_assert_int_eq(dropins_load(w.root, WORLD_VALUE_MAX, &w.files), 0);
        }
        failed = false;
        countdown = n;
        int r = try_change(c, path, &events);
        if (r == 0)
                r = registry_sync(w.r, NULL);
        countdown = 0;
        registry_events_done(&events);
        ck_assert_msg(r == 0 || (failed && r == -ENOMEM), "allocation %u: %s", n, strerror(-r));
        if (r < 0) {
                struct dump after = world_dump(&w, false);
                dump_assert_equal(&before, &after, c->key);
                dump_done(&after);
                ck_assert(!registry_pending(w.r));
        }
        dump_done(&before);
        return r < 0;
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

static void run_change(const struct change *c)
{
        _cleanup_path_ struct path path = { 0 };
        unsigned n = 1;

        ck_assert_int_eq(registry_path(w.r, c->key, &path, NULL), 0);
        while (fail_nth(c, &path, n))
                n++;
        ck_assert_uint_gt(n, 1);
        check_crash(c->key);
        world_do(&w, "set - \\After V 1");
        world_do(&w, "rmr - \\After");
}

#define METADATA "\\System\\Registry\\Layers\\"

START_TEST(changes)
{
        static const struct change list[] = {
                { SET, NULL, "\\App", "V", "\2\0\0\0" },
                { SET, NULL, "\\New\\Deep\\Key", "V", "\2\0\0\0" },
                { SET, "high", "\\App", "V", "\3\0\0\0" },
                { CREATE_KEY, "high", "\\New\\Deep\\Key", NULL, NULL },
                { DELETE, "high", "\\App", "V", NULL },
                { DELETE_KEY, NULL, "\\App", NULL, NULL },
                { SET, NULL, METADATA "high", "Enabled", "\0\0\0\0" },
                { SET, NULL, METADATA "high", "Enabled", "\1\0\0\0" },
                { SET, NULL, METADATA "more", "Precedence", "\1\0\0\0" },
                { DELETE_KEY, NULL, METADATA "high", NULL, NULL },
        };
        for (size_t i = 0; i < ARRAY_SIZE(list); i++)
                run_change(&list[i]);
}
END_TEST

START_TEST(dropins)
{
        const struct change reload = { DROPINS, NULL, "\\App", NULL, NULL };

        world_write(&w, SITE_PATH, SITE);
        run_change(&reload);
        world_write(&w, SITE_PATH, SITE_CHANGED);
        run_change(&reload);
        world_do(&w, "set - " METADATA "taken Precedence 1");
        world_do(&w, "set taken \\Taken V 1");
        world_write(&w, SITE_PATH, "peios-registry: 1\nlayer: taken\n");
        run_change(&reload);
        ck_assert_str_eq(world_get(&w, "\\App", "New"), "'other'@site");
        world_write(&w, SITE_PATH, "peios-registry: 1\nlayer: moved\nkeys: { \\Moved: { V: !dword 1 } }\n");
        run_change(&reload);
        world_write(&w, SITE_PATH, NULL);
        run_change(&reload);
}
END_TEST

/* A change that fails leaves nothing of itself in its transaction either. */
START_TEST(in_an_open_transaction)
{
        _cleanup_path_ struct path path = { 0 }, first = { 0 };
        const struct change before = { SET, NULL, "\\First\\Key", "V", "\1\0\0\0" };
        const struct change c = { SET, NULL, "\\New\\Key", "V", "\2\0\0\0" };

        ck_assert_int_eq(registry_path(w.r, c.key, &path, NULL), 0);
        ck_assert_int_eq(registry_path(w.r, before.key, &first, NULL), 0);
        for (unsigned n = 1, r = 1; r; n++) {
                struct registry_events events;
                ck_assert_int_eq(registry_begin(w.r, NULL), 0);
                ck_assert_int_eq(apply_change(&before, &first), 0);
                failed = false;
                countdown = n;
                r = apply_change(&c, &path) < 0;
                countdown = 0;
                ck_assert(!r || failed);
                ck_assert_int_eq(registry_end(w.r, &events), 0);
                ck_assert_uint_eq(events.n, r ? 3 : 6);
                registry_events_done(&events);
                ck_assert_int_eq(registry_sync(w.r, NULL), 0);
                ck_assert_str_eq(world_get(&w, "\\New\\Key", "V"), r ? "ENOENT" : "2@base");
                world_do(&w, "rmr - \\First");
        }
        check_crash("at the end");
}
END_TEST

START_TEST(opening)
{
        unsigned n = 0;
        int r;

        world_write(&w, SITE_PATH, SITE);
        free(world_reload(&w));
        struct dump before = world_dump(&w, false);
        do {
                world_close(&w);
                failed = false;
                countdown = ++n;
                r = world_open(&w);
                countdown = 0;
                ck_assert_msg(r == 0 || (failed && r == -ENOMEM), "allocation %u: %s", n, strerror(-r));
        } while (r < 0);
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "opened at last");
        dump_done(&before);
        dump_done(&after);
        ck_assert_uint_gt(n, 20);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { changes, dropins, in_an_open_transaction, opening };
        return run_tests_with("registry-alloc", tests, ARRAY_SIZE(tests), setup, teardown);
}
