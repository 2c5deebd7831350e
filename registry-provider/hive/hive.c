/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hive.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/hashmap.h"
#include "../../schema/names/path.h"
#include "../../schema/yaml/yaml.h"

struct hive_arena {
        struct buf bytes; /* name, NUL, data of each value, in their order */
        struct hive_value *values;
        size_t n;
};

/* A file that is read. */
struct hive_reader {
        const struct yaml_doc *doc;
        struct diag *diag;
        size_t value_max;
        const struct yaml_node *hives;
        struct diags
                *problems; /* of a document of changes; NULL: a drop-in file, whose first problem ends it */
        const char *const *more_hives;
        struct hive_file *file;
        struct hashmap keys;
        bool hides;            /* one of the keys is !hidden */
        struct hashmap values; /* of the key that is read */
};

/* After what was said in r->diag: whether to go on and find more. */
static int note(struct hive_reader *r, int error)
{
        if (!r->problems || (error != -EINVAL && error != -EFBIG && error != -ENAMETOOLONG))
                return error;
        return diags_add(r->problems, r->diag);
}

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

/* ---- The members beside the keys ---- */

#define MEMBERS "`peios-registry`, `layer`, `precedence`, `enabled`, `hives` and `keys`"

/* Puts the place, and what stands there, in front of what a function said that does not know it. */
static int place(const struct hive_reader *r, const struct yaml_node *at, const char *what, int error)
{
        if (error == -ENOMEM)
                return error;
        if (what)
                diag_prefix(r->diag, "%s", what);
        diag_prefix(r->diag, "%s:%u:%u", yaml_name(r->doc), at->line, at->column);
        return -EINVAL;
}

static int need_scalar(const struct hive_reader *r, const struct yaml_node *node, const char *expected)
{
        if (node->kind == YAML_SCALAR && !node->tag && node->len > 0)
                return 0;
        return yaml_error(
                r->doc, node, r->diag, "`%s` is no plain text, expected %s", node->key->text, expected);
}

static int parse_version(struct hive_reader *r, const struct yaml_node *root)
{
        const struct yaml_node *node = yaml_get(root, "peios-registry");
        if (!node)
                return yaml_error(r->doc, root, r->diag,
                        "no format version, expected `peios-registry: %d` first", HIVE_FORMAT_VERSION);
        uint64_t version = 0;
        if (node->kind == YAML_SCALAR && !node->tag &&
                number_parse(node->text, node->len, UINT32_MAX, &version) == 0 &&
                version == HIVE_FORMAT_VERSION)
                return 0;
        return yaml_error(r->doc, node, r->diag, "format version `%s` is not known, expected %d",
                node->kind == YAML_SCALAR ? yaml_show(node->text, node->len).text : "…",
                HIVE_FORMAT_VERSION);
}

/* The layer that everybody writes to, and the word that stands for the schema's defaults. */
static bool is_reserved(const char *layer, size_t len, bool base_allowed)
{
        return (!base_allowed && fold_equal(layer, len, LAYER_BASE, strlen(LAYER_BASE))) ||
               fold_equal(layer, len, LAYER_DEFAULT, strlen(LAYER_DEFAULT));
}

static int parse_layer(struct hive_reader *r, const struct yaml_node *root)
{
        static const char expected[] = "a name of its own, usually the file's without `.yaml`";
        const struct yaml_node *node = yaml_get(root, "layer");
        if (!node && r->problems)
                return 0;
        if (!node)
                return yaml_error(r->doc, root, r->diag, "no `layer`, expected %s", expected);
        int e = need_scalar(r, node, expected);
        if (e < 0)
                return e;
        e = path_check_component(node->text, node->len, r->diag);
        if (e < 0)
                return place(r, node, "layer", e);
        if (is_reserved(node->text, node->len, r->problems != NULL))
                return yaml_error(r->doc, node, r->diag, "layer `%s` is the registry's own, expected %s",
                        node->text, expected);
        r->file->layer = strdup(node->text);
        r->file->layer_line = node->line;
        r->file->layer_column = node->column;
        return r->file->layer ? 0 : -ENOMEM;
}

static int parse_precedence(struct hive_reader *r, const struct yaml_node *node)
{
        uint64_t n;
        int e = need_scalar(r, node, "a number from 0 to 4294967295");
        if (e < 0)
                return e;
        if (number_parse(node->text, node->len, UINT32_MAX, &n) < 0)
                return yaml_error(r->doc, node, r->diag,
                        "precedence `%s`, expected a number from 0 to 4294967295",
                        yaml_show(node->text, node->len).text);
        r->file->precedence = (uint32_t)n;
        return 0;
}

