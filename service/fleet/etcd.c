/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "etcd.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/json.h"
#include "../../schema/events/loop.h"
#include "etcd-call.h"
#include "etcd-internal.h"

struct etcd {
        sd_event *event;
        CURLM *multi;
        sd_event_source *timer; /* curl's: it runs while something is under way */
        struct etcd_transport transport;
        char *user, *password; /* NULL: without */
        char *token;
        struct etcd_call *login; /* under way: the others wait for it */
        struct etcd_call *calls;
        bool keeps; /* the next call's connection */
        bool has_global;
};

/* After the last one its caller frees the call. */
static void give(struct etcd_call *c, const struct etcd_answer *a)
{
        etcd_fn fn = c->fn;

        struct etcd_transport *t = &c->e->transport;

        if (a->status != ETCD_OK)
                t->at = (t->at + 1) % t->n_endpoints;
        /* A simple token says from which index of the log on it is one, and etcd waits for that without an
         * end where its store was restored from an older copy. */
        if (a->status == ETCD_SLOW)
                free(STEAL_PTR(c->e->token));
        if (a->status != ETCD_OK || !c->is_watch)
                c->fn = NULL;
        c->is_busy = true;
        if (fn)
                fn(a, c->userdata);
        c->is_busy = false;
}

static void give_error(struct etcd_call *c, enum etcd_status status, const char *text)
{
        const struct etcd_answer a = { .status = status, .text = text };

        give(c, &a);
}

static void unlink_call(struct etcd_call *c)
{
        struct etcd_call **at = &c->e->calls;

        while (*at && *at != c)
                at = &(*at)->next;
        if (*at)
                *at = c->next;
}

/* ---- sending ---- */

static int start(struct etcd_call *c, const char *token)
{
        return etcd_call_start(c, c->e->multi, &c->e->transport, token);
}

/* The token that comes is for all that wait. */
static int start_login(struct etcd *e)
{
        static const char path[] = "/v3/auth/authenticate";
        struct etcd_call *c = calloc(1, sizeof(*c));
        struct json j;

        if (!c)
                return -ENOMEM;
        *c = (struct etcd_call){ .e = e, .path = path, .keeps = true };
        j = json_on(&c->body);
        json_begin_object(&j);
        json_add_string(&j, "name", e->user);
        json_add_string(&j, "password", e->password ? e->password : "");
        json_end_object(&j);
        e->login = c;
        int r = c->body.error < 0 ? -ENOMEM : start(c, NULL);
        if (r < 0) {
                e->login = etcd_call_free(c);
                return r;
        }
        c->next = e->calls;
        e->calls = c;
        return 0;
}

static int start_or_wait(struct etcd_call *c)
{
        if (!c->e->user || c->e->token)
                return start(c, c->e->token);
        return c->e->login ? 0 : start_login(c->e);
}

void etcd_keep(struct etcd *e, bool keeps)
{
        e->keeps = keeps;
}

int etcd_ask(struct etcd *e, const struct etcd_question *q, struct etcd_call **ret)
{
        struct etcd_call *c = q->body->error < 0 ? NULL : calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        *c = (struct etcd_call){ .e = e,
                .path = q->path,
                .is_watch = q->is_watch,
                .keeps = e->keeps,
                .fn = q->fn,
                .userdata = q->userdata };
        c->body = *q->body;
        *q->body = BUF_INIT;
        int r = start_or_wait(c);
        if (r < 0) {
                (void)etcd_call_free(c);
                return r;
        }
        c->next = e->calls;
        e->calls = c;
        if (ret)
                *ret = c;
        return 0;
}

/* One that is being answered is freed by who answers it. */
struct etcd_call *etcd_cancel(struct etcd_call *c)
{
        if (!c)
                return NULL;
        c->fn = NULL;
        if (c->is_busy)
                return NULL;
        unlink_call(c);
        return etcd_call_free(c);
}

/* ---- answers ---- */

static int again(struct etcd_call *c)
{
        etcd_call_stop(c);
        c->is_done = false;
        c->logged_in_again = true;
        free(STEAL_PTR(c->e->token));
        return start_or_wait(c);
}

static void take_text(struct etcd_call *c, const char *text, size_t n)
{
        _cleanup_(etcd_parsed_freep) struct etcd_parsed *p = NULL;

        int r = etcd_call_parse(c, text, n, &p);
        if (r == 0 && p->wants_login && c->e->user && !c->logged_in_again) {
                r = again(c);
                if (r == 0)
                        return;
        }
        if (r < 0)
                give_error(c, ETCD_DOWN, strerror(-r));
        else
                give(c, &p->answer);
}

