/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes: what the schema says of one; setting and making, withdrawing, and what a layer hides of those
 * below it: a key, or all values of a key. (One value is hidden by a tombstone, which is set.) */
#include "transaction.h"

#include <errno.h>
#include <string.h>

/* ---- What the schema says ---- */

void registry_verdict_done(struct registry_verdict *v)
{
        free(v->why);
        free(v->last_good);
        *v = (struct registry_verdict){ 0 };
}

/* As people and the documentation write it. */
static int refuse_value(const struct registry_write *w, const char *what, struct diag *d)
{
        return registry_fail(d, REGISTRY_UNACCEPTED, "\\%s\\%s: %s", path_without_default(w->path->text),
                path_word_of_value_name(w->name), what);
}

/* Its reader keeps the value before, if it could read that. */
static int judge_value(struct registry *r, const struct path *key, const struct registry_write *w,
        const struct schema_value *sv, struct registry_verdict *ret)
{
        _cleanup_free_ char *text = NULL;
        struct registry_value now;
        struct diag why;

        int e = schema_check(sv, w->value, &text, &why);
        ret->is_accepted = e == 0;
        if (e != -EINVAL)
                return e;
        ret->why = strdup(why.text);
        if (!ret->why)
                return -ENOMEM;
        e = registry_get(r, key, w->name, &now, NULL);
        if (e == 0)
                e = schema_check(sv, &now.value, &ret->last_good, NULL);
        return e == -EINVAL || e > 0 ? 0 : e;
}

static int question_name(struct registry *r, const struct path *key, const struct registry_write *w,
        const struct schema_value *near, struct diag *d)
{
        struct registry_value now;
        struct diag what;

        int e = registry_get(r, key, w->name, &now, NULL);
        /* Whatever is there, the value is not a new one. */
        if (e != REGISTRY_NOT_FOUND)
                return e > 0 ? 0 : e;
        (void)diag_set(&what, 0, "the schema does not know this value, but \\%s\\%s",
                path_without_default(near->key.text), near->name);
        return refuse_value(w, what.text, d);
}

static int question_key(
        const struct registry *r, const struct path *key, const struct registry_write *w, struct diag *d)
{
        struct guid found;

        if (!schema_find_value_at(registry_schema(r), key))
                return 0;
        int e = registry_find_key(r, key, &found, NULL);
        return e != REGISTRY_NOT_FOUND ? e
                                       : registry_fail(d, REGISTRY_UNACCEPTED,
                                                 "\\%s: is a value in the schema, expected a key",
                                                 path_without_default(w->path->text));
}

static int judge(struct registry *r, const struct path *key, const struct registry_write *w, bool force,
        struct registry_verdict *ret, struct diag *d)
{
        const struct schema *schema = registry_schema(r);
        const struct schema_value *known = schema_find(schema, key, w->name);
        const struct schema_value *of_layer = known ? NULL : schema_layer_find(key, w->name);
        /* A reader of layers' metadata looks at base alone. */
        const bool counts = !w->layer || fold_same(w->layer, LAYER_BASE);
        const struct schema_value *sv = known ? known : counts ? of_layer : NULL;
        struct diag what;

        int e = sv && w->value->type != REG_TOMBSTONE ? judge_value(r, key, w, sv, ret) : 0;
        if (e != 0 || force)
                return e;
        if (ret->why) {
                (void)diag_set(&what, 0, "its reader would refuse it: %s", ret->why);
                return refuse_value(w, what.text, d);
        }
        e = question_key(r, key, w, d);
        const struct schema_value *near =
                e != 0 || known || of_layer ? NULL : schema_suggest(schema, key, w->name);
        return near ? question_name(r, key, w, near, d) : e;
}

