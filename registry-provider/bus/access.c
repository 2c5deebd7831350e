/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "access.h"

#include <errno.h>
#include <string.h>

#include "config.h"

#define POLKIT_ALLOW_INTERACTION 1u
/* A person may be typing a password. */
#define POLKIT_TIMEOUT_USEC UINT64_C(120000000)

enum access_verdict access_decide(uint32_t uid, bool is_member, const char *action)
{
        if (uid == 0)
                return ACCESS_ALLOWED;
        if (is_member && strcmp(action, ACCESS_ACTION_WRITE) == 0)
                return ACCESS_ALLOWED;
        return HAVE_POLKIT ? ACCESS_ASK_POLKIT : ACCESS_DENIED;
}

struct question {
        access_done_t done;
        void *userdata;
};

static int on_answer(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct question *q = userdata;
        int authorized = 0, challenge = 0;

        if (sd_bus_message_is_method_error(m, NULL))
                q->done(false, "polkit could not be asked", q->userdata);
        else if (sd_bus_message_enter_container(m, 'r', "bba{ss}") < 0 ||
                 sd_bus_message_read(m, "bb", &authorized, &challenge) < 0)
                q->done(false, "polkit gave an answer that is not one", q->userdata);
        else
                q->done(authorized, challenge ? "polkit wants the caller to authenticate" : "polkit refused",
                        q->userdata);
        return 0;
}

static int append_question(sd_bus_message *m, const char *unique_name, const char *action, bool interactive)
{
        return sd_bus_message_append(m, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s", unique_name,
                action, 0, interactive ? POLKIT_ALLOW_INTERACTION : 0u, "");
}

int access_ask_polkit(sd_bus *bus, const char *unique_name, const char *action, bool interactive,
        access_done_t done, void *userdata, sd_bus_slot **ret_slot)
{
        sd_bus_message *m = NULL;
        sd_bus_slot *slot = NULL;

        int r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.PolicyKit1",
                "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
                "CheckAuthorization");
        if (r < 0)
                return r;
        struct question *q = malloc(sizeof(*q));
        r = q ? append_question(m, unique_name, action, interactive) : -ENOMEM;
        if (r >= 0) {
                *q = (struct question){ .done = done, .userdata = userdata };
                r = sd_bus_call_async(bus, &slot, m, on_answer, q, POLKIT_TIMEOUT_USEC);
        }
        sd_bus_message_unref(m);
        if (r < 0) {
                free(q);
                return r;
        }
        (void)sd_bus_slot_set_destroy_callback(slot, free);
        *ret_slot = slot;
        return 0;
}
