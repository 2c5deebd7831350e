/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <time.h>

#include "item.h"

/* 0 or -ENOMEM; `text` may be NULL. */
_must_check_ int item_replace(char **at, const char *text);

/* What the control is to hold now; NULL: nothing. */
static inline const char *item_wanted(const struct item *item)
{
        return item->starting ? item->starting : item->accepted;
}

/* item.c: from here on the value is in force. 0 or -ENOMEM. */
_must_check_ int item_keep_accepted(struct item *item, const char *text);
void item_told(struct item *item, const char *old, const struct actor *actor);

/* item-record.c */
#define ITEM_MASK_MAX 20u
struct item_change_text {
        struct diag file;
        char tainted[ITEM_MASK_MAX];
};
/* `text` is what the record points to. */
struct record item_change_record(const struct item *item, const char *new_text,
        const struct item_input *input, struct item_change_text *text);
/* The kernel's taint mask, for the records of a value that turns auditing on and off; NULL where it does
 * not, or where the mask is not known. */
const char *item_tainted(const struct item *item, char text[static ITEM_MASK_MAX]);

/* item-off.c */
_must_check_ int item_turn_off(struct item *item, const char *text, const struct item_input *input);
/* Keeps a copy of an input that comes while auditing is about to go off; the newest counts. */
_must_check_ int item_queue(struct item *item, const struct item_input *input);
struct item_queued *item_queued_free(struct item_queued *q);

/* item-control.c */
void item_begin(struct item *item);
/* Nothing is in force any more: the control keeps what it holds, and is nobody's. */
void item_let_go(struct item *item);
/* Brings the control to the canonical text; live, last_error and the like follow. */
enum control_outcome item_write(struct item *item, const char *text);
uint64_t item_clock(clockid_t clock); /* µs */

/* item-drift.c: somebody else wrote to the control. */
void item_on_drift(struct item *item, const char *expected, const char *found);
struct item_untold *item_untold_free(struct item_untold *u);