static int parse_enabled(struct hive_reader *r, const struct yaml_node *node)
{
        int e = need_scalar(r, node, "`true` or `false`");
        if (e < 0)
                return e;
        bool on = strcmp(node->text, "true") == 0;
        if (!on && strcmp(node->text, "false") != 0)
                return yaml_error(r->doc, node, r->diag, "enabled `%s`, expected `true` or `false`",
                        yaml_show(node->text, node->len).text);
        r->file->enabled = on;
        return 0;
}

static int parse_hives(struct hive_reader *r, const struct yaml_node *node)
{
        if (node->kind != YAML_LIST || node->tag)
                return yaml_error(r->doc, node, r->diag, "`hives` is no list, expected `hives: [Users]`");
        if (node->n > HIVE_HIVES_MAX)
                return yaml_error(
                        r->doc, node, r->diag, "%u hives, expected at most %u", node->n, HIVE_HIVES_MAX);
        for (const struct yaml_node *n = node->first; n; n = n->next) {
                if (n->kind != YAML_SCALAR || n->tag)
                        return yaml_error(
                                r->doc, n, r->diag, "a hive that is no plain text, expected a name");
                int e = path_check_component(n->text, n->len, r->diag);
                if (e < 0)
                        return place(r, n, "hive", e);
                if (path_is_root(n->text, n->len))
                        return yaml_error(r->doc, n, r->diag,
                                "hive `%s` is a root of regedit, expected another name", n->text);
                if (path_is_reserved(n->text, n->len))
                        return yaml_error(r->doc, n, r->diag,
                                "hive `%s` is reserved for the caller's own hive, expected another name",
                                n->text);
        }
        r->hives = node;
        return 0;
}

static int parse_members(
        struct hive_reader *r, const struct yaml_node *root, const struct yaml_node **ret_keys)
{
        static const char known_elsewhere[][16] = { "peios-registry", "layer" };
        for (const struct yaml_node *n = root->first; n; n = n->next) {
                const char *name = n->key->text;
                int e = 0;
                if (strcmp(name, "keys") == 0)
                        *ret_keys = n;
                else if (strcmp(name, "precedence") == 0)
                        e = parse_precedence(r, n);
                else if (strcmp(name, "enabled") == 0)
                        e = parse_enabled(r, n);
                else if (strcmp(name, "hives") == 0)
                        e = parse_hives(r, n);
                else if (strcmp(name, known_elsewhere[0]) != 0 && strcmp(name, known_elsewhere[1]) != 0)
                        e = yaml_error(r->doc, n->key, r->diag,
                                "unknown member `%s`, expected one of " MEMBERS,
                                yaml_show(name, n->key->len).text);
                if (e < 0)
                        return e;
        }
        return 0;
}

static int read_members(
        struct hive_reader *r, const struct yaml_node *root, const struct yaml_node **ret_keys)
{
        int e = parse_version(r, root);
        if (e == 0)
                e = parse_members(r, root, ret_keys);
        return e < 0 ? e : parse_layer(r, root);
}

/* ---- Names that are met once ---- */

/* The name that a map's key stands for. */
static const char *name_of(const struct yaml_node *value, size_t *ret_len)
{
        const char *name = path_value_name_of_word(value->key->text);

        *ret_len = value->key->len - (size_t)(name - value->key->text);
        return name;
}

static bool value_is(const void *entry, const void *key)
{
        size_t a_len, b_len;
        const char *a = name_of(entry, &a_len), *b = name_of(key, &b_len);
        return fold_equal(a, a_len, b, b_len);
}

/* Names that differ only in case (or, for keys, in the kind of separator) are one. */
static int take_value(struct hive_reader *r, const struct yaml_node *value)
{
        size_t len;
        const char *name = name_of(value, &len);
        uint32_t hash = fold_hash(name, len, hashmap_seed());
        const struct yaml_node *same = hashmap_get(&r->values, hash, value_is, value);
        if (same)
                return yaml_error(r->doc, value->key, r->diag,
                        "value `%s` is here a second time (case does not count), the first is `%s` in line %u; "
                        "expected each once in a key",
                        yaml_show(value->key->text, value->key->len).text,
                        yaml_show(same->key->text, same->key->len).text, same->key->line);
        return hashmap_put(&r->values, hash, (void *)(uintptr_t)value);
}

