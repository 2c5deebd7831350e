/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of the history are taken back as one change: each entry that they changed is brought to what it was
 * before the first of them. What lower or higher layers have is left alone. A key that is gone comes back as
 * the key that it was, unless another layer names one in its place. */
#include "registry-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One layer's entry that is to be brought back. */
struct target {
        enum store_kind kind;
        struct guid key;       /* of a value or blanket; the parent of a path entry */
        unsigned depth;        /* of the key */
        int64_t first;         /* the oldest row, which knows what was before */
        uint64_t was_sequence; /* 0: nothing was */
        uint64_t put_sequence; /* what the newest row put; 0: it withdrew */
        bool is_done;          /* what was in a key that is gone is in its place now */
        const char *layer;     /* behind the name */
        char name[];
};

/* What a key was that is not there any more. */
struct gone {
        struct guid guid;
        int64_t row;      /* of its end, the oldest */
        bool is_replaced; /* `instead` is there in its place */
        struct guid instead;
        char name[];
};

struct undo {
        struct registry *r;
        const struct registry_undo *what;
        struct registry_undone *undone;
        struct diag *d;
        struct hashmap index, keys; /* targets; keys that are gone */
        struct target **list;
        size_t n;
        char *file;          /* a row that a file wrote */
        struct guid path_of; /* of the path */
        struct path path;
};

static void undo_done(struct undo *u)
{
        struct gone *g;

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
#define _cleanup_undo_ _cleanup_(undo_done)

/* ---- Targets ---- */

struct probe {
        enum store_kind kind;
        const struct guid *key;
        const char *name, *layer;
};

static uint32_t guid_hash(const struct guid *guid)
{
        return hashmap_hash(guid->bytes, sizeof(guid->bytes), hashmap_seed());
}

static uint32_t probe_hash(const struct probe *p)
{
        uint32_t seed = fold_hash(p->layer, strlen(p->layer), guid_hash(p->key) + (uint32_t)p->kind);

        return fold_hash(p->name, strlen(p->name), seed);
}

static bool target_matches(const void *entry, const void *key)
{
        const struct target *t = entry;
        const struct probe *p = key;

        return t->kind == p->kind && guid_equal(&t->key, p->key) && layers_name_equal(t->layer, p->layer) &&
               fold_equal(t->name, strlen(t->name), p->name, strlen(p->name));
}

static struct target *find_target(const struct undo *u, const struct probe *p)
{
        return hashmap_get(&u->index, probe_hash(p), target_matches, p);
}

static bool gone_matches(const void *entry, const void *key)
{
        return guid_equal(&((const struct gone *)entry)->guid, key);
}

static struct gone *find_gone(const struct undo *u, const struct guid *key)
{
        return hashmap_get(&u->keys, guid_hash(key), gone_matches, key);
}

static bool is_put(const struct history_row *row)
{
        return row->op == STORE_SET_VALUE || row->op == STORE_CREATE_ENTRY || row->op == STORE_HIDE_ENTRY ||
               (row->op == STORE_SET_BLANKET && row->has_type);
}

static int add_target(struct undo *u, const struct probe *p, const struct history_row *row)
{
        const size_t len = strlen(p->name) + 1;

        if ((u->n & (u->n - 1)) == 0) {
                struct target **list = reallocarray(u->list, u->n ? u->n * 2 : 1, sizeof(struct target *));
                if (!list)
                        return -ENOMEM;
                u->list = list;
        }
        struct target *t = calloc(1, sizeof(*t) + len + strlen(p->layer) + 1);
        if (!t || hashmap_put(&u->index, probe_hash(p), t) < 0) {
                free(t);
                return -ENOMEM;
        }
        t->kind = p->kind;
        t->key = *p->key;
        t->put_sequence = is_put(row) ? row->sequence : 0;
        memcpy(t->name, p->name, len);
        t->layer = strcpy(t->name + len, p->layer);
        u->list[u->n++] = t;
        return 0;
}

static int add_gone(struct undo *u, const struct history_row *row)
{
        struct gone *g = find_gone(u, &row->key);

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
        const struct probe p = { kind, &row->key, row->name ? row->name : "", row->layer ? row->layer : "" };
        struct target *t = find_target(u, &p);

        int e = t ? 0 : add_target(u, &p, row);
        if (e < 0)
                return e;
        t = t ? t : u->list[u->n - 1];
        t->first = row->id;
        t->was_sequence = row->was.is ? row->was.sequence : 0;
        return 0;
}

static int read_row(struct undo *u, const struct history_row *row)
{
        const struct layer *layer = row->layer ? layers_find(&u->r->layers, row->layer) : NULL;

        if (row->op == STORE_NOTE || row->op == STORE_CREATE_KEY)
                return 0;
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
        case STORE_DROP_KEY:
                return row->name ? add_gone(u, row) : 0;
        default:
                u->undone->left_out++;
                return 0;
        }
}

