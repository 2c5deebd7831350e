/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "regedit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "../../schema/events/loop.h"
#include "../../schema/names/fold.h"
#include "../../schema/names/path.h"
#include "../reg/event.h"

struct feed *regedit_feed(struct regedit *r)
{
        return r->feed;
}

/* ---- The status line ---- */

void regedit_say(struct regedit *r, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(r->status.text, sizeof(r->status.text), format, ap);
        va_end(ap);
        r->is_error = false;
        r->is_changed = true;
}

void regedit_fail(struct regedit *r, const struct diag *d)
{
        r->status = *d;
        r->is_error = true;
        r->is_changed = true;
}

/* An errno of our own: memory, or a connection that just ended, which is reported when the bus says so. */
static void fail(struct regedit *r, int error)
{
        struct diag d = { 0 };

        if (error == 0 || error == -ENOTCONN)
                return;
        (void)diag_set(&d, -error, "%s", strerror(-error));
        regedit_fail(r, &d);
}

/* ---- Reading keys ---- */

static bool is_same(const char *a, const char *b)
{
        return fold_equal(a, strlen(a), b, strlen(b));
}

static void follow_selection(struct regedit *r);
static void pursue(struct regedit *r);

static void free_names(char ***names)
{
        for (char **name = *names; name && *name; name++)
                free(*name);
        free(*names);
}

/* A key that is not there has nothing in it; that is no failure. */
static bool is_answered(struct regedit *r, const struct feed_answer *a)
{
        if (a->reply || a->code == EXIT_CODE_NOT_FOUND)
                return true;
        regedit_fail(r, &a->d);
        return false;
}

static int take_names(struct regedit *r, const struct feed_answer *a, enum key_witness witness)
{
        struct key_node *node = key_tree_find(&r->tree, a->key, NULL);
        _cleanup_(free_names) char **names = NULL;

        int e = a->reply ? sd_bus_message_read_strv(a->reply, &names) : 0;
        if (e < 0 || !node)
                return e;
        if (witness == KEY_IS_KNOWN)
                node->read = r->tree.era;
        return key_tree_take(&r->tree, node, names, witness);
}

static void mark_fresh(struct regedit *r)
{
        const char *name = buf_str(&r->fresh), *end = name + r->fresh.len;

        for (; name < end; name += strlen(name) + 1) {
                struct value_row *row = value_list_find(&r->values, name);
                if (row)
                        row->marked = clock_usec();
        }
        buf_clear(&r->fresh);
}

static void on_list(struct regedit *r, const struct feed_answer *a)
{
        if (!is_answered(r, a))
                return;
        int e = take_names(r, a, KEY_IS_SET);
        if (e >= 0 && is_same(a->key, buf_str(&r->values.key))) {
                e = value_list_take_entries(&r->values, a->reply);
                mark_fresh(r);
        }
        fail(r, e);
        r->is_changed = true;
}

/* The second of a key's two answers. */
static void on_known(struct regedit *r, const struct feed_answer *a)
{
        const bool of_values = is_same(a->key, buf_str(&r->values.key));

        r->is_asking = false;
        if (is_answered(r, a)) {
                int e = take_names(r, a, KEY_IS_KNOWN);
                if (e >= 0 && of_values)
                        e = value_list_take_known(&r->values, a->reply);
                fail(r, e);
        }
        r->is_changed = true;
        follow_selection(r);
        pursue(r);
}

static int ask_known(struct regedit *r, const char *key)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int e = feed_new_call(r->feed, "ListKnown", &m);
        if (e >= 0)
                e = sd_bus_message_append(m, "sb", key, 0);
        return e < 0 ? e : feed_send(r->feed, m, key, NULL, on_known);
}

static void read_key(struct regedit *r, const char *key)
{
        int e = feed_ask(r->feed, "List", key, NULL, on_list);

        if (e >= 0)
                e = ask_known(r, key);
        fail(r, e);
}

static void read_node(struct regedit *r, struct key_node *node)
{
        _cleanup_buf_ struct buf path = BUF_INIT;

        if (!node->parent || node->asked == r->tree.era)
                return;
        node->asked = r->tree.era;
        key_tree_put_path(node, &path);
        read_key(r, buf_str(&path));
}

/* What is open and was not read since the beginning of this era. */
static void read_open(struct regedit *r)
{
        fail(r, key_tree_count(&r->tree));
        for (size_t i = 0; i < r->tree.n_rows; i++)
                if (r->tree.rows[i]->is_open)
                        read_node(r, r->tree.rows[i]);
}

