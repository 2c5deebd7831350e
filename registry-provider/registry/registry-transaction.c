/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions and durability. The store has two marks: the outer one goes back to the last sync, the inner
 * one to the begin of the open transaction. A change sets a third one for its own time. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "registry-holding.h"
#include "registry-internal.h"

static void forget(struct layers *saved)
{
        layers_done(saved);
        *saved = (struct layers){ 0 };
}

static void restore(struct layers *table, struct layers *saved)
{
        if (saved->n == 0)
                return;
        layers_done(table);
        *table = *saved;
        *saved = (struct layers){ 0 };
}

/* Of two saved states the older one is needed. */
static void keep_older(struct layers *synced, struct layers *begun)
{
        if (synced->n == 0)
                *synced = *begun;
        else
                layers_done(begun);
        *begun = (struct layers){ 0 };
}

static void trim_hives(struct registry *r, size_t n)
{
        while (r->hives.n > n)
                free(r->hives.list[--r->hives.n].name);
}

static void close_outer_mark(struct registry *r)
{
        if (!r->marked || r->unsynced)
                return;
        store_commit(r->store);
        r->marked = false;
        forget(&r->layers_synced);
        forget(&r->dropins_synced);
}

int registry_begin(struct registry *r)
{
        if (r->in_transaction)
                return -EBUSY;
        if (!r->marked) {
                int e = store_begin(r->store);
                if (e < 0)
                        return e;
                r->marked = true;
                r->hives_synced = r->hives.n;
        }
        int e = store_begin(r->store);
        if (e < 0) {
                close_outer_mark(r);
                return e;
        }
        r->sequence_begun = store_last_sequence(r->store);
        r->state_begun = r->state ? state_pending(r->state) : 0;
        r->hives_begun = r->hives.n;
        r->in_transaction = true;
        r->is_preview = false;
        r->room = SIZE_MAX;
        r->layers_touched = false;
        r->withdrawn = false;
        return 0;
}

int registry_begin_preview(struct registry *r, size_t room)
{
        int e = registry_begin(r);
        if (e < 0)
                return e;
        r->is_preview = true;
        r->room = room;
        return 0;
}

size_t registry_room(const struct registry *r)
{
        return r->room;
}

/* Each thing is held by a structure and an index, whatever it says itself. */
#define THING_BYTES 256u

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
        store_rollback(r->store);
        if (r->is_preview)
                store_return_sequence(r->store, r->sequence_begun);
        if (r->state)
                state_forget(r->state, r->state_begun);
        touches_clear(r);
        restore(&r->dropins, &r->dropins_begun);
        trim_hives(r, r->hives_begun);
        r->in_transaction = false;
        close_outer_mark(r);
}

int registry_save_dropins(struct registry *r)
{
        return r->dropins_begun.n > 0 ? 0 : registry_copy_layers(&r->dropins, &r->dropins_begun);
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

        assert(r->in_transaction);
        if (r->layers_touched)
                e = registry_rebuild_layers(r, &now);
        if (e == 0 && r->layers_touched)
                e = empty_deleted_layers(r, &now);
        if (e == 0)
                e = touches_to_events(r, r->layers_touched ? &now : &r->layers, &events);
        if (e < 0) {
                layers_done(&now);
                registry_events_done(&events);
                registry_abort(r);
                return e;
        }
        /* Each change is behind the last one for whoever follows by number. */
        if (r->withdrawn && store_last_sequence(r->store) == r->sequence_begun)
                (void)store_take_sequence(r->store);
        events.sequence = store_last_sequence(r->store);
        *ret_layers = now;
        *ret = events;
        return 0;
}

int registry_end_preview(struct registry *r, struct registry_events *ret)
{
        struct layers now;

        r->is_preview = true;
        int e = compute_events(r, &now, ret);
        if (e < 0)
                return e;
        layers_done(&now);
        registry_abort(r);
        ret->sequence = r->sequence_begun;
        return 0;
}

int registry_end(struct registry *r, struct registry_events *ret)
{
        struct layers now;
        int e = compute_events(r, &now, ret);
        if (e < 0)
                return e;
        if (r->layers_touched) {
                keep_older(&r->layers_synced, &r->layers);
                r->layers = now;
                r->layers_version++;
        }
        if (r->dropins_begun.n > 0)
                keep_older(&r->dropins_synced, &r->dropins_begun);
        touches_clear(r);
        store_commit(r->store);
        r->in_transaction = false;
        r->unsynced = true;
        return 0;
}

int registry_sync(struct registry *r, struct diag *d)
{
        int e = 0;

        if (r->in_transaction)
                return -EBUSY;
        if (r->state && !r->read_only)
                e = state_sync(r->state, d);
        /* Then it was about the numbers of failed changes alone, which the next sync tries again. */
        if (!r->unsynced)
                return 0;
        r->unsynced = false;
        if (e < 0) {
                store_rollback(r->store);
                r->marked = false;
                restore(&r->layers, &r->layers_synced);
                restore(&r->dropins, &r->dropins_synced);
                trim_hives(r, r->hives_synced);
                return e;
        }
        close_outer_mark(r);
        return 0;
}

int savepoint_set(struct registry *r, struct savepoint *ret)
{
        assert(r->in_transaction);
        int e = store_begin(r->store);
        if (e < 0)
                return e;
        *ret = (struct savepoint){ .state = r->state ? state_pending(r->state) : 0, .hives = r->hives.n };
        return 0;
}

int savepoint_close(struct registry *r, const struct savepoint *sp, int error)
{
        if (error >= 0) {
                store_commit(r->store);
                return error;
        }
        store_rollback(r->store);
        if (r->state)
                state_forget(r->state, sp->state);
        trim_hives(r, sp->hives);
        return error;
}

int registry_record(struct registry *r, const struct state_record *record)
{
        return r->state && !r->read_only ? state_add(r->state, record) : 0;
}

static bool key_is_volatile(const struct registry *r, const struct guid *guid)
{
        const struct store_key *key = store_key(r->store, guid);
        return key && key->is_volatile;
}

/* Whether the journal, which knows no volatile key, would not understand the operation. */
static bool op_is_volatile(const struct registry *r, const struct store_op *op)
{
        if (key_is_volatile(r, &op->guid))
                return true;
        if (op->code == STORE_CREATE_KEY)
                return op->is_volatile;
        if (op->code == STORE_CREATE_ENTRY)
                return key_is_volatile(r, &op->target);
        if (op->code != STORE_DELETE_ENTRY)
                return false;
        const struct store_path_entry *chain = store_lookup(r->store, &op->guid, op->name, strlen(op->name));
        const struct store_path_entry *entry = entry_in_layer(chain, op->layer);
        return entry && key_is_volatile(r, &entry->target);
}

int registry_op(struct registry *r, const struct store_op *op)
{
        bool is_volatile = op_is_volatile(r, op);
        int e = registry_take_room(r, op->size);
        if (e == 0)
                e = store_apply(r->store, op);
        if (e == 0)
                r->withdrawn |= op->code == STORE_DELETE_VALUE || op->code == STORE_DELETE_ENTRY ||
                                (op->code == STORE_SET_BLANKET && !op->set);
        if (e < 0 || is_volatile)
                return e;
        return registry_record(r, &(struct state_record){ .kind = STATE_OP, .op = *op });
}
