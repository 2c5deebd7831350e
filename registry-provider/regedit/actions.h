/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What can be done, and the key for each. A key is its name, as people write it: the character itself, or
 * `Enter`, `PgUp`, `F1`, `^L`. */

#include <stdbool.h>
#include <stddef.h>

#include "../../schema/base/buf.h"

enum action {
#define ACTION(symbol, key, other, bar, writes, help) ACTION_##symbol,
#include "actions.def"
#undef ACTION
        ACTIONS_N,
        ACTION_NONE = ACTIONS_N,
};

struct action_row {
        const char *key, *other; /* `other` may be NULL */
        const char *bar;         /* NULL: it is not on the key bar */
        bool writes;
        const char *help;
};

extern const struct action_row actions[ACTIONS_N];

/* ACTION_NONE: the key has none. */
enum action actions_find(const char *key);
/* A line each: its keys and what it does. */
void actions_help(struct buf *out);
/* A line each key, a tab before what it does: for programs. */
void actions_list(struct buf *out);
/* The key bar, as far as `width` cells reach: whole entries. */
void actions_bar(struct buf *out, size_t width);
