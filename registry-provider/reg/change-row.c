/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "change-row.h"

#include <inttypes.h>

#include "words.h"

void change_row_done(struct change_row *row)
{
        entry_done(&row->old);
        entry_done(&row->event.entry);
}

int change_row_read(sd_bus_message *m, struct change_row *row)
{
        struct event *event = &row->event;
        struct entry *old = &row->old, *new = &event->entry;

        buf_clear(&old->bytes);
        buf_clear(&new->bytes);
        int r = sd_bus_message_read(m, "ttssssbb", &row->time, &row->sequence, &event->kind, &event->key,
                &new->name, &new->layer, &row->effective, &row->dataless);
        if (r >= 0)
                r = wire_read_value(m, &old->bytes, &old->type, NULL);
        return r < 0 ? r : wire_read_value(m, &new->bytes, &new->type, NULL);
}

static void format_side(struct buf *out, const struct entry *e)
{
        const struct value v = entry_value(e);

        if (e->type == CHANGE_ROW_NOTHING)
                buf_puts(out, "none");
        else if (e->type == REG_TOMBSTONE)
                buf_puts(out, "tombstone");
        else
                entry_format_typed(out, &v);
}

static void format_row(struct buf *out, const struct change_row *row)
{
        const char *name = event_name(&row->event);

        entry_format_time(out, row->time);
        buf_printf(out, "  %s", row->event.kind);
        if (row->event.key[0]) {
                buf_puts(out, "  ");
                words_put_path(out, row->event.key);
        }
        if (name[0])
                utf8_put_between(out, "  ", name, "");
        if (row->old.type == CHANGE_ROW_NOTHING && row->event.entry.type == CHANGE_ROW_NOTHING)
                return;
        buf_puts(out, " = ");
        format_side(out, &row->old);
        buf_puts(out, " -> ");
        format_side(out, &row->event.entry);
}

int change_row_format(struct buf *out, const struct change_row *row, sd_bus_message *m, bool verbose)
{
        _cleanup_buf_ struct buf origin = BUF_INIT;

        format_row(out, row);
        buf_puts(out, "   (");
        if (row->event.entry.layer[0])
                utf8_put_between(out, "layer ", row->event.entry.layer, ", ");
        buf_printf(out, "%s%ssequence %" PRIu64, row->effective ? "" : "not effective, ",
                row->dataless ? "without data, " : "", row->sequence);
        int r = event_read_origin(m, verbose, &origin, NULL);
        if (origin.len > 0)
                buf_printf(out, ", %s", buf_str(&origin));
        buf_puts(out, ")\n");
        return r;
}
