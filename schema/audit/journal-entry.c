/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record.h"

#include <inttypes.h>
#include <string.h>
#include <sys/uio.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "../base/date.h"
#include "../base/log.h"
#include "../names/fold.h"
#include "record-fields.h"

#define SHOWN_MAX 256u
#define DETAIL_MAX 768u
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
/* A registry path fits whole. */
#define JOURNAL_TEXT_MAX 16384u

#define FIELD_PREFIX "PEIOS_"
/* Those that forensic capture knows are half as many. */
#define PROPERTIES_MAX 32u

/* MESSAGE, MESSAGE_ID, PRIORITY, PEIOS_RESULT, PEIOS_DETAIL, PEIOS_AUDIT_TEXT, the record's own, properties.
 */
#define ENTRY_MAX (6 + RECORD_FIELDS_N + PROPERTIES_MAX)

static void add_plain(struct buf *out, const char *text, size_t max, bool in_quotes)
{
        size_t n = record_cut(text, max);

        for (size_t i = 0; i < n;) {
                uint32_t c = 0;
                size_t len = utf8_decode(text + i, n - i, &c);
                if (len > 0 && utf8_is_plain(c) && !(in_quotes && c == '\''))
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
        char when[DATE_TEXT_MAX];

        if (date_format_utc((time_t)since, when)[0])
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

int journal_entry_message(const struct record *r, struct buf *out)
{
        const struct kind_info *k = &record_kinds[r->kind];

        add_sentence(out, r, !r->success && k->sentence_failed ? k->sentence_failed : k->sentence);
        if (record_carries(r, FIELD_SINCE) && r->since > 0)
                add_since(out, r->since);
        if (record_carries(r, FIELD_LAYER)) {
                buf_puts(out, ", layer ");
                add_value(out, r, FIELD_LAYER);
        }
        if (record_carries(r, FIELD_SERIAL) && r->serial != 0)
                buf_printf(out, ", serial %" PRIu64 ", signed by %s", r->serial, r->signer);
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

/* All fields in one buffer; `end` are offsets, because the buffer moves as it grows. */
struct entry {
        struct buf text;
        size_t end[ENTRY_MAX];
        size_t n;
};

static void end_field(struct entry *e)
{
        e->end[e->n++] = e->text.len;
}

static void add_text(struct entry *e, const char *name, const char *text)
{
        buf_printf(&e->text, "%s=", name);
        buf_add(&e->text, text, record_cut(text, JOURNAL_TEXT_MAX));
        end_field(e);
}

static void add_record_field(struct entry *e, const struct record *r, enum record_field f)
{
        const struct field_info *info = &record_fields[f];
        struct field_value v = record_field(r, f);

        if (!v.known)
                add_text(e, info->journal, "?");
        else if (v.text)
                add_text(e, info->journal, v.text);
        else {
                buf_printf(&e->text, "%s=", info->journal);
                record_add_number(&e->text, info->encoding, v.number);
                end_field(e);
        }
}

/* The journal drops a field with another name, and knows some names itself. */
static bool is_property(const char *line)
{
        size_t n = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

        return line[n] == '=' && strncmp(line, FIELD_PREFIX, strlen(FIELD_PREFIX)) == 0;
}

static void add_properties(struct entry *e, const char *lines)
{
        size_t before = e->n;

        for (size_t n; lines && *lines && e->n - before < PROPERTIES_MAX; lines += n + (lines[n] == '\n')) {
                n = strcspn(lines, "\n");
                if (!is_property(lines))
                        continue;
                buf_add(&e->text, lines, n < JOURNAL_TEXT_MAX ? n : JOURNAL_TEXT_MAX);
                end_field(e);
        }
}

static int build(struct entry *e, const struct record *r, const char *message, const char *record_text)
{
        add_text(e, "MESSAGE", message);
        add_text(e, "MESSAGE_ID", record_message_id(r->kind));
        buf_printf(&e->text, "PRIORITY=%d", record_priority(r));
        end_field(e);
        for (enum record_field f = 0; f < RECORD_FIELDS_N; f++)
                if (record_carries(r, f))
                        add_record_field(e, r, f);
        add_text(e, "PEIOS_RESULT", r->success ? "success" : "failed");
        if (r->detail && *r->detail)
                add_text(e, "PEIOS_DETAIL", r->detail);
        if (record_text)
                add_text(e, "PEIOS_AUDIT_TEXT", record_text);
        add_properties(e, r->properties);
        return e->text.error;
}

void journal_entry_send(const struct record *r, const char *record_text)
{
        _cleanup_buf_ struct buf message = BUF_INIT;
        struct iovec iov[ENTRY_MAX];
        struct entry e = { 0 };

        if (journal_entry_message(r, &message) < 0) {
                log_line(record_priority(r), "%s: %s", record_op(r), r->path ? r->path : "out of memory");
                return;
        }
        /* Without a journal sd_journal_sendv() returns 0 and the entry is gone. */
        bool sent = access(JOURNAL_SOCKET, F_OK) == 0 && build(&e, r, message.data, record_text) == 0;
        for (size_t i = 0, at = 0; sent && i < e.n; at = e.end[i++])
                iov[i] = (struct iovec){ .iov_base = e.text.data + at, .iov_len = e.end[i] - at };
        sent = sent && sd_journal_sendv(iov, (int)e.n) >= 0;
        buf_done(&e.text);
        if (!sent)
                log_line(record_priority(r), "%s", message.data);
}
