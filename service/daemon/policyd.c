/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policyd.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <systemd/sd-device.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/base/privileges.h"
#include "../../schema/dbus/names.h"
#include "../../schema/events/daemon-bus.h"
#include "../../schema/events/loop.h"
#include "../../schema/layout.h"
#include "../link/link.h"
#include "../metrics/metrics.h"
#include "config.h"
#include "policy-bus.h"
#include "provider.h"
#include "taints.h"

struct policyd {
        char *root;
        int run_dir_fd; /* locked */
        sd_event *event;
        sd_bus *bus;
        struct schema *schema;
        struct schema_files schema_files;
        struct problems problems; /* of the schema's files */
        struct settings settings; /* and the parts of the service that they concern */
        struct link *link;
        struct provider *provider;
        sd_device_monitor *uevents;
        sd_event_source *recheck;
        uint64_t recheck_usec;
};

static void on_audit_changed(void *userdata)
{
        struct policyd *p = userdata;
        policy_bus_audit_changed(p->settings.bus);
        metrics_changed(p->settings.metrics);
}

static int start_auditlog(struct policyd *p, struct diag *d)
{
        _cleanup_free_ char *dir = file_path(p->root, LAYOUT_POLICY_RUN);
        if (!dir)
                return -ENOMEM;
        int r = file_take_run_dir(dir, &p->run_dir_fd, d);
        const struct auditlog_config config = { .event = p->event,
                .backend = &sender_libaudit,
                .run_dir = dir,
                .changed = on_audit_changed,
                .userdata = p };
        return r < 0 ? r : auditlog_new(&config, &p->settings.auditlog);
}

struct schema_round {
        struct policyd *p;
        struct problems found;
};

static void on_schema_error(const char *file, const char *text, void *userdata)
{
        struct schema_round *round = userdata;

        (void)problems_set(&round->found, file, text);
        if (!problems_set(&round->p->problems, file, text))
                return;
        log_error("%s", text);
        policy_bus_problems_changed(round->p->settings.bus);
}

/* What is good again, or gone, is no problem any more. */
static void end_round(struct schema_round *round)
{
        static const char *const directories[] = { LAYOUT_SCHEMA_VENDOR, LAYOUT_SCHEMA_ADMIN };
        struct policyd *p = round->p;
        const char *file;

        for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
                while ((file = problems_mended(&p->problems, directories[i], &round->found))) {
                        log_notice("%s is good again", file);
                        (void)problems_clear(&p->problems, file);
                        policy_bus_problems_changed(p->settings.bus);
                }
        problems_done(&round->found);
}

/* What is in force from the first moment is what was accepted last. */
static int load_settings(struct policyd *p, struct diag *d)
{
        struct settings *all = &p->settings;
        struct schema_round round = { .p = p };
        struct diag why = { 0 };

        int r = schema_load(p->root, &p->schema_files, on_schema_error, &round, &p->schema);
        end_round(&round);
        if (r < 0)
                return diag_set(d, -r, "the schema cannot be loaded: %s", strerror(-r));
        r = accepted_load(p->root, LAYOUT_ACCEPTED_NAME, &all->accepted, &why);
        if (r < 0)
                log_error("%s", why.text[0] ? why.text : strerror(-r));
        r = accepted_load(p->root, LAYOUT_REFUSED_NAME, &all->refused, &why);
        if (r < 0)
                log_warning("%s", why.text[0] ? why.text : strerror(-r));
        r = settings_load(all, p->schema);
        if (r == -ENOENT)
                return diag_set(d, ENOENT, "the schema has no value TaintEvents that is bound to a control");
        return r < 0 ? diag_set(d, -r, "cannot begin: %s", strerror(-r)) : 0;
}

/* What the link follows is of the schema before until it has what is new. */
static int use_schema(struct policyd *p, struct schema *schema)
{
        struct schema *before = p->schema;

        int r = settings_reload(&p->settings, schema);
        if (r < 0)
                return r;
        p->schema = schema;
        r = link_follow(p->link);
        if (r == 0)
                (void)schema_free(before);
        else
                log_error("out of memory: the changed schema is followed after a restart");
        return 0;
}

