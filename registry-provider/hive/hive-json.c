/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys as Peios's own `reg` writes them: a list of objects with `path` and `values`, each value with `name`,
 * `type` and `data`, or `hex` where the bytes are not what `data` would give (peiosutils, docs/reg-spec.md,
 * section 6). Ours beside them: in place of `path` a member that says more of the key (`hide`, `delete`,
 * `replace`, `blanket`, `link`), so that a reader who does not know it refuses the document, and the types
 * `tombstone` and `delete`.
 *
 * JSON is read as YAML, which it is but for a few characters (hive_adapt_json). */
#include "hive-reader.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/array.h"

#define VALUE_MEMBERS "`name`, `type`, `data`, `hex`, `layer` and `sequence`"
#define KEY_MEMBERS "`path` (or `hide`, `delete`, `replace`, `blanket` or `link`) and `values`"

/* ---- Data ---- */

static bool is_text(const struct yaml_node *node)
{
        return yaml_is(node, YAML_SCALAR) && node->quoted;
}

static bool is_missing(const struct yaml_node *node)
{
        return !node || (yaml_is(node, YAML_SCALAR) && !node->quoted && strcmp(node->text, "null") == 0);
}

static int expected(
        const struct hive_reader *r, const struct yaml_node *node, const char *type, const char *what)
{
        return yaml_error(
                r->doc, node, r->diag, "`%s` of type %s, expected %s", node->key->text, type, what);
}

static const char *word_of(uint32_t type)
{
        return type == REG_BINARY ? "binary" : value_type_keyword(type);
}

static int read_number(struct hive_reader *r, const struct yaml_node *node, uint32_t type)
{
        struct buf *ret = &r->file->arena->bytes;
        uint64_t n, max = type == REG_QWORD ? UINT64_MAX : UINT32_MAX;
        if (!yaml_is(node, YAML_SCALAR) || number_parse(node->text, node->len, max, &n) < 0)
                return expected(r, node, word_of(type),
                        type == REG_QWORD ? "a number from 0 to 18446744073709551615"
                                          : "a number from 0 to 4294967295");
        value_put_number(ret, type, n);
        return 0;
}

static int read_list(struct hive_reader *r, const struct yaml_node *node)
{
        static const char what[] = "a list of texts: [\"a\", \"b\"]";
        if (!yaml_is(node, YAML_LIST))
                return expected(r, node, "multi", what);
        for (const struct yaml_node *n = node->first; n; n = n->next) {
                if (!is_text(n))
                        return yaml_error(r->doc, n, r->diag, "an item that is no text, expected %s", what);
                value_put_multi_item(&r->file->arena->bytes, n->text, n->len);
        }
        return 0;
}

static int read_hex(struct hive_reader *r, const struct yaml_node *node, uint32_t type)
{
        int e = is_text(node) ? number_parse_hex(node->text, node->len, &r->file->arena->bytes) : -EINVAL;
        return e == -EINVAL ? expected(r, node, word_of(type), "a text of pairs of hexadecimal digits") : e;
}

static int read_data(struct hive_reader *r, const struct yaml_node *node, uint32_t type)
{
        switch (type) {
        case REG_SZ:
        case REG_EXPAND_SZ:
        case REG_LINK:
                if (!is_text(node))
                        return expected(r, node, word_of(type), "a text in quotes");
                buf_add(&r->file->arena->bytes, node->text, node->len);
                return 0;
        case REG_DWORD:
        case REG_DWORD_BIG_ENDIAN:
        case REG_QWORD:
                return read_number(r, node, type);
        case REG_MULTI_SZ:
                return read_list(r, node);
        case REG_BINARY:
                return read_hex(r, node, type);
        default:
                return expected(r, node, word_of(type), "its bytes as `hex`");
        }
}

/* ---- Values ---- */

struct value_members {
        const struct yaml_node *name, *type, *data, *hex;
};

static int find_members(struct hive_reader *r, const struct yaml_node *node, struct value_members *ret)
{
        if (!yaml_is(node, YAML_MAP))
                return yaml_error(r->doc, node, r->diag,
                        "a value that is no object, expected {\"name\": …, \"type\": …, \"data\": …}");
        for (const struct yaml_node *n = node->first; n; n = n->next) {
                const char *name = n->key->text;
                if (strcmp(name, "name") == 0)
                        ret->name = n;
                else if (strcmp(name, "type") == 0)
                        ret->type = n;
                else if (strcmp(name, "data") == 0)
                        ret->data = n;
                else if (strcmp(name, "hex") == 0)
                        ret->hex = n;
                else if (strcmp(name, "layer") != 0 && strcmp(name, "sequence") != 0)
                        return yaml_error(r->doc, n->key, r->diag,
                                "unknown member `%s` of a value, expected one of " VALUE_MEMBERS,
                                yaml_show(name, n->key->len).text);
        }
        if (!is_text(ret->name))
                return yaml_error(r->doc, ret->name ? ret->name : node, r->diag,
                        "a value without a name, expected `name` with a text (\"@\" for the default value)");
        if (!is_text(ret->type))
                return yaml_error(r->doc, ret->type ? ret->type : node, r->diag,
                        "a value without a type, expected `type` with a text: \"sz\", \"dword\" …");
        return 0;
}

