/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "registry.h"

/* Names of subkeys that are looked at together. */
#define PAGE_NAMES 256u

struct pair {
        struct guid then, now;
};

/* A key that is still to be compared, with itself or with nothing. */
struct visit {
        struct guid then, now; /* zero: it was, or is, not there */
        size_t depth;          /* as a path has it */
};

/* One entry of a layer. */
struct element {
        enum store_kind kind;
        uint64_t sequence;
        const char *name, *layer;
        const void *entry; /* a store_path_entry or store_value_entry */
};

struct compare {
        const struct store *now, *then;
        const struct path *key; /* NULL: all */
        struct layers files_now, files_then;
        struct registry_differences *to;
        struct hashmap taken; /* keys of now that are such of then, other ones */
        struct visit *visits;
        size_t n_visits;
        struct element *list; /* of a name, or of a key */
        size_t n;
        struct diag *d;
};

/* ---- Keys that are others now ---- */

static bool then_matches(const void *entry, const void *key)
{
        return guid_equal(&((const struct pair *)entry)->then, key);
}

static bool now_matches(const void *entry, const void *key)
{
        return guid_equal(&((const struct pair *)entry)->now, key);
}

struct guid registry_differences_now(const struct registry_differences *d, const struct guid *then)
{
        const struct pair *p = hashmap_get(&d->pairs, guid_hash(then), then_matches, then);

        return p ? p->now : *then;
}

int registry_differences_pair(
        struct registry_differences *d, const struct guid *then, const struct guid *now)
{
        struct pair *p = malloc(sizeof(*p));

        if (!p || hashmap_put(&d->pairs, guid_hash(then), p) < 0) {
                free(p);
                return -ENOMEM;
        }
        *p = (struct pair){ *then, *now };
        return 0;
}

void registry_differences_done(struct registry_differences *d)
{
        struct pair *p;

        for (size_t i = 0; i < d->n; i++)
                free(d->list[i]);
        for (uint32_t i = 0; (p = hashmap_next(&d->pairs, &i));)
                free(p);
        hashmap_done(&d->pairs);
        free(d->list);
        *d = (struct registry_differences){ 0 };
}

static int take_pair(struct compare *c, const struct guid *then, const struct guid *now)
{
        int e = registry_differences_pair(c->to, then, now);

        return e < 0 ? e
                     : hashmap_put(&c->taken, guid_hash(now),
                               hashmap_get(&c->to->pairs, guid_hash(then), then_matches, then));
}

/* Whether the key of now is one of then. */
static bool is_taken(const struct compare *c, const struct guid *now)
{
        return hashmap_get(&c->taken, guid_hash(now), now_matches, now) != NULL;
}

static bool names(const struct store_path_entry *chain, const struct guid *target)
{
        while (chain && !guid_equal(&chain->target, target))
                chain = chain->next;
        return chain != NULL;
}

/* What files say then or now is theirs. */
static bool is_of_file(const struct compare *c, const char *layer)
{
        const struct layer *now = layers_find(&c->files_now, layer),
                           *then = layers_find(&c->files_then, layer);

        return (now && now->file) || (then && then->file);
}

/* A key is spelled as when it was made, and a link or none, for good: one that is otherwise gives way to
 * another key, and the spelling only where no file needs it. */
static bool can_be(
        const struct compare *c, const struct store_path_entry *then, const struct store_path_entry *now)
{
        const struct store_key *one = store_key(c->then, &then->target),
                               *other = store_key(c->now, &now->target);

        return one && other && one->is_link == other->is_link &&
               (is_of_file(c, now->layer) || strcmp(one->name, other->name) == 0);
}

/* What a subkey of then is now: itself where it is there, else what its layer names in its place, else what
 * any does. */
static int find_pair(struct compare *c, const struct store_path_entry *e,
        const struct store_path_entry *chain_then, const struct store_path_entry *chain_now)
{
        const struct store_path_entry *found = NULL;

        if (names(chain_now, &e->target) ||
                hashmap_get(&c->to->pairs, guid_hash(&e->target), then_matches, &e->target))
                return 0;
        for (const struct store_path_entry *o = chain_now; o; o = o->next)
                if (!o->hidden && !names(chain_then, &o->target) && !is_taken(c, &o->target) &&
                        can_be(c, e, o) && (!found || fold_same(o->layer, e->layer)))
                        found = o;
        return found ? take_pair(c, &e->target, &found->target) : 0;
}

/* ---- What comes out ---- */

