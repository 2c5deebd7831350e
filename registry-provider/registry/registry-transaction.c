/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions and durability. The store has two marks: the outer one goes back to the last sync, the inner
 * one to the begin of the open transaction. */

#include <errno.h>

#include "registry-internal.h"

int registry_begin(struct registry *r)
{
        int e;

        if (r->in_transaction)
                return -EBUSY;
        if (!r->marked) {
                e = store_begin(r->store);
                if (e < 0)
                        return e;
                r->marked = true;
        }
        e = store_begin(r->store);
        if (e < 0)
                return e;
        r->state_mark = r->state ? state_pending(r->state) : 0;
        r->in_transaction = true;
        r->layers_touched = false;
        return 0;
}

static void restore(struct layers *table, struct layers *saved)
{
        if (saved->n == 0)
                return;
        layers_done(table);
        *table = *saved;
        *saved = (struct layers){ 0 };
}

static void forget_saved(struct registry *r)
{
        layers_done(&r->layers_synced);
        layers_done(&r->dropins_synced);
        r->layers_synced = r->dropins_synced = (struct layers){ 0 };
}

static void close_outer_mark(struct registry *r)
{
        if (r->marked && !r->unsynced) {
                store_commit(r->store);
                r->marked = false;
                forget_saved(r);
        }
}

void registry_abort(struct registry *r)
{
        if (!r->in_transaction)
                return;
        store_rollback(r->store);
        if (r->state)
                state_forget(r->state, r->state_mark);
        touches_clear(r);
        r->in_transaction = false;
        /* A drop-in transaction is alone in its group: undoing it is going back to the last sync. */
        restore(&r->dropins, &r->dropins_synced);
        close_outer_mark(r);
}

/* The table of layers as the transaction leaves it (only where it touched it), and the events. */
static int compute_events(struct registry *r, struct layers *ret_layers, struct registry_events *ret)
{
        struct layers now = { 0 };
        struct registry_events events = { 0 };
        int e = 0;

        if (r->layers_touched)
                e = registry_rebuild_layers(r, &now);
        if (e == 0)
                e = touches_to_events(r, r->layers_touched ? &now : &r->layers, &events);
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
        int e = compute_events(r, &now, ret);
        if (e < 0)
                return e;
        layers_done(&now);
        registry_abort(r);
        return 0;
}

int registry_end(struct registry *r, struct registry_events *ret)
{
        struct layers now;
        struct registry_events events;
        int e = compute_events(r, &now, &events);
        if (e < 0)
                return e;
        if (r->layers_touched) {
                if (r->layers_synced.n == 0)
                        r->layers_synced = r->layers;
                else
                        layers_done(&r->layers);
                r->layers = now;
        }
        touches_clear(r);
        store_commit(r->store);
        r->in_transaction = false;
        r->unsynced = true;
        *ret = events;
        return 0;
}

int registry_sync(struct registry *r, struct diag *d)
{
        int e = 0;

        if (!r->unsynced)
                return 0;
        if (r->state && !r->read_only && state_pending(r->state) > 0)
                e = state_sync(r->state, d);
        r->unsynced = false;
        if (e < 0) {
                store_rollback(r->store);
                r->marked = false;
                restore(&r->layers, &r->layers_synced);
                restore(&r->dropins, &r->dropins_synced);
                return e;
        }
        close_outer_mark(r);
        return 0;
}

int registry_record(struct registry *r, const struct state_record *record)
{
        return r->state && !r->read_only ? state_add(r->state, record) : 0;
}

int registry_op(struct registry *r, const struct store_op *op, bool is_volatile)
{
        int e = store_apply(r->store, op);
        if (e < 0 || is_volatile)
                return e;
        return registry_record(r, &(struct state_record){ .kind = STATE_OP, .op = *op });
}
