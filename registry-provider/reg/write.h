/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Single changes, as the session's options say, shown when they are made. Each returns an enum exit_code. */

#include "preview.h"
#include "session.h"

enum write_kind {
        WRITE_SET,
        WRITE_DELETE,
        WRITE_CREATE_KEY,
        WRITE_DELETE_KEY,
        WRITE_MASK,
        WRITE_UNMASK,
        WRITE_MASK_VALUES,
        WRITE_UNMASK_VALUES,
        WRITE_HIDE_KEY,
        WRITE_SHOW_KEY,
        WRITE_CREATE_LINK,
};

/* `word`: the data as the command line has them, or NULL where --from says where they are. */
_must_check_ int write_value(struct session *s, const char *key, const char *name, const char *word);
/* A value, or the key where `name` is NULL. */
_must_check_ int write_delete(struct session *s, const char *key, const char *name);
_must_check_ int write_key(struct session *s, const char *key);
/* Any other change than a WRITE_SET. `name`: of a value, where the kind has one. */
_must_check_ int write_change(struct session *s, enum write_kind kind, const char *key, const char *name);

/* Any number of changes, all or none; what the layer has already, or has not, is no error. A link is meant
 * itself. */
struct write_batch {
        struct session *s;
        const char *layer;        /* NULL: the options' */
        const char *what;         /* where they come from, for messages; may be NULL */
        struct expected registry; /* only if nothing was written since */
        bool is_preview;          /* as with --dry-run */
        bool recursive;           /* keys are deleted with all below */
        bool is_strict;           /* and what is there already is an error, too */
        sd_bus_message *m;        /* NULL: there is none yet */
        struct buf key;           /* the last one's, which need not be said again */
        size_t n, bytes;          /* of all, also of what is too much */
};

void write_batch_done(struct write_batch *b);
#define _cleanup_write_batch_ _cleanup_(write_batch_done)

/* `name` and `value` may be NULL. */
_must_check_ int write_batch_add(struct write_batch *b, enum write_kind kind, const char *key,
        const char *name, const struct value *value);
/* The answer of Transact(), or with --dry-run of Preview(). There is a change at least; more than one
 * transaction can have is EXIT_CODE_INVALID. */
_must_check_ int write_batch_call(struct write_batch *b, sd_bus_message **ret);
/* The same of any number. With --dry-run, shows what they would come to. */
_must_check_ int write_batch_send(struct write_batch *b, struct preview_counts *ret);
