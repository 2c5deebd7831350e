/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "subscriptions.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/base/hashmap.h"
#include "../../schema/bus/cleanup.h"
#include "../../schema/dbus/names.h"
#include "answer.h"

/* Of so many events in one transaction, or of more bytes than a message may have, none is kept. */
#define TOPIC_EVENTS_MAX 256u

struct subscription {
        uint64_t id;
        struct caller *caller;
        struct subscription *next, *prev; /* of the caller */
        struct path path;
        bool subtree;
        bool unchanged;
        bool overflowed; /* it missed something: an overflow event is due */
        struct topic *topic;
        struct subscription *topic_next, *topic_prev;
};

/* What is subscribed to: subscriptions that hear the same share it. */
struct topic {
        const struct path *path;    /* its first subscription's */
        struct subscription *first; /* the others follow by `topic_next` */
        bool subtree;
        bool unchanged;
        struct topic *next; /* of the same path */

        /* What one transaction means to it, from topics_gather() to topics_scatter(). */
        const struct registry_event **events; /* NULL when it is too much */
        size_t n;
        size_t bytes;
        bool is_gathered;
        bool too_much;
        struct topic *next_gathered;
};

/* Found by path: an event costs its own depth and the topics that it concerns, whatever else there is. */
struct topics {
        struct hashmap by_path; /* first of each path's chain */
        struct topic **list;    /* all, in the order of paths: what is below a path follows it */
        size_t n;
};

struct subscriptions {
        sd_bus *bus;
        struct topics topics;
        size_t n;
        size_t paths; /* bytes of all users but root */
        uint64_t last_id;
};

/* ---- Topics by path ---- */

struct span {
        const char *s;
        size_t len;
};

static uint32_t path_hash(const char *s, size_t len)
{
        return fold_hash(s, len, hashmap_seed());
}

static bool path_matches(const void *entry, const void *key)
{
        const struct topic *topic = entry;
        const struct span *span = key;
        return fold_equal(topic->path->text, topic->path->len, span->s, span->len);
}

static struct topic *topics_at(const struct topics *t, const char *path, size_t len)
{
        const struct span span = { path, len };
        return hashmap_get(&t->by_path, path_hash(path, len), path_matches, &span);
}

static size_t component_length(const char *s, size_t len)
{
        const char *end = memchr(s, '\\', len);
        return end ? (size_t)(end - s) : len;
}

/* Component by component: a name that sorts before the separator must not come between a path and what is
 * below it. `at_or_below`: whether a is b or below it. */
static int path_compare(const char *a, size_t a_len, const char *b, size_t b_len, bool *at_or_below)
{
        *at_or_below = false;
        for (;;) {
                size_t a_name = component_length(a, a_len), b_name = component_length(b, b_len);
                int r = fold_compare(a, a_name, b, b_name);
                if (r != 0)
                        return r;
                *at_or_below = b_name == b_len;
                if (a_name == a_len || b_name == b_len)
                        return (a_name < a_len) - (b_name < b_len);
                a += a_name + 1, a_len -= a_name + 1;
                b += b_name + 1, b_len -= b_name + 1;
        }
}

/* The first place at or after `from` that is not before the path or, with `past_below`, not at or below it
 * either. */
static size_t place_of(const struct topics *t, size_t from, const char *path, size_t len, bool past_below)
{
        size_t to = t->n;

        while (from < to) {
                size_t middle = from + (to - from) / 2;
                bool is_below;
                int r = path_compare(
                        t->list[middle]->path->text, t->list[middle]->path->len, path, len, &is_below);
                if (r < 0 || (past_below && is_below))
                        from = middle + 1;
                else
                        to = middle;
        }
        return from;
}

static struct topic *same_topic(struct topic *chain, const struct subscription *sub)
{
        while (chain && (chain->subtree != sub->subtree || chain->unchanged != sub->unchanged))
                chain = chain->next;
        return chain;
}

static int list_insert(struct topics *t, struct topic *topic)
{
        if (array_grow(&t->list, t->n, sizeof(struct topic *)) < 0)
                return -ENOMEM;
        size_t at = place_of(t, 0, topic->path->text, topic->path->len, false);
        memmove(t->list + at + 1, t->list + at, (t->n - at) * sizeof(struct topic *));
        t->list[at] = topic;
        t->n++;
        return 0;
}

static void list_remove(struct topics *t, const struct topic *topic)
{
        size_t at = place_of(t, 0, topic->path->text, topic->path->len, false);

        while (t->list[at] != topic)
                at++;
        t->n--;
        memmove(t->list + at, t->list + at + 1, (t->n - at) * sizeof(struct topic *));
}