int registry_judge(struct registry *r, enum registry_action action, const struct registry_write *w,
        bool force, struct registry_verdict *ret, struct diag *d)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(r);
        _cleanup_way_ struct registry_way way = { 0 };

        int e = action == CHANGE_SET || action == CHANGE_CREATE_KEY
                        ? registry_follow(r, w->path, w->of_link, &way, NULL)
                        : REGISTRY_BAD_LINK;
        /* Of a link that cannot be followed the change says it, and what is corrupt it may mend. */
        if (e == REGISTRY_BAD_LINK || e == REGISTRY_LINK_LOOP || e == REGISTRY_CORRUPT)
                return 0;
        if (e == 0 && action == CHANGE_SET)
                e = judge(r, way.path, w, force, ret, d);
        else if (e == 0 && !force)
                e = question_key(r, way.path, w, d);
        return registry_explain(r, e, d);
}

/* ---- Setting and making ---- */

static int check_expected(const struct registry_write *w, const struct store_value_entry *mine,
        const char *layer, struct diag *d)
{
        uint64_t sequence = mine ? mine->sequence : 0;
        if (!w->expected.given || sequence == w->expected.sequence)
                return 0;
        return registry_fail(d, REGISTRY_CONFLICT,
                "%s: value '%s' has sequence %llu in layer %s, expected %llu", w->path->text,
                path_word_of_value_name(w->name), (unsigned long long)sequence, layer,
                (unsigned long long)w->expected.sequence);
}

static struct wanted_keys wanted(const struct registry_write *w, const char *layer)
{
        return (struct wanted_keys){ .path = w->path,
                .n = w->path->n,
                .layer = layer,
                .is_volatile = w->is_volatile,
                .of_link = w->of_link };
}

/* Who loads many values sets all of a key's one after the other. */
static int make_key_of_value(struct transaction *tx, const struct registry_write *w, const char *layer,
        struct guid *ret, struct diag *d)
{
        struct transaction_way *way = &tx->way;
        bool made;

        if (transaction_knows_way(tx, w) && way->layer == layer) {
                *ret = way->key;
                return 0;
        }
        const struct wanted_keys want = wanted(w, layer);
        int e = transaction_make_keys(tx, &want, ret, &made, d);
        if (e != 0)
                return e;
        buf_clear(&way->path);
        buf_puts(&way->path, w->path->text);
        way->of_link = w->of_link;
        way->key = *ret;
        way->layer = way->path.error ? NULL : layer;
        return 0;
}

static int check_value(const struct registry_write *w, struct diag *d)
{
        const struct value *v = w->value;

        if (path_check_value_name(w->name, strlen(w->name), d) < 0) {
                diag_prefix(d, "%s", w->path->text);
                return REGISTRY_INVALID_NAME;
        }
        if (v->type == REG_TOMBSTONE && v->size > 0)
                return registry_fail(
                        d, REGISTRY_INVALID_VALUE, "%s: a tombstone has no data", w->path->text);
        if (v->type != REG_TOMBSTONE && !value_type_known(v->type))
                return registry_fail(d, REGISTRY_INVALID_VALUE,
                        "%s: no value has type code 0x%x, expected 0 to %u", w->path->text, v->type,
                        VALUE_TYPE_MAX);
        return 0;
}

static int set_value(
        struct transaction *tx, const struct registry_write *w, const char *layer, struct diag *d)
{
        uint64_t sequence;
        struct guid key;

        int e = layers_check_metadata(w->path, d);
        if (e == 0)
                e = check_value(w, d);
        if (e == 0)
                e = make_key_of_value(tx, w, layer, &key, d);
        if (e == 0 && w->of_link)
                e = transaction_check_link_value(tx, &key, w->path, w->name, w->value->type, d);
        if (e != 0)
                return e;
        if (w->expected.given)
                e = check_expected(w,
                        registry_value_in_layer(
                                store_value(tx->store, &key, w->name, strlen(w->name)), layer),
                        layer, d);
        if (e == 0)
                e = transaction_put(tx, &key, w->path, w->name, layer, w->value, &sequence, d);
        if (e == 0 && w->ret_sequence)
                *w->ret_sequence = sequence;
        return e;
}

