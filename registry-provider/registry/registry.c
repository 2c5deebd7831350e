/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transaction.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/base/clock.h"

struct registry {
        struct transaction tx;
        const struct schema *schema;
        size_t value_max;
        struct layers layers; /* what the resolver uses: base, drop-ins, Machine\System\Registry\Layers */
        uint64_t layers_version;
        struct hives hives; /* only ever added */

        /* At the last sync, for undoing without allocation; empty while nothing has changed since. */
        struct layers layers_synced;
        size_t hives_synced, hives_begun;
};

struct transaction *registry_transaction(struct registry *r)
{
        return &r->tx;
}

/* ---- Opening ---- */

const struct hive_root *hives_find(const struct hives *h, const char *name, size_t len)
{
        for (size_t i = 0; i < h->n; i++)
                if (fold_equal(h->list[i].name, strlen(h->list[i].name), name, len))
                        return &h->list[i];
        return NULL;
}

void hives_trim(struct hives *h, size_t n)
{
        while (h->n > n)
                free(h->list[--h->n].name);
}

/* The end of a transaction that nobody hears of; `error` is how it went. */
static int end_unheard(struct registry *r, int error)
{
        struct registry_events events;

        if (error < 0) {
                registry_abort(r);
                return error;
        }
        int e = registry_end(r, &events);
        if (e == 0)
                registry_events_done(&events);
        return e;
}

static int make_default_hive(struct registry *r)
{
        if (hives_find(&r->hives, DEFAULT_HIVE, strlen(DEFAULT_HIVE)))
                return 0;
        int e = registry_begin(r, NULL);
        if (e < 0)
                return e;
        return end_unheard(r, transaction_add_hive(&r->tx, DEFAULT_HIVE, strlen(DEFAULT_HIVE)));
}

static int load_hives(struct registry *r)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->tx.store);
        size_t n;
        const struct store_key *const *roots = store_roots(r->tx.store, &n);

        for (size_t i = 0; i < n; i++) {
                if (array_grow(&r->hives.list, i, sizeof(*r->hives.list)) < 0)
                        return -ENOMEM;
                r->hives.list[i] =
                        (struct hive_root){ .name = strdup(roots[i]->name), .root = roots[i]->guid };
                if (!r->hives.list[i].name)
                        return -ENOMEM;
                r->hives.n++;
        }
        return store_error(r->tx.store, NULL);
}

/* All but its layers; *ret is to be closed in any case. */
static int load(const struct registry_config *config, struct registry **ret)
{
        struct registry *r = *ret = calloc(1, sizeof(*r));

        if (!r) {
                (void)store_close(config->store);
                return -ENOMEM;
        }
        r->schema = config->schema;
        r->value_max = config->value_max;
        r->tx = (struct transaction){ .registry = r,
                .store = config->store,
                .layers = &r->layers,
                .hives = &r->hives,
                .effects = { .store = config->store, .layers = &r->layers, .schema = r->schema } };
        return load_hives(r);
}

int registry_open_past(struct store *store, struct registry **ret)
{
        _cleanup_registry_ struct registry *r = NULL;

        int e = load(&(struct registry_config){ .store = store }, &r);
        if (e == 0)
                e = layers_load_past(store, &r->layers);
        if (e == 0)
                *ret = STEAL_PTR(r);
        return e;
}

int registry_open_frozen(const struct registry *of, struct store *store, struct registry **ret)
{
        _cleanup_registry_ struct registry *r = NULL;

        int e = load(&(struct registry_config){ .store = store }, &r);
        if (e == 0)
                e = layers_load(store, &of->layers, &r->layers);
        if (e == 0)
                *ret = STEAL_PTR(r);
        return e;
}

int registry_open(const struct registry_config *config, struct registry **ret, struct diag *d)
{
        _cleanup_registry_ struct registry *r = NULL;

        int e = load(config, &r);
        if (e == 0)
                e = layers_load(config->store, NULL, &r->layers);
        if (e == 0)
                e = make_default_hive(r);
        if (e == 0)
                e = registry_sync(r, d);
        if (e != 0 && d && d->text[0] == '\0')
                (void)diag_set(d, 0, "the registry cannot be opened: %s", registry_error_text(r, e));
        if (e != 0)
                return e < 0 ? e : -EUCLEAN;
        *ret = STEAL_PTR(r);
        return 0;
}

