/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Registry paths and names: `Hive\Component\Component`, input with `\` or `/`, output always with `\`. A
 * leading separator is ignored; a path whose first component names no hive is under Machine. The roots of
 * regedit mean the hive that is their counterpart (HKLM is Machine, HKU is Users where that is a hive), or
 * are refused. Pure. */

#include "../base/diag.h"
#include "fold.h"

#define NAME_BYTES_MAX 255u /* of a component, a value, a layer */
#define PATH_BYTES_MAX 16383u
#define PATH_DEPTH_MAX 512u
#define DEFAULT_HIVE "Machine"
#define RESERVED_HIVE "CurrentUser" /* on Peios, the caller's own hive */

struct path {
        char *text; /* canonical: Hive\A\B, NUL-terminated, spelling as given */
        size_t len;
        size_t n;       /* components, at least 1 (the hive) */
        uint16_t *ends; /* n offsets in text: component i is [i ? ends[i-1] + 1 : 0, ends[i]) */
};

/* Whether the folded name is a hive; NULL means that only "Machine" is one. */
typedef bool (*path_is_hive_t)(const char *name, size_t len, void *userdata);
/* One for paths that are never without their hive, whatever its name. */
bool path_any_hive(const char *name, size_t len, void *userdata);

/* Returns 0, -ENOMEM, or -EINVAL / -ENAMETOOLONG with d saying which component, what is wrong and what is
 * allowed. `input` need not be NUL-terminated; an empty input or a lone separator is -EINVAL. */
_must_check_ int path_parse(const char *input, size_t len, path_is_hive_t is_hive, void *userdata,
        struct path *ret, struct diag *d);
void path_done(struct path *p);
#define _cleanup_path_ _cleanup_(path_done)
/* The bytes that it holds. */
size_t path_bytes(const struct path *p);

const char *path_component(const struct path *p, size_t i, size_t *ret_len);

/* Is `inner` the same path as `outer`, or below it? */
bool path_equal(const struct path *a, const struct path *b);
bool path_is_below(const struct path *inner, const struct path *outer);

/* 0, or -EINVAL / -ENAMETOOLONG with the reason in d. A value name may be empty and may hold `\` and `/`. */
_must_check_ int path_check_component(const char *s, size_t len, struct diag *d);
_must_check_ int path_check_value_name(const char *s, size_t len, struct diag *d);
/* A layer's name follows the rules of a component. */

/* How a value's name is written wherever people write one (command line, hive and schema files, what is
 * shown): `@` is the default value, whose name is empty, and so that a value can be called `@` a name of
 * nothing but `@` has one more. What is returned points into the argument, or is constant. */
const char *path_value_name_of_word(const char *word);
const char *path_word_of_value_name(const char *name);

/* Whether it is one of regedit's roots, in any case: no hive can have such a name. */
bool path_is_root(const char *name, size_t len);
/* Its long name, HKEY_CURRENT_USER of HKCU; NULL: it is none of them. */
const char *path_root_name(const char *name, size_t len);
/* Whether the (valid) name is RESERVED_HIVE: no hive can have it either, and no path begin with it. */
bool path_is_reserved(const char *name, size_t len);
/* Whether the (valid) name is one that only layers from the fleet have. */
bool path_is_fleet_layer(const char *name, size_t len);
/* The group whose policy such a layer is, in the argument; NULL: it is none. */
const char *path_fleet_group(const char *layer);
bool path_is_temporary_layer(const char *name, size_t len);
/* What is shown of a path behind its first separator: the default hive is left out, unless what follows
 * would then be taken for a hive. */
const char *path_without_default(const char *path);
/* The hive that a root in front of a path stands for, and how many bytes that is there instead; or NULL. */
const char *path_root_hive(const char *path, size_t *ret_taken);
/* The other way: the long name of the root that a hive is the counterpart of, or NULL. */
const char *path_root_of_hive(const char *hive, size_t len);

/* What a state file may hold: also the noncharacters that were allowed in names once. Nothing new has them,
 * but one such name must not make the rest of the state unreadable. */
bool path_component_is_storable(const char *s, size_t len);
bool path_value_name_is_storable(const char *s, size_t len);

/* Layers with a name of their own. */

/* Always there: precedence 0, enabled. */
#define LAYER_BASE "base"
/* Shown as the source of a schema default; no real layer may be called so. */
#define LAYER_DEFAULT "default"
/* In front of a group's name: the layer that comes from the fleet. */
#define LAYER_FLEET "fleet-"
/* In front of what nobody chose: layers with an end that whoever may write may make. */
#define LAYER_TEMPORARY "temporary-"
/* Below it each layer has a key, which says what the layer is. */
#define LAYERS_KEY "\\System\\Registry\\Layers"
