/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is not etcd, or not well: each answer is one of the statuses, and none holds up or takes memory. */
#include <check.h>

#include "../../../schema/base/macro.h"
#include "../lib/suite.h"
#include "etcd-world.h"

#define HTTP(status, body) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body
#define OK(body) HTTP("200 OK", body)
#define HEADER "\"header\":{\"revision\":\"7\"}"

static void begin_within(struct etcd_world *w, const char *bytes, enum nonsense_end end, uint64_t usec)
{
        etcd_world_nonsense(w, bytes, end);
        etcd_world_client(w, (struct etcd_config){ .timeout_usec = usec });
}

static void begin(struct etcd_world *w, const char *bytes, enum nonsense_end end)
{
        begin_within(w, bytes, end, 0);
}

static const struct {
        const char *bytes;
        enum nonsense_end end;
        enum etcd_status status;
} answers[] = {
        { "", NONSENSE_CLOSES, ETCD_DOWN },
        { "", NONSENSE_IS_SILENT, ETCD_SLOW },
        { "HTTP/1.1 200 OK\r\n\r\n{", NONSENSE_IS_SILENT, ETCD_SLOW },
        { "hello\n", NONSENSE_CLOSES, ETCD_NONSENSE },
        { "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", NONSENSE_CLOSES, ETCD_DOWN },
        { "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nConnection: close\r\n\r\n",
                NONSENSE_CLOSES, ETCD_NONSENSE },
        { HTTP("503 Unavailable", "<html>"), NONSENSE_CLOSES, ETCD_DOWN },
        { HTTP("404 Not Found", "Not Found\n"), NONSENSE_CLOSES, ETCD_NONSENSE },
        { OK(""), NONSENSE_CLOSES, ETCD_NONSENSE },
        { OK("{}"), NONSENSE_CLOSES, ETCD_NONSENSE },
        { OK("[]"), NONSENSE_CLOSES, ETCD_NONSENSE },
        { OK("null"), NONSENSE_CLOSES, ETCD_NONSENSE },
        { OK("{\"header\":7}"), NONSENSE_CLOSES, ETCD_NONSENSE },
        { OK("{" HEADER), NONSENSE_CLOSES, ETCD_NONSENSE },
        { OK("{" HEADER ",\"kvs\":[7]}"), NONSENSE_CLOSES, ETCD_NONSENSE },
        { OK("{" HEADER ",\"kvs\":[{\"key\":\"\",\"value\":\"eA==\"}]}"), NONSENSE_CLOSES, ETCD_NONSENSE },
        { OK("{" HEADER ",\"kvs\":[{\"key\":\"eA==\",\"value\":\"!\"}]}"), NONSENSE_CLOSES, ETCD_NONSENSE },
        { OK("{" HEADER ",\"kvs\":[{\"key\":\"eA\"}]}"), NONSENSE_CLOSES, ETCD_NONSENSE },
        { OK("{" HEADER ",\"events\":[{\"type\":\"DELETE\"}]}"), NONSENSE_CLOSES, ETCD_NONSENSE },
        { OK("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["), NONSENSE_CLOSES, ETCD_NONSENSE },
        { HTTP("200 OK", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), NONSENSE_REPEATS,
                ETCD_NONSENSE },
        { "HTTP/1.1 200 OK\r\nX: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n", NONSENSE_REPEATS,
                ETCD_NONSENSE },
        { HTTP("400 Bad Request", "{\"error\":7}"), NONSENSE_CLOSES, ETCD_REFUSED },
        { HTTP("503 Unavailable", "{\"error\":\"etcdserver: no leader\",\"code\":14}"), NONSENSE_CLOSES,
                ETCD_DOWN },
        { HTTP("504 Timeout", "{\"error\":\"deadline\",\"code\":4}"), NONSENSE_CLOSES, ETCD_SLOW },
        { HTTP("401 Unauthorized", "{\"error\":\"invalid auth token\",\"code\":16}"), NONSENSE_CLOSES,
                ETCD_DENIED },
};

