/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-bus.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/base/clock.h"
#include "../../schema/base/log.h"
#include "../../schema/base/diag.h"
#include "../../schema/bus/cleanup.h"
#include "../../schema/bus/refusals.h"
#include "../../schema/bus/wire.h"
#include "../../schema/dbus/names.h"
#include "../../schema/events/daemon-bus.h"
#include "../../schema/events/loop.h"
#include "../../schema/taint/taint.h"
#include "config.h"
#include "policyd.h"
#include "taints.h"

/* Also where the loop is never idle. */
#define FLUSH_MOST_USEC UINT64_C(20000)

/* Beside enum setting_change. */
#define AUDIT_COUNTERS (1u << 16)
#define TAINT_STATUS (1u << 17)
#define TAINT_CAPTURE (1u << 18)
#define PROBLEMS (1u << 19)
#define TAINT_ACCEPTED (1u << 20)

struct policy_bus {
        sd_bus *bus;
        struct settings *settings;
        const struct problems *problems;
        struct policyd *policyd;
        struct gate *gate;
        struct refusals *refusals;
        struct policy_set *set;
        struct loop_deferred *flush;
        unsigned dirty;
};

/* What sd-bus answers with is counted for the call that is being worked, if one is. */
static int append_counted(struct policy_bus *pb, sd_bus *bus, sd_bus_message *reply, const char *text)
{
        sd_bus_message *m = sd_bus_get_current_message(bus);

        if (m)
                gate_answered(pb->gate, m, strlen(text));
        return daemon_bus_append_string(reply, text);
}

