/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager-internal.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/fileio.h"
#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"
#include "../../schema/events/daemon-bus.h"
#include "../../schema/events/loop.h"
#include "../../schema/layout.h"
#include "../../schema/base/privileges.h"

static void on_audit_changed(void *userdata)
{
        struct manager *m = userdata;
        policy_bus_audit_changed(m->settings.bus);
        metrics_changed(m->settings.metrics);
}

static void check_all(struct manager *m)
{
        for (size_t i = 0; i < m->settings.n; i++)
                setting_check(m->settings.list[i]);
}

/* A module came or went: it may own a control. */
static int on_uevent(_unused_ sd_device_monitor *monitor, _unused_ sd_device *device, void *userdata)
{
        check_all(userdata);
        return 0;
}

static int on_recheck(sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        struct manager *m = userdata;

        check_all(m);
        metrics_recheck(m->settings.metrics);
        link_recheck(m->link);
        int r = sd_event_source_set_time_relative(s, m->recheck_usec);
        return r < 0 ? r : sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static int start_uevents(struct manager *m)
{
        int r = sd_device_monitor_new(&m->uevents);
        if (r >= 0)
                r = sd_device_monitor_filter_add_match_subsystem_devtype(m->uevents, "module", NULL);
        if (r >= 0)
                r = sd_device_monitor_attach_event(m->uevents, m->event);
        if (r >= 0)
                r = sd_device_monitor_start(m->uevents, on_uevent, m);
        if (r < 0)
                log_info("module uevents cannot be had (%s); the timer is left", strerror(-r));
        return 0;
}

static int open_bus(struct manager *m, struct diag *d)
{
        int r = daemon_bus_open(m->event, &m->bus, d);
        if (r < 0)
                return r;
        const struct policy_bus_config config = {
                .bus = m->bus,
                .settings = &m->settings,
                .taints = m->settings.taints,
                .problems = &m->problems,
                .manager = m,
        };
        r = policy_bus_new(&config, &m->settings.bus);
        if (r < 0)
                return diag_set(d, -r, "cannot serve %s: %s", POLICY_BUS_NAME, strerror(-r));
        r = daemon_bus_own(m->bus, POLICY_BUS_NAME, d);
        if (r < 0)
                return r;
        r = manager_follow(m);
        return r < 0 ? diag_set(d, -r, "cannot follow the registry: %s", strerror(-r)) : 0;
}

static void on_reload(void *userdata)
{
        manager_reload(userdata);
}

/* Nobody waits for configuration for ever. */
static int on_registry_late(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        struct manager *m = userdata;

        settings_end_start(&m->settings);
        return 0;
}

static int start_events(struct manager *m)
{
        int r = loop_new(&m->event);
        if (r >= 0)
                r = loop_on_reload(m->event, on_reload, m);
        if (r >= 0)
                r = sd_event_add_time_relative(m->event, NULL, CLOCK_MONOTONIC,
                        REGISTRY_WAIT_SECONDS * UINT64_C(1000000), 0, on_registry_late, m);
        return r < 0 ? r
                     : sd_event_add_time_relative(m->event, &m->recheck, CLOCK_MONOTONIC, m->recheck_usec,
                               1000000, on_recheck, m);
}

static int start_auditlog(struct manager *m, struct diag *d)
{
        _cleanup_free_ char *dir = root_path(m->root, LAYOUT_POLICY_RUN);
        if (!dir)
                return -ENOMEM;
        int r = run_dir_take(dir, &m->run_dir_fd, d);
        const struct auditlog_config config = { .event = m->event,
                .backend = &sender_libaudit,
                .run_dir = dir,
                .changed = on_audit_changed,
                .userdata = m };
        return r < 0 ? r : auditlog_new(&config, &m->settings.auditlog);
}

/* Needed for the BPF programs and for opening the kernel log, both of which are done. */
static void drop_privileges(void)
{
        int r = privileges_drop(PRIVILEGE(CAP_BPF) | PRIVILEGE(CAP_PERFMON) | PRIVILEGE(CAP_SYSLOG));
        if (r < 0)
                log_warning("capabilities that are not needed any more cannot be dropped: %s; ignoring",
                        strerror(-r));
}

int manager_new(const struct manager_config *config, struct manager **ret, struct diag *d)
{
        _cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->run_dir_fd = -1;
        m->recheck_usec = config->recheck_usec;
        m->use_bpf = config->use_bpf;
        m->root = strdup(config->root ? config->root : "");
        if (!m->root)
                return -ENOMEM;
        int r = start_events(m);
        if (r >= 0)
                r = start_auditlog(m, d);
        if (r < 0)
                return d->text[0] ? r : diag_set(d, -r, "cannot start: %s", strerror(-r));
        m->settings.root = m->root;
        m->settings.event = m->event;
        r = manager_load_settings(m, d);
        if (r >= 0)
                r = start_uevents(m);
        if (r >= 0)
                r = manager_make_taints(m, d);
        if (r >= 0)
                r = manager_make_metrics(m);
        if (r >= 0) {
                settings_take_own(&m->settings);
                r = open_bus(m, d);
        }
        if (r >= 0)
                r = taints_start(m->settings.taints, d);
        if (r < 0)
                return r;
        drop_privileges();
        *ret = STEAL_PTR(m);
        return 0;
}

struct manager *manager_free(struct manager *m)
{
        if (!m)
                return NULL;
        struct settings *all = &m->settings;
        for (size_t i = 0; i < all->n; i++)
                setting_flush(all->list[i]);
        m->link = link_free(m->link);
        all->metrics = metrics_free(all->metrics);
        all->taints = taints_free(all->taints);
        all->bus = policy_bus_free(all->bus);
        if (m->bus)
                (void)sd_bus_flush_close_unref(m->bus);
        /* Completions of records may still concern settings. */
        all->auditlog = auditlog_free(all->auditlog);
        settings_done(all);
        free(m->followed_keys);
        free(m->followed_names);
        m->schema = schema_free(m->schema);
        schema_files_done(&m->schema_files);
        problems_done(&m->problems);
        if (m->uevents)
                sd_device_monitor_unref(m->uevents);
        sd_event_source_disable_unref(m->recheck);
        sd_event_unref(m->event);
        if (m->run_dir_fd >= 0)
                (void)close(m->run_dir_fd);
        free(m->root);
        free(m);
        return NULL;
}

int manager_run(struct manager *m)
{
        return loop_run(m->event, NULL);
}
