/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "waiting.h"

struct held *held_free(struct held *h)
{
        if (!h)
                return NULL;
        sd_bus_message_unref(h->m);
        sd_bus_message_unref(h->error);
        free(h->person);
        free(h);
        return NULL;
}

static void link_waiting(struct waiting *w, struct caller *c)
{
        c->prev = w->last;
        c->next = NULL;
        if (w->last)
                w->last->next = c;
        else
                w->first = c;
        w->last = c;
}

static void unlink_waiting(struct waiting *w, struct caller *c)
{
        if (c->prev)
                c->prev->next = c->next;
        else
                w->first = c->next;
        if (c->next)
                c->next->prev = c->prev;
        else
                w->last = c->prev;
        c->next = c->prev = NULL;
}

void waiting_put(struct waiting *w, struct caller *c, struct held *h, bool first)
{
        if (!c->held)
                link_waiting(w, c);
        if (first || !c->held) {
                h->next = c->held;
                c->held = h;
                if (!h->next)
                        c->held_last = h;
        } else {
                c->held_last->next = h;
                c->held_last = h;
        }
        c->n_held++;
        c->held_bytes += h->bytes;
        c->user->held_bytes += h->bytes;
        w->bytes += h->bytes;
}

struct held *waiting_take(struct waiting *w, struct caller *c)
{
        struct held *h = c->held;

        c->held = h->next;
        c->n_held--;
        c->held_bytes -= h->bytes;
        c->user->held_bytes -= h->bytes;
        w->bytes -= h->bytes;
        unlink_waiting(w, c);
        /* Others are next. */
        if (c->held)
                link_waiting(w, c);
        return h;
}