static int read_rows(struct undo *u)
{
        int64_t id = u->what->until + 1;

        for (int e = 0; e == 0;) {
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(u->r->store);
                const struct history_row *row = history_before(u->r->store, id);
                if (!row || row->id <= u->what->after)
                        return store_error(u->r->store, NULL);
                e = read_row(u, row);
                if (e < 0)
                        return e;
                id = row->id;
        }
        return 0;
}

/* ---- Where they are ---- */

/* Name and parent of a key, be it gone. False: neither is known. */
static bool key_of(
        const struct undo *u, const struct guid *guid, const char **ret_name, struct guid *ret_parent)
{
        const struct store_key *key = store_key(u->r->store, guid);
        const struct gone *g = key ? NULL : find_gone(u, guid);
        const struct history_row *row = g ? history_before(u->r->store, g->row + 1) : NULL;

        if (!key && !row)
                return false;
        *ret_name = key ? key->name : g->name;
        *ret_parent = key ? key->parent : row->target;
        return true;
}

static int find_path(struct undo *u, const struct guid *key)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(u->r->store);
        const char *names[PATH_DEPTH_MAX];
        struct guid at = *key;
        size_t n = 0;
        _cleanup_buf_ struct buf text = BUF_INIT;

        if (u->path.text && guid_equal(&u->path_of, key))
                return 0;
        while (!guid_is_zero(&at) && n < ARRAY_SIZE(names)) {
                if (!key_of(u, &at, &names[n++], &at))
                        return registry_fail(u->d, REGISTRY_CONFLICT,
                                "a key that it was done to is gone since: take that back first");
        }
        while (n > 0)
                buf_printf(&text, "%s%s", text.len > 0 ? "\\" : "", names[--n]);
        path_done(&u->path);
        u->path = (struct path){ 0 };
        u->path_of = *key;
        return text.error ? text.error : registry_path(u->r, buf_str(&text), &u->path, u->d);
}

static uint64_t sequence_now(const struct undo *u, const struct target *t)
{
        const struct store *s = u->r->store;
        const struct store_path_entry *entry;
        const struct store_value_entry *value;

        switch (t->kind) {
        case STORE_ENTRY:
                entry = registry_entry_in_layer(
                        store_lookup(s, &t->key, t->name, strlen(t->name)), t->layer);
                return entry ? entry->sequence : 0;
        case STORE_VALUE:
                value = registry_value_in_layer(store_value(s, &t->key, t->name, strlen(t->name)), t->layer);
                return value ? value->sequence : 0;
        case STORE_BLANKET:
                for (const struct store_blanket *b = store_blankets(s, &t->key); b; b = b->next)
                        if (layers_name_equal(b->layer, t->layer))
                                return b->sequence;
                return 0;
        }
        return 0;
}

static int written_since(struct undo *u, const struct target *t, uint64_t now)
{
        const char *what = t->kind == STORE_VALUE ? "value" : t->kind == STORE_ENTRY ? "subkey" : "mask";
        const char *name = t->kind == STORE_VALUE ? path_word_of_value_name(t->name) : t->name;

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
                _cleanup_store_scope_ struct store_scope scope = store_scope_begin(u->r->store);
                struct target *t = u->list[i];
                int e = find_path(u, &t->key);
                if (e != 0)
                        return e;
                t->depth = (unsigned)u->path.n;
                const uint64_t now = sequence_now(u, t);
                if (now != t->put_sequence && !u->what->force)
                        return written_since(u, t, now);
                if (u->what->may_layers)
                        continue;
                if (layers_is_metadata(&u->path, false))
                        return registry_fail(u->d, REGISTRY_READ_ONLY,
                                "%s: it changed what layers are made of, which only root may take back",
                                u->path.text);
                /* What it has would be in force as soon as root made such a layer again. */
                if (t->was_sequence != 0 && !layers_find(&u->r->layers, t->layer))
                        return registry_fail(u->d, REGISTRY_CONFLICT,
                                "%s: it changed what layer %s has, which is not there any more: only root "
                                "may take it back",
                                u->path.text, t->layer);
        }
        return store_error(u->r->store, NULL);
}

