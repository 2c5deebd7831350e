/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One value: a tagged scalar, or a list. */
#include "hive.h"

#include <errno.h>
#include <string.h>

#include "../../schema/yaml/yaml.h"

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
