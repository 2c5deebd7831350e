/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-bus-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"

#define UNPRIVILEGED SD_BUS_VTABLE_UNPRIVILEGED

/* Never reached: policy_set_filter() takes the call over, because its answer comes later. It is here so that
 * the property is shown as writable. */
static int set_refused(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, _unused_ sd_bus_message *value, _unused_ void *userdata,
        _unused_ sd_bus_error *error)
{
        return -EOPNOTSUPP;
}

/* Also where the loop is never idle. */
#define FLUSH_MOST_USEC UINT64_C(20000)

#define EMITS SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable policy_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Version", "s", policy_get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_WRITABLE_PROPERTY("TaintEvents", "s", policy_get_text, set_refused, 0, EMITS | UNPRIVILEGED),
        SD_BUS_PROPERTY("Meaning", "s", policy_get_text, 0, EMITS),
        SD_BUS_PROPERTY("Written", "s", policy_get_text, 0, EMITS),
        SD_BUS_PROPERTY("Source", "s", policy_get_text, 0, EMITS),
        SD_BUS_PROPERTY("Pending", "s", policy_get_text, 0, EMITS),
        SD_BUS_PROPERTY("Live", "b", policy_get_text, 0, EMITS),
        SD_BUS_PROPERTY("ControlPath", "s", policy_get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ControlValue", "s", policy_get_text, 0, EMITS),
        SD_BUS_PROPERTY("LastApplied", "t", policy_get_number, 0, EMITS),
        SD_BUS_PROPERTY("LastError", "s", policy_get_text, 0, EMITS),
        SD_BUS_PROPERTY("Changes", "t", policy_get_number, 0, EMITS),
        SD_BUS_PROPERTY("NoOps", "t", policy_get_number, 0, EMITS),
        SD_BUS_PROPERTY("Refused", "t", policy_get_number, 0, EMITS),
        SD_BUS_PROPERTY("Drifts", "t", policy_get_number, 0, EMITS),
        SD_BUS_PROPERTY("AuditSent", "t", policy_get_number, 0, EMITS),
        SD_BUS_PROPERTY("AuditKept", "t", policy_get_number, 0, EMITS),
        SD_BUS_PROPERTY("AuditLost", "t", policy_get_number, 0, EMITS),
        SD_BUS_PROPERTY("Problems", "a(ss)", policy_get_problems, 0, EMITS),

        SD_BUS_PROPERTY("Tainted", "t", policy_get_taint, 0, EMITS),
        SD_BUS_PROPERTY("TaintAccepted", "t", policy_get_taint, 0, EMITS),
        SD_BUS_PROPERTY("Accepted", "as", policy_get_taint, 0, EMITS),
        SD_BUS_PROPERTY("TaintChars", "s", policy_get_taint, 0, EMITS),
        SD_BUS_PROPERTY("TaintFlags", "as", policy_get_taint, 0, EMITS),
        SD_BUS_PROPERTY("TaintReadable", "b", policy_get_taint, 0, EMITS),
        SD_BUS_PROPERTY("TaintCapture", "s", policy_get_text, 0, EMITS),
        SD_BUS_PROPERTY("Backend", "s", policy_get_taint, 0, EMITS),
        SD_BUS_PROPERTY("Hooks", "s", policy_get_taint, 0, EMITS),
        SD_BUS_PROPERTY("Misses", "t", policy_get_taint, 0, EMITS),
        SD_BUS_PROPERTY("Drops", "t", policy_get_taint, 0, EMITS),

        SD_BUS_METHOD_WITH_ARGS(
                "Apply", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, policy_method_apply, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS(
                "Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, policy_method_reload, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_NO_ARGS,
                SD_BUS_RESULT("s", written, "s", accepted, "s", pending, "s", live, "s", why),
                policy_method_explain, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListSettings", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssssssbsss)", settings),
                policy_method_list_settings, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Preview",
                SD_BUS_ARGS("s", key, "s", name, "u", type, "v", data, "s", layer),
                SD_BUS_RESULT("as", lines), policy_method_preview, UNPRIVILEGED),

        SD_BUS_METHOD_WITH_ARGS("ListEvents", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", events),
                policy_method_list_events, UNPRIVILEGED),

        SD_BUS_SIGNAL_WITH_ARGS("TaintSet", SD_BUS_ARGS("a{sv}", event), 0),
        SD_BUS_SIGNAL_WITH_ARGS("TaintCleared", SD_BUS_ARGS("a{sv}", event), 0),
        SD_BUS_SIGNAL_WITH_ARGS(
                "PolicyChanged", SD_BUS_ARGS("s", path, "s", old, "s", new, "b", live, "a{sv}", actor), 0),
        SD_BUS_SIGNAL_WITH_ARGS(
                "PolicyRefused", SD_BUS_ARGS("s", path, "s", refused, "s", kept, "s", why), 0),
        SD_BUS_SIGNAL_WITH_ARGS("DriftDetected",
                SD_BUS_ARGS("s", path, "s", control, "s", expected, "s", found, "s", action), 0),
        SD_BUS_VTABLE_END,
};

