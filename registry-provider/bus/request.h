/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A writing call: read from its message once, then authorized, applied, made durable, answered. */

#include "../../schema/base/buf.h"
#include "../../schema/bus/wire.h"
#include "../registry/restoration.h"
#include "writer.h"

struct change {
        enum registry_action action;
        struct path path;
        bool shares_path; /* it is the one's of the change before */
        const char *name; /* in the message, or in the request's texts */
        uint32_t type;
        size_t at, size; /* the bytes, in the request's buffer */
};

/* What Undo() is to take back: a change, or all since a moment. */
struct request_undo {
        uint64_t sequence, since, since_time, until; /* UINT64_MAX: not given */
        int force;
};

struct request {
        struct writer *writer;
        struct request *next;
        sd_bus_message *m;
        struct change *list;
        size_t n;
        const char *key; /* the last one's, in the message, while that is read */
        bool is_undo;
        struct restoration *copy; /* of a restore, until it is applied */
        bool is_restore;
        struct request_undo undo;
        uint32_t left_out; /* of both; see struct registry_undone */
        bool of_value;     /* Set or Delete: the answer says whose entry counts now */
        struct registry_verdict verdict;
        struct buf bytes;
        char *texts; /* when the message is gone */
        struct wire_options options;
        struct store_author author; /* whose call it is, or on whose behalf */
        bool is_member;             /* of the administrators' group */
        sd_bus_slot *polkit;
        size_t held; /* request_size(), while it waits for polkit */
        uint64_t sequence;
        struct registry_events events;
};

/* Reads the call's arguments, whichever of the writing methods it is. 1; 0: the call waits until it is known
 * whom it is made for, and comes again; or negative with `error` set. */
_must_check_ int request_new(struct writer *w, sd_bus_message *m, struct request **ret, sd_bus_error *error);
/* The same of a restore. */
_must_check_ int request_new_restore(struct writer *w, sd_bus_message *m, struct restoration *copy,
        struct request **ret, sd_bus_error *error);
struct request *request_free(struct request *q);
DEFINE_CLEANUP(struct request *, request_free, request_freep);

/* What the schema says, for who asked with the option `check`. 0 or a registry's error. */
_must_check_ int request_judge(struct request *q, struct diag *d);

/* One transaction with all changes; nothing changed on error, which is a registry's. */
_must_check_ int request_apply(struct request *q, struct diag *d);

/* The same, undone again: `events` says what would have changed. Nothing may be waiting for a sync. `room`
 * as of registry_begin_preview(); unless it is SIZE_MAX, few rows of the history are taken back. */
_must_check_ int request_preview(struct request *q, size_t room, struct diag *d);

/* The polkit action that the changes need. */
const char *request_action(const struct request *q);
/* "\System\Audit\Modules\TaintEvents" of the first change, for the record. */
void request_describe(const struct request *q, struct buf *out);
/* The bytes that it holds, the message left out. */
size_t request_size(const struct request *q);
/* Lets go of the message: what is needed of it is copied. Once. 0 or negative errno. */
_must_check_ int request_detach(struct request *q);
/* Records that it was not done. */
void request_refused(const struct request *q, const char *why);