static bool key_is(const void *entry, const void *key)
{
        const struct hive_key *a = entry, *b = key;
        return path_equal(&a->path, &b->path);
}

static int take_key(struct hive_reader *r, const struct yaml_node *node, struct hive_key *key)
{
        uint32_t hash = fold_hash(key->path.text, key->path.len, hashmap_seed());
        const struct hive_key *same = hashmap_get(&r->keys, hash, key_is, key);
        if (same)
                return yaml_error(r->doc, node->key, r->diag,
                        "key `%s` is here a second time (case and kind of separator do not count), the first is in "
                        "line %u; expected each once in a file",
                        yaml_show(key->path.text, key->path.len).text, same->line);
        return hashmap_put(&r->keys, hash, key);
}

/* What is in a key that the same file hides cannot be. */
static int check_above(const struct hive_reader *r, const struct hive_key *key)
{
        for (size_t i = 1; i + 1 < key->path.n; i++) {
                const struct hive_key up = {
                        .path = { .text = key->path.text, .len = key->path.ends[i], .n = i + 1 }
                };
                uint32_t hash = fold_hash(up.path.text, up.path.len, hashmap_seed());
                const struct hive_key *found = hashmap_get(&r->keys, hash, key_is, &up);
                if (found && found->hidden)
                        return yaml_error(r->doc,
                                &(struct yaml_node){ .line = key->line, .column = key->column }, r->diag,
                                "key `%s` is in `%s`, which line %u hides, expected one of the two",
                                yaml_show(key->path.text, key->path.len).text,
                                yaml_show(found->path.text, found->path.len).text, found->line);
        }
        return 0;
}

/* ---- Keys ---- */

static bool is_hive(const char *name, size_t len, void *userdata)
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

#define DELETE_TAG "!delete"

static int check_delete(const struct hive_reader *r, const struct yaml_node *node)
{
        if (node->kind == YAML_SCALAR && node->len == 0)
                return 0;
        return yaml_error(
                r->doc, node, r->diag, "`" DELETE_TAG "` with data, expected `" DELETE_TAG " \"\"`");
}

static int parse_value(
        struct hive_reader *r, const struct yaml_node *node, bool alone, struct hive_value *ret)
{
        struct buf *bytes = &r->file->arena->bytes;
        size_t len;
        const char *name = name_of(node, &len);
        int e = path_check_value_name(name, len, r->diag);
        if (e < 0)
                return place(r, node->key, NULL, e);
        e = alone ? 0 : take_value(r, node);
        if (e < 0)
                return e;
        buf_add(bytes, name, len + 1);
        size_t start = bytes->len;
        ret->line = node->key->line;
        ret->column = node->key->column;
        ret->deleted = r->problems && node->tag && strcmp(node->tag, DELETE_TAG) == 0;
        if (ret->deleted)
                return check_delete(r, node);
        e = hive_parse_value(r->doc, node, bytes, &ret->value.type, r->diag);
        if (e < 0)
                return e;
        if (!value_type_known(ret->value.type) && ret->value.type != REG_TOMBSTONE)
                return yaml_error(r->doc, node, r->diag,
                        "`%s`: no value has this type code, expected !0x0 to !0x%x", node->tag,
                        VALUE_TYPE_MAX);
        ret->value.size = bytes->len - start;
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
                size_t before = arena->bytes.len;
                e = parse_value(r, n, node->n == 1, &arena->values[arena->n]);
                if (e == 0) {
                        arena->n++;
                        key->n_values++;
                } else {
                        arena->bytes.len = before;
                        e = note(r, e);
                }
        }
        hashmap_done(&r->values);
        return e;
}

static int set_tag(struct hive_reader *r, const struct yaml_node *node, struct hive_key *key)
{
        const char *tag = node->tag ? node->tag : "";

        key->hidden = strcmp(tag, "!hidden") == 0;
        key->blanket = strcmp(tag, "!blanket") == 0;
        bool replace = r->problems && strcmp(tag, "!replace") == 0;
        key->deleted = replace || (r->problems && strcmp(tag, DELETE_TAG) == 0);
        key->made = !key->hidden && (!key->deleted || replace);
        if (!node->tag || key->hidden || key->blanket || key->deleted)
                return 0;
        return yaml_error(r->doc, node, r->diag, "unknown tag `%s` on a key, expected !hidden or !blanket%s",
                yaml_show(tag, strlen(tag)).text, r->problems ? ", " DELETE_TAG " or !replace" : "");
}

