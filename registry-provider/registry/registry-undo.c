/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of the history are taken back as one change: each entry that they changed is brought to what it was
 * before the first of them; or to what a copy has. What lower or higher layers have is left alone. A key
 * that is gone comes back as the key that it was, unless another layer names one in its place. */
#include "registry-undo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Where they are ---- */

/* What is looked up there; of an undo nothing is. */
static struct store_scope scope_of_then(const struct undo *u)
{
        return store_scope_begin(u->then ? u->then : u->tx->store);
}

/* Name and parent of a key, be it gone. False: neither is known. */
static bool key_of(
        const struct undo *u, const struct guid *guid, const char **ret_name, struct guid *ret_parent)
{
        const struct store_key *key = store_key(u->tx->store, guid);
        const struct undo_gone *g = key ? NULL : undo_find_gone(u, guid);
        struct history_was was = { 0 };

        if (!key && (!g || !undo_key_was(u, g, &was)))
                return false;
        *ret_name = key ? key->name : g->name;
        *ret_parent = key ? key->parent : was.target;
        return true;
}

/* A key whose end is not among what is taken back, unless it is the store that failed. */
static int gone_since(const struct undo *u, const char *where)
{
        int e = store_error(u->tx->store, NULL);

        return e < 0 ? e
                     : registry_fail(u->d, REGISTRY_CONFLICT,
                               "%sa key that it was done to is gone since: take that back first", where);
}

static int find_path(struct undo *u, const struct guid *key)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(u->tx->store),
                                                 then = scope_of_then(u);
        const char *names[PATH_DEPTH_MAX];
        struct guid at = *key;
        size_t n = 0;
        _cleanup_buf_ struct buf text = BUF_INIT;

        if (u->path.text && guid_equal(&u->path_of, key))
                return 0;
        while (!guid_is_zero(&at) && n < ARRAY_SIZE(names)) {
                if (!key_of(u, &at, &names[n++], &at))
                        return gone_since(u, "");
        }
        while (n > 0)
                buf_printf(&text, "%s%s", text.len > 0 ? "\\" : "", names[--n]);
        path_done(&u->path);
        u->path = (struct path){ 0 };
        u->path_of = *key;
        return text.error ? text.error : registry_path(u->tx->registry, buf_str(&text), &u->path, u->d);
}

static uint64_t sequence_now(const struct undo *u, const struct undo_target *t)
{
        uint64_t sequence;

        (void)registry_in_layer(u->tx->store, t->kind, &t->key, t->name, t->layer, &sequence);
        return sequence;
}

/* Unless it is the store that failed, here too. */
static int written_since(struct undo *u, const struct undo_target *t, uint64_t now)
{
        const int e = store_error(u->tx->store, NULL);
        const char *what = t->kind == STORE_VALUE ? "value" : t->kind == STORE_ENTRY ? "subkey" : "mask";
        const char *name = t->kind == STORE_VALUE ? path_word_of_value_name(t->name) : t->name;

        if (e < 0)
                return e;
        if (now != 0)
                return registry_fail(u->d, REGISTRY_CONFLICT,
                        "%s: %s '%s' of layer %s was written since, by change number %llu", u->path.text,
                        what, name, t->layer, (unsigned long long)now);
        return registry_fail(u->d, REGISTRY_CONFLICT, "%s: %s '%s' of layer %s was deleted since",
                u->path.text, what, name, t->layer);
}

