/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-device.h>

#include "../../schema/base/fileio.h"
#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"
#include "../../schema/events/loop.h"
#include "../../schema/layout.h"
#include "../boot/boot-values.h"
#include "../client/link.h"
#include "item.h"
#include "policy-bus.h"

#define TAINT_EVENTS_KEY DEFAULT_HIVE "\\System\\Audit\\Modules"
#define TAINT_EVENTS_NAME "TaintEvents"

struct manager {
        char *root;
        sd_event *event;
        sd_bus *bus;
        struct schema *schema;
        struct accepted accepted, refused;
        struct auditlog *auditlog;
        struct item_context context;
        struct item **items;
        size_t n_items;
        struct item *taint_events;
        struct policy_bus *policy_bus;
        struct taints *taints;
        bool use_bpf;
        struct link *link;
        const struct path **followed_keys; /* values, then the values that say what to do on drift */
        const char **followed_names;
        size_t n_followed;
        sd_device_monitor *uevents;
        sd_event_source *recheck;
        uint64_t recheck_usec;
};

static void on_item_changed(struct item *item, unsigned changes, void *userdata)
{
        struct manager *m = userdata;
        if (m->policy_bus)
                policy_bus_changed(m->policy_bus, item, changes);
}

static void on_policy_changed(struct item *item, const char *old, const struct actor *actor, void *userdata)
{
        struct manager *m = userdata;
        if (m->policy_bus)
                policy_bus_policy_changed(m->policy_bus, item, old, actor);
}

static void on_policy_refused(struct item *item, const char *refused, const char *why, void *userdata)
{
        struct manager *m = userdata;
        if (m->policy_bus)
                policy_bus_policy_refused(m->policy_bus, item, refused, why);
}

static void on_drift_detected(struct item *item, const char *found, const char *action, void *userdata)
{
        struct manager *m = userdata;
        if (m->policy_bus)
                policy_bus_drift_detected(m->policy_bus, item, found, action);
}

static void on_settled(struct item *item, void *userdata)
{
        struct manager *m = userdata;
        if (m->policy_bus)
                policy_bus_settled(m->policy_bus, item);
}

static void on_audit_changed(void *userdata)
{
        struct manager *m = userdata;
        if (m->policy_bus)
                policy_bus_audit_changed(m->policy_bus);
}

static void on_complaint(const char *text, _unused_ void *userdata)
{
        log_warning("%s", text);
}

static void set_drift_mode(struct manager *m, struct item *item, const struct link_value *v)
{
        const struct schema_value *sv = schema_find(m->schema, &item->sv->key, v->name);
        _cleanup_free_ char *mode = NULL;
        struct diag d = { 0 };

        if (!v->value || !sv)
                item_set_reapply(item, item->sv->control->drift_reapply);
        else if (schema_check(sv, v->value, &mode, &d) == 0)
                item_set_reapply(item, strcmp(mode, "reapply") == 0);
        else
                log_warning("%s\\%s: %s; what is in force stays", v->key, v->name, d.text);
}

/* A value of an item, or the one beside it that says what to do on drift. */
static void on_told(const struct link_value *v, void *userdata)
{
        struct manager *m = userdata;

        for (size_t i = 0; i < m->n_items; i++) {
                struct item *item = m->items[i];
                const struct schema_value *sv = item->sv;
                if (strcmp(sv->key.text, v->key) != 0)
                        continue;
                if (strcmp(sv->name, v->name) == 0) {
                        const struct item_input input = { .value = v->value,
                                .layer = v->layer,
                                .actor = v->actor,
                                .reason = v->actor && !v->is_resync ? NULL : v->reason,
                                .file = v->file,
                                .file_owner = v->file_owner,
                                .sequence = v->sequence,
                                .is_resync = v->is_resync };
                        if (item_input(item, &input) < 0)
                                log_error("%s: out of memory; the value in force stays", item->path);
                } else if (sv->control->drift_value && strcmp(sv->control->drift_value, v->name) == 0) {
                        set_drift_mode(m, item, v);
                }
        }
}

static void on_link_state(bool connected, const char *problem, void *userdata)
{
        struct manager *m = userdata;

        if (connected)
                log_info("following the registry");
        else
                log_warning("the registry does not answer (%s); the policy in force stays", problem);
        for (size_t i = 0; !connected && i < m->n_items; i++)
                item_registry_absent(m->items[i]);
        (void)sd_notifyf(0, "STATUS=%s, TaintEvents is %s",
                connected ? "Following the registry" : "No registry",
                m->taint_events->accepted ? m->taint_events->accepted : "unset");
}