static int topic_new(struct topics *t, struct topic *chain, struct subscription *sub, struct topic **ret)
{
        struct topic *topic = calloc(1, sizeof(*topic));
        if (!topic)
                return -ENOMEM;
        topic->path = &sub->path;
        topic->subtree = sub->subtree;
        topic->unchanged = sub->unchanged;
        int r = list_insert(t, topic);
        if (r == 0 && !chain) {
                r = hashmap_put(&t->by_path, path_hash(sub->path.text, sub->path.len), topic);
                if (r < 0)
                        list_remove(t, topic);
        }
        if (r < 0) {
                free(topic);
                return r;
        }
        if (chain) {
                topic->next = chain->next;
                chain->next = topic;
        }
        *ret = topic;
        return 0;
}

static int topics_add(struct topics *t, struct subscription *sub)
{
        struct topic *chain = topics_at(t, sub->path.text, sub->path.len);
        struct topic *topic = same_topic(chain, sub);

        if (!topic) {
                int r = topic_new(t, chain, sub, &topic);
                if (r < 0)
                        return r;
        }
        /* At the front: the topic's path is borrowed from there. */
        sub->topic = topic;
        sub->topic_next = topic->first;
        if (topic->first)
                topic->first->topic_prev = sub;
        topic->first = sub;
        topic->path = &sub->path;
        return 0;
}

static void unlink_chain(struct topics *t, struct topic *topic)
{
        const struct path *p = topic->path;
        struct topic *first = topics_at(t, p->text, p->len);

        if (first == topic && topic->next)
                (void)hashmap_replace(&t->by_path, path_hash(p->text, p->len), topic, topic->next);
        else if (first == topic)
                (void)hashmap_remove(&t->by_path, path_hash(p->text, p->len), topic);
        else {
                while (first->next != topic)
                        first = first->next;
                first->next = topic->next;
        }
}

static void topics_remove(struct topics *t, struct subscription *sub)
{
        struct topic *topic = sub->topic;

        if (sub->topic_next)
                sub->topic_next->topic_prev = sub->topic_prev;
        if (sub->topic_prev) {
                sub->topic_prev->topic_next = sub->topic_next;
                return;
        }
        if (sub->topic_next) {
                topic->first = sub->topic_next;
                topic->path = &sub->topic_next->path;
                return;
        }
        unlink_chain(t, topic);
        list_remove(t, topic);
        free(topic);
}

static void topics_done(struct topics *t)
{
        for (size_t i = 0; i < t->n; i++)
                free(t->list[i]);
        free(t->list);
        hashmap_done(&t->by_path);
        *t = (struct topics){ 0 };
}

/* ---- Which of a transaction's events concern which topic ---- */

struct gathering {
        struct topics *topics;
        struct topic **tail;
};

static int keep(struct topic *topic, const struct registry_event *e)
{
        if (topic->n >= TOPIC_EVENTS_MAX || answer_take(&topic->bytes, answer_event_bytes(e), NULL) < 0)
                return -EMSGSIZE;
        if (array_grow(&topic->events, topic->n, sizeof(const struct registry_event *)) < 0)
                return -ENOMEM;
        topic->events[topic->n++] = e;
        return 0;
}

static void hear(struct gathering *g, struct topic *topic, const struct registry_event *e)
{
        if (topic->too_much || (e->kind == EVENT_VALUE_UNCHANGED && !topic->unchanged))
                return;
        /* A key that is gone is both where the topic is and above it. */
        if (topic->n > 0 && topic->events[topic->n - 1] == e)
                return;
        if (!topic->is_gathered) {
                topic->is_gathered = true;
                *g->tail = topic;
                g->tail = &topic->next_gathered;
        }
        if (keep(topic, e) < 0) {
                free(topic->events);
                topic->events = NULL;
                topic->n = 0;
                topic->too_much = true;
        }
}

/* Those of the key itself, then those who asked for all below a key above it. */
static void hear_upwards(struct gathering *g, const struct registry_event *e)
{
        size_t len = strlen(e->path);

        for (bool is_above = false;; is_above = true) {
                for (struct topic *x = topics_at(g->topics, e->path, len); x; x = x->next)
                        if (!is_above || x->subtree)
                                hear(g, x, e);
                while (len > 0 && e->path[len - 1] != '\\')
                        len--;
                if (len == 0)
                        return;
                len--;
        }
}

static void hear_below(struct gathering *g, const char *path, size_t len, const struct registry_event *e)
{
        const struct topics *t = g->topics;
        size_t from = place_of(t, 0, path, len, false), end = place_of(t, from, path, len, true);

        for (size_t i = from; i < end; i++)
                hear(g, t->list[i], e);
}

