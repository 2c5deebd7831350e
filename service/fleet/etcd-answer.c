/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "etcd-answer.h"

#include <errno.h>
#include <nettle/base64.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/buf.h"
#include "../../schema/names/fold.h"
#include "json-read.h"

/* Of gRPC. */
enum {
        CODE_CANCELED = 1,
        CODE_INVALID = 3,
        CODE_DEADLINE = 4,
        CODE_DENIED = 7,
        CODE_EXHAUSTED = 8,
        CODE_OUT_OF_RANGE = 11,
        CODE_UNAVAILABLE = 14,
        CODE_UNAUTHENTICATED = 16,
};

const char *etcd_status_name(enum etcd_status status)
{
        static const char *const names[] = { "ok", "down", "slow", "tls", "denied", "full", "compacted",
                "nonsense", "refused" };

        return names[status];
}

struct etcd_parsed *etcd_parsed_free(struct etcd_parsed *p)
{
        if (!p)
                return NULL;
        for (size_t i = 0; p->texts && p->texts[i]; i++)
                free(p->texts[i]);
        free(p->texts);
        free(p->pairs);
        if (p->root)
                (void)json_object_put(p->root);
        free(p);
        return NULL;
}

/* Numbers of 64 bits come as text; 0, which is left out, is 0. */
static uint64_t number_of(struct json_object *o, const char *name)
{
        const char *text = json_read_text(o, name);
        char *end = NULL;

        if (!text || text[0] < '0' || text[0] > '9')
                return 0;
        errno = 0;
        uint64_t v = strtoull(text, &end, 10);
        return errno == 0 && *end == '\0' ? v : 0;
}

/* What etcd says comes into a log, onto terminals, and to the service manager, line by line: it is one. */
static void say(struct etcd_parsed *p, enum etcd_status status, const char *text)
{
        _cleanup_buf_ struct buf safe = BUF_INIT;

        utf8_put_safe(&safe, text, strlen(text));
        p->answer.status = status;
        (void)snprintf(p->text, sizeof(p->text), "%s", buf_str(&safe));
        p->answer.text = p->text;
}

static void say_nonsense(struct etcd_parsed *p, const char *why)
{
        char text[128];

        (void)snprintf(text, sizeof(text), "this is no answer of etcd: %s", why);
        say(p, ETCD_NONSENSE, text);
}

/* ---- errors ---- */

static enum etcd_status status_of_code(uint64_t code, const char *message)
{
        bool is_login = strstr(message, "authentication failed") || strstr(message, "user name is empty");

        switch (code) {
        case CODE_INVALID:
                return is_login ? ETCD_DENIED : ETCD_REFUSED;
        case CODE_DENIED:
        case CODE_UNAUTHENTICATED:
                return ETCD_DENIED;
        case CODE_EXHAUSTED:
                return strstr(message, "space exceeded") ? ETCD_FULL : ETCD_DOWN;
        case CODE_OUT_OF_RANGE:
                return strstr(message, "compacted") ? ETCD_COMPACTED : ETCD_REFUSED;
        case CODE_DEADLINE:
                return ETCD_SLOW;
        case CODE_CANCELED:
        case CODE_UNAVAILABLE:
                return ETCD_DOWN;
        default:
                return ETCD_REFUSED;
        }
}

/* A single answer has `error`, `message` and `code`; a stream `error` with an object. */
static void take_error(struct etcd_parsed *p, struct json_object *object)
{
        bool is_stream = object != NULL;
        struct json_object *error = is_stream ? object : p->root;
        uint64_t code = json_read_number(error, is_stream ? "grpc_code" : "code");
        const char *message = json_read_text(error, "message");

        if (!message)
                message = json_read_text(error, "error");
        p->wants_login = code == CODE_UNAUTHENTICATED;
        say(p, status_of_code(code, message ? message : ""), message ? message : "an error without words");
}

/* ---- pairs ---- */

/* Malloc()ed, with a NUL behind it. -EBADMSG: no base64. */
static int decode(const char *text, char **ret, size_t *ret_len)
{
        struct base64_decode_ctx context;
        size_t n = strlen(text), len = BASE64_DECODE_LENGTH(n);
        _cleanup_free_ char *bytes = malloc(len + 1);

        if (!bytes)
                return -ENOMEM;
        base64_decode_init(&context);
        if (!base64_decode_update(&context, &len, (uint8_t *)bytes, n, text) ||
                !base64_decode_final(&context))
                return -EBADMSG;
        bytes[len] = '\0';
        *ret = STEAL_PTR(bytes);
        *ret_len = len;
        return 0;
}

