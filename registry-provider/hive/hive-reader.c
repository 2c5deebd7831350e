/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What keys and values have in common however they are written: each is met once, and has its place. */
#include "hive-reader.h"

#include <errno.h>
#include <string.h>

int hive_note(struct hive_reader *r, int error)
{
        if (!r->problems || (error != -EINVAL && error != -EFBIG))
                return error;
        return diags_add(r->problems, r->diag);
}

int hive_place(const struct hive_reader *r, const struct yaml_node *at, const char *what, int error)
{
        if (error == -ENOMEM)
                return error;
        if (what)
                diag_prefix(r->diag, "%s", what);
        diag_prefix(r->diag, "%s:%u:%u", yaml_name(r->doc), at->line, at->column);
        return -EINVAL;
}

bool hive_is_hive(const char *name, size_t len, void *userdata)
{
        const struct hive_reader *r = userdata;
        if (fold_equal(name, len, DEFAULT_HIVE, strlen(DEFAULT_HIVE)))
                return true;
        for (const struct yaml_node *n = r->hives ? r->hives->first : NULL; n; n = n->next)
                if (fold_equal(name, len, n->text, n->len))
                        return true;
        for (const char *const *h = r->more_hives; h && *h; h++)
                if (fold_equal(name, len, *h, strlen(*h)))
                        return true;
        return false;
}

int hive_reserve(struct hive_reader *r, size_t n_keys, size_t n_values)
{
        struct hive_file *f = r->file;

        f->arena = calloc(1, sizeof(*f->arena));
        if (!f->arena)
                return -ENOMEM;
        f->keys = calloc(n_keys + 1, sizeof(*f->keys));
        f->arena->values = calloc(n_values + 1, sizeof(*f->arena->values));
        return f->keys && f->arena->values ? hashmap_reserve(&r->keys, (uint32_t)n_keys) : -ENOMEM;
}

/* ---- Keys ---- */

static bool key_is(const void *entry, const void *key)
{
        const struct hive_key *a = entry, *b = key;
        return path_equal(&a->path, &b->path);
}

/* Names that differ only in case (or, for keys, in the kind of separator) are one. */
static int take_key(struct hive_reader *r, const struct yaml_node *name, struct hive_key *key)
{
        uint32_t hash = fold_hash(key->path.text, key->path.len, hashmap_seed());
        const struct hive_key *same = hashmap_get(&r->keys, hash, key_is, key);
        if (same)
                return yaml_error(r->doc, name, r->diag,
                        "key `%s` is here a second time (case and kind of separator do not count), the first is in "
                        "line %u; expected each once in a file",
                        yaml_show(key->path.text, key->path.len).text, same->line);
        return hashmap_put(&r->keys, hash, key);
}

int hive_begin_key(struct hive_reader *r, const struct yaml_node *name, struct hive_key **ret)
{
        struct hive_key *key = &r->file->keys[r->file->n_keys];
        int e = path_parse(name->text, name->len, hive_is_hive, r, &key->path, r->diag);
        if (e < 0)
                return hive_place(r, name, "key", e);
        key->line = name->line;
        key->column = name->column;
        e = take_key(r, name, key);
        if (e < 0) {
                path_done(&key->path);
                return e;
        }
        r->file->n_keys++;
        *ret = key;
        return 0;
}

void hive_make_inert(struct hive_key *key)
{
        key->deleted = key->made = key->hidden = key->blanket = key->is_link = false;
        key->n_values = 0;
}

/* What is in a key that the same file hides cannot be. */
static int check_above(const struct hive_reader *r, const struct hive_key *key)
{
        const struct yaml_node at = { .line = key->line, .column = key->column };

        for (size_t i = 1; i + 1 < key->path.n; i++) {
                const struct hive_key up = {
                        .path = { .text = key->path.text, .len = key->path.ends[i], .n = i + 1 }
                };
                uint32_t hash = fold_hash(up.path.text, up.path.len, hashmap_seed());
                const struct hive_key *found = hashmap_get(&r->keys, hash, key_is, &up);
                if (found && found->hidden)
                        return yaml_error(r->doc, &at, r->diag,
                                "key `%s` is in `%s`, which line %u hides, expected one of the two",
                                yaml_show(key->path.text, key->path.len).text,
                                yaml_show(found->path.text, found->path.len).text, found->line);
        }
        return 0;
}

/* After all keys: a line may hide what stands above it. */
static int check_hidden(struct hive_reader *r)
{
        int e = 0;

        for (size_t i = 0; i < r->file->n_keys && e == 0 && r->hides; i++) {
                struct hive_key *key = &r->file->keys[i];
                e = check_above(r, key);
                if (e < 0) {
                        hive_make_inert(key);
                        e = hive_note(r, e);
                }
        }
        return e;
}

