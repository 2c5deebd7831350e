/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be taken back: the entries that rows of the history changed, each with its oldest row, and the
 * keys that they dropped. */
#include "registry-undo-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void undo_done(struct undo *u)
{
        struct undo_gone *g;

        for (size_t i = 0; i < u->n; i++)
                free(u->list[i]);
        for (uint32_t i = 0; (g = hashmap_next(&u->keys, &i));)
                free(g);
        hashmap_done(&u->index);
        hashmap_done(&u->keys);
        path_done(&u->path);
        free(u->list);
        free(u->file);
}

/* ---- Targets ---- */

static uint32_t guid_hash(const struct guid *guid)
{
        return hashmap_hash(guid->bytes, sizeof(guid->bytes), hashmap_seed());
}

static uint32_t probe_hash(const struct undo_probe *p)
{
        uint32_t seed = fold_hash(p->layer, strlen(p->layer), guid_hash(p->key) + (uint32_t)p->kind);

        return fold_hash(p->name, strlen(p->name), seed);
}

static bool target_matches(const void *entry, const void *key)
{
        const struct undo_target *t = entry;
        const struct undo_probe *p = key;

        return t->kind == p->kind && guid_equal(&t->key, p->key) && layers_name_equal(t->layer, p->layer) &&
               fold_equal(t->name, strlen(t->name), p->name, strlen(p->name));
}

struct undo_target *undo_find_target(const struct undo *u, const struct undo_probe *p)
{
        return hashmap_get(&u->index, probe_hash(p), target_matches, p);
}

static bool gone_matches(const void *entry, const void *key)
{
        return guid_equal(&((const struct undo_gone *)entry)->guid, key);
}

struct undo_gone *undo_find_gone(const struct undo *u, const struct guid *key)
{
        return hashmap_get(&u->keys, guid_hash(key), gone_matches, key);
}

int undo_add_target(struct undo *u, const struct undo_probe *p, struct undo_target **ret)
{
        const size_t len = strlen(p->name) + 1;

        if ((u->n & (u->n - 1)) == 0) {
                struct undo_target **list =
                        reallocarray(u->list, u->n ? u->n * 2 : 1, sizeof(struct undo_target *));
                if (!list)
                        return -ENOMEM;
                u->list = list;
        }
        struct undo_target *t = calloc(1, sizeof(*t) + len + strlen(p->layer) + 1);
        if (!t || hashmap_put(&u->index, probe_hash(p), t) < 0) {
                free(t);
                return -ENOMEM;
        }
        t->kind = p->kind;
        t->key = *p->key;
        memcpy(t->name, p->name, len);
        t->layer = strcpy(t->name + len, p->layer);
        u->list[u->n++] = *ret = t;
        return 0;
}

static bool is_put(const struct history_row *row)
{
        return row->op == STORE_SET_VALUE || row->op == STORE_CREATE_ENTRY || row->op == STORE_HIDE_ENTRY ||
               (row->op == STORE_SET_BLANKET && row->has_type);
}

static int add_gone(struct undo *u, const struct history_row *row)
{
        struct undo_gone *g = undo_find_gone(u, &row->key);

        if (!g) {
                g = calloc(1, sizeof(*g) + strlen(row->name) + 1);
                if (!g || hashmap_put(&u->keys, guid_hash(&row->key), g) < 0) {
                        free(g);
                        return -ENOMEM;
                }
                g->guid = row->key;
                (void)strcpy(g->name, row->name);
        }
        g->row = row->id;
        return 0;
}

/* The newest comes first. */
static int note_row(struct undo *u, const struct history_row *row, enum store_kind kind)
{
        const struct undo_probe p = { kind, &row->key, row->name ? row->name : "",
                row->layer ? row->layer : "" };
        struct undo_target *t = undo_find_target(u, &p);

        if (!t) {
                int e = undo_add_target(u, &p, &t);
                if (e < 0)
                        return e;
                t->put_sequence = is_put(row) ? row->sequence : 0;
        }
        t->first = row->id;
        t->was_sequence = row->was.is ? row->was.sequence : 0;
        return 0;
}

static int read_row(struct undo *u, const struct history_row *row)
{
        const struct layer *layer = row->layer ? layers_find(u->tx->layers, row->layer) : NULL;

        if (row->op == STORE_NOTE || row->op == STORE_CREATE_KEY)
                return 0;
        /* Whoever did it, others had named the key before. */
        if (row->op == STORE_DROP_KEY && !row->is_volatile)
                return row->name ? add_gone(u, row) : 0;
        if (row->is_volatile || row->author->file || (layer && layer->file)) {
                u->undone->left_out++;
                if (!row->is_volatile && !u->file) {
                        const char *file = layer && layer->file ? layer->file : row->author->file;
                        u->file = file ? strdup(file) : NULL;
                }
                return 0;
        }
        switch (row->op) {
        case STORE_CREATE_ENTRY:
        case STORE_HIDE_ENTRY:
        case STORE_DELETE_ENTRY:
                return note_row(u, row, STORE_ENTRY);
        case STORE_SET_VALUE:
        case STORE_DELETE_VALUE:
                return note_row(u, row, STORE_VALUE);
        case STORE_SET_BLANKET:
                return note_row(u, row, STORE_BLANKET);
        default:
                u->undone->left_out++;
                return 0;
        }
}

int undo_read_rows(struct undo *u)
{
        int64_t id = u->what->until + 1;

        for (int e = 0; e == 0;) {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(u->tx->store);
                const struct history_row *row = history_before(u->tx->store, id);
                if (!row || row->id <= u->what->after)
                        return store_error(u->tx->store, NULL);
                e = read_row(u, row);
                if (e < 0)
                        return e;
                id = row->id;
        }
        return 0;
}
