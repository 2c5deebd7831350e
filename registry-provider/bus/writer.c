/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "writer.h"

#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/bus/cleanup.h"
#include "../../schema/dbus/names.h"
#include "answer.h"
#include "config.h"
#include "request.h"

/* A loop that is never idle must not keep writers waiting. */
#define FLUSH_MOST_USEC UINT64_C(2000)
#define WAITING_MAX 1024u /* calls that share one sync */
#define WAITING_BYTES_MAX (16u * 1024u * 1024u)
/* A transaction of more changes is committed by itself: it takes much longer inside of another one, where
 * the store keeps a copy of what it changes. */
#define CHANGES_TOGETHER_MAX 64u
/* Calls that wait for polkit: as many as account.c leaves of what the bus lets a connection wait for, and
 * what they hold. */
static const struct gate_share asking_places = { .all = 32, .of_user = 8 };
static const struct gate_share asking_bytes = { .all = 16u * 1024u * 1024u, .of_user = 4u * 1024u * 1024u };
/* Changes that somebody who may not write can have previewed: it takes the provider's time. */
#define PREVIEW_CHANGES_MAX 64u
/* And memory: one change can make a whole path of keys, or delete a whole tree. */
#define PREVIEW_BYTES_MAX (8u * 1024u * 1024u)

#define POLKIT_ALLOW_INTERACTION 1u
/* A person may be typing a password. */
#define POLKIT_TIMEOUT_USEC UINT64_C(120000000)

/* ---- From memory to the disk, and the answer ---- */

static void reply_error(const struct request *q, const sd_bus_error *error)
{
        int r = sd_bus_reply_method_error(q->m, error);

        if (r < 0)
                log_debug("cannot answer %s: %s; ignoring", sd_bus_message_get_sender(q->m), strerror(-r));
}

static void reply_not_stored(const struct request *q, const struct diag *d, int e)
{
        reply_error(q, &SD_BUS_ERROR_MAKE_CONST(ERROR_STORAGE, d->text[0] ? d->text : strerror(-e)));
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

static int append_counts(sd_bus_message *reply, const struct registry_counts *c)
{
        return sd_bus_message_append(reply, "a{su}", 5, "values-set", c->values_set, "values-deleted",
                c->values_deleted, "keys-created", c->keys_created, "keys-deleted", c->keys_deleted, "masks",
                c->masks);
}

static int append_verdict(sd_bus_message *reply, struct registry_verdict v)
{
        int is_accepted = v.is_accepted;
        const struct wire_member members[] = {
                { "accepted", "b", &is_accepted },
                { "why", "s", &v.why },
                { "last-good", "s", &v.last_good },
        };

        return wire_append_dict(reply, members, ARRAY_SIZE(members));
}

/* Of one value the answer also says whose entry counts now: what was written need not be what is read. */
static void finish(const struct request *q)
{
        struct registry *registry = q->writer->config->registry;
        _cleanup_store_scope_ struct store_scope scope = registry_scope(registry);
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_way_ struct registry_way way = { 0 };
        const bool counts_left_out = q->is_undo || q->is_restore;
        const struct change *c = q->list;
        struct registry_value now = { .layer = "" };

        /* Who follows the value comes first: it has work to do. */
        subscriptions_dispatch(q->writer->subscriptions, &q->events, &q->author);
        int r = sd_bus_message_new_method_return(q->m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "tb", q->sequence, (int)changes_anything(q));
        if (r >= 0 && (counts_left_out || sd_bus_message_is_method_call(q->m, NULL, "Transact")))
                r = append_counts(reply, &q->events.counts);
        if (r >= 0 && counts_left_out)
                r = sd_bus_message_append(reply, "u", q->left_out);
        if (r >= 0 && q->of_value) {
                if (registry_follow(registry, &c->path, q->options.no_follow, &way, NULL) == 0)
                        (void)!registry_get(registry, way.path, c->name, &now, NULL);
                r = sd_bus_message_append(reply, "s", now.layer);
                if (r >= 0 && c->action == CHANGE_SET)
                        r = append_verdict(reply, q->verdict);
        }
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        if (r < 0)
                log_debug("cannot answer %s: %s; ignoring", sd_bus_message_get_sender(q->m), strerror(-r));
}

void writer_failed(const struct writer *w, int e, const struct diag *d)
{
        if (store_is_failure(e))
                w->config->failed(e, d->text[0] ? d->text : registry_error_text(w->config->registry, e),
                        w->config->userdata);
}

/* 0, or what the store says: then none of it is there any more. */
static int flush(struct writer *w, struct diag *d)
{
        struct request *q = w->waiting;

        if (!q)
                return 0;
        w->waiting = NULL;
        w->waiting_tail = &w->waiting;
        w->n_waiting = 0;
        w->waiting_bytes = 0;
        int r = registry_sync(w->config->registry, d);
        writer_failed(w, r, d);
        while (q) {
                struct request *next = q->next;
                if (r < 0)
                        reply_not_stored(q, d, r);
                else
                        finish(q);
                (void)request_free(q);
                q = next;
        }
        if (r == 0)
                w->config->changed(w->config->userdata);
        return r;
}

void writer_flush(struct writer *w)
{
        (void)flush(w, &(struct diag){ 0 });
}

static void on_flush(void *userdata)
{
        (void)flush(userdata, &(struct diag){ 0 });
}

/* What it is refused for may be what another call has changed, which must be durable before anybody hears of
 * it. */
static void refuse(const struct request *q, int e, const struct diag *d)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        struct diag not_stored = { 0 };

        int r = flush(q->writer, &not_stored);
        if (r < 0) {
                reply_not_stored(q, &not_stored, r);
                return;
        }
        if (e == REGISTRY_READ_ONLY)
                request_refused(q, d->text);
        writer_failed(q->writer, e, d);
        (void)answer_fail(q->writer->config->registry, e, d, &error);
        reply_error(q, &error);
}

