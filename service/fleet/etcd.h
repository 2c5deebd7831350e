/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A client of etcd's JSON gateway (etcd 3.4: /v3/kv/…, /v3/watch, /v3/lease/…), in an event loop. The owner
 * of libcurl. What answers is not trusted: an answer has a limit and a time, and one that is no sense is
 * told from one that does not come. It tries nothing twice, but for a token that ran out; each failed call
 * has the next one go to the next endpoint. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "../../schema/base/macro.h"

/* A value of 1 MiB, in base64, and what is around it. */
#define ETCD_ANSWER_MAX (UINT64_C(4) << 20)
#define ETCD_TIMEOUT_USEC UINT64_C(10000000)
#define ETCD_WATCH_KEYS_MAX 64u
#define ETCD_PASSWORD_MAX 1024u /* of a file that has one */

struct etcd;
struct etcd_call;

enum etcd_status {
        ETCD_OK,
        ETCD_DOWN,      /* nobody answers, the connection broke off, or the cluster has no leader */
        ETCD_SLOW,      /* no whole answer in time */
        ETCD_TLS,       /* the server's certificate, or ours, is refused or cannot be read */
        ETCD_DENIED,    /* a wrong user or password, or no right to it */
        ETCD_FULL,      /* its database has reached its quota (NOSPACE) */
        ETCD_COMPACTED, /* the revision that a watch begins at is gone */
        ETCD_NONSENSE,  /* no answer of etcd's, or one without an end */
        ETCD_REFUSED,   /* any other error of etcd's own, in its words */
};

/* "down", "slow", …: one word. */
const char *etcd_status_name(enum etcd_status status);

struct etcd_config {
        sd_event *event;
        const char *const *endpoints; /* "https://host:2379"; copied, like all that follows */
        size_t n_endpoints;           /* 1 or more */
        const char *ca_file;          /* NULL: the system's */
        const char *cert_file, *key_file;
        const char *user, *password; /* NULL: without */
        uint64_t timeout_usec;       /* of each call; 0: ETCD_TIMEOUT_USEC */
};

/* 0, or negative errno. Nothing is sent yet. */
_must_check_ int etcd_new(const struct etcd_config *config, struct etcd **ret);
/* Calls that were not answered are forgotten. Not from an etcd_fn. */
struct etcd *etcd_free(struct etcd *e);
DEFINE_CLEANUP(struct etcd *, etcd_free, etcd_freep);

/* Whether another call comes at once behind the next ones: it has their connection then. One that is idle is
 * not kept, as it costs etcd some 50 kB beside that of a watch. */
void etcd_keep(struct etcd *e, bool keeps);

struct etcd_pair {
        const char *key; /* one that holds a NUL byte is left out */
        const char *value;
        size_t value_len;      /* a NUL follows, which is not counted */
        uint64_t mod_revision; /* of the change, also where it is deleted */
        bool deleted;          /* of a watch alone */
};

struct etcd_answer {
        enum etcd_status status;
        const char *text;  /* where it is not ETCD_OK: what happened, for people */
        uint64_t revision; /* the store's, at the answer */
        const struct etcd_pair *pairs;
        size_t n_pairs;
        bool more;      /* of a range that has a limit: there are others behind it */
        bool succeeded; /* of etcd_put_if() and etcd_delete() */
        uint64_t lease;
        uint64_t ttl; /* seconds; 0: there is no such lease any more */
};

/* Once a call; of a watch for each message (one without pairs says that it lives), until one that is not
 * ETCD_OK, which is the last. The answer is borrowed until it returns. It may begin calls and cancel them.
 */
typedef void (*etcd_fn)(const struct etcd_answer *a, void *userdata);

/* All return 0 or negative errno, and call `fn` later, from the loop, for whatever happens. `ret` may be
 * NULL; it is valid until the last `fn` begins, or etcd_cancel(). */

/* Keys from `key` up to, not including, `end`; NULL for `key` alone. In the order of the keys, `limit` at
 * most; 0 for all. */
_must_check_ int etcd_range(struct etcd *e, const char *key, const char *end, unsigned limit, etcd_fn fn,
        void *userdata, struct etcd_call **ret);
/* `lease` may be 0. */
_must_check_ int etcd_put(struct etcd *e, const char *key, const void *value, size_t n, uint64_t lease,
        etcd_fn fn, void *userdata, struct etcd_call **ret);
/* Where the key's last change is still the one of this revision; 0: where there is no such key. */
_must_check_ int etcd_put_if(struct etcd *e, const char *key, uint64_t mod_revision, const void *value,
        size_t n, etcd_fn fn, void *userdata, struct etcd_call **ret);
/* As etcd_range(). Succeeded: something was deleted. */
_must_check_ int etcd_delete(struct etcd *e, const char *key, const char *end, etcd_fn fn, void *userdata,
        struct etcd_call **ret);
_must_check_ int etcd_lease_grant(
        struct etcd *e, uint64_t ttl_seconds, etcd_fn fn, void *userdata, struct etcd_call **ret);
/* A single call: the gateway's stream of them buffers (etcd#8237). */
_must_check_ int etcd_lease_keepalive(
        struct etcd *e, uint64_t lease, etcd_fn fn, void *userdata, struct etcd_call **ret);
/* Of `n` keys, ETCD_WATCH_KEYS_MAX at most, each change from the revision on; with a message every ten
 * minutes and some. It has no time limit: a stream may be dead without an end (etcd#18231), and the caller
 * keeps the time. */
_must_check_ int etcd_watch(struct etcd *e, const char *const *keys, size_t n, uint64_t revision, etcd_fn fn,
        void *userdata, struct etcd_call **ret);

/* `fn` is not called any more. NULL is nothing. Returns NULL. */
struct etcd_call *etcd_cancel(struct etcd_call *call);
