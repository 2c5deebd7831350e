/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "../../schema/base/clock.h"

static int make_default_hive(struct registry *r)
{
        struct registry_events events;

        if (registry_hive(r, DEFAULT_HIVE, strlen(DEFAULT_HIVE)))
                return 0;
        int e = registry_begin(r, NULL);
        if (e < 0)
                return e;
        e = registry_add_hive(r, DEFAULT_HIVE, strlen(DEFAULT_HIVE));
        if (e < 0) {
                registry_abort(r);
                return e;
        }
        e = registry_end(r, &events);
        if (e == 0)
                registry_events_done(&events);
        return e;
}

static int load_hives(struct registry *r)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);
        size_t n;
        const struct store_key *const *roots = store_roots(r->store, &n);

        r->hives.list = calloc(n > 0 ? n : 1, sizeof(*r->hives.list));
        if (!r->hives.list)
                return -ENOMEM;
        for (; r->hives.n < n; r->hives.n++) {
                struct hive_root *hive = &r->hives.list[r->hives.n];
                *hive = (struct hive_root){ .name = strdup(roots[r->hives.n]->name),
                        .root = roots[r->hives.n]->guid };
                if (!hive->name)
                        return -ENOMEM;
        }
        return store_error(r->store, NULL);
}

/* *ret is to be closed in any case. */
static int load(const struct registry_config *config, struct registry **ret)
{
        struct registry *r = *ret = calloc(1, sizeof(*r));

        if (!r) {
                (void)store_close(config->store);
                return -ENOMEM;
        }
        r->schema = config->schema;
        r->value_max = config->value_max;
        r->store = config->store;
        r->effects = (struct effects){ .store = r->store, .layers = &r->layers, .schema = r->schema };
        int e = load_hives(r);
        return e < 0 ? e : layers_load(r->store, NULL, &r->layers);
}

int registry_open_past(struct store *store, struct registry **ret)
{
        _cleanup_registry_ struct registry *r = NULL;

        int e = load(&(struct registry_config){ .store = store }, &r);
        if (e == 0)
                *ret = STEAL_PTR(r);
        return e;
}

int registry_open(const struct registry_config *config, struct registry **ret, struct diag *d)
{
        _cleanup_registry_ struct registry *r = NULL;

        int e = load(config, &r);
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
        r->store = store_close(r->store);
        layers_done(&r->layers);
        layers_done(&r->layers_synced);
        while (r->hives.n > 0)
                free(r->hives.list[--r->hives.n].name);
        free(r->hives.list);
        free(r);
        return NULL;
}

struct store_scope registry_scope(const struct registry *r)
{
        return store_scope_begin(r->store);
}

const struct store *registry_store(const struct registry *r)
{
        return r->store;
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
        r->schema = r->effects.schema = schema;
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
        return store_last_sequence(r->store);
}

static bool is_hive(const char *name, size_t len, void *userdata)
{
        const struct registry *r = userdata;
        return registry_hive(r, name, len) != NULL;
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
        const struct hive_root *hive = registry_hive(r, name, len);

        return hive ? resolve_hiding(r->store, &r->layers, &hive->root, path, ret_depth) : NULL;
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
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);
        size_t len, depth = 0;
        const char *name = path_component(path, 0, &len);
        const struct hive_root *hive = registry_hive(r, name, len);
        if (!hive)
                return registry_fail(d, REGISTRY_NOT_FOUND, "%s: there is no hive called %.*s", path->text,
                        (int)len, name);

        int e = resolve_path(r->store, &r->layers, &hive->root, path, ret, &depth);
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
                e = resolve_value(r->store, &r->layers, &key, name, strlen(name), &entry);
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

bool registry_pending(const struct registry *r)
{
        return store_is_pending(r->store);
}

int registry_prune(
        struct registry *r, const struct store_prune_limits *limits, bool *ret_more, struct diag *d)
{
        int e = store_prune(r->store, limits, ret_more);

        if (e == 0)
                e = registry_sync(r, d);
        return registry_explain(r, e, d);
}

/* ---- The entries of a chain ---- */

const struct store_path_entry *registry_entry_in_layer(
        const struct store_path_entry *chain, const char *layer)
{
        while (chain && !layers_name_equal(chain->layer, layer))
                chain = chain->next;
        return chain;
}

const struct store_value_entry *registry_value_in_layer(
        const struct store_value_entry *chain, const char *layer)
{
        while (chain && !layers_name_equal(chain->layer, layer))
                chain = chain->next;
        return chain;
}

