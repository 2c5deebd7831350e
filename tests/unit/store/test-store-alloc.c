/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every allocation of every step fails, the store's own and SQLite's, once or with all that follow; and
 * SQLite is interrupted at every step: an error or success, never half a change, and after it the store
 * works. */

#include <errno.h>
#include <string.h>

#include "../../../registry-provider/store/history.h"
#include "../../../registry-provider/store/store-internal.h"
#include "../../../schema/values/value.h"
#include "scratch.h"
#include "store-faults.h"
#include "store-util.h"
#include "suite.h"

static struct store *open_with_faults(const char *file)
{
        struct store *s = open_store(file, STORE_WRITE);

        sqlite3_progress_handler(s->db->sqlite, 1, faults_interrupt, NULL);
        return s;
}

static void assert_is_fault(const struct store *s, int r)
{
        ck_assert_msg(r == (fault == INTERRUPTED ? -ECANCELED : -ENOMEM), "%s: %s", strerror(-r),
                store_failure(s));
}

/* ---- Operations ---- */

static const struct store_op script[] = {
        { OP_KEY(1, 0, "Machine") },
        { OP_ENTRY(1, "Early", "new layer", 2, 1) },
        { OP_KEY(2, 1, "Early") },
        { .code = STORE_CREATE_KEY,
                .guid = { { 3 } },
                .target = { { 1 } },
                .name = "B",
                .data = "s",
                .size = 1 },
        { OP_ENTRY(1, "B", "base", 3, 2) },
        { OP_HIDE(1, "Hidden", "base", 3) },
        { OP_HIDE(1, "Early", "base", 4) },
        { OP_VALUE(3, "v", "base", REG_SZ, "one", 5), .time = 1 },
        { OP_VALUE(3, "v", "site", REG_SZ, "two", 6), .time = 2 },
        { OP_VALUE(3, "V", "base", REG_SZ, "three", 7), .time = 3 },
        { OP_VALUE(3, "2", "base", REG_SZ, "", 8) },
        { OP_VALUE(3, "7", "other", REG_SZ, "", 13) },
        { OP_BLANKET(3, "site", true, 14) },
        { OP_BLANKET(3, "site", true, 15) },
        { OP_BLANKET(3, "third", true, 16) },
        { .code = STORE_WRITE_KEY, .guid = { { 3 } }, .mask = 3, .data = "sd", .size = 2, .time = 4 },
        { OP_DELETE(STORE_DELETE_VALUE, 3, "2", "base"), .time = 5 },
        { OP_DELETE(STORE_DELETE_ENTRY, 1, "Hidden", "base") },
        { OP_BLANKET(3, "third", false, 17) },
        { OP_ENTRY(1, "Now", "site", 5, 18) },
        { OP_KEY(5, 1, "Now"), .is_volatile = true },
        { OP_VALUE(5, "v", "site", REG_SZ, "now", 19), .time = 6 },
        { OP_HIDE(1, "Now", "site", 20) },
        { .code = STORE_DROP_KEY, .guid = { { 5 } } },
        { OP_FILE("site", "10-site.yaml", 3, true) },
        { OP_FILE("fourth", "20-fourth.yaml", 4, true) },
        { OP_FILE("site", "11-site.yaml", 3, false) },
        { .code = STORE_FORGET_FILE, .layer = "fourth" },
        { OP_DELETE(STORE_DELETE_ENTRY, 1, "B", "base") },
        { .code = STORE_DELETE_LAYER, .layer = "site" },
        { .code = STORE_DELETE_LAYER, .layer = "new layer" },
        { .code = STORE_DROP_KEY, .guid = { { 3 } } },
        { .code = STORE_DROP_KEY, .guid = { { 2 } } },
};

static int attempt(struct store *s, const struct store_op *op)
{
        int r = store_begin(s, NULL);
        if (r < 0)
                return r;
        r = store_apply(s, op);
        if (r == 0)
                return store_commit(s);
        store_rollback(s);
        return r;
}

