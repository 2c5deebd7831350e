/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "subscriptions.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/bus/cleanup.h"
#include "../../schema/dbus/names.h"
#include "answer.h"
#include "topics.h"

/* Where a subscription listens: at a link on its way, or at the key that it is about. */
struct post {
        struct topic_listener listener;
        struct subscription *of;
        bool is_link;
};

struct subscription {
        uint64_t id;
        struct caller *caller;
        struct subscription *next, *prev; /* of the caller */
        struct subscription_wish wish;
        struct path path;   /* as it was asked for; empty: as the key's, there are no links */
        struct post *posts; /* of the links, in their order, and, unless they lead nowhere, of the key */
        size_t n_posts;
        size_t bytes;    /* of all these paths */
        bool overflowed; /* it missed something: an overflow event is due */
        bool is_stale;   /* its way may be another one now */
        struct subscription *next_stale;
};

struct subscriptions {
        sd_bus *bus;
        const struct registry *registry;
        struct topics topics;
        size_t n;
        size_t others, paths; /* of all users but root: how many, and bytes */
        uint64_t last_id;
};

/* ---- Where a subscription listens ---- */

static void posts_free(struct post *posts, size_t n)
{
        for (size_t i = 0; i < n; i++)
                path_done(&posts[i].listener.path);
        free(posts);
}

static size_t posts_bytes(const struct post *posts, size_t n)
{
        size_t bytes = 0;

        for (size_t i = 0; i < n; i++)
                bytes += path_bytes(&posts[i].listener.path);
        return bytes;
}

static int post_new(struct post *post, const char *path, const struct subscription_wish *w, bool is_link)
{
        *post = (struct post){ .listener = { .subtree = w->subtree && !is_link,
                                       .unchanged = w->unchanged && !is_link },
                .is_link = is_link };
        return path_parse(path, strlen(path), path_any_hive, NULL, &post->listener.path, NULL);
}

/* Behind a link that cannot be followed nothing is heard but what becomes of it. What cannot be followed for
 * another reason is listened to: it may be mended there. 0, or a negative errno. */
static int find_posts(const struct subscriptions *s, const struct path *path,
        const struct subscription_wish *w, struct post **ret, size_t *ret_n)
{
        _cleanup_way_ struct registry_way way = { 0 };
        size_t n = 0;

        const int found = registry_follow(s->registry, path, w->of_link, &way, NULL);
        if (found < 0)
                return found;
        struct post *posts = calloc(way.n + 1, sizeof(*posts));
        int r = posts ? 0 : -ENOMEM;
        for (; r == 0 && n < way.n; n++)
                r = post_new(&posts[n], way.links[n].path, w, true);
        if (r == 0 && found != REGISTRY_BAD_LINK && found != REGISTRY_LINK_LOOP)
                r = post_new(&posts[n++], way.path->text, w, false);
        if (r < 0) {
                posts_free(posts, n);
                return r;
        }
        *ret = posts;
        *ret_n = n;
        return 0;
}

static void leave(struct subscriptions *s, struct post *posts, size_t n)
{
        for (size_t i = 0; i < n; i++)
                topics_remove(&s->topics, &posts[i].listener);
}

static int enter(struct subscriptions *s, struct subscription *sub, struct post *posts, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                posts[i].of = sub;
                int r = topics_add(&s->topics, &posts[i].listener);
                if (r < 0) {
                        leave(s, posts, i);
                        return r;
                }
        }
        return 0;
}

/* ---- Subscriptions ---- */

int subscriptions_new(sd_bus *bus, const struct registry *registry, struct subscriptions **ret)
{
        struct subscriptions *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->bus = sd_bus_ref(bus);
        s->registry = registry;
        *ret = s;
        return 0;
}

static const struct path *path_of(const struct subscription *sub)
{
        return sub->path.n > 0 ? &sub->path : &sub->posts[sub->n_posts - 1].listener.path;
}