/* One question at a time: the keys that were passed meanwhile are not asked for. */
static void follow_selection(struct regedit *r)
{
        _cleanup_buf_ struct buf path = BUF_INIT;

        fail(r, key_tree_count(&r->tree));
        key_tree_put_path(r->tree.selected, &path);
        if (strcmp(buf_str(&path), buf_str(&r->values.key)) != 0) {
                value_list_begin(&r->values, buf_str(&path));
                r->values_top = 0;
        }
        if (r->values.is_read || r->is_asking || !r->is_there || path.len == 0)
                return;
        r->is_asking = true;
        r->tree.selected->asked = r->tree.era;
        read_key(r, buf_str(&path));
}

/* ---- Going to a key that may not have been read yet ---- */

static void pursue(struct regedit *r)
{
        struct key_node *last, *node;

        if (r->goal.len == 0 || !r->is_there)
                return;
        node = key_tree_find(&r->tree, buf_str(&r->goal), &last);
        if (!node && last->read != r->tree.era && last->parent) {
                last->is_open = true;
                r->tree.is_stale = true;
                read_node(r, last);
                return;
        }
        if (!node)
                regedit_say(r, "%s: there is no such key", buf_str(&r->goal));
        buf_clear(&r->goal);
        key_tree_select(&r->tree, node ? node : last);
        read_open(r);
        follow_selection(r);
}

/* ---- What the feed reports ---- */

static void read_again(struct regedit *r)
{
        r->tree.era++;
        r->is_asking = false;
        r->values.is_read = false;
        read_open(r);
        follow_selection(r);
}

void regedit_begin(struct regedit *r, char **hives)
{
        const bool was_lost = r->is_error;

        r->is_there = true;
        fail(r, key_tree_take(&r->tree, r->tree.root, hives, KEY_IS_SET));
        r->tree.root->read = r->tree.era;
        read_again(r);
        r->tree.root->read = r->tree.era;
        pursue(r);
        if (was_lost)
                regedit_say(r, "%s is there again", REGISTRY_SERVICE_WORDS);
        else
                r->status.text[0] = '\0';
        r->is_changed = true;
}

void regedit_lose_provider(struct regedit *r, const struct diag *d)
{
        r->is_there = false;
        regedit_fail(r, d);
}

static void mark(struct key_node *node)
{
        if (node)
                node->marked = clock_usec();
}

static void take_value_change(struct regedit *r, const struct event *e)
{
        mark(key_tree_find(&r->tree, e->key, NULL));
        if (!is_same(e->key, buf_str(&r->values.key)))
                return;
        buf_add(&r->fresh, e->entry.name, strlen(e->entry.name) + 1);
        r->values.is_read = false;
}

static void take_key_change(struct regedit *r, const struct event *e)
{
        struct key_node *parent = key_tree_find(&r->tree, e->key, NULL), *node;
        _cleanup_buf_ struct buf path = BUF_INIT;

        if (event_is(e, "subkey-created")) {
                if (!parent || parent->read != r->tree.era)
                        return;
                int error = key_tree_add(&r->tree, parent, e->entry.name, KEY_IS_SET, &node);
                fail(r, error);
                if (error == 0)
                        mark(node);
                return;
        }
        buf_printf(&path, "%s%s%s", e->key, e->entry.name[0] ? "\\" : "", e->entry.name);
        node = key_tree_find(&r->tree, buf_str(&path), NULL);
        if (node && node->parent->parent)
                key_tree_withdraw(&r->tree, node, KEY_IS_SET);
        if (is_same(buf_str(&path), buf_str(&r->values.key)))
                r->values.is_read = false;
}

static void take_change(struct regedit *r, const struct event *e)
{
        if (event_is(e, "overflow"))
                read_again(r);
        else if (strncmp(e->kind, "value-", strlen("value-")) == 0)
                take_value_change(r, e);
        else
                take_key_change(r, e);
}

void regedit_take_changes(struct regedit *r, sd_bus_message *m)
{
        struct event event = { 0 };

        int e = sd_bus_message_skip(m, "tta{sv}");
        if (e >= 0)
                e = sd_bus_message_enter_container(m, 'a', "(sssuvs)");
        while (e >= 0 && (e = event_read_next(m, &event)) > 0)
                take_change(r, &event);
        entry_done(&event.entry);
        fail(r, e);
        follow_selection(r);
        fail(r, loop_timer_start(r->unmark, REGEDIT_MARK_USEC));
        r->is_changed = true;
}

/* ---- What the keys do ---- */

