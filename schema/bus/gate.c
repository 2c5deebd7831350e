/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gate.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/log.h"
#include "../dbus/names.h"
#include "../events/loop.h"

/* How long the user database's word on a user is taken. */
#define MEMBER_USEC UINT64_C(2000000)
/* A message that is larger than its caller may send: as large as the bus lets it be. */
#define LARGE_BYTES (32u * 1024u * 1024u)
/* What such a message costs its user: the bus and the daemon have read it by the time that it is refused. */
#define LARGE_USEC UINT64_C(100000)
#define REFILL_USEC UINT64_C(100000)
/* The largest answer to a call for which nobody has to be known. */
#define UNKNOWN_ROOM (2u * 1024u * 1024u)

struct gate {
        struct gate_config config;
        struct account *account;
        struct callers *callers;
        struct members *members; /* NULL: no group */
        sd_bus_slot *filter;
        sd_event_source *between;   /* its prepare callback runs between two messages */
        sd_event_source *next;      /* lets a call pass at once */
        struct loop_deferred *turn; /* lets one pass that comes after the rest */
        sd_event_source *refill;    /* for those who have to wait until they have time again */
        struct callers_waiting waiting;
        bool is_news;            /* somebody who waits may pass now */
        sd_bus_message *passing; /* it comes out of the bus's queue next */
        bool passing_person;     /* for whom it waited */
        bool waited_for_person;  /* the call that is being worked did */
        sd_bus_message *current; /* the newest call that passed */
        struct caller *current_caller;
        struct caller_user *working; /* whose call is being worked */
        uint64_t working_since;
};

bool gate_is_writer(const struct caller *c)
{
        return c->user->account.is_root || c->user->is_member;
}

/* ---- What may pass ---- */

/* What the answer takes at least, as far as nobody counts it later. */
static size_t answer_bytes(sd_bus_message *m)
{
        return sd_bus_message_get_expect_reply(m) <= 0 ? 0 : ACCOUNT_MESSAGE + account_measure_made(m);
}

enum verdict {
        PASS,
        WAIT,  /* for an answer that has been asked for */
        TURN,  /* for its turn */
        LARGE, /* never */
        FULL,  /* when its caller has read what was sent to it */
};

static void note_member(struct caller_user *u, bool is_member)
{
        u->is_asked = false;
        u->is_member = is_member;
        u->member_until = clock_usec() + MEMBER_USEC;
}

/* Is it known whether the user is an administrator? */
static bool is_looked_up(struct gate *g, struct caller_user *u)
{
        if (u->account.is_root || !g->members)
                return true;
        if (u->member_until > clock_usec())
                return true;
        if (u->is_asked)
                return false;
        int r = members_ask(g->members, u->uid);
        u->is_asked = r >= 0;
        /* Where too many are asked about, there is news when one is answered. */
        if (r >= 0 || r == -ENOBUFS)
                return false;
        log_warning("cannot look up uid %" PRIu32 ": %s; it counts as no member of the group '%s'", u->uid,
                strerror(-r), g->config.group);
        note_member(u, false);
        return true;
}

static enum verdict judge_person(struct gate *g, const char *name)
{
        struct caller *c = callers_find(g->callers, name);

        return !c || (c->state == CALLER_KNOWN && !c->exe_question && is_looked_up(g, c->user)) ? PASS
                                                                                                : WAIT;
}

static enum verdict judge_caller(struct gate *g, struct caller *c, const struct caller_call *h)
{
        struct caller_user *u = c->user;

        if (h->person && judge_person(g, h->person) == WAIT)
                return WAIT;
        if (u->account.is_root && !c->exe_question)
                return PASS;
        enum gate_need need = g->config.need(h->m);
        if (need == GATE_WRITER && c->exe_question)
                return WAIT;
        if (u->account.is_root)
                return PASS;
        if (c->state == CALLER_UNKNOWN && (need != GATE_NOBODY || h->is_large))
                return WAIT;
        if ((need == GATE_WRITER || h->is_large) && !is_looked_up(g, u))
                return WAIT;
        if (u->is_member) {
                /* Whoever is one no more is found out sooner or later, and is not waited for. */
                (void)is_looked_up(g, u);
                return PASS;
        }
        if (h->is_large)
                return LARGE;
        return account_budget_left(&u->budget, clock_usec()) > 0 ? PASS
               : c->state == CALLER_UNKNOWN                      ? WAIT
                                                                 : TURN;
}

