/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a change would come to, or came to. */

#include "session.h"

/* So many of the layer's entries are others, as Preview() and Transact() count them. */
struct preview_counts {
        uint32_t values_set, values_deleted, keys_created, keys_deleted, masks;
};

/* Reads "a{su}". 0 or negative errno. */
_must_check_ int preview_read_counts(sd_bus_message *m, struct preview_counts *ret);
uint64_t preview_sum(const struct preview_counts *c);
/* Members of the open object. */
void preview_counts_to_json(struct json *j, const struct preview_counts *c);

/* Shows the answer of Preview(). An enum exit_code. */
_must_check_ int preview_show(struct session *s, sd_bus_message *reply, struct preview_counts *ret);
