/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#include "../../schema/dbus/names.h"
#include "../../schema/values/value.h"
#include "../../service/policy/control.h"
#include "bus.h"
#include "lanes.h"
#include "process.h"

#define HOLD_TIMEOUT_MS 10000
/* Numbers that no control holds from the start, and no two lanes write in the same round. */
#define FIRST_NUMBER 5000u
#define LANES_MAX 16u

static unsigned n_lanes;

struct control_lane {
        const char *path;
        int inotify;
        unsigned id;
        int (*order)(struct control_lane *c, unsigned number);
        int (*finish)(struct control_lane *c);
        char **argv; /* a command: its arguments, one of them made anew for each order */
        char *slot;
        size_t prefix;
        pid_t pid;
        sd_bus *bus;
        const char *key, *name;
        uint64_t cookie;
        struct control *control;
};

static unsigned number_of(const struct control_lane *c, unsigned round)
{
        return FIRST_NUMBER + round * LANES_MAX + c->id;
}

static bool holds(const char *path, unsigned number)
{
        char found[32] = "";
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd >= 0 && read(fd, found, sizeof(found) - 1) > 0 && strtoul(found, NULL, 10) == number;
}

/* Writes through procfs raise events like those to any file. */
static int wait_held(const struct control_lane *c, unsigned number)
{
        struct pollfd p = { .fd = c->inotify, .events = POLLIN };
        char events[4096];

        while (!holds(c->path, number)) {
                int n = poll(&p, 1, HOLD_TIMEOUT_MS);
                if (n <= 0)
                        return n < 0 ? -errno : -ETIMEDOUT;
                if (read(c->inotify, events, sizeof(events)) < 0)
                        return -errno;
        }
        return 0;
}

static int run(struct lane *lane, unsigned round, double *ret_usec)
{
        struct control_lane *c = lane->context;
        unsigned number = number_of(c, round);

        double start = now_usec();
        int r = c->order(c, number);
        if (r >= 0)
                r = wait_held(c, number);
        *ret_usec = now_usec() - start;
        if (r >= 0 && c->finish)
                r = c->finish(c);
        return r;
}

static struct control_lane *new_lane(struct lane *lane, const char *path)
{
        struct control_lane *c = calloc(1, sizeof(*c));
        if (!c)
                abort();
        *c = (struct control_lane){ .path = path, .inotify = inotify_init1(IN_CLOEXEC), .id = n_lanes++ };
        if (c->inotify < 0 || inotify_add_watch(c->inotify, path, IN_MODIFY) < 0)
                die(path, -errno);
        lane->context = c;
        lane->run = run;
        return c;
}

static int order_command(struct control_lane *c, unsigned number)
{
        (void)sprintf(c->slot + c->prefix, "%u", number);
        return process_start(c->argv, &c->pid);
}

static int finish_command(struct control_lane *c)
{
        return process_wait(c->pid);
}

void lane_control_command(struct lane *lane, const char *path, char *const *argv, const char *marker)
{
        struct control_lane *c = new_lane(lane, path);
        size_t n = 0;

        while (argv[n])
                n++;
        c->argv = calloc(n + 1, sizeof(char *));
        if (!c->argv)
                abort();
        for (size_t i = 0; i < n; i++)
                c->argv[i] = text("%s%s", argv[i], strcmp(argv[i], marker) == 0 ? "0123456789" : "");
        for (size_t i = 0; i < n; i++)
                if (strcmp(argv[i], marker) == 0)
                        c->slot = c->argv[i];
        c->prefix = strlen(marker);
        c->order = order_command;
        c->finish = finish_command;
}

static int order_bus(struct control_lane *c, unsigned number)
{
        sd_bus_message *m = NULL;

        int r = sd_bus_message_new_method_call(
                c->bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Set");
        if (r >= 0)
                r = sd_bus_message_append(
                        m, "ssuva{sv}", c->key, c->name, (uint32_t)REG_DWORD, "u", (uint32_t)number, 0);
        if (r >= 0)
                r = sd_bus_send(c->bus, m, &c->cookie);
        sd_bus_message_unref(m);
        return r;
}

static int finish_bus(struct control_lane *c)
{
        return bus_wait_reply(c->bus, c->cookie);
}

void lane_control_bus(
        struct lane *lane, const char *path, const char *address, const char *key, const char *name)
{
        struct control_lane *c = new_lane(lane, path);

        c->bus = bus_open(address);
        c->key = key;
        c->name = name;
        c->order = order_bus;
        c->finish = finish_bus;
}

static int run_apply(struct lane *lane, unsigned round, double *ret_usec)
{
        struct control_lane *c = lane->context;
        _cleanup_free_ char *number = text("%u", number_of(c, round));
        struct control_result result;

        double start = now_usec();
        control_apply(c->control, number, &result);
        *ret_usec = now_usec() - start;
        return result.outcome == CONTROL_WRITTEN ? 0 : result.error ? -result.error : -EIO;
}

void lane_control_apply(struct lane *lane, const char *sysctl)
{
        struct control_lane *c = calloc(1, sizeof(*c));
        if (!c)
                abort();
        c->id = n_lanes++;
        int r = control_new(NULL, sysctl, &c->control, NULL);
        if (r < 0)
                die(sysctl, r);
        (void)control_refresh(c->control);
        lane->context = c;
        lane->run = run_apply;
}
