/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "regedit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "../../schema/events/loop.h"
#include "../../schema/names/fold.h"
#include "../reg/event.h"

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

/* Memory, or a connection that just ended, which is reported when the bus says so. */
void regedit_fail_with(struct regedit *r, int error)
{
        struct diag d = { 0 };

        if (error >= 0 || error == -ENOTCONN)
                return;
        (void)diag_set(&d, -error, "%s", strerror(-error));
        regedit_fail(r, &d);
}

/* ---- Reading keys ---- */

static void pursue(struct regedit *r);
static void arrive_at_value(struct regedit *r);

/* A key that is not there has nothing in it; that is no failure. */
static bool is_answered(struct regedit *r, const struct feed_answer *a)
{
        if (a->reply || a->code == EXIT_CODE_NOT_FOUND)
                return true;
        /* Without a provider that is what was said. */
        if (r->is_there)
                regedit_fail(r, &a->d);
        return false;
}

static int take_names(struct regedit *r, const struct feed_answer *a, enum key_witness witness)
{
        struct key_node *node = key_tree_find(&r->tree, a->key, NULL);
        _cleanup_free_ const char **names = NULL;
        size_t n = 0;

        int e = a->reply ? wire_read_names(a->reply, &names, &n) : 0;
        if (e < 0 || !node)
                return e;
        if (witness == KEY_IS_KNOWN)
                node->read = r->tree.era;
        return key_tree_take(&r->tree, node, names, n, witness);
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
        const bool of_values = fold_same(a->key, buf_str(&r->values.key));

        r->values.is_read |= of_values; /* or cannot be read: it is not asked for again and again */
        if (!is_answered(r, a))
                return;
        int e = take_names(r, a, KEY_IS_SET);
        if (e >= 0 && of_values) {
                e = value_list_take_entries(&r->values, a->reply);
                mark_fresh(r);
        }
        regedit_fail_with(r, e);
        r->is_changed = true;
}

/* What the layer that is written to masks: that can be taken away. */
static void on_masks(struct regedit *r, const struct feed_answer *a)
{
        if (fold_same(a->key, buf_str(&r->values.key)) && is_answered(r, a))
                regedit_fail_with(r, value_list_take_masks(&r->values, a->reply));
        r->is_changed = true;
}

/* The last of a key's answers. */
static void on_known(struct regedit *r, const struct feed_answer *a)
{
        const bool of_values = fold_same(a->key, buf_str(&r->values.key));

        if (fold_same(a->key, buf_str(&r->asking)))
                buf_clear(&r->asking);
        if (is_answered(r, a)) {
                int e = take_names(r, a, KEY_IS_KNOWN);
                if (e >= 0 && of_values)
                        e = value_list_take_known(&r->values, a->reply);
                regedit_fail_with(r, e);
        }
        r->is_changed = true;
        regedit_follow(r);
        pursue(r);
        arrive_at_value(r);
}

static bool read_key(struct regedit *r, const char *key)
{
        int e = feed_ask(r->feed, "List", key, NULL, on_list, "s", key);

        if (e >= 0 && fold_same(key, buf_str(&r->values.key)))
                e = feed_ask(
                        r->feed, "ReadTree", key, NULL, on_masks, "sa{sv}", key, 1, "layer", "s", r->layer);
        if (e >= 0)
                e = feed_ask(r->feed, "ListKnown", key, NULL, on_known, "sb", key, 0);
        regedit_fail_with(r, e);
        return e >= 0;
}

static void read_node(struct regedit *r, struct key_node *node)
{
        _cleanup_buf_ struct buf path = BUF_INIT;

        if (!node->parent || node->asked == r->tree.era)
                return;
        key_tree_put_path(node, &path);
        if (read_key(r, buf_str(&path)))
                node->asked = r->tree.era;
}

/* What is open and was not read since the beginning of this era. */
void regedit_read_open(struct regedit *r)
{
        regedit_fail_with(r, key_tree_count(&r->tree));
        for (size_t i = 0; i < r->tree.n_rows; i++)
                if (r->tree.rows[i]->is_open)
                        read_node(r, r->tree.rows[i]);
}

/* One question at a time: the keys that were passed meanwhile are not asked for. */
void regedit_follow(struct regedit *r)
{
        _cleanup_buf_ struct buf path = BUF_INIT;

        regedit_fail_with(r, key_tree_count(&r->tree));
        key_tree_put_path(r->tree.selected, &path);
        if (strcmp(buf_str(&path), buf_str(&r->values.key)) != 0) {
                value_list_begin(&r->values, buf_str(&path));
                r->values_top = 0;
        }
        if (r->values.is_read || r->asking.len > 0 || !r->is_there || path.len == 0 ||
                !read_key(r, buf_str(&path)))
                return;
        buf_puts(&r->asking, buf_str(&path));
        r->tree.selected->asked = r->tree.era;
}

/* ---- Going to a key that may not have been read yet ---- */

static void arrive_at_value(struct regedit *r)
{
        if (!r->has_goal_name || r->goal.len > 0 || !r->values.is_read || r->asking.len > 0)
                return;
        const struct value_row *row = value_list_find(&r->values, buf_str(&r->goal_name));
        if (row)
                r->values.selected = (size_t)(row - r->values.rows);
        r->in_values |= row != NULL;
        r->has_goal_name = false;
}

