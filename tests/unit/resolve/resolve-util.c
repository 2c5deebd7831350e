/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "resolve-util.h"

#include "../../../registry-provider/store/store-internal.h"
#include "textf.h"

static struct store_scope scope;
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
        s = open_store(NULL, STORE_WRITE);
        APPLY(s, OP_KEY(1, 0, "Machine"));
        scope = store_scope_begin(s);
}

void renew_scope(void)
{
        store_scope_end(&scope);
        scope = store_scope_begin(s);
}

void teardown(void)
{
        store_scope_end(&scope);
        s = store_close(s);
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

void corrupt(const char *table, const char *name, const char *layer, uint64_t sequence)
{
        ck_assert_int_eq(
                sqlite3_exec(s->db->sqlite,
                        textf("UPDATE main.%s SET sequence = %lu WHERE folded = '%s' AND layer = (SELECT id FROM layer WHERE folded ="
                              " '%s')",
                                table, sequence, name, layer),
                        NULL, NULL, NULL),
                SQLITE_OK);
        ck_assert_int_eq(sqlite3_changes(s->db->sqlite), 1);
        store_limit_cache(s, 0);
}
