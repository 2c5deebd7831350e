/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who calls: the bus's word for uid and pid, asked for without waiting, and /proc's for the rest, read when
 * that has come. A caller is kept from its first call until its connection is gone. Unique names are never
 * used again, so what is kept cannot be about somebody else; and nothing is read of a process that cannot
 * have made the connection. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "../base/hashmap.h"
#include "../base/macro.h"
#include "../process/exe-reader.h"
#include "../process/process.h"

/* What a client may keep a daemon busy with: room for what it does not read, and time; and how large
 * messages are, which sd-bus does not say.
 *
 * What has been sent to each client, answers and signals alike, and may not have been read yet. The bus
 * keeps what is not read, and reads nothing more from a sender of whom it keeps 127 MiB: nobody who does not
 * read, and no number of copies of a large thing, must come to that.
 *
 * A client shows that it reads by answering a Peer.Ping that follows what it was sent. Root's clients share
 * one room, everybody else's another. A user may take as much as is left after that, so that the first may
 * have half of the room, and each that follows half of what is left; of root's clients each one may. */

#define ACCOUNT_ROOM (64u * 1024u * 1024u)
#define ACCOUNT_ROOT_ROOM (61u * 1024u * 1024u)
/* What a message is at least taken for: header, names, an error's text. */
#define ACCOUNT_MESSAGE 1024u
/* A client is asked once for each so many bytes. */
#define ACCOUNT_ASK_BYTES (128u * 1024u)
/* Errors for a client that has no room left. */
#define ACCOUNT_ERRORS 32u

struct account;
struct account_client;

struct account_user {
        bool is_root;
        size_t unread;  /* bytes that its clients may not have read yet */
        unsigned asked; /* its clients that have not answered yet */
};

struct account_client {
        struct account *owner;
        struct account_user *user;
        const char *name; /* unique bus name, borrowed */
        size_t unread, since_asked, asked_bytes;
        unsigned signals, asked_signals; /* that it may not have read yet; so many when it was asked */
        unsigned errors;
        bool is_asked, is_due;
        bool holds_place;    /* it is one of the few who are waited for */
        uint64_t asked_usec; /* CLOCK_MONOTONIC */
        sd_bus_slot *question;
};

/* The client has read what was sent before it was asked. `lost`: the bus did not keep all of it. */
typedef void (*account_read_t)(struct account_client *c, bool lost, void *userdata);

_must_check_ int account_new(sd_bus *bus, account_read_t read, void *userdata, struct account **ret);
struct account *account_free(struct account *a);

_must_check_ int account_client_add(struct account *a, struct account_client *c);
void account_client_remove(struct account_client *c);
/* What it has not read counts for that user from now on. */
void account_client_move(struct account_client *c, struct account_user *user);

/* How many bytes more it may be sent. */
size_t account_room(const struct account_client *c);
/* So many bytes go to it, in one message. */
void account_sent(struct account_client *c, size_t bytes);
void account_sent_signal(struct account_client *c, size_t bytes);
/* May an error still be sent to a client that has no room? If so it is counted. */
bool account_take_error(struct account_client *c);
/* Asks it now: nothing else would ever show that it reads again. */
void account_ask(struct account_client *c);

/* ---- Time: how much of a daemon's one user takes. It fills up as time goes by, and what a user's calls
 * took is taken out of it. All in microseconds, by any clock that does not go back. Pure. ---- */

/* So much at once, and a tenth of the time for good. */
#define ACCOUNT_BUDGET_MOST_USEC INT64_C(10000)
#define ACCOUNT_BUDGET_SHARE 10
/* Whoever took much more is even again after so long. */
#define ACCOUNT_BUDGET_DEBT_USEC INT64_C(1000000)

struct account_budget {
        int64_t left;
        uint64_t at; /* when `left` was right */
};

/* Full. */
static inline struct account_budget account_budget_new(uint64_t now)
{
        return (struct account_budget){ .left = ACCOUNT_BUDGET_MOST_USEC, .at = now };
}

/* What is less than a whole microsecond of the share stays in `at`. */
static inline int64_t account_budget_left(struct account_budget *b, uint64_t now)
{
        uint64_t gained = now > b->at ? (now - b->at) / ACCOUNT_BUDGET_SHARE : 0;

        if (gained >= (uint64_t)(ACCOUNT_BUDGET_MOST_USEC - b->left)) {
                *b = account_budget_new(now > b->at ? now : b->at);
        } else {
                b->left += (int64_t)gained;
                b->at += gained * ACCOUNT_BUDGET_SHARE;
        }
        return b->left;
}

static inline void account_budget_take(struct account_budget *b, uint64_t usec, uint64_t now)
{
        int64_t left = account_budget_left(b, now);

        b->left = usec >= (uint64_t)(left + ACCOUNT_BUDGET_DEBT_USEC) ? -ACCOUNT_BUDGET_DEBT_USEC
                                                                      : left - (int64_t)usec;
}

/* ---- How large a message is ---- */

struct account_size {
        size_t values; /* numbers, texts, arrays of numbers, which are one each, and empty arrays in others
                        */
        size_t bytes;  /* that they take */
};

/* Reads from the beginning, no further than the limit allows, and goes back to the beginning. 1: within the
 * limit, *ret says how large; 0: larger; or negative errno: not a valid message. */
_must_check_ int account_measure(
        sd_bus_message *m, const struct account_size *limit, struct account_size *ret);

/* An answer that is complete and not sent yet. 0 or negative errno. */
_must_check_ int account_measure_answer(sd_bus_message *m, size_t *ret_bytes);

/* What sd-bus may put into an answer that it makes by itself to this call, beside what every message takes.
 */
size_t account_measure_made(sd_bus_message *m);

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
        size_t callers; /* it goes with the last, once its budget is full again */
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
