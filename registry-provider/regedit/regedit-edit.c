/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making up a change: its name and data are asked for. */
#include <string.h>

#include "../../schema/names/path.h"
#include "regedit.h"

/* What is longer is not typed. */
#define DATA_BYTES_MAX 4096u

static void set_text(struct buf *b, const char *text)
{
        buf_clear(b);
        buf_puts(b, text);
}

/* What the layer that is written to has of the value, where that is known. */
static struct expected expected_of(const struct regedit *r, const struct value_row *row)
{
        struct expected e = { .given = row->layers.n > 0 };

        for (size_t i = 0; i < row->layers.n; i++)
                if (strcmp(row->layers.list[i].entry.layer, r->layer) == 0)
                        e.sequence = row->layers.list[i].entry.sequence;
        return e;
}

/* A change of the selected key, or of this value in it. */
static struct edit *begin(struct regedit *r, const char *action, const char *name)
{
        struct edit *e = &r->edit;
        const struct value_row *row = value_list_find(&r->values, name);

        e->action = action;
        set_text(&e->key, buf_str(&r->values.key));
        set_text(&e->name, name);
        buf_clear(&e->bytes);
        e->type = REG_NONE;
        e->expected = row ? expected_of(r, row) : (struct expected){ 0 };
        return e;
}

/* ---- Values ---- */

static void on_data(struct regedit *r)
{
        struct edit *e = &r->edit;
        const struct value_row *row = value_list_find(&r->values, buf_str(&e->name));
        struct diag d = { 0 };

        buf_clear(&e->bytes);
        e->expected = row ? expected_of(r, row) : (struct expected){ 0 };
        int error = literal_parse(buf_str(&r->editor.text), &e->bytes, &e->type, NULL, &d);
        if (error == 0) {
                regedit_preview(r);
                return;
        }
        if (d.text[0])
                regedit_fail(r, &d);
        else
                regedit_fail_with(r, error);
        regedit_edit_again(r);
}

static const struct prompt data_prompt = { "Data (type:data)", NULL, on_data, NULL };

void regedit_edit_again(struct regedit *r)
{
        const struct edit *e = &r->edit;

        if (e->action && strcmp(e->action, "set") == 0 && e->type != REG_TOMBSTONE)
                r->prompt = &data_prompt;
}

static const struct value_row *selected_value(struct regedit *r)
{
        const struct value_row *row = r->in_values ? value_list_selected(&r->values) : NULL;

        if (!row)
                regedit_say(r, "no value has the cursor: Tab goes to the values");
        return row;
}

/* As the schema has it, where nobody set it; what is only masked begins empty. */
static void put_literal(struct buf *out, const struct value_row *row)
{
        uint8_t scratch[8];
        struct value v;

        if (row->entry)
                v = entry_value(row->entry);
        else if (!row->known)
                return;
        else if (schema_default_value(&row->known->sv, scratch, &v) < 0)
                v = (struct value){ .type = REG_NONE };
        if (v.type == REG_NONE && row->known)
                buf_printf(out, "%s:", value_type_keyword(row->known->sv.type));
        else
                literal_format(out, &v);
}

void regedit_edit_value(struct regedit *r)
{
        const struct value_row *row = selected_value(r);
        _cleanup_buf_ struct buf literal = BUF_INIT;

        if (!row)
                return;
        if (row->entry && row->entry->bytes.len > DATA_BYTES_MAX) {
                regedit_say(r, "%zu bytes are too many to be typed: peios-reg set --from=FILE writes them",
                        row->entry->bytes.len);
                return;
        }
        (void)begin(r, "set", row->name);
        put_literal(&literal, row);
        regedit_prompt(r, &data_prompt, buf_str(&literal));
}

static void on_value_name(struct regedit *r)
{
        const char *word = buf_str(&r->editor.text), *name = path_value_name_of_word(word);
        struct diag d = { 0 };

        if (!word[0])
                return;
        if (path_check_value_name(name, strlen(name), &d) < 0) {
                regedit_fail(r, &d);
                return;
        }
        (void)begin(r, "set", name);
        regedit_prompt(r, &data_prompt, "");
}

static const struct prompt value_prompt = { "Name of the new value (@: the default one)", NULL,
        on_value_name, NULL };

void regedit_new_value(struct regedit *r)
{
        regedit_prompt(r, &value_prompt, "");
}

void regedit_mask(struct regedit *r)
{
        const struct value_row *row = selected_value(r);

        if (!row)
                return;
        begin(r, "set", row->name)->type = REG_TOMBSTONE;
        regedit_preview(r);
}

/* ---- Keys ---- */

static void on_key_name(struct regedit *r)
{
        const char *name = buf_str(&r->editor.text);
        struct diag d = { 0 };

        if (!name[0])
                return;
        if (path_check_component(name, strlen(name), &d) < 0) {
                regedit_fail(r, &d);
                return;
        }
        buf_printf(&begin(r, "create-key", "")->key, "\\%s", name);
        regedit_preview(r);
}

static const struct prompt key_prompt = { "Name of the new key", NULL, on_key_name, NULL };

void regedit_new_key(struct regedit *r)
{
        regedit_prompt(r, &key_prompt, "");
}

void regedit_delete(struct regedit *r)
{
        const struct value_row *row = r->in_values ? value_list_selected(&r->values) : NULL;

        if (row)
                (void)begin(r, "delete", row->name);
        else if (!r->in_values)
                (void)begin(r, "delete-key", "");
        else
                return;
        regedit_preview(r);
}
