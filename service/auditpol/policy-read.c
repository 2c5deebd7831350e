/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-read.h"

#include <inttypes.h>

#include "../../schema/bus/wire.h"

int policy_read(sd_bus_message *m, struct policy *ret)
{
        struct policy p = { .taint_events = "",
                .meaning = "",
                .written = "",
                .source = "",
                .pending = "",
                .control_path = "",
                .control_value = "",
                .last_error = "",
                .taint_readable = true };
        const struct wire_member members[] = {
                { "TaintEvents", "s", &p.taint_events },
                { "Meaning", "s", &p.meaning },
                { "Written", "s", &p.written },
                { "Source", "s", &p.source },
                { "Pending", "s", &p.pending },
                { "ControlPath", "s", &p.control_path },
                { "ControlValue", "s", &p.control_value },
                { "LastError", "s", &p.last_error },
                { "Live", "b", &p.live },
                { "TaintReadable", "b", &p.taint_readable },
                { "LastApplied", "t", &p.last_applied },
                { "Changes", "t", &p.changes },
                { "NoOps", "t", &p.no_ops },
                { "Refused", "t", &p.refused },
                { "Drifts", "t", &p.drifts },
                { "AuditSent", "t", &p.sent },
                { "AuditKept", "t", &p.kept },
                { "AuditLost", "t", &p.lost },
        };

        int r = wire_read_dict(m, members, ARRAY_SIZE(members));
        if (r < 0)
                return r;
        *ret = p;
        return 0;
}

void policy_json(struct json *j, const struct policy *p)
{
        const struct {
                const char *name, *text;
        } texts[] = {
                { "taint_events", p->taint_events },
                { "meaning", p->meaning },
                { "written", p->written },
                { "source", p->source },
                { "pending", p->pending },
                { "control_path", p->control_path },
                { "control_value", p->control_value },
                { "last_error", p->last_error },
        };
        const struct {
                const char *name;
                uint64_t number;
        } numbers[] = {
                { "last_applied_usec", p->last_applied },
                { "changes", p->changes },
                { "no_ops", p->no_ops },
                { "refused", p->refused },
                { "drifts", p->drifts },
                { "audit_sent", p->sent },
                { "audit_kept", p->kept },
                { "audit_lost", p->lost },
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                json_key(j, texts[i].name);
                json_string(j, texts[i].text);
        }
        json_key(j, "live");
        json_bool(j, p->live);
        json_key(j, "taint_readable");
        json_bool(j, p->taint_readable);
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                json_key(j, numbers[i].name);
                json_number(j, numbers[i].number);
        }
}

void policy_text(struct buf *out, const struct policy *p)
{
        buf_printf(out,
                "Audit policy for kernel taint events: %s\n  %s\n"
                "changes %" PRIu64 ", no-ops %" PRIu64 ", refused %" PRIu64 ", drifts %" PRIu64 "\n"
                "audit records: %" PRIu64 " sent, %" PRIu64 " kept to be sent again, %" PRIu64 " lost\n",
                p->taint_events, p->meaning, p->changes, p->no_ops, p->refused, p->drifts, p->sent, p->kept,
                p->lost);
        if (!p->taint_readable)
                buf_puts(out, "the kernel's taint mask cannot be read: no taint is seen\n");
}
