/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who calls: the bus's word for uid and pid, asked for without waiting, and /proc's for the rest, read when
 * that has come. A caller is kept from its first call until its connection is gone. Unique names are never
 * used again, so what is kept cannot be about somebody else; and nothing is read of a process that cannot
 * have made the connection. */

#include <stdint.h>
#include <systemd/sd-bus.h>

#include "../base/hashmap.h"
#include "../base/macro.h"
#include "../process/exe-reader.h"
#include "../process/process.h"
#include "account.h"

/* When connections of the bus began: the process that made one is older than that. Each new connection wakes
 * the daemon once; its first call may come much later, when its pid is somebody else's already. */

/* So many of the newest are kept. All others began before the oldest of them. */
#define BEGINNINGS_MAX 1024u

struct beginnings;

/* Asks the bus for its signals and does not wait for its answer. 0 or negative errno. */
_must_check_ int beginnings_new(sd_bus *bus, struct beginnings **ret);
struct beginnings *beginnings_free(struct beginnings *b);

/* The connection with this unique name began then or earlier. CLOCK_BOOTTIME, µs. */
uint64_t beginnings_find(const struct beginnings *b, const char *name);

/* One has begun. */
void beginnings_add(struct beginnings *b, const char *name, uint64_t usec);

struct caller_call;
struct subscription;

/* One user for all its connections. Those of whom the bus has said nothing yet are one as well (uid
 * AUDIT_ID_UNSET). */
struct caller_user {
        uint32_t uid;
        size_t callers; /* it goes with the last */
        struct account_user account;
        struct account_budget budget;
        bool is_member;        /* of the administrators' group, when it was last looked up */
        bool is_asked;         /* it is being looked up */
        uint64_t member_until; /* CLOCK_MONOTONIC, µs */
        size_t held_bytes;     /* of its calls that wait */

        /* The registry's: of what its callers subscribed to. */
        size_t subscriptions, subscribed_bytes;
};

enum caller_state {
        CALLER_UNKNOWN, /* the bus has not been asked, or has not answered */
        CALLER_KNOWN,
        CALLER_GONE, /* the bus does not know it (any more), or does not say */
};

struct caller {
        struct callers *owner;
        char *name; /* unique bus name */
        enum caller_state state;
        struct caller_user *user;
        struct actor actor; /* of one that is known */
        sd_bus_slot *question;
        struct exe_question *exe_question; /* all of the actor but `exe` is there; NULL: that too */
        struct account_client account;

        /* The gate's. */
        bool has_called;
        struct caller_call *held, *held_last; /* calls that wait, oldest first */
        unsigned n_held;
        size_t held_bytes;
        struct caller *next, *prev; /* of those whose calls wait */

        /* The registry's. */
        struct subscription *subscriptions;
        size_t n_subscriptions;
};

struct callers;

/* The caller is known or gone by now, or more is known of it; one that is gone is freed behind this. */
typedef void (*caller_changed_t)(struct caller *c, void *userdata);

/* `exe_reader` may be NULL: then this process reads what it may. */
_must_check_ int callers_new(sd_bus *bus, struct exe_reader *exe_reader, struct account *account,
        caller_changed_t changed, void *userdata, struct callers **ret);
struct callers *callers_free(struct callers *cs);

/* The owner of a unique name. 0; -EINVAL: not a unique name; or another negative errno. */
_must_check_ int callers_get(struct callers *cs, const char *name, struct caller **ret);
/* Asks the bus about one that is unknown, unless it is being asked. 0 or negative errno. */
_must_check_ int caller_ask(struct caller *c);
/* NULL: not seen yet. */
struct caller *callers_find(struct callers *cs, const char *name);

/* NULL: none of its connections calls. */
struct caller_user *callers_user(struct callers *cs, uint32_t uid);

/* ---- Calls that wait, each connection's in their order, and the connections whose calls wait ---- */

struct caller_call {
        struct caller_call *next;
        sd_bus_message *m;
        size_t bytes;
        bool is_large;
        char *person;          /* unique name of whoever it is made for */
        sd_bus_message *error; /* the call was refused: this is to be sent, and there is no `m` */
};

struct callers_waiting {
        struct caller *first, *last;
        size_t bytes; /* of all calls */
};

struct caller_call *caller_call_free(struct caller_call *h);
/* Behind the caller's others, or before them. It is owned by the caller then. */
void callers_wait(struct callers_waiting *w, struct caller *c, struct caller_call *h, bool first);
/* The caller's first, which there is. Other callers are next then. */
struct caller_call *callers_take(struct callers_waiting *w, struct caller *c);
