/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caller.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define CACHE_SIZE 64u
#define CREDS_MASK                                                                                          \
        (SD_BUS_CREDS_PID | SD_BUS_CREDS_EUID | SD_BUS_CREDS_AUDIT_LOGIN_UID |                              \
                SD_BUS_CREDS_AUDIT_SESSION_ID | SD_BUS_CREDS_COMM | SD_BUS_CREDS_EXE |                      \
                SD_BUS_CREDS_SELINUX_CONTEXT | SD_BUS_CREDS_AUGMENT)

struct caller_entry {
        char name[64]; /* unique bus name */
        uint64_t at;   /* µs, CLOCK_MONOTONIC */
        struct actor actor;
};

struct caller_cache {
        struct caller_entry entries[CACHE_SIZE];
        unsigned next;
};

int caller_cache_new(struct caller_cache **ret)
{
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

struct caller_cache *caller_cache_free(struct caller_cache *c)
{
        free(c);
        return NULL;
}

static uint64_t now_usec(void)
{
        struct timespec ts;
        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * UINT64_C(1000000) + (uint64_t)ts.tv_nsec / 1000;
}

static void copy_text(char *to, size_t size, const char *from)
{
        *stpncpy(to, from, size - 1) = '\0';
}

static int actor_from_creds(sd_bus_creds *creds, struct actor *ret)
{
        struct actor a = ACTOR_UNKNOWN;
        const char *s;
        pid_t pid;
        uid_t uid;

        int r = sd_bus_creds_get_euid(creds, &uid);
        if (r < 0)
                return r;
        a.uid = uid;
        if (sd_bus_creds_get_pid(creds, &pid) >= 0)
                a.pid = (uint32_t)pid;
        (void)sd_bus_creds_get_audit_login_uid(creds, &a.loginuid);
        (void)sd_bus_creds_get_audit_session_id(creds, &a.session);
        if (sd_bus_creds_get_comm(creds, &s) >= 0)
                copy_text(a.comm, sizeof(a.comm), s);
        if (sd_bus_creds_get_exe(creds, &s) >= 0 && s)
                copy_text(a.exe, sizeof(a.exe), s);
        if (sd_bus_creds_get_selinux_context(creds, &s) >= 0)
                copy_text(a.context, sizeof(a.context), s);
        *ret = a;
        return 0;
}

int caller_of_name(struct caller_cache *c, sd_bus *bus, const char *unique_name, struct actor *ret)
{
        uint64_t now = now_usec();

        for (unsigned i = 0; i < CACHE_SIZE; i++)
                if (strcmp(c->entries[i].name, unique_name) == 0 &&
                        now - c->entries[i].at < CALLER_TTL_USEC) {
                        *ret = c->entries[i].actor;
                        return 0;
                }
        if (unique_name[0] != ':' || strlen(unique_name) >= sizeof(c->entries[0].name))
                return -EINVAL;

        sd_bus_creds *creds = NULL;
        int r = sd_bus_get_name_creds(bus, unique_name, CREDS_MASK, &creds);
        if (r < 0)
                return r;
        struct actor actor;
        r = actor_from_creds(creds, &actor);
        sd_bus_creds_unref(creds);
        if (r < 0)
                return r;
        struct caller_entry *e = &c->entries[c->next++ % CACHE_SIZE];
        copy_text(e->name, sizeof(e->name), unique_name);
        e->at = now;
        e->actor = *ret = actor;
        return 0;
}

int caller_of_message(struct caller_cache *c, sd_bus_message *m, struct actor *ret)
{
        const char *sender = sd_bus_message_get_sender(m);
        return sender ? caller_of_name(c, sd_bus_message_get_bus(m), sender, ret) : -ENXIO;
}
