/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between what is asked and how it is sent. */

#include "../../schema/base/buf.h"
#include "etcd.h"

/* Sends a body, which it takes (also where it fails), to a path of the gateway. */
struct etcd_question {
        const char *path; /* a literal */
        struct buf *body;
        bool is_watch;
        etcd_fn fn;
        void *userdata;
};

_must_check_ int etcd_ask(struct etcd *e, const struct etcd_question *question, struct etcd_call **ret);
