/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/log.h"

uint64_t lane_spread(uint64_t usec)
{
        uint32_t msec = usec / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(usec / 1000);

        return msec > 0 ? (uint64_t)arc4random_uniform(msec) * 1000 : 0;
}

/* At most one attempt a second, and the machines of a fleet do not come back as one: whoever has waited
 * longer waits for any time up to the most. */
static uint64_t delay(unsigned failures)
{
        uint64_t most = LANE_FIRST_USEC;

        for (unsigned i = 1; i < failures && most < LANE_MOST_USEC; i++)
                most *= 2;
        return LANE_FIRST_USEC + lane_spread(most < LANE_MOST_USEC ? most : LANE_MOST_USEC);
}

void lane_failed(struct lane *l, enum etcd_status status, const char *text)
{
        l->failures++;
        l->due = clock_usec() + delay(l->failures);
        if (l->status == status && strcmp(l->text, text) == 0)
                return;
        if (l->status == ETCD_OK)
                l->since = (int64_t)clock_of(CLOCK_REALTIME);
        l->status = status;
        (void)snprintf(l->text, sizeof(l->text), "%s", text);
        log_warning("%s: %s (%s); what is in force stays", l->what, text, etcd_status_name(status));
}

void lane_succeeded(struct lane *l)
{
        l->failures = 0;
        l->due = LANE_NEVER;
        if (l->status == ETCD_OK)
                return;
        l->status = ETCD_OK;
        l->text[0] = '\0';
        l->since = (int64_t)clock_of(CLOCK_REALTIME);
        log_notice("%s: all is well again", l->what);
}

bool lane_begins(struct lane *l, uint64_t now)
{
        if (now < l->due)
                return false;
        l->due = LANE_NEVER;
        return true;
}
