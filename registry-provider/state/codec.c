/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state.h"

#include <errno.h>
#include <string.h>

#include "../../schema/names/path.h"
#include "le.h"

enum {
        FIELD_GUID = 1 << 0,
        FIELD_TARGET = 1 << 1,
        FIELD_NAME = 1 << 2,
        FIELD_LAYER = 1 << 3,
        FIELD_MASK = 1 << 4,
        FIELD_TYPE = 1 << 5,
        FIELD_SEQUENCE = 1 << 6,
        FIELD_EXPECTED = 1 << 7,
        FIELD_TIME = 1 << 8,
        FIELD_DATA = 1 << 9,
        FIELD_KEY_FLAGS = 1 << 10,
        FIELD_SET = 1 << 11,
};

enum {
        FLAG_VOLATILE = 1,
        FLAG_LINK = 2,
        FLAG_SET = 4,
};

/* What each operation carries; everything else is not written and comes back as zero. */
static const struct op_fields {
        uint16_t code;
        unsigned fields;
} op_fields[] = {
        { STORE_CREATE_ENTRY, FIELD_GUID | FIELD_TARGET | FIELD_NAME | FIELD_LAYER | FIELD_SEQUENCE },
        { STORE_HIDE_ENTRY, FIELD_GUID | FIELD_NAME | FIELD_LAYER | FIELD_SEQUENCE },
        { STORE_DELETE_ENTRY, FIELD_GUID | FIELD_NAME | FIELD_LAYER },
        { STORE_CREATE_KEY,
                FIELD_GUID | FIELD_TARGET | FIELD_NAME | FIELD_TIME | FIELD_DATA | FIELD_KEY_FLAGS },
        { STORE_WRITE_KEY, FIELD_GUID | FIELD_MASK | FIELD_TIME | FIELD_DATA },
        { STORE_DROP_KEY, FIELD_GUID },
        { STORE_SET_VALUE, FIELD_GUID | FIELD_NAME | FIELD_LAYER | FIELD_TYPE | FIELD_SEQUENCE |
                                   FIELD_EXPECTED | FIELD_TIME | FIELD_DATA },
        { STORE_DELETE_VALUE, FIELD_GUID | FIELD_NAME | FIELD_LAYER | FIELD_TIME },
        { STORE_SET_BLANKET, FIELD_GUID | FIELD_LAYER | FIELD_SEQUENCE | FIELD_SET },
        { STORE_DELETE_LAYER, FIELD_LAYER },
};

static unsigned fields_of(uint16_t code)
{
        for (size_t i = 0; i < ARRAY_SIZE(op_fields); i++)
                if (op_fields[i].code == code)
                        return op_fields[i].fields;
        return 0;
}

static void put_bytes(struct buf *out, const void *data, size_t n)
{
        buf_le32(out, (uint32_t)n);
        buf_add(out, data, n);
}

/* With the NUL, so that a decoded record can borrow the string. */
static void put_string(struct buf *out, const char *s)
{
        size_t n = s ? strlen(s) : 0;
        put_bytes(out, s, n);
        buf_putc(out, '\0');
}

static void put_op(struct buf *out, const struct store_op *op)
{
        unsigned f = fields_of(op->code);
        unsigned flags = 0;

        if (f & FIELD_KEY_FLAGS)
                flags = (op->is_volatile ? FLAG_VOLATILE : 0u) | (op->is_link ? FLAG_LINK : 0u);
        if ((f & FIELD_SET) && op->set)
                flags = FLAG_SET;
        buf_le16(out, op->code);
        buf_putc(out, (char)flags);
        if (f & FIELD_GUID)
                buf_add(out, op->guid.bytes, sizeof(op->guid.bytes));
        if (f & FIELD_TARGET)
                buf_add(out, op->target.bytes, sizeof(op->target.bytes));
        if (f & FIELD_NAME)
                put_string(out, op->name);
        if (f & FIELD_LAYER)
                put_string(out, op->layer);
        if (f & FIELD_MASK)
                buf_le32(out, op->mask);
        if (f & FIELD_TYPE)
                buf_le32(out, op->type);
        if (f & FIELD_SEQUENCE)
                buf_le64(out, op->sequence);
        if (f & FIELD_EXPECTED)
                buf_le64(out, op->expected);
        if (f & FIELD_TIME)
                buf_le64(out, op->time);
        if (f & FIELD_DATA)
                put_bytes(out, op->data, op->size);
}

