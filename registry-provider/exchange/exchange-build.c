/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exchange-build.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../hive/hive-reader.h"

struct exchange_build_key {
        struct path path;
        bool deleted, made;
        bool dead;     /* a later line takes it back */
        size_t target; /* where what is in it goes: the first line about the key that is not dead */
        size_t n_values;
        uint32_t line, column;
};

struct exchange_build_value {
        size_t key;
        size_t name, data; /* in the bytes */
        struct hive_value value;
};

int exchange_build_key(
        struct exchange_build *b, struct path *path, bool deleted, uint32_t line, uint32_t column)
{
        int r = array_grow(&b->keys, b->n_keys, sizeof(*b->keys));
        if (r < 0)
                return r;
        b->keys[b->n_keys] = (struct exchange_build_key){ .path = *path,
                .deleted = deleted,
                .made = !deleted,
                .target = b->n_keys,
                .line = line,
                .column = column };
        b->n_keys++;
        b->deletes = b->deletes || deleted;
        *path = (struct path){ 0 };
        return 0;
}

int exchange_build_value(struct exchange_build *b, const struct hive_value *v)
{
        int r = array_grow(&b->values, b->n_values, sizeof(*b->values));
        if (r < 0)
                return r;
        size_t name = b->bytes.len;
        buf_add(&b->bytes, v->name, strlen(v->name) + 1);
        size_t data = b->bytes.len;
        buf_add(&b->bytes, v->value.data, v->value.size);
        b->values[b->n_values++] = (struct exchange_build_value){
                .key = b->n_keys - 1, .name = name, .data = data, .value = *v
        };
        return b->bytes.error;
}

void exchange_build_done(struct exchange_build *b)
{
        for (size_t i = 0; i < b->n_keys; i++)
                path_done(&b->keys[i].path);
        free(b->keys);
        free(b->values);
        buf_done(&b->bytes);
        *b = (struct exchange_build){ 0 };
}

static bool key_is(const void *entry, const void *path)
{
        const struct exchange_build_key *key = entry;
        return path_equal(&key->path, path);
}

static uint32_t hash_of(const struct path *path)
{
        return fold_hash(path->text, path->len, hashmap_seed());
}

/* The last line that deletes each key. */
static int find_deletions(struct exchange_build *b, struct hashmap *ret)
{
        for (size_t i = 0; i < b->n_keys; i++) {
                struct exchange_build_key *key = &b->keys[i];
                if (!key->deleted)
                        continue;
                uint32_t hash = hash_of(&key->path);
                void *old = hashmap_get(ret, hash, key_is, &key->path);
                int r = old ? 0 : hashmap_put(ret, hash, key);
                if (r < 0)
                        return r;
                if (old)
                        (void)hashmap_replace(ret, hash, old, key);
        }
        return 0;
}

static bool is_dead(const struct exchange_build_key *key, const struct hashmap *deletions)
{
        for (size_t i = 1; i < key->path.n; i++) {
                const struct path up = {
                        .text = key->path.text, .len = key->path.ends[i], .n = i + 1, .ends = key->path.ends
                };
                const struct exchange_build_key *by = hashmap_get(deletions, hash_of(&up), key_is, &up);
                if (by > key)
                        return true;
        }
        return false;
}

static int mark_dead(struct exchange_build *b)
{
        _cleanup_(hashmap_done) struct hashmap deletions = { 0 };
        int r = b->deletes ? find_deletions(b, &deletions) : 0;

        for (size_t i = 0; r == 0 && b->deletes && i < b->n_keys; i++)
                b->keys[i].dead = is_dead(&b->keys[i], &deletions);
        return r;
}

/* Lines about one key become one; a deletion that is left is the first of them. */
static int merge_keys(struct exchange_build *b)
{
        _cleanup_(hashmap_done) struct hashmap first = { 0 };
        int r = hashmap_reserve(&first, (uint32_t)b->n_keys);

        for (size_t i = 0; r == 0 && i < b->n_keys; i++) {
                struct exchange_build_key *key = &b->keys[i];
                if (key->dead)
                        continue;
                uint32_t hash = hash_of(&key->path);
                struct exchange_build_key *target = hashmap_get(&first, hash, key_is, &key->path);
                if (!target) {
                        r = hashmap_put(&first, hash, key);
                        continue;
                }
                key->target = target->target;
                target->made = target->made || key->made;
        }
        return r;
}

