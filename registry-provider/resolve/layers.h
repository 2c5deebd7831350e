/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The table of known layers: name (case-insensitive), precedence, enabled, its end if it has one, and the
 * drop-in file behind it if there is one. `base` is always there: precedence 0, enabled.
 *
 * A layer is known because a drop-in file declares it, or because its metadata are registry values,
 * Machine\System\Registry\Layers\<name>\{Precedence,Enabled,Ends}. Metadata are read from the base layer's
 * own entries alone: read effectively, a layer could raise or enable itself. They override a file's, but not
 * one of the fleet's; a file's layer ends with its file. */

#include <stdbool.h>
#include <stdint.h>

#include "../../schema/base/diag.h"
#include "../../schema/base/ending.h"
#include "../../schema/names/path.h"
#include "../../schema/schema.h"
#include "../../schema/values/value.h"
#include "../store/store.h"

/* What a caller of the registry has to expect: positive, so that it is never taken for an errno. */
enum registry_error {
        REGISTRY_NOT_FOUND = 1, /* no such key, value (in the layer), or layer */
        REGISTRY_EXISTS,
        REGISTRY_INVALID_NAME,  /* path, value name or layer name, or one that this cannot be done with */
        REGISTRY_INVALID_VALUE, /* no such type, or bytes that do not fit it */
        REGISTRY_TOO_LARGE,     /* a value, or a transaction */
        REGISTRY_READ_ONLY,     /* a drop-in's layer */
        REGISTRY_NOT_EMPTY,     /* a key with subkeys */
        REGISTRY_CONFLICT,      /* another sequence than the expected one is there */
        REGISTRY_LIMIT,         /* a layer too many, in all or with the value */
        REGISTRY_CORRUPT,       /* two layers' entries have the same precedence and sequence */
        REGISTRY_NOT_KEPT,      /* a moment or change that is not in the history (any more) */
        REGISTRY_LINK_LOOP,     /* links that lead to each other, or too many */
        REGISTRY_BAD_LINK,      /* a link that leads nowhere, or stands where a key was expected */
        REGISTRY_UNACCEPTED,    /* what the schema speaks against, of who asks it (registry_judge()) */
};
/* Sets the text (d may be NULL) and returns `error`. */
#define registry_fail(d, error, ...) (-diag_set((d), (int)(error), __VA_ARGS__))

#define LAYERS_MAX 1024u
/* Of these, with names that begin with LAYER_TEMPORARY: of all users but root, and of each. */
#define LAYERS_TEMPORARY_MAX 64u
#define LAYERS_TEMPORARY_PER_USER_MAX 16u

struct layer {
        char *name;
        uint32_t precedence;
        bool enabled;
        char *file;       /* drop-in file of a read-only layer; NULL for one that can be written */
        struct seal seal; /* of the file */
        bool has_end;
        bool is_over; /* the end had passed when the table first had it: then the layer is not enabled */
        struct ending end;
};

struct layers {
        struct layer *list; /* sorted by folded name; moves when a layer is set or removed */
        size_t n;
};

/* A table that holds only `base`. 0 or -ENOMEM. */
_must_check_ int layers_init(struct layers *l);
void layers_done(struct layers *l);

const struct layer *layers_find(const struct layers *l, const char *name);
/* Adds or replaces, spelling included. `file` may be NULL. -EINVAL for a change of `base`, -E2BIG above
 * LAYERS_MAX, -ENOMEM; nothing is changed then. */
_must_check_ int layers_set(
        struct layers *l, const char *name, uint32_t precedence, bool enabled, const char *file);
/* The same of a layer that is a file. */
_must_check_ int layers_set_file(struct layers *l, const struct store_file *f);
/* False if there is no such layer, or it is `base`. */
bool layers_remove(struct layers *l, const char *name);
/* Whether it appeared, went, moved or was switched. */
bool layers_changed(const struct layers *a, const struct layers *b, const char *name);
/* *layer becomes the known layer's own spelling; NULL is the base layer. 0 or an
 * enum registry_error. */
_must_check_ int layers_check_writable(const struct layers *list, const char **layer, struct diag *d);

/* ---- As the store says ---- */

/* Base and the layers that files stand behind, as the files say. 0, -E2BIG, -ENOMEM, or what the store says,
 * as all of these. */
_must_check_ int layers_of_files(const struct store *s, struct layers *ret);
/* Metadata add layers, and override a file's. Of what is refused, what was in force `before` stays (NULL:
 * that is not known). A layer whose end has passed is not enabled; where it counted before it does so until
 * it is deleted, which is a change like any other. */
_must_check_ int layers_add_metadata(const struct store *s, const struct layers *before, struct layers *l);
/* Both. */
_must_check_ int layers_load(const struct store *s, const struct layers *before, struct layers *ret);
/* The same of an earlier moment, when no end had passed. */
_must_check_ int layers_load_past(const struct store *s, struct layers *ret);

/* At or below Machine\System\Registry\Layers; with `above`, also what it is in. */
bool layers_is_metadata(const struct path *path, bool above);
/* That key, and those above it. */
bool layers_metadata_are_in(const struct path *path);
/* REGISTRY_INVALID_NAME for metadata of a layer that cannot have any. */
_must_check_ int layers_check_metadata(const struct path *path, struct diag *d);

/* The key of a layer's metadata. 0 or negative errno. */
_must_check_ int layers_metadata_path(const char *layer, struct path *ret);

/* A layer's Precedence that is no REG_DWORD, an Enabled that is no REG_DWORD of 0 or 1, or Ends that is no
 * struct ending or of a layer that is a file: it is kept, and does not count. What was in force before
 * stays; where that is not known, after a start, the layer is disabled, or has precedence 0. */
struct layers_refused {
        const char *layer;
        const char *name;
        struct value value;
        const char *expected;
        const char *in_force;
};
/* All are borrowed. 0, or what the store says: then it may not be all of them. */
typedef void (*layers_refused_t)(const struct layers_refused *refused, void *userdata);
_must_check_ int layers_each_refused(
        const struct store *s, const struct layers *in_force, layers_refused_t fn, void *userdata);
