/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "crowd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "../../schema/dbus/names.h"
#include "../../schema/values/value.h"
#include "bus.h"
#include "lanes.h"

#define UID_NOBODY 65534u
#define UNDER_WAY 120u /* the bus lets a connection wait for 128 answers */
#define NAMES 200000u
#define CHANGES 100000u
#define PREVIEWED 256u

const char *crowd_name(enum crowd_work work)
{
        static const char *const names[] = {
                [CROWD_PREVIEWS] = "previews",
                [CROWD_GETS] = "GetMany of 200,000 names",
                [CROWD_TRANSACTS] = "Transact of 100,000 changes",
                [CROWD_SILENCE] = "answers that are not read",
                [CROWD_CALLS] = "short calls",
        };

        return names[work];
}

static int append_changes(sd_bus_message *m, unsigned n, unsigned names)
{
        char key[64], name[16];

        int r = sd_bus_message_open_container(m, 'a', "(sssuv)");
        for (unsigned i = 0; r >= 0 && i < n; i++) {
                (void)snprintf(key, sizeof(key), "\\Crowd\\K%05u\\A\\B\\C\\D\\E\\F", i / names);
                (void)snprintf(name, sizeof(name), BENCH_VALUE, i % names);
                r = sd_bus_message_append(m, "(sssuv)", "set", key, name, (uint32_t)REG_SZ, "s", "x");
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_append(m, "a{sv}", 0);
}

static int append_names(sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'a', "(ss)");
        for (unsigned i = 0; r >= 0 && i < NAMES; i++)
                r = sd_bus_message_append(m, "(ss)", "\\Bench\\K00042", "V07");
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int new_call(sd_bus *bus, enum crowd_work work, sd_bus_message **ret)
{
        static const char *const methods[] = {
                [CROWD_PREVIEWS] = "Preview",
                [CROWD_GETS] = "GetMany",
                [CROWD_TRANSACTS] = "Transact",
                [CROWD_SILENCE] = "List",
                [CROWD_CALLS] = "Get",
        };
        sd_bus_message *m = NULL;

        int r = sd_bus_message_new_method_call(
                bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, methods[work]);
        if (r >= 0)
                r = work == CROWD_PREVIEWS    ? append_changes(m, PREVIEWED, 1)
                    : work == CROWD_TRANSACTS ? append_changes(m, CHANGES, VALUES_A_KEY)
                    : work == CROWD_GETS      ? append_names(m)
                    : work == CROWD_SILENCE   ? sd_bus_message_append(m, "s", "\\Bench\\K00042")
                                              : sd_bus_message_append(m, "ss", "\\Bench\\K00042", "V07");
        if (r < 0) {
                sd_bus_message_unref(m);
                return r;
        }
        *ret = m;
        return 0;
}

/* Keeps so many calls under way. */
static int keep_busy(sd_bus *bus, enum crowd_work work, unsigned under_way)
{
        for (unsigned waiting = 0;;) {
                sd_bus_message *m = NULL;
                uint64_t cookie;
                int r = 0;
                for (; r >= 0 && waiting < under_way; waiting++) {
                        r = new_call(bus, work, &m);
                        if (r >= 0)
                                r = sd_bus_send(bus, m, &cookie);
                        m = sd_bus_message_unref(m);
                }
                if (r >= 0)
                        r = sd_bus_process(bus, &m);
                waiting -= m && sd_bus_message_get_reply_cookie(m, &cookie) >= 0;
                sd_bus_message_unref(m);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
                if (r < 0)
                        return r;
        }
}

/* Sends and does not read; the bus refuses what is too much at once. */
static int keep_silent(sd_bus *bus, enum crowd_work work)
{
        for (;;) {
                sd_bus_message *m = NULL;
                uint64_t cookie;
                int r = new_call(bus, work, &m);
                if (r >= 0)
                        r = sd_bus_send(bus, m, &cookie);
                sd_bus_message_unref(m);
                if (r >= 0)
                        r = sd_bus_flush(bus);
                if (r < 0)
                        return r;
                (void)usleep(1000);
        }
}

_Noreturn static void work_on(enum crowd_work work, const char *address)
{
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (setgid(UID_NOBODY) < 0 || setuid(UID_NOBODY) < 0)
                die("cannot become nobody", -errno);
        sd_bus *bus = bus_open(address);
        /* Those that are large are as many as fit into the bus. */
        unsigned under_way = work == CROWD_PREVIEWS || work == CROWD_CALLS ? UNDER_WAY : 2;
        int r = work == CROWD_SILENCE ? keep_silent(bus, work) : keep_busy(bus, work, under_way);
        die(crowd_name(work), r);
}

bool crowd_can_start(void)
{
        uid_t own = geteuid();

        return seteuid(UID_NOBODY) == 0 && seteuid(own) == 0;
}

void crowd_start(enum crowd_work work, const char *address, unsigned n, pid_t *ret)
{
        for (unsigned i = 0; i < n; i++) {
                ret[i] = fork();
                if (ret[i] == 0)
                        work_on(work, address);
                if (ret[i] < 0)
                        die("fork", -errno);
        }
}

void crowd_end(const pid_t *pids, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                (void)kill(pids[i], SIGKILL);
                (void)waitpid(pids[i], NULL, 0);
        }
}
