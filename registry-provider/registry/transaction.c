/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transaction.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "../../schema/base/array.h"

int savepoint_set(struct transaction *tx, struct savepoint *ret)
{
        assert(tx->is_open);
        if (tx->has_failed)
                return -ECANCELED;
        int e = tx->ends_with_failure ? store_error(tx->store, NULL) : store_begin(tx->store, NULL);
        if (e == 0)
                *ret = (struct savepoint){ .scope = store_scope_begin(tx->store), .hives = tx->hives->n };
        return e;
}

int savepoint_close(struct transaction *tx, struct savepoint *sp, int error, struct diag *d)
{
        int failed = store_error(tx->store, d);

        if (failed < 0)
                error = failed;
        /* The store forgets an error where nobody looks at what was read. */
        store_scope_end(&sp->scope);
        if (tx->ends_with_failure) {
                tx->has_failed |= error != 0;
                return registry_code(error);
        }
        if (error == 0)
                error = store_commit(tx->store);
        else
                store_rollback(tx->store);
        if (error != 0) {
                hives_trim(tx->hives, sp->hives);
                tx->withdrawn_at = 0;
                tx->way.layer = NULL;
        }
        return registry_code(error);
}

int transaction_check_writable(const struct transaction *tx, const char **layer, struct diag *d)
{
        if (!*layer || !tx->layer_made || !fold_same(*layer, tx->layer_made))
                return layers_check_writable(tx->layers, layer, d);
        *layer = tx->layer_made;
        return 0;
}

/* What withdraws something makes nothing that could bear a number: all of it has one together, as long as it
 * is the last one, so that each change is behind the one before for whoever follows by number. */
static uint64_t withdrawal_number(struct transaction *tx)
{
        if (tx->withdrawn_at == 0 || tx->withdrawn_at != store_last_sequence(tx->store))
                tx->withdrawn_at = store_take_sequence(tx->store);
        return tx->withdrawn_at;
}

static void count(struct transaction *tx, const struct store_op *op)
{
        struct registry_counts *c = &tx->counts;

        c->values_set += op->code == STORE_SET_VALUE;
        c->values_deleted += op->code == STORE_DELETE_VALUE;
        c->keys_created += op->code == STORE_CREATE_ENTRY;
        c->keys_deleted += op->code == STORE_DELETE_ENTRY;
        c->masks += op->code == STORE_HIDE_ENTRY || op->code == STORE_SET_BLANKET;
}

int transaction_op(struct transaction *tx, const struct store_op *op)
{
        struct store_op numbered = *op;
        int e = effects_take_room(&tx->effects, op->size);

        if (e == 0)
                e = effects_is_policy(&tx->effects, op, &numbered.is_policy);
        if (e < 0)
                return e;
        if (op->code == STORE_DELETE_VALUE || op->code == STORE_DELETE_ENTRY ||
                (op->code == STORE_SET_BLANKET && !op->set))
                numbered.sequence = withdrawal_number(tx);
        if (op->code != STORE_SET_VALUE && op->code != STORE_DELETE_VALUE)
                tx->way.layer = NULL;
        e = store_apply(tx->store, &numbered);
        if (e == 0)
                count(tx, op);
        return e;
}

/* ---- The way down a path in one layer: finding it, and making what is missing ---- */

static const struct hive_root *find_hive(const struct transaction *tx, const struct path *path)
{
        size_t len;
        const char *name = path_component(path, 0, &len);
        return hives_find(tx->hives, name, len);
}

int transaction_find_named(
        const struct transaction *tx, const struct path *path, size_t n, const char *layer, struct guid *ret)
{
        const struct hive_root *hive = find_hive(tx, path);
        if (!hive)
                return -ENOENT;
        struct guid key = hive->root;
        for (size_t i = 1; i < n; i++) {
                size_t len;
                const char *name = path_component(path, i, &len);
                const struct store_path_entry *named =
                        registry_named(store_lookup(tx->store, &key, name, len), layer);
                if (!named)
                        return -ENOENT;
                key = named->target;
        }
        *ret = key;
        return 0;
}

int transaction_add_hive(struct transaction *tx, const char *name, size_t len)
{
        if (hives_find(tx->hives, name, len))
                return 0;
        if (array_grow(&tx->hives->list, tx->hives->n, sizeof(*tx->hives->list)) < 0)
                return -ENOMEM;
        struct hive_root hive = { .name = strndup(name, len) };
        int e = hive.name ? guid_new(&hive.root) : -ENOMEM;
        if (e == 0)
                e = transaction_op(tx, &(struct store_op){ .code = STORE_CREATE_KEY,
                                               .guid = hive.root,
                                               .name = hive.name,
                                               .time = tx->time });
        if (e < 0)
                free(hive.name);
        else
                tx->hives->list[tx->hives->n++] = hive;
        return e;
}

