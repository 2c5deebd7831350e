/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What needs the store itself, or reads and compares documents, is done by peios-reg-store, which is this
 * program with both: SQLite would cost every command a quarter of a millisecond more, and libyaml a
 * fifteenth of its start. */

#include <errno.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "commands.h"
#include "config.h"

/* In a build it is beside this one. Returns where it cannot be run. */
static int become_store_program(struct session *s)
{
        static const char program[] = DAEMON_DIR "/peios-reg-store";

        int r = file_exec_beside("peios-reg-store", s->arguments);
        if (r == -ENOENT) {
                (void)execv(program, s->arguments);
                r = -errno;
        }
        return session_fail(s, r, program);
}

int reg_store_repair(struct session *s)
{
        return become_store_program(s);
}

int reg_store_check(struct session *s, _unused_ const char *file, _unused_ struct diags *ret)
{
        return become_store_program(s);
}

int command_apply(struct session *s)
{
        return become_store_program(s);
}

int command_compare(struct session *s)
{
        return become_store_program(s);
}

int command_diff(struct session *s)
{
        return become_store_program(s);
}

int command_edit(struct session *s)
{
        return become_store_program(s);
}

int command_export(struct session *s)
{
        return become_store_program(s);
}

int command_lint(struct session *s)
{
        return become_store_program(s);
}