/* Lines of a watch, as far as they are whole. */
static void take_lines(struct etcd_call *c)
{
        size_t at = 0;
        char *end;

        while (c->fn && c->easy && at < c->answer.len &&
                (end = memchr(c->answer.data + at, '\n', c->answer.len - at))) {
                take_text(c, c->answer.data + at, (size_t)(end - c->answer.data) - at);
                at = (size_t)(end - c->answer.data) + 1;
        }
        if (at == 0 || !c->easy)
                return;
        memmove(c->answer.data, c->answer.data + at, c->answer.len - at);
        c->answer.len -= at;
}

static void take_token(struct etcd_call *c)
{
        _cleanup_(etcd_parsed_freep) struct etcd_parsed *p = NULL;

        int r = etcd_call_parse(c, buf_str(&c->answer), c->answer.len, &p);
        if (r < 0)
                return etcd_call_fail(c, ETCD_DOWN, strerror(-r));
        const struct etcd_answer *a = &p->answer;
        const char *token = p->token;
        if (a->status != ETCD_OK)
                return etcd_call_fail(c, a->status, a->text);
        /* It goes into a header, perhaps to another endpoint. */
        if (!token || token[strcspn(token, "\r\n")])
                return etcd_call_fail(c, ETCD_NONSENSE, "the answer to the login has no token");
        c->e->token = strdup(token);
        if (!c->e->token)
                etcd_call_fail(c, ETCD_DOWN, strerror(ENOMEM));
}

/* What waits for the login goes on, or has its error, soon. */
static void end_login(struct etcd_call *login)
{
        struct etcd *e = login->e;

        e->login = NULL;
        if (login->failed == ETCD_OK)
                take_token(login);
        for (struct etcd_call *c = e->calls; c; c = c->next) {
                if (c->easy || c->is_done)
                        continue;
                int r = login->failed == ETCD_OK ? start(c, e->token) : 0;
                if (login->failed != ETCD_OK)
                        etcd_call_fail(c, login->failed, login->error);
                else if (r < 0)
                        etcd_call_fail(c, ETCD_DOWN, strerror(-r));
        }
}

static void end_call(struct etcd_call *c)
{
        if (c == c->e->login)
                return end_login(c);
        if (c->failed != ETCD_OK)
                return give_error(c, c->failed, c->error);
        if (c->answer.len > 0 || !c->is_watch)
                take_text(c, buf_str(&c->answer), c->answer.len);
        if (c->is_done && c->fn)
                give_error(c, ETCD_DOWN, "the server ended the watch");
}

static struct etcd_call *next_done(struct etcd *e)
{
        struct etcd_call *c = e->calls;

        while (c && !c->is_done && !(c->is_watch && !c->fn))
                c = c->next;
        return c;
}

static struct etcd_call *next_with_lines(struct etcd *e)
{
        struct etcd_call *c = e->calls;

        while (c && !(c->is_watch && c->fn && c->easy && c->answer.len > 0 &&
                            memchr(c->answer.data, '\n', c->answer.len)))
                c = c->next;
        return c;
}

static void note_results(struct etcd *e)
{
        CURLMsg *m;
        int left;

        while ((m = curl_multi_info_read(e->multi, &left))) {
                char *p = NULL;
                if (m->msg != CURLMSG_DONE)
                        continue;
                (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &p);
                etcd_call_note((struct etcd_call *)(void *)p, m->data.result);
        }
}

/* Outside of curl's own calls, as what is called here begins others. */
static void handle_answers(struct etcd *e)
{
        struct etcd_call *c;

        note_results(e);
        while ((c = next_with_lines(e)))
                take_lines(c);
        while ((c = next_done(e))) {
                end_call(c);
                if (!c->is_done && c->fn)
                        continue;
                unlink_call(c);
                (void)etcd_call_free(c);
        }
}

/* ---- the loop ---- */

static int on_socket(_unused_ sd_event_source *s, int fd, uint32_t events, void *userdata)
{
        struct etcd *e = userdata;
        int mask = 0, running;

        if (events & EPOLLIN)
                mask |= CURL_CSELECT_IN;
        if (events & EPOLLOUT)
                mask |= CURL_CSELECT_OUT;
        if (events & (EPOLLERR | EPOLLHUP))
                mask |= CURL_CSELECT_ERR;
        (void)curl_multi_socket_action(e->multi, fd, mask, &running);
        handle_answers(e);
        return 0;
}

