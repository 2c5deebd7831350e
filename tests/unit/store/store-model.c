/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../../../schema/values/value.h"
#include "suite.h"

static struct row *add(struct model *m, struct row row)
{
        ck_assert_uint_lt(m->n, ROWS);
        m->rows[m->n] = row;
        return &m->rows[m->n++];
}

static struct row *find_key(struct model *m, unsigned guid)
{
        for (size_t i = 0; i < m->n; i++)
                if (m->rows[i].kind == KEY && m->rows[i].guid == guid)
                        return &m->rows[i];
        return NULL;
}

static struct row *find_entry(
        struct model *m, enum row_kind kind, unsigned guid, const char *name, const char *layer)
{
        for (size_t i = 0; i < m->n; i++) {
                struct row *r = &m->rows[i];
                if (r->kind == kind && r->guid == guid && (!name || strcasecmp(r->name, name) == 0) &&
                        strcasecmp(r->layer, layer) == 0)
                        return r;
        }
        return NULL;
}

static bool names(const struct row *r, unsigned guid)
{
        return r->kind == PATH && !r->hidden && r->target == guid;
}

/* A row of another layer that would tie with the operation. */
static bool ties(const struct model *m, enum row_kind kind, const struct store_op *op)
{
        for (size_t i = 0; i < m->n; i++) {
                const struct row *r = &m->rows[i];
                bool same = r->kind == BLANKET ? kind == VALUE || kind == BLANKET
                            : kind == BLANKET  ? r->kind == VALUE
                                               : r->kind == kind && strcasecmp(r->name, op->name) == 0;
                bool replaced = r->kind == kind && strcasecmp(r->layer, op->layer) == 0;
                if (same && !replaced && r->guid == op->guid.bytes[0] && r->sequence == op->sequence)
                        return true;
        }
        return false;
}

static void put(struct model *m, enum row_kind kind, const struct store_op *op)
{
        struct row *old =
                find_entry(m, kind, op->guid.bytes[0], kind == BLANKET ? NULL : op->name, op->layer);
        struct row row = { .kind = kind, .guid = op->guid.bytes[0], .sequence = op->sequence };

        (void)snprintf(row.layer, sizeof(row.layer), "%s", op->layer);
        if (kind != BLANKET)
                (void)snprintf(row.name, sizeof(row.name), "%s", op->name);
        if (kind == VALUE) {
                row.type = op->type;
                memcpy(row.data, op->data, op->size);
        }
        row.hidden = op->code == STORE_HIDE_ENTRY;
        if (op->code == STORE_CREATE_ENTRY)
                row.target = op->target.bytes[0];
        if (old)
                *old = row;
        else
                add(m, row);
}

static int model_create_key(struct model *m, const struct store_op *op)
{
        unsigned guid = op->guid.bytes[0], parent = op->target.bytes[0];
        const struct row *p = find_key(m, parent);

        if (find_key(m, guid))
                return -EEXIST;
        if (guid == 0 || op->name[0] == '\0')
                return -EINVAL;
        if (parent != 0 && !p)
                return -ENOENT;
        if (p && p->is_volatile && !op->is_volatile)
                return -EINVAL;
        for (size_t i = 0; i < m->n; i++)
                if (names(&m->rows[i], guid) && m->rows[i].guid != parent)
                        return -EINVAL;
        struct row *k = add(m, (struct row){ .kind = KEY,
                                       .guid = guid,
                                       .target = parent,
                                       .time = op->time,
                                       .is_volatile = op->is_volatile,
                                       .is_link = op->is_link });
        (void)snprintf(k->name, sizeof(k->name), "%s", op->name);
        memcpy(k->data, op->data, op->size);
        return 0;
}

static int model_drop_key(struct model *m, unsigned guid)
{
        if (!find_key(m, guid))
                return 0;
        for (size_t i = 0; i < m->n; i++)
                if (m->rows[i].kind == PATH && m->rows[i].guid == guid && !m->rows[i].hidden)
                        return -ENOTEMPTY;
        for (size_t i = 0; i < m->n; i++)
                if (names(&m->rows[i], guid))
                        return -EINVAL;
        for (size_t i = 0; i < m->n; i++)
                if (m->rows[i].guid == guid)
                        m->rows[i].kind = NONE;
        return 0;
}

static int model_entry(struct model *m, const struct store_op *op)
{
        unsigned parent = op->guid.bytes[0], target = op->target.bytes[0];
        const struct row *p = find_key(m, parent);

        if (!p)
                return -ENOENT;
        if (op->name[0] == '\0' || op->sequence == 0 || ties(m, PATH, op))
                return -EINVAL;
        if (op->code == STORE_CREATE_ENTRY) {
                const struct row *k = find_key(m, target);
                if (target == 0 || (k && (k->target != parent || (p->is_volatile && !k->is_volatile))))
                        return -EINVAL;
                for (size_t i = 0; i < m->n; i++)
                        if (names(&m->rows[i], target) && m->rows[i].guid != parent)
                                return -EINVAL;
        }
        put(m, PATH, op);
        return 0;
}

