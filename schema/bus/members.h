/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether users are members of a group, as the user database has it. Looking there may take long (a
 * directory server may be asked), so a thread does it. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "../base/macro.h"

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

/* `answer` is called later, once, in the event loop. 0; -ENOBUFS: too many wait; or another negative errno.
 */
_must_check_ int members_ask(struct members *m, uint32_t uid);
