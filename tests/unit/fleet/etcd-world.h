/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A real etcd on a loopback address of the process's own, a server that answers nonsense, and a client of
 * them in a loop. Every failure is a failed assertion. */

#include <sys/types.h>

#include "../../../service/fleet/etcd.h"
#include "../../../schema/base/buf.h"
#include "../lib/scratch.h"

struct etcd_world {
        struct scratch scratch; /* its data, certificates */
        pid_t server;           /* 0: none */
        char endpoint[64];
        const char *arguments; /* of the server, beside its addresses */
        bool is_tls;
        sd_event *event;
        struct etcd *client;
};

/* Whether etcd and etcdctl are there; where not, says so. */
bool etcd_world_can(void);
/* Starts an etcd and makes a client of it. `arguments`: words with blanks between them, or NULL. */
void etcd_world_new(struct etcd_world *w, const char *arguments);
/* TLS from certificates that are made here: ca.pem, client.pem and client.key in the scratch folder. Before
 * etcd_world_start(). */
void etcd_world_make_certificates(struct etcd_world *w);
void etcd_world_done(struct etcd_world *w);
#define _cleanup_world_ _cleanup_(etcd_world_done)

/* The parts of etcd_world_new(). */
void etcd_world_open(struct etcd_world *w);
void etcd_world_start(struct etcd_world *w);
void etcd_world_stop(struct etcd_world *w);
/* Another client instead; what it lacks is this world's. */
void etcd_world_client(struct etcd_world *w, struct etcd_config config);
/* etcdctl with these words. */
void etcd_world_ctl(const struct etcd_world *w, const char *words);

/* A server that gives each connection these bytes when a request has come, again and again if asked to, and
 * then closes, or says nothing. */
enum nonsense_end {
        NONSENSE_CLOSES,
        NONSENSE_IS_SILENT,
        NONSENSE_REPEATS,
        NONSENSE_ANSWERS_ONCE, /* only the first connection, and keeps it */
};
void etcd_world_nonsense(struct etcd_world *w, const char *bytes, enum nonsense_end end);

/* What came, copied. */
struct heard {
        unsigned n; /* answers */
        enum etcd_status status;
        uint64_t revision, lease, ttl;
        bool more, succeeded;
        struct buf text;  /* of the last */
        struct buf pairs; /* "key=value@revision" or "key-@revision", a line each, of all of them */
        size_t value_len; /* of the last pair */
};
void heard_done(struct heard *h);
#define _cleanup_heard_ _cleanup_(heard_done)
/* An etcd_fn. */
void heard_take(const struct etcd_answer *a, void *userdata);
/* Until there are so many answers. */
void etcd_world_wait(struct etcd_world *w, const struct heard *h, unsigned n);

/* Calls and their answer. */
struct heard etcd_world_get(struct etcd_world *w, const char *key);
struct heard etcd_world_put(struct etcd_world *w, const char *key, const char *value);
