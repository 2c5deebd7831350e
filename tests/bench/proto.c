/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The floor of this architecture: a server that keeps nothing, but makes each set durable, signals it and
 * replies. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

static int method_set(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        char record[128] = "";
        const char *value;

        int r = sd_bus_message_read(m, "s", &value);
        if (r < 0)
                return r;
        (void)strncpy(record, value, sizeof(record) - 1);
        if (write(*(int *)userdata, record, sizeof(record)) < 0 || fdatasync(*(int *)userdata) < 0)
                return sd_bus_error_set_errno(error, errno);
        r = sd_bus_emit_signal(
                sd_bus_message_get_bus(m), "/proto", "org.peios.Proto", "Changed", "s", value);
        return r < 0 ? r : sd_bus_reply_method_return(m, "t", (uint64_t)1);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Set", "s", "t", method_set, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL("Changed", "s", 0),
        SD_BUS_VTABLE_END,
};

int main(int argc, char **argv)
{
        sd_bus *bus = NULL;
        int fd = argc == 2 ? open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
        int r = fd < 0 ? -errno : sd_bus_open_system(&bus);

        if (r >= 0)
                r = sd_bus_add_object_vtable(bus, NULL, "/proto", "org.peios.Proto", vtable, &fd);
        if (r >= 0)
                r = sd_bus_request_name(bus, "org.peios.Proto", 0);
        while (r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        (void)fprintf(stderr, "proto: %s\n", strerror(-r));
        return r == -ECONNRESET ? 0 : 1;
}
