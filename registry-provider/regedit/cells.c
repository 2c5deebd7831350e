/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cells.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "../../schema/names/fold.h"

/* One character as it is shown. */
struct glyph {
        char text[24];
        size_t width; /* cells */
};

/* Takes no cell and writes nothing, but changes how others are written, or hides that it is there. */
static bool is_invisible(uint32_t c)
{
        static const struct {
                uint32_t first, last;
        } ranges[] = { { 0x200B, 0x200F }, { 0x2028, 0x202E }, { 0x2060, 0x206F }, { 0xFEFF, 0xFEFF },
                { 0xE0000, 0xE0FFF } };

        for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
                if (c >= ranges[i].first && c <= ranges[i].last)
                        return true;
        return false;
}

static bool is_control(uint32_t c)
{
        return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

static void escape(struct glyph *g, const char *s, size_t n)
{
        for (size_t i = 0; i < n; i++)
                (void)snprintf(g->text + 4 * i, sizeof(g->text) - 4 * i, "\\x%02x", (unsigned char)s[i]);
        g->width = 4 * n;
}

/* Returns how many bytes it is of. */
static size_t read_glyph(const char *s, size_t n, struct glyph *ret)
{
        uint32_t c;
        size_t len = utf8_decode(s, n, &c);

        if (len == 0 || is_control(c) || is_invisible(c)) {
                len = len > 0 ? len : 1;
                escape(ret, s, len);
                return len;
        }
        int width = wcwidth((wchar_t)c);
        if (width < 0)
                (void)strcpy(ret->text, "?");
        else {
                memcpy(ret->text, s, len);
                ret->text[len] = '\0';
        }
        ret->width = width < 0 ? 1 : (size_t)width;
        return len;
}

size_t cells_count(const char *text, size_t n)
{
        struct glyph g;
        size_t cells = 0;

        for (size_t i = 0; i < n; cells += g.width)
                i += read_glyph(text + i, n - i, &g);
        return cells;
}

size_t cells_fit(const char *text, size_t n, size_t width)
{
        struct glyph g;
        size_t cells = 0, i = 0;

        while (i < n) {
                size_t len = read_glyph(text + i, n - i, &g);
                if (cells + g.width > width && i > 0)
                        break;
                cells += g.width;
                i += len;
        }
        return i;
}

/* Stops where the next one would not fit, behind those that take no cell. */
static size_t put(struct buf *out, const char *text, size_t n, size_t width, bool *ret_all)
{
        size_t cells = 0, i = 0;

        while (i < n) {
                struct glyph g;
                size_t len = read_glyph(text + i, n - i, &g);
                if (cells + g.width > width)
                        break;
                buf_puts(out, g.text);
                cells += g.width;
                i += len;
        }
        *ret_all = i == n;
        return cells;
}

size_t cells_put(struct buf *out, const char *text, size_t n, size_t width)
{
        const size_t start = out->len;
        bool all;

        size_t cells = put(out, text, n, width, &all);
        if (all || width == 0)
                return cells;
        out->len = start;
        cells = put(out, text, n, width - 1, &all);
        buf_putc(out, '~');
        return cells + 1;
}

void cells_fill(struct buf *out, const char *text, size_t n, size_t width)
{
        size_t cells = cells_put(out, text, n, width);

        buf_printf(out, "%*s", (int)(width - cells), "");
}
