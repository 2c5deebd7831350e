/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The only user of sd-journal: one structured entry a record (MESSAGE_ID a kind, PEIOS_* fields). Where no
 * journal listens the sentence goes to standard error. Never fails: what cannot be logged is printed. */

#include "record.h"

void journal_entry_send(const struct record *r, const char *record_text);
/* One sentence for people: the entry's MESSAGE. 0 or -ENOMEM. */
_must_check_ int journal_entry_message(const struct record *r, struct buf *out);
