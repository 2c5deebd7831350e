/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-util.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../../schema/base/buf.h"
#include "../../../schema/values/value.h"

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

static size_t dump_children(struct dump *d, const struct store *s, const struct store_key *key)
{
        const struct store_path_entry *chain;
        size_t n = 0;

        for (const void *cursor = NULL; (chain = store_next_child(s, &key->guid, &cursor));) {
                ck_assert_ptr_eq(store_lookup(s, &key->guid, chain->name, strlen(chain->name)), chain);
                for (const struct store_path_entry *e = chain; e; e = e->next, n++) {
                        ck_assert(!e->next || e->sequence > e->next->sequence);
                        ck_assert(guid_is_zero(&e->target) == e->hidden);
                        ck_assert_ptr_eq(store_target(e), store_key(s, &e->target));
                        ck_assert(e->hidden || store_key_is_referenced(s, &e->target));
                        if (e->hidden)
                                dump_line(d, "path %02x %s %s seq=%lu hidden", key->guid.bytes[0], e->name,
                                        lower(e->layer), e->sequence);
                        else
                                dump_line(d, "path %02x %s %s seq=%lu -> %02x", key->guid.bytes[0], e->name,
                                        lower(e->layer), e->sequence, e->target.bytes[0]);
                }
        }
        return n;
}

static size_t dump_values(struct dump *d, const struct store *s, const struct store_key *key)
{
        const struct store_value_entry *chain;
        size_t n = 0;

        for (const void *cursor = NULL; (chain = store_next_value(s, &key->guid, &cursor));) {
                ck_assert_ptr_eq(store_value(s, &key->guid, chain->name, strlen(chain->name)), chain);
                for (const struct store_value_entry *e = chain; e; e = e->next, n++) {
                        ck_assert(!e->next || e->sequence > e->next->sequence);
                        dump_line(d, "value %02x %s %s seq=%lu type=%u data=%.*s", key->guid.bytes[0],
                                e->name, lower(e->layer), e->sequence, e->type, (int)e->size,
                                (const char *)e->data);
                }
        }
        return n;
}

struct dump dump_store(const struct store *s)
{
        struct store_counts counts = store_counts(s), seen = { 0 };
        const struct store_key *key;
        struct dump d = { 0 };

        for (uint32_t cursor = 0; (key = store_next_key(s, &cursor)); seen.keys++) {
                ck_assert_ptr_eq(store_key(s, &key->guid), key);
                dump_line(&d, "key %02x in %02x %s sd=%.*s%s%s time=%lu%s", key->guid.bytes[0],
                        key->parent.bytes[0], key->name, (int)key->sd_size, (const char *)key->sd,
                        key->is_volatile ? " volatile" : "", key->is_link ? " link" : "", key->last_write,
                        store_key_is_referenced(s, &key->guid) ? " named" : "");
                seen.path_entries += dump_children(&d, s, key);
                seen.values += dump_values(&d, s, key);
                for (const struct store_blanket *b = store_blankets(s, &key->guid); b;
                        b = b->next, seen.blankets++) {
                        ck_assert(!b->next || b->sequence > b->next->sequence);
                        dump_line(&d, "blanket %02x %s seq=%lu", key->guid.bytes[0], lower(b->layer),
                                b->sequence);
                }
        }
        ck_assert_uint_eq(counts.keys, seen.keys);
        ck_assert_uint_eq(counts.path_entries, seen.path_entries);
        ck_assert_uint_eq(counts.values, seen.values);
        ck_assert_uint_eq(counts.blankets, seen.blankets);
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

void apply(struct store *s, struct store_op op)
{
        int r = store_apply(s, &op);
        ck_assert_msg(r == 0, "operation 0x%02x, %s: %s", op.code, op.name ? op.name : "", strerror(-r));
}

struct store *fixture_new(void)
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
        struct store *s;

        ck_assert_int_eq(store_new(FIXTURE_VALUE_MAX, &s), 0);
        for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
                apply(s, ops[i]);
        for (size_t i = 0; i < ARRAY_SIZE(values); i++)
                apply(s, values[i]);
        return s;
}