TEST(an_answer_has_its_status)
{
        _cleanup_world_ struct etcd_world w = { 0 };

        etcd_world_open(&w);
        for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
                begin_within(
                        &w, answers[i].bytes, answers[i].end, answers[i].status == ETCD_SLOW ? 200000 : 0);
                _cleanup_heard_ struct heard h = etcd_world_get(&w, "a");
                ck_assert_msg(h.status == answers[i].status, "%s: %s, %s", answers[i].bytes,
                        etcd_status_name(h.status), buf_str(&h.text));
                ck_assert_uint_gt(h.text.len, 0);
                ck_assert_uint_eq(h.n, 1);
        }
}

/* Or a line of its own would be an order to the service manager, or another record of the log. */
TEST(what_etcd_says_is_one_line)
{
        _cleanup_world_ struct etcd_world w = { 0 };
        _cleanup_heard_ struct heard h = { 0 };

        etcd_world_open(&w);
        begin(&w, HTTP("400 Bad Request", "{\"error\":\"a\\nSTOPPING=1\\u001b[2J\",\"code\":3}"),
                NONSENSE_CLOSES);
        h = etcd_world_get(&w, "a");
        ck_assert_int_eq(h.status, ETCD_REFUSED);
        ck_assert_str_eq(buf_str(&h.text), "a\\x0aSTOPPING=1\\x1b[2J");
}

/* In memory they are hundreds of times as large. */
TEST(an_answer_of_too_many_parts_is_not_read)
{
        static const char *const parts[] = { "[],", "{},", "1," };

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                _cleanup_world_ struct etcd_world w = { 0 };
                _cleanup_heard_ struct heard h = { 0 };
                _cleanup_buf_ struct buf answer = BUF_INIT;
                etcd_world_open(&w);
                buf_puts(&answer, OK("{" HEADER ",\"x\":["));
                while (answer.len < 1u << 20)
                        buf_puts(&answer, parts[i]);
                buf_puts(&answer, "0]}");
                begin(&w, buf_str(&answer), NONSENSE_CLOSES);
                h = etcd_world_get(&w, "a");
                ck_assert_int_eq(h.status, ETCD_NONSENSE);
        }
}

TEST(a_key_with_a_nul_is_left_out)
{
        _cleanup_world_ struct etcd_world w = { 0 };
        _cleanup_heard_ struct heard h = { 0 };

        etcd_world_open(&w);
        begin(&w,
                OK("{" HEADER ",\"kvs\":[{\"key\":\"YQ==\"},{\"key\":\"YQBi\",\"value\":\"eA==\"},"
                   "{\"key\":\"Yg==\",\"value\":\"eA==\",\"mod_revision\":\"3\"}]}"),
                NONSENSE_CLOSES);
        h = etcd_world_get(&w, "a");
        ck_assert_int_eq(h.status, ETCD_OK);
        ck_assert_uint_eq(h.revision, 7);
        ck_assert_str_eq(buf_str(&h.pairs), "a=@0\nb=x@3\n");
}

static const char *const watched = "a";

/* A watch to its end. */
static struct heard watch(struct etcd_world *w, const char *bytes, enum nonsense_end end)
{
        struct heard h = { 0 };

        begin(w, bytes, end);
        ck_assert_int_eq(etcd_watch(w->client, &watched, 1, 1, heard_take, &h, NULL), 0);
        while (h.n == 0 || h.status == ETCD_OK)
                etcd_world_wait(w, &h, h.n + 1);
        return h;
}

#define LINE(more) "{\"result\":{" HEADER more "}}\n"
#define CHANGE(key) LINE(",\"events\":[{\"kv\":{\"key\":\"" key "\",\"mod_revision\":\"7\"}}]")