/* With a key go, or come back when it was hidden, all that are in it. */
static void hear_downwards(struct gathering *g, const struct registry_event *e)
{
        if (e->kind == EVENT_KEY_DELETED)
                hear_below(g, e->path, strlen(e->path), e);
        if (e->kind != EVENT_SUBKEY_CREATED)
                return;
        _cleanup_buf_ struct buf child = BUF_INIT;
        buf_printf(&child, "%s\\%s", e->path, e->name);
        if (child.error == 0)
                hear_below(g, buf_str(&child), child.len, e);
        else
                hear_below(g, e->path, strlen(e->path), e);
}

static struct topic *topics_gather(struct topics *t, const struct registry_events *events)
{
        struct topic *first = NULL;
        struct gathering g = { .topics = t, .tail = &first };

        for (size_t i = 0; i < events->n; i++) {
                hear_upwards(&g, &events->list[i]);
                hear_downwards(&g, &events->list[i]);
        }
        return first;
}

static void topics_scatter(struct topic *first)
{
        for (struct topic *x = first, *next; x; x = next) {
                next = x->next_gathered;
                free(x->events);
                x->events = NULL;
                x->n = 0;
                x->bytes = 0;
                x->is_gathered = false;
                x->too_much = false;
                x->next_gathered = NULL;
        }
}

/* ---- Subscriptions ---- */

int subscriptions_new(sd_bus *bus, struct subscriptions **ret)
{
        struct subscriptions *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->bus = sd_bus_ref(bus);
        *ret = s;
        return 0;
}

static void subscription_link(struct subscriptions *s, struct subscription *sub)
{
        struct caller *c = sub->caller;
        size_t bytes = path_bytes(&sub->path);

        sub->next = c->subscriptions;
        if (sub->next)
                sub->next->prev = sub;
        c->subscriptions = sub;
        c->n_subscriptions++;
        c->user->subscriptions++;
        c->user->subscribed_bytes += bytes;
        s->paths += c->user->account.is_root ? 0 : bytes;
        s->n++;
}

static void subscription_free(struct subscriptions *s, struct subscription *sub)
{
        struct caller *c = sub->caller;
        size_t bytes = path_bytes(&sub->path);

        topics_remove(&s->topics, sub);
        if (sub->prev)
                sub->prev->next = sub->next;
        else
                c->subscriptions = sub->next;
        if (sub->next)
                sub->next->prev = sub->prev;
        c->n_subscriptions--;
        c->user->subscriptions--;
        c->user->subscribed_bytes -= bytes;
        s->paths -= c->user->account.is_root ? 0 : bytes;
        s->n--;
        path_done(&sub->path);
        free(sub);
}

struct subscriptions *subscriptions_free(struct subscriptions *s)
{
        if (!s)
                return NULL;
        while (s->topics.n > 0)
                subscription_free(s, s->topics.list[s->topics.n - 1]->first);
        topics_done(&s->topics);
        sd_bus_unref(s->bus);
        free(s);
        return NULL;
}

size_t subscriptions_count(const struct subscriptions *s)
{
        return s->n;
}

static int check_limits(
        const struct subscriptions *s, const struct caller *c, size_t bytes, sd_bus_error *error)
{
        const struct caller_user *u = c->user;

        if (c->n_subscriptions >= SUBSCRIPTIONS_PER_CLIENT_MAX)
                return sd_bus_error_setf(error, ERROR_LIMIT,
                        "this client has %u subscriptions already, the most that one may have",
                        SUBSCRIPTIONS_PER_CLIENT_MAX);
        if (u->account.is_root)
                return 0;
        if (s->n >= SUBSCRIPTIONS_MAX)
                return sd_bus_error_setf(error, ERROR_LIMIT,
                        "there are %u subscriptions already, the most that are served", SUBSCRIPTIONS_MAX);
        if (u->subscriptions >= SUBSCRIPTIONS_PER_USER_MAX)
                return sd_bus_error_setf(error, ERROR_LIMIT,
                        "uid %u has %u subscriptions already, the most that one user may have", u->uid,
                        SUBSCRIPTIONS_PER_USER_MAX);
        if (s->paths + bytes > SUBSCRIPTION_PATHS_MAX)
                return sd_bus_error_setf(error, ERROR_LIMIT,
                        "the keys that are subscribed to have %zu bytes already, of %u that are served",
                        s->paths, SUBSCRIPTION_PATHS_MAX);
        if (u->subscribed_bytes + bytes > SUBSCRIPTION_PATHS_PER_USER_MAX)
                return sd_bus_error_setf(error, ERROR_LIMIT,
                        "the keys that uid %u subscribed to have %zu bytes already, of %u that one user may have",
                        u->uid, u->subscribed_bytes, SUBSCRIPTION_PATHS_PER_USER_MAX);
        return 0;
}

