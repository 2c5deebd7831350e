/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers that metadata and drop-in files speak of. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/file.h"
#include "dropin.h"
#include "harness-internal.h"

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

static void force_warns(const char *key, const char *name, const char *value, const char *text)
{
        struct daemon reg = { .name = "reg", .notify_fd = -1 };
        char *const arguments[] = { (char *)program_of("PEIOS_REG"), (char *)"set", (char *)"--force",
                (char *)key, (char *)name, (char *)value, NULL };
        _cleanup_buf_ struct buf out = BUF_INIT;

        ck_assert(asprintf(&reg.log, "%s/reg.log", world.dir) > 0);
        daemon_spawn(&reg, arguments[0], arguments);
        ck_assert_int_eq(daemon_end(&reg), 0);
        ck_assert_int_eq(file_read(AT_FDCWD, reg.log, 100000, &out, NULL, NULL), 0);
        ck_assert_msg(strstr(buf_str(&out), text) != NULL, "%s", buf_str(&out));
        free(reg.log);
}

/* A value that is no number does not switch a layer on. */
START_TEST(refused_metadata)
{
        static const char layer[] = "\\System\\Registry\\Layers\\trial";
        static const char problem[] =
                "('\\System\\Registry\\Layers\\trial\\Enabled' "
                "'\\System\\Registry\\Layers\\trial\\Enabled: a REG_SZ of 2 bytes, expected a REG_DWORD of 0 "
                "or 1; 0 is in force instead')";

        registryd_start(NULL);
        set_number(world.bus, layer, "Precedence", 5);
        set_number(world.bus, layer, "Enabled", 0);
        succeeds(world.bus, "Set", "ssuva{sv}", MODULES, "TaintEvents", (uint32_t)REG_SZ, "s", "disabled", 1,
                "layer", "s", "trial");
        ck_assert(value_is("enabled default"));
        force_warns(layer, "Enabled", "no",
                "Enabled: stored, but its reader will refuse it: type REG_SZ instead of REG_DWORD");
        ck_assert(value_is("enabled default"));
        ck_assert_msg(has_problem(problem), "%s", registry_property(world.bus, "Problems"));
        if (records_are_logged())
                WAIT(daemon_said(&world.registryd, "value 'no' refused, '0' stays in force"));
        daemon_stop(&world.registryd);
        registryd_start(NULL);
        ck_assert(value_is("enabled default"));
        ck_assert(has_problem(problem));
        set_number(world.bus, layer, "Enabled", 2);
        ck_assert(value_is("enabled default"));
        ck_assert_msg(
                has_problem(
                        "Enabled: a REG_DWORD of 2, expected a REG_DWORD of 0 or 1; 0 is in force instead"),
                "%s", registry_property(world.bus, "Problems"));
        set_number(world.bus, layer, "Enabled", 1);
        ck_assert(value_is("disabled trial"));
        ck_assert(no_problems());
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { mended_by_a_write, refused_metadata };
        return harness_main(tests, ARRAY_SIZE(tests));
}