/* Leaves the operation done. Returns how many faults there were. */
static unsigned step(struct store *s, const struct store_op *op)
{
        _cleanup_dump_ struct dump before = dump_store(s);
        const uint64_t sequence = store_last_sequence(s);

        ck_assert_int_eq(attempt(s, op), 0);
        _cleanup_dump_ struct dump done = dump_store(s);
        store_abandon(s);
        for (unsigned n = 1;; n++) {
                faults_arm(n);
                int r = attempt(s, op);
                bool failed = faults_disarm();
                _cleanup_dump_ struct dump after = dump_store(s);
                if (r < 0) {
                        assert_is_fault(s, r);
                        ck_assert(!store_is_pending(s));
                        ck_assert_uint_eq(store_last_sequence(s), sequence);
                        ck_assert_int_eq(sqlite3_txn_state(s->db->sqlite, NULL), SQLITE_TXN_NONE);
                }
                dump_assert_equal(r < 0 ? &before : &done, &after, "after a fault");
                if (failed) {
                        store_abandon(s);
                        continue;
                }
                ck_assert_int_eq(r, 0);
                sync_store(s);
                return n - 1;
        }
}

TEST_EACH(operations, FAULTS_N)
{
        unsigned faults = 0;

        fault = (enum fault)_i;
        faults_take_over_memory();
        _cleanup_store_ struct store *s = open_with_faults(NULL);
        for (size_t i = 0; i < ARRAY_SIZE(script); i++)
                faults += step(s, &script[i]);
        ck_assert_uint_gt(faults, fault == OUR_MEMORY ? 1 : ARRAY_SIZE(script));
}

/* ---- Turns ---- */

/* Two transactions in a turn; the second has one in itself. 0: all of it is there; else none of it. */
static int turn(struct store *s)
{
        const struct store_op first = { OP_VALUE(2, "first", "base", REG_SZ, "x", 100) };
        const struct store_op second = { OP_VALUE(2, "second", "base", REG_SZ, "x", 101) };
        struct diag d;

        int r = attempt(s, &first);
        if (r == 0)
                r = store_begin(s, NULL);
        if (r < 0)
                goto undo;
        r = attempt(s, &second);
        if (r < 0) {
                store_rollback(s);
                goto undo;
        }
        r = store_commit(s);
        if (r == 0)
                return store_sync(s, &d);
undo:
        store_abandon(s);
        return r;
}

static void undo_turn(struct store *s)
{
        APPLY(s, OP_DELETE(STORE_DELETE_VALUE, 2, "first", "base"));
        APPLY(s, OP_DELETE(STORE_DELETE_VALUE, 2, "second", "base"));
        sync_store(s);
}

/* From the begin to the sync, in a file. SQLite calls a commit interrupted that is done; nobody interrupts
 * that one but a test. */
TEST_EACH(turns, INTERRUPTED)
{
        fault = (enum fault)_i;
        faults_take_over_memory();
        _cleanup_store_ struct store *s = open_with_faults(scratch_path(&scratch_root, "/registry.db"));
        fixture_fill(s);
        sync_store(s);
        _cleanup_dump_ struct dump before = dump_store(s);
        ck_assert_int_eq(turn(s), 0);
        _cleanup_dump_ struct dump done = dump_store(s);
        undo_turn(s);
        for (unsigned n = 1;; n++) {
                faults_arm(n);
                int r = turn(s);
                bool failed = faults_disarm();
                ck_assert(!store_is_pending(s));
                _cleanup_dump_ struct dump after = dump_store(s);
                if (r < 0)
                        assert_is_fault(s, r);
                dump_assert_equal(r < 0 ? &before : &done, &after, "after a turn with a fault");
                if (r == 0)
                        undo_turn(s);
                if (!failed) {
                        ck_assert_int_eq(r, 0);
                        break;
                }
        }
}

/* ---- Opening and looking up ---- */

static void see_chain(struct buf *b, const struct store_value_entry *e)
{
        for (; e; e = e->next)
                buf_printf(b, "%s %s %lu %.*s\n", e->name, e->layer, e->sequence, (int)e->size,
                        (const char *)e->data);
}

static void see_entries(struct buf *b, const struct store_path_entry *e)
{
        for (; e; e = e->next)
                buf_printf(b, "%s %s %lu %02x\n", e->name, e->layer, e->sequence, e->target.bytes[0]);
}

