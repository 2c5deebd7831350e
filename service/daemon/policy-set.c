/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-bus.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/bus/cleanup.h"
#include "../../schema/bus/client.h"
#include "../../schema/events/daemon-bus.h"

/* Each waits for an answer of the registry's, and the bus lets a connection wait for 128: the service's own
 * calls and questions have to go out as well. */
static const struct gate_share places = { .all = 24, .of_user = 8 };
#define IN_FORCE_TIMEOUT_USEC UINT64_C(10000000)
/* Below that of a caller who waits as long as is usual, so that he hears of it. */
#define WRITE_TIMEOUT_USEC UINT64_C(20000000)
/* The registry may have to ask polkit, and polkit a person. */
#define INTERACTIVE_TIMEOUT_USEC UINT64_C(130000000)

struct setter {
        struct policy_set *set;
        struct setter *next;
        sd_bus_message *m;
        uint32_t uid;
        sd_bus_slot *call;
        sd_event_source *timer;
        char *value;       /* what is to be in force */
        uint64_t sequence; /* 0: not written yet */
};

struct policy_set {
        sd_bus *bus;
        struct gate *gate;
        const struct settings *settings;
        struct setter *setters;
};

static void setter_free(struct setter *s)
{
        for (struct setter **at = &s->set->setters; *at; at = &(*at)->next)
                if (*at == s) {
                        *at = s->next;
                        break;
                }
        sd_bus_slot_unref(s->call);
        sd_event_source_disable_unref(s->timer);
        sd_bus_message_unref(s->m);
        free(s->value);
        free(s);
}

/* `r` is what sending the answer came to. */
static void finish(struct setter *s, int r)
{
        if (r < 0)
                log_debug("cannot answer a property setter: %s; ignoring", strerror(-r));
        setter_free(s);
}

static void finish_unavailable(struct setter *s, const char *why)
{
        finish(s, sd_bus_reply_method_errorf(s->m, ERROR_UNAVAILABLE, "%s", why));
}

/* A value may be good and yet not win: another layer stands above the one that was written to. */
static bool is_in_force(const struct setting *policy, const char *value)
{
        _cleanup_free_ char *text = NULL;

        return policy->accepted && schema_canonical(policy->sv, value, strlen(value), &text, NULL) == 0 &&
               strcmp(text, policy->accepted) == 0;
}

static void answer(struct setter *s)
{
        const struct setting *policy = s->set->settings->taint_events;

        if (policy->refusal.text[0])
                finish(s, sd_bus_reply_method_errorf(s->m, ERROR_REFUSED, "%s", policy->refusal.text));
        else if (policy->is_pending)
                finish(s, sd_bus_reply_method_errorf(s->m, ERROR_NOT_IN_FORCE,
                                  "%s is accepted, and comes into force with the next %s",
                                  setting_pending(policy), setting_waits_for(policy)));
        else if (!is_in_force(policy, s->value))
                finish(s, sd_bus_reply_method_errorf(s->m, ERROR_NOT_IN_FORCE,
                                  "%s is written, but %s from layer %s is in force", s->value,
                                  policy->accepted ? policy->accepted : "nothing", policy->layer));
        else if (!policy->live && control_present(policy->control))
                finish(s, sd_bus_reply_method_errorf(s->m, ERROR_NOT_LIVE,
                                  "%s is accepted, but not live: %s", policy->accepted, policy->last_error));
        else
                finish(s, sd_bus_reply_method_return(s->m, NULL));
}

void policy_set_settled(struct policy_set *set)
{
        for (struct setter *s = set->setters, *next; s; s = next) {
                next = s->next;
                if (s->sequence != 0 && set->settings->taint_events->sequence >= s->sequence)
                        answer(s);
        }
}

static int on_timeout(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        finish_unavailable(userdata, "written, but the registry has not reported it; not in force yet");
        return 0;
}

