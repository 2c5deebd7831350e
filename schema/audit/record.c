/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "record-fields.h"

#define F(symbol) (UINT32_C(1) << FIELD_##symbol)
#define FIELDS_SEAL (F(SERIAL) | F(SIGNER))
#define FIELDS_ACTOR (F(ACTOR) | F(SPID) | F(SUID) | F(SAUID) | F(OSES) | F(SCONTEXT) | F(OCOMM) | F(CMD))
#define FIELDS_EVERY (F(OP) | F(WHEN) | F(BOOT) | F(SEQNO))

const struct field_info record_fields[RECORD_FIELDS_N] = {
#define RECORD_FIELD(symbol, name, encoding, max, journal) { name, journal, ENCODE_##encoding, max },
#include "record-fields.def"
#undef RECORD_FIELD
};

const struct kind_info record_kinds[RECORD_KINDS_N] = {
#define RECORD_KIND(symbol, op, id, priority, fields, optional, sentence, failed)                           \
        { op, id, priority, FIELDS_EVERY | (fields), optional, sentence, failed },
#include "record-kinds.def"
#undef RECORD_KIND
};

/* Hex doubles the text and the three dots of a cut. */
#define WORST_TEXT(max) (2 * ((max) + 3))
#define WORST_WORD(max) (4 + 2 * ((max) + 3))
#define WORST_STACK(max) (0)
#define WORST_NUMBER(max) (20)
#define WORST_TIME(max) (21)
#define WORST_ORDINAL(max) (20)
#define WORST_ID(max) (10)
#define RECORD_FIELD(symbol, name, encoding, max, journal) +1 + sizeof(name) + WORST_##encoding(max)
_Static_assert(sizeof(" late=") + 20
#include "record-fields.def"
                       <= RECORD_TEXT_MAX,
        "a record of all fields, all in hex, must fit; one with a stack has few: a test fills each kind");
#undef RECORD_FIELD

/* How untrusted text is written. */
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
static bool is_safe_byte(char c)
{
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               (c != '\0' && strchr("_./:@%+,\\-", c));
}

static bool is_safe(const char *text, size_t n)
{
        size_t i = 0;

        while (i < n && is_safe_byte(text[i]))
                i++;
        return i == n;
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
                buf_number(out, number);
}

static void add_name(struct buf *out, const char *name)
{
        buf_putc(out, ' ');
        buf_puts(out, name);
        buf_putc(out, '=');
}

/* Of a text, how much of it is shown; 0: nothing is there, which is said. */
static size_t begin_field(struct buf *out, const char *name, const char *text, size_t max, bool *ret_cut)
{
        size_t n = text ? record_cut(text, max) : 0;

        add_name(out, name);
        if (n == 0)
                buf_putc(out, '?');
        *ret_cut = n > 0 && text[n] != '\0';
        return n;
}

