/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is in one key: the names of its subkeys, then the values, which are read once, in order; and what the
 * schema knows in it, for what nobody set. Functions that return `int` return an enum exit_code, if nothing
 * else is said. */

#include "entry.h"
#include "known.h"

struct listing {
        const char **subkeys; /* NULL-terminated; the names are those of `names` */
        sd_bus_message *names;
        sd_bus_message *reply; /* NULL: the key is not there, and only known */
        struct known_list known;
};

void listing_done(struct listing *l);
#define _cleanup_listing_ _cleanup_(listing_done)

/* `ret` is empty; what it gets is done() in any case. */
_must_check_ int listing_read(struct session *s, const char *key, struct listing *ret);
/* The schema's part, after a listing_read() that came to `code`. A key that is not there will do where
 * something in it is known. */
_must_check_ int listing_add_known(struct session *s, const char *key, int code, struct listing *ret);
/* Both. */
_must_check_ int listing_get(struct session *s, const char *key, struct listing *ret);

/* Leaves out the subkeys, or the values. */
void listing_leave_out(struct listing *l, bool subkeys, bool values);

/* The next value: 1, 0 at the end, or negative errno. */
int listing_next(struct listing *l, struct entry *ret);
/* Whether something is known in this subkey or below it. */
bool listing_knows_subkey(const struct listing *l, const char *name);
/* The next subkey, from *at on, that is known and not there; or NULL. */
const char *listing_next_known(const struct listing *l, size_t *at);
void listing_known_name_to_text(const char *name, struct buf *out);

/* The values, as members "values" and "known_values" of the open object. */
_must_check_ int listing_values_to_json(struct session *s, struct listing *l, struct json *j);
/* One line a value, after `indent` blanks. */
_must_check_ int listing_values_to_text(struct session *s, struct listing *l, size_t indent);