static void move_in_values(struct regedit *r, bool down, size_t n)
{
        struct value_list *l = &r->values;

        if (!down)
                l->selected -= n < l->selected ? n : l->selected;
        else if (l->n > 0)
                l->selected += n < l->n - 1 - l->selected ? n : l->n - 1 - l->selected;
}

static void move_in_tree(struct regedit *r, bool down, size_t n)
{
        struct key_tree *t = &r->tree;

        if (t->n_rows == 0)
                return;
        const size_t at = t->selected->row, last = t->n_rows - 1;
        t->selected = t->rows[down ? (n < last - at ? at + n : last) : (n < at ? at - n : 0)];
        follow_selection(r);
}

static void move(struct regedit *r, bool down, size_t n)
{
        if (r->in_values)
                move_in_values(r, down, n);
        else
                move_in_tree(r, down, n);
}

static void open_node(struct regedit *r, bool is_open)
{
        key_tree_open(&r->tree, r->tree.selected, is_open);
        if (r->is_there)
                read_open(r);
        fail(r, key_tree_count(&r->tree));
}

static void go_left(struct regedit *r)
{
        struct key_node *node = r->tree.selected;

        if (r->in_values)
                r->in_values = false;
        else if (node->is_open)
                open_node(r, false);
        else if (node->parent && node->parent->parent) {
                r->tree.selected = node->parent;
                follow_selection(r);
        }
}

static void go_right(struct regedit *r)
{
        if (!r->tree.selected->is_open)
                open_node(r, true);
        else
                r->in_values = true;
}

static void show_help(struct regedit *r)
{
        view_open(&r->view, VIEW_TEXT, "Keys");
        actions_help(&r->view.text);
}

static void act(struct regedit *r, enum action action)
{
        switch (action) {
        case ACTION_UP:
        case ACTION_DOWN:
                move(r, action == ACTION_DOWN, 1);
                return;
        case ACTION_PAGE_UP:
        case ACTION_PAGE_DOWN:
                move(r, action == ACTION_PAGE_DOWN, r->page);
                return;
        case ACTION_FIRST:
        case ACTION_LAST:
                move(r, action == ACTION_LAST, SIZE_MAX);
                return;
        case ACTION_LEFT:
                go_left(r);
                return;
        case ACTION_RIGHT:
                go_right(r);
                return;
        case ACTION_OTHER_PANE:
                r->in_values = !r->in_values;
                return;
        case ACTION_ENTER:
                if (!r->in_values)
                        open_node(r, !r->tree.selected->is_open);
                return;
        case ACTION_READ_AGAIN:
                if (r->is_there)
                        read_again(r);
                return;
        case ACTION_HELP:
                show_help(r);
                return;
        case ACTION_QUIT:
                fail(r, sd_event_exit(r->event, 0));
                return;
        case ACTION_NONE:
                return;
        }
}

void regedit_press(struct regedit *r, const char *key)
{
        r->is_changed = true;
        if (r->view.kind != VIEW_CLOSED) {
                (void)view_key(&r->view, key);
                return;
        }
        /* What was said is read by then. */
        if (r->is_there)
                r->status.text[0] = '\0';
        act(r, actions_find(key));
}

/* ---- Begin and end ---- */

/* The marks have had their time. */
static int on_unmark(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        struct regedit *r = userdata;

        r->is_changed = true;
        return 0;
}

/* As the tree spells it: with the hive in front. */
static void set_goal(struct regedit *r, const char *key)
{
        _cleanup_path_ struct path path = { 0 };
        struct diag d = { 0 };

        if (path_parse(key, strlen(key), NULL, NULL, &path, &d) < 0)
                regedit_fail(r, &d);
        else
                buf_add(&r->goal, path.text, path.len);
}

int regedit_init(struct regedit *r, sd_event *event, const char *start)
{
        *r = (struct regedit){ .event = event, .page = 1, .is_changed = true };
        int e = key_tree_init(&r->tree);
        if (e == 0)
                e = loop_timer_new(event, 0, on_unmark, r, &r->unmark);
        if (e < 0)
                return e;
        regedit_say(r, "asking %s", REGISTRY_SERVICE_WORDS);
        set_goal(r, start ? start : DEFAULT_HIVE);
        return feed_new(event, r, &r->feed);
}

void regedit_done(struct regedit *r)
{
        r->feed = feed_free(r->feed);
        sd_event_source_disable_unref(r->unmark);
        key_tree_done(&r->tree);
        value_list_done(&r->values);
        view_done(&r->view);
        line_editor_done(&r->editor);
        buf_done(&r->fresh);
        buf_done(&r->goal);
}
