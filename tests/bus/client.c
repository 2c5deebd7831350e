/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Under a sanitizer, on a busy machine, with polkit asked in between. */
#define CALL_USEC (UINT64_C(1000000) * WAIT_SECONDS)

static int call(sd_bus *bus, const char *service, const char *path, const char *interface,
        const char *method, sd_bus_error *error, sd_bus_message **ret, const char *types, va_list ap)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = sd_bus_message_new_method_call(bus, &m, service, path, interface, method);
        if (r >= 0)
                r = sd_bus_message_appendv(m, types, ap);
        return r < 0 ? r : sd_bus_call(bus, m, CALL_USEC, error, ret);
}

static sd_bus_message *must_answer(int r, sd_bus_error *error, sd_bus_message *reply, const char *method)
{
        ck_assert_msg(r >= 0, "%s: %s: %s", method, error->name ? error->name : strerror(-r),
                error->message ? error->message : "");
        sd_bus_error_free(error);
        return reply;
}

sd_bus_message *answer(sd_bus *bus, const char *method, const char *types, ...)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        va_list ap;

        va_start(ap, types);
        int r = call(bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, method, &error, &reply,
                types, ap);
        va_end(ap);
        return must_answer(r, &error, reply, method);
}

void succeeds(sd_bus *bus, const char *method, const char *types, ...)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        va_list ap;

        va_start(ap, types);
        int r = call(bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, method, &error, &reply,
                types, ap);
        va_end(ap);
        (void)must_answer(r, &error, reply, method);
}

sd_bus_message *policy_answer(sd_bus *bus, const char *method, const char *types, ...)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        va_list ap;

        va_start(ap, types);
        int r = call(bus, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, method, &error, &reply, types, ap);
        va_end(ap);
        return must_answer(r, &error, reply, method);
}

void refused(sd_bus *bus, const char *name, const char *text, const char *method, const char *types, ...)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        va_list ap;

        va_start(ap, types);
        int r = call(bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, method, &error, &reply,
                types, ap);
        va_end(ap);
        ck_assert_msg(r < 0, "%s: expected %s (%s), was done", method, name, text);
        ck_assert_msg(error.name && strcmp(error.name, name) == 0, "%s: expected %s (%s), got %s: %s",
                method, name, text, error.name, error.message);
        ck_assert_msg(
                strstr(error.message, text), "%s: expected '%s', got '%s'", method, text, error.message);
        sd_bus_error_free(&error);
}

static uint64_t sequence_of(sd_bus_message *reply)
{
        uint64_t sequence;
        ck_assert_int_ge(sd_bus_message_read(reply, "t", &sequence), 0);
        return sequence;
}

uint64_t set_string(sd_bus *bus, const char *key, const char *name, const char *text)
{
        _cleanup_message_ sd_bus_message *m =
                answer(bus, "Set", "ssuva{sv}", key, name, (uint32_t)REG_SZ, "s", text, 0);
        return sequence_of(m);
}

uint64_t set_in_layer(sd_bus *bus, const char *layer, const char *key, const char *name, const char *text)
{
        _cleanup_message_ sd_bus_message *m = answer(
                bus, "Set", "ssuva{sv}", key, name, (uint32_t)REG_SZ, "s", text, 1, "layer", "s", layer);
        return sequence_of(m);
}

uint64_t set_number(sd_bus *bus, const char *key, const char *name, uint32_t number)
{
        _cleanup_message_ sd_bus_message *m =
                answer(bus, "Set", "ssuva{sv}", key, name, (uint32_t)REG_DWORD, "u", number, 0);
        return sequence_of(m);
}

static int on_reply(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        *(sd_bus_message **)userdata = sd_bus_message_ref(m);
        return 1;
}

sd_bus_message *answer_while_writing(
        sd_bus *bus, const char *key, uint32_t *i, const char *method, const char *types, ...)
{
        sd_bus_message *reply = NULL;
        va_list ap;

        va_start(ap, types);
        ck_assert_int_ge(sd_bus_call_method_asyncv(bus, NULL, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                 REGISTRY_INTERFACE, method, on_reply, &reply, types, ap),
                0);
        va_end(ap);
        while (!reply) {
                set_number(bus, key, "N", (*i)++);
                bus_turn(bus);
        }
        return reply;
}

sd_bus_message *transact_begin(sd_bus *bus)
{
        sd_bus_message *m;

        ck_assert_int_ge(sd_bus_message_new_method_call(
                                 bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Transact"),
                0);
        ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "(sssuv)"), 0);
        return m;
}

int transact_call(sd_bus *bus, sd_bus_message *m, sd_bus_error *error, sd_bus_message **ret)
{
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 0), 0);
        return sd_bus_call(bus, m, UINT64_C(60000000), error, ret);
}

