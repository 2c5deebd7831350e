/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "topics.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "answer.h"

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

static struct topic *same_topic(struct topic *chain, const struct topic_listener *l)
{
        while (chain && (chain->subtree != l->subtree || chain->unchanged != l->unchanged))
                chain = chain->next;
        return chain;
}

/* ---- By path: a treap, whose priorities nobody can foresee ---- */

static int topic_compare(const struct topic *topic, const struct path *path)
{
        bool at_or_below;
        return path_compare(topic->path->text, topic->path->len, path->text, path->len, &at_or_below);
}

/* What is before the path, and what is behind it; it is not among them. */
static void split(struct topic *tree, const struct path *path, struct topic **before, struct topic **behind)
{
        while (tree) {
                struct topic **to = topic_compare(tree, path) < 0 ? before : behind;
                *to = tree;
                if (to == before) {
                        before = &tree->behind;
                        tree = tree->behind;
                } else {
                        behind = &tree->before;
                        tree = tree->before;
                }
        }
        *before = *behind = NULL;
}

static void tree_insert(struct topics *t, struct topic *topic)
{
        struct topic **at = &t->tree;

        while (*at && (*at)->priority >= topic->priority)
                at = topic_compare(*at, topic->path) < 0 ? &(*at)->behind : &(*at)->before;
        split(*at, topic->path, &topic->before, &topic->behind);
        *at = topic;
}

static struct topic **tree_find(struct topics *t, const struct topic *topic)
{
        struct topic **at = &t->tree;

        while (*at != topic)
                at = topic_compare(*at, topic->path) < 0 ? &(*at)->behind : &(*at)->before;
        return at;
}

static void tree_remove(struct topics *t, const struct topic *topic)
{
        struct topic **at = tree_find(t, topic), *before = topic->before, *behind = topic->behind;

        while (before && behind) {
                struct topic **upper = before->priority >= behind->priority ? &before : &behind;
                *at = *upper;
                at = upper == &before ? &before->behind : &behind->before;
                *upper = *at;
        }
        *at = before ? before : behind;
}

/* ---- Topics and who listens ---- */

static int topic_new(struct topics *t, struct topic *chain, struct topic_listener *l, struct topic **ret)
{
        struct topic *topic = calloc(1, sizeof(*topic));
        if (!topic)
                return -ENOMEM;
        topic->path = &l->path;
        topic->subtree = l->subtree;
        topic->unchanged = l->unchanged;
        if (chain) {
                topic->next = chain->next;
                chain->next = topic;
        } else {
                topic->priority = path_hash(l->path.text, l->path.len);
                int r = hashmap_put(&t->by_path, topic->priority, topic);
                if (r < 0) {
                        free(topic);
                        return r;
                }
                tree_insert(t, topic);
        }
        *ret = topic;
        return 0;
}

int topics_add(struct topics *t, struct topic_listener *l)
{
        struct topic *chain = topics_at(t, l->path.text, l->path.len);
        struct topic *topic = same_topic(chain, l);

        if (!topic) {
                int r = topic_new(t, chain, l, &topic);
                if (r < 0)
                        return r;
        }
        /* At the front: the topic's path is borrowed from there. */
        l->topic = topic;
        l->next = topic->first;
        if (topic->first)
                topic->first->prev = l;
        topic->first = l;
        topic->path = &l->path;
        return 0;
}

/* The next of its path takes the place of the first. */
static void replace(struct topics *t, struct topic *topic)
{
        struct topic *next = topic->next;

        next->before = topic->before;
        next->behind = topic->behind;
        next->priority = topic->priority;
        *tree_find(t, topic) = next;
        (void)hashmap_replace(&t->by_path, topic->priority, topic, next);
}

static void topic_free(struct topics *t, struct topic *topic)
{
        struct topic *first = topics_at(t, topic->path->text, topic->path->len);

        if (first != topic) {
                while (first->next != topic)
                        first = first->next;
                first->next = topic->next;
        } else if (topic->next) {
                replace(t, topic);
        } else {
                tree_remove(t, topic);
                (void)hashmap_remove(&t->by_path, topic->priority, topic);
        }
        free(topic);
}

void topics_remove(struct topics *t, struct topic_listener *l)
{
        struct topic *topic = l->topic;

        if (l->next)
                l->next->prev = l->prev;
        if (l->prev) {
                l->prev->next = l->next;
                return;
        }
        if (l->next) {
                topic->first = l->next;
                topic->path = &l->next->path;
                return;
        }
        topic_free(t, topic);
}

void topics_done(struct topics *t)
{
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
        if (topic->n == 0) {
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

/* As deep as the tree is: some times the logarithm of what is in it. */
static void hear_below(struct gathering *g, struct topic *tree, const char *path, size_t len,
        const struct registry_event *e)
{
        bool is_below;

        if (!tree)
                return;
        int r = path_compare(tree->path->text, tree->path->len, path, len, &is_below);
        if (is_below || r > 0)
                hear_below(g, tree->before, path, len, e);
        for (struct topic *x = is_below ? tree : NULL; x; x = x->next) {
                hear(g, x, e);
                x->is_another = true;
        }
        if (is_below || r < 0)
                hear_below(g, tree->behind, path, len, e);
}

/* With a key go, or come back when it was hidden, all that are in it. */
static void hear_downwards(struct gathering *g, const struct registry_event *e)
{
        if (e->kind == EVENT_KEY_DELETED)
                hear_below(g, g->topics->tree, e->path, strlen(e->path), e);
        if (e->kind != EVENT_SUBKEY_CREATED)
                return;
        _cleanup_buf_ struct buf child = BUF_INIT;
        buf_printf(&child, "%s\\%s", e->path, e->name);
        if (child.error == 0)
                hear_below(g, g->topics->tree, buf_str(&child), child.len, e);
        else
                hear_below(g, g->topics->tree, e->path, strlen(e->path), e);
}

struct topic *topics_gather(struct topics *t, const struct registry_events *events)
{
        struct topic *first = NULL;
        struct gathering g = { .topics = t, .tail = &first };

        for (size_t i = 0; i < events->n; i++) {
                hear_upwards(&g, &events->list[i]);
                hear_downwards(&g, &events->list[i]);
        }
        return first;
}

void topics_scatter(struct topic *first)
{
        for (struct topic *x = first, *next; x; x = next) {
                next = x->next_gathered;
                free(x->events);
                x->events = NULL;
                x->n = 0;
                x->bytes = 0;
                x->too_much = x->is_another = false;
                x->next_gathered = NULL;
        }
}