static int parse_key_tag(struct hive_reader *r, const struct yaml_node *node, struct hive_key *key)
{
        bool empty = node->kind == YAML_SCALAR && node->len == 0;
        int e = node->kind == YAML_SCALAR && !empty ? 0 : set_tag(r, node, key);
        if (e < 0)
                return e;
        if (node->kind == YAML_LIST || (node->kind == YAML_SCALAR && !empty))
                return yaml_error(r->doc, node, r->diag,
                        "data on the key `%s`, expected its values below it: `name: !type data`",
                        yaml_show(node->key->text, node->key->len).text);
        if (!key->made && node->n > 0)
                return yaml_error(r->doc, node->first->key, r->diag,
                        "a value in a key that is %s, expected none", node->tag);
        if ((key->hidden || key->deleted) && key->path.n == 1)
                return yaml_error(r->doc, node, r->diag,
                        "a hive itself cannot be %s, expected a key below it", node->tag);
        r->hides = r->hides || key->hidden;
        return 0;
}

/* A key that is refused stays in its place and does nothing. */
static void make_inert(struct hive_key *key)
{
        key->deleted = key->made = key->hidden = key->blanket = false;
        key->n_values = 0;
}

static int parse_key(struct hive_reader *r, const struct yaml_node *node)
{
        struct hive_key *key = &r->file->keys[r->file->n_keys];
        int e = path_parse(node->key->text, node->key->len, is_hive, r, &key->path, r->diag);
        if (e < 0)
                return place(r, node->key, "key", e);
        key->line = node->key->line;
        key->column = node->key->column;
        e = take_key(r, node, key);
        if (e < 0) {
                path_done(&key->path);
                return e;
        }
        r->file->n_keys++;
        e = parse_key_tag(r, node, key);
        if (e == 0)
                return parse_values(r, node, key);
        make_inert(key);
        return e;
}

/* After all keys: a line may hide what stands above it. */
static int check_hidden(struct hive_reader *r)
{
        int e = 0;

        for (size_t i = 0; i < r->file->n_keys && e == 0 && r->hides; i++) {
                struct hive_key *key = &r->file->keys[i];
                e = check_above(r, key);
                if (e < 0) {
                        make_inert(key);
                        e = note(r, e);
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
                        e = note(r, e);
                if (e < 0)
                        return e;
        }
        point_values(f->arena);
        return check_hidden(r);
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
        int e = read_members(r, root, &keys);
        return e < 0 ? e : parse_keys(r, keys);
}

static int parse_text(struct hive_reader *r, const char *name, const void *data, size_t size)
{
        if (size > HIVE_FILE_BYTES_MAX)
                return diag_set(r->diag, EFBIG, "%s: is %zu bytes large, expected at most %u", name, size,
                        HIVE_FILE_BYTES_MAX);
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        int e = yaml_parse(name, data, size, &doc, r->diag);
        if (e < 0)
                return e;
        _cleanup_hive_file_ struct hive_file *file = calloc(1, sizeof(*file));
        if (!file)
                return -ENOMEM;
        file->enabled = true;
        r->doc = doc;
        r->file = file;
        e = parse_file(r);
        r->file = NULL;
        if (e == 0)
                r->file = STEAL_PTR(file);
        return e;
}

int hive_parse(const char *name, const void *data, size_t size, size_t value_max, struct hive_file **ret,
        struct diag *d)
{
        _cleanup_(reader_done) struct hive_reader r = { .diag = d, .value_max = value_max };
        int e = parse_text(&r, name, data, size);
        if (e == 0)
                *ret = r.file;
        return e;
}

int hive_parse_changes(const char *name, const void *data, size_t size, size_t value_max,
        const char *const *hives, bool keep_going, struct hive_file **ret, struct diags *problems)
{
        struct diag d = { 0 };
        size_t before = problems->n_all;
        _cleanup_(reader_done) struct hive_reader r = {
                .diag = &d, .value_max = value_max, .more_hives = hives, .problems = problems
        };
        int e = parse_text(&r, name, data, size);
        if (e < 0) {
                int added = note(&r, e);
                return added < 0 ? added : -EINVAL;
        }
        if (problems->n_all > before && !keep_going) {
                hive_file_free(r.file);
                return -EINVAL;
        }
        *ret = r.file;
        return 0;
}