/* Depths, and whether somebody wrote since. */
static int check(struct undo *u)
{
        for (size_t i = 0; i < u->n; i++) {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(u->tx->store);
                struct undo_target *t = u->list[i];
                int e = find_path(u, &t->key);
                if (e != 0)
                        return e;
                t->depth = (unsigned)u->path.n;
                const uint64_t now = u->what->force ? t->put_sequence : sequence_now(u, t);
                if (now != t->put_sequence)
                        return written_since(u, t, now);
                if (u->what->may_layers)
                        continue;
                if (layers_is_metadata(&u->path, false))
                        return registry_fail(u->d, REGISTRY_READ_ONLY,
                                "%s: it changed what layers are made of, which only root may take back",
                                u->path.text);
                /* What it has would be in force as soon as root made such a layer again. */
                if (t->was_sequence != 0 && !layers_find(u->tx->layers, t->layer))
                        return registry_fail(u->d, REGISTRY_CONFLICT,
                                "%s: it changed what layer %s has, which is not there any more: only root "
                                "may take it back",
                                u->path.text, t->layer);
        }
        return store_error(u->tx->store, NULL);
}

/* ---- Bringing back ---- */

/* A layer whose entry stays as it is, and names a key in that place. */
static const struct store_path_entry *other_name(
        const struct undo *u, const struct guid *parent, const char *name)
{
        for (const struct store_path_entry *e = store_lookup(u->tx->store, parent, name, strlen(name)); e;
                e = e->next)
                if (!e->hidden &&
                        !undo_find_target(u, &(struct undo_probe){ STORE_ENTRY, parent, name, e->layer }))
                        return e;
        return NULL;
}

static int no_such_key(const struct undo *u)
{
        _cleanup_buf_ struct buf where = BUF_INIT;

        buf_printf(&where, "%s: ", u->path.text);
        return gone_since(u, buf_str(&where));
}

static int make_key(
        struct undo *u, const struct undo_gone *g, const struct guid *parent, const struct history_was *was)
{
        return transaction_op(u->tx, &(struct store_op){ .code = STORE_CREATE_KEY,
                                             .guid = g->guid,
                                             .target = *parent,
                                             .name = g->name,
                                             .is_link = was->type != 0,
                                             .data = was->data,
                                             .size = was->size,
                                             .time = was->time });
}

/* *key becomes one that is there: itself, made again if need be, or the one in its place. */
static int need_key(struct undo *u, struct guid *key)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(u->tx->store),
                                                 then = scope_of_then(u);
        struct undo_gone *g = store_key(u->tx->store, key) ? NULL : undo_find_gone(u, key);
        struct history_was was;

        if (!g)
                return store_key(u->tx->store, key) ? 0 : no_such_key(u);
        if (!g->is_replaced) {
                if (!undo_key_was(u, g, &was))
                        return no_such_key(u);
                struct guid parent = was.target;
                int e = need_key(u, &parent);
                if (e != 0)
                        return e;
                const struct store_path_entry *other = other_name(u, &parent, g->name);
                if (other && other->is_link != (was.type != 0))
                        return registry_fail(u->d, REGISTRY_CONFLICT,
                                "the key '%s' is %s link since, in layer %s: take that back first", g->name,
                                other->is_link ? "a" : "no", other->layer);
                g->is_replaced = true;
                g->instead = other ? other->target : g->guid;
                if (!other)
                        e = make_key(u, g, &parent, &was);
                if (e < 0)
                        return e;
        }
        *key = g->instead;
        return 0;
}

static bool is_only_name(const struct store_path_entry *chain, const struct store_path_entry *mine)
{
        for (const struct store_path_entry *e = chain; e; e = e->next)
                if (e != mine && guid_equal(&e->target, &mine->target))
                        return false;
        return true;
}

static bool has_target(const struct undo *u, enum store_kind kind, const struct guid *key, const char *name,
        const char *layer)
{
        return undo_find_target(u, &(struct undo_probe){ kind, key, name, layer }) != NULL;
}

