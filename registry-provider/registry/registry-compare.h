/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* In what a store differs from another one, for a restore: found beside whoever changes the registry, from
 * two stores that are only read. Keys are the same where they have one path: a key that was made anew is the
 * old one, and the copy may be another machine's. What drop-in files have is no difference, nor what is
 * volatile, nor a key's security descriptor and times. */

#include "../../schema/base/hashmap.h"
#include "../../schema/names/path.h"
#include "../store/store.h"

/* One layer's entry that is to be brought to what it was. */
struct registry_difference {
        enum store_kind kind;
        struct guid key, then_key; /* of a value or blanket; the parent of a path entry; now, and then */
        struct guid target;        /* of a path entry, as now; zero: hidden */
        const void *data;          /* of a value, as it was: so many bytes behind the layer */
        size_t size;
        uint32_t type;
        uint64_t was_sequence; /* 0: nothing was */
        uint64_t now_sequence; /* 0: nothing is */
        const char *layer;     /* behind the name, which is spelled as it was */
        char name[];
};

struct registry_differences {
        struct registry_difference **list;
        size_t n, bytes;      /* of what was */
        struct hashmap pairs; /* keys of then that are others now */
        uint64_t sequence;    /* of the registry that was compared */
};

/* More than so many entries, or bytes in them, are REGISTRY_TOO_LARGE. */
#define REGISTRY_DIFFERENCES_MAX 250000u
#define REGISTRY_DIFFERENCES_BYTES_MAX (64u * 1024u * 1024u)

/* What makes `now` what `then` is; with a `key` (NULL: all) there and below, and the keys above it where
 * they are not there any more. 0, REGISTRY_TOO_LARGE, -ENOMEM, or what a store says, with d set. */
_must_check_ int registry_compare(const struct store *now, const struct store *then, const struct path *key,
        struct registry_differences *ret, struct diag *d);
void registry_differences_done(struct registry_differences *d);

/* What the key of then is now; itself, unless it is another one. */
struct guid registry_differences_now(const struct registry_differences *d, const struct guid *then);
/* It is that one now. 0 or -ENOMEM. */
_must_check_ int registry_differences_pair(
        struct registry_differences *d, const struct guid *then, const struct guid *now);