static int new_key(struct transaction *tx, const struct guid *parent, const char *name, bool is_volatile,
        bool is_link, struct guid *ret)
{
        const struct store_key *up = store_key(tx->store, parent);
        int e = guid_new(ret);
        return e < 0 ? e
                     : transaction_op(tx, &(struct store_op){ .code = STORE_CREATE_KEY,
                                                  .guid = *ret,
                                                  .target = *parent,
                                                  .name = name,
                                                  .is_volatile = is_volatile || (up && up->is_volatile),
                                                  .is_link = is_link,
                                                  .time = tx->time });
}

/* A layer of the same precedence hid the key later: naming it once more brings it back. */
static bool is_buried(const struct transaction *tx, const struct store_path_entry *chain,
        const struct store_path_entry *mine)
{
        const struct layer *layer = layers_find(tx->layers, mine->layer);
        for (; layer && chain; chain = chain->next) {
                const struct layer *other = chain->hidden ? layers_find(tx->layers, chain->layer) : NULL;
                if (other && other->enabled && other->precedence == layer->precedence &&
                        chain->sequence > mine->sequence)
                        return true;
        }
        return false;
}

static bool is_link_wanted(const struct wanted_keys *want, size_t i)
{
        return want->makes_link && i + 1 == want->path->n;
}

/* Whether nobody else names a key of that name: what a file made is a link, or none, as the file says now.
 */
static bool is_only_name(const struct store_path_entry *chain, const struct store_path_entry *mine)
{
        while (chain && (chain == mine || chain->hidden))
                chain = chain->next;
        return !chain;
}

/* A link leads elsewhere; as a key it is met where a path was not followed: by a file, or where the link
 * does not count. */
static int check_link(const struct wanted_keys *want, size_t i, bool is_link, struct diag *d)
{
        const bool is_last = i + 1 == want->path->n;

        if (is_link_wanted(want, i) && !is_link)
                return registry_fail(d, REGISTRY_EXISTS,
                        "%s: there is a key that is no link, which no write changes", want->path->text);
        if (!is_link || (is_last && want->of_link))
                return 0;
        return registry_fail(d, REGISTRY_BAD_LINK, "%.*s: is a link, expected a key", want->path->ends[i],
                want->path->text);
}

/* Component number i of the way, below *key, visible in the layer; *key becomes its GUID. */
static int make_child(struct transaction *tx, const struct wanted_keys *want, size_t i, struct guid *key,
        bool *made, struct diag *d)
{
        char name[NAME_BYTES_MAX + 1];
        size_t len;
        const char *component = path_component(want->path, i, &len), *layer = want->layer;
        const struct guid parent = *key;
        struct path way = *want->path;

        *(char *)mempcpy(name, component, len) = '\0';
        way.n = i + 1;
        const struct store_path_entry *chain = store_lookup(tx->store, &parent, name, len);
        const struct store_path_entry *mine = registry_entry_in_layer(chain, layer);
        const struct store_path_entry *named = registry_named(chain, layer);
        /* Or whoever came first would have what is said of all layers forgotten. */
        const bool is_brief = want->is_volatile && !layers_metadata_are_in(&way);

        int e = 0;
        if (named && named == mine && want->held && named->is_link != is_link_wanted(want, i) &&
                is_only_name(chain, mine)) {
                e = transaction_withdraw_tree(tx, &parent, name, layer);
                mine = named = NULL;
        } else if (named)
                e = check_link(want, i, named->is_link, d);
        if (e != 0)
                return e;
        if (want->held)
                (void)registry_contents_keep(want->held, STORE_ENTRY, layer, &parent, name);
        if (mine && !mine->hidden) {
                *key = mine->target;
                if (want->held || !is_buried(tx, chain, mine))
                        return 0;
        }
        e = effects_note(&tx->effects, &parent, name, true, NULL);
        if (e < 0)
                return e;
        if (named)
                *key = named->target;
        else
                e = new_key(tx, &parent, name, is_brief, is_link_wanted(want, i), key);
        if (e == 0)
                e = transaction_op(tx, &(struct store_op){ .code = STORE_CREATE_ENTRY,
                                               .guid = parent,
                                               .name = name,
                                               .layer = layer,
                                               .target = *key,
                                               .sequence = store_take_sequence(tx->store) });
        *made = true;
        return e;
}

