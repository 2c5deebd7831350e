/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-bus-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"
#include "access.h"
#include "request.h"

static void reply_error(struct request *q, int r, const struct diag *d)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        (void)bus_fail(&error, r, d);
        r = sd_bus_reply_method_error(q->m, &error);
        if (r < 0)
                log_debug("cannot answer %s: %s; ignoring", sd_bus_message_get_sender(q->m), strerror(-r));
        sd_bus_error_free(&error);
}

static void deny(struct request *q, const char *why)
{
        struct diag d = { 0 };
        _cleanup_buf_ struct buf path = BUF_INIT;

        request_describe(q, &path);
        (void)diag_set(&d, EACCES,
                "%s: uid %u may not write: allowed are root, members of the group '%s', and whom polkit lets (%s)",
                buf_str(&path), q->actor.uid, q->rb->config.admin_group, why);
        request_refused(q, why);
        reply_error(q, -EACCES, &d);
}

static int append_request_actor(sd_bus_message *m, void *userdata)
{
        return append_actor(m, userdata);
}

/* Keys that were made on the way to a value are not what was asked for. */
static bool changes_anything(const struct request *q)
{
        for (size_t i = 0; i < q->events.n; i++) {
                enum registry_event_kind kind = q->events.list[i].kind;
                if (kind == EVENT_VALUE_SET || kind == EVENT_VALUE_DELETED ||
                        (!q->of_value && kind != EVENT_VALUE_UNCHANGED))
                        return true;
        }
        return false;
}

/* Of one value also whose entry counts now: what was written need not be what is read. */
static int reply_done(struct request *q)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        const struct change *c = q->list;
        struct registry_value now = { .layer = "" };

        int r = sd_bus_message_new_method_return(q->m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "tb", q->sequence, (int)changes_anything(q));
        if (r >= 0 && q->of_value) {
                (void)!registry_get(q->rb->config.registry, &c->path, c->name, &now, NULL);
                r = sd_bus_message_append(reply, "s", now.layer);
        }
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void finish(struct request *q, int synced, const struct diag *d)
{
        if (synced < 0) {
                reply_error(q, -EIO, d);
                return;
        }
        _cleanup_store_scope_ struct store_scope scope = registry_scope(q->rb->config.registry);
        /* Who follows the value comes first: it has work to do. */
        subscriptions_dispatch(q->rb->subscriptions, &q->events, append_request_actor, &q->actor);
        int r = reply_done(q);
        if (r < 0)
                log_debug("cannot answer %s: %s; ignoring", sd_bus_message_get_sender(q->m), strerror(-r));
}

/* 0, or what the store says: then none of it is there any more. */
static int flush(struct registry_bus *rb, struct diag *d)
{
        struct request *q = rb->waiting;

        if (!q)
                return 0;
        rb->waiting = NULL;
        rb->waiting_tail = &rb->waiting;
        rb->n_waiting = 0;
        rb->waiting_bytes = 0;
        int r = registry_sync(rb->config.registry, d);
        registry_bus_failed(rb, r, d);
        while (q) {
                struct request *next = q->next;
                finish(q, r, d);
                (void)request_free(q);
                q = next;
        }
        if (r == 0)
                rb->config.changed(rb->config.userdata);
        return r;
}

void registry_bus_flush(struct registry_bus *rb)
{
        struct diag d = { 0 };

        (void)flush(rb, &d);
}

/* What it is refused for may be what another call has changed, which must be durable before anybody hears of
 * it. */
static void refuse(struct request *q, int r, const struct diag *d)
{
        struct diag not_stored = { 0 };

        if (flush(q->rb, &not_stored) < 0) {
                reply_error(q, -EIO, &not_stored);
                return;
        }
        if (r == -EROFS)
                request_refused(q, d->text);
        registry_bus_failed(q->rb, r, d);
        reply_error(q, r, d);
}

/* Takes the request over: it ends here, or waits for the sync. */
static void execute(struct request *q)
{
        struct registry_bus *rb = q->rb;
        struct diag d = { 0 };

        if (q->n > CHANGES_TOGETHER_MAX)
                registry_bus_flush(rb);
        int r = request_apply(q, &d);
        if (r < 0) {
                refuse(q, r, &d);
                (void)request_free(q);
                return;
        }
        q->next = NULL;
        *rb->waiting_tail = q;
        rb->waiting_tail = &q->next;
        r = loop_deferred_start(rb->flush);
        rb->waiting_bytes += request_size(q);
        if (r < 0 || ++rb->n_waiting >= WAITING_MAX || rb->waiting_bytes >= WAITING_BYTES_MAX)
                registry_bus_flush(rb);
}

static void unlink_asking(struct request *q)
{
        for (struct request **at = &q->rb->asking; *at; at = &(*at)->next)
                if (*at == q) {
                        *at = q->next;
                        q->rb->n_asking--;
                        return;
                }
}

