/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "resolve.h"

#include <errno.h>
#include <string.h>

#include "../../schema/values/value.h"

void resolve_compete(struct resolve_contest *c, const char *layer, uint64_t sequence, const void *entry)
{
        const struct layer *l = layers_find(c->layers, layer);
        if (!l || !l->enabled)
                return;
        if (c->any && (l->precedence < c->precedence ||
                              (l->precedence == c->precedence && sequence < c->sequence)))
                return;
        c->tie = c->any && l->precedence == c->precedence && sequence == c->sequence;
        c->any = true;
        c->winner = entry;
        c->precedence = l->precedence;
        c->sequence = sequence;
}

int resolve_value_chain(const struct layers *l, const struct store_value_entry *chain,
        const struct store_blanket *blankets, const struct store_value_entry **ret)
{
        struct resolve_contest c = { .layers = l };

        for (; chain; chain = chain->next)
                resolve_compete(&c, chain->layer, chain->sequence, chain);
        for (; blankets; blankets = blankets->next)
                resolve_compete(&c, blankets->layer, blankets->sequence, NULL);
        if (c.tie)
                return -EBADMSG;
        const struct store_value_entry *winner = c.winner;
        *ret = winner;
        return winner && winner->type != REG_TOMBSTONE ? 0 : -ENOENT;
}

int resolve_value(const struct store *s, const struct layers *l, const struct guid *key, const char *name,
        size_t len, const struct store_value_entry **ret)
{
        const struct store_value_entry *chain = store_value(s, key, name, len);
        const struct store_blanket *blankets = chain ? store_blankets(s, key) : NULL;
        int r = store_error(s, NULL);

        return r < 0 ? r : resolve_value_chain(l, chain, blankets, ret);
}

/* The entry that wins, which may hide the key; NULL where there is none. 0 or -EBADMSG. */
static int win_child(
        const struct layers *l, const struct store_path_entry *chain, const struct store_path_entry **ret)
{
        struct resolve_contest c = { .layers = l };

        for (; chain; chain = chain->next)
                if (!chain->dangling)
                        resolve_compete(&c, chain->layer, chain->sequence, chain);
        *ret = c.winner;
        return c.tie ? -EBADMSG : 0;
}

int resolve_child_chain(
        const struct layers *l, const struct store_path_entry *chain, const struct store_path_entry **ret)
{
        const struct store_path_entry *winner;

        int r = win_child(l, chain, &winner);
        if (r < 0)
                return r;
        if (!winner || winner->hidden)
                return -ENOENT;
        *ret = winner;
        return 0;
}

int resolve_child(const struct store *s, const struct layers *l, const struct guid *parent, const char *name,
        size_t len, const struct store_path_entry **ret)
{
        const struct store_path_entry *chain = store_lookup(s, parent, name, len);
        int r = store_error(s, NULL);

        return r < 0 ? r : resolve_child_chain(l, chain, ret);
}

int resolve_path(const struct store *s, const struct layers *l, const struct guid *root,
        const struct path *path, struct guid *ret, size_t *ret_depth)
{
        struct guid key = *root;
        size_t depth = 0;
        int r = store_key(s, root) ? 0 : -ENOENT;

        if (store_error(s, NULL) < 0)
                r = store_error(s, NULL);
        if (r == 0)
                for (depth = 1; depth < path->n; depth++) {
                        const struct store_path_entry *child;
                        size_t len;
                        const char *name = path_component(path, depth, &len);
                        r = resolve_child(s, l, &key, name, len, &child);
                        if (r < 0)
                                break;
                        key = child->target;
                }
        if (ret_depth)
                *ret_depth = depth;
        if (r == 0)
                *ret = key;
        return r;
}

int resolve_link(const struct store *s, const struct layers *l, const struct guid *root,
        const struct path *path, size_t n, struct guid *ret, size_t *ret_depth)
{
        const struct store_path_entry *child;
        struct guid key = *root;

        for (size_t depth = 1; depth < n; depth++) {
                size_t len;
                const char *name = path_component(path, depth, &len);
                int r = resolve_child(s, l, &key, name, len, &child);
                if (r < 0)
                        return r == -ENOENT ? 0 : r;
                key = child->target;
                if (!child->is_link)
                        continue;
                *ret = key;
                *ret_depth = depth;
                return 1;
        }
        return 0;
}

const struct store_path_entry *resolve_hiding(const struct store *s, const struct layers *l,
        const struct guid *root, const struct path *path, size_t *ret_depth)
{
        const struct store_path_entry *winner;
        struct guid key = *root;

        for (size_t depth = 1; depth < path->n; depth++) {
                size_t len;
                const char *name = path_component(path, depth, &len);
                if (win_child(l, store_lookup(s, &key, name, len), &winner) < 0 || !winner)
                        return NULL;
                if (winner->hidden) {
                        *ret_depth = depth;
                        return winner;
                }
                key = winner->target;
        }
        return NULL;
}