/* ---- Bringing back ---- */

/* A layer whose entry stays as it is, and names a key in that place. */
static const struct store_path_entry *other_name(
        const struct undo *u, const struct guid *parent, const char *name)
{
        for (const struct store_path_entry *e = store_lookup(u->r->store, parent, name, strlen(name)); e;
                e = e->next)
                if (!e->hidden && !find_target(u, &(struct probe){ STORE_ENTRY, parent, name, e->layer }))
                        return e;
        return NULL;
}

/* *key becomes one that is there: itself, made again if need be, or the one in its place. */
static int need_key(struct undo *u, struct guid *key)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(u->r->store);
        struct gone *g = store_key(u->r->store, key) ? NULL : find_gone(u, key);

        if (!g)
                return store_key(u->r->store, key) ? 0 : -ENOENT;
        if (!g->is_replaced) {
                const struct history_row *row = history_before(u->r->store, g->row + 1);
                struct guid parent = row ? row->target : (struct guid){ 0 };
                int e = row ? need_key(u, &parent) : -ENOENT;
                if (e != 0)
                        return e;
                const struct store_path_entry *other = other_name(u, &parent, g->name);
                g->is_replaced = true;
                g->instead = other ? other->target : g->guid;
                if (!other)
                        e = registry_op(u->r, &(struct store_op){ .code = STORE_CREATE_KEY,
                                                      .guid = g->guid,
                                                      .target = parent,
                                                      .name = g->name,
                                                      .is_link = row->was.type != 0,
                                                      .data = row->was.data,
                                                      .size = row->was.size,
                                                      .time = row->was.time });
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
        return find_target(u, &(struct probe){ kind, key, name, layer }) != NULL;
}

/* Whether a key or what is below it has an entry that is not taken back. As deep as a path is at most. */
static bool has_more(const struct undo *u, const struct guid *key)
{
        const struct store *s = u->r->store;
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(u->r->store);
        size_t n;

        for (const struct store_blanket *b = store_blankets(s, key); b; b = b->next)
                if (!has_target(u, STORE_BLANKET, key, "", b->layer))
                        return true;
        const struct store_value_entry *const *values = store_values(s, key, false, &n);
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
        struct undo *u, const struct target *t, const struct guid *target, const struct guid *before)
{
        struct gone *g = find_gone(u, target);

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
        struct undo *u, const struct target *t, const struct guid *parent, const struct history_row *row)
{
        struct registry *r = u->r;
        struct guid target = row->was.target, before = { 0 };
        const bool hides = guid_is_zero(&target);
        const struct store_path_entry *chain = store_lookup(r->store, parent, t->name, strlen(t->name));
        const struct store_path_entry *mine = registry_entry_in_layer(chain, t->layer);

        if (mine && !mine->hidden) {
                before = mine->target;
                if (!guid_equal(&before, &target) && is_only_name(chain, mine) && has_more(u, &before))
                        return keep_key(u, t, &target, &before);
        }
        int e = hides ? 0 : need_key(u, &target);
        if (e != 0)
                return e;
        if (mine && mine->hidden == hides && guid_equal(&before, &target) &&
                strcmp(mine->name, row->was.name) == 0)
                return 0;
        e = effects_note_child(&r->effects, parent, t->name);
        if (e == 0)
                e = registry_op(r, &(struct store_op){ .code = hides ? STORE_HIDE_ENTRY : STORE_CREATE_ENTRY,
                                           .guid = *parent,
                                           .name = row->was.name,
                                           .layer = t->layer,
                                           .target = target,
                                           .sequence = store_take_sequence(r->store) });
        if (e == 0 && !guid_is_zero(&before) && !guid_equal(&before, &target))
                e = registry_drop_unnamed(r, &before);
        return e;
}

