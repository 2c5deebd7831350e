/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "card.h"

#include <string.h>

#include "words.h"

const char *card_when(const struct schema_value *sv)
{
        static const char *const when[] = {
                [SCHEMA_LIVE] = "at once",
                [SCHEMA_RESTART] = "after a restart of its reader",
                [SCHEMA_REBOOT] = "after a reboot",
        };
        return when[sv->apply];
}

static void label(struct buf *out, const char *name)
{
        buf_printf(out, "%-12s", name);
}

/* A line a choice, its meaning beside it. */
static void show_choices(struct buf *out, const struct schema_value *sv)
{
        size_t width = 0;

        for (size_t i = 0; i < sv->n_choices; i++) {
                size_t n = utf8_count(sv->choices[i].value, strlen(sv->choices[i].value));
                width = n > width ? n : width;
        }
        for (size_t i = 0; i < sv->n_choices; i++) {
                const struct schema_choice *c = &sv->choices[i];
                size_t n = utf8_count(c->value, strlen(c->value));
                label(out, i == 0 ? "allowed:" : "");
                utf8_put_safe(out, c->value, strlen(c->value));
                buf_printf(out, "%*s", (int)(width - n) + 2, "");
                utf8_put_between(out, "", c->meaning, "\n");
        }
}

static void show_control(struct buf *out, const struct schema_control *c)
{
        label(out, "bound to:");
        buf_printf(out, "the control %s\n", c->name);
        label(out, "drift:");
        buf_puts(out, c->drift_reapply ? "put back, and recorded" : "left, and recorded");
        if (c->drift_value)
                utf8_put_between(out, ", unless ", c->drift_value, " says otherwise");
        buf_putc(out, '\n');
}

void card_format(struct buf *out, const char *key, const struct schema_value *sv)
{
        words_format_value(out, key, sv->name);
        utf8_put_between(out, "\n\n    ", sv->description, "\n\n");
        label(out, "type:");
        buf_printf(out, "%s\n", value_type_symbol(sv->type));
        label(out, "default:");
        if (!sv->has_default)
                buf_puts(out, "none: without effect until somebody sets it");
        else if (!sv->default_text[0])
                buf_puts(out, "empty");
        else
                utf8_put_safe(out, sv->default_text, strlen(sv->default_text));
        buf_putc(out, '\n');
        show_choices(out, sv);
        if (sv->n_choices == 0) {
                label(out, "allowed:");
                schema_describe_allowed(sv, out);
                buf_putc(out, '\n');
        }
        label(out, "applies:");
        buf_printf(out, "%s\n", card_when(sv));
        if (sv->control)
                show_control(out, sv->control);
        label(out, "known from:");
        utf8_put_between(out, "", sv->source, "\n\n");
}