int transaction_make_keys(struct transaction *tx, const struct wanted_keys *want, struct guid *ret,
        bool *ret_made, struct diag *d)
{
        const struct path *path = want->path;
        const struct hive_root *hive = find_hive(tx, path);
        if (!hive)
                return registry_fail(d, REGISTRY_NOT_FOUND, "%s: there is no hive called %.*s", path->text,
                        path->ends[0], path->text);

        struct guid key = hive->root;
        bool made = false;
        for (size_t i = 1; i < want->n; i++) {
                int e = make_child(tx, want, i, &key, &made, d);
                if (e < 0)
                        (void)diag_set(d, 0, "%.*s: the key cannot be made: %s", path->ends[i], path->text,
                                registry_error_text(tx->registry, e));
                if (e != 0)
                        return e;
        }
        *ret = key;
        *ret_made = made;
        return 0;
}

/* ---- Putting ---- */

/* An entry of its own layer (a blanket) counts even while the layer is disabled. */
static bool is_rival(const struct transaction *tx, const struct layer *own, const char *layer)
{
        const struct layer *l = layers_find(tx->layers, layer);
        return l == own || (l && l->enabled && l->precedence == own->precedence);
}

/* Whether something of the same precedence is newer: written again, the entry would stand before it. */
static bool is_overtaken(const struct transaction *tx, const struct guid *key, const struct layer *own,
        const struct store_value_entry *mine)
{
        const struct store_value_entry *e = store_value(tx->store, key, mine->name, strlen(mine->name));

        for (; e; e = e->next)
                if (!fold_same(e->layer, mine->layer) && e->sequence >= mine->sequence &&
                        is_rival(tx, own, e->layer))
                        return true;
        for (const struct store_blanket *b = store_blankets(tx->store, key); b; b = b->next)
                if (b->sequence >= mine->sequence && is_rival(tx, own, b->layer))
                        return true;
        return false;
}

/* The layer already says this, and to say it again would change nothing. */
static bool is_no_op(const struct transaction *tx, const struct guid *key,
        const struct store_value_entry *mine, const struct value *v)
{
        const struct layer *own = layers_find(tx->layers, mine->layer);
        const struct value have = { .type = mine->type, .data = mine->data, .size = mine->size };

        /* What counts is not known before the end of a transaction that changes layers. */
        if (!own || tx->layers_touched || !value_equal(&have, v))
                return false;
        return !is_overtaken(tx, key, own, mine);
}

int transaction_put_again(struct transaction *tx, const struct guid *key, const struct path *path,
        const char *name, const char *layer, const struct value *v, uint64_t *ret_sequence, struct diag *d)
{
        struct effect *t = NULL;

        int e = effects_note(&tx->effects, key, name, false, &t);
        if (e < 0)
                return e;
        const uint64_t sequence = store_take_sequence(tx->store);
        tx->layers_touched |= layers_is_metadata(path, false);
        e = transaction_op(tx, &(struct store_op){ .code = STORE_SET_VALUE,
                                       .guid = *key,
                                       .name = name,
                                       .layer = layer,
                                       .type = v->type,
                                       .data = v->data,
                                       .size = v->size,
                                       .sequence = sequence,
                                       .time = tx->time });
        if (e == -EFBIG && registry_check_size(tx->registry, path, name, v->size, d) != 0)
                return REGISTRY_TOO_LARGE;
        if (e < 0)
                return registry_value_failed(path, name, e, d);
        if (t)
                t->is_write = true;
        *ret_sequence = sequence;
        return 0;
}

int transaction_keep(struct transaction *tx, const struct guid *key, const char *name)
{
        struct effect *t = NULL;
        int e = effects_note(&tx->effects, key, name, false, &t);

        if (e == 0 && t)
                t->is_write = true;
        return e;
}

int transaction_put(struct transaction *tx, const struct guid *key, const struct path *path,
        const char *name, const char *layer, const struct value *v, uint64_t *ret_sequence, struct diag *d)
{
        const struct store_value_entry *mine =
                registry_value_in_layer(store_value(tx->store, key, name, strlen(name)), layer);

        if (!mine || !is_no_op(tx, key, mine, v))
                return transaction_put_again(tx, key, path, name, layer, v, ret_sequence, d);
        int e = transaction_keep(tx, key, name);
        if (e == 0)
                *ret_sequence = mine->sequence;
        return e;
}

int transaction_hide(struct transaction *tx, const struct guid *parent, const char *name, const char *layer)
{
        int e = effects_note(&tx->effects, parent, name, true, NULL);

        return e < 0 ? e
                     : transaction_op(tx, &(struct store_op){ .code = STORE_HIDE_ENTRY,
                                                  .guid = *parent,
                                                  .name = name,
                                                  .layer = layer,
                                                  .sequence = store_take_sequence(tx->store) });
}

