/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real etcd: what is kept, watched and leased there, and who may. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../schema/base/macro.h"
#include "../lib/suite.h"
#include "etcd-world.h"

/* They take the answer. */
static void says(struct heard h, const char *pairs)
{
        ck_assert_msg(h.status == ETCD_OK, "%s: %s", etcd_status_name(h.status), buf_str(&h.text));
        ck_assert_str_eq(buf_str(&h.pairs), pairs);
        heard_done(&h);
}

static void fails(struct heard h, enum etcd_status status)
{
        ck_assert_msg(h.status == status, "%s: %s", etcd_status_name(h.status), buf_str(&h.text));
        ck_assert_uint_gt(h.text.len, 0);
        ck_assert_uint_eq(h.pairs.len, 0);
        heard_done(&h);
}

TEST(what_is_put_is_there_and_what_is_deleted_is_gone)
{
        _cleanup_world_ struct etcd_world w;
        _cleanup_heard_ struct heard h = { 0 };

        etcd_world_new(&w, NULL);
        says(etcd_world_get(&w, "a"), "");
        says(etcd_world_put(&w, "a", "one"), "");
        says(etcd_world_put(&w, "b", ""), "");
        says(etcd_world_put(&w, "c", "\xc3\xa4\n\"\x01"), "");
        says(etcd_world_get(&w, "a"), "a=one@2\n");
        ck_assert_int_eq(etcd_range(w.client, "a", "c", 0, heard_take, &h, NULL), 0);
        etcd_world_wait(&w, &h, 1);
        ck_assert_str_eq(buf_str(&h.pairs), "a=one@2\nb=@3\n");
        ck_assert_uint_eq(h.revision, 4);
        ck_assert(!h.more);
        says(etcd_world_get(&w, "c"), "c=\xc3\xa4\n\"\x01@4\n");

        ck_assert_int_eq(etcd_delete(w.client, "a", "c", heard_take, &h, NULL), 0);
        etcd_world_wait(&w, &h, 2);
        ck_assert(h.succeeded);
        says(etcd_world_get(&w, "a"), "");
        ck_assert_int_eq(etcd_delete(w.client, "a", NULL, heard_take, &h, NULL), 0);
        etcd_world_wait(&w, &h, 3);
        ck_assert(!h.succeeded && h.status == ETCD_OK);
}

TEST(a_value_may_have_a_mebibyte_and_a_nul)
{
        _cleanup_world_ struct etcd_world w;
        _cleanup_heard_ struct heard h = { 0 };
        size_t n = 1u << 20;
        _cleanup_free_ char *big = calloc(1, n);

        etcd_world_new(&w, NULL);
        memset(big, 'x', n / 2);
        ck_assert_int_eq(etcd_put(w.client, "big", big, n, 0, heard_take, &h, NULL), 0);
        etcd_world_wait(&w, &h, 1);
        ck_assert_int_eq(h.status, ETCD_OK);
        ck_assert_int_eq(etcd_range(w.client, "big", NULL, 0, heard_take, &h, NULL), 0);
        etcd_world_wait(&w, &h, 2);
        ck_assert_uint_eq(h.value_len, n);
}

TEST(a_range_with_a_limit_says_that_there_is_more)
{
        _cleanup_world_ struct etcd_world w;
        _cleanup_heard_ struct heard h = { 0 };

        etcd_world_new(&w, NULL);
        says(etcd_world_put(&w, "m1", "x"), "");
        says(etcd_world_put(&w, "m2", "x"), "");
        ck_assert_int_eq(etcd_range(w.client, "m", "n", 1, heard_take, &h, NULL), 0);
        etcd_world_wait(&w, &h, 1);
        ck_assert(h.more);
        ck_assert_str_eq(buf_str(&h.pairs), "m1=x@2\n");
}

static bool put_if(struct etcd_world *w, uint64_t revision, const char *value)
{
        _cleanup_heard_ struct heard h = { 0 };

        ck_assert_int_eq(
                etcd_put_if(w->client, "p", revision, value, strlen(value), heard_take, &h, NULL), 0);
        etcd_world_wait(w, &h, 1);
        ck_assert_int_eq(h.status, ETCD_OK);
        return h.succeeded;
}

