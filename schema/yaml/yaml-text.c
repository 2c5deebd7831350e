/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "../base/buf.h"
#include "../names/fold.h"
#include "yaml.h"

/* What YAML lets stand in double quotes and no reader takes for a line break or drops. */
static bool is_plain(uint32_t c)
{
        if (c < 0x20 || c == '"' || c == '\\')
                return false;
        if (c < 0x7f)
                return true;
        return c >= 0xa0 && c != 0x2028 && c != 0x2029 && c != 0xfeff && c != 0xfffe && c != 0xffff;
}

static void escape(struct buf *out, uint32_t c)
{
        switch (c) {
        case '"':
        case '\\':
                buf_putc(out, '\\');
                buf_putc(out, (char)c);
                break;
        case '\n':
                buf_puts(out, "\\n");
                break;
        case '\r':
                buf_puts(out, "\\r");
                break;
        case '\t':
                buf_puts(out, "\\t");
                break;
        default:
                buf_printf(out, c <= 0xff ? "\\x%02x" : "\\u%04x", c);
        }
}

void yaml_quote(struct buf *out, const char *s, size_t n)
{
        size_t done = 0, i = 0;

        buf_putc(out, '"');
        while (i < n) {
                uint32_t c;
                size_t len = utf8_decode(s + i, n - i, &c);
                if (len > 0 && is_plain(c)) {
                        i += len;
                        continue;
                }
                buf_add(out, s + done, i - done);
                if (len > 0)
                        escape(out, c);
                else
                        buf_puts(out, "\\ufffd");
                i += len > 0 ? len : 1;
                done = i;
        }
        if (i > done)
                buf_add(out, s + done, i - done);
        buf_putc(out, '"');
}

struct yaml_shown yaml_show(const char *s, size_t n)
{
        static const char more[] = "…";
        struct yaml_shown ret;
        size_t at = 0;

        for (size_t i = 0; i < n;) {
                uint32_t c;
                size_t len = utf8_decode(s + i, n - i, &c);
                bool as_is = len > 0 && c >= 0x20 && (c < 0x7f || c >= 0xa0);
                if (at + 4 + sizeof(more) > sizeof(ret.text)) {
                        memcpy(ret.text + at, more, sizeof(more) - 1);
                        at += sizeof(more) - 1;
                        break;
                }
                len = len > 0 ? len : 1;
                if (as_is) {
                        memcpy(ret.text + at, s + i, len);
                        at += len;
                } else {
                        at += (size_t)snprintf(ret.text + at, 5, "\\x%02x", (unsigned char)s[i]);
                        len = 1;
                }
                i += len;
        }
        ret.text[at] = '\0';
        return ret;
}