static int add(struct compare *c, const struct visit *v, const struct element *e, uint64_t was, uint64_t now)
{
        const struct store_value_entry *value = was != 0 && e->kind == STORE_VALUE ? e->entry : NULL;
        const size_t len = strlen(e->name) + 1, layer_len = strlen(e->layer) + 1;
        const size_t size = value ? value->size : 0;
        struct registry_differences *to = c->to;

        if (to->n == REGISTRY_DIFFERENCES_MAX || to->bytes > REGISTRY_DIFFERENCES_BYTES_MAX)
                return registry_fail(c->d, REGISTRY_TOO_LARGE,
                        "it differs from the registry in more than one change may have: %u entries, and %u bytes",
                        REGISTRY_DIFFERENCES_MAX, REGISTRY_DIFFERENCES_BYTES_MAX);
        struct registry_difference *d =
                array_grow(&to->list, to->n, sizeof(struct registry_difference *)) < 0
                        ? NULL
                        : calloc(1, sizeof(*d) + len + layer_len + size);
        if (!d)
                return -ENOMEM;
        d->kind = e->kind;
        d->key = guid_is_zero(&v->now) ? v->then : v->now;
        d->then_key = v->then;
        d->was_sequence = was;
        d->now_sequence = now;
        memcpy(d->name, e->name, len);
        d->layer = strcpy(d->name + len, e->layer);
        if (was != 0 && e->kind == STORE_ENTRY) {
                const struct store_path_entry *entry = e->entry;
                d->target = entry->hidden ? entry->target : registry_differences_now(to, &entry->target);
        }
        if (value) {
                d->type = value->type;
                d->data = size > 0 ? memcpy(d->name + len + layer_len, value->data, size) : "";
                d->size = size;
                to->bytes += size;
        }
        to->list[to->n++] = d;
        return 0;
}

static int visit_later(struct compare *c, const struct guid *then, const struct guid *now, size_t depth)
{
        if (array_grow(&c->visits, c->n_visits, sizeof(*c->visits)) < 0)
                return -ENOMEM;
        c->visits[c->n_visits++] = (struct visit){ *then, *now, depth };
        return 0;
}

/* ---- Entries ---- */

static int collect(struct compare *c, enum store_kind kind, const char *name, const char *layer,
        uint64_t sequence, const void *entry)
{
        if (is_of_file(c, layer))
                return 0;
        if (array_grow(&c->list, c->n, sizeof(*c->list)) < 0)
                return -ENOMEM;
        c->list[c->n++] = (struct element){ kind, sequence, name, layer, entry };
        return 0;
}

static int collect_entries(struct compare *c, const struct store_path_entry *chain)
{
        int e = 0;

        for (; e == 0 && chain; chain = chain->next)
                e = collect(c, STORE_ENTRY, chain->name, chain->layer, chain->sequence, chain);
        return e;
}

static int collect_values(struct compare *c, const struct store_value_entry *chain)
{
        int e = 0;

        for (; e == 0 && chain; chain = chain->next)
                e = collect(c, STORE_VALUE, chain->name, chain->layer, chain->sequence, chain);
        return e;
}

static int collect_blankets(struct compare *c, const struct store_blanket *list)
{
        int e = 0;

        for (; e == 0 && list; list = list->next)
                e = collect(c, STORE_BLANKET, "", list->layer, list->sequence, list);
        return e;
}

/* The same layer's in the other store. NULL: it has none there. */
static const void *find(
        const struct store *s, const struct guid *key, const struct element *e, uint64_t *ret_sequence)
{
        return guid_is_zero(key) ? NULL
                                 : registry_in_layer(s, e->kind, key, e->name, e->layer, ret_sequence);
}

static bool entries_equal(
        const struct compare *c, const struct store_path_entry *then, const struct store_path_entry *now)
{
        const struct guid target = registry_differences_now(c->to, &then->target);

        return then->hidden == now->hidden && (then->hidden || guid_equal(&target, &now->target)) &&
               strcmp(then->name, now->name) == 0;
}

static bool values_equal(const struct store_value_entry *then, const struct store_value_entry *now)
{
        return then->type == now->type && then->size == now->size &&
               (then->size == 0 || memcmp(then->data, now->data, then->size) == 0);
}

static bool elements_equal(const struct compare *c, const struct element *then, const void *now)
{
        return then->kind == STORE_BLANKET ||
               (then->kind == STORE_VALUE ? values_equal(then->entry, now)
                                          : entries_equal(c, then->entry, now));
}

static int compare_ages(const void *a, const void *b)
{
        const uint64_t one = ((const struct element *)a)->sequence,
                       other = ((const struct element *)b)->sequence;

        return (one > other) - (one < other);
}