static void count_bytes(struct subscriptions *s, struct subscription *sub, size_t bytes)
{
        struct caller_user *u = sub->caller->user;

        u->subscribed_bytes += bytes - sub->bytes;
        s->paths += u->account.is_root ? 0 : bytes - sub->bytes;
        sub->bytes = bytes;
}

static void subscription_link(struct subscriptions *s, struct subscription *sub)
{
        struct caller *c = sub->caller;

        sub->next = c->subscriptions;
        if (sub->next)
                sub->next->prev = sub;
        c->subscriptions = sub;
        c->n_subscriptions++;
        c->user->subscriptions++;
        s->others += !c->user->account.is_root;
        s->n++;
}

static void subscription_free(struct subscriptions *s, struct subscription *sub)
{
        struct caller *c = sub->caller;

        leave(s, sub->posts, sub->n_posts);
        posts_free(sub->posts, sub->n_posts);
        if (sub->prev)
                sub->prev->next = sub->next;
        else
                c->subscriptions = sub->next;
        if (sub->next)
                sub->next->prev = sub->prev;
        c->n_subscriptions--;
        c->user->subscriptions--;
        s->others -= !c->user->account.is_root;
        count_bytes(s, sub, 0);
        s->n--;
        path_done(&sub->path);
        free(sub);
}

struct subscriptions *subscriptions_free(struct subscriptions *s)
{
        if (!s)
                return NULL;
        while (s->topics.tree)
                subscription_free(s, ((struct post *)s->topics.tree->first)->of);
        topics_done(&s->topics);
        sd_bus_unref(s->bus);
        free(s);
        return NULL;
}

size_t subscriptions_count(const struct subscriptions *s)
{
        return s->n;
}

/* Of the user's paths some had `before` bytes that have `bytes` now. As much as a user has is left to the
 * others, so that no few users take all. */
static int check_bytes(const struct subscriptions *s, const struct caller_user *u, size_t before,
        size_t bytes, sd_bus_error *error)
{
        const size_t own = u->subscribed_bytes - before + bytes;

        if (u->account.is_root || bytes <= before)
                return 0;
        if (s->paths - before + bytes + own > SUBSCRIPTION_PATHS_MAX)
                return sd_bus_error_setf(error, ERROR_LIMIT,
                        "the keys that are subscribed to have %zu bytes already, of %u, and those of uid %u %zu: as "
                        "many are left to the others",
                        s->paths, SUBSCRIPTION_PATHS_MAX, u->uid, u->subscribed_bytes);
        if (own > SUBSCRIPTION_PATHS_PER_USER_MAX)
                return sd_bus_error_setf(error, ERROR_LIMIT,
                        "the keys that uid %u subscribed to have %zu bytes already, of %u that one user may have",
                        u->uid, u->subscribed_bytes, SUBSCRIPTION_PATHS_PER_USER_MAX);
        return 0;
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
        if (s->others + u->subscriptions >= SUBSCRIPTIONS_MAX)
                return sd_bus_error_setf(error, ERROR_LIMIT,
                        "there are %zu subscriptions already, of %u, and %zu are of uid %u: as many are left to "
                        "the others",
                        s->others, SUBSCRIPTIONS_MAX, u->subscriptions, u->uid);
        if (u->subscriptions >= SUBSCRIPTIONS_PER_USER_MAX)
                return sd_bus_error_setf(error, ERROR_LIMIT,
                        "uid %u has %u subscriptions already, the most that one user may have", u->uid,
                        SUBSCRIPTIONS_PER_USER_MAX);
        return check_bytes(s, u, 0, bytes, error);
}

