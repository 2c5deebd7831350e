/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "entry.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../schema/base/date.h"
#include "words.h"
#include "../../schema/base/array.h"

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

/* ---- Those that compete ---- */

int contender_read_next(sd_bus_message *m, struct contender *ret)
{
        const char *signer;
        uint64_t serial;

        int r = sd_bus_message_enter_container(m, 'r', "sustuvsts");
        if (r <= 0)
                return r;
        buf_clear(&ret->entry.bytes);
        r = sd_bus_message_read(
                m, "sust", &ret->entry.layer, &ret->precedence, &ret->file, &ret->entry.sequence);
        if (r >= 0)
                r = wire_read_value(m, &ret->entry.bytes, &ret->entry.type, NULL);
        if (r >= 0)
                r = sd_bus_message_read(m, "sts", &ret->state, &serial, &signer);
        if (r >= 0)
                ret->seal = seal_of(serial, signer);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 1;
}

bool contender_wins(const struct contender *c)
{
        return strcmp(c->state, "wins") == 0;
}

bool contender_is_tombstone(const struct contender *c)
{
        return c->entry.type == REG_TOMBSTONE;
}

void contender_format(struct buf *out, const struct contender *c)
{
        const struct value v = entry_value(&c->entry);
        bool hides = strcmp(c->state, "hides-key") == 0;

        if (hides)
                buf_puts(out, "hides the key, or one above it");
        else if (contender_is_tombstone(c))
                buf_puts(out, "tombstone: masks what is below");
        else {
                entry_format_typed(out, &v);
                entry_format_nuls(out, &v);
        }
        if (!contender_wins(c) && !hides)
                buf_printf(out, "   (%s)", c->state);
}

void contenders_done(struct contenders *c)
{
        for (size_t i = 0; i < c->n; i++)
                entry_done(&c->list[i].entry);
        free(c->list);
        sd_bus_message_unref(c->reply);
        *c = (struct contenders){ 0 };
}

static int add(struct contenders *c, struct contender *one)
{
        int r = array_grow(&c->list, c->n, sizeof(*c->list));

        if (r < 0)
                return r;
        c->list[c->n++] = *one;
        one->entry.bytes = BUF_INIT;
        return 0;
}

int contenders_read(sd_bus_message *reply, struct contenders *ret)
{
        struct contender one = { 0 };
        int r = sd_bus_message_enter_container(reply, 'a', "(sustuvsts)");

        ret->reply = sd_bus_message_ref(reply);
        while (r >= 0 && (r = contender_read_next(reply, &one)) > 0)
                r = add(ret, &one);
        entry_done(&one.entry);
        return r < 0 ? r : sd_bus_message_exit_container(reply);
}

/* ---- A key ---- */

void key_info_done(struct key_info *i)
{
        sd_bus_message_unref(i->reply);
}

int key_info_read(sd_bus_message *reply, struct key_info *i)
{
        const struct wire_member members[] = {
                { "Path", "s", &i->path },
                { "Guid", "s", &i->guid },
                { "Subkeys", "u", &i->subkeys },
                { "Values", "u", &i->values },
                { "LastWriteUSec", "t", &i->last_write_usec },
                { "Volatile", "b", &i->is_volatile },
                { "Link", "b", &i->is_link },
        };

        i->reply = sd_bus_message_ref(reply);
        int r = wire_read_dict(reply, members, ARRAY_SIZE(members));
        return r < 0 ? r : i->path && i->guid ? 0 : -EBADMSG;
}

void key_info_to_json(struct json *j, const struct key_info *i)
{
        _cleanup_buf_ struct buf time = BUF_INIT;

        entry_format_time(&time, i->last_write_usec);
        json_add_string(j, "guid", i->guid);
        json_add_number(j, "n_subkeys", i->subkeys);
        json_add_number(j, "n_values", i->values);
        json_add_string(j, "last_write", buf_str(&time));
        json_add_number(j, "last_write_usec", i->last_write_usec);
        json_add_bool(j, "volatile", i->is_volatile);
        json_add_bool(j, "link", i->is_link);
        /* As Peios's own `reg` calls them. */
        json_add_number(j, "subkey_count", i->subkeys);
        json_add_number(j, "value_count", i->values);
        json_add_number(j, "last_write_time", i->last_write_usec * 1000);
        json_add_bool(j, "symlink", i->is_link);
}

void key_info_format(struct buf *out, const struct key_info *i)
{
        buf_puts(out, "Path:       ");
        words_put_path(out, i->path);
        buf_printf(out,
                "\nGUID:       %s\nSubkeys:    %" PRIu32 "\nValues:     %" PRIu32 "\nLast write: ", i->guid,
                i->subkeys, i->values);
        entry_format_time(out, i->last_write_usec);
        buf_printf(out, "\nVolatile:   %s\nLink:       %s\n", i->is_volatile ? "yes" : "no",
                i->is_link ? "yes" : "no");
}
