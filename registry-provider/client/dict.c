/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dict.h"

#include <string.h>

static int read_member(sd_bus_message *m, const struct dict_member *members, size_t n)
{
        const char *name;

        int r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++)
                if (strcmp(name, members[i].name) == 0)
                        return sd_bus_message_read(m, "v", members[i].type, members[i].at);
        return sd_bus_message_skip(m, "v");
}

int dict_read(sd_bus_message *m, const struct dict_member *members, size_t n)
{
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_member(m, members, n);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 0;
}