void set_numbers(sd_bus *bus, const char *key, const char *name, uint32_t n)
{
        _cleanup_message_ sd_bus_message *m = transact_begin(bus);

        for (uint32_t i = 0; i < n; i++)
                ck_assert_int_ge(
                        sd_bus_message_append(m, "(sssuv)", "set", key, name, (uint32_t)REG_DWORD, "u", i),
                        0);
        ck_assert_int_ge(transact_call(bus, m, NULL, NULL), 0);
}

uint64_t set_list(sd_bus *bus, const char *key, const char *name, const char *first, const char *second)
{
        const uint32_t type = REG_MULTI_SZ;
        _cleanup_message_ sd_bus_message *m =
                second ? answer(bus, "Set", "ssuva{sv}", key, name, type, "as", 2, first, second, 0)
                       : answer(bus, "Set", "ssuva{sv}", key, name, type, "as", 1, first, 0);
        return sequence_of(m);
}

uint64_t delete_value(sd_bus *bus, const char *key, const char *name)
{
        _cleanup_message_ sd_bus_message *m = answer(bus, "Delete", "ssa{sv}", key, name, 0);
        return sequence_of(m);
}

static char *next_slot(size_t *ret_size)
{
        static char slots[4][512];
        static unsigned next;

        *ret_size = sizeof(slots[0]);
        return slots[next++ % ARRAY_SIZE(slots)];
}

const char *get_text(sd_bus *bus, const char *key, const char *name)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *text, *layer;
        uint64_t sequence;
        uint32_t type;
        size_t size;
        char *at = next_slot(&size);

        int r = sd_bus_call_method(bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Get", &error,
                &reply, "ss", key, name);
        if (r < 0) {
                ck_assert_msg(
                        sd_bus_error_has_name(&error, ERROR_NOT_FOUND), "%s: %s", error.name, error.message);
                sd_bus_error_free(&error);
                return "-";
        }
        ck_assert_int_ge(sd_bus_message_read(reply, "uvts", &type, "s", &text, &sequence, &layer), 0);
        (void)snprintf(at, size, "%s %s", text, layer);
        return at;
}

uint64_t subscribe(sd_bus *bus, const char *key, bool subtree)
{
        _cleanup_message_ sd_bus_message *m = answer(bus, "Subscribe", "sba{sv}", key, (int)subtree, 0);
        uint64_t id;

        ck_assert_int_ge(sd_bus_message_read(m, "t", &id), 0);
        return id;
}

static const char *property(
        sd_bus *bus, const char *service, const char *path, const char *interface, const char *name)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;

        int r = sd_bus_call_method(bus, service, path, "org.freedesktop.DBus.Properties", "Get", &error,
                &reply, "ss", interface, name);
        _cleanup_message_ sd_bus_message *m = must_answer(r, &error, reply, name);
        ck_assert_int_ge(sd_bus_message_enter_container(m, 'v', NULL), 0);
        return message_text(m);
}

const char *registry_property(sd_bus *bus, const char *name)
{
        return property(bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, name);
}

const char *policy_property(sd_bus *bus, const char *name)
{
        return property(bus, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, name);
}

bool policy_is(const char *name, const char *text)
{
        return strcmp(policy_property(world.bus, name), text) == 0;
}

bool explained(const char *text)
{
        _cleanup_message_ sd_bus_message *m = policy_answer(world.bus, "Explain", "");
        return strstr(message_text(m), text) != NULL;
}

bool settings_have(const char *text)
{
        _cleanup_message_ sd_bus_message *m = policy_answer(world.bus, "ListSettings", "");

        return strstr(message_text(m), text) != NULL;
}

int set_taint_events(sd_bus *bus, const char *type, const char *value, sd_bus_error *ret)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        int r = sd_bus_message_new_method_call(
                bus, &m, POLICY_BUS_NAME, POLICY_PATH, "org.freedesktop.DBus.Properties", "Set");
        if (r >= 0)
                r = sd_bus_message_append(m, "ssv", POLICY_INTERFACE, "TaintEvents", type, value);
        return r < 0 ? r : sd_bus_call(bus, m, CALL_USEC, ret, &reply);
}

char *repeat(const char *what, size_t n)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        char *s;

        for (size_t i = 0; i < n; i++)
                buf_puts(&text, what);
        ck_assert_int_eq(buf_finish(&text, &s, NULL), 0);
        return s;
}

static int on_subscribed(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        ck_assert(!sd_bus_message_is_method_error(m, NULL));
        --*(unsigned *)userdata;
        return 0;
}

void subscribe_many(sd_bus *bus, const char *key, unsigned n)
{
        unsigned waiting = 0;

        for (unsigned i = 0; i < n; i++) {
                WAIT_ON(bus, waiting < 100);
                ck_assert_int_ge(sd_bus_call_method_async(bus, NULL, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                         REGISTRY_INTERFACE, "Subscribe", on_subscribed, &waiting, "sba{sv}",
                                         key, 0, 0),
                        0);
                waiting++;
        }
        WAIT_ON(bus, waiting == 0);
}
