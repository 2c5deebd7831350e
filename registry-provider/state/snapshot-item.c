/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot-reader.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "../../schema/values/value.h"
#include "../hive/hive.h"

struct item {
        const struct yaml_node *key, *more, *entry; /* one of them: which item it is */
        const struct yaml_node *guid, *parent, *written, *link, *sd, *in, *blankets, *values;
        const struct yaml_node *layer, *sequence, *hides, *target;
};

static const struct snapshot_field item_fields[] = {
        { "key", offsetof(struct item, key), YAML_SCALAR },
        { "guid", offsetof(struct item, guid), YAML_SCALAR },
        { "parent", offsetof(struct item, parent), YAML_SCALAR },
        { "written", offsetof(struct item, written), YAML_SCALAR },
        { "in", offsetof(struct item, in), YAML_MAP },
        { "values", offsetof(struct item, values), YAML_MAP },
        { "sd", offsetof(struct item, sd), YAML_SCALAR },
        { "link", offsetof(struct item, link), YAML_SCALAR },
        { "blankets", offsetof(struct item, blankets), YAML_MAP },
        { "more", offsetof(struct item, more), YAML_SCALAR },
        { "entry", offsetof(struct item, entry), YAML_SCALAR },
        { "layer", offsetof(struct item, layer), YAML_SCALAR },
        { "sequence", offsetof(struct item, sequence), YAML_SCALAR },
        { "hides", offsetof(struct item, hides), YAML_SCALAR },
        { "target", offsetof(struct item, target), YAML_SCALAR },
};

int snapshot_fields(const struct snapshot_reader *r, const struct yaml_node *map,
        const struct snapshot_field *table, size_t n, void *ret)
{
        for (const struct yaml_node *node = map->first; node; node = node->next) {
                size_t i = 0;
                while (i < n && strcmp(node->key->text, table[i].name) != 0)
                        i++;
                if (i == n)
                        return yaml_error(r->doc, node->key, r->d, "`%s` is nothing that a snapshot has",
                                yaml_show(node->key->text, node->key->len).text);
                if (node->kind != table[i].kind)
                        return yaml_error(r->doc, node, r->d, "`%s` is not a %s, expected one",
                                table[i].name, table[i].kind == YAML_MAP ? "map" : "single text");
                memcpy((char *)ret + table[i].offset, &node, sizeof(const struct yaml_node *));
        }
        return 0;
}

int snapshot_number(const struct snapshot_reader *r, const struct yaml_node *at,
        const struct yaml_node *node, uint64_t max, uint64_t *ret)
{
        if (!node || node->kind != YAML_SCALAR || number_parse(node->text, node->len, max, ret) < 0)
                return yaml_error(r->doc, node ? node : at, r->d, "a number is missing or too large");
        return 0;
}

int snapshot_guid(const struct snapshot_reader *r, const struct yaml_node *at, const struct yaml_node *node,
        struct guid *ret)
{
        if (!node || node->kind != YAML_SCALAR || guid_parse(node->text, node->len, ret) < 0)
                return yaml_error(r->doc, node ? node : at, r->d, "a GUID is missing or is none");
        return 0;
}

int snapshot_bool(const struct snapshot_reader *r, const struct yaml_node *node, bool *ret)
{
        bool value = node && strcmp(node->text, "true") == 0;

        if (node && !value && strcmp(node->text, "false") != 0)
                return yaml_error(r->doc, node, r->d, "expected true or false");
        *ret = value;
        return 0;
}

static int apply(struct snapshot_reader *r, const struct yaml_node *at, const struct store_op *op)
{
        int e = store_apply(r->store, op);
        if (e == 0 || e == -ENOMEM)
                return e;
        if (store_value_is_refused(e)) {
                r->left_out++;
                return 0;
        }
        (void)yaml_error(r->doc, at, r->d, "%s",
                e == -EFBIG ? "the value is larger than the configured limit"
                            : "this contradicts what is above");
        return e == -EFBIG ? e : -EINVAL;
}

/* `layer: sequence` pairs, each one operation. */
static int apply_layers(struct snapshot_reader *r, const struct yaml_node *map, struct store_op *op)
{
        for (const struct yaml_node *n = map ? map->first : NULL; n; n = n->next) {
                int e = snapshot_number(r, n, n, UINT64_MAX, &op->sequence);
                op->layer = n->key->text;
                if (e == 0)
                        e = apply(r, n, op);
                if (e < 0)
                        return e;
        }
        return 0;
}

/* Runs of sequence numbers, `5-8 12`. */
struct runs {
        const char *p, *end;
        uint64_t next;
        uint64_t left;
};

static bool next_sequence(struct runs *runs, uint64_t *ret)
{
        if (runs->left == 0) {
                uint64_t last;
                const char *stop = memchr(runs->p, ' ', (size_t)(runs->end - runs->p));
                if (!stop)
                        stop = runs->end;
                const char *dash = memchr(runs->p, '-', (size_t)(stop - runs->p));
                const char *first_end = dash ? dash : stop;
                if (number_parse(runs->p, (size_t)(first_end - runs->p), UINT64_MAX, &runs->next) < 0)
                        return false;
                last = runs->next;
                if (dash && number_parse(dash + 1, (size_t)(stop - dash - 1), UINT64_MAX, &last) < 0)
                        return false;
                if (last < runs->next || last == UINT64_MAX)
                        return false;
                runs->left = last - runs->next + 1;
                runs->p = stop < runs->end ? stop + 1 : stop;
        }
        *ret = runs->next++;
        runs->left--;
        return true;
}