/* What the list has of then. What is newer than the first difference is put after it: which of two layers is
 * newer may be what counts. */
static int compare_list(struct compare *c, const struct visit *v)
{
        uint64_t last = 0;
        bool differs = false;
        int e = 0;

        if (c->n > 1)
                qsort(c->list, c->n, sizeof(*c->list), compare_ages);
        for (size_t i = 0; e == 0 && i < c->n; i++) {
                const struct element *then = &c->list[i];
                uint64_t sequence = 0;
                const void *now = find(c->now, &v->now, then, &sequence);
                differs |= !now || sequence <= last || !elements_equal(c, then, now);
                last = sequence;
                if (differs)
                        e = add(c, v, then, then->sequence, sequence);
        }
        c->n = 0;
        return e;
}

/* What the list has of now: what was not then goes. */
static int compare_rest(struct compare *c, const struct visit *v)
{
        uint64_t sequence;
        int e = 0;

        for (size_t i = 0; e == 0 && i < c->n; i++)
                if (!find(c->then, &v->then, &c->list[i], &sequence))
                        e = add(c, v, &c->list[i], 0, c->list[i].sequence);
        c->n = 0;
        return e;
}

/* ---- Keys ---- */

/* Each subkey of a name once, with what it is now. */
static int visit_subkeys(struct compare *c, size_t depth, const struct store_path_entry *chain_then,
        const struct store_path_entry *chain_now)
{
        const struct guid none = { 0 };
        int e = 0;

        for (const struct store_path_entry *o = chain_then; e == 0 && o; o = o->next)
                if (!o->hidden)
                        e = find_pair(c, o, chain_then, chain_now);
        for (const struct store_path_entry *o = chain_then; e == 0 && o; o = o->next) {
                if (o->hidden || names(o->next, &o->target))
                        continue;
                const struct guid now = registry_differences_now(c->to, &o->target);
                e = visit_later(c, &o->target, store_key(c->now, &now) ? &now : &none, depth);
        }
        for (const struct store_path_entry *o = chain_now; e == 0 && o; o = o->next)
                if (!o->hidden && !names(o->next, &o->target) && !names(chain_then, &o->target) &&
                        !is_taken(c, &o->target))
                        e = visit_later(c, &none, &o->target, depth);
        return e;
}

static const struct store_path_entry *look_up(
        const struct store *s, const struct guid *key, const char *name, size_t len)
{
        return guid_is_zero(key) ? NULL : store_lookup(s, key, name, len);
}

static int compare_subkey(
        struct compare *c, const struct visit *v, bool is_then, const struct store_path_entry *listed)
{
        const struct store *other = is_then ? c->now : c->then;
        const struct guid *key = is_then ? &v->now : &v->then;
        const struct store_path_entry *chain = look_up(other, key, listed->name, strlen(listed->name));
        int e = 0;

        if (is_then || !chain)
                e = visit_subkeys(c, v->depth + 1, is_then ? listed : NULL, is_then ? chain : listed);
        if (e == 0)
                e = collect_entries(c, listed);
        if (e == 0)
                e = is_then ? compare_list(c, v) : compare_rest(c, v);
        return e;
}

static int compare_subkeys(struct compare *c, const struct visit *v, bool is_then)
{
        const struct store *s = is_then ? c->then : c->now;
        const struct guid *key = is_then ? &v->then : &v->now;
        char after[NAME_BYTES_MAX + 1] = "";
        size_t n = guid_is_zero(key) ? 0 : PAGE_NAMES;
        int e = 0;

        while (e == 0 && n == PAGE_NAMES) {
                _cleanup_store_scope_ struct store_scope one = store_scope_begin(c->now),
                                                         other = store_scope_begin(c->then);
                const struct store_path_entry *const *list =
                        store_children_after(s, key, after, strlen(after), PAGE_NAMES, &n);
                for (size_t i = 0; e == 0 && i < n; i++)
                        e = compare_subkey(c, v, is_then, list[i]);
                if (e == 0 && n == PAGE_NAMES && strlen(list[n - 1]->name) > NAME_BYTES_MAX)
                        e = diag_set(
                                c->d, EUCLEAN, "a subkey has a name of more than %u bytes", NAME_BYTES_MAX);
                else if (n == PAGE_NAMES)
                        (void)strcpy(after, list[n - 1]->name);
        }
        return e;
}

