/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "documents.h"

#include <stddef.h>
#include <string.h>

#include "suite.h"

#define KEYS 12u
#define VALUES 8u

/* What the document is made of; given back by the next one. */
static union {
        max_align_t align;
        char bytes[1024 * 1024];
} pool;
static size_t pool_used;
static uint64_t state;

static uint32_t below(uint32_t n)
{
        /* splitmix64 (public domain) */
        uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return (uint32_t)((z ^ (z >> 31)) % n);
}

static void put_character(struct buf *out, uint32_t c)
{
        char s[4];
        size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (size_t i = n; i-- > 1; c >>= 6)
                s[i] = (char)(0x80 | (c & 0x3f));
        s[0] = (char)(n == 1 ? c : (0xf00u >> n & 0xff) | c);
        buf_add(out, s, n);
}

/* Those that some form must write in its own way. */
static uint32_t character(const struct document_kind *kind, bool in_name)
{
        static const uint32_t odd[] = { ' ', '"', '\'', '\\', '/', ':', '#', ';', '[', ']', '{', '}', ',',
                '=', '@', '-', '!', '&', '*', '%', '|', '~', '?', '<' };
        static const uint32_t controls[] = { 1, '\t', '\n', '\r', 0x1b, 0x7f };
        static const uint32_t wide[] = { 0x85, 0x9f, 0xa0, 0xe4, 0x20ac, 0x2028, 0x2029, 0xfeff, 0xfffd,
                0xd7ff, 0xe000, 0x1f600, 0x10fffd };
        static const uint32_t latin[] = { 0xa0, 0xe4, 0xff, 0x20ac, 0x2122, 0x153 };

        switch (below(6)) {
        case 0:
                return odd[below(ARRAY_SIZE(odd))];
        case 1:
                return in_name && kind->reg ? 'x' : controls[below(ARRAY_SIZE(controls))];
        case 2:
                return kind->characters == DOCUMENT_UNICODE  ? wide[below(ARRAY_SIZE(wide))]
                       : kind->characters == DOCUMENT_CP1252 ? latin[below(ARRAY_SIZE(latin))]
                                                             : '0';
        default:
                return 'a' + below(26);
        }
}

static void put_text(struct buf *out, const struct document_kind *kind, size_t max, bool in_name)
{
        for (uint32_t n = below((uint32_t)max + 1); n > 0; n--)
                put_character(out, character(kind, in_name));
}

