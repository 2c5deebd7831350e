/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleetd-settings.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/bus/client.h"
#include "../../schema/bus/peer.h"
#include "../../schema/events/loop.h"
#include "../fleet/fleet-policy.h"

#define CALL_TIMEOUT_USEC UINT64_C(10000000)
#define RETRY_FIRST_USEC UINT64_C(1000000)
#define RETRY_MOST_USEC UINT64_C(300000000)

static const char *const names[FLEETD_SETTINGS_N] = {
        [FLEETD_ENDPOINTS] = "Endpoints",
        [FLEETD_PREFIX] = "Prefix",
        [FLEETD_GROUPS] = "Groups",
        [FLEETD_CA_FILE] = "CaFile",
        [FLEETD_CERT_FILE] = "CertFile",
        [FLEETD_KEY_FILE] = "KeyFile",
        [FLEETD_USER] = "User",
        [FLEETD_PASSWORD_FILE] = "PasswordFile",
        [FLEETD_REPORT_SECONDS] = "ReportSeconds",
};

struct fleetd_settings {
        sd_bus *bus;
        const struct schema_value *values[FLEETD_SETTINGS_N];
        char *texts[FLEETD_SETTINGS_N];
        void (*changed)(void *userdata);
        void *userdata;
        struct peer *provider;
        sd_bus_slot *signals, *call;
        uint64_t subscription; /* 0: none */
        sd_event_source *retry;
        uint64_t delay;
        bool is_heard; /* the provider has answered */
        bool again;    /* something changed while the values were asked for */
};

const char *fleetd_settings_text(const struct fleetd_settings *s, enum fleetd_setting which)
{
        return s->texts[which] ? s->texts[which] : "";
}

/* ---- values ---- */

/* Returns whether it is otherwise than it was. */
static bool take_text(struct fleetd_settings *s, size_t which, char *text)
{
        char *old = s->texts[which];
        bool same = old && strcmp(old, text) == 0;

        s->texts[which] = text;
        free(old);
        return !same;
}

static int take_value(struct fleetd_settings *s, size_t which, sd_bus_message *m, bool *changed)
{
        _cleanup_buf_ struct buf bytes = BUF_INIT;
        struct diag d = { 0 };
        char *text = NULL;
        const char *error, *why;
        uint32_t type;

        int r = sd_bus_message_enter_container(m, 'r', "ssuvts");
        if (r > 0)
                r = sd_bus_message_read(m, "ss", &error, &why);
        if (r > 0)
                r = wire_read_value(m, &bytes, &type, NULL);
        if (r >= 0)
                r = sd_bus_message_skip(m, "ts");
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        const struct value v = { .type = type, .data = buf_str(&bytes), .size = bytes.len };
        if (error[0] == '\0')
                r = schema_check(s->values[which], &v, &text, &d);
        else
                r = strcmp(error, ERROR_NOT_FOUND) == 0 ? 0 : diag_set(&d, EINVAL, "%s", why);
        if (r == -EINVAL)
                log_error(FLEET_KEY "\\%s: %s; what was in force stays", names[which], d.text);
        if (r == 0 && !text)
                text = strdup("");
        if (!text)
                return r == -EINVAL ? 0 : -ENOMEM;
        *changed |= take_text(s, which, text);
        return 0;
}

static int take_values(struct fleetd_settings *s, sd_bus_message *m, bool *changed)
{
        int r = sd_bus_message_enter_container(m, 'a', "(ssuvts)");

        for (size_t i = 0; r >= 0 && i < FLEETD_SETTINGS_N; i++)
                r = take_value(s, i, m, changed);
        return r;
}

/* ---- the provider ---- */

static void retry_later(struct fleetd_settings *s, const char *why)
{
        log_warning("the registry provider does not say what the fleet is: %s; trying again", why);
        int r = loop_timer_start(s->retry, s->delay);
        if (r < 0)
                log_error("cannot set a timer: %s", strerror(-r));
        s->delay = s->delay * 2 < RETRY_MOST_USEC ? s->delay * 2 : RETRY_MOST_USEC;
}

static bool failed(struct fleetd_settings *s, sd_bus_message *m)
{
        const sd_bus_error *e = sd_bus_message_get_error(m);

        s->call = sd_bus_slot_unref(s->call);
        if (e)
                retry_later(s, e->message ? e->message : e->name);
        return e != NULL;
}

static void ask_values(struct fleetd_settings *s);

static int on_values(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct fleetd_settings *s = userdata;
        bool changed = !s->is_heard;

        if (failed(s, m))
                return 0;
        int r = take_values(s, m, &changed);
        if (r < 0) {
                retry_later(s, strerror(-r));
                return 0;
        }
        s->delay = RETRY_FIRST_USEC;
        s->is_heard = true;
        if (changed)
                s->changed(s->userdata);
        if (s->again)
                ask_values(s);
        return 0;
}

