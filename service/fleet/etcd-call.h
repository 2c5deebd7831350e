/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One call to the gateway: a transfer of libcurl's, from its options to what became of it. */

#include <curl/curl.h>

#include "../../schema/base/buf.h"
#include "etcd-answer.h"

/* How all of them are made. */
struct etcd_transport {
        char **endpoints; /* without a slash at the end */
        size_t n_endpoints, at;
        char *ca_file, *cert_file, *key_file; /* NULL: none */
        uint64_t timeout_usec;
};

struct etcd_call {
        struct etcd *e;
        struct etcd_call *next;
        CURLM *multi; /* where it is under way */
        CURL *easy;   /* NULL: it waits for the login */
        struct curl_slist *headers;
        const char *path; /* a literal */
        struct buf body, answer;
        bool is_watch, is_tls, too_long, logged_in_again;
        bool keeps; /* the connection, for another call */
        bool is_done;
        bool is_busy;            /* in its `fn` */
        enum etcd_status failed; /* when it is done, and why */
        char error[CURL_ERROR_SIZE];
        etcd_fn fn; /* NULL: canceled, or it had its last answer */
        void *userdata;
};

struct etcd_call *etcd_call_free(struct etcd_call *c);
/* To the endpoint whose turn it is; `token` may be NULL. 0, -ENOMEM, or -EINVAL: an option is no good. */
_must_check_ int etcd_call_start(
        struct etcd_call *c, CURLM *multi, const struct etcd_transport *transport, const char *token);
/* Ends the transfer, so that it can be started anew. */
void etcd_call_stop(struct etcd_call *c);
void etcd_call_fail(struct etcd_call *c, enum etcd_status status, const char *text);
/* The transfer is over. */
void etcd_call_note(struct etcd_call *c, CURLcode result);
/* `n` bytes of its answer. 0 or -ENOMEM. */
_must_check_ int etcd_call_parse(
        const struct etcd_call *c, const char *text, size_t n, struct etcd_parsed **ret);
