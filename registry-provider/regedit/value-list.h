/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The values of one key: those that are set, those that the schema knows in it, and those that the layer
 * which is written to masks, in the order of their names. What they hold is the provider's answers'. No
 * terminal. */

#include "../../schema/bus/description.h"
#include "../reg/entry.h"

struct value_row {
        const char *name;
        const struct entry *entry;       /* NULL: nobody set it */
        const struct description *known; /* NULL: the schema does not know it */
        bool is_masked;                  /* by the layer that is written to */
        uint64_t marked;                 /* as a key's */
        struct contenders layers;        /* maybe as they were before it was changed */
        struct buf origin;               /* who wrote the one that wins */
        bool is_asked;                   /* for its layers */
};

struct value_list {
        struct buf key; /* the path of the key that they are of; "": of none */
        bool is_read;
        struct value_row *rows;
        size_t n, selected;
        struct entry *entries;
        size_t n_entries;
        struct description *known;
        size_t n_known;
        const char **masks; /* names */
        size_t n_masks;
        sd_bus_message *entries_reply, *known_reply, *masks_reply;
};

void value_list_done(struct value_list *l);
/* Becomes the empty list of this key; nothing where it is this key's. */
void value_list_begin(struct value_list *l, const char *key);
/* The answer of List() behind the subkeys, that of ReadTree() of a layer, and that of ListKnown(), which is
 * the last; NULL: there is nothing. 0 or negative errno. */
_must_check_ int value_list_take_entries(struct value_list *l, sd_bus_message *reply);
_must_check_ int value_list_take_masks(struct value_list *l, sd_bus_message *reply);
_must_check_ int value_list_take_known(struct value_list *l, sd_bus_message *reply);
/* NULL: there is none of this name, or none is selected. */
struct value_row *value_list_find(const struct value_list *l, const char *name);
/* The answer of Resolve() behind the path. 0 or negative errno. */
_must_check_ int value_row_take_layers(struct value_row *row, sd_bus_message *reply);
struct value_row *value_list_selected(const struct value_list *l);