/* ---- Why ---- */

static bool is_candidate(const struct why_entry *w)
{
        return w->state != WHY_LAYER_DISABLED && w->state != WHY_LAYER_UNKNOWN;
}

static int compare_why(const void *a, const void *b)
{
        const struct why_entry *x = a, *y = b;

        if (is_candidate(x) != is_candidate(y))
                return is_candidate(x) ? -1 : 1;
        if (is_candidate(x) && x->precedence != y->precedence)
                return x->precedence > y->precedence ? -1 : 1;
        if (x->sequence != y->sequence)
                return x->sequence > y->sequence ? -1 : 1;
        return strcmp(x->layer, y->layer);
}

static struct why_entry make_why(const struct layers *l, const char *layer, uint64_t sequence)
{
        const struct layer *known = layers_find(l, layer);
        struct why_entry w = { .layer = layer, .sequence = sequence, .state = WHY_LAYER_UNKNOWN };

        if (known) {
                w.file = known->file;
                w.seal = known->seal;
                w.precedence = known->precedence;
                w.state = known->enabled ? WHY_SHADOWED : WHY_LAYER_DISABLED;
        }
        return w;
}

int resolve_why(const struct store *s, const struct layers *l, const struct guid *key, const char *name,
        size_t len, struct why_entry **ret, size_t *ret_n)
{
        const struct store_value_entry *chain = store_value(s, key, name, len);
        const struct store_blanket *blankets = store_blankets(s, key);
        size_t n = 0;
        int r = store_error(s, NULL);

        if (r < 0)
                return r;
        for (const struct store_value_entry *e = chain; e; e = e->next)
                n++;
        for (const struct store_blanket *b = blankets; b; b = b->next)
                n++;
        struct why_entry *list = calloc(n > 0 ? n : 1, sizeof(*list)), *at = list;
        if (!list)
                return -ENOMEM;
        for (const struct store_value_entry *e = chain; e; e = e->next) {
                *at = make_why(l, e->layer, e->sequence);
                at++->entry = e;
        }
        for (const struct store_blanket *b = blankets; b; b = b->next) {
                *at = make_why(l, b->layer, b->sequence);
                at++->blanket = true;
        }
        qsort(list, n, sizeof(*list), compare_why);
        if (n > 1 && is_candidate(&list[1]) && list[0].precedence == list[1].precedence &&
                list[0].sequence == list[1].sequence) {
                free(list);
                return -EBADMSG;
        }
        if (n > 0 && is_candidate(&list[0]))
                list[0].state = WHY_WINS;
        *ret = list;
        *ret_n = n;
        return 0;
}

/* ---- The effective children and values of a key ---- */

int resolve_children(const struct store *s, const struct layers *l, const struct guid *parent,
        const struct store_path_entry ***ret, size_t *ret_n)
{
        size_t names, n = 0;
        const struct store_path_entry *const *chains = store_children(s, parent, &names);
        int r = store_error(s, NULL);
        _cleanup_free_ const struct store_path_entry **list = calloc(names > 0 ? names : 1, sizeof(*list));

        if (r < 0 || !list)
                return r < 0 ? r : -ENOMEM;
        for (size_t i = 0; i < names; i++) {
                r = resolve_child_chain(l, chains[i], &list[n]);
                if (r < 0 && r != -ENOENT)
                        return r;
                n += r == 0;
        }
        *ret = STEAL_PTR(list);
        *ret_n = n;
        return 0;
}

int resolve_values(const struct store *s, const struct layers *l, const struct guid *key, size_t data_max,
        const struct store_value_entry ***ret, size_t *ret_n)
{
        size_t names, n = 0;
        const struct store_value_entry *const *chains = store_values(s, key, data_max, &names);
        const struct store_blanket *blankets = store_blankets(s, key);
        int r = store_error(s, NULL);
        _cleanup_free_ const struct store_value_entry **list = calloc(names > 0 ? names : 1, sizeof(*list));

        if (r < 0 || !list)
                return r < 0 ? r : -ENOMEM;
        for (size_t i = 0; i < names; i++) {
                r = resolve_value_chain(l, chains[i], blankets, &list[n]);
                if (r < 0 && r != -ENOENT)
                        return r;
                n += r == 0;
        }
        *ret = STEAL_PTR(list);
        *ret_n = n;
        return 0;
}

bool resolve_lacks_data(const struct store_value_entry *const *values, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!values[i]->data)
                        return true;
        return false;
}
