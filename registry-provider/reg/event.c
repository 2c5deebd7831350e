/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "event.h"

#include <string.h>

#include "entry.h"
#include "names.h"

void event_done(struct event *e)
{
        buf_done(&e->bytes);
}

int event_read_next(sd_bus_message *m, struct event *ret)
{
        int r = sd_bus_message_enter_container(m, 'r', "sssuvs");
        if (r <= 0)
                return r;
        buf_clear(&ret->bytes);
        r = sd_bus_message_read(m, "sss", &ret->kind, &ret->key, &ret->name);
        if (r >= 0)
                r = wire_read_value(m, &ret->bytes, &ret->type, NULL);
        if (r >= 0)
                r = sd_bus_message_read(m, "s", &ret->layer);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 1;
}

bool event_is(const struct event *e, const char *kind)
{
        return strcmp(e->kind, kind) == 0;
}

bool event_has_value(const struct event *e)
{
        /* A write below a tombstone changes nothing, and there is no value: it comes as REG_NONE. */
        return event_is(e, "value-set") || (event_is(e, "value-unchanged") && e->type != REG_NONE);
}

struct value event_value(const struct event *e)
{
        return (struct value){ .type = e->type, .data = e->bytes.data, .size = e->bytes.len };
}

static bool is_about_value(const struct event *e)
{
        return strncmp(e->kind, "value-", strlen("value-")) == 0;
}

void format_event(struct buf *out, const struct event *e)
{
        const struct value v = event_value(e);
        const char *name = is_about_value(e) ? path_word_of_value_name(e->name) : e->name;

        buf_printf(out, "%s  ", e->kind);
        format_safe(out, e->key, strlen(e->key));
        if (name[0]) {
                buf_puts(out, "  ");
                format_safe(out, name, strlen(name));
        }
        if (event_has_value(e)) {
                buf_puts(out, " = ");
                format_typed(out, &v);
        }
}

void event_to_json(struct json *j, const struct event *e)
{
        const struct value v = event_value(e);
        const char *name = is_about_value(e) ? path_word_of_value_name(e->name) : e->name;

        json_key(j, "event");
        json_string(j, e->kind);
        json_key(j, "path");
        json_string(j, e->key);
        if (name[0]) {
                json_key(j, "name");
                json_string(j, name);
        }
        if (event_has_value(e))
                value_to_json(j, &v);
        if (e->layer[0]) {
                json_key(j, "layer");
                json_string(j, e->layer);
        }
}
