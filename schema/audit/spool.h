/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Records on their way to the kernel, in a file, so that the end of the process loses none: added before
 * they are queued, marked as soon as they were handed over. What a run leaves unmarked the next one sends,
 * under its old number. Lines: `+NUMBER RESULT SINCE TEXT` and `-NUMBER`; one that lacks its end is cut off.
 */

#include <stdint.h>

#include "../base/diag.h"
#include "sender.h"

/* So much, and most of it marked: the file is written anew. */
#define SPOOL_BYTES_MAX (1024u * 1024u)
/* So much, and all of it marked: the file is emptied. */
#define SPOOL_MARKED_MAX (64 * 1024)

struct spool;

/* `*ret_last`: the highest number that the file knows, marked or not; 0 for none. 0 or negative errno,
 * with d set where what stands there is no file for it. */
_must_check_ int spool_open(const char *file, uint64_t *ret_last, struct spool **ret, struct diag *d);
struct spool *spool_free(struct spool *s);

/* The first record behind number `after` that is not marked. 1, 0 where there is none, or -ENOMEM.
 * Its text is
 * `*ret_text`, malloc()ed; its cookie is the number. */
_must_check_ int spool_next(struct spool *s, uint64_t after, struct sender_record *ret, char **ret_text);

/* 0 or negative errno: then the record is as safe as the process. */
int spool_add(struct spool *s, const struct sender_record *r);
/* From any thread, as spool_add(): a record that was marked can be added again. */
void spool_mark(struct spool *s, uint64_t number);