static void check_all(struct manager *m)
{
        for (size_t i = 0; i < m->n_items; i++)
                item_check(m->items[i]);
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

static int make_items(struct manager *m, const struct boot_values *initial)
{
        m->items = calloc(initial->n ? initial->n : 1, sizeof(struct item *));
        if (!m->items)
                return -ENOMEM;
        for (size_t i = 0; i < initial->n; i++) {
                int r = item_new(
                        &m->context, initial->list[i].sv, initial->list[i].text, &m->items[m->n_items]);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        continue;
                struct item *item = m->items[m->n_items++];
                if (strcmp(item->sv->key.text, TAINT_EVENTS_KEY) == 0 &&
                        strcmp(item->sv->name, TAINT_EVENTS_NAME) == 0)
                        m->taint_events = item;
        }
        return m->taint_events ? 0 : -ENOENT;
}

/* What is in force from the first moment is what the boot-time apply reads from disk. */
static int load_items(struct manager *m, struct diag *d)
{
        struct boot_values initial = { 0 };

        int r = schema_load(m->root, on_complaint, NULL, &m->schema);
        if (r < 0)
                return diag_set(d, -r, "the schema cannot be loaded: %s", strerror(-r));
        struct diag why = { 0 };
        r = accepted_load(m->root, LAYOUT_ACCEPTED_NAME, &m->accepted, &why);
        if (r < 0)
                log_error("%s", why.text[0] ? why.text : strerror(-r));
        r = accepted_load(m->root, LAYOUT_REFUSED_NAME, &m->refused, &why);
        if (r < 0)
                log_warning("%s", why.text[0] ? why.text : strerror(-r));
        why.text[0] = '\0';
        r = boot_values_load(m->root, m->schema, &m->accepted, NULL, NULL, &initial, &why);
        if (r < 0)
                log_warning("%s", why.text[0] ? why.text : strerror(-r));
        m->context.ran_before = m->accepted.n > 0;
        r = make_items(m, &initial);
        boot_values_done(&initial);
        if (r == -ENOENT)
                return diag_set(d, ENOENT, "the schema has no bound value %s\\%s", TAINT_EVENTS_KEY,
                        TAINT_EVENTS_NAME);
        return r < 0 ? diag_set(d, -r, "cannot begin: %s", strerror(-r)) : 0;
}

static int follow(struct manager *m)
{
        m->followed_keys = calloc(m->n_items * 2, sizeof(*m->followed_keys));
        m->followed_names = calloc(m->n_items * 2, sizeof(*m->followed_names));
        if (!m->followed_keys || !m->followed_names)
                return -ENOMEM;
        for (size_t i = 0; i < m->n_items; i++) {
                const struct schema_value *sv = m->items[i]->sv;
                m->followed_keys[m->n_followed] = &sv->key;
                m->followed_names[m->n_followed++] = sv->name;
                if (!sv->control->drift_value)
                        continue;
                m->followed_keys[m->n_followed] = &sv->key;
                m->followed_names[m->n_followed++] = sv->control->drift_value;
        }
        const struct link_config config = {
                .bus = m->bus,
                .keys = m->followed_keys,
                .names = m->followed_names,
                .n = m->n_followed,
                .told = on_told,
                .state = on_link_state,
                .userdata = m,
        };
        return link_new(&config, &m->link);
}

static void on_taint_told(const struct taint_event *e, void *userdata)
{
        struct manager *m = userdata;
        policy_bus_taint_told(m->policy_bus, e);
        policy_bus_taint_changed(m->policy_bus);
}

static void on_taint_changed(void *userdata)
{
        struct manager *m = userdata;
        if (m->policy_bus)
                policy_bus_taint_changed(m->policy_bus);
}

static int make_taints(struct manager *m, struct diag *d)
{
        const struct taints_config config = {
                .root = m->root,
                .event = m->event,
                .auditlog = m->auditlog,
                .policy = m->taint_events,
                .recheck_usec = m->recheck_usec,
                .use_bpf = m->use_bpf,
                .told = on_taint_told,
                .changed = on_taint_changed,
                .userdata = m,
        };
        return taints_new(&config, &m->taints, d);
}

static int on_bus_gone(_unused_ sd_bus_message *msg, void *userdata, _unused_ sd_bus_error *error)
{
        struct manager *m = userdata;
        log_error("the bus went away");
        return sd_event_exit(m->event, EXIT_FAILURE);
}

static int open_bus(struct manager *m, struct diag *d)
{
        int r = sd_bus_open_system(&m->bus);
        if (r < 0)
                return diag_set(d, -r, "no connection to the system bus: %s", strerror(-r));
        r = sd_bus_attach_event(m->bus, m->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_match_signal_async(m->bus, NULL, "org.freedesktop.DBus.Local",
                        "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local", "Disconnected",
                        on_bus_gone, NULL, m);
        const struct policy_bus_config config = {
                .bus = m->bus,
                .items = m->items,
                .n_items = m->n_items,
                .taint_events = m->taint_events,
                .auditlog = m->auditlog,
                .taints = m->taints,
        };
        if (r >= 0)
                r = policy_bus_new(&config, &m->policy_bus);
        if (r >= 0)
                r = sd_bus_request_name(m->bus, POLICY_BUS_NAME, 0);
        if (r == -EEXIST)
                return diag_set(d, EEXIST, "%s is owned by somebody else on this bus", POLICY_BUS_NAME);
        if (r >= 0)
                r = follow(m);
        return r < 0 ? diag_set(d, -r, "cannot serve %s: %s", POLICY_BUS_NAME, strerror(-r)) : 0;
}

static int start_events(struct manager *m)
{
        int r = loop_new(&m->event);
        return r < 0 ? r
                     : sd_event_add_time_relative(m->event, &m->recheck, CLOCK_MONOTONIC, m->recheck_usec,
                               1000000, on_recheck, m);
}

static int start_auditlog(struct manager *m)
{
        _cleanup_free_ char *file = root_path(m->root, LAYOUT_POLICY_RUN "/seqno");
        _cleanup_free_ char *dir = root_path(m->root, LAYOUT_POLICY_RUN);
        if (!file || !dir)
                return -ENOMEM;
        int r = make_dirs(dir);
        if (r < 0)
                log_warning("%s: %s; ignoring", dir, strerror(-r));
        return auditlog_new(m->event, &sender_libaudit, file, on_audit_changed, m, &m->auditlog);
}

int manager_new(const struct manager_config *config, struct manager **ret, struct diag *d)
{
        _cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->recheck_usec = config->recheck_usec;
        m->use_bpf = config->use_bpf;
        m->root = strdup(config->root ? config->root : "");
        if (!m->root)
                return -ENOMEM;
        int r = start_events(m);
        if (r >= 0)
                r = start_auditlog(m);
        if (r < 0)
                return diag_set(d, -r, "cannot start: %s", strerror(-r));
        m->context = (struct item_context){
                .root = m->root,
                .event = m->event,
                .auditlog = m->auditlog,
                .accepted = &m->accepted,
                .refused = &m->refused,
                .changed = on_item_changed,
                .policy_changed = on_policy_changed,
                .policy_refused = on_policy_refused,
                .drift_detected = on_drift_detected,
                .settled = on_settled,
                .userdata = m,
        };
        r = load_items(m, d);
        if (r >= 0)
                r = start_uevents(m);
        if (r >= 0)
                r = make_taints(m, d);
        if (r >= 0)
                r = open_bus(m, d);
        if (r >= 0)
                r = taints_start(m->taints, d);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(m);
        return 0;
}

struct manager *manager_free(struct manager *m)
{
        if (!m)
                return NULL;
        m->link = link_free(m->link);
        m->taints = taints_free(m->taints);
        m->policy_bus = policy_bus_free(m->policy_bus);
        if (m->bus)
                (void)sd_bus_flush_close_unref(m->bus);
        /* Completions of records may still concern items. */
        m->auditlog = auditlog_free(m->auditlog);
        for (size_t i = 0; i < m->n_items; i++)
                (void)item_free(m->items[i]);
        free(m->items);
        free(m->followed_keys);
        free(m->followed_names);
        accepted_done(&m->accepted);
        accepted_done(&m->refused);
        m->schema = schema_free(m->schema);
        if (m->uevents)
                sd_device_monitor_unref(m->uevents);
        sd_event_source_disable_unref(m->recheck);
        sd_event_unref(m->event);
        free(m->root);
        free(m);
        return NULL;
}

int manager_run(struct manager *m)
{
        return loop_run(m->event, NULL);
}
