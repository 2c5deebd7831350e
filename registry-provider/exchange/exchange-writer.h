/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A writer, and what each form does of it. The checks that all have in common were made. */

#include "exchange-text.h"
#include "exchange.h"

struct exchange_writer {
        struct exchange_writing how;
        struct buf *out;
        bool begun;     /* what stands before the first key is written */
        bool any;       /* key of the document */
        bool any_value; /* of the key */

        /* .reg */
        struct exchange_codec codec; /* from UTF-8 to UTF-16, or to the code page */
        struct buf line;             /* of the text, before it is converted */
        struct buf data;             /* of a value, before it is written as hex */
        struct buf comment;          /* the last one's line as it goes out, */
        struct buf comment_text;     /* and what it says: many values come from one layer */
        struct path last;            /* the key that was written last, borrowed from `last_text` */
        struct buf last_text;
};

void exchange_yaml_begin(struct exchange_writer *w);
void exchange_yaml_comment(struct exchange_writer *w, const char *text);
void exchange_yaml_key(struct exchange_writer *w, const struct hive_key *key);
void exchange_yaml_value(struct exchange_writer *w, const struct hive_value *value, const char *from);
void exchange_yaml_end(struct exchange_writer *w);

void exchange_json_begin(struct exchange_writer *w);
void exchange_json_key(struct exchange_writer *w, const struct hive_key *key);
void exchange_json_value(struct exchange_writer *w, const struct hive_value *value, const char *from);
void exchange_json_end(struct exchange_writer *w);

_must_check_ int exchange_reg_open(struct exchange_writer *w, struct diag *d);
void exchange_reg_close(struct exchange_writer *w);
void exchange_reg_begin(struct exchange_writer *w);
void exchange_reg_comment(struct exchange_writer *w, const char *text);
_must_check_ int exchange_reg_key(struct exchange_writer *w, const struct hive_key *key, struct diag *d);
_must_check_ int exchange_reg_value(
        struct exchange_writer *w, const struct hive_value *value, const char *from, struct diag *d);
void exchange_reg_end(struct exchange_writer *w);