/* The buffer moved while it grew; only now do its bytes stay where they are. */
static void point_values(struct hive_arena *arena)
{
        const char *at = arena->bytes.data;
        for (size_t i = 0; i < arena->n; i++) {
                struct hive_value *v = &arena->values[i];
                v->name = at;
                at += strlen(at) + 1;
                v->value.data = at;
                at += v->value.size;
        }
}

int hive_end_keys(struct hive_reader *r)
{
        point_values(r->file->arena);
        return check_hidden(r);
}

/* ---- Values ---- */

/* What a name is called that people write. */
static const char *name_of(const struct yaml_node *word, size_t *ret_len)
{
        const char *name = path_value_name_of_word(word->text);

        *ret_len = word->len - (size_t)(name - word->text);
        return name;
}

static bool value_is(const void *entry, const void *key)
{
        size_t a_len, b_len;
        const char *a = name_of(entry, &a_len), *b = name_of(key, &b_len);
        return fold_equal(a, a_len, b, b_len);
}

static int take_value(struct hive_reader *r, const struct yaml_node *word)
{
        size_t len;
        const char *name = name_of(word, &len);
        uint32_t hash = fold_hash(name, len, hashmap_seed());
        const struct yaml_node *same = hashmap_get(&r->values, hash, value_is, word);
        if (same)
                return yaml_error(r->doc, word, r->diag,
                        "value `%s` is here a second time (case does not count), the first is `%s` in line %u; "
                        "expected each once in a key",
                        yaml_show(word->text, word->len).text, yaml_show(same->text, same->len).text,
                        same->line);
        return hashmap_put(&r->values, hash, (void *)(uintptr_t)word);
}

int hive_begin_values(struct hive_reader *r, struct hive_key *key, size_t n)
{
        struct hive_arena *arena = r->file->arena;

        hashmap_done(&r->values);
        key->values = arena->values + arena->n;
        return n > 1 ? hashmap_reserve(&r->values, (uint32_t)n) : 0;
}

int hive_begin_value(
        struct hive_reader *r, const struct yaml_node *word, bool alone, struct hive_value **ret)
{
        struct hive_arena *arena = r->file->arena;
        size_t len;
        const char *name = name_of(word, &len);

        r->start = arena->bytes.len;
        int e = path_check_value_name(name, len, r->diag);
        if (e < 0)
                return hive_place(r, word, NULL, e);
        e = alone ? 0 : take_value(r, word);
        if (e < 0)
                return e;
        buf_add(&arena->bytes, name, len + 1);
        *ret = &arena->values[arena->n];
        **ret = (struct hive_value){ .line = word->line, .column = word->column };
        return arena->bytes.error;
}

static int check_value(
        const struct hive_reader *r, const struct yaml_node *word, const struct yaml_node *data)
{
        const struct hive_arena *arena = r->file->arena;
        struct hive_value *value = &arena->values[arena->n];
        size_t len;
        const char *name = name_of(word, &len);

        value->value.size = arena->bytes.len - r->start - len - 1;
        if (value->value.size <= r->value_max)
                return 0;
        (void)yaml_error(r->doc, data, r->diag, "value `%s` has %zu bytes, expected at most %zu",
                yaml_show(name, len).text, value->value.size, r->value_max);
        return -EFBIG;
}

static int check_link(
        const struct hive_reader *r, const struct yaml_node *word, const struct yaml_node *data)
{
        const struct hive_value *value = &r->file->arena->values[r->file->arena->n];
        const uint32_t type = value->value.type;
        size_t len;

        (void)name_of(word, &len);
        if (len == 0 && (value->deleted || type == REG_LINK || type == REG_TOMBSTONE))
                return 0;
        return yaml_error(r->doc, data, r->diag,
                "a link has no value but `@`, of type REG_LINK: expected the path of the key that it stands for");
}

int hive_end_value(struct hive_reader *r, struct hive_key *key, const struct yaml_node *word,
        const struct yaml_node *data, int error)
{
        struct hive_arena *arena = r->file->arena;

        if (error == 0)
                error = arena->bytes.error;
        if (error == 0)
                error = check_value(r, word, data);
        if (error == 0 && key->is_link)
                error = check_link(r, word, data);
        if (error < 0) {
                arena->bytes.len = r->start;
                return hive_note(r, error);
        }
        arena->n++;
        key->n_values++;
        return 0;
}
