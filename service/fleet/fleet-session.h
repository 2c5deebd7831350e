/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The operator's conversation with etcd: one call after the other, each to its end. */

#include "../../schema/bus/wire.h"
#include "etcd.h"
#include "fleet-options.h"

struct fleet_session {
        const struct fleet_options *options;
        sd_event *event;
        struct etcd *etcd;
        /* Of the call under way. */
        etcd_fn take;
        void *userdata;
        bool is_done, succeeded, more;
        bool may_be_long; /* a smaller piece is asked for where the answer has no end */
        enum etcd_status status;
        enum exit_code code;
};

/* What is wrong is logged, here and below. */
enum exit_code fleet_session_open(struct fleet_session *s, const struct fleet_options *o);
void fleet_session_close(struct fleet_session *s);
#define _cleanup_session_ _cleanup_(fleet_session_close)

/* PREFIX/PART and the name, malloc()ed; NULL on ENOMEM. */
char *fleet_session_key(const struct fleet_session *s, const char *part, const char *name);
/* The name in such a key, which who answers can have made up: NULL where it is none. Borrowed of it. */
const char *fleet_session_name(const struct fleet_session *s, const char *part, const char *key);

/* The answer is given to `take`. */
enum exit_code fleet_session_get(struct fleet_session *s, const char *key, etcd_fn take, void *userdata);
/* All keys of PREFIX/PART that begin with the name, in pieces of some. */
enum exit_code fleet_session_get_all(
        struct fleet_session *s, const char *part, const char *name, etcd_fn take, void *userdata);
/* EXIT_CODE_CONFLICT: somebody else has changed it. */
enum exit_code fleet_session_put(
        struct fleet_session *s, const char *key, uint64_t mod_revision, const void *value, size_t n);
/* EXIT_CODE_NOT_FOUND: nothing of it is there. */
enum exit_code fleet_session_delete_all(struct fleet_session *s, const char *part, const char *name);
