/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager-internal.h"

#include <errno.h>

#include "../metrics/metrics-text.h"
#include "config.h"

static struct metrics_setting describe(const struct setting *s)
{
        return (struct metrics_setting){
                .path = s->path,
                .control = setting_control_name(s),
                .applies = s->accepted != NULL,
                .live = s->live,
                .pending = s->is_pending,
                .changes = s->changes,
                .no_ops = s->no_ops,
                .refusals = s->refusals,
                .drifts = s->drifts,
        };
}

static int collect(struct buf *out, void *userdata)
{
        const struct manager *m = userdata;
        const struct settings *all = &m->settings;
        struct metrics_state state = {
                .version = PROJECT_VERSION,
                .monitor = monitor_status(taints_monitor(all->taints)),
                .policy = { all->taint_events->sv, all->taint_events->accepted },
                .capture = { all->capture->sv, all->capture->accepted },
                .n_settings = all->n,
                .audit = auditlog_status(all->auditlog),
        };
        _cleanup_free_ struct metrics_setting *settings = calloc(all->n, sizeof(*settings));

        if (!settings)
                return -ENOMEM;
        for (size_t i = 0; i < all->n; i++)
                settings[i] = describe(all->list[i]);
        state.settings = settings;
        state.accepted = taints_accepted_mask(all->taints);
        state.events = monitor_events(taints_monitor(all->taints), &state.n_events);
        return metrics_text(&state, out);
}

/* The file can be told of what is wrong with the file only when nothing is any more. */
static void on_written(void *userdata)
{
        const struct manager *m = userdata;
        const struct settings *all = &m->settings;

        for (size_t i = 0; i < all->n; i++)
                if (all->list[i]->kind == SETTING_TEXT_FILE)
                        setting_set_error(all->list[i], metrics_error(all->metrics));
}

int manager_make_metrics(struct manager *m)
{
        const struct metrics_config config = {
                .root = m->root,
                .event = m->event,
                .collect = collect,
                .written = on_written,
                .userdata = m,
        };
        return metrics_new(&config, &m->settings.metrics);
}
