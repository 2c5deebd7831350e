/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client of the system bus that is there and answers org.freedesktop.DBus.Peer, which sd-bus does by
 * itself. */

#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

int main(void)
{
        sd_bus *bus = NULL;

        int r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_request_name(bus, "org.peios.Test", 0);
        while (r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        fprintf(stderr, "%s\n", strerror(-r));
        sd_bus_unref(bus);
        return 1;
}
