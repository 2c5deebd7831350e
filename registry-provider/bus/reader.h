/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What only reads the registry: Get, GetMany, List, Info and the keys as objects (reader.c), ReadTree
 * (reader-tree.c), Resolve and History (reader-why.c), and what the schema knows, Describe and ListKnown
 * (reader-schema.c). */

#include <systemd/sd-bus.h>

#include "../../schema/bus/gate.h"
#include "../registry/registry.h"
#include "writer.h"

struct reader {
        struct registry *registry;
        struct gate *gate;
        struct writer *writer; /* what waits there is made durable before anybody reads it */
};

/* The keys below the registry's object; the reader stays where it is. */
_must_check_ int reader_register(struct reader *reader, sd_bus *bus);

/* Methods; the userdata is the reader. */
int reader_get(sd_bus_message *m, void *userdata, sd_bus_error *error);
int reader_get_many(sd_bus_message *m, void *userdata, sd_bus_error *error);
int reader_list(sd_bus_message *m, void *userdata, sd_bus_error *error);
int reader_read_tree(sd_bus_message *m, void *userdata, sd_bus_error *error);
int reader_info(sd_bus_message *m, void *userdata, sd_bus_error *error);
int reader_resolve(sd_bus_message *m, void *userdata, sd_bus_error *error);
int reader_history(sd_bus_message *m, void *userdata, sd_bus_error *error);
int reader_describe(sd_bus_message *m, void *userdata, sd_bus_error *error);
int reader_list_known(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* What the two words can name. 0 or a registry's error. */
_must_check_ int reader_path(
        const struct registry *of, const char *key, const char *name, struct path *ret, struct diag *d);

/* The same of the registry, or of an earlier moment's; `name` is that of a value, where it is about one. 0,
 * or negative with `error` set: then it is to be answered. */
typedef int (*reader_answer_t)(struct reader *reader, struct registry *of, sd_bus_message *m,
        const char *key, const char *name, sd_bus_error *error);
/* Of the registry, to a call that has the key's path, and that name. */
int reader_answer(struct reader *reader, sd_bus_message *m, bool of_value, reader_answer_t answer,
        sd_bus_error *error);
int reader_answer_get(struct reader *reader, struct registry *of, sd_bus_message *m, const char *key,
        const char *name, sd_bus_error *error);
int reader_answer_list(struct reader *reader, struct registry *of, sd_bus_message *m, const char *key,
        const char *name, sd_bus_error *error);
int reader_answer_info(struct reader *reader, struct registry *of, sd_bus_message *m, const char *key,
        const char *name, sd_bus_error *error);
int reader_answer_resolve(struct reader *reader, struct registry *of, sd_bus_message *m, const char *key,
        const char *name, sd_bus_error *error);
/* A page of ReadTree(). */
struct reader_part {
        const char *layer, *after; /* NULL: none */
        bool whole;
        size_t keys_max; /* it ends after so many; 0: where it is full */
};
int reader_answer_tree(struct reader *reader, struct registry *of, sd_bus_message *m, const char *key,
        const struct reader_part *part, sd_bus_error *error);
/* Looks at what that page will look at, and returns its `keys_max`. */
size_t reader_look_at_tree(struct registry *of, const char *key, const struct reader_part *part);

/* answer_fail(), which also reports what failed in the store. */
int reader_fail(
        struct reader *reader, const struct registry *of, int e, const struct diag *d, sd_bus_error *error);