static void *take(size_t size)
{
        void *p = pool.bytes + pool_used;

        pool_used += (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
        ck_assert_uint_le(pool_used, sizeof(pool.bytes));
        return memset(p, 0, size);
}

static char *keep(struct buf *b)
{
        char *copy = memcpy(take(b->len + 1), buf_str(b), b->len);
        buf_done(b);
        return copy;
}

static void put_component(struct buf *path, const struct document_kind *kind)
{
        struct buf name = BUF_INIT;

        put_text(&name, kind, 6, true);
        buf_putc(path, '\\');
        buf_putc(path, (char)('a' + below(26)));
        for (size_t i = 0; i < name.len; i++)
                if (!strchr(kind->reg ? "\\/];" : "\\/", name.data[i]))
                        buf_putc(path, name.data[i]);
        buf_done(&name);
}

static bool is_known(const struct hive_file *f, const struct path *path)
{
        for (size_t i = 0; i < f->n_keys; i++)
                if (path_equal(&f->keys[i].path, path))
                        return true;
        return false;
}

static bool is_users(const char *name, size_t len, void *userdata)
{
        (void)userdata;
        return fold_equal(name, len, "Users", 5);
}

static bool make_path(struct hive_file *f, const struct document_kind *kind, struct path *ret)
{
        struct buf text = BUF_INIT;

        buf_puts(&text, below(4) == 0 ? "Users" : "Machine");
        for (uint32_t n = 1 + (kind->flat ? 0 : below(3)); n > 0; n--)
                put_component(&text, kind);
        int r = path_parse(text.data, text.len, is_users, NULL, ret, NULL);
        buf_done(&text);
        if (r < 0 || is_known(f, ret)) {
                path_done(ret);
                return false;
        }
        return true;
}

static bool is_below_hidden(const struct hive_file *f, const struct hive_key *key)
{
        for (size_t i = 0; i < f->n_keys; i++)
                if (f->keys[i].path.n != key->path.n &&
                        ((f->keys[i].hidden && path_is_below(&key->path, &f->keys[i].path)) ||
                                (key->hidden && path_is_below(&f->keys[i].path, &key->path))))
                        return true;
        return false;
}

/* In .reg a later deletion takes what is below it back. */
static bool is_above(const struct hive_file *f, const struct path *path)
{
        for (size_t i = 0; i < f->n_keys; i++)
                if (path_is_below(&f->keys[i].path, path))
                        return true;
        return false;
}

static void make_bytes(struct buf *out, uint32_t type, const struct document_kind *kind)
{
        switch (type) {
        case REG_SZ:
        case REG_EXPAND_SZ:
        case REG_LINK:
                put_text(out, kind, 40, false);
                for (uint32_t n = type == REG_LINK ? 0 : below(8); n > 6; n--)
                        buf_putc(out, '\0');
                return;
        case REG_MULTI_SZ:
                for (uint32_t n = below(4); n > 0; n--) {
                        put_character(out, 'a');
                        put_text(out, kind, 20, false);
                        buf_putc(out, '\0');
                }
                return;
        case REG_DWORD:
        case REG_DWORD_BIG_ENDIAN:
                value_put_number(out, REG_DWORD, below(2) ? below(100) : below(UINT32_MAX));
                return;
        case REG_QWORD:
                value_put_number(out, REG_QWORD, (uint64_t)below(UINT32_MAX) << (below(2) ? 32 : 0));
                return;
        case REG_TOMBSTONE:
                return;
        default:
                for (uint32_t n = below(60); n > 0; n--)
                        buf_putc(out, (char)below(256));
        }
}

static void make_value(struct hive_value *v, size_t i, const struct document_kind *kind)
{
        struct buf name = BUF_INIT, data = BUF_INIT;

        if (i > 0 || below(2)) { /* else the default value */
                buf_putc(&name, (char)('A' + i));
                put_text(&name, kind, 10, true);
        }
        uint32_t type = below(VALUE_TYPE_MAX + 2);
        if (type > VALUE_TYPE_MAX)
                type = REG_TOMBSTONE;
        if (kind->reg && (type == REG_LINK || type == REG_TOMBSTONE))
                type = REG_SZ;
        v->deleted = below(8) == 0;
        if (!v->deleted) {
                v->value.type = type;
                if (kind->reg || below(8) > 0)
                        make_bytes(&data, type, kind);
                else if (type != REG_TOMBSTONE) /* any bytes at all */
                        make_bytes(&data, REG_BINARY, kind);
        }
        v->value.size = data.len;
        v->value.data = keep(&data);
        v->name = keep(&name);
}

/* With a target, a tombstone, what goes, or nothing. */
static void make_link(struct hive_key *key, const struct document_kind *kind)
{
        struct hive_value *v = key->values;
        struct buf data = BUF_INIT;

        key->n_values = key->n_values > 0;
        if (v->value.type != REG_TOMBSTONE)
                make_bytes(&data, REG_LINK, kind);
        *v = (struct hive_value){ .name = "", .deleted = v->deleted, .value = v->value };
        if (!v->deleted && v->value.type != REG_TOMBSTONE)
                v->value.type = REG_LINK;
        v->value.size = v->deleted ? 0 : data.len;
        v->value.data = keep(&data);
}

static void make_key(struct hive_file *f, const struct document_kind *kind)
{
        struct hive_key *key = &f->keys[f->n_keys];

        *key = (struct hive_key){ .made = true };
        if (!make_path(f, kind, &key->path))
                return;
        uint32_t action = below(kind->reg ? 8 : 12);
        key->deleted = action < 2;
        key->made = action != 0;
        key->hidden = action == 8;
        key->blanket = action == 9;
        key->is_link = action == 10 && key->path.n > 1;
        if (key->hidden)
                key->made = false;
        if (is_below_hidden(f, key) || (key->deleted && is_above(f, &key->path))) {
                path_done(&key->path);
                return;
        }
        key->values = take(VALUES * sizeof(*key->values));
        key->n_values = key->made ? below(VALUES + 1) : 0;
        for (size_t i = 0; i < key->n_values; i++)
                make_value(&key->values[i], i, kind);
        if (key->is_link)
                make_link(key, kind);
        f->n_keys++;
}

const struct hive_file *document_make(uint64_t seed, const struct document_kind *kind)
{
        static struct hive_key keys[KEYS];
        static struct hive_file f;

        for (size_t i = 0; i < f.n_keys; i++)
                path_done(&keys[i].path);
        pool_used = 0;
        f = (struct hive_file){ .keys = keys, .enabled = true };
        state = seed;
        for (uint32_t n = below(KEYS + 1); n > 0; n--)
                make_key(&f, kind);
        return &f;
}

static void check_value(const struct hive_value *a, const struct hive_value *b, const char *text)
{
        ck_assert_msg(strcmp(a->name, b->name) == 0, "name `%s` for `%s`:\n%s", b->name, a->name, text);
        ck_assert_msg(a->deleted == b->deleted, "`%s` deleted:\n%s", a->name, text);
        ck_assert_msg(a->deleted || value_equal(&a->value, &b->value),
                "`%s` of type %u, %u; %zu, %zu bytes:\n%s", a->name, a->value.type, b->value.type,
                a->value.size, b->value.size, text);
}

void document_check_equal(const struct hive_file *a, const struct hive_file *b, const char *text)
{
        for (size_t i = 0; i < a->n_keys && i < b->n_keys; i++) {
                const struct hive_key *x = &a->keys[i], *y = &b->keys[i];
                ck_assert_msg(strcmp(x->path.text, y->path.text) == 0, "key `%s` for `%s`:\n%s",
                        y->path.text, x->path.text, text);
                ck_assert_msg(x->deleted == y->deleted && x->made == y->made && x->hidden == y->hidden &&
                                      x->blanket == y->blanket && x->is_link == y->is_link &&
                                      x->n_values == y->n_values,
                        "key `%s`, %zu and %zu values:\n%s", x->path.text, x->n_values, y->n_values, text);
                for (size_t k = 0; k < x->n_values; k++)
                        check_value(&x->values[k], &y->values[k], text);
        }
        ck_assert_msg(a->n_keys == b->n_keys, "%zu keys for %zu:\n%s", b->n_keys, a->n_keys, text);
}
