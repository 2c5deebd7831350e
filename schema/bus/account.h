/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

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

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "../base/hashmap.h"

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
