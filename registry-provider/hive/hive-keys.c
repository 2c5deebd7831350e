/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys as people write them: a map from paths to maps of values with tags. */
#include "hive-reader.h"

#include <string.h>

#define DELETE_TAG "!delete"
#define REPLACE_TAG "!replace"

static int read_data(struct hive_reader *r, const struct yaml_node *node, struct hive_value *value)
{
        value->deleted = r->problems && node->tag && strcmp(node->tag, DELETE_TAG) == 0;
        if (value->deleted && (node->kind != YAML_SCALAR || node->len > 0))
                return yaml_error(
                        r->doc, node, r->diag, "`" DELETE_TAG "` with data, expected `" DELETE_TAG " \"\"`");
        if (value->deleted)
                return 0;
        int e = hive_parse_value(r->doc, node, &r->file->arena->bytes, &value->value.type, r->diag);
        if (e < 0 || value_type_known(value->value.type) || value->value.type == REG_TOMBSTONE)
                return e;
        return yaml_error(r->doc, node, r->diag, "`%s`: no value has this type code, expected !0x0 to !0x%x",
                node->tag, VALUE_TYPE_MAX);
}

static int read_values(struct hive_reader *r, const struct yaml_node *node, struct hive_key *key)
{
        int e = hive_begin_values(r, key, node->n);

        for (const struct yaml_node *n = node->first; n && e == 0; n = n->next) {
                struct hive_value *value;
                e = hive_begin_value(r, n->key, node->n == 1, &value);
                if (e == 0)
                        e = read_data(r, n, value);
                e = hive_end_value(r, key, n->key, n, e);
        }
        return e;
}

static int set_tag(struct hive_reader *r, const struct yaml_node *node, struct hive_key *key)
{
        const char *tag = node->tag ? node->tag : "";

        key->hidden = strcmp(tag, "!hidden") == 0;
        key->blanket = strcmp(tag, "!blanket") == 0;
        key->is_link = strcmp(tag, "!link") == 0;
        bool replaced = r->problems && strcmp(tag, REPLACE_TAG) == 0;
        key->deleted = replaced || (r->problems && strcmp(tag, DELETE_TAG) == 0);
        key->made = !key->hidden && (!key->deleted || replaced);
        if (!node->tag || key->hidden || key->blanket || key->is_link || key->deleted)
                return 0;
        return yaml_error(r->doc, node, r->diag,
                "unknown tag `%s` on a key, expected !hidden, !blanket or !link%s",
                yaml_show(tag, strlen(tag)).text, r->problems ? ", " DELETE_TAG " or " REPLACE_TAG : "");
}

static int read_tag(struct hive_reader *r, const struct yaml_node *node, struct hive_key *key)
{
        bool has_text = node->kind == YAML_SCALAR && node->len > 0;
        int e = has_text ? 0 : set_tag(r, node, key);
        if (e < 0)
                return e;
        if (node->kind == YAML_LIST || has_text)
                return yaml_error(r->doc, node, r->diag,
                        "data on the key `%s`, expected its values below it: `name: !type data`",
                        yaml_show(node->key->text, node->key->len).text);
        if (!key->made && node->n > 0)
                return yaml_error(r->doc, node->first->key, r->diag,
                        "a value in a key that is %s, expected none", node->tag);
        if ((key->hidden || key->deleted || key->is_link) && key->path.n == 1)
                return yaml_error(r->doc, node, r->diag,
                        "a hive itself cannot be %s, expected a key below it", node->tag);
        r->hides = r->hides || key->hidden;
        return 0;
}

static int read_key(struct hive_reader *r, const struct yaml_node *node)
{
        struct hive_key *key;
        int e = hive_begin_key(r, node->key, &key);
        if (e < 0)
                return e;
        e = read_tag(r, node, key);
        if (e == 0)
                return read_values(r, node, key);
        hive_make_inert(key);
        return e;
}

int hive_read_keys(struct hive_reader *r, const struct yaml_node *keys)
{
        bool none = !keys || (keys->kind == YAML_SCALAR && keys->len == 0 && !keys->tag);
        size_t n_values = 0;

        if (!none && (keys->kind != YAML_MAP || keys->tag))
                return yaml_error(
                        r->doc, keys, r->diag, "`keys` is no map, expected `path:` and its values below");
        for (const struct yaml_node *n = none ? NULL : keys->first; n; n = n->next)
                n_values += n->kind == YAML_MAP ? n->n : 0;
        int e = hive_reserve(r, none ? 0 : keys->n, n_values);
        for (const struct yaml_node *n = none ? NULL : keys->first; n && e == 0; n = n->next) {
                e = read_key(r, n);
                if (e < 0)
                        e = hive_note(r, e);
        }
        return e < 0 ? e : hive_end_keys(r);
}
