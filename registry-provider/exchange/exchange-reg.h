/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A .reg text that is read. What is forgiven and what is refused is what peios-reg-files(5) says. */

#include "exchange-build.h"
#include "exchange-text.h"
#include "exchange.h"

struct exchange_reg_place {
        size_t at, start; /* of the byte, and of its line */
        uint32_t line;
};

struct exchange_reg {
        const char *name;
        const struct exchange_reading *how;
        struct exchange_text text;
        const char *s; /* its bytes */
        size_t size;
        struct exchange_reg_place here;

        bool is_v4;
        struct exchange_codec codec; /* from the texts that are written as hex */
        enum {
                EXCHANGE_REG_NO_KEY,
                EXCHANGE_REG_KEY,
                EXCHANGE_REG_DELETED,
                EXCHANGE_REG_BAD_KEY,
        } state;
        bool ran_away; /* the value that is bad may have swallowed lines: go on behind its first one */
        struct buf word, value_name, bytes, data;
        struct exchange_build build;
        struct diag diag;
        struct diags *problems;
};

_must_check_ int exchange_reg_read(const char *name, const void *data, size_t size,
        const struct exchange_reading *how, struct hive_file **ret, struct diags *problems);

/* ---- The text, byte by byte ---- */

static inline bool exchange_reg_at_end(const struct exchange_reg *r)
{
        return r->here.at >= r->size;
}

/* The byte, NUL at the end of the line or of the text. A NUL of the text is none of those that are looked
 * for. */
char exchange_reg_peek(const struct exchange_reg *r);
/* Whether the line ends here. */
bool exchange_reg_at_line_end(const struct exchange_reg *r);
void exchange_reg_skip_blanks(struct exchange_reg *r);
void exchange_reg_skip_to_line_end(struct exchange_reg *r);
/* Over the end of the line: LF, CR, CR LF or CR CR LF. */
void exchange_reg_next_line(struct exchange_reg *r);
/* Sets the diag with the place; -EINVAL. */
_printf_(3, 4) int exchange_reg_bad(
        struct exchange_reg *r, const struct exchange_reg_place *at, const char *format, ...);
/* A text in quotes, whose first is here, into r->word. 0, -ENOMEM, or -EINVAL: then, too, what was read went
 * to its last quotation mark, unless it ran away. */
_must_check_ int exchange_reg_quoted(struct exchange_reg *r);

/* What stands behind `=`, into r->data, with the type. */
_must_check_ int exchange_reg_data(struct exchange_reg *r, uint32_t *ret_type, bool *ret_deleted);
