/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of etcd, as the bodies that its gateway takes: keys and values in base64, numbers of 64 bits
 * as text. */
#include <errno.h>
#include <inttypes.h>
#include <nettle/base64.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/json.h"
#include "etcd-internal.h"

static void add_bytes(struct json *j, const char *name, const void *bytes, size_t n)
{
        size_t len = BASE64_ENCODE_RAW_LENGTH(n);
        _cleanup_free_ char *text = malloc(len + 1);

        if (!text) {
                j->out->error = -ENOMEM;
                return;
        }
        base64_encode_raw(text, n, bytes);
        json_key(j, name);
        json_string_n(j, text, len);
}

static void add_key(struct json *j, const char *name, const char *key)
{
        if (key)
                add_bytes(j, name, key, strlen(key));
}

static void add_number(struct json *j, const char *name, uint64_t v)
{
        char text[24];

        (void)snprintf(text, sizeof(text), "%" PRIu64, v);
        json_add_string(j, name, text);
}

static void add_put(struct json *j, const char *key, const void *value, size_t n, uint64_t lease)
{
        json_begin_object(j);
        add_key(j, "key", key);
        add_bytes(j, "value", value, n);
        add_number(j, "lease", lease);
        json_end_object(j);
}

static int ask(struct etcd *e, const char *path, struct buf *body, etcd_fn fn, void *userdata,
        struct etcd_call **ret)
{
        const struct etcd_question question = { .path = path, .body = body, .fn = fn, .userdata = userdata };

        return etcd_ask(e, &question, ret);
}

int etcd_range(struct etcd *e, const char *key, const char *end, unsigned limit, etcd_fn fn, void *userdata,
        struct etcd_call **ret)
{
        _cleanup_buf_ struct buf body = BUF_INIT;
        struct json j = json_on(&body);

        json_begin_object(&j);
        add_key(&j, "key", key);
        add_key(&j, "range_end", end);
        add_number(&j, "limit", limit);
        json_end_object(&j);
        return ask(e, "/v3/kv/range", &body, fn, userdata, ret);
}

int etcd_put(struct etcd *e, const char *key, const void *value, size_t n, uint64_t lease, etcd_fn fn,
        void *userdata, struct etcd_call **ret)
{
        _cleanup_buf_ struct buf body = BUF_INIT;
        struct json j = json_on(&body);

        add_put(&j, key, value, n, lease);
        return ask(e, "/v3/kv/put", &body, fn, userdata, ret);
}

int etcd_put_if(struct etcd *e, const char *key, uint64_t mod_revision, const void *value, size_t n,
        etcd_fn fn, void *userdata, struct etcd_call **ret)
{
        _cleanup_buf_ struct buf body = BUF_INIT;
        struct json j = json_on(&body);

        json_begin_object(&j);
        json_key(&j, "compare");
        json_begin_array(&j);
        json_begin_object(&j);
        add_key(&j, "key", key);
        json_add_string(&j, "target", "MOD");
        json_add_string(&j, "result", "EQUAL");
        add_number(&j, "mod_revision", mod_revision);
        json_end_object(&j);
        json_end_array(&j);
        json_key(&j, "success");
        json_begin_array(&j);
        json_begin_object(&j);
        json_key(&j, "request_put");
        add_put(&j, key, value, n, 0);
        json_end_object(&j);
        json_end_array(&j);
        json_end_object(&j);
        return ask(e, "/v3/kv/txn", &body, fn, userdata, ret);
}

int etcd_delete(
        struct etcd *e, const char *key, const char *end, etcd_fn fn, void *userdata, struct etcd_call **ret)
{
        _cleanup_buf_ struct buf body = BUF_INIT;
        struct json j = json_on(&body);

        json_begin_object(&j);
        add_key(&j, "key", key);
        add_key(&j, "range_end", end);
        json_end_object(&j);
        return ask(e, "/v3/kv/deleterange", &body, fn, userdata, ret);
}

static int ask_number(struct etcd *e, const char *path, const char *name, uint64_t v, etcd_fn fn,
        void *userdata, struct etcd_call **ret)
{
        _cleanup_buf_ struct buf body = BUF_INIT;
        struct json j = json_on(&body);

        json_begin_object(&j);
        add_number(&j, name, v);
        json_end_object(&j);
        return ask(e, path, &body, fn, userdata, ret);
}

int etcd_lease_grant(
        struct etcd *e, uint64_t ttl_seconds, etcd_fn fn, void *userdata, struct etcd_call **ret)
{
        return ask_number(e, "/v3/lease/grant", "TTL", ttl_seconds, fn, userdata, ret);
}

int etcd_lease_keepalive(struct etcd *e, uint64_t lease, etcd_fn fn, void *userdata, struct etcd_call **ret)
{
        return ask_number(e, "/v3/lease/keepalive", "ID", lease, fn, userdata, ret);
}

/* All of them on one stream, which costs etcd as much as one of them. */
int etcd_watch(struct etcd *e, const char *const *keys, size_t n, uint64_t revision, etcd_fn fn,
        void *userdata, struct etcd_call **ret)
{
        _cleanup_buf_ struct buf body = BUF_INIT;
        const struct etcd_question question = {
                .path = "/v3/watch", .body = &body, .is_watch = true, .fn = fn, .userdata = userdata
        };

        if (n == 0 || n > ETCD_WATCH_KEYS_MAX)
                return -EINVAL;
        for (size_t i = 0; i < n; i++) {
                struct json j = json_on(&body);
                json_begin_object(&j);
                json_key(&j, "create_request");
                json_begin_object(&j);
                add_key(&j, "key", keys[i]);
                add_number(&j, "start_revision", revision);
                json_add_bool(&j, "progress_notify", true);
                json_end_object(&j);
                json_end_object(&j);
                buf_putc(&body, '\n');
        }
        return etcd_ask(e, &question, ret);
}
