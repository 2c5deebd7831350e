/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a registry must do, without a store: per layer, which keys it names and which values it has. Changes
 * return what the registry must return. A struct model can be copied. */

#include "registry-util.h"

#define MODEL_LAYERS 4u
#define MODEL_NAMES 3u
#define MODEL_KEYS 8u

struct model_key {
        const char *path;
        int parent; /* -1: the hive */
        bool is_volatile;
};
extern const struct model_key model_keys[MODEL_KEYS];
extern const char *const model_names[MODEL_NAMES];
extern const char *const model_layers[MODEL_LAYERS];

struct model_value {
        bool there;
        unsigned number; /* 0: a tombstone */
        unsigned time;
};

struct model_layer {
        unsigned precedence;
        unsigned enabled; /* the number that is written; above 1 it is refused */
        bool on;          /* in force; MODEL_UNSET is on */
};
#define MODEL_UNSET 99u

struct model {
        bool named[MODEL_LAYERS][MODEL_KEYS];
        struct model_value values[MODEL_LAYERS][MODEL_KEYS][MODEL_NAMES];
        struct model_layer layers[MODEL_LAYERS];
        struct model_layer next_layers[MODEL_LAYERS]; /* from the end of the transaction on */
        bool layers_touched;
        unsigned time;
};

void model_init(struct model *m);
void model_begin(struct model *m);
void model_end(struct model *m);
/* What a restart forgets: volatile keys, and what was in force before a number that is refused: that layer
 * is off then, and the result true. */
bool model_restart(struct model *m);

/* Whether any layer names it. */
bool model_is_there(const struct model *m, unsigned key);
int model_set(struct model *m, unsigned layer, unsigned key, unsigned name, unsigned number);
int model_delete(struct model *m, unsigned layer, unsigned key, unsigned name);
int model_create(struct model *m, unsigned layer, unsigned key);
int model_delete_key(struct model *m, unsigned layer, unsigned key, bool recursive);
/* The layer does not name the key any more, and keeps what it has in it. False: nobody else does, or it does
 * not itself. */
bool model_unname(struct model *m, unsigned layer, unsigned key);
void model_set_precedence(struct model *m, unsigned layer, unsigned precedence);
void model_set_enabled(struct model *m, unsigned layer, unsigned enabled);

/* `layer precedence enabled`, `layer path` for each key that it names, `layer path name=number`. */
struct dump model_contents(const struct model *m);
/* `path` for each visible key, `path name=number@layer` for each effective value. */
struct dump model_dump(const struct model *m);