/* Whether the layer names the key itself, and that shows. */
static bool is_there(const struct transaction *tx, const struct path *path, const char *layer)
{
        struct guid parent;
        size_t len;
        const char *name = path_component(path, path->n - 1, &len);

        if (path->n == 1)
                return true;
        if (transaction_find_named(tx, path, path->n - 1, layer, &parent) < 0)
                return false;
        const struct store_path_entry *mine =
                registry_entry_in_layer(store_lookup(tx->store, &parent, name, len), layer);
        return mine && !mine->hidden && effects_key_is_visible(&tx->effects, &mine->target);
}

static int refuse_there(const struct path *path, const char *layer, struct diag *d)
{
        return registry_fail(
                d, REGISTRY_EXISTS, "%s: the key is there already, in layer %s", path->text, layer);
}

static int create_key(
        struct transaction *tx, const struct registry_write *w, const char *layer, struct diag *d)
{
        struct guid key;
        bool made = false;

        int e = layers_check_metadata(w->path, d);
        if (e != 0)
                return e;
        if (is_there(tx, w->path, layer))
                return w->if_needed ? 0 : refuse_there(w->path, layer, d);
        const struct wanted_keys want = wanted(w, layer);
        e = transaction_make_keys(tx, &want, &key, &made, d);
        if (e == 0 && made && w->expected.given && w->expected.sequence != 0)
                e = registry_fail(d, REGISTRY_CONFLICT,
                        "%s: there is no such key in layer %s, expected it with sequence %llu",
                        w->path->text, layer, (unsigned long long)w->expected.sequence);
        tx->layers_touched |= layers_is_metadata(w->path, false);
        return e;
}

/* A target that the layer has is replaced only where that is no failure. */
static int create_link(
        struct transaction *tx, const struct registry_write *w, const char *layer, struct diag *d)
{
        struct wanted_keys want = wanted(w, layer);
        uint64_t sequence;
        struct guid key;
        bool made;

        int e = transaction_check_link(w->path, d);
        if (e == 0 && is_there(tx, w->path, layer) && !w->if_needed)
                e = refuse_there(w->path, layer, d);
        want.makes_link = true;
        if (e == 0)
                e = transaction_make_keys(tx, &want, &key, &made, d);
        if (e != 0 || !w->value)
                return e;
        e = transaction_check_link_value(tx, &key, w->path, "", w->value->type, d);
        return e != 0 ? e : transaction_put(tx, &key, w->path, "", layer, w->value, &sequence, d);
}

static int check_empty(
        const struct transaction *tx, const struct path *path, const struct guid *key, struct diag *d)
{
        const struct store_path_entry *first = NULL, *child;
        size_t n_children, n = 0;
        const struct store_path_entry *const *children = store_children(tx->store, key, &n_children);

        for (size_t i = 0; i < n_children; i++)
                if (resolve_child_chain(tx->layers, children[i], &child) == 0 && n++ == 0)
                        first = child;
        if (n == 0)
                return store_error(tx->store, d);
        if (n == 1)
                return registry_fail(d, REGISTRY_NOT_EMPTY,
                        "%s: the key has the subkey '%s'; delete that first, or the key recursively",
                        path->text, first->name);
        return registry_fail(d, REGISTRY_NOT_EMPTY,
                "%s: the key has %zu subkeys, '%s' among them; delete those first, or the key recursively",
                path->text, n, first->name);
}

static int delete_key(
        struct transaction *tx, const struct registry_write *w, const char *layer, struct diag *d)
{
        const struct path *path = w->path;
        const struct store_path_entry *mine = NULL;
        size_t len;
        const char *name = path_component(path, path->n - 1, &len);
        struct guid parent, key;