/* What is left out is empty. */
static int take_text(struct etcd_parsed *p, size_t at, struct json_object *kv, const char *name, size_t *ret)
{
        const char *text = json_read_text(kv, name);

        return decode(text ? text : "", &p->texts[at], ret);
}

static int add_pair(struct etcd_parsed *p, struct json_object *kv, bool deleted)
{
        struct etcd_pair *pair = &p->pairs[p->answer.n_pairs];
        size_t at = 2 * p->answer.n_pairs, key_len, value_len;

        int r = take_text(p, at, kv, "key", &key_len);
        if (r < 0)
                return r;
        r = take_text(p, at + 1, kv, "value", &value_len);
        if (r < 0)
                return r;
        if (key_len == 0)
                return -EBADMSG;
        if (strlen(p->texts[at]) != key_len) {
                free(STEAL_PTR(p->texts[at]));
                free(STEAL_PTR(p->texts[at + 1]));
                return 0;
        }
        *pair = (struct etcd_pair){
                .key = p->texts[at],
                .value = p->texts[at + 1],
                .value_len = value_len,
                .mod_revision = number_of(kv, "mod_revision"),
                .deleted = deleted,
        };
        p->answer.n_pairs++;
        return 0;
}

static int take_pairs(struct etcd_parsed *p, struct json_object *list, bool are_events)
{
        size_t n = json_object_array_length(list);

        p->pairs = calloc(n + 1, sizeof(*p->pairs));
        p->texts = calloc(2 * n + 1, sizeof(*p->texts));
        if (!p->pairs || !p->texts)
                return -ENOMEM;
        p->answer.pairs = p->pairs;
        for (size_t i = 0; i < n; i++) {
                struct json_object *o = json_object_array_get_idx(list, i);
                const char *type = are_events ? json_read_text(o, "type") : NULL;
                struct json_object *kv = are_events ? json_read_member(o, "kv", json_type_object) : o;
                int r = kv ? add_pair(p, kv, type && strcmp(type, "DELETE") == 0) : -EBADMSG;
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- answers ---- */

static void take_cancel(struct etcd_parsed *p, struct json_object *o)
{
        const char *reason = json_read_text(o, "cancel_reason");

        if (number_of(o, "compact_revision") > 0)
                say(p, ETCD_COMPACTED, "the revision to watch from is gone: the store was compacted");
        else if (reason && strstr(reason, "permission denied"))
                say(p, ETCD_DENIED, reason);
        else
                say(p, ETCD_REFUSED, reason ? reason : "etcd ended the watch, and does not say why");
}

static int take_result(struct etcd_parsed *p, struct json_object *o)
{
        struct json_object *header = json_read_member(o, "header", json_type_object);
        struct json_object *events = json_read_member(o, "events", json_type_array);
        struct json_object *kvs = json_read_member(o, "kvs", json_type_array);

        if (!header)
                return -EBADMSG;
        p->token = json_read_text(o, "token");
        p->answer.revision = number_of(header, "revision");
        p->answer.more = json_read_true(o, "more");
        p->answer.succeeded = json_read_true(o, "succeeded") || number_of(o, "deleted") > 0;
        p->answer.lease = number_of(o, "ID");
        p->answer.ttl = number_of(o, "TTL");
        if (json_read_true(o, "canceled"))
                take_cancel(p, o);
        else if (events || kvs)
                return take_pairs(p, events ? events : kvs, events != NULL);
        return 0;
}

static int take(struct etcd_parsed *p)
{
        struct json_object *error = NULL, *result = json_read_member(p->root, "result", json_type_object);

        if (!json_object_is_type(p->root, json_type_object))
                return -EBADMSG;
        if (!json_object_object_get_ex(p->root, "error", &error))
                return take_result(p, result ? result : p->root);
        take_error(p, json_object_is_type(error, json_type_object) ? error : NULL);
        return 0;
}

/* A proxy in front of an etcd that is down answers in words of its own. */
static void take_words(struct etcd_parsed *p, long http, const char *why)
{
        char text[64];

        if (http < 500)
                return say_nonsense(p, why);
        (void)snprintf(text, sizeof(text), "the server answers with HTTP status %ld", http);
        say(p, ETCD_DOWN, text);
}

int etcd_parse(const char *text, size_t n, long http, struct etcd_parsed **ret)
{
        _cleanup_(etcd_parsed_freep) struct etcd_parsed *p = calloc(1, sizeof(*p));
        const char *why = NULL;

        int r = p ? json_read(text, n, &p->root, &why) : -ENOMEM;
        if (r < 0)
                return r;
        if (!p->root)
                take_words(p, http, why);
        else
                r = take(p);
        if (r == -EBADMSG)
                say_nonsense(p, "a member is missing, or of another type");
        else if (r < 0)
                return r;
        *ret = STEAL_PTR(p);
        return 0;
}
