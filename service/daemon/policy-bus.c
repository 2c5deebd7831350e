/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-bus-internal.h"

#include <errno.h>
#include <string.h>

#include "../../registry-provider/bus/caller.h"
#include "../../registry-provider/client/wire.h"
#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"
#include "config.h"

#define UNPRIVILEGED SD_BUS_VTABLE_UNPRIVILEGED

static int get_property(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        const struct policy_bus *pb = userdata;
        const struct item *item = pb->config.taint_events;
        const struct {
                const char *name, *text;
        } texts[] = {
                { "TaintEvents", item->accepted ? item->accepted : "" },
                { "Written", item->written },
                { "Source", item->layer },
                { "ControlPath", control_path(item->control) },
                { "ControlValue", item->control_value },
                { "LastError", item->last_error },
                { "Meaning", item_meaning(item) },
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (strcmp(property, texts[i].name) == 0)
                        return sd_bus_message_append(reply, "s", texts[i].text);
        if (strcmp(property, "Live") == 0)
                return sd_bus_message_append(reply, "b", (int)item->live);
        return -ENOENT;
}

static int get_number(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        const struct policy_bus *pb = userdata;
        const struct item *item = pb->config.taint_events;
        const struct sender_status status = auditlog_status(pb->config.auditlog);
        const struct {
                const char *name;
                uint64_t number;
        } numbers[] = {
                { "LastApplied", item->last_applied },
                { "Changes", item->changes },
                { "NoOps", item->no_ops },
                { "Refused", item->refusals },
                { "Drifts", item->drifts },
                { "AuditSent", status.sent },
                { "AuditLost", status.lost },
                { "AuditKept", status.kept },
        };

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                if (strcmp(property, numbers[i].name) == 0)
                        return sd_bus_message_append(reply, "t", numbers[i].number);
        return -ENOENT;
}

static int get_version(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, _unused_ void *userdata,
        _unused_ sd_bus_error *error)
{
        return sd_bus_message_append(reply, "s", PROJECT_VERSION);
}

/* Never reached: policy_set_filter() takes the call over, because its answer comes later. It is here so that
 * the property is shown as writable. */
static int set_refused(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, _unused_ sd_bus_message *value, _unused_ void *userdata,
        _unused_ sd_bus_error *error)
{
        return -EOPNOTSUPP;
}

static int method_apply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct policy_bus *pb = userdata;
        sd_bus_creds *creds = NULL;
        uid_t uid = (uid_t)-1;

        int r = sd_bus_query_sender_creds(m, SD_BUS_CREDS_EUID, &creds);
        if (r >= 0)
                r = sd_bus_creds_get_euid(creds, &uid);
        sd_bus_creds_unref(creds);
        if (r < 0)
                return r;
        if (uid != 0)
                return sd_bus_error_set(
                        error, ERROR_ACCESS_DENIED, "only root may have the policy applied again");
        for (size_t i = 0; i < pb->config.n_items; i++)
                item_apply(pb->config.items[i]);
        const struct item *item = pb->config.taint_events;
        if (!item->live && control_present(item->control))
                return sd_bus_error_setf(error, ERROR_NOT_LIVE, "%s is accepted, but not live: %s",
                        item->path, item->last_error);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_explain(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        const struct policy_bus *pb = userdata;
        const struct item *item = pb->config.taint_events;
        _cleanup_buf_ struct buf why = BUF_INIT;
        _cleanup_free_ char *live = NULL;

        int r = item_explain(item, &why);
        if (r < 0)
                return r;
        if (item->control_value[0] &&
                schema_control_meaning(item->sv, item->control_value, &live) == -ENOMEM)
                return -ENOMEM;
        return sd_bus_reply_method_return(m, "ssss", item->written, item->accepted ? item->accepted : "",
                live ? live : item->control_value, buf_str(&why));
}

static int append_setting(sd_bus_message *reply, const struct item *item)
{
        _cleanup_buf_ struct buf why = BUF_INIT;

        int r = item_explain(item, &why);
        if (r < 0)
                return r;
        return sd_bus_message_append(reply, "(sssssbss)", item->path, item->written, item->layer,
                item->accepted ? item->accepted : "", control_name(item->control), (int)item->live,
                item->control_value, buf_str(&why));
}

static int method_list_settings(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        const struct policy_bus *pb = userdata;
        sd_bus_message *reply = NULL;

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sssssbss)");
        for (size_t i = 0; r >= 0 && i < pb->config.n_items; i++)
                r = append_setting(reply, pb->config.items[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

struct item *policy_bus_find(const struct policy_bus *pb, const char *key, const char *name)
{
        for (size_t i = 0; i < pb->config.n_items; i++) {
                const struct schema_value *sv = pb->config.items[i]->sv;
                _cleanup_path_ struct path path = { 0 };
                if (path_parse(key, strlen(key), NULL, NULL, &path, NULL) == 0 &&
                        path_equal(&path, &sv->key) &&
                        fold_equal(sv->name, strlen(sv->name), name, strlen(name)))
                        return pb->config.items[i];
        }
        return NULL;
}

static int reply_lines(sd_bus_message *m, char *text)
{
        sd_bus_message *reply = NULL;
        char *save = NULL;

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "s");
        for (char *line = text ? strtok_r(text, "\n", &save) : NULL; r >= 0 && line;
                line = strtok_r(NULL, "\n", &save))
                r = sd_bus_message_append(reply, "s", line);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

/* The caller is asked for anew: a preview is rare, and its record must name who would write. */
static int caller(sd_bus_message *m, struct actor *ret)
{
        struct caller_cache *cache;

        int r = caller_cache_new(&cache);
        if (r < 0)
                return r;
        r = caller_of_message(cache, m, ret);
        (void)caller_cache_free(cache);
        return r;
}

static int method_preview(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const struct policy_bus *pb = userdata;
        _cleanup_buf_ struct buf bytes = BUF_INIT, lines = BUF_INIT;
        struct actor actor = ACTOR_UNKNOWN;
        struct diag d = { 0 };
        const char *key, *name;
        uint32_t type;

        int r = sd_bus_message_read(m, "ss", &key, &name);
        if (r >= 0)
                r = wire_read_value(m, &bytes, &type, &d);
        if (r == -EINVAL && d.text[0])
                return sd_bus_error_set(error, ERROR_INVALID_VALUE, d.text);
        if (r < 0)
                return r;
        struct item *item = policy_bus_find(pb, key, name);
        if (!item)
                return reply_lines(m, NULL);
        const struct value value = { .type = type, .data = bytes.data, .size = bytes.len };
        r = caller(m, &actor);
        if (r >= 0)
                r = item_preview(item, type == REG_TOMBSTONE ? NULL : &value, &actor, &lines);
        return r < 0 ? r : reply_lines(m, lines.data);
}

#define EMITS SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable policy_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_WRITABLE_PROPERTY("TaintEvents", "s", get_property, set_refused, 0, EMITS | UNPRIVILEGED),
        SD_BUS_PROPERTY("Meaning", "s", get_property, 0, EMITS),
        SD_BUS_PROPERTY("Written", "s", get_property, 0, EMITS),
        SD_BUS_PROPERTY("Source", "s", get_property, 0, EMITS),
        SD_BUS_PROPERTY("Live", "b", get_property, 0, EMITS),
        SD_BUS_PROPERTY("ControlPath", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ControlValue", "s", get_property, 0, EMITS),
        SD_BUS_PROPERTY("LastApplied", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("LastError", "s", get_property, 0, EMITS),
        SD_BUS_PROPERTY("Changes", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("NoOps", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("Refused", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("Drifts", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("AuditSent", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("AuditKept", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("AuditLost", "t", get_number, 0, EMITS),

        SD_BUS_METHOD_WITH_ARGS("Apply", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_apply, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_NO_ARGS,
                SD_BUS_RESULT("s", written, "s", accepted, "s", live, "s", why), method_explain,
                UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListSettings", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sssssbss)", settings),
                method_list_settings, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Preview", SD_BUS_ARGS("s", key, "s", name, "u", type, "v", data),
                SD_BUS_RESULT("as", lines), method_preview, UNPRIVILEGED),

        SD_BUS_SIGNAL_WITH_ARGS(
                "PolicyChanged", SD_BUS_ARGS("s", path, "s", old, "s", new, "b", live, "a{sv}", actor), 0),
        SD_BUS_SIGNAL_WITH_ARGS(
                "PolicyRefused", SD_BUS_ARGS("s", path, "s", refused, "s", kept, "s", why), 0),
        SD_BUS_SIGNAL_WITH_ARGS("DriftDetected",
                SD_BUS_ARGS("s", path, "s", control, "s", expected, "s", found, "s", action), 0),
        SD_BUS_VTABLE_END,
};

static int on_flush(_unused_ sd_event_source *s, void *userdata)
{
        static const struct {
                unsigned change;
                const char *properties[5];
        } map[] = {
                { ITEM_ACCEPTED, { "TaintEvents", "Meaning" } },
                { ITEM_WRITTEN, { "Written", "Source" } },
                { ITEM_CONTROL, { "Live", "ControlValue", "LastApplied", "LastError" } },
                { ITEM_COUNTERS, { "Changes", "NoOps", "Refused", "Drifts" } },
                { AUDIT_COUNTERS, { "AuditSent", "AuditKept", "AuditLost" } },
        };
        struct policy_bus *pb = userdata;
        char *names[ARRAY_SIZE(map) * 4 + 1];
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(map); i++)
                for (size_t k = 0; (pb->dirty & map[i].change) && map[i].properties[k]; k++)
                        names[n++] = (char *)map[i].properties[k];
        names[n] = NULL;
        pb->dirty = 0;
        int r = sd_bus_emit_properties_changed_strv(pb->config.bus, POLICY_PATH, POLICY_INTERFACE, names);
        if (r < 0)
                log_warning("cannot signal changed properties: %s; ignoring", strerror(-r));
        return 0;
}

static void mark(struct policy_bus *pb, unsigned changes)
{
        pb->dirty |= changes;
        int r = sd_event_source_set_enabled(pb->flush, SD_EVENT_ONESHOT);
        if (r < 0)
                log_warning("cannot signal changed properties: %s; ignoring", strerror(-r));
}

void policy_bus_changed(struct policy_bus *pb, const struct item *item, unsigned changes)
{
        if (item == pb->config.taint_events)
                mark(pb, changes);
}

void policy_bus_audit_changed(struct policy_bus *pb)
{
        mark(pb, AUDIT_COUNTERS);
}

static void warn_signal(const char *name, int r)
{
        if (r < 0)
                log_warning("cannot send the signal %s: %s; ignoring", name, strerror(-r));
}

static int append_actor(sd_bus_message *m, const struct actor *a)
{
        return a ? sd_bus_message_append(m, "a{sv}", 7, "pid", "u", a->pid, "uid", "u", a->uid, "loginuid",
                           "u", a->loginuid, "session", "u", a->session, "comm", "s", a->comm, "exe", "s",
                           a->exe, "context", "s", a->context)
                 : sd_bus_message_append(m, "a{sv}", 0);
}

void policy_bus_policy_changed(
        struct policy_bus *pb, const struct item *item, const char *old, const struct actor *actor)
{
        sd_bus_message *m = NULL;

        int r = sd_bus_message_new_signal(
                pb->config.bus, &m, POLICY_PATH, POLICY_INTERFACE, "PolicyChanged");
        if (r >= 0)
                r = sd_bus_message_append(m, "sssb", item->path, old,
                        item->accepted ? item->accepted : "unset", (int)item->live);
        if (r >= 0)
                r = append_actor(m, actor);
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        sd_bus_message_unref(m);
        warn_signal("PolicyChanged", r);
}

void policy_bus_policy_refused(
        struct policy_bus *pb, const struct item *item, const char *refused, const char *why)
{
        warn_signal("PolicyRefused",
                sd_bus_emit_signal(pb->config.bus, POLICY_PATH, POLICY_INTERFACE, "PolicyRefused", "ssss",
                        item->path, refused, item->accepted ? item->accepted : "unset", why));
}

void policy_bus_drift_detected(
        struct policy_bus *pb, const struct item *item, const char *found, const char *action)
{
        _cleanup_free_ char *expected = NULL;

        if (item->accepted && schema_control_text(item->sv, item->accepted, &expected) == -ENOMEM)
                return;
        warn_signal("DriftDetected",
                sd_bus_emit_signal(pb->config.bus, POLICY_PATH, POLICY_INTERFACE, "DriftDetected", "sssss",
                        item->path, control_name(item->control), expected ? expected : "", found, action));
}

int policy_bus_new(const struct policy_bus_config *config, struct policy_bus **ret)
{
        struct policy_bus *pb = calloc(1, sizeof(*pb));
        if (!pb)
                return -ENOMEM;
        pb->config = *config;

        int r = sd_event_add_defer(sd_bus_get_event(config->bus), &pb->flush, on_flush, pb);
        if (r >= 0)
                r = sd_event_source_set_enabled(pb->flush, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_source_set_priority(pb->flush, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_bus_add_object(config->bus, NULL, POLICY_PATH, policy_set_filter, pb);
        if (r >= 0)
                r = sd_bus_add_object_vtable(
                        config->bus, NULL, POLICY_PATH, POLICY_INTERFACE, policy_vtable, pb);
        if (r < 0) {
                (void)policy_bus_free(pb);
                return r;
        }
        *ret = pb;
        return 0;
}

struct policy_bus *policy_bus_free(struct policy_bus *pb)
{
        if (!pb)
                return NULL;
        policy_set_free(pb);
        sd_event_source_disable_unref(pb->flush);
        free(pb);
        return NULL;
}
