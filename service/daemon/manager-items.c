/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings that are bound to a control, from what is on disk. */

#include "manager-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/layout.h"
#include "../boot/boot-values.h"

#define TAINT_EVENTS_KEY DEFAULT_HIVE "\\System\\Audit\\Modules"
#define TAINT_EVENTS_NAME "TaintEvents"

static void on_item_changed(struct item *item, unsigned changes, void *userdata)
{
        struct manager *m = userdata;
        if (m->policy_bus)
                policy_bus_changed(m->policy_bus, item, changes);
        metrics_changed(m->metrics);
}

static const char *accepted_text(const struct item *item)
{
        return item->accepted ? item->accepted : "unset";
}

static void on_policy_changed(struct item *item, const char *old, const struct actor *actor, void *userdata)
{
        struct manager *m = userdata;
        if (m->policy_bus)
                policy_bus_policy_changed(
                        m->policy_bus, item->path, old, accepted_text(item), item->live, actor);
}

static void on_policy_refused(struct item *item, const char *refused, const char *why, void *userdata)
{
        struct manager *m = userdata;
        if (m->policy_bus)
                policy_bus_policy_refused(m->policy_bus, item->path, refused, accepted_text(item), why);
}

static void on_drift_detected(struct item *item, const char *found, const char *action, void *userdata)
{
        struct manager *m = userdata;
        if (m->policy_bus)
                policy_bus_drift_detected(m->policy_bus, item, found, action);
}

static bool on_tainted(uint64_t *ret, void *userdata)
{
        struct manager *m = userdata;
        return taints_mask(m->taints, ret);
}

static bool on_writes_are_reported(void *userdata)
{
        struct manager *m = userdata;
        return m->taints && monitor_status(taints_monitor(m->taints)).writes_reported;
}

static void on_settled(struct item *item, void *userdata)
{
        struct manager *m = userdata;
        if (m->policy_bus)
                policy_bus_settled(m->policy_bus, item);
}

static void on_complaint(const char *text, _unused_ void *userdata)
{
        log_warning("%s", text);
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

int manager_load_items(struct manager *m, struct diag *d)
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
        m->context = (struct item_context){
                .root = m->root,
                .event = m->event,
                .auditlog = m->auditlog,
                .accepted = &m->accepted,
                .ran_before = m->accepted.n > 0,
                .refused = &m->refused,
                .changed = on_item_changed,
                .policy_changed = on_policy_changed,
                .policy_refused = on_policy_refused,
                .drift_detected = on_drift_detected,
                .tainted = on_tainted,
                .writes_are_reported = on_writes_are_reported,
                .settled = on_settled,
                .userdata = m,
        };
        r = make_items(m, &initial);
        boot_values_done(&initial);
        if (r == -ENOENT)
                return diag_set(d, ENOENT, "the schema has no bound value %s\\%s", TAINT_EVENTS_KEY,
                        TAINT_EVENTS_NAME);
        return r < 0 ? diag_set(d, -r, "cannot begin: %s", strerror(-r)) : 0;
}
