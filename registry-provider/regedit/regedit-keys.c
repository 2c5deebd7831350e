/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the keys do. */
#include <string.h>

#include "regedit.h"

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
        regedit_follow(r);
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
                regedit_read_open(r);
        regedit_fail_with(r, key_tree_count(&r->tree));
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
                regedit_follow(r);
        }
}

static void go_right(struct regedit *r)
{
        if (!r->tree.selected->is_open)
                open_node(r, true);
        else
                r->in_values = true;
}

static void change_pane(struct regedit *r)
{
        r->in_values = !r->in_values;
}

static void enter(struct regedit *r)
{
        if (!r->in_values)
                open_node(r, !r->tree.selected->is_open);
        else if (regedit_may_write(r))
                regedit_edit_value(r);
}

static void read_again(struct regedit *r)
{
        if (r->is_there)
                regedit_read_again(r);
}

static void quit(struct regedit *r)
{
        regedit_fail_with(r, sd_event_exit(r->event, 0));
}

static void act(struct regedit *r, enum action action)
{
        static void (*const calls[])(struct regedit *) = {
                [ACTION_LEFT] = go_left,
                [ACTION_RIGHT] = go_right,
                [ACTION_OTHER_PANE] = change_pane,
                [ACTION_ENTER] = enter,
                [ACTION_EDIT] = regedit_edit_value,
                [ACTION_NEW_VALUE] = regedit_new_value,
                [ACTION_NEW_KEY] = regedit_new_key,
                [ACTION_DELETE] = regedit_delete,
                [ACTION_MASK] = regedit_mask,
                [ACTION_UNDO] = regedit_undo,
                [ACTION_LAYER] = regedit_choose_layer,
                [ACTION_READ_AGAIN] = read_again,
                [ACTION_HELP] = regedit_show_help,
                [ACTION_CARD] = regedit_show_card,
                [ACTION_HISTORY] = regedit_show_history,
                [ACTION_ERROR] = regedit_show_error,
                [ACTION_FIND] = regedit_find,
                [ACTION_QUIT] = quit,
        };

        if (action == ACTION_UP || action == ACTION_DOWN)
                move(r, action == ACTION_DOWN, 1);
        else if (action == ACTION_PAGE_UP || action == ACTION_PAGE_DOWN)
                move(r, action == ACTION_PAGE_DOWN, r->in_values ? r->values_page : r->page);
        else if (action == ACTION_FIRST || action == ACTION_LAST)
                move(r, action == ACTION_LAST, SIZE_MAX);
        else if (action == ACTION_NEXT || action == ACTION_PREVIOUS)
                regedit_find_again(r, action == ACTION_NEXT ? FIND_NEXT : FIND_PREVIOUS);
        else if (action < ARRAY_SIZE(calls) && calls[action])
                calls[action](r);
}

void regedit_prompt(struct regedit *r, const struct prompt *prompt, const char *text)
{
        r->prompt = prompt;
        line_editor_set(&r->editor, text);
}

static void press_in_prompt(struct regedit *r, const char *key)
{
        const struct prompt *prompt = r->prompt;
        const bool enter = strcmp(key, "Enter") == 0;

        if (enter || strcmp(key, "Esc") == 0) {
                r->prompt = NULL;
                void (*next)(struct regedit *) = enter ? prompt->done : prompt->cancelled;
                if (next)
                        next(r);
        } else if (line_editor_key(&r->editor, key) && prompt->typed)
                prompt->typed(r);
}

static void press_in_view(struct regedit *r, const char *key)
{
        if (view_key(&r->view, key) == VIEW_YES && r->chosen)
                r->chosen(r);
}

void regedit_press(struct regedit *r, const char *key)
{
        r->is_changed = true;
        if (r->prompt)
                press_in_prompt(r, key);
        else if (r->view.kind != VIEW_CLOSED)
                press_in_view(r, key);
        else {
                const enum action action = actions_find(key);
                /* What was said is read by then; that there is no provider is said until there is one. */
                if (r->is_there && action != ACTION_ERROR)
                        r->status.text[0] = '\0';
                if (action == ACTION_NONE || !actions[action].writes || regedit_may_write(r))
                        act(r, action);
        }
}
