/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Written as a hive file. A text stands without quotes where nobody could read it for something else. */
#include "exchange-writer.h"

#include <inttypes.h>
#include <string.h>

#include "../../schema/yaml/yaml.h"

#define SIMPLE_KEY_MAX 1000u /* YAML's limit for a key on one line is 1024 */

static bool is_letter(char c)
{
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '\\';
}

static bool is_plain(const char *s, size_t n)
{
        if (n == 0 || !is_letter(s[0]) || s[n - 1] == ' ')
                return false;
        for (size_t i = 0; i < n; i++)
                if (!is_letter(s[i]) && s[i] != ' ' && (s[i] < '+' || s[i] > '/' || s[i] == ','))
                        return false;
        return true;
}

static void put_text(struct buf *out, const char *s, size_t n)
{
        if (is_plain(s, n))
                buf_add(out, s, n);
        else
                yaml_quote(out, s, n);
}

static void put_hives(struct exchange_writer *w)
{
        const char *separator = "hives: [";

        for (const char *const *h = w->how.hives; h && *h; h++) {
                buf_puts(w->out, separator);
                put_text(w->out, *h, strlen(*h));
                separator = ", ";
        }
        if (separator[0] == ',')
                buf_puts(w->out, "]\n");
}

void exchange_yaml_begin(struct exchange_writer *w)
{
        const struct exchange_writing *how = &w->how;

        buf_printf(w->out, "peios-registry: %d\n", HIVE_FORMAT_VERSION);
        if (how->layer) {
                buf_puts(w->out, "layer: ");
                put_text(w->out, how->layer, strlen(how->layer));
                buf_putc(w->out, '\n');
        }
        if (how->precedence)
                buf_printf(w->out, "precedence: %" PRIu32 "\n", *how->precedence);
        if (how->enabled)
                buf_printf(w->out, "enabled: %s\n", *how->enabled ? "true" : "false");
        put_hives(w);
}

void exchange_yaml_comment(struct exchange_writer *w, const char *text)
{
        buf_puts(w->out, w->begun ? "  # " : "# ");
        utf8_put_safe(w->out, text, strlen(text));
        buf_putc(w->out, '\n');
}

void exchange_yaml_key(struct exchange_writer *w, const struct hive_key *key)
{
        const char *tag = key->hidden                  ? " !hidden"
                          : key->blanket               ? " !blanket"
                          : key->is_link               ? " !link"
                          : key->deleted && !key->made ? " !delete"
                          : key->deleted               ? " !replace"
                                                       : "";
        if (!w->any)
                buf_puts(w->out, "keys:\n");
        size_t start = w->out->len;
        buf_puts(w->out, "  ");
        put_text(w->out, key->path.text, key->path.len);
        if (w->out->len - start > SIMPLE_KEY_MAX) {
                w->out->len = start;
                buf_puts(w->out, "  ? ");
                put_text(w->out, key->path.text, key->path.len);
                buf_puts(w->out, "\n  ");
        }
        buf_printf(w->out, ":%s\n", tag);
}

static void put_list(struct buf *out, const struct value *v)
{
        const char *s, *separator = "";
        size_t i = 0, len;

        buf_puts(out, "!multi [");
        while (value_next_string(v, &i, &s, &len) > 0) {
                buf_puts(out, separator);
                put_text(out, s, len);
                separator = ", ";
        }
        buf_putc(out, ']');
}

static bool is_opaque(uint32_t type)
{
        return type == REG_BINARY || (type >= REG_RESOURCE_LIST && type <= REG_RESOURCE_REQUIREMENTS_LIST);
}

/* As its type says where that gives the same bytes back, else as bytes. */
static void put_data(struct buf *out, const struct value *v)
{
        const char *s;
        size_t len;
        uint64_t n;

        if (v->type == REG_TOMBSTONE)
                buf_puts(out, "!tombstone \"\"");
        else if (!value_is_plain(v) || is_opaque(v->type)) {
                buf_printf(out, v->type == REG_BINARY ? "!hex \"" : "!0x%" PRIx32 " \"", v->type);
                number_format_hex(out, v->data, v->size);
                buf_putc(out, '"');
        } else if (v->type == REG_MULTI_SZ)
                put_list(out, v);
        else if (value_get_u64(v, &n) == 0)
                buf_printf(out, "!%s %" PRIu64, value_type_keyword(v->type), n);
        else {
                buf_putc(out, '!');
                buf_puts(out, value_type_keyword(v->type));
                buf_putc(out, ' ');
                if (value_get_string(v, &s, &len) == 0)
                        put_text(out, s, len);
                else
                        buf_puts(out, "\"\"");
        }
}

void exchange_yaml_value(struct exchange_writer *w, const struct hive_value *value, const char *from)
{
        const char *name = path_word_of_value_name(value->name);

        buf_puts(w->out, "    ");
        put_text(w->out, name, strlen(name));
        buf_puts(w->out, ": ");
        if (value->deleted)
                buf_puts(w->out, "!delete \"\"");
        else
                put_data(w->out, &value->value);
        if (from) {
                buf_puts(w->out, "  # ");
                utf8_put_safe(w->out, from, strlen(from));
        }
        buf_putc(w->out, '\n');
}

void exchange_yaml_end(struct exchange_writer *w)
{
        if (!w->any)
                buf_puts(w->out, "keys: {}\n");
}
