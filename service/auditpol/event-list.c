/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "event-list.h"

int events_read(sd_bus_message *m, struct events *ret)
{
        int r = sd_bus_message_enter_container(m, 'a', "a{sv}");

        ret->n = 0;
        while (r >= 0 && (r = sd_bus_message_at_end(m, false)) == 0 && ret->n < EVENTS_MAX)
                r = event_read(m, &ret->list[ret->n++]);
        return r < 0 ? r : 0;
}

/* A number would say it, but where the kernel audits there is none. */
static bool is_same(const struct shown_event *a, const struct shown_event *b)
{
        return a->bit == b->bit && a->cleared == b->cleared && a->old_mask == b->old_mask &&
               a->new_mask == b->new_mask && a->time_usec == b->time_usec;
}

bool events_have(const struct events *events, const struct shown_event *e)
{
        for (size_t i = 0; i < events->n; i++)
                if (is_same(&events->list[i], e))
                        return true;
        return false;
}

sd_bus_message *events_list(sd_bus *bus, struct diag *d, enum exit_code *ret_code)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;

        int r = sd_bus_call_method(
                bus, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, "ListEvents", &error, &reply, "");
        *ret_code = r < 0 ? client_explain(r, &error, POLICY_SERVICE_WORDS, d) : EXIT_CODE_OK;
        sd_bus_error_free(&error);
        return r < 0 ? NULL : reply;
}