static void see_history(struct buf *b, const struct store *s, bool subtree)
{
        static char text[] = "Machine\\App";
        static uint16_t ends[] = { 7, 11 };
        static const struct path path = { .text = text, .len = 11, .n = 2, .ends = ends };
        struct history_query q = { .path = &path, .subtree = subtree, .limit = 100, .bytes = 10000 };
        struct history_page page;

        do {
                int r = history_page(s, &q, &page);
                for (size_t i = 0; r == 0 && i < page.n; i++)
                        buf_printf(b, "%s %s %s\n", page.rows[i]->path, page.rows[i]->layer,
                                page.rows[i]->author->reason);
                q.cursor = r == 0 ? page.cursor : 0;
        } while (q.cursor != 0);
}

/* One of the look-ups. */
static void see(const struct store *s, unsigned which, struct buf *b)
{
        const struct guid machine = guid_of(1), app = guid_of(2), tmp = guid_of(3);
        const struct store_path_entry *const *children;
        const struct store_value_entry *const *values;
        const struct store_key *key, *const *roots;
        const struct store_held *held;
        const struct store_file *files;
        const struct history_row *row;
        size_t n;

        switch (which) {
        case 0:
                for (unsigned i = 1; i <= 5; i++)
                        if ((key = store_key(s, &(const struct guid){ { (uint8_t)i } })))
                                buf_printf(
                                        b, "%s %.*s\n", key->name, (int)key->sd_size, (const char *)key->sd);
                break;
        case 1:
                buf_printf(b, "%d %d", store_key_is_referenced(s, &app), store_key_is_referenced(s, &tmp));
                break;
        case 2:
                see_entries(b, store_lookup(s, &machine, "App", 3));
                break;
        case 3:
                see_chain(b, store_value(s, &app, "Limit", 5));
                break;
        case 4:
                for (const struct store_blanket *x = store_blankets(s, &app); x; x = x->next)
                        buf_printf(b, "%s %lu\n", x->layer, x->sequence);
                break;
        case 5:
                children = store_children(s, &machine, &n);
                for (size_t i = 0; i < n; i++)
                        see_entries(b, children[i]);
                break;
        case 6:
                values = store_values(s, &app, SIZE_MAX, &n);
                for (size_t i = 0; i < n; i++)
                        see_chain(b, values[i]);
                break;
        case 7:
                roots = store_roots(s, &n);
                for (size_t i = 0; i < n; i++)
                        buf_printf(b, "%s\n", roots[i]->name);
                break;
        case 8:
                held = store_layer(s, "Site", &n);
                for (size_t i = 0; i < n; i++)
                        buf_printf(b, "%d %s\n", held[i].kind, held[i].name);
                break;
        case 9:
        case 10:
                see_history(b, s, which == 10);
                break;
        case 11:
                row = history_writer(s, 10);
                buf_printf(b, "%s\n", row ? row->name : "");
                break;
        default:
                files = store_files(s, &n);
                for (size_t i = 0; i < n; i++)
                        buf_printf(b, "%s %s\n", files[i].layer, files[i].file);
        }
}

#define LOOKUPS 13u

static void look_up(struct store *s, unsigned which, const struct buf *expected, bool again)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        _cleanup_buf_ struct buf found = BUF_INIT;

        if (!again)
                (void)buf_reserve(&found, 4096);
        see(s, which, &found);
        bool failed = faults_disarm();
        int r = store_error(s, NULL);
        if (r < 0) {
                ck_assert(failed);
                assert_is_fault(s, r);
        } else
                ck_assert_str_eq(buf_str(&found), buf_str(expected));
}

/* Each time in a store that was just opened, and knows no layer's name yet. */
TEST_EACH(lookups, LOOKUPS *FAULTS_N)
{
        const unsigned which = (unsigned)_i % LOOKUPS;
        _cleanup_buf_ struct buf expected = BUF_INIT;

        fault = (enum fault)(_i / (int)LOOKUPS);
        faults_take_over_memory();
        const char *file = scratch_path(&scratch_root, "/registry.db");
        {
                _cleanup_store_ struct store *s = open_store(file, STORE_WRITE);
                fixture_fill(s);
                APPLY(s, OP_FILE("site", "10-site.yaml", 3, true));
                sync_store(s);
                store_close(s);
                s = open_store(file, STORE_WRITE);
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
                see(s, which, &expected);
                ck_assert_uint_gt(expected.len, 0);
        }
        for (unsigned n = 1, failed = 1; failed; n++) {
                _cleanup_store_ struct store *s = open_with_faults(file);
                faults_arm(n);
                look_up(s, which, &expected, false);
                failed = faults_failed();
                look_up(s, which, &expected, true);
                ck_assert_int_eq(sqlite3_txn_state(s->db->sqlite, NULL), SQLITE_TXN_NONE);
        }
}

