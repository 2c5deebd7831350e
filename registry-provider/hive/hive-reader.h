/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A hive file that is read, whether its keys are a map (hive-keys.c) or a list (hive-json.c). */

#include "../../schema/base/hashmap.h"
#include "../../schema/yaml/yaml.h"
#include "hive.h"

struct hive_arena {
        struct buf bytes; /* name, NUL, data of each value, in their order */
        struct hive_value *values;
        size_t n;
};

struct hive_reader {
        const struct yaml_doc *doc;
        struct diag *diag;
        size_t value_max;
        const struct yaml_node *hives;
        const char *const *more_hives;
        struct diags *problems; /* of changes; NULL: a drop-in file, which its first problem ends */
        struct hive_file *file;
        struct hashmap keys;
        bool hides;            /* one of the keys is hidden */
        struct hashmap values; /* of the key that is read */
        size_t start;          /* of the value that is read, in the arena */
};

/* After what was said in r->diag: 0 where it was noted and the rest is to be read. */
_must_check_ int hive_note(struct hive_reader *r, int error);
/* Puts the place, and what stands there, in front of what a function said that does not know it. */
int hive_place(const struct hive_reader *r, const struct yaml_node *at, const char *what, int error);
/* Whether the name is a hive's here: a path_is_hive_t for a struct hive_reader. */
bool hive_is_hive(const char *name, size_t len, void *userdata);

/* Room for so many keys and values; first of all. */
_must_check_ int hive_reserve(struct hive_reader *r, size_t n_keys, size_t n_values);
/* The next key, which `name` names; it does nothing yet. */
_must_check_ int hive_begin_key(struct hive_reader *r, const struct yaml_node *name, struct hive_key **ret);
/* Values follow, at most so many. */
_must_check_ int hive_begin_values(struct hive_reader *r, struct hive_key *key, size_t n);
/* The next value, which `name` names; its bytes then go into r->file->arena->bytes. */
_must_check_ int hive_begin_value(
        struct hive_reader *r, const struct yaml_node *name, bool alone, struct hive_value **ret);
/* After an error of whatever concerned the value (r->diag) or 0: it is in, or left out and noted. */
_must_check_ int hive_end_value(struct hive_reader *r, struct hive_key *key, const struct yaml_node *name,
        const struct yaml_node *data, int error);
/* A key that is refused stays in its place and does nothing. */
void hive_make_inert(struct hive_key *key);
/* After all keys. */
_must_check_ int hive_end_keys(struct hive_reader *r);

_must_check_ int hive_read_keys(struct hive_reader *r, const struct yaml_node *keys);
_must_check_ int hive_read_json(struct hive_reader *r, const struct yaml_node *keys);
/* Whether the text begins as JSON does. */
bool hive_is_json(const char *data, size_t size);
/* The text with what JSON means otherwise than YAML written as both read it. 0, -EINVAL with d set, or
 * -ENOMEM. */
_must_check_ int hive_adapt_json(
        const char *name, const char *data, size_t size, struct buf *ret, struct diag *d);
