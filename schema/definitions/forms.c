/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "forms.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "../base/json.h"

/* ---- regman ---- */

static void put_folded(FILE *f, const char *text)
{
        size_t n = strlen(text);
        _cleanup_free_ char *folded = malloc(FOLDED_BYTES(n));

        if (folded && fold_text(text, n, folded, FOLDED_BYTES(n)) > 0)
                (void)fputs(folded, f);
}

static void put_regman_value(FILE *f, const struct schema_value *sv)
{
        _cleanup_buf_ struct buf allowed = BUF_INIT;

        schema_describe_allowed(sv, &allowed);
        (void)fputs("--- ", f);
        put_folded(f, sv->key.text);
        (void)fputc(' ', f);
        put_folded(f, path_word_of_value_name(sv->name));
        (void)fprintf(f, "\ncanonical: %s %s\ntype: %s\n", sv->key.text, path_word_of_value_name(sv->name),
                value_type_symbol(sv->type));
        if (sv->has_default)
                (void)fprintf(f, "default: %s\n", sv->default_text[0] ? sv->default_text : "(empty)");
        else
                (void)fputs("default: (none)\n", f);
        (void)fprintf(f, "valid: %s\napplies: %s\n\n%s\n", buf_str(&allowed), schema_apply_words[sv->apply],
                sv->description);
        for (size_t i = 0; i < sv->n_choices; i++)
                (void)fprintf(
                        f, "%s%s: %s\n", i == 0 ? "\n" : "", sv->choices[i].value, sv->choices[i].meaning);
        if (sv->control)
                (void)fprintf(f, "\nOn Linux it is the sysctl %s.\n", sv->control->name);
}

void forms_put_regman(FILE *f, const struct schema *s)
{
        for (size_t i = 0; i < s->n; i++) {
                if (i > 0)
                        (void)fputc('\n', f);
                put_regman_value(f, &s->values[i]);
        }
}

/* ---- JSON Schema ---- */

static void add_escaped(struct buf *out, const char *s, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                char c = s[i];
                if (isalpha((unsigned char)c))
                        buf_printf(out, "[%c%c]", toupper((unsigned char)c), tolower((unsigned char)c));
                else
                        buf_printf(out, "%s%c", strchr(".*+?()[]{}^$|/\\", c) ? "\\" : "", c);
        }
}

/* Each way to write the text; letters beyond ASCII as they are. */
static void add_any_case(struct buf *out, const char *text)
{
        buf_puts(out, "^");
        add_escaped(out, text, strlen(text));
        buf_puts(out, "$");
}

/* …and a key's path: either separator, one in front or none, and the default hive or none. */
static void add_any_path(struct buf *out, const struct path *key)
{
        buf_puts(out, "^[\\\\/]?(?:");
        for (size_t i = 0; i < key->n; i++) {
                size_t len;
                const char *s = path_component(key, i, &len);
                add_escaped(out, s, len);
                buf_puts(out, i == 0 ? "[\\\\/])?" : i + 1 < key->n ? "[\\\\/]" : "$");
        }
}

static void add_buf(struct json *j, const char *name, struct buf *text)
{
        json_add_string(j, name, buf_str(text));
        if (text->error)
                j->out->error = text->error;
}

static void begin_member(struct json *j, const char *name)
{
        json_key(j, name);
        json_begin_object(j);
}

static void begin_list(struct json *j, const char *name)
{
        json_key(j, name);
        json_begin_array(j);
}

/* A word is text to whoever knows the tags, and may be a number or boolean to whoever does not. */
static void add_types(struct json *j, const char *const *types, size_t n)
{
        begin_list(j, "type");
        for (size_t i = 0; i < n; i++)
                json_string(j, types[i]);
        json_end_array(j);
}
#define SCALARS ((const char *const[]){ "string", "number", "boolean" })
#define OBJECT_OR_NOTHING ((const char *const[]){ "object", "string", "null" })