/* The next large message comes when the error is there. */
static enum verdict judge_error(
        struct gate *g, struct caller *c, const struct caller_call *h, bool has_errors)
{
        if (has_errors && account_room(&c->account) < ACCOUNT_MESSAGE)
                return WAIT;
        if (!h->is_large || account_budget_left(&c->user->budget, clock_usec()) > 0)
                return TURN;
        if (!loop_timer_runs(g->refill)) {
                int r = loop_timer_start(g->refill, REFILL_USEC);
                if (r < 0) {
                        log_warning(
                                "cannot set a timer: %s; a refused call is answered at once", strerror(-r));
                        return TURN;
                }
        }
        return WAIT;
}

/* Whoever has got enough errors waits until it reads: it is asked. */
static enum verdict judge(struct gate *g, struct caller *c, const struct caller_call *h)
{
        bool has_errors = c->account.errors >= ACCOUNT_ERRORS;

        if (h->error)
                return judge_error(g, c, h, has_errors);
        enum verdict v = judge_caller(g, c, h);
        if (v != PASS && v != TURN)
                return v;
        /* The room of those who are not known is not everybody's. */
        if (c->state == CALLER_UNKNOWN)
                return account_room(&c->account) >= UNKNOWN_ROOM ? PASS : WAIT;
        if (account_room(&c->account) >= answer_bytes(h->m))
                return v;
        return has_errors ? WAIT : FULL;
}

/* The call is worked now. */
static void pass(struct gate *g, struct caller *c, sd_bus_message *m)
{
        g->current = m;
        g->current_caller = c;
        account_sent(&c->account, answer_bytes(m));
        if (!gate_is_writer(c)) {
                g->working = c->user;
                g->working_since = clock_usec();
        }
}

/* ---- Calls that wait ---- */

/* Are there as many already as may wait? */
static bool is_full(const struct gate *g, const struct caller *c, size_t bytes)
{
        const struct caller_user *u = c->user;

        if (g->waiting.bytes + bytes > GATE_HELD_BYTES)
                return true;
        if (gate_is_writer(c))
                return false;
        return c->n_held >= GATE_HELD_OF_CALLER || (c->state == CALLER_KNOWN && u->held_bytes > 0 &&
                                                           u->held_bytes + bytes > GATE_HELD_BYTES_OF_USER);
}

static int hold(struct gate *g, struct caller *c, const struct caller_call *call)
{
        struct caller_call *h = malloc(sizeof(*h));
        if (!h)
                return -ENOMEM;
        *h = *call;
        sd_bus_message_ref(h->m);
        sd_bus_message_ref(h->error);
        g->is_news |= !c->held;
        callers_wait(&g->waiting, c, h, false);
        return 1;
}

/* ---- Calls that end undone ---- */

static void send_error(struct caller *c, sd_bus_message *error)
{
        if (account_room(&c->account) >= ACCOUNT_MESSAGE)
                account_sent(&c->account, ACCOUNT_MESSAGE);
        else if (!account_take_error(&c->account))
                return;
        int r = sd_bus_send(NULL, error, NULL);
        if (r < 0)
                log_debug("cannot answer %s: %s; ignoring", c->name, strerror(-r));
}

/* An error that came at once would make room for the next call at once: that is as good as work. What nobody
 * can be sent without end is not sent; the bus lets nobody wait for that many answers. */
