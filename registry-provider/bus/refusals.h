/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Records of refused calls, without limit for nobody: the same refusal of the same user is recorded at once,
 * and then once in REFUSAL_WINDOW_USEC with how often it came, so that nobody can fill the audit log by
 * asking. The same are user, login and session, what was asked for, and the layer. */

#include <systemd/sd-event.h>

#include "../../service/audit/record.h"

#define REFUSAL_WINDOW_USEC UINT64_C(10000000)
/* Different refusals that are told apart at one time; above it they are counted together. */
#define REFUSALS_MAX 64u

struct refusals;

_must_check_ int refusals_new(sd_event *event, void (*emit)(const struct record *record, void *userdata),
        void *userdata, struct refusals **ret);
/* What is still counted is told first. */
struct refusals *refusals_free(struct refusals *r);
/* `layer` may be NULL: what was refused is no write into one. */
void refusals_tell(
        struct refusals *r, const struct actor *actor, const char *path, const char *layer, const char *why);