/* The values that are left, key by key and in their order; NULL at the end of memory. */
static struct exchange_build_value **sort_values(struct exchange_build *b)
{
        struct exchange_build_value **list = calloc(b->n_values + 1, sizeof(struct exchange_build_value *));
        size_t *at = calloc(b->n_keys + 1, sizeof(*at));

        for (size_t i = 0; list && at && i < b->n_values; i++) {
                struct exchange_build_value *v = &b->values[i];
                if (!b->keys[v->key].dead)
                        b->keys[b->keys[v->key].target].n_values++;
        }
        for (size_t i = 0; list && at && i < b->n_keys; i++)
                at[i + 1] = at[i] + b->keys[i].n_values;
        for (size_t i = 0; list && at && i < b->n_values; i++) {
                struct exchange_build_value *v = &b->values[i];
                if (!b->keys[v->key].dead)
                        list[at[b->keys[v->key].target]++] = v;
        }
        if (!at) {
                free(list);
                list = NULL;
        }
        free(at);
        return list;
}

struct value_name {
        const char *text;
        size_t len;
};

static bool value_is(const void *entry, const void *key)
{
        const struct exchange_build_value *v = entry;
        const struct value_name *name = key;
        return fold_equal(name->text, name->len, (const char *)v->value.name, strlen(v->value.name));
}

/* Of values of one name the last one is kept; the others become NULL. */
static int drop_doubles(struct exchange_build *b, struct exchange_build_value **list, size_t n)
{
        _cleanup_(hashmap_done) struct hashmap names = { 0 };
        int r = n > 1 ? hashmap_reserve(&names, (uint32_t)n) : 0;

        for (size_t i = n; i-- > 0 && r == 0;) {
                struct exchange_build_value *v = list[i];
                v->value.name = b->bytes.data + v->name;
                v->value.value.data = b->bytes.data + v->data;
                if (n == 1)
                        continue;
                const struct value_name name = { v->value.name, strlen(v->value.name) };
                uint32_t hash = fold_hash(name.text, name.len, hashmap_seed());
                if (hashmap_get(&names, hash, value_is, &name))
                        list[i] = NULL;
                else
                        r = hashmap_put(&names, hash, v);
        }
        return r;
}

static void put_values(
        struct hive_file *f, struct hive_key *key, struct exchange_build_value *const *list, size_t n)
{
        struct hive_arena *arena = f->arena;

        key->values = arena->values + arena->n;
        for (size_t i = 0; i < n; i++)
                if (list[i])
                        key->values[key->n_values++] = list[i]->value;
        arena->n += key->n_values;
}

static int put_keys(struct exchange_build *b, struct exchange_build_value **list, struct hive_reader *r,
        struct hive_file *f)
{
        int e = hive_reserve(r, b->n_keys, b->n_values);

        for (size_t i = 0; e == 0 && i < b->n_keys; i++) {
                struct exchange_build_key *key = &b->keys[i];
                if (key->dead || key->target != i)
                        continue;
                struct hive_key *to = &f->keys[f->n_keys++];
                *to = (struct hive_key){ .path = key->path,
                        .deleted = key->deleted,
                        .made = key->made,
                        .line = key->line,
                        .column = key->column };
                key->path = (struct path){ 0 };
                e = drop_doubles(b, list, key->n_values);
                put_values(f, to, list, key->n_values);
                list += key->n_values;
        }
        /* What the values point to. */
        if (e == 0) {
                f->arena->bytes = b->bytes;
                b->bytes = BUF_INIT;
        }
        return e;
}

int exchange_build_finish(struct exchange_build *b, struct hive_file **ret)
{
        _cleanup_free_ struct exchange_build_value **list = NULL;
        _cleanup_hive_file_ struct hive_file *file = calloc(1, sizeof(*file));
        int r = file ? mark_dead(b) : -ENOMEM;

        if (r == 0)
                r = merge_keys(b);
        if (r == 0 && !(list = sort_values(b)))
                r = -ENOMEM;
        if (r < 0)
                return r;
        file->enabled = true;
        struct hive_reader reader = { .file = file };
        r = put_keys(b, list, &reader, file);
        hashmap_done(&reader.keys);
        if (r < 0)
                return r;
        exchange_build_done(b);
        *ret = STEAL_PTR(file);
        return 0;
}
