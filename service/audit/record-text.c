/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How untrusted text is written into an audit record. */
#include "record-fields.h"

#include <string.h>

#define CUT_MARK "..."
#define HEX_MARK "hex:"

size_t record_cut(const char *text, size_t max)
{
        size_t n = strnlen(text, max + 1);

        if (n <= max)
                return n;
        n = max;
        for (int back = 0; back < 3 && n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80; back++)
                n--;
        return n;
}

/* Not isalnum(): the locale must have no say. */
static bool is_safe(const char *text, size_t n)
{
        static const char safe[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+,\\-";

        return strspn(text, safe) >= n;
}

static void add_hex(struct buf *out, const char *text, size_t n)
{
        static const char digits[] = "0123456789ABCDEF";

        for (size_t i = 0; i < n; i++) {
                buf_putc(out, digits[(unsigned char)text[i] >> 4]);
                buf_putc(out, digits[(unsigned char)text[i] & 0xF]);
        }
}

static void add_bare(struct buf *out, const char *text, size_t n, bool cut)
{
        buf_add(out, text, n);
        if (cut)
                buf_puts(out, CUT_MARK);
}

static void add_encoded(struct buf *out, const char *text, size_t n, bool cut)
{
        add_hex(out, text, n);
        if (cut)
                add_hex(out, CUT_MARK, strlen(CUT_MARK));
}

void record_add_text(struct buf *out, const char *name, const char *text, size_t max)
{
        buf_printf(out, " %s=", name);
        if (!text || !*text) {
                buf_putc(out, '?');
                return;
        }
        size_t n = record_cut(text, max);
        bool cut = text[n] != '\0';
        if (!is_safe(text, n)) {
                add_encoded(out, text, n, cut);
                return;
        }
        buf_putc(out, '"');
        add_bare(out, text, n, cut);
        buf_putc(out, '"');
}

void record_add_word(struct buf *out, const char *name, const char *text, size_t max)
{
        buf_printf(out, " %s=", name);
        if (!text || !*text) {
                buf_putc(out, '?');
                return;
        }
        size_t n = record_cut(text, max);
        bool cut = text[n] != '\0';
        /* auparse strips a trailing colon or comma as punctuation of old kernels' records. */
        bool stripped = !cut && (text[n - 1] == ':' || text[n - 1] == ',');
        if (is_safe(text, n) && !stripped && strncmp(text, HEX_MARK, strlen(HEX_MARK)) != 0) {
                add_bare(out, text, n, cut);
                return;
        }
        buf_puts(out, HEX_MARK);
        add_encoded(out, text, n, cut);
}
