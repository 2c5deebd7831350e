/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random operations, marks and rollbacks against the model. */

#include <stdio.h>

#include "../../../schema/values/value.h"
#include "store-model.h"

#define STEPS 2500u
#define MARKS 6u

static unsigned pick(unsigned n)
{
        return (unsigned)random() % n;
}

static struct store_op random_op(struct store *s)
{
        static const uint16_t codes[] = { STORE_CREATE_ENTRY, STORE_CREATE_ENTRY, STORE_CREATE_ENTRY,
                STORE_HIDE_ENTRY, STORE_DELETE_ENTRY, STORE_DELETE_ENTRY, STORE_CREATE_KEY, STORE_CREATE_KEY,
                STORE_CREATE_KEY, STORE_WRITE_KEY, STORE_DROP_KEY, STORE_DROP_KEY, STORE_SET_VALUE,
                STORE_SET_VALUE, STORE_SET_VALUE, STORE_SET_VALUE, STORE_SET_VALUE, STORE_DELETE_VALUE,
                STORE_SET_BLANKET, STORE_SET_BLANKET };
        static const char *const key_names[] = { "a", "A", "b", "B", "c", "" };
        static const char *const layers[] = { "base", "BASE", "x", "X", "y", "z" };
        static const char data[] = "abcdefg";

        struct store_op op = {
                .code = pick(60) == 0 ? STORE_DELETE_LAYER : codes[pick(ARRAY_SIZE(codes))],
                .is_volatile = pick(3) == 0,
                .is_link = pick(5) == 0,
                .set = pick(3) > 0,
                .mask = pick(30) == 0 ? 4 : pick(4),
                .type = pick(6) == 0 ? REG_TOMBSTONE : pick(13),
                .guid = guid_of(pick(9)),
                .target = guid_of(pick(9)),
                .name = key_names[pick(ARRAY_SIZE(key_names) - (pick(10) > 0))],
                .layer = layers[pick(ARRAY_SIZE(layers))],
                .data = data,
                .size = pick(10) == 0 ? 7 : pick(4),
                .sequence = pick(4) == 0 ? pick(40) : store_take_sequence(s),
                .expected = pick(5) == 0 ? pick(40) + 1 : 0,
                .time = pick(2) * store_last_sequence(s),
        };
        if (op.code == STORE_CREATE_KEY || op.code == STORE_WRITE_KEY || op.type == REG_TOMBSTONE)
                op.size = pick(4);
        return op;
}

START_TEST(random_operations)
{
        static struct model now, saved[MARKS];
        unsigned marks = 0, successes = 0, errors = 0;
        _cleanup_(store_freep) struct store *s = NULL;

        srandom(1000 + (unsigned)_i);
        now.n = 0;
        ck_assert_int_eq(store_new(MODEL_VALUE_MAX, &s), 0);
        for (unsigned step = 0; step < STEPS; step++) {
                char what[64];
                unsigned action = pick(20);
                if (action == 0 && marks < MARKS) {
                        saved[marks++] = now;
                        ck_assert_int_eq(store_begin(s), 0);
                } else if (action == 1 && marks > 0) {
                        marks--;
                        store_commit(s);
                } else if (action == 2 && marks > 0) {
                        now = saved[--marks];
                        store_rollback(s);
                } else {
                        struct store_op op = random_op(s);
                        int expected = model_apply(&now, &op), r = store_apply(s, &op);
                        ck_assert_msg(r == expected, "step %u: operation 0x%02x is %d, expected %d", step,
                                op.code, r, expected);
                        successes += r == 0;
                        errors += r < 0;
                }
                model_pack(&now);
                (void)snprintf(what, sizeof(what), "after step %u", step);
                _cleanup_dump_ struct dump found = dump_store(s), expected = dump_model(&now);
                dump_assert_equal(&expected, &found, what);
        }
        /* The mixture must reach both. */
        ck_assert_uint_gt(successes, STEPS / 4);
        ck_assert_uint_gt(errors, STEPS / 20);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("store-model");
        TCase *tc = tcase_create("store-model");

        tcase_set_timeout(tc, 120);
        tcase_add_loop_test(tc, random_operations, 0, 3);
        suite_add_tcase(suite, tc);

        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
