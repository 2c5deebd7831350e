/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where every record of a daemon goes: a number of its own (with the boot one that no other record has), the
 * journal at once, the kernel by the sending thread. Lost records are counted, and reported in a record as
 * soon as one goes through again. */

#include <systemd/sd-event.h>

#include "../bus/refusals.h"
#include "record.h"
#include "sender.h"

struct auditlog;

/* Several programs send records: behind these the provider's and the fleet's numbers begin, so that a number
 * stands for one record of a boot, whoever sent it. */
#define AUDITLOG_PROVIDER_NUMBERS UINT64_C(1000000000000000)
#define AUDITLOG_FLEET_NUMBERS UINT64_C(2000000000000000)

struct auditlog_config {
        sd_event *event;
        const struct sender_backend *backend;
        /* Where the last number, and the records that are not sent yet, are kept over a restart (below
         * /run); NULL for nowhere. What an earlier run left there is sent before anything else. */
        const char *run_dir;
        uint64_t numbers; /* they begin behind this */
        /* May be NULL. A counter or the problem changed. */
        void (*changed)(void *userdata);
        void *userdata;
};

/* 0 or negative errno. */
_must_check_ int auditlog_new(const struct auditlog_config *config, struct auditlog **ret);
struct auditlog *auditlog_free(struct auditlog *log);

typedef void (*auditlog_done_t)(void *userdata);

/* Never fails: what cannot be formatted or queued is counted as lost and logged. `r->seqno` and `r->boot`
 * are given here, and so is `r->when` where it is 0; the number is returned. */
uint64_t auditlog_emit(struct auditlog *log, const struct record *r);
/* The same of a refused call: a refusals_emit_t, whose userdata is the auditlog. */
void auditlog_emit_refusal(const struct refusals_record *refused, void *userdata);
/* The same, and `done` is called once it was handed over, kept or lost: later from the event loop, or at
 * once where it could not even be queued. */
uint64_t auditlog_emit_then(
        struct auditlog *log, const struct record *r, auditlog_done_t done, void *userdata);

/* The two halves of auditlog_emit(), for a caller who sees to it that a kill between them is followed by the
 * second at the next start: first the record for the kernel, which the journal's entry so does not hold up.
 * Then the entry of the record that got this number; both need `r->when`. */
uint64_t auditlog_send(struct auditlog *log, const struct record *r);
void auditlog_enter(const struct auditlog *log, const struct record *r, uint64_t seqno);

/* The number of the last record, of an earlier run too; 0 before the first. */
uint64_t auditlog_last_seqno(const struct auditlog *log);

struct sender_status auditlog_status(struct auditlog *log);