int subscriptions_add(struct subscriptions *s, struct caller *caller, struct path *path,
        const struct subscription_wish *wish, uint64_t *ret_id, sd_bus_error *error)
{
        struct post *posts;
        size_t n;

        int r = find_posts(s, path, wish, &posts, &n);
        if (r < 0)
                return r;
        const bool has_links = posts[0].is_link;
        const size_t bytes = posts_bytes(posts, n) + (has_links ? path_bytes(path) : 0);
        struct subscription *sub = calloc(1, sizeof(*sub));
        r = check_limits(s, caller, bytes, error);
        if (r == 0)
                r = sub ? enter(s, sub, posts, n) : -ENOMEM;
        if (r < 0) {
                posts_free(posts, n);
                free(sub);
                return r;
        }
        *sub = (struct subscription){
                .id = s->last_id + 1, .caller = caller, .wish = *wish, .posts = posts, .n_posts = n
        };
        if (has_links)
                sub->path = *path;
        else
                path_done(path);
        *path = (struct path){ 0 };
        subscription_link(s, sub);
        count_bytes(s, sub, bytes);
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

static int begin_signal(
        struct subscriptions *s, const struct subscription *sub, uint64_t sequence, sd_bus_message **ret)
{
        int r = sd_bus_message_new_signal(s->bus, ret, REGISTRY_PATH, REGISTRY_INTERFACE, "Changed");
        if (r >= 0)
                r = sd_bus_message_set_destination(*ret, sub->caller->name);
        return r < 0 ? r : sd_bus_message_append(*ret, "tt", sub->id, sequence);
}

static int send_signal(const struct subscription *sub, sd_bus_message *m, size_t bytes)
{
        int r = sd_bus_send(NULL, m, NULL);
        if (r >= 0)
                account_sent_signal(&sub->caller->account, ACCOUNT_MESSAGE + bytes);
        return r;
}

static int send_changed(struct subscriptions *s, const struct subscription *sub, const struct topic *topic,
        uint64_t sequence, const struct store_author *author)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int r = begin_signal(s, sub, sequence, &m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = answer_append_author(m, author);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sssuvsts)");
        for (size_t i = 0; r >= 0 && i < topic->n; i++)
                r = answer_append_event(m, topic->events[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : send_signal(sub, m, topic->bytes);
}

/* "overflow": something was missed; "ended": nothing more is heard. */
static int send_word(struct subscriptions *s, const struct subscription *sub, const char *word)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const struct path *path = path_of(sub);

        int r = begin_signal(s, sub, 0, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}a(sssuvsts)", 0, 1, word, path->text, "",
                        (uint32_t)REG_NONE, "ay", 0, "", UINT64_C(0), "");
        return r < 0 ? r : send_signal(sub, m, path->len);
}

/* Those who missed something are asked to read again, as soon as their client reads. */
void subscriptions_caller_reads(struct subscriptions *s, struct caller *caller, bool lost)
{
        struct subscription *sub = caller->subscriptions;

        for (; sub && (lost || has_room(caller, ACCOUNT_MESSAGE)); sub = sub->next)
                if (lost)
                        sub->overflowed = true;
                else if (sub->overflowed && send_word(s, sub, "overflow") >= 0)
                        sub->overflowed = false;
}

static void note_sent(struct subscription *sub, int r)
{
        sub->overflowed = r < 0;
        if (r < 0)
                account_ask(&sub->caller->account);
}

static int send_overflow(struct subscriptions *s, const struct subscription *sub)
{
        return has_room(sub->caller, ACCOUNT_MESSAGE) ? send_word(s, sub, "overflow") : -ENOBUFS;
}

static void deliver(struct subscriptions *s, struct subscription *sub, const struct topic *topic,
        uint64_t sequence, const struct store_author *author)
{
        if (sub->overflowed)
                return;
        if (!topic->too_much && has_room(sub->caller, ACCOUNT_MESSAGE + topic->bytes))
                note_sent(sub, send_changed(s, sub, topic, sequence, author));
        else
                note_sent(sub, send_overflow(s, sub));
}

/* ---- Links on the way may lead elsewhere since ---- */

