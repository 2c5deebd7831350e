/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager-internal.h"

#include <errno.h>
#include <string.h>

#include "../metrics/metrics-file.h"

#define AUDIT_KEY DEFAULT_HIVE "\\System\\Audit"

static void on_setting_changed(const struct setting *s, const char *old, const char *text,
        const struct actor *actor, void *userdata)
{
        struct manager *m = userdata;
        if (m->policy_bus)
                policy_bus_policy_changed(m->policy_bus, s->path, old, text, true, actor);
}

static void on_setting_refused(
        const struct setting *s, const char *refused, const char *kept, const char *why, void *userdata)
{
        struct manager *m = userdata;
        if (m->policy_bus)
                policy_bus_policy_refused(m->policy_bus, s->path, refused, kept, why);
}

static void on_setting_same(void *userdata)
{
        struct manager *m = userdata;
        if (m->policy_bus)
                policy_bus_settings_same(m->policy_bus);
}

static void apply_drift(const char *text, void *userdata)
{
        struct item *item = userdata;
        item_set_reapply(item, text ? strcmp(text, "reapply") == 0 : item->sv->control->drift_reapply);
}

static void apply_capture(const char *text, void *userdata)
{
        struct manager *m = userdata;

        monitor_set_capture(taints_monitor(m->taints),
                text && strcmp(text, "forensic") == 0 ? CAPTURE_FORENSIC : CAPTURE_STANDARD);
        if (m->policy_bus)
                policy_bus_capture_changed(m->policy_bus);
        metrics_changed(m->metrics);
}

static void apply_metrics(const char *text, void *userdata)
{
        struct manager *m = userdata;
        metrics_set_path(m->metrics, text);
}

static int add_drift(struct manager *m)
{
        for (size_t i = 0; i < m->n_items; i++) {
                const struct schema_value *sv = m->items[i]->sv;
                const struct setting_config config = {
                        .sv = sv->control->drift_value
                                      ? schema_find(m->schema, &sv->key, sv->control->drift_value)
                                      : NULL,
                        .apply = apply_drift,
                        .userdata = m->items[i],
                };
                int r = config.sv ? settings_add(&m->settings, &config, NULL) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

/* -ENOENT where the schema has no such value. */
static int add(struct manager *m, const char *key, const char *name, struct setting_config config,
        struct setting **ret)
{
        _cleanup_path_ struct path path = { 0 };

        int r = path_parse(key, strlen(key), NULL, NULL, &path, NULL);
        if (r < 0)
                return r;
        config.sv = schema_find(m->schema, &path, name);
        config.userdata = m;
        return config.sv ? settings_add(&m->settings, &config, ret) : -ENOENT;
}

int manager_make_settings(struct manager *m, struct diag *d)
{
        m->settings = (struct settings){
                .root = m->root,
                .auditlog = m->auditlog,
                .accepted = &m->accepted,
                .refused = &m->refused,
                .changed = on_setting_changed,
                .told_refused = on_setting_refused,
                .same = on_setting_same,
                .userdata = m,
        };
        int r = manager_make_metrics(m);
        if (r >= 0)
                r = add_drift(m);
        if (r >= 0)
                r = add(m, AUDIT_KEY "\\Modules", "TaintCapture",
                        (struct setting_config){ .apply = apply_capture }, &m->capture);
        if (r >= 0)
                r = add(m, AUDIT_KEY "\\Metrics", "TextFile",
                        (struct setting_config){ .apply = apply_metrics, .check = metrics_file_check },
                        NULL);
        return r < 0 ? diag_set(d, -r, "the service's own settings cannot be read: %s", strerror(-r)) : 0;
}