static unsigned layers_of(const struct model *m, const struct store_op *op)
{
        unsigned n = 0;
        for (size_t i = 0; i < m->n; i++)
                n += m->rows[i].kind == VALUE && m->rows[i].guid == op->guid.bytes[0] &&
                     strcasecmp(m->rows[i].name, op->name) == 0;
        return n;
}

static int model_value(struct model *m, const struct store_op *op)
{
        struct row *key = find_key(m, op->guid.bytes[0]);
        const struct row *old = find_entry(m, VALUE, op->guid.bytes[0], op->name, op->layer);

        if (!key)
                return -ENOENT;
        if (op->size > MODEL_VALUE_MAX)
                return -EFBIG;
        if ((op->type > 11 && op->type != REG_TOMBSTONE) || strlen(op->name) > 255)
                return -EDOM;
        if ((op->type == REG_TOMBSTONE && op->size > 0) || op->sequence == 0 || ties(m, VALUE, op))
                return -EINVAL;
        if (op->expected != 0 && (!old || old->sequence != op->expected))
                return -EAGAIN;
        if (!old && layers_of(m, op) >= 128)
                return -EDQUOT;
        if (op->time != 0)
                key->time = op->time;
        put(m, VALUE, op);
        return 0;
}

static int model_delete(struct model *m, enum row_kind kind, const struct store_op *op)
{
        struct row *key = find_key(m, op->guid.bytes[0]);
        if (!key)
                return -ENOENT;
        struct row *old =
                find_entry(m, kind, op->guid.bytes[0], kind == BLANKET ? NULL : op->name, op->layer);
        if (!old)
                return 0;
        old->kind = NONE;
        if (kind == VALUE && op->time != 0)
                key->time = op->time;
        return 0;
}

static int model_blanket(struct model *m, const struct store_op *op)
{
        if (!op->set)
                return model_delete(m, BLANKET, op);
        if (!find_key(m, op->guid.bytes[0]))
                return -ENOENT;
        if (op->sequence == 0 || ties(m, BLANKET, op))
                return -EINVAL;
        put(m, BLANKET, op);
        return 0;
}

static int model_write_key(struct model *m, const struct store_op *op)
{
        struct row *k = find_key(m, op->guid.bytes[0]);
        if (!k)
                return -ENOENT;
        if (op->mask > 3)
                return -EINVAL;
        if (op->mask & STORE_MASK_SD) {
                memset(k->data, 0, sizeof(k->data));
                memcpy(k->data, op->data, op->size);
        }
        if (op->mask & STORE_MASK_TIME)
                k->time = op->time;
        return 0;
}

static int model_file(struct model *m, const struct store_op *op)
{
        struct row *old = find_entry(m, FILE_LAYER, 0, NULL, op->layer);

        if (op->code == STORE_FORGET_FILE) {
                if (old)
                        old->kind = NONE;
                return 0;
        }
        struct row row = {
                .kind = FILE_LAYER, .type = op->precedence, .hidden = !op->set, .seal = op->seal
        };
        (void)snprintf(row.layer, sizeof(row.layer), "%s", op->layer);
        (void)snprintf(row.name, sizeof(row.name), "%s", op->name);
        if (old)
                *old = row;
        else
                add(m, row);
        return 0;
}

static bool is_in_memory(struct model *m, const struct row *r)
{
        const struct row *key = r->kind == FILE_LAYER ? NULL : find_key(m, r->guid);
        const struct row *target = r->kind == PATH && !r->hidden ? find_key(m, r->target) : NULL;

        return (key && key->is_volatile) || (target && target->is_volatile);
}

void model_reopen(struct model *m)
{
        static struct model kept;

        kept.n = 0;
        for (size_t i = 0; i < m->n; i++)
                if (m->rows[i].kind != NONE && !is_in_memory(m, &m->rows[i]))
                        add(&kept, m->rows[i]);
        *m = kept;
}

int model_apply(struct model *m, const struct store_op *op)
{
        switch (op->code) {
        case STORE_CREATE_ENTRY:
        case STORE_HIDE_ENTRY:
                return model_entry(m, op);
        case STORE_DELETE_ENTRY:
                return model_delete(m, PATH, op);
        case STORE_CREATE_KEY:
                return model_create_key(m, op);
        case STORE_WRITE_KEY:
                return model_write_key(m, op);
        case STORE_DROP_KEY:
                return model_drop_key(m, op->guid.bytes[0]);
        case STORE_SET_VALUE:
                return model_value(m, op);
        case STORE_DELETE_VALUE:
                return model_delete(m, VALUE, op);
        case STORE_SET_BLANKET:
                return model_blanket(m, op);
        case STORE_SET_FILE:
        case STORE_FORGET_FILE:
                return model_file(m, op);
        case STORE_DELETE_LAYER:
                if (strcasecmp(op->layer, "base") == 0)
                        return -EINVAL;
                for (size_t i = 0; i < m->n; i++)
                        if (m->rows[i].kind != KEY && m->rows[i].kind != FILE_LAYER &&
                                strcasecmp(m->rows[i].layer, op->layer) == 0)
                                m->rows[i].kind = NONE;
                return 0;
        default:
                return -EINVAL;
        }
}

