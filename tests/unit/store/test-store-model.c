/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random operations, transactions, turns and restarts against the model. */

#include <string.h>

#include "../../../schema/values/value.h"
#include "scratch.h"
#include "store-model.h"
#include "suite.h"

#define STEPS 2500u
#define MARKS 6u

struct moment {
        struct model model;
        uint64_t sequence;
};

/* What is now, at each begin, at the begin of the turn. */
static struct moment now, saved[MARKS], synced;
static unsigned marks;
static char *file;
/* What the store keeps of look-ups: as it comes, so little that it begins anew all the time, nothing. */
static const size_t cache_sizes[] = { SIZE_MAX, 2000, 0 };
static size_t cache_size;

/* Numbers that nobody was told may come again, others may not. */
static void check_sequence(const struct store *s)
{
        for (size_t i = 0; i < now.model.n; i++)
                ck_assert_uint_ge(store_last_sequence(s), now.model.rows[i].sequence);
}

static struct store *open_model(void)
{
        struct store *s = NULL;

        ck_assert_int_eq(store_open(file, STORE_WRITE, MODEL_VALUE_MAX, &s, NULL), 0);
        if (cache_size != SIZE_MAX)
                store_limit_cache(s, cache_size);
        return s;
}

static struct store *reopen(struct store *s)
{
        store_close(s);
        marks = 0;
        now = synced;
        if (!file)
                now.model.n = 0;
        model_reopen(&now.model);
        synced = now;
        s = open_model();
        check_sequence(s);
        return s;
}

static struct store *random_turn(struct store *s)
{
        switch (pick(6)) {
        case 0:
                store_abandon(s);
                marks = 0;
                now = synced;
                check_sequence(s);
                return s;
        case 1:
                return file ? reopen(s) : s;
        default:
                if (marks > 0)
                        return s;
                sync_store(s);
                synced = now;
                return s;
        }
}

static void random_mark(struct store *s, unsigned action)
{
        if (action == 0 && marks < MARKS) {
                saved[marks] = now;
                saved[marks++].sequence = store_last_sequence(s);
                begin(s);
        } else if (action == 1 && marks > 0) {
                marks--;
                commit(s);
        } else if (action == 2 && marks > 0) {
                now = saved[--marks];
                store_rollback(s);
                ck_assert_uint_eq(store_last_sequence(s), now.sequence);
        }
}

static int random_change(struct store *s, unsigned step)
{
        struct store_op op = model_random_op(s);

        int expected = model_apply(&now.model, &op);
        int r = marks > 0 ? store_apply(s, &op) : try_apply(s, &op);
        ck_assert_msg(
                r == expected, "step %u: operation 0x%02x is %d, expected %d", step, op.code, r, expected);
        return r;
}

static void check(struct store *s, unsigned step)
{
        model_pack(&now.model);
        now.sequence = store_last_sequence(s);
        _cleanup_dump_ struct dump found = dump_store(s), expected = dump_model(&now.model);
        dump_assert_equal(&expected, &found, textf("after step %u", step));
}

static void run(const char *path, unsigned seed)
{
        unsigned successes = 0, errors = 0;
        srandom(seed);
        cache_size = cache_sizes[seed % ARRAY_SIZE(cache_sizes)];
        file = path ? strdup(path) : NULL;
        marks = 0;
        now = synced = (struct moment){ 0 };
        struct store *s = open_model();
        for (unsigned step = 0; step < STEPS; step++) {
                unsigned action = pick(20);
                if (action < 3)
                        random_mark(s, action);
                else if (action == 3)
                        s = random_turn(s);
                else if (random_change(s, step) == 0)
                        successes++;
                else
                        errors++;
                check(s, step);
        }
        /* The mixture must reach both. */
        ck_assert_uint_gt(successes, STEPS / 6);
        ck_assert_uint_gt(errors, STEPS / 20);
        store_close(s);
        free(file);
}

TEST_EACH(in_memory, 60)
{
        run(NULL, 1000 + (unsigned)_i);
}

TEST_EACH(in_a_file, 10)
{
        _cleanup_scratch_ struct scratch scratch;

        scratch_new(&scratch);
        run(scratch_path(&scratch, "/registry.db"), 2000 + (unsigned)_i);
}

Suite *test_suite(void)
{
        return suite_of("store-model");
}