static int refuse(struct gate *g, struct caller *c, sd_bus_message *m, const char *name, const char *text,
        const char *why)
{
        const sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(name, text);
        struct caller_call h = { .bytes = ACCOUNT_MESSAGE, .is_large = strcmp(name, ERROR_TOO_LARGE) == 0 };

        if (g->config.refused && g->config.need(m) == GATE_WRITER)
                g->config.refused(m, &c->actor, why, g->config.userdata);
        if (sd_bus_message_get_expect_reply(m) <= 0)
                return 1;
        int r = sd_bus_message_new_method_error(m, &h.error, &error);
        if (r < 0)
                return r;
        if (c->state == CALLER_GONE || gate_is_writer(c))
                send_error(c, h.error);
        else if (c->user->held_bytes < 2 * GATE_HELD_BYTES_OF_USER || c->state == CALLER_UNKNOWN)
                r = hold(g, c, &h);
        sd_bus_message_unref(h.error);
        return r < 0 ? r : 1;
}

static int refuse_full(struct gate *g, struct caller *c, sd_bus_message *m)
{
        return refuse(g, c, m, ERROR_LIMIT, "too many calls of this client or user wait already",
                "too many calls wait");
}

static int obey(struct gate *g, struct caller *c, const struct caller_call *call, enum verdict verdict)
{
        switch (verdict) {
        case PASS:
                pass(g, c, call->m);
                return 0;
        case LARGE:
                return refuse(g, c, call->m, ERROR_TOO_LARGE,
                        "too many values or bytes in one message of a user who may not write",
                        "the message is too large");
        case FULL:
                return refuse(g, c, call->m, ERROR_LIMIT,
                        "too much that was sent to this user or client has not been read yet",
                        "the caller does not read its answers");
        case WAIT:
        case TURN:
                break;
        }
        return is_full(g, c, call->bytes) ? refuse_full(g, c, call->m) : hold(g, c, call);
}

/* How large the message is. 0, or negative errno: it is not valid, or -ENOMEM. */
static int measure(struct caller_call *call)
{
        static const struct account_size limit = { .values = GATE_VALUES_MAX, .bytes = GATE_BYTES_MAX };
        struct account_size size = { 0 };
        int r = account_measure(call->m, &limit, &size);

        call->is_large = r == 0;
        call->bytes = r == 0 ? LARGE_BYTES : size.bytes + ACCOUNT_MESSAGE;
        return r < 0 ? r : 0;
}

/* The filter: 0: the call is worked now; 1: it waits, or was refused. */
static int on_call(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct gate *g = userdata;
        struct caller *c;
        const char *sender = sd_bus_message_get_sender(m);
        uint8_t type;

        if (sd_bus_message_get_type(m, &type) < 0 || type != SD_BUS_MESSAGE_METHOD_CALL || !sender)
                return 0;
        int r = callers_get(g->callers, sender, &c);
        if (r < 0)
                return r;
        if (m == g->passing) {
                g->passing = NULL;
                g->waited_for_person = g->passing_person;
                g->is_news = true;
                pass(g, c, m);
                return 0;
        }
        g->waited_for_person = false;
        g->current = NULL;
        struct caller_call call = { .m = m };
        if (is_full(g, c, 0))
                return refuse_full(g, c, m);
        r = gate_is_writer(c) ? 0 : measure(&call);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return refuse(g, c, m, SD_BUS_ERROR_INVALID_ARGS, "the message is invalid",
                        "the message is invalid");
        enum verdict verdict = c->held ? WAIT : judge(g, c, &call);
        /* Who makes a single call that needs nobody is never asked for. */
        if (c->state == CALLER_UNKNOWN && (verdict != PASS || c->has_called))
                r = caller_ask(c);
        c->has_called = true;
        return r < 0 ? r : obey(g, c, &call, verdict);
}

/* ---- Whose turn it is ---- */

/* Out of the queue again, and through the filter. */
static void let_pass(struct gate *g, struct caller *c)
{
        struct caller_call *h = callers_take(&g->waiting, c);
        int r = 0;

        if (h->error) {
                g->is_news = true;
                if (h->is_large)
                        account_budget_take(&c->user->budget, LARGE_USEC, clock_usec());
                send_error(c, h->error);
        } else if ((r = sd_bus_enqueue_for_read(g->config.bus, h->m)) < 0) {
                log_warning("cannot resume a call of %s: %s", c->name, strerror(-r));
                (void)refuse(g, c, h->m, SD_BUS_ERROR_FAILED, "the call could not be resumed",
                        "it could not be resumed");
        } else {
                g->passing = h->m;
                g->passing_person = h->person;
        }
        (void)caller_call_free(h);
}

