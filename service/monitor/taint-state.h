/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What was reported in this boot, and where it is kept until the reboot:
 * run/peios-audit-policyd/taint-state. It is appended to, and now and then replaced as a whole, so a reader
 * finds all that was written before; what a kill cut short it leaves out. Nothing is synced: what a power
 * cut takes is of a boot that has ended.
 *
 * No transition is reported twice in a boot, and none is lost, whenever the service is killed. The order is
 *   1. append the event as `reporting`, with the number N of the last record that was given out;
 *   2. report it: the record gets number N + 1;
 *   3. append that it is reported, and its number. Nothing waits for this.
 * Killed before 1, or within: the bit is not among those reported, and is reported at the next start as
 * present-at-start. Killed between 1 and 3, or within 3: at the next start the last number given out says
 * which it was. Still N: no record was made, so it is reported now, with the cause and the actor that were
 * found then. More than N: it has its record, in the kernel or among those that the next start sends
 * (schema/audit/spool.h), and gets its journal entry, which comes last in 2. Left are two moments: killed
 * between that entry and the end of 3, the journal has two of one number; killed between the kernel's yes
 * and the spool's mark, the kernel has two records of one number. */

#include <sys/types.h>

#include "../../schema/base/buf.h"
#include "../../schema/base/clock.h"
#include "../../schema/base/diag.h"
#include "taint-event.h"

#define TAINT_STATE_EVENTS_MAX 256u
/* Beyond this a stack or the properties of an event are cut (at a line) before they are kept. */
#define TAINT_STATE_STACK_MAX 4096u
#define TAINT_STATE_PROPERTIES_MAX 8192u

/* What the state must know of an event besides the event. */
struct taint_state_mark {
        bool reporting;  /* begun to report, and not known to be done */
        uint64_t before; /* then the number of the last record that was given out when it began */
};

struct taint_state {
        char boot_id[BOOT_ID_MAX]; /* "" where the kernel does not say it */
        uint64_t reported;         /* bits */
        bool blind; /* that the mask cannot be read was reported, and it could not be read since */
        struct taint_event *events; /* of this boot, oldest first; of too many the oldest go */
        struct taint_state_mark *marks;
        size_t n;
};

void taint_state_done(struct taint_state *s);

/* Takes a copy. *ret is its index, which holds until the next one is added. 0 or -ENOMEM, and then nothing
 * changed. */
_must_check_ int taint_state_add(
        struct taint_state *s, const struct taint_event *e, struct taint_state_mark mark, size_t *ret);

/* The file's text is YAML, which grows: file_sum_end() ends each piece that was written at once. First
 * all of the state. An error sticks in `out`. */
void taint_state_format(const struct taint_state *s, struct buf *out);
/* What follows: the newest event, as it is; and what is reported by now, the newest event among it, with its
 * number. */
void taint_state_format_event(const struct taint_state *s, struct buf *out);
void taint_state_format_reported(const struct taint_state *s, struct buf *out);

/* Strict: exactly these fields, each once. A last piece that is cut short counts as not written; else what
 * has no sum that fits is refused. `name` is only for messages. On an error nothing is written. -ENOMEM, or
 * -EINVAL with d set. */
_must_check_ int taint_state_parse(
        const char *name, const char *text, size_t n, struct taint_state *ret, struct diag *d);

/* Does not exist, or is of another boot: an empty state for `boot_id`, and 0. -EINVAL: cannot be understood
 * and was set aside, with what was wrong in d; *ret is the empty state then too. Other errors: -ENOMEM, or
 * what reading gave, with *ret untouched. */
_must_check_ int taint_state_load(
        const char *root, const char *boot_id, struct taint_state *ret, struct diag *d);

/* So much is appended before the file is written anew. */
#define TAINT_STATE_APPENDED_MAX (1024 * 1024)

struct taint_state_file {
        int fd; /* -1: what comes next writes the whole state */
        off_t size, rewrite_at;
        uint32_t sum; /* of what is there */
};

#define TAINT_STATE_FILE_INIT                                                                               \
        {                                                                                                   \
                .fd = -1                                                                                    \
        }

/* Keep the newest event of s; and what is reported, the newest event among it. 0 or negative errno, with d
 * set or -ENOMEM: then the next call keeps what this one did not. */
_must_check_ int taint_state_keep_event(
        struct taint_state_file *f, const char *root, const struct taint_state *s, struct diag *d);
_must_check_ int taint_state_keep_reported(
        struct taint_state_file *f, const char *root, const struct taint_state *s, struct diag *d);
void taint_state_file_done(struct taint_state_file *f);