static void on_authorized(bool allowed, const char *why, void *userdata)
{
        struct request *q = userdata;

        unlink_asking(q);
        if (allowed) {
                execute(q);
                return;
        }
        deny(q, why);
        (void)request_free(q);
}

/* It ends without an answer: a write that was tried and not done. */
static void drop(struct request *q, const char *why)
{
        unlink_asking(q);
        request_refused(q, why);
        (void)request_free(q);
}

/* The question gives its place to others. */
void requests_drop_client(struct registry_bus *rb, const char *client)
{
        for (struct request *q = rb->asking, *next; q; q = next) {
                next = q->next;
                if (strcmp(sd_bus_message_get_sender(q->m), client) == 0)
                        drop(q, "the caller hung up before polkit answered");
        }
}

/* 0 or -EDQUOT: is there room for one more that waits for polkit? */
static int check_room(struct request *new, struct diag *d)
{
        const struct registry_bus *rb = new->rb;
        size_t size = new->held = request_size(new), n = 0, bytes = 0, all = 0;

        for (const struct request *q = rb->asking; q; q = q->next) {
                bool same = q->actor.uid == new->actor.uid;
                n += same;
                bytes += same ? q->held : 0;
                all += q->held;
        }
        if (rb->n_asking >= ASKING_MAX || n >= ASKING_PER_USER_MAX)
                return diag_set(d, EDQUOT, "%u writing calls, or %u of one user, wait for polkit already",
                        ASKING_MAX, ASKING_PER_USER_MAX);
        if (bytes + size > ASKING_BYTES_PER_USER_MAX || all + size > ASKING_BYTES_MAX)
                return diag_set(d, EDQUOT,
                        "this call holds %zu bytes, and at most %u, or %u of one user, may wait for polkit",
                        size, ASKING_BYTES_MAX, ASKING_BYTES_PER_USER_MAX);
        return 0;
}

static int ask_polkit(struct request *q, const char *action)
{
        int r = request_detach(q);
        if (r < 0)
                return r;
        const char *who =
                q->options.on_behalf_of ? q->options.on_behalf_of : sd_bus_message_get_sender(q->m);
        r = access_ask_polkit(q->rb->config.bus, who, action,
                sd_bus_message_get_allow_interactive_authorization(q->m) > 0, on_authorized, q, &q->polkit);
        if (r < 0)
                return r;
        q->next = q->rb->asking;
        q->rb->asking = q;
        q->rb->n_asking++;
        return 0;
}

/* 0: the request was taken over. */
static int authorize(struct request *q, sd_bus_error *error)
{
        const char *action = request_action(q);
        struct diag d = { 0 };

        switch (access_decide(q->actor.uid, q->is_member, action)) {
        case ACCESS_ALLOWED:
                execute(q);
                return 0;
        case ACCESS_DENIED:
                deny(q, "built without polkit");
                (void)request_free(q);
                return 0;
        case ACCESS_ASK_POLKIT:
                break;
        }
        int r = check_room(q, &d);
        if (r < 0) {
                request_refused(q, "too much waits for polkit");
                return bus_fail(error, r, &d);
        }
        return ask_polkit(q, action);
}

int method_write(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        struct request *q = NULL;

        int r = request_new(rb, m, &q, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = authorize(q, error);
        if (r < 0) {
                (void)request_free(q);
                return r;
        }
        return 1;
}

void requests_free(struct registry_bus *rb)
{
        registry_bus_flush(rb);
        while (rb->asking)
                drop(rb->asking, "the provider ended before polkit answered");
}

/* What the write itself would be met with. */
static const char *access_word(enum access_verdict verdict)
{
        static const char *const words[] = {
                [ACCESS_ALLOWED] = "allowed", [ACCESS_ASK_POLKIT] = "ask-polkit", [ACCESS_DENIED] = "denied"
        };

        return words[verdict];
}

/* Everything a write does, undone before anybody sees it. Needs no permission, as reading needs none. */
int method_preview(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        struct request *q = NULL;
        struct diag d = { 0 };
        sd_bus_message *reply = NULL;
        size_t taken = 0;

        registry_bus_flush(rb);
        int r = request_new(rb, m, &q, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        enum access_verdict access = access_decide(q->actor.uid, q->is_member, request_action(q));
        if (q->n > PREVIEW_CHANGES_MAX && access != ACCESS_ALLOWED)
                r = diag_set(&d, EFBIG, "%zu changes, at most %u can be previewed by who may not write",
                        q->n, PREVIEW_CHANGES_MAX);
        else
                r = request_preview(q, access == ACCESS_ALLOWED ? SIZE_MAX : PREVIEW_BYTES_MAX, &d);
        if (r < 0)
                r = bus_fail(error, r, &d);
        else
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_event_list(reply, &q->events, &taken, &d);
        if (r >= 0)
                r = gate_take(rb->gate, m, taken, &d);
        if (r < 0 && d.text[0])
                r = bus_fail(error, r, &d);
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", access_word(access));
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        (void)request_free(q);
        rb->config.tried(rb->config.userdata);
        return r;
}
