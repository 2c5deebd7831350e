/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Setting the property TaintEvents: written through to the registry as the caller, and answered when the
 * value is in force, or with the reason why it is not. sd-bus answers property setters at once, so the call
 * is taken over. */

#include <errno.h>
#include <string.h>

#include "../../schema/bus/client.h"
#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"
#include "../../schema/events/daemon-bus.h"
#include "policy-bus-internal.h"

/* Each waits for an answer of the registry's, and the bus lets a connection wait for 128: the service's own
 * calls and questions have to go out as well. */
#define SETTERS_MAX 24u
#define SETTERS_PER_USER_MAX 8u
#define IN_FORCE_TIMEOUT_USEC UINT64_C(10000000)
/* Below that of a caller who waits as long as is usual, so that he is told. */
#define WRITE_TIMEOUT_USEC UINT64_C(20000000)
/* The registry may have to ask polkit, and polkit a person. */
#define INTERACTIVE_TIMEOUT_USEC UINT64_C(130000000)

struct setter {
        struct policy_bus *pb;
        struct setter *next;
        sd_bus_message *m;
        uint32_t uid;
        sd_bus_slot *call;
        sd_event_source *timer;
        char *value;       /* what is to be in force */
        uint64_t sequence; /* 0: not written yet */
};

static unsigned setters_of(const struct policy_bus *pb, uint32_t uid)
{
        unsigned n = 0;

        for (const struct setter *s = pb->setters; s; s = s->next)
                n += s->uid == uid;
        return n;
}

static void setter_free(struct setter *s)
{
        for (struct setter **at = &s->pb->setters; *at; at = &(*at)->next)
                if (*at == s) {
                        *at = s->next;
                        s->pb->n_setters--;
                        break;
                }
        sd_bus_slot_unref(s->call);
        sd_event_source_disable_unref(s->timer);
        sd_bus_message_unref(s->m);
        free(s->value);
        free(s);
}

void policy_set_free(struct policy_bus *pb)
{
        while (pb->setters)
                setter_free(pb->setters);
}

static void answer_error(struct setter *s, const char *name, const char *text)
{
        int r = sd_bus_reply_method_errorf(s->m, name, "%s", text);
        if (r < 0)
                log_debug("cannot answer a property setter: %s; ignoring", strerror(-r));
        setter_free(s);
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
        const struct setting *policy = s->pb->config.settings->taint_events;
        struct diag d = { 0 };

        if (policy->refusal.text[0])
                answer_error(s, ERROR_REFUSED, policy->refusal.text);
        else if (policy->is_pending) {
                (void)diag_set(&d, EAGAIN, "%s is accepted, and comes into force with the next %s",
                        setting_pending(policy), setting_waits_for(policy));
                answer_error(s, ERROR_NOT_IN_FORCE, d.text);
        } else if (!is_in_force(policy, s->value)) {
                (void)diag_set(&d, EBUSY, "%s is written, but %s from layer %s is in force", s->value,
                        policy->accepted ? policy->accepted : "nothing", policy->layer);
                answer_error(s, ERROR_NOT_IN_FORCE, d.text);
        } else if (!policy->live && control_present(policy->control)) {
                (void)diag_set(
                        &d, EIO, "%s is accepted, but not live: %s", policy->accepted, policy->last_error);
                answer_error(s, ERROR_NOT_LIVE, d.text);
        } else {
                int r = sd_bus_reply_method_return(s->m, NULL);
                if (r < 0)
                        log_debug("cannot answer a property setter: %s; ignoring", strerror(-r));
                setter_free(s);
        }
}

void policy_bus_settled(struct policy_bus *pb, const struct setting *policy)
{
        if (!pb || policy != policy->all->taint_events)
                return;
        for (struct setter *s = pb->setters, *next; s; s = next) {
                next = s->next;
                if (s->sequence != 0 && policy->sequence >= s->sequence)
                        answer(s);
        }
}

