/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each allocation fails once: nothing on disk changes, nothing is lost, and it works the next time. */

#include <errno.h>
#include <string.h>

#include "../base/test-util.h"
#include "state-util.h"

static unsigned countdown;
static bool failed;

static bool fails_now(void)
{
        if (countdown == 0 || --countdown > 0)
                return false;
        failed = true;
        errno = ENOMEM;
        return true;
}

#define WRAP(result, name, parameters, arguments)                                                           \
        result __real_##name parameters;                                                                    \
        result __wrap_##name parameters;                                                                    \
        result __wrap_##name parameters                                                                     \
        {                                                                                                   \
                return fails_now() ? NULL : __real_##name arguments;                                        \
        }

WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
WRAP(char *, strdup, (const char *s), (s))

static char *scratch, *dir;

static void setup(void)
{
        scratch = scratch_make();
        dir = scratch_path(scratch, "state");
}

static void teardown(void)
{
        free(dir);
        scratch_remove(scratch);
}

static bool open_with_failure(unsigned n, bool read_only, struct world *w, int *ret)
{
        *w = (struct world){ 0 };
        ck_assert_int_eq(store_new(1 << 20, &w->store), 0);
        ck_assert_int_eq(layers_init(&w->layers), 0);
        failed = false;
        countdown = n;
        *ret = state_open(dir, read_only, w->store, &w->hives, &w->layers, NULL, &w->state, &w->d);
        countdown = 0;
        return failed;
}

static void make_directory(unsigned batches, bool fold)
{
        struct world w;
        ck_assert_int_eq(world_open(&w, dir, false), 0);
        world_run(&w, 0, 3);
        if (fold)
                ck_assert_int_eq(world_fold(&w), 0);
        world_run(&w, 3, batches);
        world_close(&w);
}

START_TEST(load)
{
        make_directory(6, true);
        char *expected = script_contents(6), *before = directory_print(dir);
        for (unsigned n = 1, struck = 1; struck; n++) {
                struct world w;
                int r;
                struck = open_with_failure(n, n % 2, &w, &r);
                ck_assert_int_eq(r, struck ? -ENOMEM : 0);
                char *text = world_contents(&w);
                ck_assert(struck || strcmp(text, expected) == 0);
                free(text);
                world_close(&w);
                char *after = directory_print(dir);
                ck_assert_str_eq(before, after);
                free(after);
        }
        free(before);
        free(expected);
}
END_TEST

START_TEST(recover)
{
        size_t size;
        static const char name[] = "journal-0000000000000002";
        char *expected = script_contents(4);
        for (unsigned n = 1, struck = 1; struck; n++) {
                struct world w;
                int r;
                make_directory(6, true);
                char *text = read_whole(dir, name, &size);
                char *at = memmem(text, size, "Link", 4);
                ck_assert_ptr_nonnull(at);
                *at = 'l';
                write_whole(dir, name, text, size);
                free(text);
                struck = open_with_failure(n, false, &w, &r);
                ck_assert(r == 0 || (struck && r == -ENOMEM));
                world_close(&w);
                text = directory_contents(dir);
                ck_assert_str_eq(text, expected);
                free(text);
                ck_assert_int_eq(world_open(&w, dir, false), 0);
                world_close(&w);
                scratch_remove(dir);
                dir = scratch_path(scratch, "state");
        }
        free(expected);
}
END_TEST

START_TEST(write_and_fold)
{
        char *expected = script_contents(5);
        for (unsigned n = 1, struck = 1; struck; n++) {
                struct world w;
                make_directory(4, false);
                ck_assert_int_eq(world_open(&w, dir, false), 0);
                ck_assert_int_eq(store_begin(w.store), 0);
                world_script(&w, 4);
                failed = false;
                countdown = n;
                const struct state_record again = { .kind = STATE_LAYER_GONE, .name = "none" };
                int added = state_add(w.state, &again);
                int synced = state_sync(w.state, &w.d);
                int folded = world_fold(&w);
                countdown = 0;
                struck = failed;
                ck_assert(added == 0 || added == -ENOMEM);
                ck_assert_int_eq(synced, 0);
                ck_assert(folded == 0 || (struck && folded == -ENOMEM));
                char *text = directory_contents(dir);
                ck_assert_str_eq(text, expected);
                free(text);
                ck_assert_int_eq(world_fold(&w), 0);
                text = directory_contents(dir);
                ck_assert_str_eq(text, expected);
                free(text);
                world_close(&w);
                scratch_remove(dir);
                dir = scratch_path(scratch, "state");
        }
        free(expected);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { load, recover, write_and_fold };
        return run_tests_with("state-alloc", tests, ARRAY_SIZE(tests), setup, teardown);
}