static void put_choices(struct json *j, const struct schema_value *sv)
{
        begin_list(j, "anyOf");
        json_begin_object(j);
        begin_list(j, "enum");
        for (size_t i = 0; i < sv->n_choices; i++)
                json_string(j, sv->choices[i].value);
        /* Of a tombstone. */
        json_string(j, "");
        json_end_array(j);
        json_end_object(j);
        for (size_t i = 0; i < sv->n_choices; i++) {
                uint64_t number;
                const struct schema_choice *c = &sv->choices[i];
                _cleanup_buf_ struct buf pattern = BUF_INIT;
                json_begin_object(j);
                if (!value_is_text(sv->type) &&
                        number_parse(c->value, strlen(c->value), UINT64_MAX, &number) == 0) {
                        json_add_number(j, "const", number);
                } else {
                        add_any_case(&pattern, c->value);
                        json_add_string(j, "type", "string");
                        add_buf(j, "pattern", &pattern);
                }
                json_add_string(j, "description", c->meaning);
                json_end_object(j);
        }
        json_end_array(j);
}

static void put_number(struct json *j, const struct schema_value *sv)
{
        begin_list(j, "anyOf");
        json_begin_object(j);
        json_add_string(j, "type", "integer");
        json_add_number(j, "minimum", sv->has_range ? sv->min : 0);
        /* Above that, numbers of JSON are not exact. */
        uint64_t most = sv->has_range ? sv->max : sv->type == REG_QWORD ? UINT64_MAX : UINT32_MAX;
        if (most < JSON_SAFE_INTEGER)
                json_add_number(j, "maximum", most);
        json_end_object(j);
        json_begin_object(j);
        json_add_string(j, "type", "string");
        json_add_string(j, "pattern", "^(?:[0-9]+|0[xX][0-9a-fA-F]+)?$");
        json_end_object(j);
        json_end_array(j);
}

static void put_list(struct json *j)
{
        begin_list(j, "anyOf");
        json_begin_object(j);
        json_add_string(j, "type", "array");
        begin_member(j, "items");
        add_types(j, SCALARS, 3);
        json_end_object(j);
        json_end_object(j);
        json_begin_object(j);
        json_add_string(j, "const", "");
        json_end_object(j);
        json_end_array(j);
}

static void put_value(struct json *j, const struct schema_value *sv)
{
        json_add_string(j, "description", sv->description);
        if (sv->has_default)
                json_add_string(j, "default", sv->default_text);
        if (sv->n_choices > 0)
                put_choices(j, sv);
        else if (sv->items != SCHEMA_ITEMS_NONE)
                put_list(j);
        else if (value_is_text(sv->type))
                add_types(j, SCALARS, 3);
        else
                put_number(j, sv);
}

static void put_reference(struct json *j, const char *name, const char *kind, size_t number)
{
        char to[64];

        (void)snprintf(to, sizeof(to), "#/$defs/%s%zu", kind, number);
        begin_member(j, name);
        json_add_string(j, "$ref", to);
        json_end_object(j);
}

static void begin_definition(struct json *j, const char *kind, size_t number)
{
        char name[32];

        (void)snprintf(name, sizeof(name), "%s%zu", kind, number);
        begin_member(j, name);
}

/* The values of one key, by their names, which editors offer, and by every other way to write these. */
static void put_key(struct json *j, const struct schema *s, size_t first, size_t end)
{
        add_types(j, OBJECT_OR_NOTHING, 3);
        begin_member(j, "properties");
        for (size_t i = first; i < end; i++)
                put_reference(j, path_word_of_value_name(s->values[i].name), "value", i);
        json_end_object(j);
        begin_member(j, "patternProperties");
        for (size_t i = first; i < end; i++) {
                _cleanup_buf_ struct buf pattern = BUF_INIT;
                add_any_case(&pattern, path_word_of_value_name(s->values[i].name));
                put_reference(j, buf_str(&pattern), "value", i);
                if (pattern.error)
                        j->out->error = pattern.error;
        }
        json_end_object(j);
}

static size_t end_of_key(const struct schema *s, size_t first)
{
        size_t end = first + 1;

        while (end < s->n && path_equal(&s->values[first].key, &s->values[end].key))
                end++;
        return end;
}

