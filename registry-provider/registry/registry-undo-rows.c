/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be taken back: the entries that rows of the history changed, each with its oldest row, and the
 * keys that they dropped; or those in which a copy differs. */
#include "registry-undo.h"
#include "../../schema/base/array.h"

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

static uint32_t probe_hash(const struct undo_probe *p)
{
        uint32_t seed = fold_hash(p->layer, strlen(p->layer), guid_hash(p->key) + (uint32_t)p->kind);

        return fold_hash(p->name, strlen(p->name), seed);
}

static bool target_matches(const void *entry, const void *key)
{
        const struct undo_target *t = entry;
        const struct undo_probe *p = key;

        return t->kind == p->kind && guid_equal(&t->key, p->key) && fold_same(t->layer, p->layer) &&
               fold_same(t->name, p->name);
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

        if (array_grow(&u->list, u->n, sizeof(struct undo_target *)) < 0)
                return -ENOMEM;
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

static int add_gone(struct undo *u, const struct guid *key, const char *name, int64_t row)
{
        struct undo_gone *g = undo_find_gone(u, key);

        if (!g) {
                g = calloc(1, sizeof(*g) + strlen(name) + 1);
                if (!g || hashmap_put(&u->keys, guid_hash(key), g) < 0) {
                        free(g);
                        return -ENOMEM;
                }
                g->guid = *key;
                (void)strcpy(g->name, name);
        }
        g->row = row;
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
                return row->name ? add_gone(u, &row->key, row->name, row->id) : 0;
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

/* ---- What it was ---- */

static bool row_was(const struct undo *u, int64_t id, struct history_was *ret)
{
        const struct history_row *row = history_before(u->tx->store, id + 1);

        if (row)
                *ret = row->was;
        return row != NULL;
}

/* A key that is not there is called as it was then. */
static bool copy_key_was(const struct undo *u, const struct guid *then, struct history_was *ret)
{
        const struct store_key *key = store_key(u->then, then);

        if (key)
                *ret = (struct history_was){ .is = true,
                        .name = key->name,
                        .target = registry_differences_now(u->differences, &key->parent),
                        .type = key->is_link,
                        .data = key->sd,
                        .size = key->sd_size,
                        .time = key->last_write };
        return key != NULL;
}

bool undo_key_was(const struct undo *u, const struct undo_gone *g, struct history_was *ret)
{
        if (u->then)
                return copy_key_was(u, &g->guid, ret);
        const struct history_row *row = history_before(u->tx->store, g->row + 1);
        if (!row)
                return false;
        *ret = row->was;
        ret->target = row->target;
        return true;
}

bool undo_was(const struct undo *u, const struct undo_target *t, struct history_was *ret)
{
        const struct registry_difference *from = t->from;

        if (!u->then)
                return row_was(u, t->first, ret);
        *ret = (struct history_was){ .is = true,
                .name = from->name,
                .target = from->target,
                .type = from->type,
                .data = from->data,
                .size = from->size };
        return true;
}

/* ---- What a copy has ---- */

/* The key that is to be made, and those above it. */
static int note_gone(struct undo *u, struct guid key)
{
        _cleanup_store_scope_ struct store_scope now = store_scope_begin(u->tx->store),
                                                 then = store_scope_begin(u->then);
        struct history_was was;
        int e = 0;

        while (e == 0 && !guid_is_zero(&key) && !store_key(u->tx->store, &key) && !undo_find_gone(u, &key)) {
                if (!copy_key_was(u, &key, &was))
                        return -EUCLEAN;
                e = add_gone(u, &key, was.name, 0);
                key = was.target;
        }
        return e;
}

static int read_difference(struct undo *u, const struct registry_difference *d)
{
        const struct guid key = registry_differences_now(u->differences, &d->key);
        struct undo_target *t;

        int e = undo_add_target(u, &(struct undo_probe){ d->kind, &key, d->name, d->layer }, &t);
        if (e < 0)
                return e;
        t->from = d;
        t->was_sequence = d->was_sequence;
        t->put_sequence = d->now_sequence;
        if (d->was_sequence == 0)
                return 0;
        e = note_gone(u, key);
        return e == 0 && d->kind == STORE_ENTRY ? note_gone(u, d->target) : e;
}

static bool is_needed(const struct undo *u, const struct guid *root)
{
        for (size_t i = 0; i < u->differences->n; i++)
                if (guid_equal(&u->differences->list[i]->key, root))
                        return true;
        return false;
}

/* Hives that are not there are made, with keys of their own for roots. */
static int make_hives(struct undo *u)
{
        _cleanup_store_scope_ struct store_scope then = store_scope_begin(u->then);
        size_t n;
        const struct store_key *const *roots = store_roots(u->then, &n);
        int e = 0;

        for (size_t i = 0; e == 0 && i < n; i++) {
                const size_t len = strlen(roots[i]->name);
                if (hives_find(u->tx->hives, roots[i]->name, len) || !is_needed(u, &roots[i]->guid))
                        continue;
                e = transaction_add_hive(u->tx, roots[i]->name, len);
                if (e == 0)
                        e = registry_differences_pair(u->differences, &roots[i]->guid,
                                &hives_find(u->tx->hives, roots[i]->name, len)->root);
        }
        return e;
}

int undo_read_differences(struct undo *u)
{
        int e = make_hives(u);

        for (size_t i = 0; e == 0 && i < u->differences->n; i++)
                e = read_difference(u, u->differences->list[i]);
        return e == 0 ? store_error(u->then, u->d) : e;
}