static void pursue(struct regedit *r)
{
        struct key_node *last, *node;

        if (r->goal.len == 0 || !r->is_there)
                return;
        node = key_tree_find(&r->tree, buf_str(&r->goal), &last);
        if (!node && last->read != r->tree.era && last->parent) {
                key_tree_open(&r->tree, last, true);
                read_node(r, last);
                return;
        }
        if (!node)
                regedit_say(r, "%s: there is no such key", buf_str(&r->goal));
        buf_clear(&r->goal);
        key_tree_select(&r->tree, node ? node : last);
        regedit_read_open(r);
        regedit_follow(r);
}

void regedit_go(struct regedit *r, const char *key, const char *name)
{
        buf_clear(&r->goal);
        buf_puts(&r->goal, key);
        buf_clear(&r->goal_name);
        buf_puts(&r->goal_name, name ? name : "");
        r->has_goal_name = name != NULL;
        r->in_values = false;
        pursue(r);
        arrive_at_value(r);
}

const char *regedit_place(const struct regedit *r, const char **ret_name)
{
        const struct value_row *row = r->in_values ? value_list_selected(&r->values) : NULL;

        *ret_name = row ? row->name : NULL;
        return buf_str(&r->values.key);
}

/* ---- The layers of values ---- */

static void on_resolved(struct regedit *r, const struct feed_answer *a)
{
        struct value_row *row = value_list_find(&r->values, a->name);
        const char *path;
        int exists;

        if (!row || !fold_same(a->key, buf_str(&r->values.key)) || !is_answered(r, a) || !a->reply)
                return;
        int e = sd_bus_message_read(a->reply, "bs", &exists, &path);
        if (e >= 0)
                e = value_row_take_layers(row, a->reply);
        regedit_fail_with(r, e);
        r->is_changed = true;
}

static void ask_layers(struct regedit *r, struct value_row *row)
{
        if (row->is_asked)
                return;
        row->is_asked = true;
        const char *key = buf_str(&r->values.key);
        regedit_fail_with(
                r, feed_ask(r->feed, "Resolve", key, row->name, on_resolved, "ss", key, row->name));
}

void regedit_ask_layers(struct regedit *r)
{
        struct value_list *l = &r->values;
        struct value_row *row = value_list_selected(l);

        if (!r->is_there || r->asking.len > 0 || !row)
                return;
        ask_layers(r, row);
        for (size_t i = r->values_top; r->is_wide && i < l->n && i < r->values_top + r->values_page; i++)
                ask_layers(r, &l->rows[i]);
}

/* ---- What the feed reports ---- */

void regedit_read_again(struct regedit *r)
{
        r->tree.root->read = ++r->tree.era;
        buf_clear(&r->asking);
        r->values.is_read = false;
        regedit_read_open(r);
        regedit_follow(r);
}

void regedit_begin(struct regedit *r, const char **hives, size_t n)
{
        const bool again = r->tree.root->n_children > 0;

        r->is_there = true;
        regedit_fail_with(r, key_tree_take(&r->tree, r->tree.root, hives, n, KEY_IS_SET));
        regedit_read_again(r);
        pursue(r);
        regedit_ask_access(r);
        if (again)
                regedit_say(r, "%s is there again", REGISTRY_SERVICE_WORDS);
        else
                r->status.text[0] = '\0';
        r->is_changed = true;
}

void regedit_lose_provider(struct regedit *r, const struct diag *d)
{
        r->is_there = r->finder.is_walking = r->finder.is_asked = false;
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
        if (!fold_same(e->key, buf_str(&r->values.key)))
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
                regedit_fail_with(r, error);
                if (error == 0)
                        mark(node);
                return;
        }
        buf_printf(&path, "%s%s%s", e->key, e->entry.name[0] ? "\\" : "", e->entry.name);
        node = key_tree_find(&r->tree, buf_str(&path), NULL);
        if (node && node->parent->parent)
                key_tree_withdraw(&r->tree, node, KEY_IS_SET);
        if (fold_same(buf_str(&path), buf_str(&r->values.key)))
                r->values.is_read = false;
}

static void take_change(struct regedit *r, const struct event *e)
{
        if (event_is(e, "overflow"))
                regedit_read_again(r);
        else if (event_is(e, "ended"))
                regedit_fail_with(
                        r, feed_begin_anew(r->feed,
                                   &(const struct diag){
                                           "the registry no longer says what changes: trying again" }));
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
                e = sd_bus_message_enter_container(m, 'a', "(sssuvsts)");
        while (e >= 0 && (e = event_read_next(m, &event)) > 0)
                take_change(r, &event);
        entry_done(&event.entry);
        regedit_fail_with(r, e);
        regedit_follow(r);
        regedit_fail_with(r, loop_timer_start(r->unmark, REGEDIT_MARK_USEC));
        r->is_changed = true;
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

int regedit_init(struct regedit *r, sd_event *event, const char *start, const char *layer)
{
        *r = (struct regedit){ .event = event, .page = 1, .is_changed = true };
        (void)snprintf(r->layer, sizeof(r->layer), "%s", layer ? layer : LAYER_BASE);
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
        buf_done(&r->asking);
        buf_done(&r->goal);
        buf_done(&r->goal_name);
        sd_bus_message_unref(r->layers);
        buf_done(&r->edit.key);
        buf_done(&r->edit.name);
        buf_done(&r->edit.bytes);
        search_done(&r->finder.search);
        buf_done(&r->finder.key);
        buf_done(&r->finder.name);
}
