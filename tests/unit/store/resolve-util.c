/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "resolve-util.h"

struct store *s;
struct layers l;

void setup(void)
{
        ck_assert_int_eq(layers_init(&l), 0);
        ck_assert_int_eq(layers_set(&l, "low", 0, true, NULL), 0);
        ck_assert_int_eq(layers_set(&l, "High", 10, true, NULL), 0);
        ck_assert_int_eq(layers_set(&l, "twin", 10, true, NULL), 0);
        ck_assert_int_eq(layers_set(&l, "off", 20, false, NULL), 0);
        ck_assert_int_eq(layers_set(&l, "file", 5, true, "50-file.yaml"), 0);
        ck_assert_int_eq(store_new(64, &s), 0);
        APPLY(s, OP_KEY(1, 0, "Machine"));
}

void teardown(void)
{
        s = store_free(s);
        layers_done(&l);
}

const struct guid machine = { { 1 } };

void put_value(unsigned key, const char *name, const char *layer, uint32_t type, uint64_t sequence)
{
        apply(s, (struct store_op){ .code = STORE_SET_VALUE,
                         .guid = guid_of(key),
                         .name = name,
                         .layer = layer,
                         .type = type,
                         .sequence = sequence });
}
