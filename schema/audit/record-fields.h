/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The tables behind record.h, for the three ways a record is shown: audit text, sentence, journal entry. */

#include "record.h"

enum record_field {
#define RECORD_FIELD(symbol, name, encoding, max, journal) FIELD_##symbol,
#include "record-fields.def"
#undef RECORD_FIELD
        RECORD_FIELDS_N,
};

enum field_encoding {
        ENCODE_TEXT,
        ENCODE_WORD,
        ENCODE_STACK,
        ENCODE_NUMBER,
        ENCODE_TIME,
        ENCODE_ORDINAL,
        ENCODE_ID,
};

struct field_info {
        const char *name;
        const char *journal;
        enum field_encoding encoding;
        size_t max;
};

struct kind_info {
        const char *op;
        const char *message_id;
        int priority;
        uint32_t fields, optional; /* bits 1 << enum record_field */
        const char *sentence;
        const char *sentence_failed; /* NULL: the same */
};

extern const struct field_info record_fields[RECORD_FIELDS_N];
extern const struct kind_info record_kinds[RECORD_KINDS_N];

struct field_value {
        const char *text; /* TEXT, WORD and STACK; NULL: unknown */
        uint64_t number;  /* the others */
        bool known;
};

struct field_value record_field(const struct record *r, enum record_field f);
/* Is the field in this record? */
bool record_carries(const struct record *r, enum record_field f);

/* In decimal; of a TIME, which is in µs, the seconds with six places. */
void record_add_number(struct buf *out, enum field_encoding encoding, uint64_t number);

/* Bytes of `text` that are kept of at most `max`, cut where a UTF-8 sequence begins. */
size_t record_cut(const char *text, size_t max);
/* As record_add_text(), for a name that no tool decodes: bare, or `hex:` and upper-case hex where a byte is
 * outside the safe set, where the tools would strip the last byte, or where the text itself begins with
 * `hex:`. */
void record_add_word(struct buf *out, const char *name, const char *text, size_t max);
/* As record_add_text(), for a kernel stack, one frame a line, `symbol+0x12/0x20 [module]`: the frames with
 * commas between, a module's as `module:symbol+0x12/0x20`, all bare; a byte outside the safe set becomes
 * `_`. As many whole frames as `max` bytes hold, and `...` as the last one where some are left out. */
void record_add_stack(struct buf *out, const char *name, const char *text, size_t max);
