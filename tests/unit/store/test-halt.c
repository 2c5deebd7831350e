/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whatever a thread does with a database ends when another one says so. */
#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "../../../registry-provider/store/backup.h"
#include "../../../registry-provider/store/history.h"
#include "../../../registry-provider/store/inspect.h"
#include "store-file.h"
#include "suite.h"

struct work {
        const char *file;
        int (*fn)(const char *file);
        struct halt halt;
        atomic_bool has_ended;
        int error;
};

/* Again and again, so that it ends by no other way. */
static void *run(void *userdata)
{
        struct work *w = userdata;

        halt_watch(&w->halt);
        while (w->error == 0)
                w->error = w->fn(w->file);
        atomic_store(&w->has_ended, true);
        return NULL;
}

static int check_copy(const char *file)
{
        uint64_t sequence, time;
        struct diag d;

        return backup_check(file, INTEGRITY_CHECK, &sequence, &time, &d);
}

static int look_at_copy(const char *file)
{
        _cleanup_(diags_done) struct diags found = { 0 };
        struct diag d = { 0 };

        return inspect_file(file, &found, &d);
}

static int read_past(const char *file)
{
        _cleanup_store_ struct store *s = NULL;
        struct diag d = { 0 };

        int r = store_open(file, STORE_AT_BOOT, SIZE_MAX, &s, &d);
        if (r < 0)
                return r;
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        for (uint64_t number = 1; r == 0 && number < 2000; number++) {
                (void)history_writer(s, number);
                r = store_error(s, &d);
        }
        return r;
}

static int (*const works[])(const char *file) = { check_copy, look_at_copy, read_past };

TEST_EACH(interrupted, ARRAY_SIZE(works))
{
        struct work w = { .fn = works[_i] };
        pthread_t thread;

        make_store(&here, 2000);
        w.file = here.file;
        halt_init(&w.halt);
        ck_assert_int_eq(pthread_create(&thread, NULL, run, &w), 0);
        while (!atomic_load(&w.has_ended)) {
                ck_assert_int_eq(usleep(1000), 0);
                halt_call(&w.halt);
        }
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(w.error, -ECANCELED);
        ck_assert_ptr_null(w.halt.first);
        halt_done(&w.halt);
        /* Nobody else is. */
        ck_assert(!halt_is_called());
        ck_assert_int_eq(w.fn(here.file), 0);
}

/* Closed by who has taken it over. */
TEST(taken_over)
{
        struct halt halt;
        struct store *one = NULL, *other = NULL;

        make_store(&here, 1);
        halt_init(&halt);
        halt_watch(&halt);
        ck_assert_int_eq(store_open(here.file, STORE_AT_BOOT, SIZE_MAX, &one, NULL), 0);
        ck_assert_int_eq(store_open(here.file, STORE_AT_BOOT, SIZE_MAX, &other, NULL), 0);
        halt_watch(NULL);
        one = store_close(one);
        ck_assert_ptr_nonnull(halt.first);
        other = store_close(other);
        ck_assert_ptr_null(halt.first);
        halt_done(&halt);
}

Suite *test_suite(void)
{
        return suite_with("halt", here_make, here_remove);
}
