/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys as people write them: a map from paths to maps of values, each a tagged scalar or a list. */
#include <errno.h>
#include <string.h>

#include "../../schema/yaml/yaml.h"
#include "hive-reader.h"

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

#define TAG_LIST "!sz !expand !link !multi !dword !dword-be !qword !hex !none !0x<code> !tombstone"

static const struct {
        const char *tag;
        uint32_t type;
} tags[] = {
#define VALUE_TYPE(symbol, code, keyword) { keyword, symbol },
#include "../../schema/values/value-types.def"
#undef VALUE_TYPE
        { "tombstone", REG_TOMBSTONE },
};

/* ret_raw: written as !0x<code>, the bytes are hex whatever the type. */
static int parse_tag(const char *tag, uint32_t *ret_type, bool *ret_raw)
{
        uint64_t code;
        for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
                if (tags[i].tag && strcmp(tag + 1, tags[i].tag) == 0) {
                        *ret_type = tags[i].type;
                        *ret_raw = false;
                        return 0;
                }
        if (strncmp(tag, "!0x", 3) != 0 || number_parse(tag + 1, strlen(tag + 1), UINT32_MAX, &code) < 0)
                return -EINVAL;
        *ret_type = (uint32_t)code;
        *ret_raw = true;
        return code == REG_TOMBSTONE ? -EINVAL : 0;
}

static int parse_number(const struct yaml_doc *doc, const struct yaml_node *node, uint32_t type,
        struct buf *ret, struct diag *d)
{
        uint64_t max = type == REG_QWORD ? UINT64_MAX : UINT32_MAX, n;
        int r = number_parse(node->text, node->len, max, &n);
        if (r < 0)
                return yaml_error(doc, node, d, "`%s` is %s, expected 0 to %llu, decimal or 0x hexadecimal",
                        yaml_show(node->text, node->len).text, r == -ERANGE ? "too large" : "not a number",
                        (unsigned long long)max);
        value_put_number(ret, type, n);
        return 0;
}

static int parse_bytes(
        const struct yaml_doc *doc, const struct yaml_node *node, struct buf *ret, struct diag *d)
{
        int r = number_parse_hex(node->text, node->len, ret);
        if (r == -EINVAL)
                return yaml_error(doc, node, d, "`%s` is not bytes, expected pairs of hexadecimal digits",
                        yaml_show(node->text, node->len).text);
        return r;
}

static int parse_multi(
        const struct yaml_doc *doc, const struct yaml_node *node, struct buf *ret, struct diag *d)
{
        if (node->kind != YAML_LIST)
                return yaml_error(doc, node, d, "`!multi` without a list, expected `!multi [a, b]`");
        for (const struct yaml_node *n = node->first; n; n = n->next) {
                if (n->kind != YAML_SCALAR || n->tag)
                        return yaml_error(doc, n, d,
                                "an item of `!multi` is no plain text, expected one without a tag");
                if (n->len == 0 && !n->quoted)
                        return yaml_error(doc, n, d,
                                "an item of `!multi` is missing, expected \"\" for an empty text");
                value_put_multi_item(ret, n->text, n->len);
        }
        return 0;
}

static int parse_scalar(const struct yaml_doc *doc, const struct yaml_node *node, uint32_t type, bool raw,
        struct buf *ret, struct diag *d)
{
        if (node->kind != YAML_SCALAR)
                return yaml_error(doc, node, d, "`%s` with a %s, expected `%s` and a single text", node->tag,
                        node->kind == YAML_MAP ? "map" : "list", node->tag);
        if (type == REG_TOMBSTONE || (type == REG_NONE && !raw))
                return node->len == 0 ? 0
                                      : yaml_error(doc, node, d, "`%s` with data, expected `%s \"\"`",
                                                node->tag, node->tag);
        if (node->len == 0 && !node->quoted)
                return yaml_error(doc, node, d,
                        "`%s` with nothing after it, expected a value (\"\" for no text)", node->tag);
        if (raw)
                return parse_bytes(doc, node, ret, d);
        switch (type) {
        case REG_SZ:
        case REG_EXPAND_SZ:
        case REG_LINK:
                buf_add(ret, node->text, node->len);
                return 0;
        case REG_DWORD:
        case REG_DWORD_BIG_ENDIAN:
        case REG_QWORD:
                return parse_number(doc, node, type, ret, d);
        default:
                return parse_bytes(doc, node, ret, d);
        }
}

static int refuse_tag(const struct yaml_doc *doc, const struct yaml_node *node, struct diag *d)
{
        if (node->tag)
                return yaml_error(doc, node, d, "unknown type `%s`, expected one of " TAG_LIST,
                        yaml_show(node->tag, strlen(node->tag)).text);
        if (!node->key)
                return yaml_error(
                        doc, node, d, "a type is needed on every value, expected one of " TAG_LIST);
        bool is_text = node->kind == YAML_SCALAR && node->len > 0;
        const char *text = node->kind == YAML_SCALAR ? "\"\"" : node->kind == YAML_LIST ? "[…]" : "…";
        return yaml_error(doc, node, d,
                "a type is needed on every value: write `%s: !%s %s`, or another of " TAG_LIST,
                yaml_show(node->key->text, node->key->len).text, node->kind == YAML_LIST ? "multi" : "sz",
                is_text ? yaml_show(node->text, node->len).text : text);
}

int hive_parse_value(const struct yaml_doc *doc, const struct yaml_node *node, struct buf *ret_bytes,
        uint32_t *ret_type, struct diag *d)
{
        uint32_t type;
        bool raw;
        if (!node->tag || parse_tag(node->tag, &type, &raw) < 0)
                return refuse_tag(doc, node, d);
        int r = type == REG_MULTI_SZ && !raw ? parse_multi(doc, node, ret_bytes, d)
                                             : parse_scalar(doc, node, type, raw, ret_bytes, d);
        if (r < 0)
                return r;
        *ret_type = type;
        return ret_bytes->error;
}
