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
int reader_info(sd_bus_message *m, void *userdata, sd_bus_error *error);
int reader_resolve(sd_bus_message *m, void *userdata, sd_bus_error *error);
int reader_history(sd_bus_message *m, void *userdata, sd_bus_error *error);
int reader_describe(sd_bus_message *m, void *userdata, sd_bus_error *error);
int reader_list_known(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* What a call is about. */
struct reader_question {
        const char *key;
        const char *name; /* of a value; NULL: it is about none */
        bool of_link;     /* where the key is a link, that itself */
};

/* Where the key is: `way.path`. */
struct reader_place {
        struct path given;
        struct registry_way way;
};
void reader_place_done(struct reader_place *p);
#define _cleanup_place_ _cleanup_(reader_place_done)
/* *ret is empty before. 0 or a registry's error. */
_must_check_ int reader_find(const struct registry *of, const struct reader_question *q,
        struct reader_place *ret, struct diag *d);
/* The same, of what need not be there: a link that cannot be followed is taken for a key. */
_must_check_ int reader_find_any(const struct registry *of, const struct reader_question *q,
        struct reader_place *ret, struct diag *d);

/* The same of the registry, or of an earlier moment's. 0, or negative with `error` set: then it is to be
 * answered. */
typedef int (*reader_answer_t)(struct reader *reader, struct registry *of, sd_bus_message *m,
        const struct reader_question *q, sd_bus_error *error);
/* Of the registry, to a call that has the key's path, and that name. */
int reader_answer(struct reader *reader, sd_bus_message *m, bool of_value, reader_answer_t answer,
        sd_bus_error *error);
int reader_answer_get(struct reader *reader, struct registry *of, sd_bus_message *m,
        const struct reader_question *q, sd_bus_error *error);
int reader_answer_list(struct reader *reader, struct registry *of, sd_bus_message *m,
        const struct reader_question *q, sd_bus_error *error);
int reader_answer_info(struct reader *reader, struct registry *of, sd_bus_message *m,
        const struct reader_question *q, sd_bus_error *error);
int reader_answer_resolve(struct reader *reader, struct registry *of, sd_bus_message *m,
        const struct reader_question *q, sd_bus_error *error);
/* A page of ReadTree(). */
struct reader_part {
        const char *layer, *after; /* NULL: none */
        bool whole;                /* it is as large as a message can be */
        size_t keys_max;           /* it ends after so many; 0: where it is full */
};
int reader_answer_tree(struct reader *reader, struct registry *of, sd_bus_message *m,
        const struct reader_question *q, const struct reader_part *part, sd_bus_error *error);
/* The same in steps, none of which takes long; nothing of the registry may change in between. What q, the
 * part and the message are is borrowed. 0, or negative as above. */
struct reader_tree;
_must_check_ int reader_tree_open(struct reader *reader, struct registry *of, sd_bus_message *m,
        const struct reader_question *q, const struct reader_part *part, struct reader_tree **ret,
        sd_bus_error *error);
struct reader_tree *reader_tree_free(struct reader_tree *p);
/* 1: it needs another one; 0: it can be sent; or negative. */
_must_check_ int reader_tree_step(struct reader_tree *p, sd_bus_error *error);
_must_check_ int reader_tree_send(struct reader_tree *p, sd_bus_error *error);
/* Looks at what that page will look at, and returns its `keys_max`. */
size_t reader_look_at_tree(
        struct registry *of, const struct reader_question *q, const struct reader_part *part);

/* answer_fail(), which also reports what failed in the store. */
int reader_fail(
        struct reader *reader, const struct registry *of, int e, const struct diag *d, sd_bus_error *error);
