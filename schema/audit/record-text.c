/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How untrusted text is written into an audit record. */
#include "record-fields.h"

#include <inttypes.h>
#include <stdio.h>
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
static const char safe_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+,\\-";

static bool is_safe(const char *text, size_t n)
{
        return strspn(text, safe_bytes) >= n;
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

void record_add_number(struct buf *out, enum field_encoding encoding, uint64_t number)
{
        if (encoding == ENCODE_TIME)
                buf_printf(out, "%" PRIu64 ".%06" PRIu64, number / 1000000, number % 1000000);
        else
                buf_printf(out, "%" PRIu64, number);
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

static void add_safe(struct buf *out, const char *text, size_t n)
{
        for (size_t i = 0; i < n; i++)
                buf_putc(out,
                        text[i] != ',' && text[i] != '\0' && strchr(safe_bytes, text[i]) ? text[i] : '_');
}

/* `symbol+0x12/0x20 [module]`, and whatever a newer kernel prints behind it. */
static void add_frame(struct buf *out, const char *line, size_t n)
{
        const char *blank = memchr(line, ' ', n);
        size_t place = blank ? (size_t)(blank - line) : n;

        if (blank && place + 2 < n && blank[1] == '[') {
                const char *module = blank + 2;
                size_t left = n - place - 2, end = strcspn(module, " ]\n");
                add_safe(out, module, end < left ? end : left);
                buf_putc(out, ':');
        }
        add_safe(out, line, place);
}

void record_add_stack(struct buf *out, const char *name, const char *text, size_t max)
{
        size_t used = 0;

        buf_printf(out, " %s=", name);
        for (size_t n; text && *text; text += n + (text[n] == '\n')) {
                _cleanup_buf_ struct buf frame = BUF_INIT;

                n = strcspn(text, "\n");
                if (n == 0)
                        continue;
                add_frame(&frame, text, n);
                if (frame.error)
                        out->error = frame.error;
                if (used > 0)
                        buf_putc(out, ',');
                if (used + frame.len + 1 > max) {
                        buf_puts(out, CUT_MARK);
                        used = max;
                        break;
                }
                buf_add(out, buf_str(&frame), frame.len);
                used += frame.len + 1;
        }
        if (used == 0)
                buf_putc(out, '?');
}

/* A field can stand in no other one: none has a blank in it. */
static const char *find_field(const char *text, const char *name)
{
        const char *found = NULL;

        for (const char *at = strstr(text, name); at; at = strstr(at + 1, name))
                found = at;
        return found;
}

void record_add_late(struct buf *out, const char *text, uint64_t seconds)
{
        const char *seqno = find_field(text, " seqno=");
        size_t n = seqno ? (size_t)(seqno - text) : strlen(text);

        buf_add(out, text, n);
        if (seqno)
                buf_printf(out, " late=%" PRIu64 "%s", seconds, seqno);
}

bool record_read_time(const char *text, uint64_t *ret_usec, char ret_boot[static RECORD_BOOT_MAX])
{
        const char *when = find_field(text, " when=");
        uint64_t seconds, usec;

        if (!when || sscanf(when, " when=%" SCNu64 ".%6" SCNu64 " boot=%8s", &seconds, &usec, ret_boot) != 3)
                return false;
        *ret_usec = seconds * 1000000 + usec;
        return true;
}