int transaction_set_blanket(struct transaction *tx, const struct guid *key, const char *layer, bool set)
{
        int e = effects_note_values(&tx->effects, key);

        if (e < 0)
                return e;
        return transaction_op(tx, &(struct store_op){ .code = STORE_SET_BLANKET,
                                          .guid = *key,
                                          .layer = layer,
                                          .set = set,
                                          .sequence = set ? store_take_sequence(tx->store) : 0 });
}

/* ---- Withdrawing: a layer's values and path entries, and, once no layer names it, a key with all that is
 * in it. With a path entry goes all that the layer has below, seen or not. A layer that writes here names
 * the key and all above it, but one that was written elsewhere need not. ---- */

int transaction_withdraw_value(
        struct transaction *tx, const struct guid *key, const char *name, const char *layer)
{
        struct effect *t = NULL;
        int e = effects_note(&tx->effects, key, name, false, &t);
        if (e == 0)
                e = transaction_op(tx, &(struct store_op){ .code = STORE_DELETE_VALUE,
                                               .guid = *key,
                                               .name = name,
                                               .layer = layer,
                                               .time = tx->time });
        if (e == 0 && t)
                t->is_write = true;
        return e;
}

int transaction_withdraw_entry(
        struct transaction *tx, const struct guid *parent, const char *name, const char *layer)
{
        int e = effects_note(&tx->effects, parent, name, true, NULL);
        return e < 0 ? e
                     : transaction_op(tx, &(struct store_op){ .code = STORE_DELETE_ENTRY,
                                                  .guid = *parent,
                                                  .name = name,
                                                  .layer = layer });
}

/* What other layers name in a key that nobody names any more. As deep as a path is at most. */
static int drop_children(struct transaction *tx, const struct guid *key)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(tx->store);
        size_t n;
        const struct store_path_entry *const *children = store_children(tx->store, key, &n);
        int e = 0;

        for (size_t i = 0; e == 0 && i < n; i++)
                for (const struct store_path_entry *c = children[i]; e == 0 && c; c = c->next) {
                        if (c->hidden)
                                continue;
                        e = transaction_withdraw_entry(tx, key, c->name, c->layer);
                        if (e == 0)
                                e = transaction_drop_unnamed(tx, &c->target);
                }
        return e;
}

int transaction_drop_unnamed(struct transaction *tx, const struct guid *key)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(tx->store);

        if (!store_key(tx->store, key) || store_key_is_referenced(tx->store, key))
                return 0;
        int e = drop_children(tx, key);
        return e < 0 ? e : transaction_op(tx, &(struct store_op){ .code = STORE_DROP_KEY, .guid = *key });
}

static int withdraw_values(struct transaction *tx, const struct guid *key, const char *layer)
{
        const bool masks = registry_blanket_in_layer(store_blankets(tx->store, key), layer);
        size_t n;
        const struct store_value_entry *const *values = store_values(tx->store, key, 0, &n);
        int e = masks ? transaction_set_blanket(tx, key, layer, false) : 0;

        for (size_t i = 0; e == 0 && i < n; i++)
                if (registry_value_in_layer(values[i], layer))
                        e = transaction_withdraw_value(tx, key, values[i]->name, layer);
        return e;
}

/* What the layer has in the key of that name, and below. As deep as a path is at most. */
int transaction_withdraw_tree(
        struct transaction *tx, const struct guid *parent, const char *name, const char *layer)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(tx->store);
        const struct store_path_entry *chain = store_lookup(tx->store, parent, name, strlen(name));
        const struct store_path_entry *named = registry_named(chain, layer);
        size_t n = 0;
        int e = store_error(tx->store, NULL);

        if (e < 0 || !named)
                return e;
        const struct guid key = named->target;
        const struct store_path_entry *const *children = store_children(tx->store, &key, &n);
        for (size_t i = 0; e == 0 && i < n; i++) {
                named = registry_named(children[i], NULL);
                e = named ? effects_take_room(&tx->effects, strlen(named->name)) : 0;
                if (e == 0 && named)
                        e = transaction_withdraw_tree(tx, &key, named->name, layer);
                else if (e == 0 && registry_entry_in_layer(children[i], layer))
                        e = transaction_withdraw_entry(tx, &key, children[i]->name, layer);
        }
        if (e == 0)
                e = withdraw_values(tx, &key, layer);
        if (e < 0 || !registry_entry_in_layer(chain, layer))
                return e;
        e = transaction_withdraw_entry(tx, parent, name, layer);
        return e < 0 ? e : transaction_drop_unnamed(tx, &key);
}
