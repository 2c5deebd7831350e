/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <errno.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>

#include "../names/fold.h"

void table_done(struct table *t)
{
        buf_done(&t->text);
}

struct buf *table_cell(struct table *t)
{
        if (t->n++ > 0)
                buf_putc(&t->text, '\0');
        return &t->text;
}

/* In the locale of table_format(): wcwidth() knows nothing but ASCII in that of C. */
static size_t measure(const char *s)
{
        size_t n = 0, len = strlen(s);

        while (len > 0) {
                uint32_t c;
                size_t step = utf8_decode(s, len, &c);
                int width = step > 0 ? wcwidth((wchar_t)c) : 1;
                n += width < 0 ? 1 : (size_t)width;
                step = step > 0 ? step : 1;
                s += step;
                len -= step;
        }
        return n;
}

static void measure_columns(const struct table *t, bool with_heading, size_t *widths)
{
        const char *cell = buf_str(&t->text);

        for (size_t i = 0; with_heading && i < t->n_columns; i++)
                widths[i] = measure(t->columns[i].heading);
        for (size_t i = 0; i < t->n; i++, cell += strlen(cell) + 1) {
                size_t *width = &widths[i % t->n_columns], its = measure(cell);
                if (its > *width)
                        *width = its;
        }
}

static void put_cell(
        const struct table *t, size_t i, const char *cell, const size_t *widths, struct buf *out)
{
        size_t column = i % t->n_columns;
        int blanks = (int)(widths[column] - measure(cell));

        if (column > 0)
                buf_puts(out, "  ");
        if (t->columns[column].right)
                buf_printf(out, "%*s", blanks, "");
        buf_puts(out, cell);
        if (column + 1 < t->n_columns) {
                if (!t->columns[column].right)
                        buf_printf(out, "%*s", blanks, "");
                return;
        }
        while (!cell[0] && out->len > 0 && out->data[out->len - 1] == ' ')
                out->data[--out->len] = '\0';
        buf_putc(out, '\n');
}

static void put_all(const struct table *t, bool with_heading, const size_t *widths, struct buf *out)
{
        const char *cell = buf_str(&t->text);

        for (size_t i = 0; with_heading && i < t->n_columns; i++)
                put_cell(t, i, t->columns[i].heading, widths, out);
        for (size_t i = 0; i < t->n; i++, cell += strlen(cell) + 1)
                put_cell(t, i, cell, widths, out);
}

void table_format(const struct table *t, bool with_heading, struct buf *out)
{
        _cleanup_free_ size_t *widths = calloc(t->n_columns, sizeof(*widths));
        locale_t utf8, before;

        if (!widths || t->text.error) {
                out->error = -ENOMEM;
                return;
        }
        /* Names are UTF-8 whatever the user's locale. Where this one is missing each character is one cell.
         */
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
        before = utf8 ? uselocale(utf8) : (locale_t)0;
        measure_columns(t, with_heading, widths);
        put_all(t, with_heading, widths, out);
        if (utf8) {
                (void)uselocale(before);
                freelocale(utf8);
        }
}
