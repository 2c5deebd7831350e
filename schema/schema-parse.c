/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A schema document to entries. */
#include <errno.h>
#include <string.h>

#include "schema-internal.h"

#define DESCRIPTION_MAX 4096u

int schema_place(const struct yaml_doc *doc, const struct yaml_node *at, int error, struct diag *d)
{
        if (error == -ENOMEM)
                return error;
        diag_prefix(d, "%s:%u:%u", yaml_name(doc), at->line, at->column);
        return -EINVAL;
}

int schema_unknown(
        const struct yaml_doc *doc, const struct yaml_node *node, const char *known, struct diag *d)
{
        return yaml_error(doc, node->key, d, "unknown member `%s`, expected one of %s",
                yaml_show(node->key->text, node->key->len).text, known);
}

static bool is_line(const struct yaml_node *node)
{
        if (node->kind != YAML_SCALAR || node->tag)
                return false;
        for (size_t i = 0; i < node->len; i++)
                if ((unsigned char)node->text[i] < 0x20 || node->text[i] == 0x7f)
                        return false;
        return true;
}

int schema_copy_text(
        const struct yaml_doc *doc, const struct yaml_node *node, size_t max, char **ret, struct diag *d)
{
        if (!is_line(node) || node->len == 0 || node->len > max)
                return yaml_error(doc, node, d,
                        "`%s` is no text of one line, expected one of 1 to %zu bytes",
                        node->key ? yaml_show(node->key->text, node->key->len).text : "", max);
        *ret = strdup(node->text);
        return *ret ? 0 : -ENOMEM;
}

int schema_pick(const struct yaml_doc *doc, const struct yaml_node *node, const char *const *words, size_t n,
        size_t *ret, struct diag *d)
{
        for (size_t i = 0; i < n && node->kind == YAML_SCALAR && !node->tag; i++)
                if (strcmp(node->text, words[i]) == 0) {
                        *ret = i;
                        return 0;
                }
        return yaml_error(doc, node, d, "`%s` is not known, expected %s%s%s%s%s",
                node->kind == YAML_SCALAR ? yaml_show(node->text, node->len).text : node->key->text,
                words[0], n > 2 ? ", " : "", n > 2 ? words[1] : "", " or ", words[n - 1]);
}

static bool parse_type(const struct yaml_node *node, uint32_t *ret)
{
        return node && node->kind == YAML_SCALAR && !node->tag &&
               value_type_parse(node->text, node->len, ret) == 0 &&
               (*ret == REG_SZ || *ret == REG_EXPAND_SZ || *ret == REG_MULTI_SZ || *ret == REG_DWORD ||
                       *ret == REG_DWORD_BIG_ENDIAN || *ret == REG_QWORD);
}

static bool is_number(const struct schema_value *v)
{
        return v->type != REG_SZ && v->type != REG_EXPAND_SZ;
}

static int parse_choice(const struct yaml_doc *doc, const struct yaml_node *node, struct schema_value *v,
        struct schema_choice *c, struct diag *d)
{
        static const char known[] = "`control` and `meaning`";
        int r = schema_canonical(v, node->key->text, node->key->len, &c->value, d);
        if (r < 0)
                return schema_place(doc, node->key, r, d);
        if (node->kind != YAML_MAP || node->tag)
                return yaml_error(doc, node, d, "choice `%s` has no members, expected %s",
                        yaml_show(node->key->text, node->key->len).text, known);
        for (const struct yaml_node *n = node->first; n; n = n->next) {
                if (strcmp(n->key->text, "control") == 0)
                        r = schema_copy_text(doc, n, SCHEMA_TEXT_MAX, &c->control, d);
                else if (strcmp(n->key->text, "meaning") == 0)
                        r = schema_copy_text(doc, n, DESCRIPTION_MAX, &c->meaning, d);
                else
                        r = schema_unknown(doc, n, known, d);
                if (r < 0)
                        return r;
        }
        if (!c->meaning)
                return yaml_error(doc, node->key, d, "choice `%s` has no `meaning`, expected one",
                        yaml_show(node->key->text, node->key->len).text);
        return 0;
}

static int check_choice(const struct yaml_doc *doc, const struct yaml_node *node,
        const struct schema_value *v, const struct schema_choice *c, struct diag *d)
{
        const struct yaml_node *key = node->key;
        for (const struct schema_choice *o = v->choices; o < v->choices + v->n_choices; o++)
                if (o != c && fold_same(o->value, c->value))
                        return yaml_error(doc, key, d,
                                "choice `%s` is here a second time (case does not count), expected each once",
                                yaml_show(key->text, key->len).text);
        if (!is_line(key) || key->len == 0 || key->len > SCHEMA_TEXT_MAX)
                return yaml_error(doc, key, d, "`%s` cannot be a choice, expected one line of 1 to %u bytes",
                        yaml_show(key->text, key->len).text, SCHEMA_TEXT_MAX);
        return 0;
}

