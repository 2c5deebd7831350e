/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Setting the property TaintEvents: written through to the registry as the caller, and answered when the
 * value is in force, or with the reason why it is not. sd-bus answers property setters at once, so the call
 * is taken over. */

#include "../../schema/bus/gate.h"
#include "../settings/settings.h"

struct policy_set;

/* To be made before the object with the property. 0 or negative errno. */
_must_check_ int policy_set_new(
        sd_bus *bus, struct gate *gate, const struct settings *settings, struct policy_set **ret);
struct policy_set *policy_set_free(struct policy_set *set);

/* TaintEvents has dealt with what was written: answers those who wait for it. */
void policy_set_settled(struct policy_set *set);
