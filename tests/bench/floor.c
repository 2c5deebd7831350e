/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The floor of a command on this bus: libsystemd is linked, the system bus is opened, and one call goes out
 * with the greeting. floor KEY NAME gets a value, floor KEY NAME NUMBER sets one. */
#include <stdlib.h>
#include <systemd/sd-bus.h>

#include "../../schema/dbus/names.h"
#include "../../schema/values/value.h"

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        (void)error;
        *(int *)userdata = sd_bus_message_is_method_error(m, NULL) ? -1 : 1;
        return 1;
}

int main(int argc, char **argv)
{
        sd_bus *bus = NULL;
        int done = 0;

        int r = argc < 3 ? -1 : sd_bus_open_system(&bus);
        if (r >= 0)
                r = argc == 3 ? sd_bus_call_method_async(bus, NULL, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                        REGISTRY_INTERFACE, "Get", on_reply, &done, "ss", argv[1], argv[2])
                              : sd_bus_call_method_async(bus, NULL, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                        REGISTRY_INTERFACE, "Set", on_reply, &done, "ssuva{sv}", argv[1],
                                        argv[2], (uint32_t)REG_DWORD, "u",
                                        (uint32_t)strtoul(argv[3], NULL, 10), 0);
        while (r >= 0 && done == 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        return r >= 0 && done > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