TEST(of_two_that_publish_one_succeeds)
{
        _cleanup_world_ struct etcd_world w;

        etcd_world_new(&w, NULL);
        ck_assert(!put_if(&w, 1, "too late"));
        ck_assert(put_if(&w, 0, "first"));
        ck_assert(!put_if(&w, 0, "also first"));
        ck_assert(put_if(&w, 2, "second"));
        says(etcd_world_get(&w, "p"), "p=second@3\n");
}

static void keep_alive(struct etcd_world *w, struct heard *h, uint64_t lease)
{
        ck_assert_int_eq(etcd_lease_keepalive(w->client, lease, heard_take, h, NULL), 0);
        etcd_world_wait(w, h, h->n + 1);
        ck_assert_int_eq(h->status, ETCD_OK);
}

TEST(a_lease_lives_until_it_is_gone)
{
        _cleanup_world_ struct etcd_world w;
        _cleanup_heard_ struct heard h = { 0 };
        char words[64];

        etcd_world_new(&w, NULL);
        ck_assert_int_eq(etcd_lease_grant(w.client, 1800, heard_take, &h, NULL), 0);
        etcd_world_wait(&w, &h, 1);
        ck_assert_uint_eq(h.ttl, 1800);
        uint64_t lease = h.lease;
        ck_assert_uint_gt(lease, 0);
        ck_assert_int_eq(etcd_put(w.client, "alive", "", 0, lease, heard_take, &h, NULL), 0);
        etcd_world_wait(&w, &h, 2);
        keep_alive(&w, &h, lease);
        ck_assert_uint_eq(h.ttl, 1800);

        (void)snprintf(words, sizeof(words), "lease revoke %lx", (unsigned long)lease);
        etcd_world_ctl(&w, words);
        keep_alive(&w, &h, lease);
        ck_assert_uint_eq(h.ttl, 0);
        says(etcd_world_get(&w, "alive"), "");
}

static const char *const watched[] = { "g/a", "g/b" };

TEST(a_watch_of_two_keys_hears_of_each_change)
{
        _cleanup_world_ struct etcd_world w;
        _cleanup_heard_ struct heard h = { 0 };
        struct etcd_call *watch;

        etcd_world_new(&w, NULL);
        says(etcd_world_put(&w, "g/a", "before"), "");
        says(etcd_world_put(&w, "g/a", "at"), "");
        ck_assert_int_eq(etcd_watch(w.client, watched, 2, 3, heard_take, &h, &watch), 0);
        /* Both are made, and the change that was there. */
        etcd_world_wait(&w, &h, 3);
        says(etcd_world_put(&w, "g/c", "nobody's"), "");
        says(etcd_world_put(&w, "g/b", "other"), "");
        while (!strstr(buf_str(&h.pairs), "g/b"))
                etcd_world_wait(&w, &h, h.n + 1);
        etcd_world_ctl(&w, "del g/a");
        while (!strstr(buf_str(&h.pairs), "g/a-"))
                etcd_world_wait(&w, &h, h.n + 1);
        ck_assert_str_eq(buf_str(&h.pairs), "g/a=at@3\ng/b=other@5\ng/a-@6\n");
        ck_assert_int_eq(h.status, ETCD_OK);
        ck_assert_uint_eq(h.revision, 6);
        watch = etcd_cancel(watch);
        unsigned n = h.n;
        says(etcd_world_put(&w, "g/a", "unheard"), "");
        ck_assert_uint_eq(h.n, n);
}

TEST(a_watch_lives_while_nothing_happens)
{
        _cleanup_world_ struct etcd_world w;
        _cleanup_heard_ struct heard h = { 0 };

        etcd_world_new(&w, "--experimental-watch-progress-notify-interval 100ms");
        ck_assert_int_eq(etcd_watch(w.client, watched, 1, 1, heard_take, &h, NULL), 0);
        etcd_world_wait(&w, &h, 4);
        ck_assert_int_eq(h.status, ETCD_OK);
        ck_assert_uint_eq(h.pairs.len, 0);
}

static unsigned count_connections(void)
{
        struct sockaddr_in peer;
        unsigned n = 0;

        for (int fd = 0; fd < 1024; fd++) {
                socklen_t size = sizeof(peer);
                n += getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && peer.sin_family == AF_INET;
        }
        return n;
}

static unsigned n_connects;

