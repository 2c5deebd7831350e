/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager-internal.h"

#include <errno.h>

#include "../metrics/metrics-text.h"
#include "config.h"

static struct metrics_setting describe_item(const struct item *item)
{
        return (struct metrics_setting){
                .path = item->path,
                .control = control_name(item->control),
                .applies = item->accepted || item->starting,
                .live = item->live,
                .changes = item->changes,
                .no_ops = item->no_ops,
                .refusals = item->refusals,
                .drifts = item->drifts,
        };
}

static int collect(struct buf *out, void *userdata)
{
        const struct manager *m = userdata;
        const struct item *policy = m->taint_events;
        struct metrics_state state = {
                .version = PROJECT_VERSION,
                .monitor = monitor_status(taints_monitor(m->taints)),
                .policy = { policy->sv, policy->accepted },
                .capture = { m->capture->config.sv, m->capture->text },
                .n_settings = m->n_items,
                .audit = auditlog_status(m->auditlog),
        };
        _cleanup_free_ struct metrics_setting *settings = calloc(m->n_items, sizeof(*settings));

        if (!settings)
                return -ENOMEM;
        for (size_t i = 0; i < m->n_items; i++)
                settings[i] = describe_item(m->items[i]);
        state.settings = settings;
        state.events = monitor_events(taints_monitor(m->taints), &state.n_events);
        return metrics_text(&state, out);
}

int manager_make_metrics(struct manager *m)
{
        const struct metrics_config config = {
                .root = m->root,
                .event = m->event,
                .collect = collect,
                .userdata = m,
        };
        return metrics_new(&config, &m->metrics);
}