static const char *lower(char *s)
{
        for (char *c = s; *c; c++)
                if (*c >= 'A' && *c <= 'Z')
                        *c = (char)(*c + 0x20);
        return s;
}

static bool is_named(const struct model *m, unsigned guid)
{
        for (size_t i = 0; i < m->n; i++)
                if (names(&m->rows[i], guid))
                        return true;
        return false;
}

struct dump dump_model(const struct model *m)
{
        struct dump d = { 0 };

        for (size_t i = 0; i < m->n; i++) {
                struct row r = m->rows[i];
                if (r.kind == KEY)
                        dump_line(&d, "key %02x in %02x %s sd=%s%s%s time=%lu%s", r.guid, r.target, r.name,
                                r.data, r.is_volatile ? " volatile" : "", r.is_link ? " link" : "", r.time,
                                is_named(m, r.guid) ? " named" : "");
                else if (r.kind == PATH && r.hidden)
                        dump_line(&d, "path %02x %s %s seq=%lu hidden", r.guid, r.name, lower(r.layer),
                                r.sequence);
                else if (r.kind == PATH)
                        dump_line(&d, "path %02x %s %s seq=%lu -> %02x", r.guid, r.name, lower(r.layer),
                                r.sequence, r.target);
                else if (r.kind == VALUE)
                        dump_line(&d, "value %02x %s %s seq=%lu type=%u data=%s", r.guid, r.name,
                                lower(r.layer), r.sequence, r.type, r.data);
                else if (r.kind == BLANKET)
                        dump_line(&d, "blanket %02x %s seq=%lu", r.guid, lower(r.layer), r.sequence);
                else if (r.kind == FILE_LAYER)
                        dump_line(&d, "file %s %s precedence=%u%s seal=%lu%s", lower(r.layer), r.name,
                                r.type, r.hidden ? " disabled" : "", r.seal.serial, r.seal.signer);
        }
        dump_sort(&d);
        return d;
}

void model_pack(struct model *m)
{
        size_t n = 0;
        for (size_t i = 0; i < m->n; i++)
                if (m->rows[i].kind != NONE)
                        m->rows[n++] = m->rows[i];
        m->n = n;
}

struct store_op model_random_op(struct store *s)
{
        static const uint16_t codes[] = { STORE_CREATE_ENTRY, STORE_CREATE_ENTRY, STORE_CREATE_ENTRY,
                STORE_HIDE_ENTRY, STORE_DELETE_ENTRY, STORE_DELETE_ENTRY, STORE_CREATE_KEY, STORE_CREATE_KEY,
                STORE_CREATE_KEY, STORE_WRITE_KEY, STORE_DROP_KEY, STORE_DROP_KEY, STORE_SET_VALUE,
                STORE_SET_VALUE, STORE_SET_VALUE, STORE_SET_VALUE, STORE_SET_VALUE, STORE_DELETE_VALUE,
                STORE_SET_BLANKET, STORE_SET_BLANKET, STORE_SET_FILE, STORE_FORGET_FILE };
        static const char *const key_names[] = { "a", "A", "b", "B", "c", "" };
        static const char *const layers[] = { "base", "BASE", "x", "X", "y", "z" };
        static const char data[] = "abcdefg";
        static const char *const signers[] = { "187d88b7353d4092", "00000000000000ff" };

        struct store_op op = {
                .code = pick(60) == 0 ? STORE_DELETE_LAYER : codes[pick(ARRAY_SIZE(codes))],
                .is_volatile = pick(3) == 0,
                .is_link = pick(5) == 0,
                .set = pick(3) > 0,
                .mask = pick(30) == 0 ? 4 : pick(4),
                .type = pick(6) == 0 ? REG_TOMBSTONE : pick(13),
                .guid = guid_of(pick(9)),
                .target = guid_of(pick(9)),
                .name = key_names[pick(ARRAY_SIZE(key_names) - (pick(10) > 0))],
                .layer = layers[pick(ARRAY_SIZE(layers))],
                .data = data,
                .size = pick(10) == 0 ? 7 : pick(4),
                .sequence = pick(4) == 0 ? pick(40) : store_take_sequence(s),
                .expected = pick(5) == 0 ? pick(40) + 1 : 0,
                .time = pick(2) * store_last_sequence(s),
        };
        if (op.code == STORE_CREATE_KEY || op.code == STORE_WRITE_KEY || op.type == REG_TOMBSTONE)
                op.size = pick(4);
        if (op.sequence % 3 != 0)
                op.seal = seal_of(op.sequence % 3, signers[op.set]);
        return op;
}