static int get_text(sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        struct policy_bus *pb = userdata;
        const struct setting *s = pb->settings->taint_events;
        const struct monitor_status taint = monitor_status(taints_monitor(pb->settings->taints));
        const struct {
                const char *name, *text;
        } texts[] = {
                { "Version", PROJECT_VERSION },
                { "TaintEvents", setting_or_empty(s) },
                { "Written", s->written },
                { "Source", s->layer },
                { "Signer", s->seal.signer },
                { "Pending", setting_pending(s) },
                { "ControlPath", control_path(s->control) },
                { "ControlValue", s->control_value },
                { "LastError", s->last_error },
                { "Meaning", setting_meaning(s) },
                { "TaintCapture", setting_or_empty(pb->settings->capture) },
                { "TaintChars", taint.letters },
                { "Backend", taint.backend },
                { "Hooks", taint.hooks },
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (strcmp(property, texts[i].name) == 0)
                        return append_counted(pb, bus, reply, texts[i].text);
        return -ENOENT;
}

static int get_flag(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        const struct settings *all = ((const struct policy_bus *)userdata)->settings;
        bool flag = strcmp(property, "Live") == 0 ? all->taint_events->live
                                                  : monitor_status(taints_monitor(all->taints)).readable;

        return sd_bus_message_append(reply, "b", (int)flag);
}

static int get_number(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        const struct settings *all = ((const struct policy_bus *)userdata)->settings;
        const struct setting *s = all->taint_events;
        const struct sender_status audit = auditlog_status(all->auditlog);
        const struct monitor_status taint = monitor_status(taints_monitor(all->taints));
        uint64_t no_ops = s->no_ops; /* and those of the service's own */
        for (size_t i = 0; i < all->n; i++)
                no_ops += all->list[i]->control ? 0 : all->list[i]->no_ops;
        const struct {
                const char *name;
                uint64_t number;
        } numbers[] = {
                { "Serial", s->seal.serial },
                { "LastApplied", s->last_applied },
                { "Changes", s->changes },
                { "NoOps", no_ops },
                { "Refused", s->refusals },
                { "Drifts", s->drifts },
                { "AuditSent", audit.sent },
                { "AuditLost", audit.lost },
                { "AuditKept", audit.kept },
                { "Tainted", taint.tainted },
                { "TaintAccepted", taints_accepted_mask(all->taints) },
                { "Misses", taint.misses },
                { "Drops", taint.drops },
        };

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                if (strcmp(property, numbers[i].name) == 0)
                        return sd_bus_message_append(reply, "t", numbers[i].number);
        return -ENOENT;
}

static int get_problems(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        const struct problems *p = ((const struct policy_bus *)userdata)->problems;

        int r = sd_bus_message_open_container(reply, 'a', "(ss)");
        for (size_t i = 0; r >= 0 && i < p->n; i++)
                r = sd_bus_message_append(reply, "(ss)", p->list[i].file, p->list[i].text);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_flags(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        const struct settings *all = ((const struct policy_bus *)userdata)->settings;
        uint64_t mask = monitor_status(taints_monitor(all->taints)).tainted;
        char name[TAINT_NAME_MAX];

        int r = sd_bus_message_open_container(reply, 'a', "s");
        for (unsigned bit = 0; r >= 0 && bit < 64; bit++)
                if (mask >> bit & 1)
                        r = sd_bus_message_append(reply, "s", taint_name(taint_flag_by_bit(bit), bit, name));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_accepted(sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        struct policy_bus *pb = userdata;
        const struct accepted_taints *accepted = taints_accepted(pb->settings->taints);
        int64_t now = (int64_t)clock_of(CLOCK_REALTIME);

        int r = sd_bus_message_open_container(reply, 'a', "s");
        for (size_t i = 0; r >= 0 && i < accepted->n; i++)
                if (!accepted_taint_ended(&accepted->list[i], now))
                        r = append_counted(pb, bus, reply, accepted->list[i].text);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Sends the answer, whose size is counted, or says in `error` that there is no room for it. */
static int answer(struct policy_bus *pb, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error)
{
        size_t bytes;

        int r = account_measure_answer(reply, &bytes);
        if (r == 0)
                r = gate_take(pb->gate, m, bytes, error);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* 1, or what to return. */
static int check_root(
        struct policy_bus *pb, sd_bus_message *m, const char *call, const char *what, sd_bus_error *error)
{
        struct caller *caller = gate_caller(pb->gate, m);

        if (!caller)
                return -ESRCH;
        if (caller->actor.uid == 0)
                return 1;
        refusals_note(pb->refusals, &caller->actor, call, NULL, "not root");
        return sd_bus_error_setf(error, ERROR_ACCESS_DENIED, "only root may have %s", what);
}

static int method_apply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct policy_bus *pb = userdata;

        int r = check_root(pb, m, "Apply()", "the policy applied again", error);
        if (r <= 0)
                return r;
        for (size_t i = 0; i < pb->settings->n; i++)
                setting_apply(pb->settings->list[i]);
        const struct setting *s = pb->settings->taint_events;
        if (!s->accepted)
                return sd_bus_error_set(
                        error, ERROR_NOT_LIVE, "nothing is in force: the registry has not answered yet");
        if (!s->live && control_present(s->control))
                return sd_bus_error_setf(
                        error, ERROR_NOT_LIVE, "%s is accepted, but not live: %s", s->path, s->last_error);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct policy_bus *pb = userdata;

        int r = check_root(pb, m, "Reload()", "the schema read again", error);
        if (r <= 0)
                return r;
        policyd_reload(pb->policyd);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_explain(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct policy_bus *pb = userdata;
        const struct setting *s = pb->settings->taint_events;
        _cleanup_buf_ struct buf why = BUF_INIT;
        _cleanup_free_ char *live = NULL;

        int r = setting_explain(s, &why);
        if (r < 0)
                return r;
        if (s->control_value[0] && schema_control_meaning(s->sv, s->control_value, &live) == -ENOMEM)
                return -ENOMEM;
        _cleanup_message_ sd_bus_message *reply = NULL;
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "sss", s->written, setting_or_empty(s), setting_pending(s));
        if (r >= 0)
                r = daemon_bus_append_string(reply, live ? live : s->control_value);
        if (r >= 0)
                r = daemon_bus_append_string(reply, buf_str(&why));
        if (r >= 0)
                r = answer(pb, m, reply, error);
        return r;
}

static int append_setting(sd_bus_message *reply, const struct setting *s)
{
        _cleanup_buf_ struct buf why = BUF_INIT;

        int r = setting_explain(s, &why);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'r', "ssssssbsssts");
        if (r >= 0)
                r = sd_bus_message_append(reply, "ssssssb", s->path, s->written, s->layer,
                        setting_or_empty(s), setting_pending(s), setting_control_name(s), (int)s->live);
        if (r >= 0)
                r = daemon_bus_append_string(reply, s->control_value);
        if (r >= 0)
                r = daemon_bus_append_string(reply, s->last_error);
        if (r >= 0)
                r = daemon_bus_append_string(reply, buf_str(&why));
        if (r >= 0)
                r = sd_bus_message_append(reply, "ts", s->seal.serial, s->seal.signer);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int method_list_settings(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct policy_bus *pb = userdata;
        const struct settings *all = pb->settings;
        _cleanup_message_ sd_bus_message *reply = NULL;

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssssssbsssts)");
        for (size_t i = 0; r >= 0 && i < all->n; i++)
                r = append_setting(reply, all->list[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = answer(pb, m, reply, error);
        return r;
}

static int reply_lines(struct policy_bus *pb, sd_bus_message *m, char *text, sd_bus_error *error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
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
                r = answer(pb, m, reply, error);
        return r;
}

static int method_preview(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct policy_bus *pb = userdata;
        _cleanup_buf_ struct buf bytes = BUF_INIT, lines = BUF_INIT;
        _cleanup_path_ struct path path = { 0 };
        struct caller *caller = gate_caller(pb->gate, m);
        struct diag d = { 0 };
        const char *key, *name, *layer;
        uint32_t type;

        int r = sd_bus_message_read(m, "ss", &key, &name);
        if (r >= 0)
                r = wire_read_value(m, &bytes, &type, &d);
        if (r == -EINVAL && d.text[0])
                return sd_bus_error_set(error, ERROR_INVALID_VALUE, d.text);
        if (r >= 0)
                r = sd_bus_message_read(m, "s", &layer);
        if (r < 0)
                return r;
        struct setting *s = path_parse(key, strlen(key), NULL, NULL, &path, NULL) < 0
                                    ? NULL
                                    : settings_find(pb->settings, &path, name);
        if (!s)
                return reply_lines(pb, m, NULL, error);
        const struct value value = { .type = type, .data = bytes.data, .size = bytes.len };
        if (!caller)
                return -ESRCH;
        r = setting_preview(s, type == REG_TOMBSTONE ? NULL : &value, layer, &caller->actor, &lines);
        return r < 0 ? r : reply_lines(pb, m, lines.data, error);
}

static int method_list_events(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct policy_bus *pb = userdata;
        const struct taints *taints = pb->settings->taints;
        _cleanup_message_ sd_bus_message *reply = NULL;
        size_t n;
        const struct taint_event *events = monitor_events(taints_monitor(pb->settings->taints), &n);

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = policy_bus_append_event(reply, taints, &events[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : answer(pb, m, reply, error);
}

/* Never reached: policy-set.c takes the call over, because its answer comes later. It is here so that
 * the property is shown as writable. */
static int set_refused(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, _unused_ sd_bus_message *value, _unused_ void *userdata,
        _unused_ sd_bus_error *error)
{
        return -EOPNOTSUPP;
}

#define UNPRIVILEGED SD_BUS_VTABLE_UNPRIVILEGED
#define EMITS SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable policy_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Version", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_WRITABLE_PROPERTY("TaintEvents", "s", get_text, set_refused, 0, EMITS | UNPRIVILEGED),
        SD_BUS_PROPERTY("Meaning", "s", get_text, 0, EMITS),
        SD_BUS_PROPERTY("Written", "s", get_text, 0, EMITS),
        SD_BUS_PROPERTY("Source", "s", get_text, 0, EMITS),
        SD_BUS_PROPERTY("Serial", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("Signer", "s", get_text, 0, EMITS),
        SD_BUS_PROPERTY("Pending", "s", get_text, 0, EMITS),
        SD_BUS_PROPERTY("Live", "b", get_flag, 0, EMITS),
        SD_BUS_PROPERTY("ControlPath", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ControlValue", "s", get_text, 0, EMITS),
        SD_BUS_PROPERTY("LastApplied", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("LastError", "s", get_text, 0, EMITS),
        SD_BUS_PROPERTY("Changes", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("NoOps", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("Refused", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("Drifts", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("AuditSent", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("AuditKept", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("AuditLost", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("Problems", "a(ss)", get_problems, 0, EMITS),

        SD_BUS_PROPERTY("Tainted", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("TaintAccepted", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("Accepted", "as", get_accepted, 0, EMITS),
        SD_BUS_PROPERTY("TaintChars", "s", get_text, 0, EMITS),
        SD_BUS_PROPERTY("TaintFlags", "as", get_flags, 0, EMITS),
        SD_BUS_PROPERTY("TaintReadable", "b", get_flag, 0, EMITS),
        SD_BUS_PROPERTY("TaintCapture", "s", get_text, 0, EMITS),
        SD_BUS_PROPERTY("Backend", "s", get_text, 0, EMITS),
        SD_BUS_PROPERTY("Hooks", "s", get_text, 0, EMITS),
        SD_BUS_PROPERTY("Misses", "t", get_number, 0, EMITS),
        SD_BUS_PROPERTY("Drops", "t", get_number, 0, EMITS),

        SD_BUS_METHOD_WITH_ARGS("Apply", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_apply, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_NO_ARGS,
                SD_BUS_RESULT("s", written, "s", accepted, "s", pending, "s", live, "s", why),
                method_explain, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListSettings", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssssssbsssts)", settings),
                method_list_settings, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Preview",
                SD_BUS_ARGS("s", key, "s", name, "u", type, "v", data, "s", layer),
                SD_BUS_RESULT("as", lines), method_preview, UNPRIVILEGED),

        SD_BUS_METHOD_WITH_ARGS("ListEvents", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", events),
                method_list_events, UNPRIVILEGED),

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
                { SETTING_WRITTEN, { "Written", "Source", "Serial", "Signer" } },
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
        int r = sd_bus_emit_properties_changed_strv(pb->bus, POLICY_PATH, POLICY_INTERFACE, names);
        if (r < 0)
                log_warning("cannot signal changed properties: %s; ignoring", strerror(-r));
}

static void mark(struct policy_bus *pb, unsigned changes)
{
        if (!pb || changes == 0)
                return;
        pb->dirty |= changes;
        int r = loop_deferred_start(pb->flush);
        if (r < 0)
                log_warning("cannot signal changed properties: %s; ignoring", strerror(-r));
}

/* Of the others there are two properties alone: TaintCapture, and no-ops of all that is the service's own.
 */
void policy_bus_changed(const struct setting *s, unsigned changes)
{
        struct policy_bus *pb = s->all->bus;

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

        return array_has_word(writing, sd_bus_message_get_member(m)) ? GATE_WRITER : GATE_USER;
}

/* The only property that can be set is TaintEvents. */
static void on_refused(sd_bus_message *m, const struct actor *actor, const char *why, void *userdata)
{
        const struct policy_bus *pb = userdata;
        const char *member = sd_bus_message_get_member(m);

        if (strcmp(member, "Apply") == 0)
                refusals_note(pb->refusals, actor, "Apply()", NULL, why);
        if (strcmp(member, "Reload") == 0)
                refusals_note(pb->refusals, actor, "Reload()", NULL, why);
        if (strcmp(member, "Set") == 0)
                refusals_note(pb->refusals, actor, pb->settings->taint_events->path, NULL, why);
}

void policy_bus_settled(const struct setting *s)
{
        if (s->all->bus && s == s->all->taint_events)
                policy_set_settled(s->all->bus->set);
}

int policy_bus_new(sd_bus *bus, const char *admin_group, struct settings *settings,
        const struct problems *problems, struct policyd *policyd, struct policy_bus **ret)
{
        struct policy_bus *pb = calloc(1, sizeof(*pb));
        if (!pb)
                return -ENOMEM;
        pb->bus = bus;
        pb->settings = settings;
        pb->problems = problems;
        pb->policyd = policyd;
        /* Who comes first: the registry decides who may write. */
        const struct gate_config gate = {
                .bus = bus, .group = admin_group, .need = call_need, .refused = on_refused, .userdata = pb
        };

        int r = loop_deferred_new(
                sd_bus_get_event(bus), SD_EVENT_PRIORITY_IDLE, FLUSH_MOST_USEC, on_flush, pb, &pb->flush);
        if (r >= 0)
                r = gate_new(&gate, &pb->gate);
        if (r >= 0)
                r = refusals_new(
                        sd_bus_get_event(bus), auditlog_emit_refusal, settings->auditlog, &pb->refusals);
        if (r >= 0)
                r = policy_set_new(bus, pb->gate, settings, &pb->set);
        if (r >= 0)
                r = sd_bus_add_object_vtable(bus, NULL, POLICY_PATH, POLICY_INTERFACE, policy_vtable, pb);
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
        pb->set = policy_set_free(pb->set);
        (void)refusals_free(pb->refusals);
        pb->gate = gate_free(pb->gate);
        pb->flush = loop_deferred_free(pb->flush);
        free(pb);
        return NULL;
}