static bool posts_equal(const struct subscription *sub, const struct post *posts, size_t n)
{
        for (size_t i = 0; i < n && n == sub->n_posts; i++)
                if (strcmp(posts[i].listener.path.text, sub->posts[i].listener.path.text) != 0)
                        return false;
        return n == sub->n_posts;
}

static void move_to(
        struct subscriptions *s, struct subscription *sub, struct post *posts, size_t n, size_t bytes)
{
        leave(s, sub->posts, sub->n_posts);
        if (sub->path.n == 0) {
                sub->path = sub->posts[sub->n_posts - 1].listener.path;
                sub->posts[sub->n_posts - 1].listener.path = (struct path){ 0 };
        }
        posts_free(sub->posts, sub->n_posts);
        sub->posts = posts;
        sub->n_posts = n;
        count_bytes(s, sub, bytes);
}

/* 1: it listens elsewhere from now on; 0: where it did; negative: it cannot listen where it has to. */
static int move(struct subscriptions *s, struct subscription *sub)
{
        struct post *posts;
        size_t n;

        int r = find_posts(s, path_of(sub), &sub->wish, &posts, &n);
        if (r < 0)
                return r;
        const size_t bytes = posts_bytes(posts, n) + path_bytes(path_of(sub));
        const bool same = posts_equal(sub, posts, n);
        if (!same)
                r = check_bytes(s, sub->caller->user, sub->bytes, bytes, NULL);
        if (!same && r == 0)
                r = enter(s, sub, posts, n);
        if (same || r < 0) {
                posts_free(posts, n);
                return r;
        }
        move_to(s, sub, posts, n, bytes);
        return 1;
}

/* Whoever listens elsewhere has to read again. Who cannot must not seem to listen: that it is over is sent
 * whether its client reads or not, as there was room for the answer when it began. */
static void find_again(struct subscriptions *s, struct subscription *sub, bool all_read_again)
{
        int r = move(s, sub);

        if ((r > 0 || (r == 0 && all_read_again)) && !sub->overflowed)
                note_sent(sub, send_overflow(s, sub));
        if (r >= 0)
                return;
        r = send_word(s, sub, "ended");
        if (r < 0)
                log_warning("cannot notify %s that a subscription ended: %s; ignoring", sub->caller->name,
                        strerror(-r));
        subscription_free(s, sub);
}

static void note_stale(struct subscription *sub, struct subscription **list)
{
        if (sub->is_stale)
                return;
        sub->is_stale = true;
        sub->next_stale = *list;
        *list = sub;
}

static void end_stale(struct subscriptions *s, struct subscription *stale, bool all_read_again)
{
        for (struct subscription *sub = stale, *next; sub; sub = next) {
                next = sub->next_stale;
                sub->is_stale = false;
                find_again(s, sub, all_read_again);
        }
}

void subscriptions_dispatch(
        struct subscriptions *s, const struct registry_events *events, const struct store_author *author)
{
        struct subscription *stale = NULL;

        if (s->n == 0)
                return;
        struct topic *first = topics_gather(&s->topics, events);
        for (const struct topic *x = first; x; x = x->next_gathered)
                for (struct topic_listener *l = x->first; l; l = l->next) {
                        const struct post *post = (const struct post *)l;
                        if (post->is_link || x->is_another)
                                note_stale(post->of, &stale);
                        if (!post->is_link)
                                deliver(s, post->of, x, events->sequence, author);
                }
        topics_scatter(first);
        end_stale(s, stale, false);
}

void subscriptions_ask_all(struct subscriptions *s)
{
        struct subscription *stale = NULL;
        const struct topic *path;

        for (uint32_t i = 0; (path = hashmap_next(&s->topics.by_path, &i));)
                for (const struct topic *x = path; x; x = x->next)
                        for (struct topic_listener *l = x->first; l; l = l->next)
                                note_stale(((const struct post *)l)->of, &stale);
        end_stale(s, stale, true);
}
