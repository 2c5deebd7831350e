/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions and durability. A change has a transaction of the store's of its own inside the registry's.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "registry-holding.h"
#include "registry-internal.h"
#include "registry-layers.h"

static void trim_hives(struct registry *r, size_t n)
{
        while (r->hives.n > n)
                free(r->hives.list[--r->hives.n].name);
}

static void transaction_opened(struct registry *r, size_t room)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);

        r->history_begun = history_last(r->store);
        r->hives_begun = r->hives.n;
        r->time = clock_of(CLOCK_REALTIME) * 1000;
        r->in_transaction = true;
        r->room = room;
        r->layers_touched = false;
        r->withdrawn_at = 0;
}

static void transaction_closed(struct registry *r)
{
        touches_clear(r);
        r->in_transaction = false;
        r->is_preview = false;
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
                transaction_opened(r, SIZE_MAX);
        return e;
}

int registry_begin_preview(struct registry *r, size_t room)
{
        if (r->in_transaction || store_is_pending(r->store))
                return -EBUSY;
        int e = store_begin_preview(r->store);
        if (e == 0) {
                transaction_opened(r, room);
                r->is_preview = true;
        }
        return e;
}

void registry_end_with_failure(struct registry *r)
{
        assert(r->in_transaction);
        r->ends_with_failure = true;
}

size_t registry_room(const struct registry *r)
{
        return r->room;
}

/* Each thing is held by a structure and an index, whatever it says itself; and the database holds the pages
 * that change with it, and what they were before. */
#define THING_BYTES 1024u

int registry_take_room(struct registry *r, size_t bytes)
{
        bytes += THING_BYTES;
        if (bytes > r->room) {
                r->room = 0;
                return -EFBIG;
        }
        r->room -= bytes;
        return 0;
}

void registry_abort(struct registry *r)
{
        if (!r->in_transaction)
                return;
        if (r->is_preview)
                store_abandon(r->store);
        else
                store_rollback(r->store);
        trim_hives(r, r->hives_begun);
        transaction_closed(r);
}

/* Deleting a layer removes all its entries. A drop-in's go with its file. */
static int empty_deleted_layers(struct registry *r, const struct layers *now)
{
        _cleanup_(holding_done) struct holding holding = { 0 };
        bool any = false;
        int e = 0;

        for (size_t i = 0; e == 0 && i < r->layers.n; i++) {
                const struct layer *l = &r->layers.list[i];
                if (l->file || layers_find(now, l->name))
                        continue;
                any = true;
                e = holding_add_layer(&holding, l->name);
        }
        if (e == 0 && any)
                e = holding_load(r, &holding);
        return e < 0 || !any ? e : holding_withdraw(r, &holding);
}

/* The table of layers as the transaction leaves it (only where it touched it), and the events. */
static int compute_events(struct registry *r, struct layers *ret_layers, struct registry_events *ret)
{
        struct layers now = { 0 };
        struct registry_events events = { 0 };
        int e = 0;

        assert(r->in_transaction && !r->has_failed);
        if (r->layers_touched)
                e = registry_layers_load(r->store, &r->layers, &now);
        if (e == 0 && r->layers_touched)
                e = empty_deleted_layers(r, &now);
        if (e == 0)
                e = touches_to_events(r, r->layers_touched ? &now : &r->layers, &events);
        if (e == 0)
                e = store_error(r->store, NULL);
        if (e < 0) {
                layers_done(&now);
                registry_events_done(&events);
                registry_abort(r);
                return e;
        }
        events.sequence = store_last_sequence(r->store);
        *ret_layers = now;
        *ret = events;
        return 0;
}

int registry_end_preview(struct registry *r, struct registry_events *ret)
{
        struct layers now;

        assert(r->is_preview);
        int e = compute_events(r, &now, ret);
        if (e < 0)
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

        if (e < 0)
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

int savepoint_set(struct registry *r, struct savepoint *ret)
{
        assert(r->in_transaction);
        int e = r->ends_with_failure ? store_error(r->store, NULL) : store_begin(r->store, NULL);
        if (e == 0)
                *ret = (struct savepoint){ .scope = store_scope_begin(r->store), .hives = r->hives.n };
        return e;
}

int savepoint_close(struct registry *r, struct savepoint *sp, int error, struct diag *d)
{
        int failed = store_error(r->store, d);

        if (failed < 0)
                error = failed;
        /* The store forgets an error where nobody looks at what was read. */
        store_scope_end(&sp->scope);
        if (r->ends_with_failure) {
                r->has_failed |= error < 0;
                return error;
        }
        if (error >= 0)
                error = store_commit(r->store);
        else
                store_rollback(r->store);
        if (error < 0) {
                trim_hives(r, sp->hives);
                r->withdrawn_at = 0;
        }
        return error;
}

/* What withdraws something makes nothing that could bear a number: all of it has one together, as long as it
 * is the last one, so that each change is behind the one before for whoever follows by number. */
static uint64_t withdrawal_number(struct registry *r)
{
        if (r->withdrawn_at == 0 || r->withdrawn_at != store_last_sequence(r->store))
                r->withdrawn_at = store_take_sequence(r->store);
        return r->withdrawn_at;
}

int registry_op(struct registry *r, const struct store_op *op)
{
        struct store_op numbered = *op;
        int e = registry_take_room(r, op->size);

        if (e == 0)
                e = registry_is_policy(r, op, &numbered.is_policy);
        if (e < 0)
                return e;
        if (op->code == STORE_DELETE_VALUE || op->code == STORE_DELETE_ENTRY ||
                (op->code == STORE_SET_BLANKET && !op->set))
                numbered.sequence = withdrawal_number(r);
        return store_apply(r->store, &numbered);
}