        if (path->n < 2)
                return registry_fail(d, REGISTRY_INVALID_NAME, "%s: a hive cannot be deleted", path->text);
        int e = transaction_find_named(tx, path, path->n - 1, layer, &parent);
        if (e == 0)
                mine = registry_entry_in_layer(store_lookup(tx->store, &parent, name, len), layer);
        if ((!mine || mine->hidden) && w->if_needed)
                return 0;
        if (!mine || mine->hidden) {
                e = registry_find_key(tx->registry, path, &key, d);
                return e != 0 ? e
                              : registry_fail(d, REGISTRY_NOT_FOUND,
                                        "%s: layer %s has no such key; it comes from another layer",
                                        path->text, layer);
        }
        if (w->expected.given && mine->sequence != w->expected.sequence)
                return registry_fail(d, REGISTRY_CONFLICT,
                        "%s: the key has sequence %llu in layer %s, expected %llu", path->text,
                        (unsigned long long)mine->sequence, layer, (unsigned long long)w->expected.sequence);
        e = w->recursive ? 0 : check_empty(tx, path, &mine->target, d);
        if (e != 0)
                return e;
        tx->layers_touched |= layers_is_metadata(path, true);
        return transaction_withdraw_tree(tx, &parent, name, layer);
}

static int no_value(
        const struct transaction *tx, const struct registry_write *w, const char *layer, struct diag *d)
{
        const struct store_value_entry *v;
        const char *name = path_word_of_value_name(w->name);
        struct guid key;

        int e = registry_find_key(tx->registry, w->path, &key, d);
        if (e != 0)
                return e;
        bool other = resolve_value(tx->store, tx->layers, &key, w->name, strlen(w->name), &v) == 0;
        return registry_fail(d, REGISTRY_NOT_FOUND, "%s: layer %s has no value '%s'%s%s", w->path->text,
                layer, name, other ? "; it comes from layer " : "", other ? v->layer : "");
}

static int delete_value(
        struct transaction *tx, const struct registry_write *w, const char *layer, struct diag *d)
{
        const struct store_value_entry *mine = NULL;
        struct guid key;

        if (transaction_find_named(tx, w->path, w->path->n, layer, &key) == 0)
                mine = registry_value_in_layer(
                        store_value(tx->store, &key, w->name, strlen(w->name)), layer);
        if (!mine)
                return w->if_needed ? 0 : no_value(tx, w, layer, d);
        int e = check_expected(w, mine, layer, d);
        if (e != 0)
                return e;
        tx->layers_touched |= layers_is_metadata(w->path, false);
        return transaction_withdraw_value(tx, &key, w->name, layer);
}

/* ---- Hiding a key ---- */

/* Metadata are read from the base layer alone: there is nothing to hide. */
static int check_hidable(const struct path *path, struct diag *d)
{
        return layers_is_metadata(path, true)
                       ? registry_fail(d, REGISTRY_INVALID_NAME,
                                 "%s: what layers are made of cannot be hidden", path->text)
                       : 0;
}

static int hide_key(
        struct transaction *tx, const struct registry_write *w, const char *layer, struct diag *d)
{
        const struct path *path = w->path;
        struct guid parent;
        bool made;
        size_t len;
        const char *name = path_component(path, path->n - 1, &len);
        const struct wanted_keys above = { .path = path, .n = path->n - 1, .layer = layer };

        if (path->n < 2)
                return registry_fail(d, REGISTRY_INVALID_NAME, "%s: a hive cannot be hidden", path->text);
        int e = check_hidable(path, d);
        if (e == 0)
                e = transaction_make_keys(tx, &above, &parent, &made, d);
        if (e != 0)
                return e;
        const struct store_path_entry *mine =
                registry_entry_in_layer(store_lookup(tx->store, &parent, name, len), layer);
        if (mine && mine->hidden)
                return 0;
        /* What the layer has in the key, nobody could see. */
        e = mine ? transaction_withdraw_tree(tx, &parent, name, layer) : 0;
        return e < 0 ? e : transaction_hide(tx, &parent, name, layer);
}

