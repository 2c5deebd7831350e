/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "event-read.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "../../schema/bus/wire.h"
#include "../../schema/names/fold.h"
#include "../../schema/audit/record.h"

int event_read(sd_bus_message *m, struct shown_event *ret)
{
        struct shown_event e = { .taint = "",
                .reason = "",
                .module = "",
                .module_taints = "",
                .attribution = "",
                .context = "",
                .actor = "",
                .comm = "",
                .exe = "",
                .detail = "",
                .stack = "",
                .properties = "",
                .accepted = "" };
        const struct wire_member members[] = {
                { "taint", "s", &e.taint },
                { "reason", "s", &e.reason },
                { "module", "s", &e.module },
                { "module-taints", "s", &e.module_taints },
                { "attribution", "s", &e.attribution },
                { "context", "s", &e.context },
                { "actor", "s", &e.actor },
                { "comm", "s", &e.comm },
                { "exe", "s", &e.exe },
                { "detail", "s", &e.detail },
                { "stack", "s", &e.stack },
                { "properties", "s", &e.properties },
                { "accepted", "s", &e.accepted },
                { "bit", "u", &e.bit },
                { "pid", "u", &e.pid },
                { "uid", "u", &e.uid },
                { "loginuid", "u", &e.loginuid },
                { "session", "u", &e.session },
                { "cleared", "b", &e.cleared },
                { "old-mask", "t", &e.old_mask },
                { "new-mask", "t", &e.new_mask },
                { "time-usec", "t", &e.time_usec },
                { "seqno", "t", &e.seqno },
        };

        int r = wire_read_dict(m, members, ARRAY_SIZE(members));
        if (r < 0)
                return r;
        *ret = e;
        return 0;
}

void event_time(struct buf *out, const struct shown_event *e)
{
        time_t seconds = (time_t)(e->time_usec / 1000000);
        char text[32];
        struct tm tm;

        if (e->time_usec == 0 || !gmtime_r(&seconds, &tm) ||
                strftime(text, sizeof(text), "%FT%TZ", &tm) == 0)
                buf_puts(out, "before the service began");
        else
                buf_puts(out, text);
}

/* Anybody can give a task or a module a name that the terminal would obey. */
static void put(struct buf *out, const char *before, const char *text, const char *behind)
{
        buf_puts(out, before);
        format_safe(out, text, strlen(text));
        buf_puts(out, behind);
}

static void put_id(struct buf *out, const char *before, uint32_t id)
{
        buf_puts(out, before);
        if (id == AUDIT_ID_UNSET)
                buf_putc(out, '?');
        else
                buf_printf(out, "%" PRIu32, id);
}

/* Nobody by nature is not the same as somebody who is not known. */
static void put_actor(struct buf *out, const struct shown_event *e)
{
        if (strcmp(e->actor, "known") == 0) {
                put(out, ", by ", e->comm[0] ? e->comm : "?", "");
                put_id(out, " (pid ", e->pid);
                put_id(out, ", uid ", e->uid);
                buf_putc(out, ')');
        } else if (strcmp(e->actor, "none") == 0) {
                put(out, ", no actor (", e->context, ")");
        } else {
                put(out, ", actor not known", "", "");
        }
}

void event_text(struct buf *out, const char *indent, const struct shown_event *e)
{
        buf_puts(out, indent);
        event_time(out, e);
        put(out, "  ", e->taint, e->cleared ? " CLEARED: " : " set: ");
        put(out, "", e->reason, " ");
        put(out, "(", e->attribution, ")");
        if (e->module[0])
                put(out, ", module ", e->module, "");
        if (e->module[0] && e->module_taints[0])
                put(out, " (", e->module_taints, ")");
        put_actor(out, e);
        buf_putc(out, '\n');
        if (e->detail[0]) {
                buf_puts(out, indent);
                put(out, "    ", e->detail, "\n");
        }
        if (e->accepted[0]) {
                buf_puts(out, indent);
                put(out, "    accepted: ", e->accepted, "\n");
        }
}

static void json_text(struct json *j, const char *name, const char *text)
{
        json_key(j, name);
        json_string(j, text[0] ? text : NULL);
}

static void json_id(struct json *j, const char *name, uint32_t id)
{
        json_key(j, name);
        if (id == AUDIT_ID_UNSET)
                json_null(j);
        else
                json_number(j, id);
}

void event_json(struct json *j, const struct shown_event *e)
{
        json_begin_object(j);
        json_text(j, "taint", e->taint);
        json_key(j, "bit");
        json_number(j, e->bit);
        json_key(j, "cleared");
        json_bool(j, e->cleared);
        json_key(j, "old_mask");
        json_number(j, e->old_mask);
        json_key(j, "new_mask");
        json_number(j, e->new_mask);
        json_key(j, "time_usec");
        json_number(j, e->time_usec);
        json_key(j, "seqno");
        json_number(j, e->seqno);
        json_text(j, "reason", e->reason);
        json_text(j, "module", e->module);
        json_text(j, "module_taints", e->module_taints);
        json_text(j, "attribution", e->attribution);
        json_text(j, "context", e->context);
        json_text(j, "actor", e->actor);
        json_id(j, "pid", e->pid);
        json_id(j, "uid", e->uid);
        json_id(j, "loginuid", e->loginuid);
        json_id(j, "session", e->session);
        json_text(j, "comm", e->comm);
        json_text(j, "exe", e->exe);
        json_text(j, "detail", e->detail);
        json_text(j, "stack", e->stack);
        json_text(j, "properties", e->properties);
        json_text(j, "accepted", e->accepted);
        json_end_object(j);
}