/* Whether a key or what is below it has an entry that is not taken back. As deep as a path is at most. */
static bool has_more(const struct undo *u, const struct guid *key)
{
        const struct store *s = u->tx->store;
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(u->tx->store);
        size_t n;

        for (const struct store_blanket *b = store_blankets(s, key); b; b = b->next)
                if (!has_target(u, STORE_BLANKET, key, "", b->layer))
                        return true;
        const struct store_value_entry *const *values = store_values(s, key, 0, &n);
        for (size_t i = 0; i < n; i++)
                for (const struct store_value_entry *e = values[i]; e; e = e->next)
                        if (!has_target(u, STORE_VALUE, key, e->name, e->layer))
                                return true;
        const struct store_path_entry *const *children = store_children(s, key, &n);
        for (size_t i = 0; i < n; i++)
                for (const struct store_path_entry *e = children[i]; e; e = e->next)
                        if (!has_target(u, STORE_ENTRY, key, e->name, e->layer) ||
                                (!e->hidden && has_more(u, &e->target)))
                                return true;
        return false;
}

/* What somebody put since into a key that gives way to another one would be lost with it. With force it
 * stays, and what comes back does so there. */
static int keep_key(
        struct undo *u, const struct undo_target *t, const struct guid *target, const struct guid *before)
{
        struct undo_gone *g = undo_find_gone(u, target);

        if (!u->what->force)
                return registry_fail(u->d, REGISTRY_CONFLICT,
                        "%s: the subkey '%s' has been written to since", u->path.text, t->name);
        u->undone->left_out++;
        if (g && !g->is_replaced) {
                g->is_replaced = true;
                g->instead = *before;
        }
        return 0;
}

static int put_entry(
        struct undo *u, struct undo_target *t, const struct guid *parent, const struct history_was *was)
{
        struct transaction *tx = u->tx;
        struct guid target = was->target, before = { 0 };
        const bool hides = guid_is_zero(&target);
        const struct store_path_entry *chain = store_lookup(tx->store, parent, t->name, strlen(t->name));
        const struct store_path_entry *mine = registry_entry_in_layer(chain, t->layer);

        if (mine && !mine->hidden) {
                before = mine->target;
                if (!guid_equal(&before, &target) && is_only_name(chain, mine) && has_more(u, &before))
                        return keep_key(u, t, &target, &before);
        }
        int e = hides ? 0 : need_key(u, &target);
        if (e != 0)
                return e;
        /* A restore knows already that it differs, if only in age. */
        if (!u->then && mine && mine->hidden == hides && guid_equal(&before, &target) &&
                strcmp(mine->name, was->name) == 0)
                return 0;
        t->gave_way = before;
        e = effects_note(&tx->effects, parent, t->name, true, NULL);
        return e != 0 ? e
                      : transaction_op(tx,
                                &(struct store_op){ .code = hides ? STORE_HIDE_ENTRY : STORE_CREATE_ENTRY,
                                        .guid = *parent,
                                        .name = was->name,
                                        .layer = t->layer,
                                        .target = target,
                                        .sequence = store_take_sequence(tx->store) });
}

/* The same. */
static int put_value(
        struct undo *u, const struct guid *key, const char *name, const char *layer, const struct value *v)
{
        uint64_t sequence;

        return u->then ? transaction_put_again(u->tx, key, &u->path, name, layer, v, &sequence, u->d)
                       : transaction_put(u->tx, key, &u->path, name, layer, v, &sequence, u->d);
}

/* What was newer than the mask, and stays, is newer again. (In a restore that does not stay.) */
static int put_mask(struct undo *u, const struct undo_target *t, const struct guid *key)
{
        struct store *s = u->tx->store;
        size_t n;

        int e = transaction_set_blanket(u->tx, key, t->layer, true);
        const struct store_value_entry *const *values = store_values(s, key, 0, &n);
        for (size_t i = 0; e == 0 && !u->then && i < n; i++) {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
                const char *name = values[i]->name;
                const struct store_value_entry *mine =
                        registry_value_in_layer(store_value(s, key, name, strlen(name)), t->layer);
                if (!mine || mine->sequence < t->was_sequence || mine->sequence > u->begun ||
                        has_target(u, STORE_VALUE, key, name, t->layer))
                        continue;
                const struct value v = { .type = mine->type, .data = mine->data, .size = mine->size };
                e = put_value(u, key, mine->name, t->layer, &v);
        }
        return e;
}