void state_encode(struct buf *out, const struct state_record *r)
{
        /* Kinds begin at 1 on disk: zeros are no record. */
        buf_putc(out, (char)(r->kind + 1));
        switch (r->kind) {
        case STATE_OP:
                put_op(out, &r->op);
                break;
        case STATE_HIVE:
                put_string(out, r->name);
                buf_add(out, r->root.bytes, sizeof(r->root.bytes));
                break;
        case STATE_LAYER:
                put_string(out, r->name);
                buf_le32(out, r->precedence);
                buf_putc(out, r->enabled ? 1 : 0);
                put_string(out, r->file);
                break;
        case STATE_LAYER_GONE:
                put_string(out, r->name);
                break;
        }
}

/* Reads past the end or of wrong contents stick, as in struct buf; callers check once. */
struct reader {
        const uint8_t *p;
        size_t left;
        bool bad;
};

static const void *take(struct reader *r, size_t n)
{
        const uint8_t *p = r->p;

        if (r->bad || n > r->left) {
                r->bad = true;
                return NULL;
        }
        r->p += n;
        r->left -= n;
        return p;
}

static uint64_t take_le(struct reader *r, size_t n)
{
        const uint8_t *p = take(r, n);
        return p ? get_le(p, n) : 0;
}

static struct guid take_guid(struct reader *r)
{
        struct guid g = { 0 };
        const void *p = take(r, sizeof(g.bytes));
        if (p)
                memcpy(g.bytes, p, sizeof(g.bytes));
        return g;
}

static const void *take_bytes(struct reader *r, size_t *ret_size)
{
        size_t n = (size_t)take_le(r, 4);
        const void *p = take(r, n);

        *ret_size = p ? n : 0;
        return n > 0 ? p : NULL;
}

/* The longest is a path. What a name may be is the store's to say. */
static const char *take_string(struct reader *r)
{
        size_t n = (size_t)take_le(r, 4);
        const char *s = n <= PATH_BYTES_MAX ? take(r, n + 1) : NULL;

        if (!s || s[n] != '\0' || memchr(s, '\0', n) || utf8_valid_prefix(s, n) != n) {
                r->bad = true;
                return NULL;
        }
        return s;
}

static void take_flags(struct reader *r, unsigned fields, struct store_op *op)
{
        unsigned flags = (unsigned)take_le(r, 1);
        unsigned known = ((fields & FIELD_KEY_FLAGS) ? FLAG_VOLATILE | FLAG_LINK : 0u) |
                         ((fields & FIELD_SET) ? FLAG_SET : 0u);

        if (flags & ~known)
                r->bad = true;
        op->is_volatile = flags & FLAG_VOLATILE;
        op->is_link = flags & FLAG_LINK;
        op->set = flags & FLAG_SET;
}

static void take_op(struct reader *r, struct store_op *op)
{
        op->code = (uint16_t)take_le(r, 2);
        unsigned f = fields_of(op->code);
        if (f == 0)
                r->bad = true;
        take_flags(r, f, op);
        if (f & FIELD_GUID)
                op->guid = take_guid(r);
        if (f & FIELD_TARGET)
                op->target = take_guid(r);
        if (f & FIELD_NAME)
                op->name = take_string(r);
        if (f & FIELD_LAYER)
                op->layer = take_string(r);
        if (f & FIELD_MASK)
                op->mask = (uint32_t)take_le(r, 4);
        if (f & FIELD_TYPE)
                op->type = (uint32_t)take_le(r, 4);
        if (f & FIELD_SEQUENCE)
                op->sequence = take_le(r, 8);
        if (f & FIELD_EXPECTED)
                op->expected = take_le(r, 8);
        if (f & FIELD_TIME)
                op->time = take_le(r, 8);
        if (f & FIELD_DATA)
                op->data = take_bytes(r, &op->size);
}

static void take_layer(struct reader *r, struct state_record *record)
{
        record->name = take_string(r);
        record->precedence = (uint32_t)take_le(r, 4);
        uint64_t enabled = take_le(r, 1);
        if (enabled > 1)
                r->bad = true;
        record->enabled = enabled == 1;
        record->file = take_string(r);
}

int state_decode(const void *data, size_t size, struct state_record *ret, size_t *ret_used)
{
        struct reader r = { .p = data, .left = size };
        struct state_record record = { 0 };
        uint64_t kind = take_le(&r, 1);

        if (kind == 0 || kind > STATE_LAYER_GONE + 1)
                return -EBADMSG;
        record.kind = (enum state_record_kind)(kind - 1);
        switch (record.kind) {
        case STATE_OP:
                take_op(&r, &record.op);
                break;
        case STATE_HIVE:
                record.name = take_string(&r);
                record.root = take_guid(&r);
                break;
        case STATE_LAYER:
                take_layer(&r, &record);
                break;
        case STATE_LAYER_GONE:
                record.name = take_string(&r);
                break;
        }
        if (r.bad)
                return -EBADMSG;
        *ret = record;
        *ret_used = size - r.left;
        return 0;
}
