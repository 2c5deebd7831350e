/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Effective changes: what each touched name meant before the transaction, compared with what it means after.
 * What is in a key that cannot be reached is not there. */

#include <errno.h>
#include <string.h>

#include "registry-internal.h"

const char *registry_event_name(enum registry_event_kind kind)
{
        static const char *const names[] = {
                [EVENT_VALUE_SET] = "value-set",
                [EVENT_VALUE_DELETED] = "value-deleted",
                [EVENT_VALUE_UNCHANGED] = "value-unchanged",
                [EVENT_SUBKEY_CREATED] = "subkey-created",
                [EVENT_SUBKEY_DELETED] = "subkey-deleted",
                [EVENT_KEY_DELETED] = "key-deleted",
        };
        return names[kind];
}

static void event_done(struct registry_event *e)
{
        free(e->path);
        free(e->name);
        free(e->data);
        free(e->layer);
}

void registry_events_done(struct registry_events *e)
{
        for (size_t i = 0; i < e->n; i++)
                event_done(&e->list[i]);
        free(e->list);
        *e = (struct registry_events){ 0 };
}

static int set_value(struct registry_event *e, const struct store_value_entry *v)
{
        e->layer = strdup(v->layer);
        e->data = malloc(v->size + 1);
        if (!e->layer || !e->data)
                return -ENOMEM;
        e->type = v->type;
        e->size = v->size;
        if (v->size > 0)
                memcpy(e->data, v->data, v->size);
        e->data[v->size] = '\0';
        return 0;
}

/* Of a name in the touched key; a deleted key is told of by its own path. */
static int add_event(struct registry *r, struct registry_events *events, enum registry_event_kind kind,
        const struct touched_key *key, const char *name, const struct store_value_entry *v, bool is_write)
{
        bool own_path = kind == EVENT_KEY_DELETED;

        int error = registry_take_room(r, key->path_len + strlen(name) + (v ? v->size : 0));
        if (error < 0)
                return error;
        /* Grows by doubling: capacity is the next power of two. */
        if ((events->n & (events->n - 1)) == 0) {
                struct registry_event *list =
                        reallocarray(events->list, events->n ? events->n * 2 : 1, sizeof(*list));
                if (!list)
                        return -ENOMEM;
                events->list = list;
        }
        struct registry_event e = { .kind = kind,
                .path = touched_path(key, own_path ? name : NULL),
                .name = strdup(own_path ? "" : name),
                .type = REG_TOMBSTONE,
                .is_write = is_write };
        if (!e.path || !e.name || (v && set_value(&e, v) < 0)) {
                event_done(&e);
                return -ENOMEM;
        }
        events->list[events->n++] = e;
        return 0;
}

static int value_event(
        struct registry *r, const struct layers *now, struct touch *t, struct registry_events *ret)
{
        const struct store_value_entry *v;
        bool existed = t->existed && t->key->was_visible;
        bool exists = t->key->is_visible &&
                      resolve_value(r->store, now, &t->key->guid, t->name, strlen(t->name), &v) == 0;

        t->is_effective = exists != existed;
        if (!exists && existed)
                return add_event(r, ret, EVENT_VALUE_DELETED, t->key, t->name, NULL, t->is_write);
        if (!exists)
                return t->is_write ? add_event(r, ret, EVENT_VALUE_UNCHANGED, t->key, t->name, NULL, true)
                                   : 0;

        const struct value before = { .type = t->type, .data = t->data, .size = t->size };
        const struct value after = { .type = v->type, .data = v->data, .size = v->size };
        t->is_effective |= !value_equal(&before, &after);
        if (t->is_effective)
                return add_event(r, ret, EVENT_VALUE_SET, t->key, v->name, v, t->is_write);
        if (t->is_write || strcmp(t->layer, v->layer) != 0)
                return add_event(r, ret, EVENT_VALUE_UNCHANGED, t->key, v->name, v, t->is_write);
        return 0;
}

static int deleted_events(struct registry *r, const struct touch *t, struct registry_events *ret)
{
        int e = add_event(r, ret, EVENT_KEY_DELETED, t->key, t->name, NULL, false);
        return e < 0 ? e : add_event(r, ret, EVENT_SUBKEY_DELETED, t->key, t->name, NULL, false);
}

static int child_event(
        struct registry *r, const struct layers *now, struct touch *t, struct registry_events *ret)
{
        const struct store_path_entry *child;
        bool existed = t->existed && t->key->was_visible;
        bool exists = t->key->is_visible &&
                      resolve_child(r->store, now, &t->key->guid, t->name, strlen(t->name), &child) == 0;

        t->is_effective = existed != exists || (exists && !guid_equal(&child->target, &t->child));
        if (!t->is_effective)
                return 0;
        int e = existed ? deleted_events(r, t, ret) : 0;
        if (e < 0 || !exists)
                return e;
        return add_event(r, ret, EVENT_SUBKEY_CREATED, t->key, child->name, NULL, false);
}

/* What was written and changed nothing is marked in the history, which does not resolve layers. */
static int mark_shadowed(struct registry *r)
{
        int64_t id = r->history_begun;

        for (int e = 0;;) {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);
                const struct history_row *row = history_after(r->store, id);
                if (!row || e < 0)
                        return e;
                const struct touch *t = touch_of_row(r, row);
                if (t && !t->is_effective)
                        e = history_shadowed(r->store, row->id);
                id = row->id;
        }
}

int touches_to_events(struct registry *r, const struct layers *now, struct registry_events *ret)
{
        int e = touch_changed_layers(r, now);
        bool is_shadowed = false;

        if (e == 0)
                touches_see(r, now);
        for (struct touch *t = r->touches.first; e == 0 && t; t = t->next) {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);
                e = (t->is_child ? child_event : value_event)(r, now, t, ret);
                is_shadowed |= !t->is_effective;
        }
        return e < 0 || !is_shadowed || r->is_preview ? e : mark_shadowed(r);
}
