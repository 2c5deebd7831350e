/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "etcd-call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- what became of it ---- */

static bool is_tls_error(const struct etcd_call *c, CURLcode result)
{
        switch (result) {
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_ENGINE_NOTFOUND:
        case CURLE_SSL_ENGINE_SETFAILED:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CRL_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_CLIENTCERT:
                return true;
        case CURLE_RECV_ERROR:
                /* In TLS 1.3 a server refuses the client's certificate after the handshake. */
                return c->is_tls && strstr(c->error, "alert");
        default:
                return false;
        }
}

static enum etcd_status status_of(const struct etcd_call *c, CURLcode result)
{
        curl_off_t connected = 0;

        if (is_tls_error(c, result))
                return ETCD_TLS;
        switch (result) {
        case CURLE_OPERATION_TIMEDOUT:
                (void)curl_easy_getinfo(c->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
                return connected > 0 ? ETCD_SLOW : ETCD_DOWN;
        case CURLE_WRITE_ERROR:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9 */
        case CURLE_BAD_CONTENT_ENCODING:
                return ETCD_NONSENSE;
        default:
                return ETCD_DOWN;
        }
}

void etcd_call_fail(struct etcd_call *c, enum etcd_status status, const char *text)
{
        c->is_done = true;
        c->failed = status;
        (void)snprintf(c->error, sizeof(c->error), "%s", text);
}

void etcd_call_note(struct etcd_call *c, CURLcode result)
{
        char said[CURL_ERROR_SIZE];

        memcpy(said, c->error, sizeof(said));
        c->is_done = true;
        if (c->too_long)
                etcd_call_fail(c, ETCD_NONSENSE, "the answer has no end");
        else if (result != CURLE_OK)
                etcd_call_fail(c, status_of(c, result), said[0] ? said : curl_easy_strerror(result));
}

int etcd_call_parse(const struct etcd_call *c, const char *text, size_t n, struct etcd_parsed **ret)
{
        long http = 0;

        (void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &http);
        return etcd_parse(text, n, http, ret);
}

/* ---- sending ---- */

static size_t on_data(char *data, size_t size, size_t n, void *userdata)
{
        struct etcd_call *c = userdata;

        if (n > ETCD_ANSWER_MAX - c->answer.len) {
                c->too_long = true;
                return 0;
        }
        buf_add(&c->answer, data, n);
        return c->answer.error < 0 ? 0 : n * size;
}

static int set_headers(struct etcd_call *c, const char *token)
{
        static const char *const fixed[] = { "Content-Type: application/json", "Expect:" };
        _cleanup_buf_ struct buf line = BUF_INIT;

        if (token)
                buf_printf(&line, "Authorization: %s", token);
        for (size_t i = 0; i <= ARRAY_SIZE(fixed); i++) {
                const char *text = i < ARRAY_SIZE(fixed) ? fixed[i] : buf_str(&line);
                struct curl_slist *more = text[0] ? curl_slist_append(c->headers, text) : c->headers;
                if (!more || line.error < 0)
                        return -ENOMEM;
                c->headers = more;
        }
        return 0;
}

/* Texts are copied by curl, the body is not. A redirect is not followed, as it could lead anywhere. */
static int set_options(struct etcd_call *c, const struct etcd_transport *t, const char *url)
{
        long timeout = (long)(t->timeout_usec / 1000);
        CURL *h = c->easy;
        CURLcode code = curl_easy_setopt(h, CURLOPT_URL, url);

#define SET(option, value) code = code == CURLE_OK ? curl_easy_setopt(h, option, value) : code
        SET(CURLOPT_PROTOCOLS_STR, "http,https");
        SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        SET(CURLOPT_NOSIGNAL, 1L);
        SET(CURLOPT_TCP_KEEPALIVE, 1L);
        SET(CURLOPT_PRIVATE, c);
        SET(CURLOPT_ERRORBUFFER, c->error);
        SET(CURLOPT_HTTPHEADER, c->headers);
        SET(CURLOPT_POSTFIELDS, buf_str(&c->body));
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.len);
        SET(CURLOPT_WRITEFUNCTION, on_data);
        SET(CURLOPT_WRITEDATA, c);
        SET(CURLOPT_CONNECTTIMEOUT_MS, timeout);
        /* curl sends again by itself what a connection that it had already did not answer: a watch would
         * begin in a store that was restored meanwhile, behind what is new there. */
        SET(CURLOPT_FRESH_CONNECT, (long)c->is_watch);
        SET(CURLOPT_FORBID_REUSE, (long)!c->keeps);
        SET(CURLOPT_TIMEOUT_MS, c->is_watch ? 0L : timeout);
        if (t->ca_file)
                SET(CURLOPT_CAINFO, t->ca_file);
        if (t->cert_file)
                SET(CURLOPT_SSLCERT, t->cert_file);
        if (t->key_file)
                SET(CURLOPT_SSLKEY, t->key_file);
#undef SET
        return code == CURLE_OK ? 0 : code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}

int etcd_call_start(
        struct etcd_call *c, CURLM *multi, const struct etcd_transport *transport, const char *token)
{
        const char *endpoint = transport->endpoints[transport->at];
        _cleanup_buf_ struct buf url = BUF_INIT;

        c->is_tls = strncmp(endpoint, "https:", 6) == 0;
        buf_printf(&url, "%s%s", endpoint, c->path);
        c->easy = curl_easy_init();
        int r = c->easy && url.error == 0 ? set_headers(c, token) : -ENOMEM;
        if (r == 0)
                r = set_options(c, transport, buf_str(&url));
        if (r == 0 && curl_multi_add_handle(multi, c->easy) != CURLM_OK)
                r = -ENOMEM;
        if (r == 0)
                c->multi = multi;
        else
                etcd_call_stop(c);
        return r;
}

void etcd_call_stop(struct etcd_call *c)
{
        if (c->multi)
                (void)curl_multi_remove_handle(c->multi, c->easy);
        if (c->easy)
                curl_easy_cleanup(c->easy);
        curl_slist_free_all(c->headers);
        buf_clear(&c->answer);
        c->multi = NULL;
        c->easy = NULL;
        c->headers = NULL;
}

struct etcd_call *etcd_call_free(struct etcd_call *c)
{
        etcd_call_stop(c);
        buf_done(&c->body);
        buf_done(&c->answer);
        free(c);
        return NULL;
}
