/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Records of refused calls, without limit for nobody and hidden by nobody: the same refusal of the same user
 * is recorded at once, and then once a window with how often it came. The same are user, login and session,
 * what was asked for, and the layer. A user has REFUSALS_PER_USER places for what is recorded apart, which
 * nobody else takes; what finds none is counted for the user. A window is REFUSAL_WINDOW_USEC long, and
 * twice as long as the one before while the user goes on, up to REFUSAL_WINDOWS_MAX times that; a window of
 * silence halves it. Of more users than REFUSAL_USERS_MAX at one time one record a REFUSAL_WINDOW_USEC says
 * which ones they are. */

#include <systemd/sd-event.h>

#include "../base/macro.h"
#include "../process/process.h"

#define REFUSAL_WINDOW_USEC UINT64_C(60000000)
#define REFUSAL_WINDOWS_MAX 60u
#define REFUSALS_PER_USER 16u
#define REFUSAL_USERS_MAX 256u

struct refusals;

/* What one record is to say: a call, or how many there were and the newest of them. */
struct refusals_record {
        const struct actor *actor;
        const char *path;  /* what was asked for */
        const char *layer; /* NULL: what was refused is no write into one */
        const char *why;   /* for people */
        const char *users; /* of several users: `1000,100000-165535`; else NULL */
        uint64_t count;    /* 0: one call */
        uint64_t when;     /* CLOCK_REALTIME, µs */
};
typedef void (*refusals_emit_t)(const struct refusals_record *record, void *userdata);

_must_check_ int refusals_new(sd_event *event, refusals_emit_t emit, void *userdata, struct refusals **ret);
/* What is still counted is recorded first. */
struct refusals *refusals_free(struct refusals *r);
/* `layer` may be NULL: what was refused is no write into one. */
void refusals_note(
        struct refusals *r, const struct actor *actor, const char *path, const char *layer, const char *why);