static void put_definitions(struct json *j, const struct schema *s)
{
        begin_member(j, "$defs");
        for (size_t i = 0; i < s->n; i++) {
                begin_definition(j, "value", i);
                put_value(j, &s->values[i]);
                json_end_object(j);
        }
        for (size_t i = 0; i < s->n; i = end_of_key(s, i)) {
                begin_definition(j, "key", i);
                put_key(j, s, i, end_of_key(s, i));
                json_end_object(j);
        }
        json_end_object(j);
}

static void put_keys(struct json *j, const struct schema *s)
{
        begin_member(j, "keys");
        add_types(j, OBJECT_OR_NOTHING, 3);
        begin_member(j, "properties");
        for (size_t i = 0; i < s->n; i = end_of_key(s, i)) {
                _cleanup_buf_ struct buf path = BUF_INIT;
                buf_printf(&path, "\\%s", path_without_default(s->values[i].key.text));
                put_reference(j, buf_str(&path), "key", i);
        }
        json_end_object(j);
        begin_member(j, "patternProperties");
        for (size_t i = 0; i < s->n; i = end_of_key(s, i)) {
                _cleanup_buf_ struct buf pattern = BUF_INIT;
                add_any_path(&pattern, &s->values[i].key);
                put_reference(j, buf_str(&pattern), "key", i);
                if (pattern.error)
                        j->out->error = pattern.error;
        }
        json_end_object(j);
        json_end_object(j);
}

static void put_hives(struct json *j)
{
        begin_member(j, "hives");
        json_add_string(j, "type", "array");
        json_add_number(j, "maxItems", 64);
        begin_member(j, "items");
        json_add_string(j, "type", "string");
        json_end_object(j);
        json_end_object(j);
}

static void put_members(struct json *j, const struct schema *s)
{
        begin_member(j, "peios-registry");
        begin_list(j, "enum");
        json_number(j, 1);
        json_string(j, "1");
        json_end_array(j);
        json_end_object(j);
        begin_member(j, "layer");
        json_add_string(j, "type", "string");
        json_add_string(j, "pattern", "^(?!(?:[Bb][Aa][Ss][Ee]|[Dd][Ee][Ff][Aa][Uu][Ll][Tt])$)[^\\\\/]+$");
        json_end_object(j);
        begin_member(j, "precedence");
        put_number(j, &(const struct schema_value){ .type = REG_DWORD });
        json_end_object(j);
        begin_member(j, "enabled");
        begin_list(j, "enum");
        json_bool(j, true);
        json_bool(j, false);
        json_string(j, "true");
        json_string(j, "false");
        json_end_array(j);
        json_end_object(j);
        begin_member(j, "serial");
        put_number(j, &(const struct schema_value){ .type = REG_QWORD });
        json_end_object(j);
        begin_member(j, "percent");
        put_number(j,
                &(const struct schema_value){ .type = REG_DWORD, .has_range = true, .min = 1, .max = 99 });
        json_end_object(j);
        begin_member(j, "expires");
        json_add_string(j, "type", "string");
        json_add_string(j, "pattern", "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$");
        json_end_object(j);
        put_hives(j);
        put_keys(j, s);
}

void forms_put_json_schema(FILE *f, const struct schema *s)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);

        json_begin_object(&j);
        json_add_string(&j, "$schema", "https://json-schema.org/draft/2020-12/schema");
        json_add_string(&j, "title", "Drop-in file of the Peios registry, peios-hive(5)");
        json_add_string(&j, "type", "object");
        begin_list(&j, "required");
        json_string(&j, "peios-registry");
        json_string(&j, "layer");
        json_end_array(&j);
        json_add_bool(&j, "additionalProperties", false);
        begin_member(&j, "properties");
        put_members(&j, s);
        json_end_object(&j);
        put_definitions(&j, s);
        json_end_object(&j);
        buf_putc(&out, '\n');
        if (!out.error)
                (void)fwrite(out.data, 1, out.len, f);
}