static int on_timeout(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        answer_error(userdata, ERROR_UNAVAILABLE,
                "written, but the registry has not told of it; not in force yet");
        return 0;
}

static int on_written(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct setter *s = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);

        s->call = sd_bus_slot_unref(s->call);
        if (e) {
                bool gone = client_service_absent(e) || sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY);
                answer_error(s, gone ? ERROR_UNAVAILABLE : e->name,
                        gone         ? "the registry provider does not answer"
                        : e->message ? e->message
                                     : e->name);
                return 0;
        }
        if (sd_bus_message_read(m, "t", &s->sequence) < 0) {
                answer_error(s, ERROR_UNAVAILABLE, "the registry provider gave an answer that is not one");
                return 0;
        }
        const struct setting *policy = s->pb->config.settings->taint_events;
        if (policy->sequence >= s->sequence && !policy->turning_off) {
                answer(s);
                return 0;
        }
        if (sd_event_add_time_relative(sd_bus_get_event(s->pb->config.bus), &s->timer, CLOCK_MONOTONIC,
                    IN_FORCE_TIMEOUT_USEC, 0, on_timeout, s) < 0)
                answer_error(s, ERROR_UNAVAILABLE, "written, but it cannot be waited for");
        return 0;
}

static int write_through(struct setter *s, const char *value)
{
        struct policy_bus *pb = s->pb;
        const struct schema_value *sv = pb->config.settings->taint_events->sv;
        sd_bus_message *m = NULL;

        int r = sd_bus_message_new_method_call(
                pb->config.bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Set");
        if (r >= 0)
                r = sd_bus_message_append(m, "ssuva{sv}", sv->key.text, sv->name, sv->type, "s", value, 1,
                        "on-behalf-of", "s", sd_bus_message_get_sender(s->m));
        bool interactive = sd_bus_message_get_allow_interactive_authorization(s->m) > 0;
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(m, interactive);
        if (r >= 0)
                r = sd_bus_call_async(pb->config.bus, &s->call, m, on_written, s,
                        interactive ? INTERACTIVE_TIMEOUT_USEC : WRITE_TIMEOUT_USEC);
        sd_bus_message_unref(m);
        return r;
}

/* A value that nobody would accept is not written: it would stay there, and be refused anew at each boot. */
static int check_allowed(const struct policy_bus *pb, const char *value, sd_bus_error *error)
{
        const struct schema_value *sv = pb->config.settings->taint_events->sv;
        _cleanup_free_ char *text = NULL;
        struct diag d = { 0 };

        int r = schema_canonical(sv, value, strlen(value), &text, &d);
        return r != -EINVAL ? r : sd_bus_error_setf(error, ERROR_REFUSED, "%s; nothing is written", d.text);
}

int policy_set_filter(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct policy_bus *pb = userdata;
        const char *interface, *property, *value;

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
        r = sd_bus_message_read(m, "v", "s", &value);
        if (r < 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "TaintEvents is a string");
        r = check_allowed(pb, value, error);
        if (r < 0)
                return r;
        const struct caller *caller = gate_caller(pb->gate, m);
        uint32_t uid = caller ? caller->actor.uid : AUDIT_ID_UNSET;
        if (uid != 0 && (pb->n_setters >= SETTERS_MAX || setters_of(pb, uid) >= SETTERS_PER_USER_MAX))
                return sd_bus_error_setf(error, ERROR_LIMIT,
                        "%u callers, or %u of one user, wait for their value to be in force already",
                        SETTERS_MAX, SETTERS_PER_USER_MAX);

        struct setter *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        *s = (struct setter){ .pb = pb, .next = pb->setters, .uid = uid, .value = strdup(value) };
        pb->setters = s;
        pb->n_setters++;
        r = s->value ? daemon_bus_stub(m, &s->m) : -ENOMEM;
        if (r >= 0)
                r = write_through(s, value);
        if (r < 0) {
                setter_free(s);
                return r;
        }
        return 1;
}