static int put(struct undo *u, struct undo_target *t)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(u->tx->store),
                                                 then = scope_of_then(u);
        const bool is_mask = t->kind == STORE_BLANKET;
        struct history_was was = { 0 };
        struct guid key = t->key;

        int e = is_mask || undo_was(u, t, &was) ? need_key(u, &key) : store_error(u->tx->store, NULL);
        if (e == 0)
                e = find_path(u, &key);
        if (e != 0)
                return e;
        struct undo_target *there =
                undo_find_target(u, &(struct undo_probe){ t->kind, &key, t->name, t->layer });
        if (there)
                there->is_done = true;
        u->tx->layers_touched |= layers_is_metadata(&u->path, false);
        if (is_mask)
                return put_mask(u, t, &key);
        if (t->kind == STORE_ENTRY)
                return put_entry(u, t, &key, &was);
        const struct value v = { .type = was.type, .data = was.data, .size = was.size };
        return put_value(u, &key, was.name, t->layer, &v);
}

/* ---- Taking away ---- */

/* Whether a layer has something in the key; NULL: any layer. */
static bool has_something(const struct transaction *tx, const struct guid *key, const char *layer)
{
        size_t n;

        const struct store_blanket *blankets = store_blankets(tx->store, key);
        if (layer ? registry_blanket_in_layer(blankets, layer) : blankets)
                return true;
        const struct store_value_entry *const *values = store_values(tx->store, key, 0, &n);
        for (size_t i = 0; i < n; i++)
                if (!layer || registry_value_in_layer(values[i], layer))
                        return true;
        const struct store_path_entry *const *children = store_children(tx->store, key, &n);
        for (size_t i = 0; i < n; i++)
                if (!layer || registry_entry_in_layer(children[i], layer))
                        return true;
        return false;
}

/* What somebody has put into the key since stays with it. */
static int take_entry(struct undo *u, const struct undo_target *t)
{
        struct transaction *tx = u->tx;
        const struct store_path_entry *chain = store_lookup(tx->store, &t->key, t->name, strlen(t->name));
        const struct store_path_entry *mine = registry_entry_in_layer(chain, t->layer);
        const struct guid key = mine->target;

        if (!mine->hidden && has_something(tx, &key, is_only_name(chain, mine) ? NULL : t->layer)) {
                if (!u->what->force)
                        return registry_fail(u->d, REGISTRY_CONFLICT,
                                "%s: the subkey '%s' has been written to since", u->path.text, t->name);
                u->undone->left_out++;
                return 0;
        }
        int e = transaction_withdraw_entry(tx, &t->key, t->name, t->layer);
        return e == 0 && !mine->hidden ? transaction_drop_unnamed(tx, &key) : e;
}

static int take(struct undo *u, const struct undo_target *t)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(u->tx->store);

        if (t->is_done || sequence_now(u, t) == 0)
                return store_error(u->tx->store, NULL);
        int e = find_path(u, &t->key);
        if (e != 0)
                return e;
        u->tx->layers_touched |= layers_is_metadata(&u->path, false);
        switch (t->kind) {
        case STORE_ENTRY:
                return take_entry(u, t);
        case STORE_VALUE:
                return transaction_withdraw_value(u->tx, &t->key, t->name, t->layer);
        case STORE_BLANKET:
                return transaction_set_blanket(u->tx, &t->key, t->layer, false);
        }
        return -EINVAL;
}

/* ---- In which order: what was is put, path entries from above and all else as old as it was, so that what
 * was newer is newer again; then what was not is taken away, keys last, from below. ---- */

static int compare_numbers(uint64_t a, uint64_t b)
{
        return (a > b) - (a < b);
}