/* Whoever may pass at once; else *ret_turn has used the least time of those who wait for their turn. */
static struct caller *choose(struct gate *g, struct caller **ret_turn)
{
        struct caller *turn = NULL;

        for (struct caller *c = g->waiting.first, *next; c; c = next) {
                next = c->next;
                enum verdict v = judge(g, c, c->held);
                if (v == PASS)
                        return c;
                if (v == LARGE || v == FULL) {
                        struct caller_call *h = callers_take(&g->waiting, c);
                        (void)obey(g, c, h, v);
                        (void)caller_call_free(h);
                }
                if (v == TURN && (!turn || c->user->budget.left > turn->user->budget.left))
                        turn = c;
        }
        *ret_turn = turn;
        return NULL;
}

/* What a call took is known when the next one is to come. */
static int on_between(_unused_ sd_event_source *source, void *userdata)
{
        struct gate *g = userdata;
        struct caller *turn = NULL;

        if (g->working) {
                uint64_t now = clock_usec();
                account_budget_take(&g->working->budget, now - g->working_since, now);
                g->working = NULL;
        }
        if (!g->is_news || g->passing)
                return 0;
        g->is_news = false;
        if (choose(g, &turn))
                return sd_event_source_set_enabled(g->next, SD_EVENT_ONESHOT);
        return turn ? loop_deferred_start(g->turn) : 0;
}

static int on_refill(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        struct gate *g = userdata;

        g->is_news = true;
        return 0;
}

static int on_next(_unused_ sd_event_source *source, void *userdata)
{
        struct gate *g = userdata;
        struct caller *turn, *c = g->passing ? NULL : choose(g, &turn);

        if (c)
                let_pass(g, c);
        return 0;
}

static void on_turn(void *userdata)
{
        struct gate *g = userdata;
        struct caller *turn = NULL, *c = g->passing ? NULL : choose(g, &turn);

        if (c || turn)
                let_pass(g, c ? c : turn);
}

/* ---- Callers ---- */

/* Its calls are answered only if it is the bus that does not say who it is: else nobody waits. */
static void drop_held(struct gate *g, struct caller *c)
{
        while (c->held) {
                struct caller_call *h = callers_take(&g->waiting, c);
                if (h->m)
                        (void)refuse(g, c, h->m, SD_BUS_ERROR_ACCESS_DENIED,
                                "the bus does not say who calls",
                                "the caller hung up before its call was handled");
                (void)caller_call_free(h);
        }
}

static void on_caller(struct caller *c, void *userdata)
{
        struct gate *g = userdata;

        g->is_news = true;
        if (c->state != CALLER_GONE)
                return;
        if (g->current_caller == c)
                g->current = NULL;
        drop_held(g, c);
        if (g->config.gone)
                g->config.gone(c, g->config.userdata);
}

static void on_read(struct account_client *client, bool lost, void *userdata)
{
        struct gate *g = userdata;

        g->is_news = true;
        if (g->config.read)
                g->config.read(callers_find(g->callers, client->name), lost, g->config.userdata);
}

static void on_member(uint32_t uid, bool is_member, void *userdata)
{
        struct gate *g = userdata;
        struct caller_user *u = callers_user(g->callers, uid);

        g->is_news = true;
        if (u)
                note_member(u, is_member);
}

/* ---- For who works the calls ---- */

struct caller *gate_caller(struct gate *g, sd_bus_message *m)
{
        if (m == g->current)
                return g->current_caller;
        const char *sender = sd_bus_message_get_sender(m);
        return sender ? callers_find(g->callers, sender) : NULL;
}

void gate_took(struct gate *g, sd_bus_message *m, uint64_t since)
{
        struct caller *c = gate_caller(g, m);
        const uint64_t now = clock_usec();

        if (c && !gate_is_writer(c))
                account_budget_take(&c->user->budget, now - since, now);
}

