/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics-text.h"

#include <inttypes.h>
#include <string.h>

#include "../../schema/names/fold.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

void metrics_add_family(struct buf *out, const char *name, const char *type, const char *help)
{
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Any bytes as the text between the quotes. */
static void add_escaped(struct buf *out, const char *text)
{
        for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
                uint32_t c;
                n = utf8_decode(text, left, &c);
                if (n == 0) {
                        n = 1;
                        buf_puts(out, REPLACEMENT);
                } else if (c == '\n') {
                        buf_puts(out, "\\n");
                } else if (c == '\\' || c == '"') {
                        buf_printf(out, "\\%c", (char)c);
                } else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
                        buf_puts(out, REPLACEMENT);
                } else {
                        buf_add(out, text, n);
                }
        }
}

void metrics_add_series(struct buf *out, const char *name, const struct metrics_label *labels, size_t n)
{
        char before = '{';

        buf_puts(out, name);
        for (size_t i = 0; i < n; i++) {
                if (!labels[i].value || labels[i].value[0] == '\0')
                        continue;
                buf_printf(out, "%c%s=\"", before, labels[i].name);
                add_escaped(out, labels[i].value);
                buf_putc(out, '"');
                before = ',';
        }
        buf_puts(out, before == ',' ? "} " : " ");
}

void metrics_add_sample(
        struct buf *out, const char *name, const struct metrics_label *labels, size_t n, uint64_t value)
{
        metrics_add_series(out, name, labels, n);
        buf_printf(out, "%" PRIu64 "\n", value);
}

void metrics_add_number(
        struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
        metrics_add_family(out, name, type, help);
        metrics_add_sample(out, name, NULL, 0, value);
}

void metrics_put_seconds(struct buf *out, uint64_t usec)
{
        buf_printf(out, "%" PRIu64 ".%06" PRIu64, usec / 1000000, usec % 1000000);
}
