/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sentence for people. What others wrote stands in single quotes, without anything that could end the
 * quotes, the line, or turn the writing direction. The detail comes last and has quotes of its own. */
#include "record-fields.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "../names/fold.h"

#define SHOWN_MAX 256u
#define DETAIL_MAX 768u

static bool is_plain(uint32_t c)
{
        if (c < 0x20 || (c >= 0x7F && c < 0xA0))
                return false;
        /* Line and paragraph separators; marks that reorder what is shown. */
        return !(c >= 0x2028 && c <= 0x202E) && !(c >= 0x2066 && c <= 0x2069) && c != 0x200E &&
               c != 0x200F && c != 0x061C;
}

static void add_plain(struct buf *out, const char *text, size_t max, bool in_quotes)
{
        size_t n = record_cut(text, max);

        for (size_t i = 0; i < n;) {
                uint32_t c = 0;
                size_t len = utf8_decode(text + i, n - i, &c);
                if (len > 0 && is_plain(c) && !(in_quotes && c == '\''))
                        buf_add(out, text + i, len);
                else {
                        len = len > 0 ? len : 1;
                        for (size_t k = 0; k < len; k++)
                                buf_printf(out, "\\x%02x", (unsigned)(unsigned char)text[i + k]);
                }
                i += len;
        }
        if (text[n])
                buf_puts(out, "...");
}

static void add_quoted(struct buf *out, const char *text)
{
        buf_putc(out, '\'');
        add_plain(out, text, SHOWN_MAX, true);
        buf_putc(out, '\'');
}

static void add_value(struct buf *out, const struct record *r, enum record_field f)
{
        struct field_value v = record_field(r, f);
        enum field_encoding encoding = record_fields[f].encoding;
        bool text = encoding == ENCODE_TEXT || encoding == ENCODE_WORD || encoding == ENCODE_STACK;

        if (!v.known)
                buf_puts(out, f == FIELD_OLD || f == FIELD_NEW ? "nothing" : "?");
        else if (text)
                add_quoted(out, v.text);
        else
                buf_printf(out, "%" PRIu64, v.number);
}

/* `name` is a {name} of record-kinds.def; a test walks them all. */
static enum record_field field_by_name(const char *name, size_t n)
{
        enum record_field f = 0;

        while (f < RECORD_FIELDS_N - 1 &&
                (strlen(record_fields[f].name) != n || memcmp(record_fields[f].name, name, n) != 0))
                f++;
        return f;
}

static void add_sentence(struct buf *out, const struct record *r, const char *sentence)
{
        for (const char *open; (open = strchr(sentence, '{'));) {
                const char *name = open + 1, *close = strchrnul(name, '}');
                buf_add(out, sentence, (size_t)(open - sentence));
                add_value(out, r, field_by_name(name, (size_t)(close - name)));
                sentence = close + (*close == '}');
        }
        buf_puts(out, sentence);
}

static void add_since(struct buf *out, uint64_t since)
{
        char when[40];
        time_t t = (time_t)since;
        struct tm tm;

        if (gmtime_r(&t, &tm) && strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
                buf_printf(out, " since %s", when);
}

static void add_actor(struct buf *out, const struct actor *a)
{
        if (a->pid == AUDIT_ID_UNSET && a->uid == AUDIT_ID_UNSET && !*a->comm)
                return;
        buf_puts(out, ", by ");
        if (*a->comm)
                add_quoted(out, a->comm);
        else
                buf_puts(out, "an unknown program");
        const char *between = " (";
        if (a->pid != AUDIT_ID_UNSET) {
                buf_printf(out, "%spid %" PRIu32, between, a->pid);
                between = ", ";
        }
        if (a->uid != AUDIT_ID_UNSET) {
                buf_printf(out, "%suid %" PRIu32, between, a->uid);
                between = ", ";
        }
        if (between[0] == ',')
                buf_putc(out, ')');
}

int record_message(const struct record *r, struct buf *out)
{
        const struct kind_info *k = &record_kinds[r->kind];

        add_sentence(out, r, !r->success && k->sentence_failed ? k->sentence_failed : k->sentence);
        if (record_carries(r, FIELD_SINCE) && r->since > 0)
                add_since(out, r->since);
        if (record_carries(r, FIELD_LAYER)) {
                buf_puts(out, ", layer ");
                add_value(out, r, FIELD_LAYER);
        }
        if (record_carries(r, FIELD_SPID) && r->actor)
                add_actor(out, r->actor);
        if (record_carries(r, FIELD_REASON) && r->reason && *r->reason) {
                buf_puts(out, ", ");
                add_plain(out, r->reason, SHOWN_MAX, true);
        }
        if (r->detail && *r->detail) {
                buf_puts(out, ": ");
                add_plain(out, r->detail, DETAIL_MAX, false);
        }
        return out->error;
}
