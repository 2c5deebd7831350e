/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client.h"

#include <errno.h>
#include <string.h>

int client_connect(sd_bus **ret, struct diag *d)
{
        sd_bus *bus = NULL;

        int r = sd_bus_open_system(&bus);
        if (r < 0)
                return diag_set(d, -r, "cannot reach the system bus: %s", strerror(-r));
        *ret = bus;
        return 0;
}

int client_new_call(sd_bus *bus, const char *method, sd_bus_message **ret)
{
        return sd_bus_message_new_method_call(
                bus, ret, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, method);
}

bool client_service_absent(const sd_bus_error *error)
{
        static const char spawn[] = "org.freedesktop.DBus.Error.Spawn.";

        return sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
               sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
               (error && error->name && strncmp(error->name, spawn, strlen(spawn)) == 0);
}

enum exit_code client_explain(int r, const sd_bus_error *error, const char *service, struct diag *d)
{
        if (client_service_absent(error))
                (void)diag_set(d, -r, "%s is not running", service);
        else if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) || r == -ETIMEDOUT)
                (void)diag_set(d, -r, "%s does not answer", service);
        else if (r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE)
                (void)diag_set(d, -r, "the connection to the bus broke off");
        else if (error && error->message)
                (void)diag_set(d, -r, "%s", error->message);
        else
                (void)diag_set(d, -r, "the call to %s failed: %s", service, strerror(-r));
        return wire_exit_code(error);
}

static int on_reply(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        *(sd_bus_message **)userdata = sd_bus_message_ref(m);
        return 1;
}

int client_call_begin(sd_bus *bus, sd_bus_message *m, uint64_t timeout_usec, struct client_call *ret)
{
        return sd_bus_call_async(bus, &ret->slot, m, on_reply, &ret->reply, timeout_usec);
}

void client_call_drop(struct client_call *call)
{
        call->slot = sd_bus_slot_unref(call->slot);
        call->reply = sd_bus_message_unref(call->reply);
}

static int wait_for(sd_bus *bus, struct client_call *call, sd_bus_error *error)
{
        int r = 0;

        while (r >= 0 && !call->reply) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        if (r < 0 || !sd_bus_message_is_method_error(call->reply, NULL))
                return r;
        r = sd_bus_error_copy(error, sd_bus_message_get_error(call->reply));
        return r < 0 ? r : -EIO;
}

enum exit_code client_call_end(
        sd_bus *bus, struct client_call *call, sd_bus_message **ret_reply, struct diag *d)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = wait_for(bus, call, &error);
        if (r >= 0)
                *ret_reply = STEAL_PTR(call->reply);
        client_call_drop(call);
        return r < 0 ? client_explain(r, &error, REGISTRY_SERVICE_WORDS, d) : EXIT_CODE_OK;
}

/* The first call of a connection goes out together with the greeting; sd_bus_call() waits for the answer to
 * that. */
enum exit_code client_call(
        sd_bus *bus, sd_bus_message *m, uint64_t timeout_usec, sd_bus_message **ret_reply, struct diag *d)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        const bool is_first = sd_bus_is_ready(bus) <= 0;
        struct client_call call = { 0 };

        int r = is_first ? client_call_begin(bus, m, timeout_usec, &call)
                         : sd_bus_call(bus, m, timeout_usec, &error, ret_reply);
        if (r >= 0 && is_first)
                return client_call_end(bus, &call, ret_reply, d);
        return r < 0 ? client_explain(r, &error, REGISTRY_SERVICE_WORDS, d) : EXIT_CODE_OK;
}
