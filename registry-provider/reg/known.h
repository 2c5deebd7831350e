/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the schema says, as the provider has it: no tool reads the schema's files, so none can disagree with
 * the provider. Functions that return `int` return an enum exit_code. */

#include "../../schema/bus/description.h"
#include "session.h"

/* One value; strings are the reply's. */
struct known {
        const char *path; /* the key's, with its hive */
        int is_known;     /* else there are only hints */
        bool is_set;      /* of a list: seen by known_list_mark() */
        struct description d;
        sd_bus_message *reply; /* NULL: the list's */
};

void known_done(struct known *k);
#define _cleanup_known_ _cleanup_(known_done)

/* `ret` is empty, and done() in any case. */
_must_check_ int known_get(struct session *s, const char *key, const char *name, struct known *ret);
/* NULL: the schema does not know the value. */
const struct schema_value *known_value(const struct known *k);

/* The members of the open object: type, default, allowed and so on. */
void known_to_json(struct json *j, const struct schema_value *sv);

/* What is known in a key, or, too, in all below it. */
struct known_list {
        const char **subkeys; /* NULL-terminated, of the reply: in these or below them there is more */
        struct known *list;
        size_t n;
        sd_bus_message *reply;
};

void known_list_done(struct known_list *l);
#define _cleanup_known_list_ _cleanup_(known_list_done)

/* `ret` is empty, and done() in any case. */
_must_check_ int known_list_get(struct session *s, const char *key, bool subtree, struct known_list *ret);
/* Whether something is known of this very key, not only of what any layer's key can have. */
bool known_list_is_of_key(const struct known_list *l);
/* Somebody set this value. */
void known_list_mark(struct known_list *l, const char *name);
/* What nobody set: one line a value, after `indent` blanks; or the member "known_values". */
void known_list_to_text(const struct known_list *l, size_t indent, struct buf *out);
void known_list_to_json(const struct known_list *l, struct json *j);