/* The dynamic linker has libcurl call this one. */
__attribute__((visibility("default"))) int connect(int fd, const struct sockaddr *address, socklen_t size)
{
        n_connects++;
        return (int)syscall(SYS_connect, fd, address, size);
}

/* Each costs etcd memory for as long as it is there, and more while it begins. */
TEST(who_waits_has_one_connection)
{
        _cleanup_world_ struct etcd_world w;
        _cleanup_heard_ struct heard h = { 0 };

        etcd_world_new(&w, NULL);
        says(etcd_world_get(&w, "a"), "");
        ck_assert_int_eq(etcd_watch(w.client, watched, 1, 0, heard_take, &h, NULL), 0);
        etcd_world_wait(&w, &h, 1);
        ck_assert_uint_eq(count_connections(), 1);
        n_connects = 0;
        for (unsigned i = 0; i < 3; i++) {
                etcd_keep(w.client, i < 2);
                says(etcd_world_put(&w, "a", "x"), "");
                ck_assert_uint_eq(count_connections(), i < 2 ? 2 : 1);
        }
        ck_assert_uint_eq(n_connects, 1);
        says(etcd_world_put(&w, watched[0], "x"), "");
        etcd_world_wait(&w, &h, 2);
}

TEST(a_watch_from_before_a_compaction_says_so)
{
        _cleanup_world_ struct etcd_world w;
        _cleanup_heard_ struct heard h = { 0 };

        etcd_world_new(&w, NULL);
        for (int i = 0; i < 4; i++)
                says(etcd_world_put(&w, "g/a", "x"), "");
        etcd_world_ctl(&w, "compaction 4");
        ck_assert_int_eq(etcd_watch(w.client, watched, 1, 2, heard_take, &h, NULL), 0);
        while (h.status == ETCD_OK)
                etcd_world_wait(&w, &h, h.n + 1);
        ck_assert_int_eq(h.status, ETCD_COMPACTED);
        ck_assert_uint_eq(h.pairs.len, 0);
}

TEST(what_is_down_is_found_again)
{
        _cleanup_world_ struct etcd_world w;
        _cleanup_heard_ struct heard h = { 0 };

        etcd_world_new(&w, NULL);
        says(etcd_world_put(&w, "g/a", "x"), "");
        ck_assert_int_eq(etcd_watch(w.client, watched, 1, 0, heard_take, &h, NULL), 0);
        etcd_world_wait(&w, &h, 1);
        etcd_world_stop(&w);
        etcd_world_wait(&w, &h, 2);
        ck_assert_int_eq(h.status, ETCD_DOWN);
        fails(etcd_world_get(&w, "g/a"), ETCD_DOWN);
        etcd_world_start(&w);
        says(etcd_world_get(&w, "g/a"), "g/a=x@2\n");
}

TEST(after_a_failure_the_next_endpoint_is_asked)
{
        _cleanup_world_ struct etcd_world w;
        const char *endpoints[] = { "http://127.0.0.1:1/", NULL };

        etcd_world_new(&w, NULL);
        endpoints[1] = w.endpoint;
        etcd_world_client(&w, (struct etcd_config){ .endpoints = endpoints, .n_endpoints = 2 });
        fails(etcd_world_get(&w, "a"), ETCD_DOWN);
        says(etcd_world_get(&w, "a"), "");
        says(etcd_world_get(&w, "a"), "");
}

TEST(a_database_that_is_full_says_so)
{
        _cleanup_world_ struct etcd_world w;
        _cleanup_heard_ struct heard h = { 0 };
        size_t n = 1u << 20;
        _cleanup_free_ char *big = calloc(1, n);

        etcd_world_new(&w, "--quota-backend-bytes 3000000");
        for (int i = 0; i < 20 && h.status == ETCD_OK; i++) {
                ck_assert_int_eq(etcd_put(w.client, "big", big, n, 0, heard_take, &h, NULL), 0);
                etcd_world_wait(&w, &h, h.n + 1);
        }
        ck_assert_int_eq(h.status, ETCD_FULL);
        /* What is there can still be read. */
        ck_assert_int_eq(etcd_range(w.client, "big", NULL, 0, heard_take, &h, NULL), 0);
        etcd_world_wait(&w, &h, h.n + 1);
        ck_assert_int_eq(h.status, ETCD_OK);
}

