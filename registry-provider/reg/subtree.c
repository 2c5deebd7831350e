/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "subtree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "tree-key.h"

/* Pages at first, which cost least; then all at once, which is of one moment; and no longer: more than a
 * message holds, or several roots, may change each time. */
#define TRIES_IN_PAGES 3u
#define TRIES 10u

void subtree_clear(struct subtree *t)
{
        for (size_t i = 0; i < t->n; i++)
                path_done(&t->keys[i].path);
        for (size_t i = 0; i < t->n_pages; i++)
                sd_bus_message_unref(t->pages[i]);
        t->n = t->n_values = t->n_pages = 0;
}

void subtree_done(struct subtree *t)
{
        subtree_clear(t);
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

/* For so many more. A page has about as many as the one before: what is emptied keeps its memory. */
static int reserve_values(struct subtree *t, size_t n)
{
        const size_t need = t->n_values + n, max = need > 2 * t->n_values_max ? need : 2 * t->n_values_max;

        if (need <= t->n_values_max)
                return 0;
        struct hive_value *values = reallocarray(t->values, max, sizeof(*values));
        if (values)
                t->values = values;
        const char **from = values ? reallocarray(t->from, max, sizeof(char *)) : NULL;
        if (!from)
                return -ENOMEM;
        t->from = from;
        t->n_values_max = max;
        return 0;
}

static void add_value(struct subtree *t, const struct tree_value *v)
{
        t->values[t->n_values] = (struct hive_value){ .name = v->name, .value = v->value };
        t->from[t->n_values++] = v->layer;
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
        r = reserve_values(t, from->n);
        while (r == 0 && tree_value_next(from, &v))
                add_value(t, &v);
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

static int append_options(sd_bus_message *m, const struct subtree_query *q, const char *after, bool is_whole)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0 && q->layer)
                r = sd_bus_message_append(m, "{sv}", "layer", "s", q->layer);
        if (r >= 0 && after[0])
                r = sd_bus_message_append(m, "{sv}", "after", "s", after);
        if (r >= 0 && is_whole && !q->at)
                r = sd_bus_message_append(m, "{sv}", "whole", "b", 1);
        if (r >= 0 && !q->follows)
                r = sd_bus_message_append(m, "{sv}", "no-follow", "b", 1);
        if (r >= 0 && q->at)
                r = sd_bus_message_append(
                        m, "{sv}", q->at->is_time ? "time" : "sequence", "t", q->at->number);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* ---- Page by page ---- */

/* For the page behind `after`, "": the root's first. */
static int ask(struct session *s, struct subtree_reading *r, const char *after)
{
        const struct subtree_query *q = r->query;
        _cleanup_message_ sd_bus_message *m = NULL;

        int code = session_new_call(s, q->at ? "ReadTreeAt" : "ReadTree", q->roots[r->root]->text, NULL, &m);
        if (code != EXIT_CODE_OK)
                return code;
        int e = append_options(m, q, after, r->tries >= TRIES_IN_PAGES);
        if (e < 0)
                return session_fail(s, e, NULL);
        r->is_asked = true;
        r->is_further = after[0] != '\0';
        return session_call_begin(s, m, &r->call);
}

/* Before anybody works on this page, so that the provider has the next one ready then. */
static int ask_ahead(struct session *s, struct subtree_reading *r, const char *after)
{
        r->root += !after[0];
        return r->root < r->query->n_roots ? ask(s, r, after) : EXIT_CODE_OK;
}

static int begin_anew(struct session *s, struct subtree_reading *r, struct subtree *t)
{
        subtree_clear(t);
        r->root = 0;
        r->n_pages = 0;
        if (++r->tries < TRIES)
                return ask(s, r, "");
        return session_error(s, EXIT_CODE_CONFLICT,
                "%s: the registry was changed each of the %u times that it was read: try again",
                r->query->roots[0]->text, TRIES);
}

/* What is asked of the root itself must not be answered of what links lead to. */
static int check_place(struct session *s, const struct subtree_reading *r, const struct subtree *t)
{
        const struct path *root = r->query->roots[r->root];

        if (r->query->follows || t->n == 0 || path_is_below(&t->keys[t->n - 1].path, root))
                return EXIT_CODE_OK;
        return session_error(s, EXIT_CODE_INVALID,
                "%s: links lead to another key, %s is below that; expected the key's own path", root->text,
                t->keys[t->n - 1].path.text);
}

/* From that key on: all have moved where there was no room for more. */
static void point_to_values(struct subtree *t, size_t first)
{
        struct hive_value *at =
                first > 0 ? t->keys[first - 1].values + t->keys[first - 1].n_values : t->values;

        for (size_t i = first; i < t->n; i++) {
                t->keys[i].values = at;
                at += t->keys[i].n_values;
        }
}

static int take_page(struct session *s, struct subtree_reading *r, sd_bus_message *reply, struct subtree *t)
{
        const struct hive_value *const values = t->values;
        const size_t n = t->n;
        const char *next;
        uint64_t sequence;

        int e = add_page(t, reply, &next, &sequence);
        if (e < 0)
                return session_bad_reply(s, e);
        int code = check_place(s, r, t);
        if (code != EXIT_CODE_OK)
                return code;
        if (!r->query->at && r->n_pages > 0 && sequence != t->sequence)
                return begin_anew(s, r, t);
        r->n_pages++;
        t->sequence = sequence;
        point_to_values(t, values == t->values ? n : 0);
        return ask_ahead(s, r, next);
}

bool subtree_is_read(const struct subtree_reading *r)
{
        return r->root == r->query->n_roots;
}

int subtree_next(struct session *s, struct subtree_reading *r, struct subtree *t)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        int code = r->is_asked ? EXIT_CODE_OK : ask(s, r, "");

        if (code == EXIT_CODE_OK)
                code = session_call_end(s, &r->call, &reply);
        if (code == EXIT_CODE_NOT_FOUND && !r->query->layer) {
                s->diag = (struct diag){ 0 };
                return r->is_further ? begin_anew(s, r, t) : ask_ahead(s, r, "");
        }
        return code == EXIT_CODE_OK ? take_page(s, r, reply, t) : code;
}

void subtree_reading_done(struct subtree_reading *r)
{
        client_call_drop(&r->call);
}

int subtree_read(struct session *s, const struct subtree_query *query, struct subtree *ret)
{
        _cleanup_subtree_reading_ struct subtree_reading reading = { .query = query };
        int code = EXIT_CODE_OK;

        while (code == EXIT_CODE_OK && !subtree_is_read(&reading))
                code = subtree_next(s, &reading, ret);
        return code;
}
