/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the gateway sent, as struct etcd_answer. Pure. */

#include "etcd.h"

struct etcd_parsed;

/* One JSON object: a whole answer, or a line of a stream. `http` is the status of HTTP. 0, or -ENOMEM. What
 * cannot be understood is an answer that says so. */
_must_check_ int etcd_parse(const char *text, size_t n, long http, struct etcd_parsed **ret);
struct etcd_parsed *etcd_parsed_free(struct etcd_parsed *p);
DEFINE_CLEANUP(struct etcd_parsed *, etcd_parsed_free, etcd_parsed_freep);

const struct etcd_answer *etcd_parsed_answer(const struct etcd_parsed *p);
/* The token of /v3/auth/authenticate, or NULL. */
const char *etcd_parsed_token(const struct etcd_parsed *p);
/* The token that the call had is none any more: etcd restarted, or its time is over. */
bool etcd_parsed_wants_login(const struct etcd_parsed *p);