const struct store_blanket *registry_blanket_in_layer(const struct store_blanket *list, const char *layer)
{
        while (list && !layers_name_equal(list->layer, layer))
                list = list->next;
        return list;
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

static void trim_hives(struct registry *r, size_t n)
{
        while (r->hives.n > n)
                free(r->hives.list[--r->hives.n].name);
}

static void transaction_opened(struct registry *r, bool is_preview, size_t room)
{
        effects_begin(&r->effects, is_preview, room);
        r->hives_begun = r->hives.n;
        r->time = clock_of(CLOCK_REALTIME) * 1000;
        r->in_transaction = true;
        r->layers_touched = false;
        r->withdrawn_at = 0;
        r->counts = (struct registry_counts){ 0 };
}

static void transaction_closed(struct registry *r)
{
        effects_end(&r->effects);
        r->in_transaction = false;
        r->ends_with_failure = r->has_failed = false;
}

int registry_begin(struct registry *r, const struct store_author *author)
{
        if (r->in_transaction)
                return -EBUSY;
        if (!store_is_pending(r->store))
                r->hives_synced = r->hives.n;
        int e = store_begin(r->store, author);
        if (e == 0)
                transaction_opened(r, false, SIZE_MAX);
        return e;
}

int registry_begin_preview(struct registry *r, size_t room)
{
        if (r->in_transaction || store_is_pending(r->store))
                return -EBUSY;
        int e = store_begin_preview(r->store);
        if (e == 0)
                transaction_opened(r, true, room);
        return e;
}

void registry_end_with_failure(struct registry *r)
{
        assert(r->in_transaction);
        r->ends_with_failure = true;
}

size_t registry_room(const struct registry *r)
{
        return r->effects.room;
}

void registry_abort(struct registry *r)
{
        if (!r->in_transaction)
                return;
        if (r->effects.is_preview)
                store_abandon(r->store);
        else
                store_rollback(r->store);
        trim_hives(r, r->hives_begun);
        transaction_closed(r);
}

/* The table of layers as the transaction leaves it (only where it touched it), and the events. */
static int compute_events(struct registry *r, struct layers *ret_layers, struct registry_events *ret)
{
        struct layers now = { 0 };
        struct registry_events events = { 0 };
        int e = 0;

        assert(r->in_transaction);
        if (r->has_failed) {
                registry_abort(r);
                return -ECANCELED;
        }
        if (r->layers_touched)
                e = layers_load(r->store, &r->layers, &now);
        if (e == 0 && r->layers_touched)
                e = registry_empty_layers(r, &now);
        if (e == 0)
                e = effects_to_events(&r->effects, r->layers_touched ? &now : &r->layers, &events);
        if (e == 0)
                e = store_error(r->store, NULL);
        if (e < 0) {
                layers_done(&now);
                registry_events_done(&events);
                registry_abort(r);
                return registry_code(e);
        }
        events.sequence = store_last_sequence(r->store);
        events.counts = r->counts;
        *ret_layers = now;
        *ret = events;
        return 0;
}

int registry_end_preview(struct registry *r, struct registry_events *ret)
{
        struct layers now;

        assert(r->effects.is_preview);
        int e = compute_events(r, &now, ret);
        if (e != 0)
                return e;
        layers_done(&now);
        registry_abort(r);
        ret->sequence = store_last_sequence(r->store);
        return 0;
}

int registry_end(struct registry *r, struct registry_events *ret)
{
        struct layers now;
        int e = compute_events(r, &now, ret);

        if (e != 0)
                return e;
        e = store_commit(r->store);
        if (e < 0) {
                layers_done(&now);
                registry_events_done(ret);
                trim_hives(r, r->hives_begun);
                transaction_closed(r);
                return e;
        }
        if (r->layers_touched) {
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
        if (r->in_transaction)
                return -EBUSY;
        if (!store_is_pending(r->store))
                return 0;
        int e = store_sync(r->store, d);
        if (e < 0)
                trim_hives(r, r->hives_synced);
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

int registry_savepoint_set(struct registry *r, struct registry_savepoint *ret)
{
        assert(r->in_transaction);
        if (r->has_failed)
                return -ECANCELED;
        int e = r->ends_with_failure ? store_error(r->store, NULL) : store_begin(r->store, NULL);
        if (e == 0)
                *ret = (struct registry_savepoint){ .scope = store_scope_begin(r->store),
                        .hives = r->hives.n };
        return e;
}

int registry_savepoint_close(struct registry *r, struct registry_savepoint *sp, int error, struct diag *d)
{
        int failed = store_error(r->store, d);

        if (failed < 0)
                error = failed;
        /* The store forgets an error where nobody looks at what was read. */
        store_scope_end(&sp->scope);
        if (r->ends_with_failure) {
                r->has_failed |= error != 0;
                return registry_code(error);
        }
        if (error == 0)
                error = store_commit(r->store);
        else
                store_rollback(r->store);
        if (error != 0) {
                trim_hives(r, sp->hives);
                r->withdrawn_at = 0;
        }
        return registry_code(error);
}

/* What withdraws something makes nothing that could bear a number: all of it has one together, as long as it
 * is the last one, so that each change is behind the one before for whoever follows by number. */
static uint64_t withdrawal_number(struct registry *r)
{
        if (r->withdrawn_at == 0 || r->withdrawn_at != store_last_sequence(r->store))
                r->withdrawn_at = store_take_sequence(r->store);
        return r->withdrawn_at;
}

static void count(struct registry *r, const struct store_op *op)
{
        struct registry_counts *c = &r->counts;

        c->values_set += op->code == STORE_SET_VALUE;
        c->values_deleted += op->code == STORE_DELETE_VALUE;
        c->keys_created += op->code == STORE_CREATE_ENTRY;
        c->keys_deleted += op->code == STORE_DELETE_ENTRY;
        c->masks += op->code == STORE_HIDE_ENTRY || op->code == STORE_SET_BLANKET;
}

int registry_op(struct registry *r, const struct store_op *op)
{
        struct store_op numbered = *op;
        int e = effects_take_room(&r->effects, op->size);

        if (e == 0)
                e = effects_is_policy(&r->effects, op, &numbered.is_policy);
        if (e < 0)
                return e;
        if (op->code == STORE_DELETE_VALUE || op->code == STORE_DELETE_ENTRY ||
                (op->code == STORE_SET_BLANKET && !op->set))
                numbered.sequence = withdrawal_number(r);
        e = store_apply(r->store, &numbered);
        if (e == 0)
                count(r, op);
        return e;
}
