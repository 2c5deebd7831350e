/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record-fields.h"

#include <string.h>
#include <syslog.h>

#define F(symbol) (UINT32_C(1) << FIELD_##symbol)
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
                buf_printf(out, " %s=", info->name);
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
