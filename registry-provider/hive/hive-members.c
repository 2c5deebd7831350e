/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The members of a drop-in beside its keys. */
#include <errno.h>
#include <string.h>

#include "hive-reader.h"

#define MEMBERS "`peios-registry`, `layer`, `precedence`, `enabled`, `hives` and `keys`"

int hive_place(const struct hive_reader *r, const struct yaml_node *at, const char *what, int error)
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
static bool is_reserved(const char *layer, size_t len)
{
        return fold_equal(layer, len, "base", strlen("base")) ||
               fold_equal(layer, len, "default", strlen("default"));
}

static int parse_layer(struct hive_reader *r, const struct yaml_node *root)
{
        static const char expected[] = "a name of its own, usually the file's without `.yaml`";
        const struct yaml_node *node = yaml_get(root, "layer");
        if (!node)
                return yaml_error(r->doc, root, r->diag, "no `layer`, expected %s", expected);
        int e = need_scalar(r, node, expected);
        if (e < 0)
                return e;
        e = path_check_component(node->text, node->len, r->diag);
        if (e < 0)
                return hive_place(r, node, "layer", e);
        if (is_reserved(node->text, node->len))
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
                        return hive_place(r, n, "hive", e);
                if (path_is_root(n->text, n->len))
                        return yaml_error(r->doc, n, r->diag,
                                "hive `%s` is a root of regedit, expected another name", n->text);
                if (path_is_reserved(n->text, n->len))
                        return yaml_error(r->doc, n, r->diag,
                                "hive `%s` is reserved for the hive of whoever asks, expected another name",
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

int hive_read_members(struct hive_reader *r, const struct yaml_node *root, const struct yaml_node **ret_keys)
{
        int e = parse_version(r, root);
        if (e == 0)
                e = parse_members(r, root, ret_keys);
        return e < 0 ? e : parse_layer(r, root);
}