/* Takes the request over: it ends here, or waits for the sync. */
static void execute(struct request *q)
{
        struct writer *w = q->writer;
        struct diag d = { 0 };

        if (q->n > CHANGES_TOGETHER_MAX || q->is_restore)
                writer_flush(w);
        int r = request_apply(q, &d);
        if (r != 0) {
                refuse(q, r, &d);
                (void)request_free(q);
                return;
        }
        q->next = NULL;
        *w->waiting_tail = q;
        w->waiting_tail = &q->next;
        r = loop_deferred_start(w->flush);
        w->waiting_bytes += request_size(q);
        if (r < 0 || ++w->n_waiting >= WAITING_MAX || w->waiting_bytes >= WAITING_BYTES_MAX)
                writer_flush(w);
}

/* ---- Who may ---- */

enum verdict {
        ALLOWED,
        ASK_POLKIT,
        DENIED,
};

/* Without polkit: uid 0 always; members of the administrators' group for WRITER_ACTION_WRITE only. */
static enum verdict decide(const struct request *q)
{
        if (q->author.actor.uid == 0)
                return ALLOWED;
        if (q->is_member && strcmp(request_action(q), WRITER_ACTION_WRITE) == 0)
                return ALLOWED;
        return HAVE_POLKIT ? ASK_POLKIT : DENIED;
}

static void deny(const struct request *q, const char *why)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_buf_ struct buf path = BUF_INIT;

        request_describe(q, &path);
        (void)sd_bus_error_setf(&error, ERROR_ACCESS_DENIED,
                "%s: uid %u may not write: allowed are root, members of the group '%s', and users whom "
                "polkit allows (%s)",
                buf_str(&path), q->author.actor.uid, q->writer->config->admin_group, why);
        request_refused(q, why);
        reply_error(q, &error);
}