static int put(struct undo *u, const struct target *t)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(u->r->store);
        const struct history_row *row = history_before(u->r->store, t->first + 1);
        struct guid key = t->key;
        uint64_t sequence;

        int e = row ? need_key(u, &key) : store_error(u->r->store, NULL);
        if (e == 0)
                e = find_path(u, &key);
        if (e != 0)
                return e;
        struct target *there = find_target(u, &(struct probe){ t->kind, &key, t->name, t->layer });
        if (there)
                there->is_done = true;
        u->r->layers_touched |= layers_is_metadata(&u->path, false);
        const struct value v = { .type = row->was.type, .data = row->was.data, .size = row->was.size };
        switch (t->kind) {
        case STORE_ENTRY:
                return put_entry(u, t, &key, row);
        case STORE_VALUE:
                return registry_put(u->r, &key, &u->path, row->was.name, t->layer, &v, &sequence, u->d);
        case STORE_BLANKET:
                return sequence_now(u, t) != 0 ? 0 : registry_set_blanket(u->r, &key, t->layer, true);
        }
        return -EINVAL;
}

/* ---- Taking away ---- */

/* Whether a layer has something in the key; NULL: any layer. */
static bool has_something(const struct registry *r, const struct guid *key, const char *layer)
{
        size_t n;

        for (const struct store_blanket *b = store_blankets(r->store, key); b; b = b->next)
                if (!layer || layers_name_equal(b->layer, layer))
                        return true;
        const struct store_value_entry *const *values = store_values(r->store, key, false, &n);
        for (size_t i = 0; i < n; i++)
                if (!layer || registry_value_in_layer(values[i], layer))
                        return true;
        const struct store_path_entry *const *children = store_children(r->store, key, &n);
        for (size_t i = 0; i < n; i++)
                if (!layer || registry_entry_in_layer(children[i], layer))
                        return true;
        return false;
}

/* What somebody has put into the key since stays with it. */
static int take_entry(struct undo *u, const struct target *t)
{
        struct registry *r = u->r;
        const struct store_path_entry *chain = store_lookup(r->store, &t->key, t->name, strlen(t->name));
        const struct store_path_entry *mine = registry_entry_in_layer(chain, t->layer);
        const struct guid key = mine->target;

        if (!mine->hidden && has_something(r, &key, is_only_name(chain, mine) ? NULL : t->layer)) {
                if (!u->what->force)
                        return registry_fail(u->d, REGISTRY_CONFLICT,
                                "%s: the subkey '%s' has been written to since", u->path.text, t->name);
                u->undone->left_out++;
                return 0;
        }
        int e = registry_withdraw_entry(r, &t->key, t->name, t->layer);
        return e == 0 && !mine->hidden ? registry_drop_unnamed(r, &key) : e;
}

static int take(struct undo *u, const struct target *t)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(u->r->store);

        if (t->is_done || sequence_now(u, t) == 0)
                return store_error(u->r->store, NULL);
        int e = find_path(u, &t->key);
        if (e != 0)
                return e;
        u->r->layers_touched |= layers_is_metadata(&u->path, false);
        switch (t->kind) {
        case STORE_ENTRY:
                return take_entry(u, t);
        case STORE_VALUE:
                return registry_withdraw_value(u->r, &t->key, t->name, t->layer);
        case STORE_BLANKET:
                return registry_set_blanket(u->r, &t->key, t->layer, false);
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
        const struct target *a = *(struct target *const *)one, *b = *(struct target *const *)other;
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

static int bring_back(struct undo *u)
{
        int e = 0;

        if (u->n > 0)
                qsort(u->list, u->n, sizeof(struct target *), compare_targets);
        for (size_t i = 0; e == 0 && i < u->n; i++)
                e = u->list[i]->was_sequence != 0 ? put(u, u->list[i]) : take(u, u->list[i]);
        return e;
}

int registry_undo(
        struct registry *r, const struct registry_undo *what, struct registry_undone *ret, struct diag *d)
{
        _cleanup_undo_ struct undo u = { .r = r, .what = what, .undone = ret, .d = d };

        *ret = (struct registry_undone){ 0 };
        int e = read_rows(&u);
        if (e == 0 && u.n == 0 && u.file)
                e = registry_fail(
                        d, REGISTRY_READ_ONLY, "a file did it: change or remove %s to take it back", u.file);
        if (e == 0)
                e = check(&u);
        if (e == 0)
                e = bring_back(&u);
        r->has_failed |= e != 0;
        return registry_code(e);
}
