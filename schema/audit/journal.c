/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal.h"

#include <string.h>
#include <sys/uio.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "../base/log.h"
#include "record-fields.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
/* A registry path fits whole. */
#define JOURNAL_TEXT_MAX 16384u

#define FIELD_PREFIX "PEIOS_"
/* Those that forensic capture knows are half as many. */
#define PROPERTIES_MAX 32u

/* MESSAGE, MESSAGE_ID, PRIORITY, PEIOS_RESULT, PEIOS_DETAIL, PEIOS_AUDIT_TEXT, the record's own, properties.
 */
#define ENTRY_MAX (6 + RECORD_FIELDS_N + PROPERTIES_MAX)

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

static int send_entry(const struct entry *e)
{
        struct iovec iov[ENTRY_MAX];
        size_t at = 0;

        for (size_t i = 0; i < e->n; i++) {
                iov[i] = (struct iovec){ .iov_base = e->text.data + at, .iov_len = e->end[i] - at };
                at = e->end[i];
        }
        return sd_journal_sendv(iov, (int)e->n);
}

void journal_send(const struct record *r, const char *record_text)
{
        _cleanup_buf_ struct buf message = BUF_INIT;
        struct entry e = { 0 };

        if (record_message(r, &message) < 0) {
                log_line(record_priority(r), "%s: %s", record_op(r), r->path ? r->path : "out of memory");
                return;
        }
        /* Without a journal sd_journal_sendv() returns 0 and the entry is gone. */
        bool sent = access(JOURNAL_SOCKET, F_OK) == 0 && build(&e, r, message.data, record_text) == 0 &&
                    send_entry(&e) >= 0;
        buf_done(&e.text);
        if (!sent)
                log_line(record_priority(r), "%s", message.data);
}
