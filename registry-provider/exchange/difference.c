/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "difference.h"

#include <stdlib.h>

/* ---- Order ---- */

int difference_compare_paths(const struct path *a, const struct path *b)
{
        for (size_t i = 0; i < a->n && i < b->n; i++) {
                size_t a_len, b_len;
                const char *a_name = path_component(a, i, &a_len), *b_name = path_component(b, i, &b_len);
                int r = fold_compare(a_name, a_len, b_name, b_len);
                if (r != 0)
                        return r;
        }
        return (a->n > b->n) - (a->n < b->n);
}

static int compare_keys(const void *a, const void *b)
{
        return difference_compare_paths(
                &((const struct hive_key *)a)->path, &((const struct hive_key *)b)->path);
}

static int compare_values(const void *a, const void *b)
{
        return fold_order(((const struct hive_value *)a)->name, ((const struct hive_value *)b)->name);
}

/* What comes from the registry is in order already. */
static bool is_sorted(const void *list, size_t n, size_t size, int (*compare)(const void *a, const void *b))
{
        const char *at = list;

        for (size_t i = 1; i < n; i++)
                if (compare(at + (i - 1) * size, at + i * size) > 0)
                        return false;
        return true;
}

void difference_sort(struct hive_key *keys, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!is_sorted(keys[i].values, keys[i].n_values, sizeof(*keys[i].values), compare_values))
                        qsort(keys[i].values, keys[i].n_values, sizeof(*keys[i].values), compare_values);
        if (!is_sorted(keys, n, sizeof(*keys), compare_keys))
                qsort(keys, n, sizeof(*keys), compare_keys);
}

size_t difference_find(const struct hive_key *keys, size_t n, const struct path *path)
{
        size_t low = 0;

        while (low < n) {
                size_t middle = low + (n - low) / 2;
                if (difference_compare_paths(&keys[middle].path, path) < 0)
                        low = middle + 1;
                else
                        n = middle;
        }
        return low;
}

/* ---- What is there ---- */

static bool is_made(const struct hive_key *key)
{
        return key && key->made;
}

/* At the place where the key itself would be: is something below it there? Whatever is stands first. */
static bool is_implied(const struct difference_document *d, size_t at, const struct path *path)
{
        for (; at < d->n && path_is_below(&d->keys[at].path, path); at++)
                if (d->keys[at].made)
                        return true;
        return false;
}

static bool is_there(const struct difference_walk *w, const struct hive_value *v)
{
        return !v->deleted && !(w->effective && v->value.type == REG_TOMBSTONE) &&
               (!w->name || fold_order(w->name, v->name) == 0);
}

/* The next value of the key that is there, or NULL. */
static const struct hive_value *value_at(
        const struct difference_walk *w, const struct hive_key *key, size_t *at)
{
        while (key && *at < key->n_values && !is_there(w, &key->values[*at]))
                ++*at;
        return key && *at < key->n_values ? &key->values[*at] : NULL;
}

/* ---- Key by key ---- */

/* Both sides of the next key. */
static void take_key(struct difference_walk *w)
{
        const struct hive_key *a = w->i < w->before.n ? &w->before.keys[w->i] : NULL;
        const struct hive_key *b = w->j < w->after.n ? &w->after.keys[w->j] : NULL;
        int order = !a ? 1 : !b ? -1 : difference_compare_paths(&a->path, &b->path);

        w->a = order <= 0 ? a : NULL;
        w->b = order >= 0 ? b : NULL;
        w->i += order <= 0;
        w->j += order >= 0;
        w->va = w->vb = 0;
        w->in_key = true;
}

static bool is_masked(const struct hive_key *key)
{
        return key && key->blanket;
}

static bool is_hidden(const struct hive_key *key)
{
        return key && key->hidden;
}

static bool compare_key(struct difference_walk *w, struct difference *ret)
{
        const struct path *path = w->a ? &w->a->path : &w->b->path;
        bool before = is_made(w->a) || is_implied(&w->before, w->i, path);
        bool after = is_made(w->b) || is_implied(&w->after, w->j, path);

        *ret = (struct difference){ .before = w->a, .after = w->b };
        if (w->name)
                return false;
        if (before != after) {
                ret->kind = after ? DIFFERENCE_KEY_ADDED : DIFFERENCE_KEY_REMOVED;
                return true;
        }
        bool changed =
                !w->effective && (is_masked(w->a) != is_masked(w->b) || is_hidden(w->a) != is_hidden(w->b));
        changed |= is_made(w->a) && is_made(w->b) && w->a->is_link != w->b->is_link;
        ret->kind = changed ? DIFFERENCE_KEY_CHANGED : DIFFERENCE_KEY_SAME;
        return changed || (w->all && before);
}

static bool compare_value(struct difference_walk *w, struct difference *ret)
{
        for (;;) {
                const struct hive_value *a = value_at(w, w->a, &w->va), *b = value_at(w, w->b, &w->vb);
                if (!a && !b)
                        return false;
                int order = !a ? 1 : !b ? -1 : fold_order(a->name, b->name);
                w->va += order <= 0;
                w->vb += order >= 0;
                bool same = order == 0 && value_equal(&a->value, &b->value);
                if (same && !w->all)
                        continue;
                *ret = (struct difference){
                        .kind = order < 0   ? DIFFERENCE_VALUE_REMOVED
                                : order > 0 ? DIFFERENCE_VALUE_ADDED
                                : same      ? DIFFERENCE_VALUE_SAME
                                            : DIFFERENCE_VALUE_CHANGED,
                        .before = w->a,
                        .after = w->b,
                        .before_value = order <= 0 ? a : NULL,
                        .after_value = order >= 0 ? b : NULL,
                };
                return true;
        }
}

const struct hive_value *difference_value(const struct difference *d)
{
        return d->before_value ? d->before_value : d->after_value;
}

const struct hive_key *difference_key(const struct difference *d)
{
        return d->before ? d->before : d->after;
}

bool difference_next(struct difference_walk *w, struct difference *ret)
{
        for (;;) {
                if (w->in_key && compare_value(w, ret))
                        return true;
                w->in_key = false;
                if (w->i == w->before.n && w->j == w->after.n)
                        return false;
                take_key(w);
                if (compare_key(w, ret))
                        return true;
        }
}
