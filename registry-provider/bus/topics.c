/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "topics.h"

#include <errno.h>
#include <string.h>

#include "subscriptions-internal.h"

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

struct topic *topics_at(const struct topics *t, const char *path, size_t len)
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
        /* Grows by doubling: capacity is the next power of two. */
        if ((t->n & (t->n - 1)) == 0) {
                struct topic **list = reallocarray(t->list, t->n ? t->n * 2 : 1, sizeof(struct topic *));
                if (!list)
                        return -ENOMEM;
                t->list = list;
        }
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

int topics_add(struct topics *t, struct subscription *sub)
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

void topics_remove(struct topics *t, struct subscription *sub)
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

void topics_done(struct topics *t)
{
        for (size_t i = 0; i < t->n; i++)
                free(t->list[i]);
        free(t->list);
        hashmap_done(&t->by_path);
        *t = (struct topics){ 0 };
}

size_t topics_below(const struct topics *t, const char *path, size_t len, size_t *ret_end)
{
        size_t from = place_of(t, 0, path, len, false);
        *ret_end = place_of(t, from, path, len, true);
        return from;
}
