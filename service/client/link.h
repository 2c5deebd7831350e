/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The policy service's link to the registry provider: follows a set of values through sd-bus. Survives a
 * provider that starts later, restarts or hangs: what was heard last stays, calls time out, and after every
 * gap all values are read again. */

#include <systemd/sd-bus.h>

#include "../../schema/schema.h"
#include "../../schema/audit/record.h"

#define LINK_CALL_TIMEOUT_USEC UINT64_C(10000000)
#define LINK_RETRY_FIRST_USEC UINT64_C(1000000)
#define LINK_RETRY_MOST_USEC UINT64_C(60000000)

struct link_value {
        const char *key; /* canonical path */
        const char *name;
        const struct value *value; /* effective; NULL: none */
        const char *layer;         /* "" when none */
        const struct actor *actor; /* who wrote it; NULL: not known */
        const char *reason;        /* of a change without a caller */
        const char *file;          /* drop-in behind it, or NULL */
        uint32_t file_owner;       /* its uid; AUDIT_ID_UNSET where it is not known */
        uint64_t sequence;
        bool is_resync;
};

/* With all that it points to, but for the key and the name. NULL: there is no memory. */
struct link_value *link_value_copy(const struct link_value *v);
struct link_value *link_value_free(struct link_value *v);

struct link_config {
        sd_bus *bus;
        /* What to follow; both arrays stay the caller's. */
        const struct path *const *keys;
        const char *const *names;
        size_t n;
        void (*told)(const struct link_value *v, void *userdata);
        void (*state)(bool connected, const char *problem, void *userdata);
        void *userdata;
};

struct link;

_must_check_ int link_new(const struct link_config *config, struct link **ret);
struct link *link_free(struct link *l);
/* Follows these from now on; what was followed before is without a gap, and everything is read again. The
 * arrays of before may go then. 0, or -ENOMEM: then nothing changed. */
_must_check_ int link_follow(
        struct link *l, const struct path *const *keys, const char *const *names, size_t n);

/* Reads what is followed again, with one call. Where something differs from what was told last, the
 * subscriptions are made anew, and it is told with the reason "signal-missed". */
void link_recheck(struct link *l);
