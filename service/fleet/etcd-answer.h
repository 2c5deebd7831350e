/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the gateway sent, as struct etcd_answer. Pure. */

#include "etcd.h"

struct json_object;

struct etcd_parsed {
        struct etcd_answer answer;
        const char *token; /* of /v3/auth/authenticate, or NULL */
        bool wants_login;  /* the token that the call had is none any more: etcd restarted, or its time is
                              over */
        /* What all that is in. */
        struct json_object *root;
        struct etcd_pair *pairs;
        char **texts; /* two a pair, decoded */
        char text[512];
};

/* One JSON object: a whole answer, or a line of a stream. `http` is the status of HTTP. 0, or -ENOMEM. What
 * cannot be understood is an answer that says so. */
_must_check_ int etcd_parse(const char *text, size_t n, long http, struct etcd_parsed **ret);
struct etcd_parsed *etcd_parsed_free(struct etcd_parsed *p);
DEFINE_CLEANUP(struct etcd_parsed *, etcd_parsed_free, etcd_parsed_freep);
