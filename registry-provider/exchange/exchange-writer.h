/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A writer, and what each form does of it. The checks that all have in common were made. */

#include "exchange.h"

struct exchange_writer {
        struct exchange_writing how;
        struct buf *out;
        bool begun; /* what stands before the first key is written */
        bool any;   /* key of the document (JSON: value of the key) */
};

void exchange_yaml_begin(struct exchange_writer *w);
void exchange_yaml_comment(struct exchange_writer *w, const char *text);
_must_check_ int exchange_yaml_key(struct exchange_writer *w, const struct hive_key *key, struct diag *d);
void exchange_yaml_value(struct exchange_writer *w, const struct hive_value *value, const char *from);
void exchange_yaml_end(struct exchange_writer *w);
