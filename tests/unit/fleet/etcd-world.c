/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "etcd-world.h"

#include <arpa/inet.h>
#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../../../schema/events/loop.h"

#define PORT 12379
#define PEER_PORT 12380

bool etcd_world_can(void)
{
        bool can = system("command -v etcd etcdctl openssl >/dev/null") == 0;

        if (!can)
                (void)fprintf(stderr, "etcd, etcdctl or openssl is missing\n");
        return can;
}

static struct in_addr own_address(void)
{
        return (struct in_addr){ .s_addr = htonl(0x7f000000u | ((uint32_t)getpid() & 0xffffffu)) };
}

static void note_endpoint(struct etcd_world *w)
{
        (void)snprintf(w->endpoint, sizeof(w->endpoint), "http%s://%s:%d", w->is_tls ? "s" : "",
                inet_ntoa(own_address()), PORT);
}

void etcd_world_open(struct etcd_world *w)
{
        scratch_new(&w->scratch);
        ck_assert_int_eq(loop_new(&w->event), 0);
        note_endpoint(w);
}

static void command(const char *words)
{
        int r = system(words);
        ck_assert_msg(r == 0, "%s: %d", words, r);
}

void etcd_world_make_certificates(struct etcd_world *w)
{
        char words[2048];

        w->is_tls = true;
        note_endpoint(w);
        (void)snprintf(words, sizeof(words),
                "cd %s && exec 2>openssl.log &&"
                " openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca"
                " -keyout ca.key -out ca.pem &&"
                " for who in server client; do"
                " openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$who"
                " -keyout $who.key -out $who.csr &&"
                " printf 'subjectAltName=IP:%s' >names &&"
                " openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
                " -extfile names -out $who.pem || exit 1; done",
                w->scratch.root, inet_ntoa(own_address()));
        command(words);
}

static bool is_up(void)
{
        const struct sockaddr_in address = {
                .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = own_address()
        };
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

/* It listens when it has elected itself. */
void etcd_world_start(struct etcd_world *w)
{
        char words[2048];
        const char *own = inet_ntoa(own_address()), *root = w->scratch.root;

        (void)snprintf(words, sizeof(words),
                "exec etcd --data-dir %s/data --listen-client-urls %s --advertise-client-urls %s"
                " --listen-peer-urls http://%s:%d --unsafe-no-fsync --log-level error %s%s%s%s%s %s"
                " >%s/etcd.log 2>&1",
                root, w->endpoint, w->endpoint, own, PEER_PORT, w->is_tls ? "--cert-file " : "",
                w->is_tls ? root : "", w->is_tls ? "/server.pem --key-file " : "", w->is_tls ? root : "",
                w->is_tls ? "/server.key" : "", w->arguments ? w->arguments : "", root);
        w->server = fork();
        ck_assert_int_ge(w->server, 0);
        if (w->server == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)execl("/bin/sh", "sh", "-c", words, (char *)NULL);
                _exit(127);
        }
        while (!is_up()) {
                ck_assert_int_eq(waitpid(w->server, NULL, WNOHANG), 0);
                (void)usleep(10000);
        }
}

void etcd_world_stop(struct etcd_world *w)
{
        if (w->server > 0) {
                (void)kill(w->server, SIGKILL);
                (void)waitpid(w->server, NULL, 0);
        }
        w->server = 0;
}

void etcd_world_client(struct etcd_world *w, struct etcd_config config)
{
        const char *own[] = { w->endpoint };

        if (!config.endpoints) {
                config.endpoints = own;
                config.n_endpoints = 1;
        }
        config.event = w->event;
        w->client = etcd_free(w->client);
        ck_assert_int_eq(etcd_new(&config, &w->client), 0);
}

void etcd_world_new(struct etcd_world *w, const char *arguments)
{
        *w = (struct etcd_world){ .arguments = arguments };
        etcd_world_open(w);
        etcd_world_start(w);
        etcd_world_client(w, (struct etcd_config){ 0 });
}

