/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The policy service's link to the registry provider: follows the settings through sd-bus, and hands each
 * what is written. Survives a provider that starts later, restarts or hangs: what was heard last stays,
 * calls time out, and after every gap all values are read again. */

#include <systemd/sd-bus.h>

#include "../settings/settings.h"

#define LINK_CALL_TIMEOUT_USEC UINT64_C(10000000)
#define LINK_RETRY_FIRST_USEC UINT64_C(1000000)
#define LINK_RETRY_MOST_USEC UINT64_C(60000000)

struct link;

/* Follows `settings` as they are now. 0 or negative errno. */
_must_check_ int link_new(sd_bus *bus, struct settings *settings, struct link **ret);
struct link *link_free(struct link *l);
/* There are other settings now; what was followed before is without a gap, and everything is read again. 0,
 * or -ENOMEM: then nothing changed, and the schema of before must stay. */
_must_check_ int link_follow(struct link *l);

/* Reads what is followed again, with one call. Where something differs from what was heard last, the
 * subscriptions are made anew, and it is handed on with the reason "signal-missed". */
void link_recheck(struct link *l);
