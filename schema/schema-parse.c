/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A schema document to entries: the shape of the file. What belongs to one value is in schema-entry.c. */
#include <errno.h>
#include <string.h>

#include "schema-entry.h"

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

static int copy_path(const struct path *from, struct path *ret, struct diag *d)
{
        return path_parse(from->text, from->len, NULL, NULL, ret, d);
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
                r = copy_path(&path, &entry->value.key, d);
                if (r < 0)
                        return r;
                /* From here on schema_entries_done() frees it. */
                e->n++;
                entry->node = n->key;
                r = schema_parse_entry(doc, n, &entry->value, d);
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