/* ---- An earlier moment ---- */

/* What is to be undone. */
static void change_all(struct store *s)
{
        static const struct store_op ops[] = {
                { OP_VALUE(2, "Limit", "base", REG_SZ, "later", 20) },
                { OP_VALUE(2, "Limit", "base", REG_SZ, "latest", 21) },
                { OP_DELETE(STORE_DELETE_VALUE, 2, "limit", "Site") },
                { OP_BLANKET(2, "base", false, 22) },
                { OP_DELETE(STORE_DELETE_ENTRY, 1, "app", "Site") },
                { .code = STORE_DROP_KEY, .guid = { { 5 } } },
                { .code = STORE_WRITE_KEY,
                        .guid = { { 2 } },
                        .mask = 3,
                        .data = "new",
                        .size = 3,
                        .time = 4 },
                { OP_KEY(6, 1, "New") },
                { OP_ENTRY(1, "New", "base", 6, 23) },
                { OP_FILE("site", "11-site.yaml", 4, false) },
        };
        for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
                apply(s, ops[i]);
        sync_store(s);
}

static int64_t make_past(struct store *s)
{
        fixture_fill(s);
        APPLY(s, OP_FILE("site", "10-site.yaml", 3, true));
        sync_store(s);
        const int64_t row = last_row(s);
        change_all(s);
        return row;
}

static struct store *open_past(const char *file)
{
        struct store *s = open_store(file, STORE_READ_ONLY);

        sqlite3_progress_handler(s->db->sqlite, 1, faults_interrupt, NULL);
        return s;
}

/* What could not be brought back is not answered without it, the next time either. */
TEST_EACH(past, 4 * FAULTS_N)
{
        static const unsigned kinds[] = { 0, 5, 6, 12 }; /* keys, children, values, files */
        const unsigned which = kinds[(unsigned)_i % ARRAY_SIZE(kinds)];
        _cleanup_buf_ struct buf expected = BUF_INIT;

        fault = (enum fault)(_i / (int)ARRAY_SIZE(kinds));
        faults_take_over_memory();
        const char *file = scratch_path(&scratch_root, "/registry.db");
        _cleanup_store_ struct store *keeper = open_store(file, STORE_WRITE);
        const int64_t row = make_past(keeper);
        {
                _cleanup_store_ struct store *s = open_past(file);
                ck_assert_int_eq(store_show(s, row), 0);
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
                see(s, which, &expected);
                ck_assert_ptr_null(strstr(buf_str(&expected), "late"));
                ck_assert_uint_gt(expected.len, 0);
        }
        for (unsigned n = 1, failed = 1; failed; n++) {
                _cleanup_store_ struct store *s = open_past(file);
                faults_arm(n);
                int r = store_show(s, row);
                if (r == 0)
                        look_up(s, which, &expected, false);
                failed = faults_disarm();
                if (r == 0)
                        look_up(s, which, &expected, true);
                else
                        assert_is_fault(s, r);
        }
}

/* There is no statement to be interrupted yet. */
TEST_EACH(opening, 3 * INTERRUPTED)
{
        static const enum store_mode modes[] = { STORE_WRITE, STORE_READ_ONLY, STORE_AT_BOOT };
        const enum store_mode mode = modes[_i % 3];

        fault = (enum fault)(_i / 3);
        faults_take_over_memory();
        const char *file = scratch_path(&scratch_root, "/registry.db");
        _cleanup_store_ struct store *keeper = open_store(file, STORE_WRITE);
        fixture_fill(keeper);
        sync_store(keeper);
        for (unsigned n = 1, failed = 1; failed; n++) {
                _cleanup_store_ struct store *s = NULL;
                faults_arm(n);
                int r = store_open(file, mode, FIXTURE_VALUE_MAX, &s, NULL);
                failed = faults_disarm();
                if (r < 0) {
                        ck_assert(failed);
                        ck_assert_int_eq(r, -ENOMEM);
                        ck_assert_ptr_null(s);
                } else
                        ck_assert_uint_eq(store_last_sequence(s), 15);
        }
}

Suite *test_suite(void)
{
        return suite_with("store-alloc", scratch_setup, scratch_teardown);
}