static int show_key(
        struct transaction *tx, const struct registry_write *w, const char *layer, struct diag *d)
{
        const struct path *path = w->path;
        const struct store_path_entry *mine = NULL;
        struct guid parent;
        size_t len;
        const char *name = path_component(path, path->n - 1, &len);

        int e = check_hidable(path, d);
        if (e != 0)
                return e;
        if (path->n > 1 && transaction_find_named(tx, path, path->n - 1, layer, &parent) == 0)
                mine = registry_entry_in_layer(store_lookup(tx->store, &parent, name, len), layer);
        if (mine && mine->hidden)
                return transaction_withdraw_entry(tx, &parent, name, layer);
        return w->if_needed ? 0
                            : registry_fail(d, REGISTRY_NOT_FOUND, "%s: layer %s does not hide the key",
                                      path->text, layer);
}

/* ---- Masking all values of a key ---- */

static bool has_blanket(const struct transaction *tx, const struct guid *key, const char *layer)
{
        return registry_blanket_in_layer(store_blankets(tx->store, key), layer);
}

static int mask_values(
        struct transaction *tx, const struct registry_write *w, const char *layer, struct diag *d)
{
        const struct wanted_keys want = {
                .path = w->path, .n = w->path->n, .layer = layer, .of_link = w->of_link
        };
        struct guid key;
        bool made;

        int e = check_hidable(w->path, d);
        if (e == 0)
                e = transaction_make_keys(tx, &want, &key, &made, d);
        return e != 0 || has_blanket(tx, &key, layer) ? e : transaction_set_blanket(tx, &key, layer, true);
}

static int unmask_values(
        struct transaction *tx, const struct registry_write *w, const char *layer, struct diag *d)
{
        struct guid key;

        int e = check_hidable(w->path, d);
        if (e != 0)
                return e;
        if (transaction_find_named(tx, w->path, w->path->n, layer, &key) == 0 &&
                has_blanket(tx, &key, layer))
                return transaction_set_blanket(tx, &key, layer, false);
        return w->if_needed
                       ? 0
                       : registry_fail(d, REGISTRY_NOT_FOUND,
                                 "%s: layer %s does not mask the values of the key", w->path->text, layer);
}

/* All of it or nothing, in the layer that can be written, and by its name. */
int registry_change(
        struct registry *r, enum registry_action action, const struct registry_write *w, struct diag *d)
{
        static const struct {
                int (*apply)(struct transaction *tx, const struct registry_write *w, const char *layer,
                        struct diag *d);
                bool is_removed; /* a key, so that nobody reaches it */
        } changes[] = {
                [CHANGE_SET] = { set_value, false },
                [CHANGE_DELETE] = { delete_value, false },
                [CHANGE_CREATE_KEY] = { create_key, false },
                [CHANGE_CREATE_LINK] = { create_link, false },
                [CHANGE_DELETE_KEY] = { delete_key, true },
                [CHANGE_HIDE_KEY] = { hide_key, true },
                [CHANGE_SHOW_KEY] = { show_key, false },
                [CHANGE_MASK_VALUES] = { mask_values, false },
                [CHANGE_UNMASK_VALUES] = { unmask_values, false },
        };
        struct transaction *tx = registry_transaction(r);
        _cleanup_way_ struct registry_way way = { 0 };
        struct registry_write at = *w;
        const char *layer = w->layer;
        struct savepoint sp;

        at.of_link |= action == CHANGE_CREATE_LINK;
        int e = transaction_check_writable(tx, &layer, d);
        if (e == 0)
                e = transaction_follow(tx, &at, changes[action].is_removed, &way, d);
        if (e == 0)
                e = savepoint_set(tx, &sp);
        if (e != 0)
                return e;
        at.path = way.path;
        return savepoint_close(tx, &sp, changes[action].apply(tx, &at, layer, d), d);
}
