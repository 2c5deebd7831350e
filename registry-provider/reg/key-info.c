/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "key-info.h"

#include <errno.h>
#include <inttypes.h>

#include "entry.h"
#include "words.h"

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
