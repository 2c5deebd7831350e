/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apply.h"

void apply_with(const char *accepted, int code, const char *control, const char *line)
{
        static const char *const programs[][2] = { { "PEIOS_POLICY_APPLY", NULL },
                { "PEIOS_POLICYD", "--apply" } };

        for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
                struct daemon d = { .name = "apply", .log = world.policyd.log, .notify_fd = -1 };
                (void)unlink(d.log);
                if (world_has(CONTROL_FILE))
                        world_write(CONTROL_FILE, "9\n");
                if (accepted)
                        world_write(ACCEPTED, accepted);
                ck_assert_int_eq(run_program(&d, programs[i][0], programs[i][1]), code);
                ck_assert_str_eq(world_read(CONTROL_FILE), control);
                ck_assert_msg(line ? daemon_said(&d, line) : !daemon_said(&d, "\n"), "expected %s",
                        line ? line : "nothing");
        }
}

void apply(int code, const char *control, const char *line)
{
        apply_with(NULL, code, control, line);
}