void etcd_world_done(struct etcd_world *w)
{
        etcd_world_stop(w);
        w->client = etcd_free(w->client);
        w->event = sd_event_unref(w->event);
        scratch_done(&w->scratch);
}

/* Its own limits, two and five seconds, are too short where many come back to a server. */
void etcd_world_ctl(const struct etcd_world *w, const char *words)
{
        char all[1024];

        (void)snprintf(all, sizeof(all),
                "ETCDCTL_API=3 etcdctl --dial-timeout 60s --command-timeout 60s --endpoints %s %s >/dev/null",
                w->endpoint, words);
        command(all);
}

/* ---- nonsense ---- */

static void answer(int fd, const char *bytes, enum nonsense_end end)
{
        char request[65536];

        (void)recv(fd, request, sizeof(request), 0);
        while (send(fd, bytes, strlen(bytes), MSG_NOSIGNAL) >= 0 && end == NONSENSE_REPEATS)
                ;
        if (end == NONSENSE_CLOSES)
                (void)shutdown(fd, SHUT_WR);
        /* What is not read when the connection is closed takes the answer with it. */
        while (recv(fd, request, sizeof(request), 0) > 0)
                ;
}

static void serve(int listener, const char *bytes, enum nonsense_end end)
{
        int fd;

        while ((fd = accept(listener, NULL, NULL)) >= 0) {
                if (fork() == 0) {
                        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                        (void)close(listener);
                        answer(fd, bytes, end);
                        _exit(0);
                }
                (void)close(fd);
                if (end == NONSENSE_ANSWERS_ONCE)
                        bytes = "";
        }
        _exit(1);
}

void etcd_world_nonsense(struct etcd_world *w, const char *bytes, enum nonsense_end end)
{
        const struct sockaddr_in address = {
                .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = own_address()
        };
        int yes = 1;
        _cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        etcd_world_stop(w);
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
        ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(fd, 16), 0);
        w->server = fork();
        if (w->server == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)signal(SIGCHLD, SIG_IGN);
                serve(fd, bytes, end);
        }
}

/* ---- what is heard ---- */

void heard_done(struct heard *h)
{
        buf_done(&h->text);
        buf_done(&h->pairs);
}

static void take_pair(struct heard *h, const struct etcd_pair *p)
{
        if (p->deleted)
                buf_printf(&h->pairs, "%s-@%" PRIu64 "\n", p->key, p->mod_revision);
        else
                buf_printf(&h->pairs, "%s=%s@%" PRIu64 "\n", p->key, p->value, p->mod_revision);
        h->value_len = p->value_len;
}

void heard_take(const struct etcd_answer *a, void *userdata)
{
        struct heard *h = userdata;

        h->n++;
        h->status = a->status;
        h->revision = a->revision;
        h->lease = a->lease;
        h->ttl = a->ttl;
        h->more = a->more;
        h->succeeded = a->succeeded;
        buf_clear(&h->text);
        buf_puts(&h->text, a->text ? a->text : "");
        for (size_t i = 0; i < a->n_pairs; i++)
                take_pair(h, &a->pairs[i]);
}

void etcd_world_wait(struct etcd_world *w, const struct heard *h, unsigned n)
{
        while (h->n < n)
                ck_assert_int_ge(sd_event_run(w->event, UINT64_MAX), 0);
}

struct heard etcd_world_get(struct etcd_world *w, const char *key)
{
        struct heard h = { 0 };

        ck_assert_int_eq(etcd_range(w->client, key, NULL, 0, heard_take, &h, NULL), 0);
        etcd_world_wait(w, &h, 1);
        return h;
}

struct heard etcd_world_put(struct etcd_world *w, const char *key, const char *value)
{
        struct heard h = { 0 };

        ck_assert_int_eq(etcd_put(w->client, key, value, strlen(value), 0, heard_take, &h, NULL), 0);
        etcd_world_wait(w, &h, 1);
        return h;
}
