/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "capture.h"

#include <errno.h>

#include "../../schema/process/process.h"

#define COMMAND_LINE_MAX 2048u

void capture_put(struct buf *out, const char *name, const char *value)
{
        if (*value == '\0')
                return;
        buf_printf(out, "%s=", name);
        for (const char *c = value; *c != '\0'; c++)
                buf_putc(out, (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
        buf_putc(out, '\n');
}

int capture_properties(const char *root, const struct taint_event *e, uint64_t started_before, char **ret)
{
        _cleanup_buf_ struct buf out = BUF_INIT, command_line = BUF_INIT;
        struct process p;

        bool there =
                e->actor.pid != AUDIT_ID_UNSET && process_read(root, e->actor.pid, started_before, &p) == 0;
        if (there && process_command_line(root, e->actor.pid, COMMAND_LINE_MAX, &command_line) == -ENOMEM)
                return -ENOMEM;
        if (e->tie)
                capture_put(&out, "PEIOS_TAINT_TIE", "yes");
        if (e->module[0])
                capture_module(root, e->module, e->actor.pid, buf_str(&command_line), &out);
        if (there)
                capture_actor(root, e->actor.pid, started_before, buf_str(&command_line), &out);
        if (out.error == 0 && out.len == 0) {
                *ret = NULL;
                return 0;
        }
        return buf_finish(&out, ret, NULL);
}
