/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dropin.h"

#include <stdio.h>
#include <string.h>

#include "../unit/lib/signed-front.h"

const char *dropin_text(const char *layer, unsigned precedence, const char *value)
{
        static char text[512];

        ck_assert_int_lt(snprintf(text, sizeof(text),
                                 "peios-registry: 1\n"
                                 "layer: %s\n"
                                 "precedence: %u\n"
                                 "keys:\n"
                                 "  \\System\\Audit\\Modules:\n"
                                 "    TaintEvents: !sz %s\n",
                                 layer, precedence, value),
                (int)sizeof(text));
        return text;
}

const char *dropin_path(const char *name)
{
        static char path[512];

        ck_assert_int_lt(
                snprintf(path, sizeof(path), "%s/%s", LAYOUT_DROPINS_ADMIN, name), (int)sizeof(path));
        return path;
}

void dropin_write(const char *name, const char *text)
{
        world_write(dropin_path(name), text);
}

void dropin_write_signed(const char *layer, unsigned precedence, const char *value)
{
        char text[1024];

        ck_assert_int_lt(
                snprintf(text, sizeof(text), SIGNED_FRONT "%s", dropin_text(layer, precedence, value)),
                (int)sizeof(text));
        world_write(DROPIN_FLEET, text);
}

bool value_is(const char *text)
{
        return strcmp(get_text(world.bus, MODULES, "TaintEvents"), text) == 0;
}

bool no_problems(void)
{
        return strcmp(registry_property(world.bus, "Problems"), "[]") == 0;
}

bool has_problem(const char *text)
{
        return strstr(registry_property(world.bus, "Problems"), text) != NULL;
}