static int parse_choices(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_value *v, struct diag *d)
{
        if (node->kind != YAML_MAP || node->tag || node->n == 0 || node->n > SCHEMA_CHOICES_MAX)
                return yaml_error(doc, node, d, "`choices` is no map of 1 to %u choices, expected one",
                        SCHEMA_CHOICES_MAX);
        v->choices = calloc(node->n, sizeof(*v->choices));
        if (!v->choices)
                return -ENOMEM;
        for (const struct yaml_node *n = node->first; n; n = n->next) {
                /* While they are read a choice is judged by the type alone. */
                struct schema_value plain = { .type = v->type };
                struct schema_choice *c = &v->choices[v->n_choices++];
                int r = parse_choice(doc, n, &plain, c, d);
                if (r == 0)
                        r = check_choice(doc, n, v, c, d);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int parse_bound(const struct yaml_doc *doc, const struct yaml_node *node,
        const struct schema_value *v, uint64_t *ret, struct diag *d)
{
        uint64_t max = v->type == REG_QWORD ? UINT64_MAX : UINT32_MAX;
        if (node->kind == YAML_SCALAR && !node->tag && number_parse(node->text, node->len, max, ret) == 0)
                return 0;
        return yaml_error(doc, node, d, "not a bound of a range, expected a number from 0 to %llu",
                (unsigned long long)max);
}

static int parse_range(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_value *v, struct diag *d)
{
        if (node->kind != YAML_LIST || node->tag || node->n != 2 || !is_number(v))
                return yaml_error(
                        doc, node, d, "no range, expected `[least, most]` for a type that is a number");
        int r = parse_bound(doc, node->first, v, &v->min, d);
        if (r == 0)
                r = parse_bound(doc, node->first->next, v, &v->max, d);
        if (r == 0 && v->min > v->max)
                r = yaml_error(doc, node, d, "a range from %llu to %llu, expected the smaller number first",
                        (unsigned long long)v->min, (unsigned long long)v->max);
        v->has_range = r == 0;
        return r;
}

static int parse_path(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_value *v, struct diag *d)
{
        if (node->kind != YAML_MAP || node->tag || is_number(v))
                return yaml_error(doc, node, d,
                        "`path` is no map of a type that is a string, expected `{}` or one with `suffix`");
        for (const struct yaml_node *n = node->first; n; n = n->next) {
                int r = strcmp(n->key->text, "suffix") == 0
                                ? schema_copy_text(doc, n, SCHEMA_SUFFIX_MAX, &v->suffix, d)
                                : schema_unknown(doc, n, "`suffix`", d);
                if (r == 0 && strchr(v->suffix, '/'))
                        r = yaml_error(doc, n, d, "a slash in `suffix`, expected the end of a file's name");
                if (r < 0)
                        return r;
        }
        v->is_path = true;
        return 0;
}

static int parse_items(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_value *v, struct diag *d)
{
        size_t i = 0;

        if (v->type != REG_MULTI_SZ)
                return yaml_error(doc, node, d, "`items` of a type that is no list, expected REG_MULTI_SZ");
        int r = schema_pick(doc, node, schema_items_words + 1, SCHEMA_ITEMS_N - 1, &i, d);
        v->items = (enum schema_items)(i + 1);
        return r;
}

static int parse_apply(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_value *v, struct diag *d)
{
        size_t i = 0;
        int r = schema_pick(doc, node, schema_apply_words, SCHEMA_APPLY_N, &i, d);
        v->apply = (enum schema_apply)i;
        return r;
}

static int parse_default(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_value *v, struct diag *d)
{
        if (node->kind != YAML_SCALAR || node->tag)
                return yaml_error(doc, node, d, "`default` is no plain text, expected one without a tag");
        if (v->type == REG_MULTI_SZ && node->len > 0)
                return yaml_error(doc, node, d, "a list that begins with something, expected \"\"");
        int r = schema_canonical(v, node->text, node->len, &v->default_text, d);
        if (r < 0)
                return schema_place(doc, node, r, d);
        v->has_default = true;
        return 0;
}

/* In this order, because a later one is judged by the earlier ones; where they stand in the file is free. */
static const struct {
        const char *name;
        int (*parse)(const struct yaml_doc *doc, const struct yaml_node *node, struct schema_value *v,
                struct diag *d);
} members[] = {
        { "range", parse_range },
        { "choices", parse_choices },
        { "path", parse_path },
        { "items", parse_items },
        { "apply", parse_apply },
        { "control", schema_parse_control },
        { "default", parse_default },
};

static int parse_members(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_value *v, struct diag *d)
{
        for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
                const struct yaml_node *n = yaml_get(node, members[i].name);
                int r = n ? members[i].parse(doc, n, v, d) : 0;
                if (r < 0)
                        return r;
        }
        const struct yaml_node *n = yaml_get(node, "description");
        return n ? schema_copy_text(doc, n, DESCRIPTION_MAX, &v->description, d)
                 : yaml_error(doc, node->key, d, "value `%s` has no `description`, expected one", v->name);
}

/* A list has items, and what is for single values only is refused. */
static int check_list(const struct yaml_doc *doc, const struct yaml_node *node, const struct schema_value *v,
        struct diag *d)
{
        static const char *const others[] = { "range", "choices", "path", "control" };

        if (v->type != REG_MULTI_SZ)
                return 0;
        if (!yaml_get(node, "items"))
                return yaml_error(doc, node->key, d,
                        "a list without `items`, expected `items: accepted-taint` or `items: word`");
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                if (yaml_get(node, others[i]))
                        return yaml_error(doc, yaml_get(node, others[i]), d,
                                "`%s` of a list, expected `items` alone", others[i]);
        return 0;
}

static int check_names(const struct yaml_doc *doc, const struct yaml_node *node, struct diag *d)
{
        for (const struct yaml_node *n = node->first; n; n = n->next) {
                bool known = strcmp(n->key->text, "type") == 0 || strcmp(n->key->text, "description") == 0;
                for (size_t i = 0; i < ARRAY_SIZE(members); i++)
                        known = known || strcmp(n->key->text, members[i].name) == 0;
                if (!known)
                        return schema_unknown(doc, n,
                                "`type`, `default`, `choices`, `range`, `path`, `items`, `apply`, `description` and `control`",
                                d);
        }
        return 0;
}

/* Fills everything but the key; `ret` may be half built on error, for schema_value_done(). */
static int parse_entry(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_value *ret, struct diag *d)
{
        const struct yaml_node *key = node->key;
        int r = path_check_value_name(key->text, key->len, d);
        if (r < 0)
                return schema_place(doc, key, r, d);
        ret->name = strdup(path_value_name_of_word(key->text));
        ret->source = strdup(yaml_name(doc));
        if (!ret->name || !ret->source)
                return -ENOMEM;
        if (node->kind != YAML_MAP || node->tag)
                return yaml_error(doc, node, d,
                        "value `%s` has no members, expected a map with `type` in it",
                        yaml_show(key->text, key->len).text);
        r = check_names(doc, node, d);
        if (r < 0)
                return r;
        const struct yaml_node *type = yaml_get(node, "type");
        if (!parse_type(type, &ret->type))
                return yaml_error(doc, type ? type : key, d,
                        "no type that can be described, expected `type` with REG_SZ, REG_EXPAND_SZ, REG_MULTI_SZ, "
                        "REG_DWORD, REG_DWORD_BIG_ENDIAN or REG_QWORD");
        r = check_list(doc, node, ret, d);
        if (r == 0)
                r = parse_members(doc, node, ret, d);
        if (r == 0 && ret->n_choices > 0 && ret->has_range)
                r = yaml_error(
                        doc, yaml_get(node, "range"), d, "both `range` and `choices`, expected one of them");
        if (r == 0 && ret->n_choices > 0 && ret->is_path)
                r = yaml_error(
                        doc, yaml_get(node, "path"), d, "both `path` and `choices`, expected one of them");
        return r < 0 ? r : schema_check_control(doc, node, ret, d);
}

void schema_entries_done(struct schema_entries *e)
{
        for (size_t i = 0; i < e->n; i++)
                schema_value_done(&e->list[i].value);
        free(e->list);
        *e = (struct schema_entries){ 0 };
}

static int compare(const void *a, const void *b)
{
        const struct schema_entry *x = a, *y = b;
        return schema_compare(&x->value.key, x->value.name, &y->value);
}

/* Entries that differ only in case are one; YAML itself saw only those that are the same byte by byte. */
static int sort(const struct yaml_doc *doc, struct schema_entries *e, struct diag *d)
{
        if (e->n > 1)
                qsort(e->list, e->n, sizeof(*e->list), compare);
        for (size_t i = 1; i < e->n; i++) {
                const struct yaml_node *a = e->list[i - 1].node, *b = e->list[i].node;
                if (compare(&e->list[i - 1], &e->list[i]) != 0)
                        continue;
                return yaml_error(doc, a->line > b->line ? a : b, d,
                        "value `%s` is here a second time (case does not count), the first is in line %u; "
                        "expected each once",
                        yaml_show(e->list[i].value.name, strlen(e->list[i].value.name)).text,
                        a->line > b->line ? b->line : a->line);
        }
        return 0;
}

static int parse_key(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_entries *e, struct diag *d)
{
        _cleanup_path_ struct path path = { 0 };
        int r = path_parse(node->key->text, node->key->len, NULL, NULL, &path, d);
        if (r < 0)
                return schema_place(doc, node->key, r, d);
        if (node->kind != YAML_MAP || node->tag)
                return yaml_error(doc, node, d, "key `%s` has no values, expected a map of them by name",
                        yaml_show(path.text, path.len).text);
        for (const struct yaml_node *n = node->first; n; n = n->next) {
                struct schema_entry *entry = &e->list[e->n];
                r = path_parse(path.text, path.len, NULL, NULL, &entry->value.key, d);
                if (r < 0)
                        return r;
                /* From here on schema_entries_done() frees it. */
                e->n++;
                entry->node = n->key;
                r = parse_entry(doc, n, &entry->value, d);
                if (r < 0)
                        return r;
        }
        return 0;
}

bool schema_is_text(const char *text)
{
        static const char bom[] = "\xef\xbb\xbf", first[] = "peios-schema";

        text += strncmp(text, bom, sizeof(bom) - 1) == 0 ? sizeof(bom) - 1 : 0;
        for (;;) {
                text += strspn(text, " \t\r\n");
                if (*text != '#')
                        return strncmp(text, first, sizeof(first) - 1) == 0;
                text += strcspn(text, "\n");
        }
}

static int check_version(const struct yaml_doc *doc, const struct yaml_node *root, struct diag *d)
{
        const struct yaml_node *version =
                root && root->kind == YAML_MAP ? yaml_get(root, "peios-schema") : NULL;
        if (!version)
                return yaml_error(doc, root, d, "no format version, expected `peios-schema: 1` first");
        if (version->kind != YAML_SCALAR || version->tag || strcmp(version->text, "1") != 0)
                return yaml_error(doc, version, d, "a format version that is not known, expected 1");
        return 0;
}

/* NULL with d set. */
static const struct yaml_node *find_keys(const struct yaml_doc *doc, struct diag *d)
{
        const struct yaml_node *root = yaml_root(doc);
        if (check_version(doc, root, d) < 0)
                return NULL;
        for (const struct yaml_node *n = root->first; n; n = n->next)
                if (strcmp(n->key->text, "peios-schema") != 0 && strcmp(n->key->text, "keys") != 0) {
                        (void)yaml_error(doc, n->key, d,
                                "unknown member `%s`, expected one of `peios-schema` and `keys`",
                                yaml_show(n->key->text, n->key->len).text);
                        return NULL;
                }
        const struct yaml_node *keys = yaml_get(root, "keys");
        if (keys && keys->kind == YAML_MAP && !keys->tag)
                return keys;
        (void)yaml_error(doc, keys ? keys : root, d, "no map `keys`, expected key paths with their values");
        return NULL;
}

int schema_parse(const struct yaml_doc *doc, struct schema_entries *ret, struct diag *d)
{
        _cleanup_(schema_entries_done) struct schema_entries e = { 0 };
        size_t n = 0;

        const struct yaml_node *keys = find_keys(doc, d);
        if (!keys)
                return -EINVAL;
        for (const struct yaml_node *k = keys->first; k; k = k->next)
                n += k->n;
        if (n > SCHEMA_VALUES_MAX) {
                (void)yaml_error(doc, keys, d, "%zu values, expected at most %u", n, SCHEMA_VALUES_MAX);
                return -EFBIG;
        }
        e.list = calloc(n + 1, sizeof(*e.list));
        if (!e.list)
                return -ENOMEM;
        for (const struct yaml_node *k = keys->first; k; k = k->next) {
                int r = parse_key(doc, k, &e, d);
                if (r < 0)
                        return r;
        }
        int r = sort(doc, &e, d);
        if (r < 0)
                return r;
        *ret = e;
        e = (struct schema_entries){ 0 };
        return 0;
}