void policyd_reload(struct policyd *p)
{
        struct schema_round round = { .p = p };
        struct schema *schema = NULL;

        log_info("reading the schema again");
        int r = schema_load(p->root, &p->schema_files, on_schema_error, &round, &schema);
        if (r == 0)
                r = use_schema(p, schema);
        if (r == -ENOENT)
                on_schema_error(LAYOUT_SCHEMA_ADMIN "/*.yaml",
                        LAYOUT_SCHEMA_ADMIN
                        "/*.yaml: the files change what TaintEvents is bound to, or TaintCapture; the "
                        "previous schema stays",
                        &round);
        else if (r < 0)
                log_error("the schema cannot be loaded: %s; the previous one stays", strerror(-r));
        if (r < 0)
                (void)schema_free(schema);
        end_round(&round);
}

static int collect_metrics(struct buf *out, void *userdata)
{
        const struct policyd *p = userdata;
        const struct settings *all = &p->settings;
        struct metrics_state state = {
                .version = PROJECT_VERSION,
                .registry = provider_health(p->provider),
                .monitor = monitor_status(taints_monitor(all->taints)),
                .policy = { all->taint_events->sv, all->taint_events->accepted },
                .capture = { all->capture->sv, all->capture->accepted },
                .n_settings = all->n,
                .audit = auditlog_status(all->auditlog),
        };
        _cleanup_free_ struct metrics_setting *list = calloc(all->n, sizeof(*list));

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < all->n; i++) {
                const struct setting *s = all->list[i];
                list[i] = (struct metrics_setting){
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
        state.settings = list;
        state.accepted = taints_accepted_mask(all->taints);
        state.events = monitor_events(taints_monitor(all->taints), &state.n_events);
        return metrics_text(&state, out);
}

/* What is wrong with the file can stand in the file only when nothing is any more. */
static void on_metrics_written(void *userdata)
{
        const struct policyd *p = userdata;
        const struct settings *all = &p->settings;

        for (size_t i = 0; i < all->n; i++)
                if (all->list[i]->kind == SETTING_TEXT_FILE)
                        setting_set_error(all->list[i], metrics_error(all->metrics));
        if (!provider_health(p->provider))
                provider_ask(p->provider);
}

static int start_metrics(struct policyd *p)
{
        const struct metrics_config config = {
                .root = p->root,
                .event = p->event,
                .collect = collect_metrics,
                .written = on_metrics_written,
                .userdata = p,
        };
        return metrics_new(&config, &p->settings.metrics);
}

static void check_all(struct policyd *p)
{
        for (size_t i = 0; i < p->settings.n; i++)
                setting_check(p->settings.list[i]);
}

/* A module came or went: it may own a control. */
static int on_uevent(_unused_ sd_device_monitor *monitor, _unused_ sd_device *device, void *userdata)
{
        check_all(userdata);
        return 0;
}

static int on_recheck(sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        struct policyd *p = userdata;

        check_all(p);
        metrics_recheck(p->settings.metrics);
        link_recheck(p->link);
        provider_ask(p->provider);
        int r = sd_event_source_set_time_relative(s, p->recheck_usec);
        return r < 0 ? r : sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static void start_uevents(struct policyd *p)
{
        int r = sd_device_monitor_new(&p->uevents);
        if (r >= 0)
                r = sd_device_monitor_filter_add_match_subsystem_devtype(p->uevents, "module", NULL);
        if (r >= 0)
                r = sd_device_monitor_attach_event(p->uevents, p->event);
        if (r >= 0)
                r = sd_device_monitor_start(p->uevents, on_uevent, p);
        if (r < 0)
                log_info("module uevents are not available (%s); the timer remains", strerror(-r));
}

static void on_reload(void *userdata)
{
        policyd_reload(userdata);
}

/* Nobody waits for configuration for ever. */
static int on_registry_late(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        struct policyd *p = userdata;

        settings_end_start(&p->settings);
        return 0;
}

static int start_events(struct policyd *p)
{
        int r = loop_new(&p->event);
        if (r >= 0)
                r = loop_on_reload(p->event, on_reload, p);
        if (r >= 0)
                r = sd_event_add_time_relative(p->event, NULL, CLOCK_MONOTONIC,
                        REGISTRY_WAIT_SECONDS * UINT64_C(1000000), 0, on_registry_late, p);
        return r < 0 ? r
                     : sd_event_add_time_relative(p->event, &p->recheck, CLOCK_MONOTONIC, p->recheck_usec,
                               1000000, on_recheck, p);
}

static int open_bus(struct policyd *p, const char *admin_group, struct diag *d)
{
        int r = daemon_bus_open(p->event, &p->bus, d);
        if (r < 0)
                return r;
        r = policy_bus_new(p->bus, admin_group, &p->settings, &p->problems, p, &p->settings.bus);
        if (r < 0)
                return diag_set(d, -r, "cannot serve %s: %s", POLICY_BUS_NAME, strerror(-r));
        p->settings.connection = p->bus;
        r = daemon_bus_own(p->bus, POLICY_BUS_NAME, d);
        if (r < 0)
                return r;
        r = link_new(p->bus, &p->settings, &p->link);
        if (r >= 0)
                r = provider_new(p->bus, p->settings.metrics, &p->provider);
        provider_ask(p->provider);
        return r < 0 ? diag_set(d, -r, "cannot follow the registry: %s", strerror(-r)) : 0;
}

/* Needed for the BPF programs and for opening the kernel log, both of which are done. */
static void drop_privileges(void)
{
        int r = privileges_drop(PRIVILEGE(CAP_BPF) | PRIVILEGE(CAP_PERFMON) | PRIVILEGE(CAP_SYSLOG));
        if (r < 0)
                log_warning("capabilities that are not needed any more cannot be dropped: %s; ignoring",
                        strerror(-r));
}

static int start(struct policyd *p, const struct policyd_config *config, struct diag *d)
{
        int r = start_events(p);
        if (r >= 0)
                r = start_auditlog(p, d);
        if (r < 0)
                return d->text[0] ? r : diag_set(d, -r, "cannot start: %s", strerror(-r));
        p->settings.root = p->root;
        p->settings.event = p->event;
        r = load_settings(p, d);
        if (r < 0)
                return r;
        start_uevents(p);
        r = taints_new(&p->settings, config->recheck_usec, config->use_bpf, &p->settings.taints, d);
        if (r >= 0)
                r = start_metrics(p);
        if (r < 0)
                return r;
        settings_take_own(&p->settings);
        r = open_bus(p, config->admin_group, d);
        if (r >= 0)
                r = taints_start(p->settings.taints, d);
        if (r >= 0)
                drop_privileges();
        return r;
}

int policyd_new(const struct policyd_config *config, struct policyd **ret, struct diag *d)
{
        _cleanup_(policyd_freep) struct policyd *p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->run_dir_fd = -1;
        p->recheck_usec = config->recheck_usec;
        p->root = strdup(config->root ? config->root : "");
        int r = p->root ? start(p, config, d) : -ENOMEM;
        if (r < 0)
                return r;
        *ret = STEAL_PTR(p);
        return 0;
}

struct policyd *policyd_free(struct policyd *p)
{
        if (!p)
                return NULL;
        struct settings *all = &p->settings;
        for (size_t i = 0; i < all->n; i++)
                setting_flush(all->list[i]);
        p->link = link_free(p->link);
        all->metrics = metrics_free(all->metrics);
        p->provider = provider_free(p->provider);
        all->taints = taints_free(all->taints);
        all->bus = policy_bus_free(all->bus);
        all->connection = NULL;
        if (p->bus)
                (void)sd_bus_flush_close_unref(p->bus);
        /* Completions of records may still concern settings. */
        all->auditlog = auditlog_free(all->auditlog);
        settings_done(all);
        p->schema = schema_free(p->schema);
        schema_files_done(&p->schema_files);
        problems_done(&p->problems);
        if (p->uevents)
                sd_device_monitor_unref(p->uevents);
        sd_event_source_disable_unref(p->recheck);
        sd_event_unref(p->event);
        if (p->run_dir_fd >= 0)
                (void)close(p->run_dir_fd);
        free(p->root);
        free(p);
        return NULL;
}

int policyd_run(struct policyd *p)
{
        return loop_run(p->event, NULL);
}
