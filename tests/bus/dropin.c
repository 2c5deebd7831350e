/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dropin.h"

#include <stdio.h>

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