static void ask_values(struct fleetd_settings *s)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        s->again = false;
        int r = client_new_call(s->bus, "GetMany", &m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(ss)");
        for (size_t i = 0; r >= 0 && i < FLEETD_SETTINGS_N; i++)
                r = sd_bus_message_append(m, "(ss)", FLEET_KEY, names[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_call_async(s->bus, &s->call, m, on_values, s, CALL_TIMEOUT_USEC);
        if (r < 0)
                retry_later(s, strerror(-r));
}

static int on_subscribed(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct fleetd_settings *s = userdata;

        if (failed(s, m))
                return 0;
        int r = sd_bus_message_read(m, "t", &s->subscription);
        if (r < 0)
                retry_later(s, strerror(-r));
        else
                ask_values(s);
        return 0;
}

static void begin(struct fleetd_settings *s)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        s->call = sd_bus_slot_unref(s->call);
        if (s->subscription != 0)
                return ask_values(s);
        int r = client_new_call(s->bus, "Subscribe", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "sba{sv}", FLEET_KEY, 0, 0);
        if (r >= 0)
                r = sd_bus_call_async(s->bus, &s->call, m, on_subscribed, s, CALL_TIMEOUT_USEC);
        if (r < 0)
                retry_later(s, strerror(-r));
}

static int on_retry(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        begin(userdata);
        return 0;
}

/* It is for what is behind links no more: that is asked for anew. */
static bool is_over(sd_bus_message *m)
{
        const char *kind;

        return sd_bus_message_skip(m, "ta{sv}") >= 0 &&
               sd_bus_message_enter_container(m, 'a', "(sssuvsts)") > 0 &&
               sd_bus_message_enter_container(m, 'r', "sssuvsts") > 0 &&
               sd_bus_message_read(m, "s", &kind) > 0 && strcmp(kind, "ended") == 0;
}

static int on_changed(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct fleetd_settings *s = userdata;
        uint64_t subscription = 0;

        if (!peer_sent(s->provider, m) || sd_bus_message_read(m, "t", &subscription) < 0 ||
                subscription != s->subscription)
                return 0;
        if (is_over(m)) {
                s->subscription = 0;
                begin(s);
        } else if (s->call)
                s->again = true;
        else
                ask_values(s);
        return 0;
}

/* At the beginning in any case: to ask for it has it started. */
static void on_provider(const char *old, const char *owner, void *userdata)
{
        struct fleetd_settings *s = userdata;

        s->subscription = 0;
        s->delay = RETRY_FIRST_USEC;
        s->call = sd_bus_slot_unref(s->call);
        if (owner[0] != '\0' || old[0] == '\0')
                begin(s);
}

/* ---- making and ending ---- */

static int find_values(struct fleetd_settings *s, const struct schema *schema)
{
        struct path key = { 0 };

        int r = path_parse(FLEET_KEY, strlen(FLEET_KEY), NULL, NULL, &key, NULL);
        for (size_t i = 0; r == 0 && i < FLEETD_SETTINGS_N; i++) {
                s->values[i] = schema_find(schema, &key, names[i]);
                r = s->values[i] ? 0 : -ENOENT;
        }
        path_done(&key);
        return r;
}

static int start(struct fleetd_settings *s)
{
        int r = loop_timer_new(sd_bus_get_event(s->bus), 0, on_retry, s, &s->retry);

        if (r >= 0)
                r = sd_bus_match_signal_async(s->bus, &s->signals, REGISTRY_BUS_NAME, REGISTRY_PATH,
                        REGISTRY_INTERFACE, "Changed", on_changed, NULL, s);
        if (r >= 0)
                r = peer_new(s->bus, REGISTRY_BUS_NAME, on_provider, s, &s->provider);
        return r < 0 ? r : 0;
}

int fleetd_settings_new(sd_bus *bus, const struct schema *schema, void (*changed)(void *userdata),
        void *userdata, struct fleetd_settings **ret)
{
        struct fleetd_settings *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        *s = (struct fleetd_settings){
                .bus = bus, .changed = changed, .userdata = userdata, .delay = RETRY_FIRST_USEC
        };
        int r = find_values(s, schema);
        if (r == 0)
                r = start(s);
        if (r < 0) {
                (void)fleetd_settings_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct fleetd_settings *fleetd_settings_free(struct fleetd_settings *s)
{
        if (!s)
                return NULL;
        sd_bus_slot_unref(s->call);
        sd_bus_slot_unref(s->signals);
        (void)peer_free(s->provider);
        sd_event_source_disable_unref(s->retry);
        for (size_t i = 0; i < FLEETD_SETTINGS_N; i++)
                free(s->texts[i]);
        free(s);
        return NULL;
}