struct registry *registry_close(struct registry *r)
{
        if (!r)
                return NULL;
        registry_abort(r);
        r->tx.store = store_close(r->tx.store);
        layers_done(&r->layers);
        layers_done(&r->layers_synced);
        buf_done(&r->tx.way.path);
        hives_trim(&r->hives, 0);
        free(r->hives.list);
        free(r);
        return NULL;
}

struct store_scope registry_scope(const struct registry *r)
{
        return store_scope_begin(r->tx.store);
}

const struct store *registry_store(const struct registry *r)
{
        return r->tx.store;
}

const struct layers *registry_layers(const struct registry *r)
{
        return &r->layers;
}

uint64_t registry_layers_version(const struct registry *r)
{
        return r->layers_version;
}

const struct hives *registry_hives(const struct registry *r)
{
        return &r->hives;
}

void registry_set_schema(struct registry *r, const struct schema *schema)
{
        r->schema = r->tx.effects.schema = schema;
}

const struct schema *registry_schema(const struct registry *r)
{
        return r->schema;
}

size_t registry_value_max(const struct registry *r)
{
        return r->value_max;
}

uint64_t registry_sequence(const struct registry *r)
{
        return store_last_sequence(r->tx.store);
}

static bool is_hive(const char *name, size_t len, void *userdata)
{
        const struct registry *r = userdata;
        return hives_find(&r->hives, name, len) != NULL;
}

int registry_path(const struct registry *r, const char *input, struct path *ret, struct diag *d)
{
        int e = path_parse(input, strlen(input), is_hive, (void *)r, ret, d);
        return e < 0 && e != -ENOMEM ? REGISTRY_INVALID_NAME : e;
}

const struct store_path_entry *registry_hiding(
        const struct registry *r, const struct path *path, size_t *ret_depth)
{
        size_t len;
        const char *name = path_component(path, 0, &len);
        const struct hive_root *hive = hives_find(&r->hives, name, len);

        return hive ? resolve_hiding(r->tx.store, &r->layers, &hive->root, path, ret_depth) : NULL;
}

static int no_such_key(const struct registry *r, const struct path *path, size_t depth, struct diag *d)
{
        size_t len;
        const struct store_path_entry *hiding = registry_hiding(r, path, &depth);
        const char *name = path_component(path, depth, &len);
        const int up = (int)path->ends[depth - 1];

        if (hiding)
                return registry_fail(d, REGISTRY_NOT_FOUND, "%s: no such key: layer %s hides '%.*s' in %.*s",
                        path->text, hiding->layer, (int)len, name, up, path->text);
        return registry_fail(d, REGISTRY_NOT_FOUND, "%s: no such key: there is no '%.*s' in %.*s",
                path->text, (int)len, name, up, path->text);
}

int registry_find_key(const struct registry *r, const struct path *path, struct guid *ret, struct diag *d)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->tx.store);
        size_t len, depth = 0;
        const char *name = path_component(path, 0, &len);
        const struct hive_root *hive = hives_find(&r->hives, name, len);
        if (!hive)
                return registry_fail(d, REGISTRY_NOT_FOUND, "%s: there is no hive called %.*s", path->text,
                        (int)len, name);

        int e = resolve_path(r->tx.store, &r->layers, &hive->root, path, ret, &depth);
        if (e == -ENOENT && depth > 0)
                return no_such_key(r, path, depth, d);
        if (e < 0)
                (void)diag_set(d, 0, "%s: %s", path->text, registry_error_text(r, e));
        return registry_code(e);
}

static int get_default(
        const struct registry *r, const struct path *path, const char *name, struct registry_value *ret)
{
        const struct schema_value *sv = schema_find(r->schema, path, name);
        if (!sv)
                return -ENOENT;
        int e = schema_default_value(sv, ret->scratch, &ret->value);
        if (e < 0)
                return e;
        ret->name = sv->name;
        ret->sequence = 0;
        ret->layer = LAYER_DEFAULT;
        return 0;
}

int registry_get(struct registry *r, const struct path *path, const char *name, struct registry_value *ret,
        struct diag *d)
{
        const struct store_value_entry *entry;
        struct diag no_key = { 0 };
        struct guid key;