int subscriptions_add(struct subscriptions *s, struct caller *caller, struct path *path, bool subtree,
        bool unchanged, uint64_t *ret_id, sd_bus_error *error)
{
        int r = check_limits(s, caller, path_bytes(path), error);
        if (r < 0)
                return r;
        struct subscription *sub = malloc(sizeof(*sub));
        if (!sub)
                return -ENOMEM;
        *sub = (struct subscription){ .id = s->last_id + 1,
                .caller = caller,
                .path = *path,
                .subtree = subtree,
                .unchanged = unchanged };
        r = topics_add(&s->topics, sub);
        if (r < 0) {
                free(sub);
                return r;
        }
        *path = (struct path){ 0 };
        subscription_link(s, sub);
        *ret_id = s->last_id = sub->id;
        return 0;
}

bool subscriptions_remove(struct subscriptions *s, struct caller *caller, uint64_t id)
{
        struct subscription *sub = caller->subscriptions;

        while (sub && sub->id != id)
                sub = sub->next;
        if (sub)
                subscription_free(s, sub);
        return sub != NULL;
}

void subscriptions_drop_caller(struct subscriptions *s, struct caller *caller)
{
        while (caller->subscriptions)
                subscription_free(s, caller->subscriptions);
}

/* ---- Changed signals ---- */

/* Does the client read, so that so many bytes may be sent to it? */
static bool has_room(const struct caller *c, size_t bytes)
{
        return c->account.signals < SUBSCRIPTION_WINDOW && bytes <= account_room(&c->account);
}

static int append_overflow(sd_bus_message *m, const struct path *path)
{
        return sd_bus_message_append(
                m, "(sssuvs)", "overflow", path->text, "", (uint32_t)REG_NONE, "ay", 0, "");
}

/* What has come to the topic; NULL: that something was missed. */
static int send_changed(struct subscriptions *s, const struct subscription *sub, const struct topic *topic,
        uint64_t sequence, const struct store_author *author)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = sd_bus_message_new_signal(s->bus, &m, REGISTRY_PATH, REGISTRY_INTERFACE, "Changed");
        if (r >= 0)
                r = sd_bus_message_set_destination(m, sub->caller->name);
        if (r >= 0)
                r = sd_bus_message_append(m, "tt", sub->id, topic ? sequence : 0);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && topic)
                r = answer_append_author(m, author);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sssuvs)");
        if (r >= 0 && !topic)
                r = append_overflow(m, &sub->path);
        for (size_t i = 0; r >= 0 && topic && i < topic->n; i++)
                r = answer_append_event(m, topic->events[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        if (r >= 0)
                account_sent_signal(&sub->caller->account, ACCOUNT_MESSAGE + (topic ? topic->bytes : 0));
        return r;
}

/* Those who missed something are asked to read again, as soon as their client reads. */
void subscriptions_caller_reads(struct subscriptions *s, struct caller *caller, bool lost)
{
        struct subscription *sub = caller->subscriptions;

        for (; sub && (lost || has_room(caller, ACCOUNT_MESSAGE)); sub = sub->next)
                if (lost)
                        sub->overflowed = true;
                else if (sub->overflowed && send_changed(s, sub, NULL, 0, NULL) >= 0)
                        sub->overflowed = false;
}

static void deliver(struct subscriptions *s, struct subscription *sub, const struct topic *topic,
        uint64_t sequence, const struct store_author *author)
{
        int r = -ENOBUFS;

        if (sub->overflowed)
                return;
        if (!topic->too_much && has_room(sub->caller, ACCOUNT_MESSAGE + topic->bytes))
                r = send_changed(s, sub, topic, sequence, author);
        else if (has_room(sub->caller, ACCOUNT_MESSAGE))
                r = send_changed(s, sub, NULL, 0, NULL);
        if (r < 0) {
                sub->overflowed = true;
                account_ask(&sub->caller->account);
        }
}

void subscriptions_dispatch(
        struct subscriptions *s, const struct registry_events *events, const struct store_author *author)
{
        if (s->n == 0)
                return;
        struct topic *first = topics_gather(&s->topics, events);
        for (const struct topic *x = first; x; x = x->next_gathered)
                for (struct subscription *sub = x->first; sub; sub = sub->topic_next)
                        deliver(s, sub, x, events->sequence, author);
        topics_scatter(first);
}
