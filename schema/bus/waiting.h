/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Calls that wait, each connection's in their order, and the connections whose calls wait. */

#include "caller.h"

struct held {
        struct held *next;
        sd_bus_message *m;
        size_t bytes;
        bool is_large;
        char *person;          /* unique name of whoever it is made for */
        sd_bus_message *error; /* the call was refused: this is to be sent, and there is no `m` */
};

struct waiting {
        struct caller *first, *last;
        size_t bytes; /* of all calls */
};

struct held *held_free(struct held *h);
/* Behind the caller's others, or before them. It is owned by the caller then. */
void waiting_put(struct waiting *w, struct caller *c, struct held *h, bool first);
/* The caller's first, which there is. Other callers are next then. */
struct held *waiting_take(struct waiting *w, struct caller *c);
