/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers that metadata and drop-in files speak of. */
#include <string.h>

#include "dropin.h"

static bool value_is(const char *text)
{
        return strcmp(get_text(world.bus, MODULES, "TaintEvents"), text) == 0;
}

static bool no_problems(void)
{
        return strcmp(registry_property(world.bus, "Problems"), "[]") == 0;
}

static bool has_problem(const char *text)
{
        return strstr(registry_property(world.bus, "Problems"), text) != NULL;
}

/* A refused file comes into force once its layer is free, without anybody touching it. */
START_TEST(mended_by_a_write)
{
        static const char layer[] = "\\System\\Registry\\Layers\\site";

        registryd_start(NULL);
        set_number(world.bus, layer, "Precedence", 1);
        succeeds(world.bus, "Set", "ssuva{sv}", "\\Mine", "V", (uint32_t)REG_SZ, "s", "x", 1, "layer", "s",
                "site");
        dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
        WAIT(has_problem("site.yaml: layer 'site' is there already, and not a file's"));
        ck_assert(value_is("enabled default"));
        succeeds(world.bus, "DeleteKey", "sa{sv}", layer, 0);
        ck_assert(value_is("disabled site"));
        ck_assert(no_problems());
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { mended_by_a_write };
        Suite *suite = suite_create("drop-in layers");
        harness_add(suite, tests, ARRAY_SIZE(tests));
        return harness_main(suite);
}