        int e = registry_find_key(r, path, &key, &no_key);
        if (e == 0)
                e = resolve_value(r->tx.store, &r->layers, &key, name, strlen(name), &entry);
        if (e == 0) {
                *ret = (struct registry_value){
                        .name = entry->name,
                        .value = { .type = entry->type, .data = entry->data, .size = entry->size },
                        .sequence = entry->sequence,
                        .layer = entry->layer,
                };
                return 0;
        }
        e = registry_code(e);
        if (e == REGISTRY_NOT_FOUND && get_default(r, path, name, ret) == 0)
                return 0;
        name = path_word_of_value_name(name);
        if (no_key.text[0])
                (void)diag_set(d, 0, "%s", no_key.text);
        else if (e == REGISTRY_NOT_FOUND)
                (void)diag_set(d, 0, "%s: no such value: '%s'", path->text, name);
        else
                (void)diag_set(d, 0, "%s: value '%s': %s", path->text, name, registry_error_text(r, e));
        return e;
}

int registry_check_size(
        const struct registry *r, const struct path *path, const char *name, size_t size, struct diag *d)
{
        if (size <= r->value_max)
                return 0;
        return registry_fail(d, REGISTRY_TOO_LARGE, "%s: value '%s' has %zu bytes, at most %zu are kept",
                path->text, path_word_of_value_name(name), size, r->value_max);
}

bool registry_pending(const struct registry *r)
{
        return store_is_pending(r->tx.store);
}

int registry_prune(
        struct registry *r, const struct store_prune_limits *limits, bool *ret_more, struct diag *d)
{
        int e = store_prune(r->tx.store, limits, ret_more);

        if (e == 0)
                e = registry_sync(r, d);
        return registry_explain(r, e, d);
}

/* ---- The entries of a chain ---- */

const struct store_path_entry *registry_entry_in_layer(
        const struct store_path_entry *chain, const char *layer)
{
        while (chain && !fold_same(chain->layer, layer))
                chain = chain->next;
        return chain;
}

const struct store_value_entry *registry_value_in_layer(
        const struct store_value_entry *chain, const char *layer)
{
        while (chain && !fold_same(chain->layer, layer))
                chain = chain->next;
        return chain;
}

const struct store_blanket *registry_blanket_in_layer(const struct store_blanket *list, const char *layer)
{
        while (list && !fold_same(list->layer, layer))
                list = list->next;
        return list;
}

const void *registry_in_layer(const struct store *s, enum store_kind kind, const struct guid *key,
        const char *name, const char *layer, uint64_t *ret_sequence)
{
        const struct store_path_entry *entry;
        const struct store_value_entry *value;
        const struct store_blanket *blanket;

        switch (kind) {
        case STORE_ENTRY:
                entry = registry_entry_in_layer(store_lookup(s, key, name, strlen(name)), layer);
                *ret_sequence = entry ? entry->sequence : 0;
                return entry;
        case STORE_VALUE:
                value = registry_value_in_layer(store_value(s, key, name, strlen(name)), layer);
                *ret_sequence = value ? value->sequence : 0;
                return value;
        case STORE_BLANKET:
                blanket = registry_blanket_in_layer(store_blankets(s, key), layer);
                *ret_sequence = blanket ? blanket->sequence : 0;
                return blanket;
        }
        *ret_sequence = 0;
        return NULL;
}

const struct store_path_entry *registry_named(const struct store_path_entry *chain, const char *layer)
{
        const struct store_path_entry *mine = layer ? registry_entry_in_layer(chain, layer) : NULL;

        if (mine && !mine->hidden)
                return mine;
        while (chain && chain->hidden)
                chain = chain->next;
        return chain;
}

/* ---- Transactions and durability. A change has a transaction of the store's of its own inside the
 * registry's. ---- */

static void transaction_opened(struct registry *r, bool is_preview, size_t room)
{
        effects_begin(&r->tx.effects, is_preview, room);
        r->hives_begun = r->hives.n;
        r->tx.time = clock_of(CLOCK_REALTIME) * 1000;
        r->tx.is_open = true;
        r->tx.layers_touched = false;
        r->tx.withdrawn_at = 0;
        r->tx.counts = (struct registry_counts){ 0 };
}

static void transaction_closed(struct registry *r)
{
        effects_end(&r->tx.effects);
        r->tx.way.layer = NULL;
        free(r->tx.layer_made);
        r->tx.layer_made = NULL;
        r->tx.is_open = false;
        r->tx.ends_with_failure = r->tx.has_failed = false;
}

int registry_begin(struct registry *r, const struct store_author *author)
{
        if (r->tx.is_open)
                return -EBUSY;
        if (!store_is_pending(r->tx.store))
                r->hives_synced = r->hives.n;
        int e = store_begin(r->tx.store, author);
        if (e == 0)
                transaction_opened(r, false, SIZE_MAX);
        return e;
}

