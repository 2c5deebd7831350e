/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-util.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../../registry-provider/store/history.h"
#include "../../../registry-provider/store/store-internal.h"
#include "../../../schema/base/buf.h"
#include "../../../schema/values/value.h"

/* An assertion that holds is not written down: of each step of a model's test these are hundreds, and what
 * check writes of them takes longer than the step. */
#define _mark_point(file, line) ((void)0)

struct guid guid_of(unsigned byte)
{
        return (struct guid){ { (uint8_t)byte } };
}

void dump_line(struct dump *d, const char *format, ...)
{
        va_list ap;

        if (d->n == d->size) {
                d->size = d->size ? d->size * 2 : 64;
                d->lines = reallocarray(d->lines, d->size, sizeof(*d->lines));
                ck_assert_ptr_nonnull(d->lines);
        }
        va_start(ap, format);
        ck_assert_int_ge(vasprintf(&d->lines[d->n++], format, ap), 0);
        va_end(ap);
}

static int compare_lines(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

void dump_sort(struct dump *d)
{
        if (d->n > 0)
                qsort(d->lines, d->n, sizeof(*d->lines), compare_lines);
}

void dump_done(struct dump *d)
{
        for (size_t i = 0; i < d->n; i++)
                free(d->lines[i]);
        free(d->lines);
        *d = (struct dump){ 0 };
}

/* A layer keeps the spelling of its first use: not a matter of what the store holds. */
static const char *lower(const char *layer)
{
        static char text[64];
        size_t i;

        for (i = 0; layer[i] && i < sizeof(text) - 1; i++)
                text[i] = (char)tolower((unsigned char)layer[i]);
        text[i] = '\0';
        return text;
}

/* ---- What the tables say ---- */

static sqlite3_stmt *prepare(const struct store *s, const char *sql)
{
        sqlite3_stmt *statement;
        int r = sqlite3_prepare_v2(s->db->sqlite, sql, -1, &statement, NULL);
        ck_assert_msg(r == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(s->db->sqlite));
        return statement;
}

int64_t sql_number(const struct store *s, const char *sql)
{
        sqlite3_stmt *statement = prepare(s, sql);

        ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
        int64_t n = sqlite3_column_int64(statement, 0);
        ck_assert_int_eq(sqlite3_step(statement), SQLITE_DONE);
        (void)sqlite3_finalize(statement);
        return n;
}

size_t rows_of(const struct store *s, const char *table)
{
        size_t n = 0;

        for (unsigned i = 0; i < 1u + s->db->has_volatile; i++) {
                char sql[128];
                (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s.%s", i ? "temp" : "main", table);
                n += (size_t)sql_number(s, sql);
        }
        return n;
}

/* ---- Everything that the store has ---- */

/* How much of it was seen. */
struct seen {
        size_t entries, values, blankets;
        size_t layered; /* not of the base layer */
};

static void see_layer(struct seen *seen, const char *layer)
{
        seen->layered += strcmp(lower(layer), LAYER_BASE) != 0;
}

static void dump_entry(
        struct dump *d, const struct store *s, const struct guid *key, const struct store_path_entry *e)
{
        ck_assert(!e->next || e->sequence > e->next->sequence);
        ck_assert(guid_is_zero(&e->target) == e->hidden);
        const struct store_key *named = e->hidden ? NULL : store_key(s, &e->target);
        ck_assert(e->dangling == (!e->hidden && !named));
        ck_assert(e->is_link == (named && named->is_link));
        ck_assert(e->hidden || store_key_is_referenced(s, &e->target));
        if (e->hidden)
                dump_line(d, "path %02x %s %s seq=%lu hidden", key->bytes[0], e->name, lower(e->layer),
                        e->sequence);
        else
                dump_line(d, "path %02x %s %s seq=%lu -> %02x", key->bytes[0], e->name, lower(e->layer),
                        e->sequence, e->target.bytes[0]);
}

static void dump_children(struct dump *d, const struct store *s, const struct guid *key, struct seen *seen)
{
        size_t n;

        const struct store_path_entry *const *children = store_children(s, key, &n);
        ck_assert_ptr_nonnull(children);
        for (size_t i = 0; i < n; i++) {
                const char *name = children[i]->name;
                const struct store_path_entry *other = store_lookup(s, key, name, strlen(name));
                for (const struct store_path_entry *e = children[i]; e; e = e->next, other = other->next) {
                        ck_assert_ptr_nonnull(other);
                        ck_assert_str_eq(e->layer, other->layer);
                        ck_assert_uint_eq(e->sequence, other->sequence);
                        dump_entry(d, s, key, e);
                        see_layer(seen, e->layer);
                        seen->entries++;
                }
                ck_assert_ptr_null(other);
        }
}

static void dump_values(struct dump *d, const struct store *s, const struct guid *key, struct seen *seen)
{
        const size_t few = 3;
        size_t n, n_short, n_some;

        const struct store_value_entry *const *values = store_values(s, key, SIZE_MAX, &n);
        const struct store_value_entry *const *shorts = store_values(s, key, 0, &n_short);
        const struct store_value_entry *const *some = store_values(s, key, few, &n_some);
        ck_assert_ptr_nonnull(values);
        ck_assert_uint_eq(n, n_some);
        ck_assert_uint_eq(n, n_short);
        for (size_t i = 0; i < n; i++) {
                const char *name = values[i]->name;
                const struct store_value_entry *other = store_value(s, key, name, strlen(name));
                ck_assert_ptr_null(shorts[i]->data);
                ck_assert((some[i]->data != NULL) == (some[i]->size <= few));
                ck_assert_uint_eq(shorts[i]->size, values[i]->size);
                for (const struct store_value_entry *e = values[i]; e; e = e->next, other = other->next) {
                        ck_assert_ptr_nonnull(other);
                        ck_assert(!e->next || e->sequence > e->next->sequence);
                        ck_assert_str_eq(e->layer, other->layer);
                        ck_assert_uint_eq(e->sequence, other->sequence);
                        ck_assert_ptr_nonnull(e->data);
                        dump_line(d, "value %02x %s %s seq=%lu type=%u data=%.*s", key->bytes[0], e->name,
                                lower(e->layer), e->sequence, e->type, (int)e->size, (const char *)e->data);
                        see_layer(seen, e->layer);
                        seen->values++;
                }
                ck_assert_ptr_null(other);
        }
}

static void dump_blankets(struct dump *d, const struct store *s, const struct guid *key, struct seen *seen)
{
        for (const struct store_blanket *b = store_blankets(s, key); b; b = b->next) {
                ck_assert(!b->next || b->sequence > b->next->sequence);
                dump_line(d, "blanket %02x %s seq=%lu", key->bytes[0], lower(b->layer), b->sequence);
                see_layer(seen, b->layer);
                seen->blankets++;
        }
}

static void dump_key(struct dump *d, const struct store *s, const struct guid *guid, struct seen *seen)
{
        const struct store_key *key = store_key(s, guid);

        ck_assert_ptr_nonnull(key);
        dump_line(d, "key %02x in %02x %s sd=%.*s%s%s time=%lu%s", guid->bytes[0], key->parent.bytes[0],
                key->name, (int)key->sd_size, key->sd ? (const char *)key->sd : "",
                key->is_volatile ? " volatile" : "", key->is_link ? " link" : "", key->last_write,
                store_key_is_referenced(s, guid) ? " named" : "");
        dump_children(d, s, guid, seen);
        dump_values(d, s, guid, seen);
        dump_blankets(d, s, guid, seen);
}

static void dump_files(struct dump *d, const struct store *s)
{
        size_t n;

        const struct store_file *files = store_files(s, &n);
        for (size_t i = 0; i < n; i++)
                dump_line(d, "file %s %s precedence=%u%s seal=%lu%s", lower(files[i].layer), files[i].file,
                        files[i].precedence, files[i].enabled ? "" : " disabled", files[i].seal.serial,
                        files[i].seal.signer);
}

/* What all layers but the base one have, by the index. */
static size_t held_by_layers(const struct store *s)
{
        sqlite3_stmt *layers = prepare(s, "SELECT name FROM layer WHERE id <> 1");
        size_t total = 0, n;

        while (sqlite3_step(layers) == SQLITE_ROW) {
                const char *layer = (const char *)sqlite3_column_text(layers, 0);
                (void)store_layer(s, layer, &n);
                ck_assert_int_eq(store_layer_is_used(s, layer), n > 0);
                total += n;
        }
        (void)sqlite3_finalize(layers);
        return total;
}

struct dump dump_store(const struct store *s)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        sqlite3_stmt *keys = prepare(
                s, s->db->has_volatile
                           ? "SELECT guid, parent FROM main.key UNION ALL SELECT guid, parent FROM temp.key"
                           : "SELECT guid, parent FROM main.key");
        struct seen seen = { 0 };
        struct dump d = { 0 };
        size_t n_roots = 0, n;

        while (sqlite3_step(keys) == SQLITE_ROW) {
                struct guid guid;
                database_column_guid(keys, 0, &guid);
                n_roots += sqlite3_column_type(keys, 1) == SQLITE_NULL;
                dump_key(&d, s, &guid, &seen);
        }
        (void)sqlite3_finalize(keys);
        ck_assert_uint_eq(rows_of(s, "path_entry"), seen.entries);
        ck_assert_uint_eq(rows_of(s, "value"), seen.values);
        ck_assert_uint_eq(rows_of(s, "blanket"), seen.blankets);
        ck_assert_uint_eq(held_by_layers(s), seen.layered);
        (void)store_roots(s, &n);
        ck_assert_uint_eq(n, n_roots);
        dump_files(&d, s);
        ck_assert_int_eq(store_error(s, NULL), 0);
        dump_sort(&d);
        return d;
}

char *dump_diff(const struct dump *before, const struct dump *after)
{
        struct buf diff = BUF_INIT;
        char *text;

        for (size_t i = 0, j = 0; i < before->n || j < after->n;) {
                int c = i == before->n ? 1 : j == after->n ? -1 : strcmp(before->lines[i], after->lines[j]);
                if (c < 0)
                        buf_printf(&diff, "-%s\n", before->lines[i]);
                else if (c > 0)
                        buf_printf(&diff, "+%s\n", after->lines[j]);
                i += c <= 0;
                j += c >= 0;
        }
        ck_assert_int_eq(buf_finish(&diff, &text, NULL), 0);
        return text;
}

void dump_assert_equal(const struct dump *a, const struct dump *b, const char *what)
{
        _cleanup_free_ char *diff = dump_diff(a, b);
        ck_assert_msg(diff[0] == '\0', "%s:\n%s", what, diff);
}

struct store *open_store(const char *file, enum store_mode mode)
{
        struct store *s = NULL;
        struct diag d = { 0 };

        int r = store_open(file, mode, FIXTURE_VALUE_MAX, &s, &d);
        ck_assert_msg(r == 0, "%s: %s", d.text, strerror(-r));
        return s;
}

void begin(struct store *s)
{
        ck_assert_int_eq(store_begin(s, NULL), 0);
}

void commit(struct store *s)
{
        ck_assert_int_eq(store_commit(s), 0);
}

void sync_store(struct store *s)
{
        struct diag d = { 0 };
        int r = store_sync(s, &d);
        ck_assert_msg(r == 0, "%s", d.text);
}

int try_apply(struct store *s, const struct store_op *op)
{
        begin(s);
        int r = store_apply(s, op);
        if (r < 0)
                store_rollback(s);
        else
                commit(s);
        return r;
}

void apply(struct store *s, struct store_op op)
{
        int r = try_apply(s, &op);
        ck_assert_msg(r == 0, "operation 0x%02x, %s: %s", op.code, op.name ? op.name : "", strerror(-r));
}

void fixture_fill(struct store *s)
{
        static const struct store_op ops[] = {
                { OP_KEY(1, 0, "Machine") },
                { OP_KEY(2, 1, "App") },
                { OP_ENTRY(1, "App", "base", 2, 1) },
                { .code = STORE_CREATE_KEY,
                        .guid = { { 3 } },
                        .target = { { 1 } },
                        .name = "Tmp",
                        .is_volatile = true,
                        .data = "sd",
                        .size = 2,
                        .time = 9 },
                { OP_ENTRY(1, "Tmp", "base", 3, 2) },
                { OP_KEY(4, 1, "Loose") },
                { OP_HIDE(1, "Gone", "base", 3) },
                { OP_KEY(5, 1, "app") },
                { OP_ENTRY(1, "app", "Site", 5, 4) },
        };
        static const struct store_op values[] = {
                { OP_VALUE(2, "Limit", "base", REG_SZ, "one", 10) },
                { OP_VALUE(2, "limit", "Site", REG_SZ, "two", 11) },
                { OP_BLANKET(2, "base", true, 12) },
                { OP_VALUE(2, "", "base", REG_SZ, "default", 13) },
                { OP_HIDE(2, "Hidden", "base", 14) },
                { OP_VALUE(4, "Limit", "Site", REG_SZ, "three", 15) },
        };

        for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
                apply(s, ops[i]);
        for (size_t i = 0; i < ARRAY_SIZE(values); i++)
                apply(s, values[i]);
}

struct store *fixture_new(void)
{
        struct store *s = open_store(NULL, STORE_WRITE);

        fixture_fill(s);
        return s;
}

int64_t last_row(const struct store *s)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        return history_last(s);
}