/* A mask is older or newer than each value of its key. */
static int compare_values(struct compare *c, const struct visit *v)
{
        const struct store_blanket *masks = store_blankets(c->then, &v->then);
        size_t n;

        int e = collect_blankets(c, masks);
        const bool has_masks = c->n > 0;
        const struct store_value_entry *const *values = store_values(c->then, &v->then, SIZE_MAX, &n);
        for (size_t i = 0; e == 0 && i < n; i++) {
                e = collect_values(c, values[i]);
                if (e == 0 && !has_masks)
                        e = compare_list(c, v);
        }
        return e == 0 ? compare_list(c, v) : e;
}

static int compare_more_values(struct compare *c, const struct visit *v)
{
        size_t n;

        int e = collect_blankets(c, store_blankets(c->now, &v->now));
        const struct store_value_entry *const *values = store_values(c->now, &v->now, 0, &n);
        for (size_t i = 0; e == 0 && i < n; i++)
                e = collect_values(c, values[i]);
        return e == 0 ? compare_rest(c, v) : e;
}

/* Above the key that it is about: of what leads there only what is not there any more is of interest. */
static int compare_way(struct compare *c, const struct visit *v)
{
        size_t len;
        const char *name = path_component(c->key, v->depth, &len);
        const struct store_path_entry *then = look_up(c->then, &v->then, name, len),
                                      *now = look_up(c->now, &v->now, name, len);
        const bool is_last = v->depth + 1 == c->key->n;

        int e = visit_subkeys(c, v->depth + 1, then, now);
        if (e == 0 && (is_last || !now)) {
                e = collect_entries(c, then);
                if (e == 0)
                        e = compare_list(c, v);
        }
        if (e == 0 && is_last) {
                e = collect_entries(c, now);
                if (e == 0)
                        e = compare_rest(c, v);
        }
        return e;
}

static int compare_whole(struct compare *c, const struct visit *v)
{
        int e = compare_subkeys(c, v, true);

        if (e == 0)
                e = compare_subkeys(c, v, false);
        if (e == 0 && !guid_is_zero(&v->then))
                e = compare_values(c, v);
        return e == 0 && !guid_is_zero(&v->now) ? compare_more_values(c, v) : e;
}

static int compare_key(struct compare *c, const struct visit *v)
{
        _cleanup_store_scope_ struct store_scope one = store_scope_begin(c->now),
                                                 other = store_scope_begin(c->then);
        int e = c->key && v->depth < c->key->n ? compare_way(c, v) : compare_whole(c, v);

        if (e == 0)
                e = store_error(c->now, c->d);
        return e == 0 ? store_error(c->then, c->d) : e;
}

static bool is_of_interest(const struct compare *c, const char *hive)
{
        size_t len;
        const char *name = c->key ? path_component(c->key, 0, &len) : NULL;

        return !name || fold_equal(name, len, hive, strlen(hive));
}

static int begin(struct compare *c)
{
        const struct guid none = { 0 };
        size_t n;
        int e = layers_of_files(c->now, &c->files_now);

        if (e == 0)
                e = layers_of_files(c->then, &c->files_then);
        const struct store_key *const *roots = store_roots(c->then, &n);
        for (size_t i = 0; e == 0 && i < n; i++) {
                const struct store_key *now = store_root(c->now, roots[i]->name, strlen(roots[i]->name));
                if (now && !guid_equal(&now->guid, &roots[i]->guid))
                        e = take_pair(c, &roots[i]->guid, &now->guid);
                if (e == 0 && is_of_interest(c, roots[i]->name))
                        e = visit_later(c, &roots[i]->guid, now ? &now->guid : &none, 1);
        }
        roots = store_roots(c->now, &n);
        for (size_t i = 0; e == 0 && i < n; i++)
                if (!store_root(c->then, roots[i]->name, strlen(roots[i]->name)) &&
                        is_of_interest(c, roots[i]->name))
                        e = visit_later(c, &none, &roots[i]->guid, 1);
        return e;
}

static void end(struct compare *c)
{
        layers_done(&c->files_now);
        layers_done(&c->files_then);
        hashmap_done(&c->taken);
        free(c->visits);
        free(c->list);
}

int registry_compare(const struct store *now, const struct store *then, const struct path *key,
        struct registry_differences *ret, struct diag *d)
{
        _cleanup_store_scope_ struct store_scope one = store_scope_begin(now),
                                                 other = store_scope_begin(then);
        struct compare c = { .now = now, .then = then, .key = key, .to = ret, .d = d };

        *ret = (struct registry_differences){ 0 };
        int e = begin(&c);
        ret->sequence = store_last_sequence(now);
        while (e == 0 && c.n_visits > 0) {
                const struct visit v = c.visits[--c.n_visits];
                e = compare_key(&c, &v);
        }
        end(&c);
        if (e != 0)
                registry_differences_done(ret);
        return registry_code(e);
}