static int read_type(struct hive_reader *r, const struct yaml_node *type, struct hive_value *value)
{
        value->deleted = strcmp(type->text, "delete") == 0;
        if (value->deleted)
                return 0;
        value->value.type = REG_TOMBSTONE;
        if (strcmp(type->text, "tombstone") == 0 ||
                value_type_parse(type->text, type->len, &value->value.type) == 0)
                return 0;
        return yaml_error(r->doc, type, r->diag,
                "type `%s` is not known, expected sz, expand, link, multi, dword, dword-be, qword, binary, none, "
                "0x0 to 0x%x, tombstone or delete",
                yaml_show(type->text, type->len).text, VALUE_TYPE_MAX);
}

static int read_members(struct hive_reader *r, const struct value_members *m, struct hive_value *value)
{
        int e = read_type(r, m->type, value);
        if (e < 0)
                return e;
        bool has_hex = !is_missing(m->hex), has_data = !is_missing(m->data);
        if (value->deleted || value->value.type == REG_TOMBSTONE)
                return has_hex || has_data ? expected(r, has_hex ? m->hex : m->data, m->type->text, "none")
                                           : 0;
        if (has_hex)
                return read_hex(r, m->hex, value->value.type);
        if (has_data)
                return read_data(r, m->data, value->value.type);
        if (value->value.type == REG_NONE)
                return 0;
        return yaml_error(r->doc, m->type, r->diag,
                "a value of type %s without data, expected `data` or `hex`", m->type->text);
}

static int read_values(struct hive_reader *r, const struct yaml_node *list, struct hive_key *key)
{
        int e = hive_begin_values(r, key, list->n);

        for (const struct yaml_node *n = list->first; n && e == 0; n = n->next) {
                struct value_members m = { 0 };
                struct hive_value *value;
                e = find_members(r, n, &m);
                if (e < 0) {
                        e = hive_note(r, e);
                        continue;
                }
                e = hive_begin_value(r, m.name, list->n == 1, &value);
                if (e == 0)
                        e = read_members(r, &m, value);
                e = hive_end_value(r, key, m.name, n, e);
        }
        return e;
}

/* ---- Keys ---- */

struct key_members {
        const struct yaml_node *path, *values;
};

static bool names_key(const char *member)
{
        static const char *const members[] = { "path", "key", "hide", "delete", "replace", "blanket",
                "link" };

        return array_has_word(members, member);
}

static int find_key(struct hive_reader *r, const struct yaml_node *node, struct key_members *ret)
{
        if (!yaml_is(node, YAML_MAP))
                return yaml_error(r->doc, node, r->diag,
                        "a key that is no object, expected {\"path\": …, \"values\": […]}");
        for (const struct yaml_node *n = node->first; n; n = n->next) {
                const char *name = n->key->text;
                bool is_path = names_key(name);
                if (is_path && ret->path)
                        return yaml_error(r->doc, n->key, r->diag, "`%s` beside `%s`, expected one of them",
                                name, ret->path->key->text);
                if (is_path)
                        ret->path = n;
                else if (strcmp(name, "values") == 0)
                        ret->values = n;
                else
                        return yaml_error(r->doc, n->key, r->diag,
                                "unknown member `%s` of a key, expected " KEY_MEMBERS,
                                yaml_show(name, n->key->len).text);
        }
        if (!is_text(ret->path))
                return yaml_error(r->doc, ret->path ? ret->path : node, r->diag,
                        "a key without a path, expected " KEY_MEMBERS);
        if (!is_missing(ret->values) && !yaml_is(ret->values, YAML_LIST))
                return yaml_error(r->doc, ret->values, r->diag, "`values` is no list, expected [{…}, …]");
        return 0;
}

/* Paths of Peios are whole: a first component that is no hive's name is not taken for a key of Machine. */
static int check_hive(struct hive_reader *r, const struct yaml_node *path)
{
        size_t len = strcspn(path->text, "\\/");

        if (len == 0 || path_is_root(path->text, len) || path_is_reserved(path->text, len) ||
                hive_is_hive(path->text, len, r))
                return 0;
        return yaml_error(r->doc, path, r->diag,
                "`%s` is no hive, expected a path that begins with one: " DEFAULT_HIVE "\\…",
                yaml_show(path->text, len).text);
}

static int read_action(struct hive_reader *r, const struct key_members *m, struct hive_key *key)
{
        const char *action = m->path->key->text;

        key->hidden = strcmp(action, "hide") == 0;
        key->blanket = strcmp(action, "blanket") == 0;
        key->is_link = strcmp(action, "link") == 0;
        bool replaced = strcmp(action, "replace") == 0;
        key->deleted = replaced || strcmp(action, "delete") == 0;
        key->made = !key->hidden && (!key->deleted || replaced);
        if (!key->made && !is_missing(m->values) && m->values->n > 0)
                return yaml_error(r->doc, m->values, r->diag, "`values` beside `%s`, expected none", action);
        if ((key->hidden || key->deleted || key->is_link) && key->path.n == 1)
                return yaml_error(r->doc, m->path, r->diag,
                        "`%s` of a hive itself, expected that of a key below it", action);
        r->hides = r->hides || key->hidden;
        return 0;
}

