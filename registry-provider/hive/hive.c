/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hive.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/date.h"
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

/* ---- The members beside the keys ---- */

#define MEMBERS "`peios-registry`, `layer`, `precedence`, `enabled`, `hives` and `keys`"

static int need_scalar(const struct hive_reader *r, const struct yaml_node *node, const char *expected)
{
        if (node->kind == YAML_SCALAR && !node->tag && node->len > 0)
                return 0;
        return yaml_error(
                r->doc, node, r->diag, "`%s` is no plain text, expected %s", node->key->text, expected);
}

static bool is_json(const struct hive_reader *r, const struct yaml_node *keys)
{
        return r->problems && keys && yaml_is(keys, YAML_LIST);
}

static int parse_version(struct hive_reader *r, const struct yaml_node *root)
{
        const struct yaml_node *node = yaml_get(root, "peios-registry");
        if (!node && is_json(r, yaml_get(root, "keys")))
                return 0; /* Peios's has none */
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
                return hive_place(r, node, "layer", e);
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

static int parse_serial(struct hive_reader *r, const struct yaml_node *node)
{
        static const char expected[] = "a number from 1 to 18446744073709551615";
        int e = need_scalar(r, node, expected);

        if (e == 0 && (number_parse(node->text, node->len, UINT64_MAX, &r->file->seal.serial) < 0 ||
                              r->file->seal.serial == 0))
                e = yaml_error(r->doc, node, r->diag, "serial `%s`, expected %s",
                        yaml_show(node->text, node->len).text, expected);
        return e;
}

static int parse_expires(struct hive_reader *r, const struct yaml_node *node)
{
        static const char expected[] = "a time of UTC as 2026-01-31T10:00:00Z";
        int e = need_scalar(r, node, expected);

        if (e == 0 && !date_parse_utc(node->text, &r->file->expires))
                e = yaml_error(r->doc, node, r->diag, "expires `%s`, expected %s",
                        yaml_show(node->text, node->len).text, expected);
        return e;
}

static int parse_percent(struct hive_reader *r, const struct yaml_node *node)
{
        static const char expected[] = "a number from 1 to 99";
        uint64_t percent = 0;
        int e = need_scalar(r, node, expected);

        if (e == 0 && (number_parse(node->text, node->len, 99, &percent) < 0 || percent == 0))
                e = yaml_error(r->doc, node, r->diag, "percent `%s`, expected %s",
                        yaml_show(node->text, node->len).text, expected);
        r->file->percent = (unsigned)percent;
        return e;
}

static int check_fleet_members(struct hive_reader *r, const struct yaml_node *root)
{
        const char *layer = r->file->layer;

        if (!layer || path_is_fleet_layer(layer, strlen(layer)))
                return 0;
        const struct yaml_node *found = yaml_get(root, "serial");
        found = found ? found : yaml_get(root, "expires");
        found = found ? found : yaml_get(root, "percent");
        if (!found)
                return 0;
        return yaml_error(r->doc, found->key, r->diag,
                "`%s` in a file whose layer is not the fleet's, expected a layer that begins with " LAYER_FLEET,
                found->key->text);
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
                        return hive_place(r, n, "hive", e);
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
                else if (!r->problems && strcmp(name, "serial") == 0)
                        e = parse_serial(r, n);
                else if (!r->problems && strcmp(name, "expires") == 0)
                        e = parse_expires(r, n);
                else if (!r->problems && strcmp(name, "percent") == 0)
                        e = parse_percent(r, n);
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
        if (e == 0)
                e = parse_layer(r, root);
        return e < 0 ? e : check_fleet_members(r, root);
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
        if (e < 0)
                return e;
        return is_json(r, keys) ? hive_read_json(r, keys) : hive_read_keys(r, keys);
}

static int parse_text(struct hive_reader *r, const char *name, const void *data, size_t size)
{
        if (size > HIVE_FILE_BYTES_MAX)
                return diag_set(r->diag, EFBIG, "%s: is %zu bytes large, expected at most %u", name, size,
                        HIVE_FILE_BYTES_MAX);
        _cleanup_buf_ struct buf adapted = BUF_INIT;
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        int e = 0;
        if (r->problems && hive_is_json(data, size)) {
                e = hive_adapt_json(name, data, size, &adapted, r->diag);
                data = buf_str(&adapted);
                size = adapted.len;
        }
        if (e == 0)
                e = yaml_parse(name, data, size, &doc, r->diag);
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
                int added = hive_note(&r, e);
                return added < 0 ? added : -EINVAL;
        }
        if (problems->n_all > before && !keep_going) {
                hive_file_free(r.file);
                return -EINVAL;
        }
        *ret = r.file;
        return 0;
}
