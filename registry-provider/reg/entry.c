/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "entry.h"

#include <inttypes.h>

#include "../../schema/base/date.h"
#include "words.h"

void entry_done(struct entry *e)
{
        buf_done(&e->bytes);
}

int entry_read(sd_bus_message *m, struct entry *ret)
{
        buf_clear(&ret->bytes);
        int r = wire_read_value(m, &ret->bytes, &ret->type, NULL);
        if (r >= 0)
                r = sd_bus_message_read(m, "ts", &ret->sequence, &ret->layer);
        return r < 0 ? r : 0;
}

int entry_read_next(sd_bus_message *m, struct entry *ret)
{
        int r = sd_bus_message_enter_container(m, 'r', "suvts");
        if (r <= 0)
                return r;
        r = sd_bus_message_read(m, "s", &ret->name);
        if (r >= 0)
                r = entry_read(m, ret);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 1;
}

struct value entry_value(const struct entry *e)
{
        return (struct value){ .type = e->type, .data = e->bytes.data, .size = e->bytes.len };
}

void entry_format_typed(struct buf *out, const struct value *v)
{
        buf_puts(out, value_type_symbol(v->type));
        if (v->size == 0)
                return;
        buf_putc(out, ' ');
        value_format(out, v, true);
}

/* What was read from a file need not be shown whole. */
#define SHOWN_BYTES_MAX 1024u

void entry_format_short(struct buf *out, const struct value *v)
{
        if (v->size > SHOWN_BYTES_MAX)
                buf_printf(out, "%s, %zu bytes", value_type_symbol(v->type), v->size);
        else
                entry_format_typed(out, v);
}

void entry_format_nuls(struct buf *out, const struct value *v)
{
        if (value_decodes(v) && !value_is_plain(v))
                buf_printf(out, "   (%zu bytes with their NULs)", v->size);
}

void entry_format(struct buf *out, const struct entry *e, bool origin)
{
        const struct value v = entry_value(e);
        const char *name = path_word_of_value_name(e->name);

        utf8_put_between(out, "", name, " = ");
        entry_format_typed(out, &v);
        if (origin) {
                utf8_put_between(out, "   (layer ", e->layer, "");
                buf_printf(out, ", sequence %" PRIu64 ")", e->sequence);
        }
        buf_putc(out, '\n');
}

void entry_to_json(struct json *j, const struct entry *e)
{
        const struct value v = entry_value(e);

        json_add_string(j, "name", path_word_of_value_name(e->name));
        value_to_json(j, &v);
        json_add_string(j, "layer", e->layer);
        json_add_number(j, "sequence", e->sequence);
}

void entry_format_time(struct buf *out, uint64_t usec)
{
        char text[DATE_TEXT_MAX];

        if (date_format_utc((time_t)(usec / 1000000), text)[0])
                buf_puts(out, text);
        else
                buf_printf(out, "%" PRIu64 " us", usec);
}