static void unlink_asking(struct request *q)
{
        for (struct request **at = &q->writer->asking; *at; at = &(*at)->next)
                if (*at == q) {
                        *at = q->next;
                        q->writer->n_asking--;
                        return;
                }
}

static int on_polkit(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct request *q = userdata;
        int authorized = 0, challenge = 0;
        const char *why = "polkit refused";

        unlink_asking(q);
        if (sd_bus_message_is_method_error(m, NULL))
                why = "polkit could not be asked";
        else if (sd_bus_message_enter_container(m, 'r', "bba{ss}") < 0 ||
                 sd_bus_message_read(m, "bb", &authorized, &challenge) < 0)
                why = "polkit gave an invalid answer";
        else if (challenge)
                why = "polkit wants the caller to authenticate";
        if (authorized) {
                execute(q);
                return 0;
        }
        deny(q, why);
        (void)request_free(q);
        return 0;
}

/* 0: there is room for one more that waits for polkit; or negative with `error` set. */
static int check_room(struct request *new, sd_bus_error *error)
{
        const struct writer *w = new->writer;
        size_t size = new->held = request_size(new), n = 0, bytes = 0, all = 0;

        for (const struct request *q = w->asking; q; q = q->next) {
                bool same = q->author.actor.uid == new->author.actor.uid;
                n += same;
                bytes += same ? q->held : 0;
                all += q->held;
        }
        if (!gate_share_has(&asking_places, new->is_member, w->n_asking, n, 1))
                return sd_bus_error_setf(error, ERROR_LIMIT,
                        "%zu writing calls, or %zu of one user, already wait for polkit",
                        gate_share_most(&asking_places, new->is_member), asking_places.of_user);
        if (!gate_share_has(&asking_bytes, new->is_member, all, bytes, size))
                return sd_bus_error_setf(error, ERROR_LIMIT,
                        "this call holds %zu bytes, and at most %zu, or %zu of one user, may wait for polkit",
                        size, gate_share_most(&asking_bytes, new->is_member), asking_bytes.of_user);
        return 0;
}

/* The request waits for the answer, which cancels itself with it. */
static int ask_polkit(struct request *q)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        sd_bus *bus = q->writer->config->bus;

        int r = request_detach(q);
        if (r < 0)
                return r;
        const char *who =
                q->options.on_behalf_of ? q->options.on_behalf_of : sd_bus_message_get_sender(q->m);
        bool interactive = sd_bus_message_get_allow_interactive_authorization(q->m) > 0;
        r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.PolicyKit1",
                "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
                "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(m, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s", who,
                        request_action(q), 0, interactive ? POLKIT_ALLOW_INTERACTION : 0u, "");
        if (r >= 0)
                r = sd_bus_call_async(bus, &q->polkit, m, on_polkit, q, POLKIT_TIMEOUT_USEC);
        if (r < 0)
                return r;
        q->next = q->writer->asking;
        q->writer->asking = q;
        q->writer->n_asking++;
        return 0;
}

/* It ends without an answer: a write that was tried and not done. */
static void drop(struct request *q, const char *why)
{
        unlink_asking(q);
        request_refused(q, why);
        (void)request_free(q);
}

void writer_drop_caller(struct writer *w, const char *name)
{
        for (struct request *q = w->asking, *next; q; q = next) {
                next = q->next;
                if (strcmp(sd_bus_message_get_sender(q->m), name) == 0)
                        drop(q, "the caller hung up before polkit answered");
        }
}

/* ---- Methods ---- */

