/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hive.h"

#include <errno.h>
#include <string.h>

#include "hive-reader.h"

static void reader_done(struct hive_reader *r)
{
        hashmap_done(&r->keys);
        hashmap_done(&r->values);
}

struct hive_file *hive_file_free(struct hive_file *f)
{
        if (!f)
                return NULL;
        for (size_t i = 0; i < f->n_keys; i++)
                path_done(&f->keys[i].path);
        free(f->keys);
        free(f->layer);
        if (f->arena) {
                buf_done(&f->arena->bytes);
                free(f->arena->values);
                free(f->arena);
        }
        free(f);
        return NULL;
}

static bool is_hive(const char *name, size_t len, void *userdata)
{
        const struct hive_reader *r = userdata;
        if (fold_equal(name, len, DEFAULT_HIVE, strlen(DEFAULT_HIVE)))
                return true;
        for (const struct yaml_node *n = r->hives ? r->hives->first : NULL; n; n = n->next)
                if (fold_equal(name, len, n->text, n->len))
                        return true;
        return false;
}

static int parse_value(
        struct hive_reader *r, const struct yaml_node *node, bool alone, struct hive_value *ret)
{
        struct buf *bytes = &r->file->arena->bytes;
        size_t len;
        const char *name = hive_value_name(node, &len);
        int e = path_check_value_name(name, len, r->diag);
        if (e < 0)
                return hive_place(r, node->key, NULL, e);
        e = alone ? 0 : hive_take_value(&r->values, r->doc, node, r->diag);
        if (e < 0)
                return e;
        buf_add(bytes, name, len + 1);
        size_t start = bytes->len;
        e = hive_parse_value(r->doc, node, bytes, &ret->value.type, r->diag);
        if (e < 0)
                return e;
        if (!value_type_known(ret->value.type) && ret->value.type != REG_TOMBSTONE)
                return yaml_error(r->doc, node, r->diag,
                        "`%s`: no value has this type code, expected !0x0 to !0x%x", node->tag,
                        VALUE_TYPE_MAX);
        ret->value.size = bytes->len - start;
        ret->line = node->key->line;
        if (ret->value.size <= r->value_max)
                return 0;
        (void)yaml_error(r->doc, node, r->diag, "value `%s` has %zu bytes, expected at most %zu",
                yaml_show(name, len).text, ret->value.size, r->value_max);
        return -EFBIG;
}

static int parse_values(struct hive_reader *r, const struct yaml_node *node, struct hive_key *key)
{
        struct hive_arena *arena = r->file->arena;
        int e = 0;

        key->values = arena->values + arena->n;
        if (node->n > 1)
                e = hashmap_reserve(&r->values, (uint32_t)node->n);
        for (const struct yaml_node *n = node->first; n && e == 0; n = n->next) {
                e = parse_value(r, n, node->n == 1, &arena->values[arena->n]);
                arena->n++;
                key->n_values++;
        }
        hashmap_done(&r->values);
        return e;
}

static int parse_key_tag(struct hive_reader *r, const struct yaml_node *node, struct hive_key *key)
{
        bool empty = node->kind == YAML_SCALAR && node->len == 0;
        if (node->tag && strcmp(node->tag, "!hidden") == 0)
                key->hidden = r->hides = true;
        else if (node->tag && strcmp(node->tag, "!blanket") == 0)
                key->blanket = true;
        else if (node->tag && !(node->kind == YAML_SCALAR && !empty))
                return yaml_error(r->doc, node, r->diag,
                        "unknown tag `%s` on a key, expected !hidden or !blanket",
                        yaml_show(node->tag, strlen(node->tag)).text);
        if (node->kind == YAML_LIST || (node->kind == YAML_SCALAR && !empty))
                return yaml_error(r->doc, node, r->diag,
                        "data on the key `%s`, expected its values below it: `name: !type data`",
                        yaml_show(node->key->text, node->key->len).text);
        if (key->hidden && node->n > 0)
                return yaml_error(r->doc, node->first->key, r->diag,
                        "a value in a key that is !hidden, expected none");
        if (key->hidden && key->path.n == 1)
                return yaml_error(
                        r->doc, node, r->diag, "a hive itself cannot be !hidden, expected a key below it");
        return 0;
}

