/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where every record of a daemon goes: a number of its own, the journal at once, the kernel by the sending
 * thread. Lost records are counted, and told of in a record as soon as one goes through again. */

#include <systemd/sd-event.h>

#include "record.h"
#include "sender.h"

struct auditlog;

/* `run_dir`: where the last number, and the records that are not sent yet, are kept over a restart (below
 * /run); NULL for nowhere. What an earlier run left there is sent. `changed` (may be NULL) is called when a
 * counter or the problem changed. 0 or negative errno. */
_must_check_ int auditlog_new(sd_event *event, const struct sender_backend *backend, const char *run_dir,
        void (*changed)(void *userdata), void *userdata, struct auditlog **ret);
struct auditlog *auditlog_free(struct auditlog *log);

typedef void (*auditlog_done_t)(void *userdata);

/* Never fails: what cannot be formatted or queued is counted as lost and logged. `r->seqno` is given here,
 * and returned. */
uint64_t auditlog_emit(struct auditlog *log, const struct record *r);
/* The same, and `done` is called once it was handed over, kept or lost: later from the event loop, or at
 * once where it could not even be queued. */
uint64_t auditlog_emit_then(
        struct auditlog *log, const struct record *r, auditlog_done_t done, void *userdata);

/* The number of the last record, of an earlier run too; 0 before the first. */
uint64_t auditlog_last_seqno(const struct auditlog *log);

struct sender_status auditlog_status(struct auditlog *log);