static const struct {
        const char *bytes;
        unsigned n;
        enum etcd_status status;
        const char *pairs;
} streams[] = {
        { OK(""), 1, ETCD_DOWN, "" },
        { OK(LINE("") CHANGE("YQ==") CHANGE("Yg==")), 4, ETCD_DOWN, "a=@7\nb=@7\n" },
        { OK(CHANGE("YQ==") "{\"result"), 2, ETCD_NONSENSE, "a=@7\n" },
        { OK("nonsense\n" CHANGE("YQ==")), 1, ETCD_NONSENSE, "" },
        { OK("\n" CHANGE("YQ==")), 1, ETCD_NONSENSE, "" },
        { OK(LINE(",\"canceled\":true") CHANGE("YQ==")), 1, ETCD_REFUSED, "" },
        { OK(LINE(",\"canceled\":true,\"compact_revision\":\"9\"")), 1, ETCD_COMPACTED, "" },
        { OK(LINE(",\"canceled\":true,\"cancel_reason\":\"etcdserver: permission denied\"")), 1, ETCD_DENIED,
                "" },
        { OK(LINE("") "{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"restarting\"}}\n"), 2,
                ETCD_DOWN, "" },
        { HTTP("401 Unauthorized", "{\"error\":\"invalid auth token\",\"code\":16}\n"), 1, ETCD_DENIED, "" },
};

TEST(a_stream_ends_with_its_status)
{
        _cleanup_world_ struct etcd_world w = { 0 };

        etcd_world_open(&w);
        for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
                _cleanup_heard_ struct heard h = watch(&w, streams[i].bytes, NONSENSE_CLOSES);
                ck_assert_msg(h.status == streams[i].status && h.n == streams[i].n, "%s: %u, %s, %s",
                        streams[i].bytes, h.n, etcd_status_name(h.status), buf_str(&h.text));
                ck_assert_str_eq(buf_str(&h.pairs), streams[i].pairs);
                ck_assert_uint_gt(h.text.len, 0);
        }
}

/* As curl would, where a connection that it had already did not answer. */
TEST(a_watch_is_not_sent_again_unasked)
{
        _cleanup_world_ struct etcd_world w = { 0 };
        _cleanup_heard_ struct heard watching = { 0 };

        etcd_world_open(&w);
        begin(&w, "HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{" HEADER "}", NONSENSE_ANSWERS_ONCE);
        _cleanup_heard_ struct heard h = etcd_world_get(&w, "a");
        ck_assert_int_eq(h.status, ETCD_OK);
        ck_assert_int_eq(etcd_watch(w.client, &watched, 1, 8, heard_take, &watching, NULL), 0);
        for (int i = 0; i < 5; i++)
                ck_assert_int_ge(sd_event_run(w.event, 100000), 0);
        etcd_world_nonsense(&w, OK(LINE("")), NONSENSE_CLOSES);
        etcd_world_wait(&w, &watching, 1);
        ck_assert_int_eq(watching.status, ETCD_DOWN);
        ck_assert_uint_eq(watching.n, 1);
}

