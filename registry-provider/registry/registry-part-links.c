/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is effective in a part, through links, and which values have to be read for that. */
#include "registry-part-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/array.h"

void registry_part_needs_done(struct registry_part *p)
{
        for (size_t i = 0; i < p->n_needs; i++)
                path_done(&p->needs[i].key);
        free(p->needs);
}

int registry_part_need(struct registry_part *p, const struct path *key, const char *name)
{
        for (size_t i = 0; i < p->n_needs; i++)
                if (strcmp(p->needs[i].name, name) == 0 && path_equal(&p->needs[i].key, key))
                        return 0;
        int r = array_grow(&p->needs, p->n_needs, sizeof(*p->needs));
        if (r < 0)
                return r;
        struct part_need *n = &p->needs[p->n_needs];
        *n = (struct part_need){ .name = name };
        r = path_parse(key->text, key->len, path_any_hive, NULL, &n->key, NULL);
        p->n_needs += r == 0;
        return r;
}

/* A file makes the hives of its keys, also where nothing else of it is needed. */
static bool is_of_file(const struct dropins *files, const char *name, size_t len)
{
        for (size_t i = 0; files && i < files->n; i++) {
                const struct hive_file *f = files->list[i].file;
                for (size_t k = 0; f && k < f->n_keys; k++) {
                        size_t n;
                        const char *hive = path_component(&f->keys[k].path, 0, &n);
                        if (fold_equal(hive, n, name, len))
                                return true;
                }
        }
        return false;
}

static bool is_hive(const char *name, size_t len, void *userdata)
{
        static const struct guid no_key;
        const struct registry_part *p = userdata;
        const struct slot *slot =
                registry_part_find_slot(p, &(struct probe){ SLOT_ROOT, &no_key, name, len });

        return (slot && slot->items) || (p->from && store_root(p->from, name, len)) ||
               is_of_file(p->files, name, len);
}

static int join(
        const struct registry_part *p, const struct value *target, const char *rest, struct path *ret)
{
        _cleanup_free_ char *text = NULL;

        if (target->type != REG_LINK || memchr(target->data, '\0', target->size))
                return REGISTRY_BAD_LINK;
        text = strndup(target->data, target->size);
        return text ? registry_join_link(text, rest, is_hive, (void *)p, ret, NULL) : -ENOMEM;
}

/* ---- What is effective ---- */

static void add_to_contest(struct resolve_contest *c, const struct slot *slot)
{
        for (const struct registry_part_item *i = slot ? slot->items : NULL; i; i = i->next)
                if (!i->replaced && !i->is_dangling)
                        resolve_compete(c, i->layer, i->sequence, slot->kind == SLOT_BLANKET ? NULL : i);
}

static int get_child(const struct registry_part *p, const struct guid *key, const char *name, size_t len,
        const struct registry_part_item **ret)
{
        struct resolve_contest c = { .layers = &p->layers };

        add_to_contest(&c, registry_part_find_slot(p, &(struct probe){ SLOT_CHILD, key, name, len }));
        *ret = c.winner;
        return c.tie ? REGISTRY_CORRUPT : !*ret || (*ret)->is_hidden ? REGISTRY_NOT_FOUND : 0;
}

static int get_value(const struct registry_part *p, const struct guid *key, const char *name,
        const struct registry_part_item **ret)
{
        struct resolve_contest c = { .layers = &p->layers };
        const struct slot *slot =
                registry_part_find_slot(p, &(struct probe){ SLOT_VALUE, key, name, strlen(name) });

        add_to_contest(&c, slot);
        if (slot && slot->items)
                add_to_contest(&c, registry_part_find_slot(p, &(struct probe){ SLOT_BLANKET, key, "", 0 }));
        *ret = c.winner;
        return c.tie                                          ? REGISTRY_CORRUPT
               : !*ret || (*ret)->value.type == REG_TOMBSTONE ? REGISTRY_NOT_FOUND
                                                              : 0;
}

/* The key, or the first link on the way: *ret_depth is its component's number; else 0. */
static int find_key(
        const struct registry_part *p, const struct path *path, struct guid *ret, size_t *ret_depth)
{
        static const struct guid no_key;
        const struct registry_part_item *child;
        size_t len;
        const char *name = path_component(path, 0, &len);
        const struct slot *slot =
                registry_part_find_slot(p, &(struct probe){ SLOT_ROOT, &no_key, name, len });

        *ret_depth = 0;
        if (!slot || !slot->items)
                return REGISTRY_NOT_FOUND;
        *ret = slot->items->target;
        for (size_t i = 1; i < path->n; i++) {
                name = path_component(path, i, &len);
                int r = get_child(p, ret, name, len, &child);
                if (r != 0)
                        return r;
                *ret = child->target;
                if (child->is_link) {
                        *ret_depth = i;
                        return 0;
                }
        }
        return 0;
}

/* `noted` (NULL: nothing is): the part, where what links lead to is needed as well. */
static int follow(const struct registry_part *p, const struct path *path, const char *name,
        struct registry_part *noted, const struct registry_part_item **ret)
{
        _cleanup_path_ struct path at = { 0 };
        const struct registry_part_item *link;
        struct guid key;
        size_t depth;

        for (unsigned links = 0;; links++) {
                const struct path *now = links > 0 ? &at : path;
                struct path next = { 0 };
                int r = find_key(p, now, &key, &depth);
                if (r != 0 || depth == 0)
                        return r != 0 ? r : get_value(p, &key, name, ret);
                if (links == REGISTRY_LINKS_MAX)
                        return REGISTRY_LINK_LOOP;
                r = get_value(p, &key, "", &link);
                if (r != 0)
                        return r == REGISTRY_NOT_FOUND ? REGISTRY_BAD_LINK : r;
                r = join(p, &link->value, now->text + now->ends[depth], &next);
                if (r != 0)
                        return r;
                path_done(&at);
                at = next;
                r = noted ? registry_part_need(noted, &at, name) : 0;
                if (r < 0)
                        return r;
        }
}

int registry_part_get(const struct registry_part *p, const struct path *path, const char *name,
        const struct registry_part_item **ret)
{
        return follow(p, path, name, NULL, ret);
}

int registry_part_need_targets(struct registry_part *p)
{
        const struct registry_part_item *item;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < p->n_of_schema; i++) {
                const struct part_need need = p->needs[i];
                r = follow(p, &need.key, need.name, p, &item);
        }
        return r < 0 ? r : 0;
}