static void add_users(struct etcd_world *w)
{
        etcd_world_ctl(w, "user add root:r");
        etcd_world_ctl(w, "role add root");
        etcd_world_ctl(w, "user grant-role root root");
        etcd_world_ctl(w, "user add m:secret");
        etcd_world_ctl(w, "role add m");
        etcd_world_ctl(w, "role grant-permission m readwrite own/ own0");
        etcd_world_ctl(w, "user grant-role m m");
        etcd_world_ctl(w, "auth enable");
}

TEST(a_user_may_what_it_may)
{
        _cleanup_world_ struct etcd_world w;
        _cleanup_heard_ struct heard h = { 0 };

        etcd_world_new(&w, "--bcrypt-cost 4");
        add_users(&w);
        fails(etcd_world_get(&w, "own/a"), ETCD_DENIED);
        etcd_world_client(&w, (struct etcd_config){ .user = "m", .password = "wrong" });
        fails(etcd_world_get(&w, "own/a"), ETCD_DENIED);
        fails(etcd_world_get(&w, "own/a"), ETCD_DENIED);
        etcd_world_client(&w, (struct etcd_config){ .user = "m", .password = "secret" });
        fails(etcd_world_get(&w, "other"), ETCD_DENIED);
        says(etcd_world_put(&w, "own/a", "x"), "");
        says(etcd_world_get(&w, "own/a"), "own/a=x@2\n");
        ck_assert_int_eq(etcd_watch(w.client, watched, 1, 0, heard_take, &h, NULL), 0);
        while (h.status == ETCD_OK)
                etcd_world_wait(&w, &h, h.n + 1);
        ck_assert_int_eq(h.status, ETCD_DENIED);
}

/* Simple tokens do not outlive the server. */
TEST(a_token_that_is_none_any_more_is_replaced)
{
        _cleanup_world_ struct etcd_world w;
        _cleanup_heard_ struct heard h = { 0 };
        const char *own = "own/a";

        etcd_world_new(&w, "--bcrypt-cost 4");
        add_users(&w);
        etcd_world_client(&w, (struct etcd_config){ .user = "m", .password = "secret" });
        says(etcd_world_put(&w, "own/a", "x"), "");
        etcd_world_stop(&w);
        etcd_world_start(&w);
        ck_assert_int_eq(etcd_watch(w.client, &own, 1, 1, heard_take, &h, NULL), 0);
        says(etcd_world_get(&w, "own/a"), "own/a=x@2\n");
        etcd_world_wait(&w, &h, 2);
        ck_assert_str_eq(buf_str(&h.pairs), "own/a=x@2\n");
}

TEST(certificates_are_looked_at)
{
        _cleanup_world_ struct etcd_world w = { 0 };
        char ca[128], cert[128], key[128], arguments[256];

        etcd_world_open(&w);
        etcd_world_make_certificates(&w);
        (void)snprintf(ca, sizeof(ca), "%s/ca.pem", w.scratch.root);
        (void)snprintf(cert, sizeof(cert), "%s/client.pem", w.scratch.root);
        (void)snprintf(key, sizeof(key), "%s/client.key", w.scratch.root);
        etcd_world_start(&w);
        etcd_world_client(&w, (struct etcd_config){ .ca_file = ca });
        says(etcd_world_put(&w, "a", "x"), "");
        etcd_world_client(&w, (struct etcd_config){ 0 });
        fails(etcd_world_get(&w, "a"), ETCD_TLS);
        etcd_world_client(&w, (struct etcd_config){ .ca_file = "/nowhere" });
        fails(etcd_world_get(&w, "a"), ETCD_TLS);

        etcd_world_stop(&w);
        (void)snprintf(arguments, sizeof(arguments), "--client-cert-auth --trusted-ca-file %s", ca);
        w.arguments = arguments;
        etcd_world_start(&w);
        etcd_world_client(&w, (struct etcd_config){ .ca_file = ca });
        fails(etcd_world_get(&w, "a"), ETCD_TLS);
        etcd_world_client(&w, (struct etcd_config){ .ca_file = ca, .cert_file = cert, .key_file = key });
        says(etcd_world_get(&w, "a"), "a=x@2\n");
}

Suite *test_suite(void)
{
        return etcd_world_can() ? suite_waiting("etcd", NULL, NULL) : NULL;
}