/* The rest of its sender's calls wait behind it. */
static int hold_for_person(struct gate *g, struct caller *c, sd_bus_message *m, const char *name)
{
        struct caller_call *h = malloc(sizeof(*h));
        char *person = strdup(name);

        if (!h || !person) {
                free(h);
                free(person);
                return -ENOMEM;
        }
        *h = (struct caller_call){ .m = sd_bus_message_ref(m), .person = person };
        callers_wait(&g->waiting, c, h, true);
        return 0;
}

int gate_person(struct gate *g, sd_bus_message *m, const char *name, struct caller **ret)
{
        struct caller *c = gate_caller(g, m), *person = callers_find(g->callers, name);

        if (!c || (!person && g->waited_for_person))
                return -ESRCH;
        int r = callers_get(g->callers, name, &person);
        if (r >= 0)
                r = caller_ask(person);
        if (r < 0)
                return r;
        if (judge_person(g, name) == WAIT)
                return hold_for_person(g, c, m, name);
        *ret = person;
        return 1;
}

int gate_take(struct gate *g, sd_bus_message *m, size_t bytes, sd_bus_error *error)
{
        struct caller *c = gate_caller(g, m);

        if (c && bytes > account_room(&c->account)) {
                account_ask(&c->account);
                return sd_bus_error_setf(error, ERROR_LIMIT,
                        "too much that was sent to this user or client has not been read yet: there is no room "
                        "for an answer of %zu bytes",
                        bytes);
        }
        gate_answered(g, m, bytes);
        return 0;
}

void gate_answered(struct gate *g, sd_bus_message *m, size_t bytes)
{
        struct caller *c = gate_caller(g, m);

        if (c)
                account_sent(&c->account, bytes);
}

/* ---- The whole ---- */

static int add_sources(struct gate *g, sd_event *event)
{
        /* It never fires. */
        int r = sd_event_add_time(event, &g->between, CLOCK_MONOTONIC, UINT64_MAX, 0, NULL, g);
        if (r >= 0)
                r = sd_event_source_set_prepare(g->between, on_between);
        if (r >= 0)
                r = sd_event_add_defer(event, &g->next, on_next, g);
        if (r >= 0)
                r = sd_event_source_set_enabled(g->next, SD_EVENT_OFF);
        /* What came in before is not kept waiting by what comes in now. */
        if (r >= 0)
                r = sd_event_source_set_priority(g->next, SD_EVENT_PRIORITY_NORMAL - 1);
        if (r >= 0)
                r = loop_timer_new(event, REFILL_USEC / 10, on_refill, g, &g->refill);
        /* Behind what root's writes wait for. */
        return r < 0 ? r
                     : loop_deferred_new(
                               event, SD_EVENT_PRIORITY_IDLE + 1, GATE_TURN_USEC, on_turn, g, &g->turn);
}

int gate_new(const struct gate_config *config, struct gate **ret)
{
        sd_event *event = sd_bus_get_event(config->bus);
        struct gate *g = calloc(1, sizeof(*g));
        if (!g)
                return -ENOMEM;
        g->config = *config;

        int r = add_sources(g, event);
        if (r >= 0)
                r = account_new(config->bus, on_read, g, &g->account);
        if (r >= 0)
                r = callers_new(config->bus, config->exe_reader, g->account, on_caller, g, &g->callers);
        if (r >= 0 && config->group[0])
                r = members_new(event, config->group, on_member, g, &g->members);
        if (r >= 0)
                r = sd_bus_add_filter(config->bus, &g->filter, on_call, g);
        if (r < 0) {
                (void)gate_free(g);
                return r;
        }
        *ret = g;
        return 0;
}

struct gate *gate_free(struct gate *g)
{
        if (!g)
                return NULL;
        sd_bus_slot_unref(g->filter);
        while (g->waiting.first)
                (void)caller_call_free(callers_take(&g->waiting, g->waiting.first));
        g->callers = callers_free(g->callers);
        g->account = account_free(g->account);
        g->members = members_free(g->members);
        sd_event_source_disable_unref(g->between);
        sd_event_source_disable_unref(g->next);
        sd_event_source_disable_unref(g->refill);
        g->turn = loop_deferred_free(g->turn);
        free(g);
        return NULL;
}