static int parse_key(struct hive_reader *r, const struct yaml_node *node)
{
        struct hive_key *key = &r->file->keys[r->file->n_keys];
        int e = path_parse(node->key->text, node->key->len, is_hive, r, &key->path, r->diag);
        if (e < 0)
                return hive_place(r, node->key, "key", e);
        r->file->n_keys++;
        key->line = node->key->line;
        e = hive_take_key(&r->keys, r->doc, node, key, r->diag);
        if (e == 0)
                e = parse_key_tag(r, node, key);
        return e < 0 ? e : parse_values(r, node, key);
}

/* After all keys: a line may hide what stands above it. */
static int check_hidden(struct hive_reader *r, const struct yaml_node *keys)
{
        const struct hive_key *key = r->file->keys;
        int e = 0;

        for (const struct yaml_node *n = keys->first; n && e == 0 && r->hides; n = n->next)
                e = hive_check_hidden(&r->keys, r->doc, n, key++, r->diag);
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

static int parse_keys(struct hive_reader *r, const struct yaml_node *keys)
{
        struct hive_file *f = r->file;
        size_t n_values = 0;

        f->arena = calloc(1, sizeof(*f->arena));
        if (!f->arena)
                return -ENOMEM;
        if (!keys || (keys->kind == YAML_SCALAR && keys->len == 0 && !keys->tag))
                return 0;
        if (keys->kind != YAML_MAP || keys->tag)
                return yaml_error(
                        r->doc, keys, r->diag, "`keys` is no map, expected `path:` and its values below");
        for (const struct yaml_node *n = keys->first; n; n = n->next)
                n_values += n->kind == YAML_MAP ? n->n : 0;
        f->keys = calloc(keys->n + 1, sizeof(*f->keys));
        f->arena->values = calloc(n_values + 1, sizeof(*f->arena->values));
        if (!f->keys || !f->arena->values || hashmap_reserve(&r->keys, (uint32_t)keys->n) < 0)
                return -ENOMEM;
        for (const struct yaml_node *n = keys->first; n; n = n->next) {
                int e = parse_key(r, n);
                if (e < 0)
                        return e;
        }
        point_values(f->arena);
        return check_hidden(r, keys);
}

static int parse_file(struct hive_reader *r)
{
        const struct yaml_node *root = yaml_root(r->doc), *keys = NULL;
        if (!root)
                return yaml_error(r->doc, NULL, r->diag,
                        "an empty file, expected `peios-registry: %d` first", HIVE_FORMAT_VERSION);
        if (root->kind != YAML_MAP || root->tag)
                return yaml_error(r->doc, root, r->diag, "no map, expected `peios-registry: %d` first",
                        HIVE_FORMAT_VERSION);
        int e = hive_read_members(r, root, &keys);
        return e < 0 ? e : parse_keys(r, keys);
}

int hive_parse(const char *name, const void *data, size_t size, size_t value_max, struct hive_file **ret,
        struct diag *d)
{
        if (size > HIVE_FILE_BYTES_MAX)
                return diag_set(d, EFBIG, "%s: is %zu bytes large, expected at most %u", name, size,
                        HIVE_FILE_BYTES_MAX);
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        int e = yaml_parse(name, data, size, &doc, d);
        if (e < 0)
                return e;
        _cleanup_hive_file_ struct hive_file *file = calloc(1, sizeof(*file));
        if (!file)
                return -ENOMEM;
        file->enabled = true;
        _cleanup_(reader_done) struct hive_reader r = {
                .doc = doc, .diag = d, .value_max = value_max, .file = file
        };
        e = parse_file(&r);
        if (e < 0)
                return e;
        *ret = STEAL_PTR(file);
        return 0;
}