static int apply_values(struct snapshot_reader *r, const struct yaml_node *group, const struct guid *key)
{
        const struct yaml_node *numbers = group->first, *map = numbers ? numbers->next : NULL;
        if (group->kind != YAML_LIST || group->n != 2 || numbers->kind != YAML_SCALAR ||
                map->kind != YAML_MAP)
                return yaml_error(r->doc, group, r->d, "expected a list of sequence numbers and values");

        struct runs runs = { .p = numbers->text, .end = numbers->text + numbers->len };
        struct store_op op = { .code = STORE_SET_VALUE, .guid = *key, .layer = group->key->text };
        for (const struct yaml_node *n = map->first; n; n = n->next) {
                if (!next_sequence(&runs, &op.sequence))
                        return yaml_error(r->doc, n, r->d, "the value has no sequence number");
                buf_clear(&r->bytes);
                int e = hive_parse_value(r->doc, n, &r->bytes, &op.type, r->d);
                op.name = n->key->text;
                op.data = r->bytes.data;
                op.size = r->bytes.len;
                if (e == 0)
                        e = apply(r, n, &op);
                if (e < 0)
                        return e;
        }
        if (runs.left > 0 || runs.p != runs.end)
                return yaml_error(r->doc, numbers, r->d, "more sequence numbers than values");
        return 0;
}

static int read_values(struct snapshot_reader *r, const struct item *i, const struct guid *key)
{
        for (const struct yaml_node *n = i->values ? i->values->first : NULL; n; n = n->next) {
                int e = apply_values(r, n, key);
                if (e < 0)
                        return e;
        }
        return 0;
}

static int create_key(struct snapshot_reader *r, const struct item *i, struct store_op *op)
{
        *op = (struct store_op){ .code = STORE_CREATE_KEY, .name = i->key->text };
        int e = snapshot_guid(r, i->key, i->guid, &op->guid);
        if (e == 0 && i->parent)
                e = snapshot_guid(r, i->key, i->parent, &op->target);
        if (e == 0)
                e = snapshot_number(r, i->key, i->written, UINT64_MAX, &op->time);
        if (e == 0)
                e = snapshot_bool(r, i->link, &op->is_link);
        if (e < 0)
                return e;
        buf_clear(&r->bytes);
        if (i->sd && hex_parse(i->sd->text, i->sd->len, &r->bytes) < 0)
                return yaml_error(r->doc, i->sd, r->d, "expected pairs of hexadecimal digits");
        op->data = r->bytes.data;
        op->size = r->bytes.len;
        return apply(r, i->key, op);
}

static int read_key(struct snapshot_reader *r, const struct item *i)
{
        struct store_op key;
        int e = create_key(r, i, &key);
        if (e < 0)
                return e;
        struct store_op entry = {
                .code = STORE_CREATE_ENTRY, .guid = key.target, .name = key.name, .target = key.guid
        };
        e = apply_layers(r, i->in, &entry);
        struct store_op blanket = { .code = STORE_SET_BLANKET, .guid = key.guid, .set = true };
        if (e == 0)
                e = apply_layers(r, i->blankets, &blanket);
        return e < 0 ? e : read_values(r, i, &key.guid);
}

static int read_entry(struct snapshot_reader *r, const struct item *i)
{
        struct store_op op = { .code = STORE_CREATE_ENTRY, .name = i->entry->text };
        bool hides;
        int e = snapshot_bool(r, i->hides, &hides);
        if (e == 0)
                e = snapshot_guid(r, i->entry, i->parent, &op.guid);
        if (e == 0)
                e = snapshot_number(r, i->entry, i->sequence, UINT64_MAX, &op.sequence);
        if (e == 0 && !hides)
                e = snapshot_guid(r, i->entry, i->target, &op.target);
        if (e < 0)
                return e;
        if (!i->layer)
                return yaml_error(r->doc, i->entry, r->d, "the entry has no layer");
        if (hides)
                op.code = STORE_HIDE_ENTRY;
        op.layer = i->layer->text;
        return apply(r, i->entry, &op);
}

int snapshot_item(struct snapshot_reader *r, const struct yaml_node *node)
{
        struct item i = { 0 };
        struct guid key;

        if (node->kind != YAML_MAP)
                return yaml_error(r->doc, node, r->d, "expected a map");
        int e = snapshot_fields(r, node, item_fields, ARRAY_SIZE(item_fields), &i);
        if (e < 0)
                return e;
        if (!!i.key + !!i.more + !!i.entry != 1)
                return yaml_error(r->doc, node, r->d, "expected one of key, more and entry");
        if (i.key)
                return read_key(r, &i);
        if (i.entry)
                return read_entry(r, &i);
        e = snapshot_guid(r, i.more, i.more, &key);
        return e < 0 ? e : read_values(r, &i, &key);
}