int writer_write(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(request_freep) struct request *q = NULL;
        struct diag d = { 0 };

        int r = request_new(userdata, m, &q, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = request_judge(q, &d);
        if (r != 0) {
                refuse(q, r, &d);
                return 1;
        }
        switch (decide(q)) {
        case ALLOWED:
                execute(STEAL_PTR(q));
                return 1;
        case DENIED:
                deny(q, "built without polkit");
                return 1;
        case ASK_POLKIT:
                break;
        }
        r = check_room(q, error);
        if (r < 0)
                request_refused(q, "too much waits for polkit");
        else
                r = ask_polkit(q);
        if (r < 0)
                return r;
        q = NULL; /* it waits for the answer */
        return 1;
}

static int reply_preview(
        const struct request *q, sd_bus_message *m, enum verdict access, sd_bus_error *error)
{
        /* What the write itself would be met with. */
        static const char *const words[] = {
                [ALLOWED] = "allowed", [ASK_POLKIT] = "ask-polkit", [DENIED] = "denied"
        };
        _cleanup_message_ sd_bus_message *reply = NULL;
        size_t taken = 0;

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sssuvsts)");
        for (size_t i = 0; r >= 0 && i < q->events.n; i++) {
                r = answer_take(&taken, answer_event_bytes(&q->events.list[i]), error);
                if (r >= 0)
                        r = answer_append_event(reply, &q->events.list[i]);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = gate_take(q->writer->gate, m, taken, error);
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", words[access]);
        if (r >= 0)
                r = append_counts(reply, &q->events.counts);
        if (r >= 0 && (q->is_undo || q->is_restore))
                r = sd_bus_message_append(reply, "ut", q->left_out, q->events.sequence);
        else if (r >= 0)
                r = append_verdict(reply, q->verdict);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* Everything a write does, undone before anybody sees it. Needs no permission, as reading needs none. */
int writer_preview(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct writer *w = userdata;
        _cleanup_(request_freep) struct request *q = NULL;
        struct diag d = { 0 };

        writer_flush(w);
        int r = request_new(w, m, &q, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        enum verdict access = decide(q);
        if (q->n > PREVIEW_CHANGES_MAX && access != ALLOWED) {
                r = sd_bus_error_setf(error, ERROR_TOO_LARGE,
                        "%zu changes, at most %u can be previewed by a user who may not write", q->n,
                        PREVIEW_CHANGES_MAX);
        } else {
                r = request_judge(q, &d);
                if (r == 0)
                        r = request_preview(q, access == ALLOWED ? SIZE_MAX : PREVIEW_BYTES_MAX, &d);
                r = r != 0 ? answer_fail(w->config->registry, r, &d, error)
                           : reply_preview(q, m, access, error);
        }
        w->config->tried(w->config->userdata);
        return r;
}

/* Nothing waits: it was made durable before that was compared. */
int writer_restore(struct writer *w, sd_bus_message *m, struct restoration *copy, sd_bus_error *error)
{
        struct request *q = NULL;
        struct diag d = { 0 };

        int r = request_new_restore(w, m, copy, &q, error);
        if (r <= 0)
                return r;
        if (strcmp(sd_bus_message_get_member(m), "Restore") == 0) {
                execute(q);
                return 1;
        }
        r = request_preview(q, SIZE_MAX, &d);
        r = r != 0 ? answer_fail(w->config->registry, r, &d, error) : reply_preview(q, m, ALLOWED, error);
        (void)request_free(q);
        w->config->tried(w->config->userdata);
        return r;
}

/* ---- Life ---- */

int writer_init(struct writer *w, const struct registry1_config *config, struct gate *gate,
        struct subscriptions *subscriptions, struct refusals *refusals)
{
        *w = (struct writer){
                .config = config, .gate = gate, .subscriptions = subscriptions, .refusals = refusals
        };
        w->waiting_tail = &w->waiting;
        /* After everything else that is ready: the calls that came together share one sync. */
        return loop_deferred_new(sd_bus_get_event(config->bus), SD_EVENT_PRIORITY_IDLE, FLUSH_MOST_USEC,
                on_flush, w, &w->flush);
}

void writer_done(struct writer *w)
{
        writer_flush(w);
        while (w->asking)
                drop(w->asking, "the provider ended before polkit answered");
        w->flush = loop_deferred_free(w->flush);
}
