/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../schema/yaml/yaml.h"
#include "snapshot-writer.h"

/* YAML's limit for a key on one line is 1024 characters. */
#define KEY_BYTES 1000u

static bool is_bare_character(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* A name that needs no quotes: letters, digits and `_`, then also `.` and `-`. */
static bool is_bare(const char *s, size_t n)
{
        if (n == 0 || n > KEY_BYTES || !is_bare_character(s[0]))
                return false;
        for (size_t i = 1; i < n; i++)
                if (!is_bare_character(s[i]) && s[i] != '.' && s[i] != '-')
                        return false;
        return true;
}

void put_name(struct buf *out, const char *s)
{
        size_t n = strlen(s);
        if (is_bare(s, n))
                buf_add(out, s, n);
        else
                yaml_quote(out, s, n);
}

void put_indent(struct buf *out, unsigned indent)
{
        static const char blanks[16] = "                ";
        buf_add(out, blanks, indent);
}

void put_key(struct buf *out, unsigned indent, const char *name)
{
        size_t start = out->len;
        put_name(out, name);
        if (out->len - start <= KEY_BYTES) {
                buf_putc(out, ':');
                return;
        }
        out->len = start;
        buf_puts(out, "? ");
        put_name(out, name);
        buf_putc(out, '\n');
        put_indent(out, indent);
        buf_putc(out, ':');
}

void put_guid(struct buf *out, const struct guid *g)
{
        char text[37];
        guid_format(g, text);
        buf_add(out, text, 36);
}

void put_number(struct buf *out, uint64_t v)
{
        char digits[20];
        size_t at = sizeof(digits);
        do
                digits[--at] = (char)('0' + v % 10);
        while ((v /= 10) > 0);
        buf_add(out, digits + at, sizeof(digits) - at);
}

void put_comment(struct buf *out, const struct buf *path)
{
        buf_puts(out, "# ");
        for (size_t i = 0; i < path->len; i++)
                if (path->data[i] < ' ' || path->data[i] > '~') {
                        yaml_quote(out, path->data, path->len);
                        buf_putc(out, '\n');
                        return;
                }
        buf_add(out, path->data, path->len);
        buf_putc(out, '\n');
}
