/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Written as the JSON document of Peios's own `reg`, one value a line. What that has no word for is written
 * so that it refuses the document (hive/hive-json.c). */
#include "exchange-writer.h"

/* The comma and a new line in front of the next item, if there is one before. */
static struct json next_item(struct exchange_writer *w, bool is_first, const char *indent)
{
        buf_puts(w->out, is_first ? "\n" : ",\n");
        buf_puts(w->out, indent);
        return json_on(w->out);
}

void exchange_json_begin(struct exchange_writer *w)
{
        const struct exchange_writing *how = &w->how;
        struct json j = json_on(w->out);

        json_begin_object(&j);
        json_add_number(&j, "peios-registry", HIVE_FORMAT_VERSION);
        if (how->layer)
                json_add_string(&j, "layer", how->layer);
        if (how->precedence)
                json_add_number(&j, "precedence", *how->precedence);
        if (how->enabled)
                json_add_bool(&j, "enabled", *how->enabled);
        if (how->hives && *how->hives) {
                json_key(&j, "hives");
                json_begin_array(&j);
                for (const char *const *h = how->hives; *h; h++)
                        json_string(&j, *h);
                json_end_array(&j);
        }
        json_key(&j, "keys");
        json_begin_array(&j);
}

static void end_key(struct exchange_writer *w)
{
        if (w->any)
                buf_puts(w->out, "]}");
}

void exchange_json_key(struct exchange_writer *w, const struct hive_key *key)
{
        const char *action = key->hidden     ? "hide"
                             : key->blanket  ? "blanket"
                             : key->is_link  ? "link"
                             : !key->deleted ? "path"
                             : key->made     ? "replace"
                                             : "delete";

        end_key(w);
        struct json j = next_item(w, !w->any, " ");
        json_begin_object(&j);
        json_add_string(&j, action, key->path.text);
        json_key(&j, "values");
        json_begin_array(&j);
        w->any_value = false;
}

static void put_hex(struct json *j, const char *member, const struct value *v)
{
        _cleanup_buf_ struct buf hex = BUF_INIT;

        number_format_hex(&hex, v->data, v->size);
        json_key(j, member);
        json_string_n(j, buf_str(&hex), hex.len);
        if (hex.error)
                j->out->error = hex.error;
}

static void put_data(struct json *j, const struct value *v)
{
        uint64_t n;

        if (v->type == REG_TOMBSTONE)
                json_add_string(j, "type", "tombstone");
        else if (v->type == REG_BINARY) {
                json_add_string(j, "type", "binary");
                put_hex(j, "data", v);
        } else {
                value_to_json(j, v);
                /* A text there; Peios reads the bytes. */
                if (value_get_u64(v, &n) == 0 && n >= JSON_SAFE_INTEGER)
                        put_hex(j, "hex", v);
        }
}

void exchange_json_value(struct exchange_writer *w, const struct hive_value *value, const char *from)
{
        struct json j = next_item(w, !w->any_value, "  ");

        json_begin_object(&j);
        json_add_string(&j, "name", path_word_of_value_name(value->name));
        if (value->deleted)
                json_add_string(&j, "type", "delete");
        else
                put_data(&j, &value->value);
        if (from)
                json_add_string(&j, "layer", from);
        json_end_object(&j);
        w->any_value = true;
}

void exchange_json_end(struct exchange_writer *w)
{
        end_key(w);
        buf_puts(w->out, "]}\n");
}
