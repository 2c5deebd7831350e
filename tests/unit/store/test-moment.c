/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A store shown at an earlier moment says what one said that was looked at then. */

#include <stdio.h>
#include <string.h>

#include "../../../registry-provider/store/history.h"
#include "../../../schema/base/buf.h"
#include "../../../schema/values/value.h"
#include "store-model.h"
#include "suite.h"

#define STEPS 60u
#define HISTORIES 6
#define ROUNDS 40
#define GUIDS 9u

static char folder[48], file[64];

static void make_folder(void)
{
        (void)snprintf(folder, sizeof(folder), "%s/peios-moment-XXXXXX", suite_scratch());
        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(file, sizeof(file), "%s/registry.db", folder);
}

static void remove_folder(void)
{
        ck_assert_int_eq(remove(file), 0);
        ck_assert_int_eq(remove(folder), 0);
}

/* ---- All that look-ups find ---- */

static void put_entries(struct buf *out, const struct store *s, const struct guid *key)
{
        size_t n;
        const struct store_path_entry *const *children = store_children(s, key, &n);

        for (size_t i = 0; i < n; i++) {
                const struct store_path_entry *one =
                        store_lookup(s, key, children[i]->name, strlen(children[i]->name));
                for (const struct store_path_entry *e = children[i]; e; e = e->next, one = one->next) {
                        ck_assert_uint_eq(one->sequence, e->sequence);
                        ck_assert_int_eq(one->dangling, e->dangling);
                        ck_assert_int_eq(one->is_link, e->is_link);
                        buf_printf(out, " entry %s %s %llu %u%s%s%s", e->name, e->layer,
                                (unsigned long long)e->sequence, e->target.bytes[0],
                                e->hidden ? " hidden" : "", e->dangling ? " dangling" : "",
                                e->is_link ? " to a link" : "");
                }
                ck_assert_ptr_null(one);
        }
}

static void put_values(struct buf *out, const struct store *s, const struct guid *key)
{
        size_t n;
        const struct store_value_entry *const *values = store_values(s, key, SIZE_MAX, &n);

        for (size_t i = 0; i < n; i++) {
                const struct store_value_entry *one =
                        store_value(s, key, values[i]->name, strlen(values[i]->name));
                for (const struct store_value_entry *e = values[i]; e; e = e->next, one = one->next) {
                        ck_assert_uint_eq(one->sequence, e->sequence);
                        buf_printf(out, " value '%s' %s %llu %u %.*s", e->name, e->layer,
                                (unsigned long long)e->sequence, e->type, (int)e->size,
                                (const char *)e->data);
                }
                ck_assert_ptr_null(one);
        }
        for (const struct store_blanket *b = store_blankets(s, key); b; b = b->next)
                buf_printf(out, " blanket %s %llu", b->layer, (unsigned long long)b->sequence);
}

/* To be freed. In any order of keys it is the same: what is brought back for one does not touch another. */
static char *contents(const struct store *s)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        struct buf out = BUF_INIT;
        const unsigned first = pick(GUIDS);
        char *lines[GUIDS] = { 0 }, *ret;
        size_t n;

        for (unsigned i = 0; i < GUIDS; i++) {
                const struct guid guid = guid_of((first + i) % GUIDS);
                const struct store_key *key = store_key(s, &guid);
                struct buf line = BUF_INIT;
                if (key)
                        buf_printf(&line, "%u %s in %u sd '%.*s' time %llu link %d", guid.bytes[0],
                                key->name, key->parent.bytes[0], (int)key->sd_size,
                                key->sd ? (const char *)key->sd : "", (unsigned long long)key->last_write,
                                key->is_link);
                if (guid.bytes[0] != 0) {
                        put_entries(&line, s, &guid);
                        put_values(&line, s, &guid);
                }
                ck_assert_int_eq(buf_finish(&line, &lines[guid.bytes[0]], NULL), 0);
        }
        for (unsigned i = 0; i < GUIDS; i++) {
                buf_printf(&out, "%s\n", lines[i]);
                free(lines[i]);
        }
        const struct store_key *const *roots = store_roots(s, &n);
        /* Those of one name are in no order. */
        for (unsigned i = 0; i < GUIDS; i++)
                for (size_t j = 0; j < n; j++)
                        if (roots[j]->guid.bytes[0] == i)
                                buf_printf(&out, "root %u\n", i);
        const struct store_file *files = store_files(s, &n);
        for (size_t i = 0; i < n; i++)
                buf_printf(&out, "file %s %s %u %d\n", files[i].layer, files[i].file, files[i].precedence,
                        files[i].enabled);
        ck_assert_int_eq(store_error(s, NULL), 0);
        ck_assert_int_eq(buf_finish(&out, &ret, NULL), 0);
        return ret;
}

