/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A document that is put together line by line, in a form in which a key may come again and again: the last
 * line about something is what it says. */

#include "../hive/hive.h"

struct exchange_build {
        struct exchange_build_key *keys;
        size_t n_keys;
        struct exchange_build_value *values;
        size_t n_values;
        struct buf bytes;
        bool deletes; /* one of the keys goes */
};

/* The next line about a key: it is made, or goes with all that is in it and below it. Takes the path over. 0
 * or -ENOMEM. */
_must_check_ int exchange_build_key(
        struct exchange_build *b, struct path *path, bool deleted, uint32_t line, uint32_t column);
/* A value of that key; the value's place and whether it is deleted are those of `v`. 0 or -ENOMEM. */
_must_check_ int exchange_build_value(struct exchange_build *b, const struct hive_value *v);
/* Empties it. 0 or -ENOMEM. */
_must_check_ int exchange_build_finish(struct exchange_build *b, struct hive_file **ret);
void exchange_build_done(struct exchange_build *b);