static int on_written(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct setter *s = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);

        s->call = sd_bus_slot_unref(s->call);
        if (e && (client_service_absent(e) || sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY))) {
                finish_unavailable(s, "the registry provider does not answer");
                return 0;
        }
        if (e) {
                finish(s,
                        sd_bus_reply_method_errorf(s->m, e->name, "%s", e->message ? e->message : e->name));
                return 0;
        }
        if (sd_bus_message_read(m, "t", &s->sequence) < 0) {
                finish_unavailable(s, "the registry provider gave an invalid answer");
                return 0;
        }
        const struct setting *policy = s->set->settings->taint_events;
        if (policy->sequence >= s->sequence && !policy->turning_off) {
                answer(s);
                return 0;
        }
        if (sd_event_add_time_relative(sd_bus_get_event(s->set->bus), &s->timer, CLOCK_MONOTONIC,
                    IN_FORCE_TIMEOUT_USEC, 0, on_timeout, s) < 0)
                finish_unavailable(s, "written, but it cannot be waited for");
        return 0;
}

static int write_through(struct setter *s)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const struct schema_value *sv = s->set->settings->taint_events->sv;

        int r = client_new_call(s->set->bus, "Set", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "ssuva{sv}", sv->key.text, sv->name, sv->type, "s", s->value, 1,
                        "on-behalf-of", "s", sd_bus_message_get_sender(s->m));
        bool interactive = sd_bus_message_get_allow_interactive_authorization(s->m) > 0;
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(m, interactive);
        return r < 0 ? r
                     : sd_bus_call_async(s->set->bus, &s->call, m, on_written, s,
                               interactive ? INTERACTIVE_TIMEOUT_USEC : WRITE_TIMEOUT_USEC);
}

static int begin(struct policy_set *set, sd_bus_message *m, uint32_t uid, const char *value)
{
        struct setter *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        *s = (struct setter){ .set = set, .next = set->setters, .uid = uid, .value = strdup(value) };
        set->setters = s;
        int r = s->value ? daemon_bus_stub(m, &s->m) : -ENOMEM;
        if (r >= 0)
                r = write_through(s);
        if (r < 0)
                setter_free(s);
        return r < 0 ? r : 1;
}

/* 0: there is room for one more; or negative with `error` set. */
static int check_room(const struct policy_set *set, uint32_t uid, bool is_writer, sd_bus_error *error)
{
        size_t n = 0, of_user = 0;

        for (const struct setter *s = set->setters; s; s = s->next) {
                n++;
                of_user += s->uid == uid;
        }
        if (uid == 0 || gate_share_has(&places, is_writer, n, of_user, 1))
                return 0;
        return sd_bus_error_setf(error, ERROR_LIMIT,
                "%zu callers, or %zu of one user, already wait for their values to be in force",
                gate_share_most(&places, is_writer), places.of_user);
}

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct policy_set *set = userdata;
        const char *interface, *property, *value;
        _cleanup_free_ char *text = NULL;
        struct diag d = { 0 };

        if (!sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "Set") ||
                !sd_bus_message_has_signature(m, "ssv"))
                return 0;
        int r = sd_bus_message_read(m, "ss", &interface, &property);
        if (r < 0)
                return r;
        if (strcmp(interface, POLICY_INTERFACE) != 0 || strcmp(property, "TaintEvents") != 0) {
                r = sd_bus_message_rewind(m, true);
                return r < 0 ? r : 0; /* not ours: sd-bus goes on */
        }
        if (sd_bus_message_read(m, "v", "s", &value) < 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "TaintEvents is a string");
        /* A value that nobody would accept is not written: it would stay there, and be refused anew at each
         * boot. */
        r = schema_canonical(set->settings->taint_events->sv, value, strlen(value), &text, &d);
        if (r == -EINVAL)
                return sd_bus_error_setf(error, ERROR_REFUSED, "%s; nothing is written", d.text);
        if (r < 0)
                return r;
        const struct caller *caller = gate_caller(set->gate, m);
        uint32_t uid = caller ? caller->actor.uid : AUDIT_ID_UNSET;
        r = check_room(set, uid, caller && gate_is_writer(caller), error);
        return r < 0 ? r : begin(set, m, uid, value);
}

int policy_set_new(sd_bus *bus, struct gate *gate, const struct settings *settings, struct policy_set **ret)
{
        struct policy_set *set = malloc(sizeof(*set));
        if (!set)
                return -ENOMEM;
        *set = (struct policy_set){ .bus = bus, .gate = gate, .settings = settings };
        int r = sd_bus_add_object(bus, NULL, POLICY_PATH, on_call, set);
        if (r < 0) {
                free(set);
                return r;
        }
        *ret = set;
        return 0;
}

struct policy_set *policy_set_free(struct policy_set *set)
{
        while (set && set->setters)
                setter_free(set->setters);
        free(set);
        return NULL;
}
