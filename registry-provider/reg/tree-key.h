/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A page of ReadTree(): its keys, and the values of each, which come by columns. */

#include <systemd/sd-bus.h>

#include "../../schema/values/value.h"

/* Bits of ReadTree(). */
enum {
        TREE_KEY_IS_NAMED = 1,
        TREE_KEY_IS_HIDDEN = 2,
        TREE_KEY_IS_MASKED = 4,
        TREE_KEY_IS_VOLATILE = 8,
        TREE_KEY_IS_LINK = 16,
};

/* It may be read into again and again. All that it points to is the message's, but the list of layers. */
struct tree_key {
        const char *path;
        uint32_t flags;
        size_t n;    /* values */
        size_t next; /* of them */
        const char **layers;
        size_t n_layers;
        const uint32_t *types, *from, *sizes;
        const uint64_t *sequences;
        const char *data, *names; /* of the next value */
};

struct tree_value {
        const char *name, *layer;
        uint64_t sequence;
        struct value value;
};

void tree_key_done(struct tree_key *k);
#define _cleanup_tree_key_ _cleanup_(tree_key_done)

_must_check_ int tree_page_enter(sd_bus_message *m);
/* 1; 0: there is no other; or negative: -EBADMSG where the columns do not fit each other. */
_must_check_ int tree_key_next(sd_bus_message *m, struct tree_key *k);
/* False: the key has no other. */
bool tree_value_next(struct tree_key *k, struct tree_value *ret);
