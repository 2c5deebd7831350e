/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRIVER "org.freedesktop.DBus"
#define DRIVER_PATH "/org/freedesktop/DBus"
#define OWNER_CHANGED                                                                                       \
        "type='signal',sender='" DRIVER "',path='" DRIVER_PATH "',interface='" DRIVER "',"                  \
        "member='NameOwnerChanged',"
#define NAME_SIZE 256 /* of any name on a bus, with the NUL */

struct peer {
        sd_bus_slot *match, *asking;
        char owner[NAME_SIZE];
        bool known;
        peer_fn changed;
        void *userdata;
};

bool peer_is(sd_bus_message *m, const char *sender)
{
        const char *from = sd_bus_message_get_sender(m);
        return from && strcmp(from, sender) == 0;
}

/* One rule for every name: rules are few on a bus, and one that is made for a client that is known already
 * comes too late for a client that goes at once. */
int peer_watch_leaving(sd_bus *bus, sd_bus_slot **ret, sd_bus_message_handler_t fn, void *userdata)
{
        return sd_bus_add_match_async(bus, ret, OWNER_CHANGED "arg2=''", fn, NULL, userdata);
}

int peer_watch_coming(sd_bus *bus, sd_bus_slot **ret, sd_bus_message_handler_t fn,
        sd_bus_message_handler_t installed, void *userdata)
{
        return sd_bus_add_match_async(bus, ret, OWNER_CHANGED "arg1=''", fn, installed, userdata);
}

const char *peer_came(sd_bus_message *m)
{
        const char *name, *old, *owner;

        if (!peer_is(m, DRIVER) || sd_bus_message_read(m, "sss", &name, &old, &owner) < 0)
                return NULL;
        return name[0] == ':' && old[0] == '\0' ? name : NULL;
}

const char *peer_left(sd_bus_message *m)
{
        const char *name, *old, *owner;

        if (!peer_is(m, DRIVER) || sd_bus_message_read(m, "sss", &name, &old, &owner) < 0)
                return NULL;
        return name[0] == ':' && owner[0] == '\0' ? name : NULL;
}

static void learn(struct peer *p, const char *owner)
{
        char old[NAME_SIZE];

        if (p->known && strcmp(p->owner, owner) == 0)
                return;
        (void)memcpy(old, p->owner, sizeof(old));
        (void)snprintf(p->owner, sizeof(p->owner), "%s", owner);
        p->known = true;
        if (p->changed)
                p->changed(old, p->owner, p->userdata);
}

static int on_owner_changed(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        const char *name, *old, *owner;

        if (peer_is(m, DRIVER) && sd_bus_message_read(m, "sss", &name, &old, &owner) >= 0)
                learn(userdata, owner);
        return 0;
}

static int on_owner(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct peer *p = userdata;
        const char *owner = "";

        /* An error says that nobody owns it, and its text is a string as well. */
        if (!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_read(m, "s", &owner) < 0)
                owner = "";
        if (!p->known)
                learn(p, owner);
        return 0;
}

int peer_new(sd_bus *bus, const char *name, peer_fn changed, void *userdata, struct peer **ret)
{
        _cleanup_(peer_freep) struct peer *p = calloc(1, sizeof(*p));
        char rule[sizeof(OWNER_CHANGED) + sizeof("arg0=''") + NAME_SIZE];

        if (!p)
                return -ENOMEM;
        p->changed = changed;
        p->userdata = userdata;
        (void)snprintf(rule, sizeof(rule), OWNER_CHANGED "arg0='%s'", name);
        int r = sd_bus_add_match_async(bus, &p->match, rule, on_owner_changed, NULL, p);
        if (r >= 0)
                r = sd_bus_call_method_async(bus, &p->asking, DRIVER, DRIVER_PATH, DRIVER, "GetNameOwner",
                        on_owner, p, "s", name);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(p);
        return 0;
}

struct peer *peer_free(struct peer *p)
{
        if (!p)
                return NULL;
        sd_bus_slot_unref(p->match);
        sd_bus_slot_unref(p->asking);
        free(p);
        return NULL;
}

bool peer_sent(const struct peer *p, sd_bus_message *m)
{
        return p->owner[0] != '\0' && peer_is(m, p->owner);
}