int registry_begin_preview(struct registry *r, size_t room)
{
        if (r->tx.is_open || store_is_pending(r->tx.store))
                return -EBUSY;
        int e = store_begin_preview(r->tx.store);
        if (e == 0)
                transaction_opened(r, true, room);
        return e;
}

void registry_end_with_failure(struct registry *r)
{
        assert(r->tx.is_open);
        r->tx.ends_with_failure = true;
}

size_t registry_room(const struct registry *r)
{
        return r->tx.effects.room;
}

void registry_abort(struct registry *r)
{
        if (!r->tx.is_open)
                return;
        if (r->tx.effects.is_preview)
                store_abandon(r->tx.store);
        else
                store_rollback(r->tx.store);
        hives_trim(&r->hives, r->hives_begun);
        transaction_closed(r);
}

/* The table of layers as the transaction leaves it (only where it touched it), and the events. */
static int compute_events(struct registry *r, struct layers *ret_layers, struct registry_events *ret)
{
        struct layers now = { 0 };
        struct registry_events events = { 0 };
        int e = 0;

        assert(r->tx.is_open);
        if (r->tx.has_failed) {
                registry_abort(r);
                return -ECANCELED;
        }
        if (r->tx.layers_touched)
                e = layers_load(r->tx.store, &r->layers, &now);
        if (e == 0 && r->tx.layers_touched)
                e = transaction_empty_layers(&r->tx, &now);
        if (e == 0)
                e = effects_to_events(&r->tx.effects, r->tx.layers_touched ? &now : &r->layers, &events);
        if (e == 0)
                e = store_error(r->tx.store, NULL);
        if (e < 0) {
                layers_done(&now);
                registry_events_done(&events);
                registry_abort(r);
                return registry_code(e);
        }
        events.sequence = store_last_sequence(r->tx.store);
        events.counts = r->tx.counts;
        *ret_layers = now;
        *ret = events;
        return 0;
}

int registry_end_preview(struct registry *r, struct registry_events *ret)
{
        struct layers now;

        assert(r->tx.effects.is_preview);
        int e = compute_events(r, &now, ret);
        if (e != 0)
                return e;
        layers_done(&now);
        registry_abort(r);
        ret->sequence = store_last_sequence(r->tx.store);
        return 0;
}

int registry_end(struct registry *r, struct registry_events *ret)
{
        struct layers now;
        int e = compute_events(r, &now, ret);

        if (e != 0)
                return e;
        e = store_commit(r->tx.store);
        if (e < 0) {
                layers_done(&now);
                registry_events_done(ret);
                hives_trim(&r->hives, r->hives_begun);
                transaction_closed(r);
                return e;
        }
        if (r->tx.layers_touched) {
                if (r->layers_synced.n == 0)
                        r->layers_synced = r->layers;
                else
                        layers_done(&r->layers);
                r->layers = now;
                r->layers_version++;
        }
        transaction_closed(r);
        return 0;
}

int registry_sync(struct registry *r, struct diag *d)
{
        if (r->tx.is_open)
                return -EBUSY;
        if (!store_is_pending(r->tx.store))
                return 0;
        int e = store_sync(r->tx.store, d);
        if (e < 0)
                hives_trim(&r->hives, r->hives_synced);
        if (e < 0 && r->layers_synced.n > 0) {
                struct layers refused = r->layers;
                r->layers = r->layers_synced;
                r->layers_synced = refused;
                r->layers_version++;
        }
        layers_done(&r->layers_synced);
        r->layers_synced = (struct layers){ 0 };
        return e;
}

static int load_layers(struct registry *r)
{
        struct layers now = { 0 };
        int e = layers_load(r->tx.store, &r->layers, &now);

        if (e == 0) {
                struct layers before = r->layers;
                r->layers = now;
                now = before;
                r->layers_version++;
        }
        layers_done(&now);
        return e;
}

static int add_note(struct registry *r, const char *text, const struct store_author *author)
{
        struct store_op op = { .code = STORE_NOTE, .name = text };

        int e = registry_begin(r, author);
        if (e < 0)
                return e;
        op.sequence = store_take_sequence(r->tx.store);
        return end_unheard(r, transaction_op(&r->tx, &op));
}

int registry_repaired(
        struct registry *r, const char *note, const struct store_author *author, struct diag *d)
{
        store_forget_all(r->tx.store);
        int e = load_layers(r);
        if (e == 0)
                e = add_note(r, note, author);
        if (e == 0)
                e = registry_sync(r, d);
        return registry_explain(r, e, d);
}