void record_add_text(struct buf *out, const char *name, const char *text, size_t max)
{
        bool cut;
        size_t n = begin_field(out, name, text, max, &cut);

        if (n == 0)
                return;
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
        bool cut;
        size_t n = begin_field(out, name, text, max, &cut);

        if (n == 0)
                return;
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
                buf_putc(out, text[i] != ',' && is_safe_byte(text[i]) ? text[i] : '_');
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

        add_name(out, name);
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

static struct field_value text_value(const char *text)
{
        return (struct field_value){ .text = text, .known = text && *text };
}

static struct field_value number_value(uint64_t number, uint64_t unknown)
{
        return (struct field_value){ .number = number, .known = number != unknown };
}

static struct field_value actor_field(const struct actor *a, enum record_field f)
{
        switch (f) {
        case FIELD_ACTOR:
                return text_value(actor_state(a));
        case FIELD_SPID:
                return number_value(a->pid, AUDIT_ID_UNSET);
        case FIELD_SUID:
                return number_value(a->uid, AUDIT_ID_UNSET);
        case FIELD_SAUID:
                return number_value(a->loginuid, AUDIT_ID_UNSET);
        case FIELD_OSES:
                return number_value(a->session, AUDIT_ID_UNSET);
        case FIELD_SCONTEXT:
                return text_value(a->context);
        case FIELD_OCOMM:
                return text_value(a->comm);
        default:
                return text_value(a->exe);
        }
}

struct field_value record_field(const struct record *r, enum record_field f)
{
        static const struct actor unknown = ACTOR_UNKNOWN;

        switch (f) {
        case FIELD_OP:
                return text_value(record_op(r));
        case FIELD_PATH:
                return text_value(r->path);
        case FIELD_OLD:
                return text_value(r->old_text);
        case FIELD_NEW:
                return text_value(r->new_text);
        case FIELD_CONTROL:
                return text_value(r->control);
        case FIELD_LAYER:
                return text_value(r->layer);
        case FIELD_SERIAL:
                return number_value(r->serial, 0);
        case FIELD_SIGNER:
                return text_value(r->signer);
        case FIELD_REASON:
                return text_value(r->reason);
        case FIELD_TAINT:
                return text_value(r->taint);
        case FIELD_BIT:
                return (struct field_value){ .number = r->bit, .known = true };
        case FIELD_TAINTED:
                return text_value(r->tainted);
        case FIELD_NAME:
                return text_value(r->module);
        case FIELD_MOD_TAINT:
                return text_value(r->module_taints);
        case FIELD_ATTRIBUTION:
                return text_value(r->attribution);
        case FIELD_CONTEXT:
                return text_value(r->context);
        case FIELD_ACCEPTED:
                return text_value(r->accepted);
        case FIELD_STACK:
                return text_value(r->stack);
        case FIELD_COUNT:
                return number_value(r->count, 0);
        case FIELD_SINCE:
                return number_value(r->since, 0);
        case FIELD_USERS:
                return text_value(r->users);
        case FIELD_WHEN:
                return number_value(r->when, 0);
        case FIELD_BOOT:
                return text_value(r->boot);
        case FIELD_SEQNO:
                return number_value(r->seqno, 0);
        default:
                return actor_field(r->actor ? r->actor : &unknown, f);
        }
}

bool record_carries(const struct record *r, enum record_field f)
{
        const struct kind_info *k = &record_kinds[r->kind];
        uint32_t bit = UINT32_C(1) << f;

        if (k->fields & bit)
                return true;
        if (!(k->optional & bit))
                return false;
        /* The actor's fields stand together or not at all. */
        if (bit & FIELDS_ACTOR)
                return r->actor != NULL;
        return record_field(r, f).known;
}

static void add_field(struct buf *out, const struct field_info *info, struct field_value v)
{
        switch (info->encoding) {
        case ENCODE_TEXT:
                record_add_text(out, info->name, v.text, info->max);
                break;
        case ENCODE_WORD:
                record_add_word(out, info->name, v.text, info->max);
                break;
        case ENCODE_STACK:
                record_add_stack(out, info->name, v.text, info->max);
                break;
        default:
                add_name(out, info->name);
                if (v.known || info->encoding == ENCODE_ID)
                        record_add_number(out, info->encoding, v.number);
                else
                        buf_putc(out, '?');
        }
}

int record_format(const struct record *r, struct buf *out)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        for (enum record_field f = 0; f < RECORD_FIELDS_N; f++)
                if (record_carries(r, f))
                        add_field(&text, &record_fields[f], record_field(r, f));
        if (text.error)
                return text.error;
        buf_add(out, text.data + 1, text.len - 1); /* without the blank in front */
        return out->error;
}

const char *record_op(const struct record *r)
{
        return r->op ? r->op : record_kinds[r->kind].op;
}

const char *record_message_id(enum record_kind kind)
{
        return record_kinds[kind].message_id;
}

int record_priority(const struct record *r)
{
        int priority = record_kinds[r->kind].priority;

        if (r->accepted && strcmp(r->accepted, "yes") == 0)
                return LOG_NOTICE;
        return priority == LOG_NOTICE && !r->success ? LOG_WARNING : priority;
}