TEST(a_stream_without_an_end_of_line_is_cut)
{
        _cleanup_world_ struct etcd_world w = { 0 };

        etcd_world_open(&w);
        _cleanup_heard_ struct heard h =
                watch(&w, OK("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), NONSENSE_REPEATS);
        ck_assert_int_eq(h.status, ETCD_NONSENSE);
        ck_assert_uint_eq(h.n, 1);
}

TEST(a_login_without_a_token_is_nonsense)
{
        _cleanup_world_ struct etcd_world w = { 0 };
        _cleanup_heard_ struct heard h = { 0 };

        etcd_world_open(&w);
        etcd_world_nonsense(&w, OK("{" HEADER "}"), NONSENSE_CLOSES);
        etcd_world_client(&w, (struct etcd_config){ .user = "m", .password = "p" });
        ck_assert_int_eq(etcd_watch(w.client, &watched, 1, 1, heard_take, &h, NULL), 0);
        ck_assert_int_eq(etcd_range(w.client, "a", NULL, 0, heard_take, &h, NULL), 0);
        etcd_world_wait(&w, &h, 2);
        ck_assert_int_eq(h.status, ETCD_NONSENSE);
}

/* A token that is always refused is asked for once more, and not for ever. */
TEST(a_token_that_is_refused_again_is_an_error)
{
        _cleanup_world_ struct etcd_world w = { 0 };

        etcd_world_open(&w);
        etcd_world_nonsense(
                &w, OK("{" HEADER ",\"token\":\"t\",\"error\":\"no\",\"code\":16}"), NONSENSE_CLOSES);
        etcd_world_client(&w, (struct etcd_config){ .user = "m", .password = "p" });
        _cleanup_heard_ struct heard h = etcd_world_get(&w, "a");
        ck_assert_int_eq(h.status, ETCD_DENIED);
}

TEST(a_token_is_one_line)
{
        _cleanup_world_ struct etcd_world w = { 0 };

        etcd_world_open(&w);
        etcd_world_nonsense(&w, OK("{" HEADER ",\"token\":\"t\\r\\nHost: other\"}"), NONSENSE_CLOSES);
        etcd_world_client(&w, (struct etcd_config){ .user = "m", .password = "p" });
        _cleanup_heard_ struct heard h = etcd_world_get(&w, "a");
        ck_assert_int_eq(h.status, ETCD_NONSENSE);
}

/* Each connection has the login answered, and nothing behind it: a token that was kept would be sent first
 * in the next one, and had that for its answer. */
TEST(a_slow_answer_ends_the_token)
{
        _cleanup_world_ struct etcd_world w = { 0 };

        etcd_world_open(&w);
        etcd_world_nonsense(&w, "HTTP/1.1 200 OK\r\nContent-Length: 39\r\n\r\n{" HEADER ",\"token\":\"t\"}",
                NONSENSE_IS_SILENT);
        etcd_world_client(&w, (struct etcd_config){ .user = "m", .password = "p", .timeout_usec = 200000 });
        for (unsigned i = 0; i < 2; i++) {
                _cleanup_heard_ struct heard h = etcd_world_get(&w, "a");
                ck_assert_int_eq(h.status, ETCD_SLOW);
        }
}

struct canceling {
        struct etcd_call *other, *self;
        unsigned n;
};

static void cancel_both(_unused_ const struct etcd_answer *a, void *userdata)
{
        struct canceling *c = userdata;

        c->n++;
        c->other = etcd_cancel(c->other);
        c->self = etcd_cancel(c->self);
}

/* By another one's answer, in its own, before it was sent, and with all the others. */
TEST(what_is_canceled_is_not_heard_of)
{
        _cleanup_world_ struct etcd_world w = { 0 };
        _cleanup_heard_ struct heard h = { 0 };
        struct canceling c = { 0 };

        etcd_world_open(&w);
        begin(&w, OK(LINE("") LINE("")), NONSENSE_CLOSES);
        ck_assert_int_eq(etcd_watch(w.client, &watched, 1, 1, heard_take, &h, &c.other), 0);
        c.other = etcd_cancel(c.other);
        ck_assert_int_eq(etcd_watch(w.client, &watched, 1, 1, cancel_both, &c, &c.self), 0);
        while (c.self)
                ck_assert_int_ge(sd_event_run(w.event, UINT64_MAX), 0);
        ck_assert_uint_eq(c.n, 1);

        begin(&w, OK(LINE("")), NONSENSE_IS_SILENT);
        ck_assert_int_eq(etcd_range(w.client, "a", NULL, 0, heard_take, &h, &c.other), 0);
        ck_assert_int_eq(etcd_watch(w.client, &watched, 1, 1, cancel_both, &c, NULL), 0);
        while (c.other)
                ck_assert_int_ge(sd_event_run(w.event, UINT64_MAX), 0);
        ck_assert_int_eq(etcd_range(w.client, "a", NULL, 0, heard_take, &h, NULL), 0);
        w.client = etcd_free(w.client);
        ck_assert_uint_eq(h.n, 0);
}

Suite *test_suite(void)
{
        return suite_waiting("etcd-nonsense", NULL, NULL);
}
