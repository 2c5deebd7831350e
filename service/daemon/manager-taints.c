/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager-internal.h"

static void on_taint_told(const struct taint_event *e, void *userdata)
{
        struct manager *m = userdata;
        policy_bus_taint_told(m->settings.bus, e);
        policy_bus_taint_changed(m->settings.bus);
        metrics_changed(m->settings.metrics);
}

static void on_taint_changed(void *userdata)
{
        struct manager *m = userdata;
        policy_bus_taint_changed(m->settings.bus);
        metrics_changed(m->settings.metrics);
}

static void on_accepted_changed(void *userdata)
{
        struct manager *m = userdata;
        policy_bus_accepted_changed(m->settings.bus);
        metrics_changed(m->settings.metrics);
}

static void on_sysctl_written(const struct sysctl_write *w, void *userdata)
{
        struct manager *m = userdata;

        for (size_t i = 0; i < m->settings.n; i++)
                setting_sysctl_written(m->settings.list[i], w);
}

int manager_make_taints(struct manager *m, struct diag *d)
{
        const struct taints_config config = {
                .root = m->root,
                .event = m->event,
                .auditlog = m->settings.auditlog,
                .policy = m->settings.taint_events,
                .recheck_usec = m->recheck_usec,
                .use_bpf = m->use_bpf,
                .told = on_taint_told,
                .changed = on_taint_changed,
                .accepted_changed = on_accepted_changed,
                .sysctl_written = on_sysctl_written,
                .userdata = m,
        };
        return taints_new(&config, &m->settings.taints, d);
}