static void shows(int64_t row, const char *expected, const char *what, unsigned at)
{
        _cleanup_store_ struct store *s = open_store(file, STORE_READ_ONLY);

        ck_assert_int_eq(store_show(s, row), 0);
        _cleanup_free_ char *now = contents(s);
        ck_assert_msg(strcmp(now, expected) == 0, "%s %u, row %lld:\n%s\nexpected:\n%s", what, at,
                (long long)row, now, expected);
}

struct step {
        int64_t row;
        char *contents;
};

static unsigned make_history(struct store *s, struct step steps[static STEPS])
{
        unsigned applied = 0;

        for (unsigned i = 0; i < STEPS; i++) {
                steps[i] = (struct step){ last_row(s), contents(s) };
                begin(s);
                for (unsigned n = pick(4); n > 0; n--) {
                        struct store_op op = model_random_op(s);
                        op.is_volatile = false;
                        applied += store_apply(s, &op) == 0;
                }
                commit(s);
                sync_store(s);
        }
        return applied;
}

TEST_EACH(random_histories, ROUNDS)
{
        unsigned applied = 0;

        for (int history = 0; history < HISTORIES; history++) {
                struct step steps[STEPS];
                srandom((unsigned)(_i * HISTORIES + history));
                make_folder();
                {
                        _cleanup_store_ struct store *s = open_store(file, STORE_WRITE);
                        applied += make_history(s, steps);
                        for (unsigned i = 0; i < STEPS; i++) {
                                shows(steps[i].row, steps[i].contents, "step", i);
                                free(steps[i].contents);
                        }
                }
                remove_folder();
        }
        ck_assert_uint_gt(applied, HISTORIES * STEPS / 5);
}

/* ---- Which moment ---- */

static void set(struct store *s, const char *value)
{
        APPLY(s, .code = STORE_SET_VALUE, .guid = guid_of(1), .name = "V", .layer = "base", .type = REG_SZ,
                .data = value, .size = strlen(value), .sequence = store_take_sequence(s));
}

static int find(
        const struct store *s, enum history_scale scale, uint64_t number, int64_t *ret, struct diag *d)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        return history_find(s, scale, number, INT64_MAX, ret, d);
}

static void finds(const struct store *s, enum history_scale scale, uint64_t number, int64_t row)
{
        struct diag d = { 0 };
        int64_t found = -1;

        ck_assert_int_eq(find(s, scale, number, &found, &d), 0);
        ck_assert_int_eq(found, row);
}

static uint64_t time_of(const struct store *s, int64_t row)
{
        return (uint64_t)sql_number(s, textf("SELECT time FROM history WHERE id = %lld", (long long)row));
}

TEST(a_moment_is_behind_a_whole_transaction)
{
        _cleanup_store_ struct store *s = open_store(NULL, STORE_WRITE);
        struct diag d = { 0 };
        int64_t row = -1;

        APPLY(s, OP_KEY(1, 0, "Machine"));
        begin(s);
        set(s, "one");
        set(s, "two");
        commit(s);
        set(s, "three");
        sync_store(s);
        finds(s, HISTORY_BY_SEQUENCE, 0, 1);
        finds(s, HISTORY_BY_SEQUENCE, 1, 3);
        finds(s, HISTORY_BY_SEQUENCE, 2, 3);
        finds(s, HISTORY_BY_SEQUENCE, 3, 4);
        finds(s, HISTORY_BY_TIME, time_of(s, 1) - 1, 0);
        finds(s, HISTORY_BY_TIME, time_of(s, 2), 3);
        finds(s, HISTORY_BY_TIME, time_of(s, 4) - 1, 3);
        finds(s, HISTORY_BY_TIME, time_of(s, 4), 4);
        ck_assert_int_eq(find(s, HISTORY_BY_SEQUENCE, 4, &row, &d), HISTORY_TO_COME);
        ck_assert_str_eq(d.text, "there is no change number 4 yet, the last one is 3");
        ck_assert_int_eq(
                find(s, HISTORY_BY_TIME, time_of(s, 4) + UINT64_C(60000000), &row, &d), HISTORY_TO_COME);
}