static void on_flush(void *userdata)
{
        static const struct {
                unsigned change;
                const char *properties[9];
        } map[] = {
                { SETTING_ACCEPTED, { "TaintEvents", "Meaning" } },
                { SETTING_WRITTEN, { "Written", "Source" } },
                { SETTING_PENDING, { "Pending" } },
                { SETTING_LIVE, { "Live", "ControlValue", "LastApplied", "LastError" } },
                { SETTING_COUNTERS, { "Changes", "NoOps", "Refused", "Drifts" } },
                { AUDIT_COUNTERS, { "AuditSent", "AuditKept", "AuditLost" } },
                { TAINT_ACCEPTED, { "Accepted" } },
                { TAINT_STATUS, { "Tainted", "TaintAccepted", "TaintChars", "TaintFlags", "TaintReadable",
                                        "Backend", "Hooks", "Misses", "Drops" } },
                { TAINT_CAPTURE, { "TaintCapture" } },
                { PROBLEMS, { "Problems" } },
        };
        struct policy_bus *pb = userdata;
        char *names[ARRAY_SIZE(map) * ARRAY_SIZE(map[0].properties) + 1];
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(map); i++)
                for (size_t k = 0; (pb->dirty & map[i].change) && k < ARRAY_SIZE(map[i].properties) &&
                                   map[i].properties[k];
                        k++)
                        names[n++] = (char *)map[i].properties[k];
        names[n] = NULL;
        pb->dirty = 0;
        int r = sd_bus_emit_properties_changed_strv(pb->config.bus, POLICY_PATH, POLICY_INTERFACE, names);
        if (r < 0)
                log_warning("cannot signal changed properties: %s; ignoring", strerror(-r));
}

static void mark(struct policy_bus *pb, unsigned changes)
{
        if (!pb || changes == 0)
                return;
        pb->dirty |= changes;
        int r = deferred_start(pb->flush);
        if (r < 0)
                log_warning("cannot signal changed properties: %s; ignoring", strerror(-r));
}

/* Of the others there are two properties alone: TaintCapture, and no-ops of all that is the service's own.
 */
void policy_bus_changed(struct policy_bus *pb, const struct setting *s, unsigned changes)
{
        if (s == s->all->taint_events)
                mark(pb, changes);
        else if (!s->control)
                mark(pb, (changes & SETTING_COUNTERS) |
                                 (s == s->all->capture && (changes & SETTING_ACCEPTED) ? TAINT_CAPTURE : 0));
}

void policy_bus_taint_changed(struct policy_bus *pb)
{
        mark(pb, TAINT_STATUS);
}

/* Which bits are accepted is said with the mask. */
void policy_bus_accepted_changed(struct policy_bus *pb)
{
        mark(pb, TAINT_ACCEPTED | TAINT_STATUS);
}

void policy_bus_problems_changed(struct policy_bus *pb)
{
        mark(pb, PROBLEMS);
}

void policy_bus_audit_changed(struct policy_bus *pb)
{
        mark(pb, AUDIT_COUNTERS);
}

static enum gate_need call_need(sd_bus_message *m)
{
        static const char *const writing[] = { "Apply", "Preview", "Reload", "Set" };

        for (size_t i = 0; i < ARRAY_SIZE(writing); i++)
                if (strcmp(sd_bus_message_get_member(m), writing[i]) == 0)
                        return GATE_WRITER;
        return GATE_USER;
}

/* The only property that can be set is TaintEvents. */
static void on_refused(sd_bus_message *m, const struct actor *actor, const char *why, void *userdata)
{
        const struct policy_bus *pb = userdata;
        const char *member = sd_bus_message_get_member(m);

        if (strcmp(member, "Apply") == 0)
                refusals_tell(pb->refusals, actor, "Apply()", NULL, why);
        if (strcmp(member, "Reload") == 0)
                refusals_tell(pb->refusals, actor, "Reload()", NULL, why);
        if (strcmp(member, "Set") == 0)
                refusals_tell(pb->refusals, actor, pb->config.settings->taint_events->path, NULL, why);
}

/* The registry decides who else may write. */
static int open_gate(struct policy_bus *pb)
{
        const struct gate_config config = {
                .bus = pb->config.bus,
                .group = "",
                .need = call_need,
                .refused = on_refused,
                .userdata = pb,
        };

        return gate_new(&config, &pb->gate);
}

int policy_answer(struct policy_bus *pb, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error)
{
        struct diag d = { 0 };
        size_t bytes;

        int r = measure_answer(reply, &bytes);
        if (r == 0)
                r = gate_take(pb->gate, m, bytes, &d);
        if (r == -EDQUOT)
                return sd_bus_error_set(error, ERROR_LIMIT, d.text);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

void policy_count(struct policy_bus *pb, sd_bus *bus, const char *text)
{
        sd_bus_message *m = sd_bus_get_current_message(bus);

        if (m)
                gate_answered(pb->gate, m, strlen(text));
}

int policy_bus_new(const struct policy_bus_config *config, struct policy_bus **ret)
{
        struct policy_bus *pb = calloc(1, sizeof(*pb));
        if (!pb)
                return -ENOMEM;
        pb->config = *config;

        int r = deferred_new(sd_bus_get_event(config->bus), SD_EVENT_PRIORITY_IDLE, FLUSH_MOST_USEC,
                on_flush, pb, &pb->flush);
        if (r >= 0)
                r = open_gate(pb);
        if (r >= 0)
                r = refusals_new(sd_bus_get_event(config->bus), auditlog_emit_refusal,
                        config->settings->auditlog, &pb->refusals);
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
        (void)refusals_free(pb->refusals);
        pb->gate = gate_free(pb->gate);
        pb->flush = deferred_free(pb->flush);
        free(pb);
        return NULL;
}
