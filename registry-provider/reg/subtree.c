/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "subtree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "tree-key.h"

/* Pages at first, so that nobody waits for us; then all at once, which is for those who may write; and no
 * longer.
 */
#define TRIES_IN_PAGES 3u
#define TRIES 10u

static void clear(struct subtree *t)
{
        for (size_t i = 0; i < t->n; i++)
                path_done(&t->keys[i].path);
        for (size_t i = 0; i < t->n_pages; i++)
                sd_bus_message_unref(t->pages[i]);
        t->n = t->n_values = t->n_pages = 0;
}

void subtree_done(struct subtree *t)
{
        clear(t);
        free(t->keys);
        free(t->values);
        free(t->from);
        free(t->pages);
}

const char *subtree_from(const struct subtree *t, const struct hive_value *value)
{
        return t->from[value - t->values];
}

/* ---- One page ---- */

static int add_value(struct subtree *t, const struct tree_value *v)
{
        int r = array_grow(&t->values, t->n_values, sizeof(*t->values));

        if (r == 0)
                r = array_grow(&t->from, t->n_values, sizeof(char *));
        if (r < 0)
                return r;
        t->values[t->n_values] = (struct hive_value){ .name = v->name, .value = v->value };
        t->from[t->n_values++] = v->layer;
        return 0;
}

static int add_key(struct subtree *t, struct tree_key *from)
{
        const size_t before = t->n_values;
        struct tree_value v;

        int r = array_grow(&t->keys, t->n, sizeof(*t->keys));
        if (r < 0)
                return r;
        struct hive_key *key = &t->keys[t->n];
        *key = (struct hive_key){ .made = from->flags & TREE_KEY_IS_NAMED,
                .hidden = from->flags & TREE_KEY_IS_HIDDEN,
                .blanket = from->flags & TREE_KEY_IS_MASKED,
                .is_volatile = from->flags & TREE_KEY_IS_VOLATILE,
                .is_link = from->flags & TREE_KEY_IS_LINK };
        r = path_parse(from->path, strlen(from->path), path_any_hive, NULL, &key->path, NULL);
        if (r < 0)
                return r == -ENOMEM ? r : -EBADMSG;
        t->n++;
        while (r == 0 && tree_value_next(from, &v))
                r = add_value(t, &v);
        key->n_values = t->n_values - before;
        return r;
}

static int add_page(struct subtree *t, sd_bus_message *m, const char **ret_next, uint64_t *ret_sequence)
{
        _cleanup_tree_key_ struct tree_key key = { 0 };

        int r = array_grow(&t->pages, t->n_pages, sizeof(sd_bus_message *));
        if (r < 0)
                return r;
        t->pages[t->n_pages++] = sd_bus_message_ref(m);
        r = tree_page_enter(m);
        while (r >= 0 && (r = tree_key_next(m, &key)) > 0)
                r = add_key(t, &key);
        return r < 0 ? r : sd_bus_message_read(m, "st", ret_next, ret_sequence);
}

static int ask(struct session *s, const struct subtree_query *q, const char *root, const char *after,
        bool whole, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int code = session_new_call(s, q->at ? "ReadTreeAt" : "ReadTree", root, NULL, &m);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && q->layer)
                r = sd_bus_message_append(m, "{sv}", "layer", "s", q->layer);
        if (r >= 0 && after[0])
                r = sd_bus_message_append(m, "{sv}", "after", "s", after);
        if (r >= 0 && whole && !q->at)
                r = sd_bus_message_append(m, "{sv}", "whole", "b", 1);
        if (r >= 0 && !q->follows)
                r = sd_bus_message_append(m, "{sv}", "no-follow", "b", 1);
        if (r >= 0 && q->at)
                r = sd_bus_message_append(
                        m, "{sv}", q->at->is_time ? "time" : "sequence", "t", q->at->number);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? session_fail(s, r, NULL) : session_call(s, m, ret);
}

/* ---- All pages ---- */

/* *ret_moved: something was changed in between. */
static int read_root(struct session *s, const struct subtree_query *q, size_t i, bool whole,
        struct subtree *t, bool *ret_moved)
{
        const char *next = "";

        do {
                _cleanup_message_ sd_bus_message *reply = NULL;
                uint64_t sequence;
                int code = ask(s, q, q->roots[i]->text, next, whole, &reply);
                if (code == EXIT_CODE_NOT_FOUND && !q->layer) {
                        s->diag = (struct diag){ 0 };
                        return EXIT_CODE_OK;
                }
                if (code != EXIT_CODE_OK)
                        return code;
                int r = add_page(t, reply, &next, &sequence);
                if (r < 0)
                        return session_bad_reply(s, r);
                if (!q->follows && t->n > 0 && !path_is_below(&t->keys[t->n - 1].path, q->roots[i])) {
                        (void)diag_set(&s->diag, EINVAL,
                                "%s: links lead to another key, %s is below that; expected the key's own path",
                                q->roots[i]->text, t->keys[t->n - 1].path.text);
                        return EXIT_CODE_INVALID;
                }
                *ret_moved = !q->at && t->n_pages > 1 && sequence != t->sequence;
                t->sequence = sequence;
        } while (next[0] && !*ret_moved);
        return EXIT_CODE_OK;
}

/* They have moved while they grew. */
static void point_to_values(struct subtree *t)
{
        struct hive_value *at = t->values;

        for (size_t i = 0; i < t->n; i++) {
                t->keys[i].values = at;
                at += t->keys[i].n_values;
        }
}

int subtree_read(struct session *s, const struct subtree_query *query, struct subtree *ret)
{
        for (unsigned try = 0; try < TRIES; try++) {
                bool moved = false;
                clear(ret);
                for (size_t i = 0; i < query->n_roots && !moved; i++) {
                        int code = read_root(s, query, i, try >= TRIES_IN_PAGES, ret, &moved);
                        if (code != EXIT_CODE_OK)
                                return code;
                }
                if (!moved) {
                        point_to_values(ret);
                        return EXIT_CODE_OK;
                }
        }
        (void)diag_set(&s->diag, EAGAIN,
                "%s: the registry was changed each of the %u times that it was read: try again",
                query->roots[0]->text, TRIES);
        return EXIT_CODE_CONFLICT;
}
