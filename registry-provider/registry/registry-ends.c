/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers that end by themselves: made together with what is written to them, and deleted at their end. */
#include "transaction.h"

#include <errno.h>
#include <string.h>

/* Who wrote the layer's end last; AUDIT_ID_UNSET where the history does not have it any more. */
static uint32_t find_maker(struct registry *r, const char *layer)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(r);
        const struct history_row *row = NULL;
        _cleanup_path_ struct path path = { 0 };
        struct registry_value ends;

        if (layers_metadata_path(layer, &path) == 0 && registry_get(r, &path, "Ends", &ends, NULL) == 0)
                row = history_writer(registry_store(r), ends.sequence);
        return row && row->author ? row->author->actor.uid : AUDIT_ID_UNSET;
}

/* Whoever may write may make them: they must not use up what files' layers need, nor a value's layers, nor
 * what others need. */
static int check_temporary(struct registry *r, uint32_t uid, struct diag *d)
{
        const struct layers *l = registry_transaction(r)->layers;
        unsigned n = 0, of_user = 0;

        for (size_t i = 0; uid != 0 && i < l->n; i++)
                if (!l->list[i].file && path_is_temporary_layer(l->list[i].name, strlen(l->list[i].name))) {
                        n++;
                        of_user += find_maker(r, l->list[i].name) == uid;
                }
        if (n < LAYERS_TEMPORARY_MAX && of_user < LAYERS_TEMPORARY_PER_USER_MAX)
                return 0;
        return registry_fail(d, REGISTRY_LIMIT,
                "there are %u temporary layers already, %u of them of uid %u, at most are %u, and %u of one user; one has "
                "to end before",
                n, of_user, uid, LAYERS_TEMPORARY_MAX, LAYERS_TEMPORARY_PER_USER_MAX);
}

int registry_make_layer(struct registry *r, const char *name, const char *ends, uint32_t uid, struct diag *d)
{
        struct transaction *tx = registry_transaction(r);
        const struct value v = { .type = REG_SZ, .data = ends, .size = strlen(ends) };
        _cleanup_path_ struct path path = { 0 };
        struct ending end;

        if (!ending_parse(ends, v.size, &end))
                return registry_fail(d, REGISTRY_INVALID_VALUE,
                        "layer '%s' cannot end at '%s', expected " ENDING_EXPECTED, name, ends);
        if (layers_find(tx->layers, name) || tx->layer_made)
                return registry_fail(d, REGISTRY_EXISTS,
                        "layer '%s' is there already, expected a name that is free for a layer with an end",
                        name);
        int e = path_is_temporary_layer(name, strlen(name)) ? check_temporary(r, uid, d) : 0;
        if (e == 0)
                e = layers_metadata_path(name, &path);
        if (e != 0)
                return e;
        e = registry_change(
                r, CHANGE_SET, &(struct registry_write){ .path = &path, .name = "Ends", .value = &v }, d);
        if (e != 0)
                return e;
        tx->layer_made = strdup(name);
        return tx->layer_made ? 0 : -ENOMEM;
}

static int delete_layer(struct registry *r, const struct layer *l, struct diag *d)
{
        _cleanup_path_ struct path path = { 0 };

        int e = layers_metadata_path(l->name, &path);
        if (e < 0)
                return e;
        return registry_change(r, CHANGE_DELETE_KEY,
                &(struct registry_write){ .path = &path, .name = "", .if_needed = true, .recursive = true },
                d);
}

static int delete_those(
        struct registry *r, const struct ending_clocks *now, struct registry_events *ret, struct diag *d)
{
        const struct layers *layers = registry_layers(r);
        int e = 0;

        for (size_t i = 0; e == 0 && i < layers->n; i++) {
                const struct layer *l = &layers->list[i];
                if (l->has_end && ending_is_over(&l->end, now))
                        e = delete_layer(r, l, d);
        }
        if (e == 0)
                return registry_end(r, ret);
        registry_abort(r);
        return e;
}

int registry_end_layers(struct registry *r, const struct ending_clocks *now,
        const struct store_author *author, struct registry_events *ret, struct diag *d)
{
        const struct layers *layers = registry_layers(r);
        bool any = false;

        *ret = (struct registry_events){ 0 };
        for (size_t i = 0; !any && i < layers->n; i++)
                any = layers->list[i].has_end && ending_is_over(&layers->list[i].end, now);
        int e = any ? registry_begin(r, author) : 0;
        if (any && e == 0)
                e = delete_those(r, now, ret, d);
        return registry_explain(r, e, d);
}
