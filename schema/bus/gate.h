/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every call to a daemon passes first, those that sd-bus answers by itself too. A call waits here until
 * its caller is known as far as the call needs it, while others go on; one connection's calls stay in their
 * order. Root, and the administrators of the registry, come first. What everybody else's calls may take of
 * the daemon's time, memory and of the bus is limited:
 *  - a message holds at most GATE_VALUES_MAX values and GATE_BYTES_MAX bytes;
 *  - calls of whoever used up his budget of time (account.h) are worked one at a time, the least user first,
 *    when nothing else is to be done, or GATE_TURN_USEC after the last one;
 *  - calls that wait are limited in number and bytes, for a connection, a user and all;
 *  - errors that say so have to wait for their turn as well.
 * Whoever has not read what was sent to him (account.h), root too, gets ACCOUNT_ERRORS errors instead; then
 * his calls wait until he has. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "../base/diag.h"
#include "../base/macro.h"
#include "caller.h"

#define GATE_VALUES_MAX 4096u
#define GATE_BYTES_MAX (1536u * 1024u)
#define GATE_TURN_USEC UINT64_C(25000)
/* As many as the bus lets a connection wait for. */
#define GATE_HELD_OF_CALLER 128u
#define GATE_HELD_BYTES_OF_USER (8u * 1024u * 1024u)
#define GATE_HELD_BYTES (160u * 1024u * 1024u)

struct gate;

/* What has to be known of who makes a call. */
enum gate_need {
        GATE_NOBODY, /* nothing: it is short, and everybody may make it */
        GATE_USER,   /* who the user is */
        GATE_WRITER, /* whether the user may write, and which process it is */
};

struct gate_config {
        sd_bus *bus;
        struct exe_reader *exe_reader; /* or NULL */
        const char *group;             /* members may write; "": nobody */
        enum gate_need (*need)(sd_bus_message *m);
        /* A GATE_WRITER's call ends here, undone. NULL: nothing to do */
        void (*refused)(sd_bus_message *m, const struct actor *actor, const char *why, void *userdata);
        void (*read)(struct caller *c, bool lost, void *userdata); /* account_read_t; NULL: nothing to do */
        void (*gone)(struct caller *c, void *userdata);            /* its connection; NULL: nothing to do */
        void *userdata;
};

_must_check_ int gate_new(const struct gate_config *config, struct gate **ret);
struct gate *gate_free(struct gate *g);

/* Who made a call that has passed. NULL: its connection is gone. */
struct caller *gate_caller(struct gate *g, sd_bus_message *m);

/* The owner of a unique name, for whom the sender of `m` acts, known as a writer is. 1: *ret; 0: `m` waits
 * and is called again; -ESRCH: nobody has that name (any more); or another negative errno. */
_must_check_ int gate_person(struct gate *g, sd_bus_message *m, const char *name, struct caller **ret);

/* May the caller write, so that no limits hold for him? */
bool gate_is_writer(const struct caller *c);

/* What calls that wait for somebody else's answer share: places, or bytes. Whoever may write finds as much
 * as one user may have when the others have taken all the rest. */
struct gate_share {
        size_t all, of_user;
};

/* How much of it may be taken, by all. */
static inline size_t gate_share_most(const struct gate_share *s, bool is_writer)
{
        return is_writer ? s->all : s->all - s->of_user;
}

static inline bool gate_share_has(
        const struct gate_share *s, bool is_writer, size_t taken, size_t by_user, size_t wanted)
{
        return taken + wanted <= gate_share_most(s, is_writer) && by_user + wanted <= s->of_user;
}

/* After its call has returned, `m` kept the loop busy from then (CLOCK_MONOTONIC, µs) until now. */
void gate_took(struct gate *g, sd_bus_message *m, uint64_t since);

/* The answer to `m` takes so many bytes beside what every answer is taken for. 0: they are counted; negative
 * with `error` set: the caller has not read enough of what was sent before. */
_must_check_ int gate_take(struct gate *g, sd_bus_message *m, size_t bytes, sd_bus_error *error);
/* The same for an answer that sd-bus makes, which is sent in any case. */
void gate_answered(struct gate *g, sd_bus_message *m, size_t bytes);

/* Whether users are members of a group, as the user database has it. Looking there may take long (a
 * directory server may be asked), so a thread does it. */

/* Questions that wait. */
#define MEMBERS_WAITING 256u
/* A user of whom the database says nothing for so long is not a member. */
#define MEMBERS_TIMEOUT_USEC UINT64_C(5000000)

struct members;

typedef void (*members_answer_t)(uint32_t uid, bool is_member, void *userdata);

/* The thread begins with the first question. */
_must_check_ int members_new(
        sd_event *event, const char *group, members_answer_t answer, void *userdata, struct members **ret);
/* Does not wait for a thread that is held up. */
struct members *members_free(struct members *m);

/* `answer` is called later, once for all who ask meanwhile, in the event loop. 0; -ENOBUFS: too many wait;
 * or another negative errno.
 */
_must_check_ int members_ask(struct members *m, uint32_t uid);
