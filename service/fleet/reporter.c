/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reporter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/date.h"
#include "../../schema/base/json.h"
#include "config.h"
#include "agent.h"

struct reporter {
        struct agent *agent;
        struct etcd *etcd;
        const struct standing *standing;
        char *machine, *verdict_key, *alive_key;
        struct buf groups; /* a JSON array */
        uint64_t period;
        uint64_t lease;         /* 0: none */
        uint64_t renewed, sent; /* CLOCK_MONOTONIC; 0: not yet */
        bool is_changed;
        struct etcd_call *call; /* under way */
        struct lane lane;
};

const struct lane *reporter_lane(const struct reporter *p)
{
        return &p->lane;
}

static void fail(struct reporter *p, enum etcd_status status, const char *text)
{
        lane_failed(&p->lane, status, text);
        agent_plan(p->agent);
}

/* Every answer begins so. */
static bool is_good(struct reporter *p, const struct etcd_answer *a)
{
        p->call = NULL;
        if (a->status == ETCD_OK)
                return true;
        fail(p, a->status, a->text);
        return false;
}

static void begun(struct reporter *p, int r)
{
        if (r < 0)
                fail(p, ETCD_DOWN, strerror(-r));
}

/* ---- the verdict ---- */

static void add_time(struct json *j)
{
        char text[DATE_TEXT_MAX];

        json_add_string(j, "time", date_format_utc(time(NULL), text));
}

static void format(const struct reporter *p, struct buf *out)
{
        struct json j = json_on(out);
        const char *rest = standing_text(p->standing);

        json_begin_object(&j);
        json_add_string(&j, "machine", p->machine);
        add_time(&j);
        json_add_number(&j, "report-seconds", p->period / 1000000);
        json_add_string(&j, "agent", PROJECT_VERSION);
        json_key(&j, "member-of");
        buf_puts(out, buf_str(&p->groups));
        if (rest[0])
                buf_printf(out, ",%s", rest);
        json_end_object(&j);
}

static void on_verdict(const struct etcd_answer *a, void *userdata)
{
        struct reporter *p = userdata;

        if (!is_good(p, a))
                return;
        lane_succeeded(&p->lane);
        agent_plan(p->agent);
}

static void send_verdict(struct reporter *p)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        format(p, &text);
        p->is_changed = false;
        p->sent = clock_usec();
        etcd_keep(p->etcd, false);
        begun(p, text.error ? text.error
                            : etcd_put(p->etcd, p->verdict_key, text.data, text.len, 0, on_verdict, p,
                                      &p->call));
}

/* ---- the lease ---- */

static void on_alive(const struct etcd_answer *a, void *userdata)
{
        struct reporter *p = userdata;

        if (!is_good(p, a))
                return;
        p->renewed = clock_usec();
        send_verdict(p);
}

static void on_granted(const struct etcd_answer *a, void *userdata)
{
        struct reporter *p = userdata;

        if (!is_good(p, a))
                return;
        p->lease = a->lease;
        etcd_keep(p->etcd, true);
        begun(p, etcd_put(p->etcd, p->alive_key, "", 0, p->lease, on_alive, p, &p->call));
}

static void take_lease(struct reporter *p)
{
        p->lease = 0;
        etcd_keep(p->etcd, true);
        begun(p, etcd_lease_grant(p->etcd, 3 * p->period / 1000000, on_granted, p, &p->call));
}

static void on_kept(const struct etcd_answer *a, void *userdata)
{
        struct reporter *p = userdata;

        if (!is_good(p, a))
                return;
        if (a->ttl == 0)
                return take_lease(p);
        p->renewed = clock_usec();
        send_verdict(p);
}

/* ---- when ---- */

/* After a failure the lease may be gone with its key, or the key alone: both are made anew. */
static void begin(struct reporter *p, uint64_t now)
{
        etcd_keep(p->etcd, true);
        if (p->lease == 0 || p->renewed == 0 || p->lane.status != ETCD_OK)
                take_lease(p);
        else if (now >= p->renewed + p->period)
                begun(p, etcd_lease_keepalive(p->etcd, p->lease, on_kept, p, &p->call));
        else
                send_verdict(p);
}

static uint64_t next(const struct reporter *p)
{
        if (p->lane.due != LANE_NEVER)
                return p->lane.due;
        return p->sent + (p->is_changed ? REPORTER_LEAST_USEC : p->period);
}

void reporter_work(struct reporter *p, uint64_t now)
{
        if (p->call || now < next(p))
                return;
        (void)lane_begins(&p->lane, now);
        begin(p, now);
}

uint64_t reporter_due(const struct reporter *p)
{
        return p->call ? LANE_NEVER : next(p);
}

void reporter_changed(struct reporter *p)
{
        p->is_changed = true;
        agent_plan(p->agent);
}

/* ---- making and ending ---- */

static void put_groups(const struct agent_config *config, struct buf *out)
{
        struct json j = json_on(out);

        json_begin_array(&j);
        for (size_t i = 0; i < config->n_groups; i++)
                json_string(&j, config->groups[i]);
        json_end_array(&j);
}

int reporter_new(
        struct agent *agent, struct etcd *etcd, const struct agent_config *config, struct reporter **ret)
{
        struct reporter *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        *p = (struct reporter){
                .agent = agent,
                .etcd = etcd,
                .standing = config->standing,
                .machine = strdup(config->machine),
                .period = config->report_usec ? config->report_usec : AGENT_REPORT_USEC,
                .lane = { .what = "reports", .due = clock_usec() + lane_spread(LANE_FIRST_USEC) },
        };
        if (asprintf(&p->verdict_key, "%s/machines/%s/verdict", config->prefix, config->machine) < 0)
                p->verdict_key = NULL;
        if (asprintf(&p->alive_key, "%s/machines/%s/alive", config->prefix, config->machine) < 0)
                p->alive_key = NULL;
        put_groups(config, &p->groups);
        if (!p->machine || !p->verdict_key || !p->alive_key || p->groups.error < 0) {
                (void)reporter_free(p);
                return -ENOMEM;
        }
        *ret = p;
        return 0;
}

struct reporter *reporter_free(struct reporter *p)
{
        if (!p)
                return NULL;
        p->call = etcd_cancel(p->call);
        buf_done(&p->groups);
        free(p->machine);
        free(p->verdict_key);
        free(p->alive_key);
        free(p);
        return NULL;
}