static int read_key(struct hive_reader *r, const struct yaml_node *node)
{
        struct key_members m = { 0 };
        struct hive_key *key;
        int e = find_key(r, node, &m);
        if (e == 0)
                e = check_hive(r, m.path);
        if (e == 0)
                e = hive_begin_key(r, m.path, &key);
        if (e < 0)
                return e;
        e = read_action(r, &m, key);
        if (e == 0)
                return is_missing(m.values) ? 0 : read_values(r, m.values, key);
        hive_make_inert(key);
        return e;
}

int hive_read_json(struct hive_reader *r, const struct yaml_node *keys)
{
        size_t n_values = 0;

        for (const struct yaml_node *n = keys->first; n; n = n->next) {
                const struct yaml_node *values = n->kind == YAML_MAP ? yaml_get(n, "values") : NULL;
                n_values += values ? values->n : 0;
        }
        int e = hive_reserve(r, keys->n, n_values);
        for (const struct yaml_node *n = keys->first; n && e == 0; n = n->next) {
                e = read_key(r, n);
                if (e < 0)
                        e = hive_note(r, e);
        }
        return e < 0 ? e : hive_end_keys(r);
}

/* ---- Characters ---- */

bool hive_is_json(const char *data, size_t size)
{
        size_t at = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

        while (at < size && strchr(" \t\r\n", data[at]) && data[at] != '\0')
                at++;
        return at < size && data[at] == '{';
}

struct adapter {
        const char *data;
        size_t size, at;
        uint32_t line, column;
        struct buf *out;
};

static int adapt_error(const struct adapter *a, const char *name, const char *what, struct diag *d)
{
        return diag_set(d, EINVAL, "%s:%u:%u: %s", name, a->line, a->column, what);
}

static bool read_unit(const struct adapter *a, size_t at, uint32_t *ret)
{
        char digits[6] = { '0', 'x' };
        uint64_t n;

        if (at + 6 > a->size || a->data[at] != '\\' || a->data[at + 1] != 'u')
                return false;
        memcpy(digits + 2, a->data + at + 2, 4);
        if (number_parse(digits, 6, UINT16_MAX, &n) < 0)
                return false;
        *ret = (uint32_t)n;
        return true;
}

/* A backslash and what it escapes: YAML knows no pairs of surrogates. */
static int adapt_escape(struct adapter *a, const char *name, size_t *ret_len, struct diag *d)
{
        uint32_t high, low;
        bool is_unit = read_unit(a, a->at, &high);

        *ret_len = a->at + 2 <= a->size ? 2 : 1;
        if (!is_unit || high < 0xd800 || high > 0xdfff) {
                buf_add(a->out, a->data + a->at, *ret_len);
                return 0;
        }
        if (high > 0xdbff || !read_unit(a, a->at + 6, &low) || low < 0xdc00 || low > 0xdfff)
                return adapt_error(a, name, "half of a pair of UTF-16, expected both: \\ud83d\\ude00", d);
        buf_printf(a->out, "\\U%08x", 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
        *ret_len = 12;
        return 0;
}

/* What YAML takes for a line break, or refuses, when it is not escaped. */
static bool is_special(uint32_t c)
{
        return (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
               (c & 0xfffe) == 0xfffe;
}

static int adapt_text(struct adapter *a, const char *name, size_t *ret_len, struct diag *d)
{
        const char *s = a->data + a->at;
        uint32_t c;

        if (*s == '\\')
                return adapt_escape(a, name, ret_len, d);
        if (*s == '\n' || *s == '\r')
                return adapt_error(
                        a, name, "the end of the line inside a text, expected \\n or a quotation mark", d);
        *ret_len = utf8_decode(s, a->size - a->at, &c);
        if (*ret_len > 0 && is_special(c))
                buf_printf(a->out, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
        else
                buf_add(a->out, s, *ret_len = *ret_len > 0 ? *ret_len : 1);
        return 0;
}

int hive_adapt_json(const char *name, const char *data, size_t size, struct buf *ret, struct diag *d)
{
        struct adapter a = { .data = data, .size = size, .line = 1, .column = 1, .out = ret };
        bool in_text = false;
        size_t len;

        if (buf_reserve(ret, size) < 0)
                return -ENOMEM;
        for (; a.at < size; a.at += len) {
                char c = data[a.at];
                int e = 0;
                len = 1;
                if (in_text && c != '"')
                        e = adapt_text(&a, name, &len, d);
                else
                        buf_putc(ret, c);
                if (e < 0)
                        return e;
                in_text = in_text != (c == '"' && len == 1);
                a.line += c == '\n';
                a.column = c == '\n' ? 1 : a.column + (uint32_t)utf8_count(data + a.at, len);
        }
        return ret->error;
}
