/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "beginnings.h"

#include <errno.h>
#include <string.h>

#include "../base/log.h"
#include "../bus/peer.h"
#include "process.h"

#define NAME_SIZE 24 /* `:1.` and a number */

struct beginning {
        char name[NAME_SIZE]; /* "": none */
        uint64_t usec;
};

struct beginnings {
        sd_bus_slot *match;
        struct beginning list[BEGINNINGS_MAX]; /* a ring */
        unsigned next;
        uint64_t horizon; /* who is not in the list began then or earlier; UINT64_MAX: that is not known */
};

static int on_began(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        const char *name = peer_came(m);

        if (name)
                beginnings_add(userdata, name, process_now());
        return 0;
}

/* Who connected before this was asked for was not told of. */
static int on_told(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct beginnings *b = userdata;

        if (sd_bus_message_is_method_error(m, NULL)) {
                log_warning("the bus does not say when connections begin (%s): the time of their first "
                            "call is taken instead",
                        sd_bus_message_get_error(m)->message);
                return 0;
        }
        b->horizon = process_now();
        return 0;
}

int beginnings_new(sd_bus *bus, struct beginnings **ret)
{
        struct beginnings *b = calloc(1, sizeof(*b));

        if (!b)
                return -ENOMEM;
        b->horizon = UINT64_MAX;
        int r = peer_watch_coming(bus, &b->match, on_began, on_told, b);
        if (r < 0) {
                (void)beginnings_free(b);
                return r;
        }
        *ret = b;
        return 0;
}

struct beginnings *beginnings_free(struct beginnings *b)
{
        if (!b)
                return NULL;
        sd_bus_slot_unref(b->match);
        free(b);
        return NULL;
}

uint64_t beginnings_find(const struct beginnings *b, const char *name)
{
        for (unsigned i = 0; i < BEGINNINGS_MAX; i++)
                if (b->list[i].name[0] != '\0' && strcmp(b->list[i].name, name) == 0)
                        return b->list[i].usec;
        uint64_t now = process_now();
        return b->horizon < now ? b->horizon : now;
}

static void raise_horizon(struct beginnings *b, uint64_t usec)
{
        if (b->horizon < usec)
                b->horizon = usec;
}

void beginnings_add(struct beginnings *b, const char *name, uint64_t usec)
{
        size_t n = strlen(name);

        if (n >= NAME_SIZE) {
                raise_horizon(b, usec);
                return;
        }
        struct beginning *oldest = &b->list[b->next++ % BEGINNINGS_MAX];
        if (oldest->name[0] != '\0')
                raise_horizon(b, oldest->usec);
        memcpy(oldest->name, name, n + 1);
        oldest->usec = usec;
}