/* Who may look at a few rows makes nobody walk through a large transaction. */
TEST(a_large_transaction_is_walked_so_far)
{
        _cleanup_store_ struct store *s = open_store(NULL, STORE_WRITE);
        struct diag d = { 0 };
        int64_t after, until;

        APPLY(s, OP_KEY(1, 0, "Machine"));
        sync_store(s);
        begin(s);
        for (unsigned i = 0; i < 20; i++)
                set(s, "value");
        commit(s);
        sync_store(s);
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        ck_assert_int_eq(history_find_change(s, 10, INT64_MAX, &after, &until, &d), 0);
        ck_assert_int_eq(after, 1);
        ck_assert_int_eq(until, 21);
        ck_assert_int_eq(history_find_change(s, 10, 3, &after, &until, &d), 0);
        ck_assert_int_eq(until - after, 7);
        ck_assert_int_eq(history_find(s, HISTORY_BY_SEQUENCE, 10, 3, &until, &d), 0);
        ck_assert_int_eq(until, 14);
}

/* Rows that are policy stay longer than those around them. */
TEST(what_is_not_kept_is_said)
{
        const struct store_prune_limits limits = {
                .age = UINT64_MAX / 2, .rows = 2, .bytes = 1 << 20, .policy_bytes = 1 << 20
        };
        _cleanup_store_ struct store *s = open_store(NULL, STORE_WRITE);
        struct diag d = { 0 };
        int64_t row = -1;
        bool more;

        APPLY(s, OP_FILE("x", "/x.yaml", 1, true));
        APPLY(s, OP_KEY(1, 0, "Machine"));
        for (unsigned i = 0; i < 5; i++)
                set(s, "value");
        sync_store(s);
        ck_assert_int_eq(store_prune(s, &limits, &more), 0);
        sync_store(s);
        ck_assert_int_eq(sql_number(s, "SELECT count(*) FROM history"), 3);
        finds(s, HISTORY_BY_SEQUENCE, 4, 6);
        finds(s, HISTORY_BY_SEQUENCE, 5, 7);
        for (uint64_t sequence = 0; sequence < 4; sequence++) {
                ck_assert_int_eq(find(s, HISTORY_BY_SEQUENCE, sequence, &row, &d), HISTORY_NOT_KEPT);
                ck_assert_ptr_nonnull(
                        strstr(d.text, "not kept any more: the history goes back to number 4 ("));
        }
}

TEST(what_is_volatile_is_not_known)
{
        make_folder();
        {
                _cleanup_store_ struct store *s = open_store(file, STORE_WRITE);
                APPLY(s, OP_KEY(1, 0, "Machine"));
                APPLY(s, OP_KEY(2, 1, "Tmp"), .is_volatile = true);
                APPLY(s, OP_ENTRY(1, "Tmp", "base", 2, 1));
                APPLY(s, OP_VALUE(2, "V", "base", REG_SZ, "data", 2));
                sync_store(s);
                shows(last_row(s), "\n1 Machine in 0 sd '' time 0 link 0\n\n\n\n\n\n\n\nroot 1\n",
                        "volatile", 0);
        }
        remove_folder();
}

/* What is there now and what is brought back are one list. */
TEST(what_came_back_is_among_what_stayed)
{
        make_folder();
        {
                _cleanup_store_ struct store *s = open_store(file, STORE_WRITE);
                APPLY(s, OP_KEY(1, 0, "Machine"));
                APPLY(s, OP_ENTRY(1, "Link", "base", 2, 1));
                for (unsigned i = 0; i < 4; i++)
                        APPLY(s, OP_BLANKET(1, ((const char *[]){ "a", "b", "c", "d" })[i], true, 2 + i));
                APPLY(s, OP_KEY(3, 1, "Below"));
                const int64_t row = last_row(s);
                _cleanup_free_ char *was = contents(s);
                ck_assert_ptr_nonnull(
                        strstr(was, "2 dangling blanket d 5 blanket c 4 blanket b 3 blanket a 2"));
                APPLY(s, OP_BLANKET(1, "b", false, 6));
                APPLY(s, OP_BLANKET(1, "d", true, 7));
                APPLY(s, OP_KEY(2, 1, "Link"), .is_link = true);
                APPLY(s, .code = STORE_DROP_KEY, .guid = { { 3 } });
                APPLY(s, OP_KEY(3, 0, "Root"));
                sync_store(s);
                shows(row, was, "blankets, a link and a root", 0);
        }
        remove_folder();
}

Suite *test_suite(void)
{
        return suite_of("moment");
}
