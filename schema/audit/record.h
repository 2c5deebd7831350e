/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an audit record says, and its text for AUDIT_USYS_CONFIG: fixed fields in a fixed order, untrusted
 * text encoded so that neither ausearch nor a reader can be misled. Pure. libaudit appends exe=, hostname=,
 * addr=, terminal=, res=. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../base/buf.h"
#include "../process/process.h"

#define RECORD_TEXT_MAX 5120u /* with late= */
#define RECORD_BOOT_MAX 9u    /* with the NUL */

enum record_kind {
#define RECORD_KIND(symbol, ...) symbol,
#include "record-kinds.def"
#undef RECORD_KIND
        RECORD_KINDS_N,
};

/* Members that are NULL (or 0, for serial, count and since) are `?` where the kind always has the field, and
 * left out where it has it only at times or not at all (record-kinds.def). */
struct record {
        enum record_kind kind;
        const char *op;       /* NULL: the kind's own */
        const char *path;     /* registry path with value name, or file */
        const char *old_text; /* old= ; for a refusal: the value kept */
        const char *new_text; /* new= ; for a refusal: the value refused */
        const char *control;  /* sysctl name */
        const char *layer;
        uint64_t serial;    /* of a policy of the fleet */
        const char *signer; /* number of the key that it names, 16 hex digits */
        const char *taint;  /* symbol, "TAINT_OOT_MODULE"; "bit 40" for one without a name */
        unsigned bit;
        const char *tainted; /* the mask when a policy changes, "0x1000" */
        const char *module;
        const char *module_taints; /* its letters */
        const char *attribution;   /* "exact", "likely" or "unknown" */
        const char *context;       /* "task", "interrupt", … */
        const char *accepted;      /* "yes" where an operator says that the taint is no alarm, else "no" */
        const char *reason;        /* one word, [a-z-] */
        const char *stack;         /* one frame a line, innermost first; the journal has all of it */
        const char *properties;    /* `NAME=value` lines; journal only */
        const char *detail;        /* for people; journal only */
        uint64_t count;            /* RECORD_EVENTS_LOST: how many; else how often so far, 0 = not said */
        uint64_t since;            /* RECORD_EVENTS_LOST: when the first was lost, in seconds since 1970 */
        const char *users;         /* whose refused calls are counted together: `1000,100000-165535` */
        const struct actor *actor; /* NULL: the kind has no actor fields, or it is not known who it was */
        uint64_t when;             /* CLOCK_REALTIME, µs: of what happened, not of the record; 0: now */
        const char *boot;          /* the first eight digits of the boot's identity */
        uint64_t seqno;            /* given by the auditlog, as the boot is */
        bool success;
};

/* op=… in the order of audit-records: op, path, old, new, control, layer, reason, serial, signer, count,
 * since,
 * actor's fields, stack, when, boot, seqno (record-fields.def). Fields that do not belong to the kind are
 * not written. At most RECORD_TEXT_MAX bytes: long text is cut before encoding and marked with a trailing
 * `...`. path, ocomm and cmd, which ausearch decodes, are as record_add_text() writes them. No tool decodes
 * the other text fields: they stand bare, or, where a tool could be misled, as `hex:` and upper-case hex (a
 * text that begins with `hex:` itself is always encoded, so that the two cannot be mixed up); a stack always
 * stands bare. 0 or -ENOMEM; on error `out` is unchanged but for its error. */
_must_check_ int record_format(const struct record *r, struct buf *out);

/* Appends ` name=` and text, quoted, or in upper-case hex when any byte is outside [A-Za-z0-9_./:@%+,\-];
 * `?` for NULL or "". `max`: bytes of text that are kept. */
void record_add_text(struct buf *out, const char *name, const char *text, size_t max);

/* The text of a record that was kept, with ` late=SECONDS` in front of its seqno; one without a seqno stays
 * as it is. Errors stick in `out`. */
void record_add_late(struct buf *out, const char *text, uint64_t seconds);
/* when= and boot= of a record's text; false where it has none. */
bool record_read_time(const char *text, uint64_t *ret_usec, char ret_boot[static RECORD_BOOT_MAX]);

const char *record_op(const struct record *r);
const char *record_message_id(enum record_kind kind);
/* LOG_NOTICE for what was asked for, LOG_WARNING for what was not, LOG_ERR for losses; LOG_NOTICE for a
 * taint that is accepted. */
int record_priority(const struct record *r);

/* ---- Its entry in the journal (journal-entry.c, the only user of sd-journal): a structured one (MESSAGE_ID
 * a kind, PEIOS_* fields). Where no journal listens the sentence goes to standard error. ---- */

/* Never fails: what cannot be logged is printed. */
void journal_entry_send(const struct record *r, const char *record_text);
/* One sentence for people: the entry's MESSAGE. 0 or -ENOMEM. */
_must_check_ int journal_entry_message(const struct record *r, struct buf *out);