static int compare_targets(const void *one, const void *other)
{
        const struct undo_target *a = *(struct undo_target *const *)one,
                                 *b = *(struct undo_target *const *)other;
        const bool has = a->was_sequence != 0, other_has = b->was_sequence != 0;
        const bool is_entry = a->kind == STORE_ENTRY, other_is = b->kind == STORE_ENTRY;

        if (has != other_has)
                return other_has - has;
        if (is_entry != other_is)
                return has ? other_is - is_entry : is_entry - other_is;
        if (is_entry && a->depth != b->depth)
                return has ? compare_numbers(a->depth, b->depth) : compare_numbers(b->depth, a->depth);
        return has ? compare_numbers(a->was_sequence, b->was_sequence)
                   : compare_numbers(a->put_sequence, b->put_sequence);
}

/* A mask that is newer than a value of its layer that comes back is put again, after that; of a restore,
 * which knows all that is to be put, it is in the list. */
static int note_mask(struct undo *u, const struct undo_target *t)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(u->tx->store);
        struct guid key = t->key;
        struct undo_target *added;

        int e = need_key(u, &key);
        const struct store_blanket *mask =
                e == 0 ? registry_blanket_in_layer(store_blankets(u->tx->store, &key), t->layer) : NULL;
        if (!mask || mask->sequence < t->was_sequence || has_target(u, STORE_BLANKET, &key, "", t->layer))
                return e;
        e = undo_add_target(u, &(struct undo_probe){ STORE_BLANKET, &key, "", t->layer }, &added);
        if (e == 0)
                added->was_sequence = mask->sequence;
        return e;
}

static void sort(struct undo *u)
{
        if (u->n > 0)
                qsort(u->list, u->n, sizeof(struct undo_target *), compare_targets);
}

static int bring_back(struct undo *u)
{
        size_t i = 0;
        int e = 0;

        sort(u);
        for (; e == 0 && i < u->n && u->list[i]->was_sequence != 0 && u->list[i]->kind == STORE_ENTRY; i++)
                e = put(u, u->list[i]);
        /* From here on each key is there, and what no layer names any more need not be. */
        for (size_t v = 0; e == 0 && v < i; v++)
                e = transaction_drop_unnamed(u->tx, &u->list[v]->gave_way);
        const size_t n = u->n;
        for (size_t v = i; e == 0 && v < n && u->list[v]->was_sequence != 0; v++)
                if (u->list[v]->kind == STORE_VALUE && !u->then)
                        e = note_mask(u, u->list[v]);
        sort(u);
        for (; e == 0 && i < u->n; i++)
                e = u->list[i]->was_sequence != 0 ? put(u, u->list[i]) : take(u, u->list[i]);
        return e;
}

int registry_undo(
        struct registry *r, const struct registry_undo *what, struct registry_undone *ret, struct diag *d)
{
        struct transaction *tx = registry_transaction(r);
        _cleanup_undo_ struct undo u = {
                .tx = tx, .what = what, .undone = ret, .begun = store_last_sequence(tx->store), .d = d
        };

        *ret = (struct registry_undone){ 0 };
        int e = undo_read_rows(&u);
        if (e == 0 && u.n == 0 && u.file)
                e = registry_fail(
                        d, REGISTRY_READ_ONLY, "a file did it: change or remove %s to take it back", u.file);
        if (e == 0)
                e = check(&u);
        if (e == 0)
                e = bring_back(&u);
        tx->has_failed |= e != 0;
        return registry_code(e);
}

int registry_restore(struct registry *r, const struct store *then, struct registry_differences *differences,
        struct registry_undone *ret, struct diag *d)
{
        const struct registry_undo what = { .force = true, .may_layers = true };
        struct transaction *tx = registry_transaction(r);
        _cleanup_undo_ struct undo u = { .tx = tx,
                .what = &what,
                .then = then,
                .differences = differences,
                .undone = ret,
                .begun = store_last_sequence(tx->store),
                .d = d };

        *ret = (struct registry_undone){ 0 };
        int e = undo_read_differences(&u);
        if (e == 0)
                e = check(&u);
        if (e == 0)
                e = bring_back(&u);
        if (e == 0)
                e = store_error(then, d);
        tx->has_failed |= e != 0;
        return registry_code(e);
}