static int on_time(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        struct etcd *e = userdata;
        int running;

        (void)curl_multi_socket_action(e->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        handle_answers(e);
        return 0;
}

/* A socket without a source would be waited for in vain: -1 has curl give the transfer up. */
static int want_socket(
        _unused_ CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_userdata)
{
        struct etcd *e = userdata;
        sd_event_source *source = socket_userdata;
        uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);

        if (what == CURL_POLL_REMOVE) {
                sd_event_source_disable_unref(source);
                return 0;
        }
        if (source)
                return sd_event_source_set_io_events(source, events) < 0 ? -1 : 0;
        if (sd_event_add_io(e->event, &source, fd, events, on_socket, e) < 0)
                return -1;
        return curl_multi_assign(e->multi, fd, source) == CURLM_OK ? 0 : -1;
}

static int want_timer(_unused_ CURLM *multi, long msec, void *userdata)
{
        struct etcd *e = userdata;
        int r = msec < 0 ? sd_event_source_set_enabled(e->timer, SD_EVENT_OFF)
                         : loop_timer_start(e->timer, (uint64_t)msec * 1000);

        return r < 0 ? -1 : 0;
}

/* ---- making and ending ---- */

static int copy(const char *text, char **ret)
{
        if (text && text[0])
                *ret = strdup(text);
        return text && text[0] && !*ret ? -ENOMEM : 0;
}

static int copy_endpoints(struct etcd_transport *t, const struct etcd_config *config)
{
        t->endpoints = calloc(config->n_endpoints, sizeof(*t->endpoints));
        if (!t->endpoints)
                return -ENOMEM;
        for (; t->n_endpoints < config->n_endpoints; t->n_endpoints++) {
                const char *text = config->endpoints[t->n_endpoints];
                size_t len = strlen(text);
                while (len > 0 && text[len - 1] == '/')
                        len--;
                t->endpoints[t->n_endpoints] = strndup(text, len);
                if (!t->endpoints[t->n_endpoints])
                        return -ENOMEM;
        }
        return 0;
}

static int copy_config(struct etcd *e, const struct etcd_config *config)
{
        struct etcd_transport *t = &e->transport;
        const struct {
                const char *text;
                char **ret;
        } texts[] = {
                { config->ca_file, &t->ca_file },
                { config->cert_file, &t->cert_file },
                { config->key_file, &t->key_file },
                { config->user, &e->user },
                { config->password, &e->password },
        };
        int r = copy_endpoints(t, config);

        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++)
                r = copy(texts[i].text, texts[i].ret);
        t->timeout_usec = config->timeout_usec ? config->timeout_usec : ETCD_TIMEOUT_USEC;
        return r;
}

static int start_curl(struct etcd *e)
{
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return -ENOMEM;
        e->has_global = true;
        e->multi = curl_multi_init();
        if (!e->multi || curl_multi_setopt(e->multi, CURLMOPT_SOCKETFUNCTION, want_socket) != CURLM_OK ||
                curl_multi_setopt(e->multi, CURLMOPT_SOCKETDATA, e) != CURLM_OK ||
                curl_multi_setopt(e->multi, CURLMOPT_TIMERFUNCTION, want_timer) != CURLM_OK ||
                curl_multi_setopt(e->multi, CURLMOPT_TIMERDATA, e) != CURLM_OK ||
                /* That of the watch, and one that the next call has. */
                curl_multi_setopt(e->multi, CURLMOPT_MAXCONNECTS, 2L) != CURLM_OK)
                return -ENOMEM;
        return 0;
}

int etcd_new(const struct etcd_config *config, struct etcd **ret)
{
        _cleanup_(etcd_freep) struct etcd *e = config->n_endpoints > 0 ? calloc(1, sizeof(*e)) : NULL;

        if (!e)
                return config->n_endpoints > 0 ? -ENOMEM : -EINVAL;
        e->event = sd_event_ref(config->event);
        int r = copy_config(e, config);
        if (r == 0)
                r = loop_timer_new(e->event, 1000, on_time, e, &e->timer);
        if (r == 0)
                r = start_curl(e);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(e);
        return 0;
}

static void done_transport(struct etcd_transport *t)
{
        for (size_t i = 0; i < t->n_endpoints; i++)
                free(t->endpoints[i]);
        free(t->endpoints);
        free(t->ca_file);
        free(t->cert_file);
        free(t->key_file);
}

struct etcd *etcd_free(struct etcd *e)
{
        if (!e)
                return NULL;
        while (e->calls) {
                struct etcd_call *c = e->calls;
                e->calls = c->next;
                (void)etcd_call_free(c);
        }
        if (e->multi)
                (void)curl_multi_cleanup(e->multi);
        sd_event_source_disable_unref(e->timer);
        sd_event_unref(e->event);
        done_transport(&e->transport);
        free(e->user);
        free(e->password);
        free(e->token);
        if (e->has_global)
                curl_global_cleanup();
        free(e);
        return NULL;
}
