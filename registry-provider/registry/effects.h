/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a transaction changes effectively: what each name meant before the first change to it, compared with
 * what it means at the end. And which changes are policy, whose rows stay in the history longer. */

#include "../../schema/base/hashmap.h"
#include "../../schema/schema.h"
#include "../resolve/layers.h"
#include "../store/history.h"
#include "registry.h"

/* Where a key is, for effects_is_policy(). */
enum policy_place {
        POLICY_ELSEWHERE,
        POLICY_ABOVE,  /* something below it, or a value in it, is policy */
        POLICY_WITHIN, /* all that is in it */
};

/* A key with names that are noted, or one above such a key. */
struct effect_key {
        struct effect_key *next;
        struct effect_key *parent; /* NULL: a hive's root */
        struct guid guid;
        bool was_visible; /* before the open transaction */
        bool is_visible;  /* after it; set at its end */
        enum policy_place place;
        const char *path; /* as events say it; NULL: none of them has needed it */
        size_t path_len;
        char name[];
};

/* What a name meant before the open transaction. */
struct effect {
        struct effect *next;
        struct effect_key *key; /* of the value, or the parent of the child */
        const char *name;       /* as the store spells it, if it is there */
        bool is_child;
        bool is_write;     /* the transaction writes the value itself */
        bool is_effective; /* it means something else now; set at the end */
        bool existed;
        struct guid child; /* is_child: what it was */
        uint32_t type;
        const char *data;
        size_t size;
        const char *layer;
};

struct effects {
        struct store *store;
        const struct layers *layers; /* before the open transaction */
        const struct schema *schema;
        size_t room;           /* bytes that the open transaction may still take, about */
        int64_t history_begun; /* the newest row before it */
        bool is_preview;
        struct arena arena; /* owns all that follows */
        struct hashmap keys, names;
        struct effect *first, *last;             /* in the order of the changes */
        struct effect_key *first_key, *last_key; /* a key is behind the one above it */
        struct effect_key *recent;               /* most changes follow one in the same key */
};

/* A transaction begins, and ends. `store`, `layers` and `schema` are set by whoever has them. */
void effects_begin(struct effects *fx, bool is_preview, size_t room);
void effects_end(struct effects *fx);

/* Before something of that many bytes is kept. 0 or -EFBIG. */
_must_check_ int effects_take_room(struct effects *fx, size_t bytes);
/* Notes what the name of a value, or of a key in it, means before the first change to it. 0, -ENOMEM,
 * -EFBIG, or what the store says. *ret (may be NULL) stays as it is in a key that cannot be reached from any
 * hive. */
_must_check_ int effects_note(
        struct effects *fx, const struct guid *key, const char *name, bool is_child, struct effect **ret);
/* All values that are in the key. */
_must_check_ int effects_note_values(struct effects *fx, const struct guid *key);
/* Whether the key can be reached from its hive. */
bool effects_key_is_visible(const struct effects *fx, const struct guid *key);
/* Whether the history keeps the operation's rows longer: it changes a value that a control is bound to, or
 * something below \System\Audit or \System\Registry, or it is about a key on the way to such. */
_must_check_ int effects_is_policy(struct effects *fx, const struct store_op *op, bool *ret);
/* At the end, with the table of layers as it is now. What was written and changed nothing is marked in the
 * history, too. */
_must_check_ int effects_to_events(
        struct effects *fx, const struct layers *now, struct registry_events *ret);
