/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "replay.h"

#include <errno.h>
#include <string.h>

/* Copies of the two tables, made for a frame that changes them: that is rare, and they are small. */
struct tables {
        struct state_hives hives;
        struct layers layers;
        bool used;
};

static int copy_tables(struct tables *t, const struct replay *from)
{
        int r = layers_init(&t->layers);
        for (size_t i = 0; r == 0 && i < from->layers->n; i++) {
                const struct layer *l = &from->layers->list[i];
                if (strcmp(l->name, LAYER_BASE) != 0)
                        r = layers_set(&t->layers, l->name, l->precedence, l->enabled, l->file);
        }
        for (size_t i = 0; r == 0 && i < from->hives->n; i++)
                r = state_hive_add(&t->hives, from->hives->list[i].name, &from->hives->list[i].root);
        t->used = true;
        return r;
}

static void tables_done(struct tables *t)
{
        state_hives_done(&t->hives);
        layers_done(&t->layers);
}

static int apply_to_tables(struct tables *t, const struct state_record *r)
{
        switch (r->kind) {
        case STATE_HIVE:
                return state_hive_add(&t->hives, r->name, &r->root);
        case STATE_LAYER:
                return layers_set(&t->layers, r->name, r->precedence, r->enabled, r->file);
        default:
                (void)layers_remove(&t->layers, r->name);
                return 0;
        }
}

static int apply_op(struct replay *to, const struct store_op *op)
{
        int e = store_apply(to->store, op);
        if (!store_value_is_refused(e))
                return e;
        to->left_out++;
        return 0;
}

static int apply(struct replay *to, struct tables *t, const struct state_record *r)
{
        if (r->kind == STATE_OP)
                return apply_op(to, &r->op);
        int e = t->used ? 0 : copy_tables(t, to);
        return e < 0 ? e : apply_to_tables(t, r);
}

static int apply_all(struct replay *to, struct tables *t, const struct frame *f)
{
        const uint8_t *p = f->payload;

        for (size_t left = f->size, used; left > 0; p += used, left -= used) {
                struct state_record record;
                int r = state_decode(p, left, &record, &used);
                if (r == 0)
                        r = apply(to, t, &record);
                if (r < 0)
                        return r;
        }
        return 0;
}

int replay_frame(struct replay *to, const struct frame *f)
{
        struct tables t = { 0 };

        int r = store_begin(to->store);
        if (r < 0)
                return r;
        r = apply_all(to, &t, f);
        if (r < 0) {
                store_rollback(to->store);
                tables_done(&t);
                return r == -ENOMEM || r == -EFBIG ? r : -EBADMSG;
        }
        store_commit(to->store);
        if (t.used) {
                state_hives_done(to->hives);
                layers_done(to->layers);
                *to->hives = t.hives;
                *to->layers = t.layers;
        }
        return 0;
}
