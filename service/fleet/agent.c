/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/date.h"
#include "../../schema/base/log.h"
#include "../../schema/events/loop.h"
#include "fetch.h"
#include "reporter.h"

struct agent {
        struct etcd *etcd;
        struct fetch *fetch;
        struct reporter *report;
        sd_event_source *timer; /* the only one, beside libcurl's while something is under way */
        char status[512];
};

/* What the service manager shows. The policies come first: without reports they still do. */
static void say(struct agent *a)
{
        const struct lane *l = fetch_lane(a->fetch);
        char text[sizeof(a->status)], since[DATE_TEXT_MAX];

        if (l->status == ETCD_OK)
                l = reporter_lane(a->report);
        if (l->status == ETCD_OK)
                (void)snprintf(text, sizeof(text), "etcd answers");
        else
                (void)snprintf(text, sizeof(text), "%s, since %s: %s (%s)", l->what,
                        date_format(l->since, since), l->text, etcd_status_name(l->status));
        if (strcmp(text, a->status) == 0)
                return;
        memcpy(a->status, text, sizeof(text));
        (void)sd_notifyf(0, "STATUS=%s", text);
}

void agent_plan(struct agent *a)
{
        if (!a->fetch || !a->report)
                return;
        uint64_t fetching = fetch_due(a->fetch), reporting = reporter_due(a->report), now = clock_usec();
        uint64_t due = fetching < reporting ? fetching : reporting;

        say(a);
        if (due == LANE_NEVER)
                return;
        int r = loop_timer_start(a->timer, due > now ? due - now : 0);
        if (r < 0)
                log_error("cannot set a timer: %s; nothing is tried again before the next change",
                        strerror(-r));
}

static int on_time(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        struct agent *a = userdata;
        uint64_t now = clock_usec();

        fetch_work(a->fetch, now);
        reporter_work(a->report, now);
        agent_plan(a);
        return 0;
}

void agent_standing_changed(struct agent *a)
{
        reporter_changed(a->report);
}

int agent_new(const struct agent_config *config, struct agent **ret)
{
        _cleanup_(agent_freep) struct agent *a = calloc(1, sizeof(*a));

        if (!a)
                return -ENOMEM;
        int r = etcd_new(&config->etcd, &a->etcd);
        if (r == 0)
                r = loop_timer_new(config->etcd.event, 0, on_time, a, &a->timer);
        if (r == 0)
                r = fetch_new(a, a->etcd, config, &a->fetch);
        if (r == 0)
                r = reporter_new(a, a->etcd, config, &a->report);
        if (r < 0)
                return r;
        agent_plan(a);
        *ret = STEAL_PTR(a);
        return 0;
}

struct agent *agent_free(struct agent *a)
{
        if (!a)
                return NULL;
        a->report = reporter_free(a->report);
        a->fetch = fetch_free(a->fetch);
        a->etcd = etcd_free(a->etcd);
        sd_event_source_disable_unref(a->timer);
        free(a);
        return NULL;
}
