/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "view.h"

#include <stdio.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "cells.h"

void view_done(struct view *v)
{
        buf_done(&v->text);
        free(v->lines);
}

void view_open(struct view *v, enum view_kind kind, const char *title)
{
        buf_clear(&v->text);
        v->kind = kind;
        v->is_growing = false;
        v->top = v->selected = v->n_lines = v->width = 0;
        (void)snprintf(v->title, sizeof(v->title), "%s", title);
}

void view_grown(struct view *v)
{
        v->width = 0;
}

static int add_line(struct view *v, size_t at, size_t len, size_t number)
{
        int r = array_grow(&v->lines, v->n_lines, sizeof(*v->lines));

        if (r == 0)
                v->lines[v->n_lines++] = (struct view_line){ at, len, number };
        return r;
}

/* Behind the last blank of what fits, if that is not far; else where it ends. */
static size_t break_at(const char *text, size_t len, size_t width)
{
        const size_t most = cells_fit(text, len, width);
        size_t n = most;

        while (most < len && n > most / 2 && text[n - 1] != ' ')
                n--;
        return most < len && n <= most / 2 ? most : n;
}

/* A line of the text may take many. */
static int break_line(struct view *v, size_t at, size_t len, size_t number)
{
        do {
                size_t n = break_at(v->text.data + at, len, v->width);
                int r = add_line(v, at, n, number);
                if (r < 0)
                        return r;
                at += n;
                len -= n;
        } while (len > 0);
        return 0;
}

static int break_text(struct view *v)
{
        size_t number = 0;
        int r = 0;

        v->n_lines = 0;
        for (size_t at = 0; r == 0 && at < v->text.len; number++) {
                size_t n = strcspn(v->text.data + at, "\n");
                r = break_line(v, at, n, number);
                at += n + 1;
        }
        return r;
}

static void clamp(struct view *v)
{
        const size_t most = v->n_lines > v->height ? v->n_lines - v->height : 0;

        if (v->n_lines > 0 && v->selected >= v->n_lines)
                v->selected = v->n_lines - 1;
        if (v->kind == VIEW_MENU && v->selected < v->top)
                v->top = v->selected;
        if (v->kind == VIEW_MENU && v->selected >= v->top + v->height)
                v->top = v->selected - v->height + 1;
        if (v->top > most)
                v->top = most;
}

int view_lay(struct view *v, size_t width, size_t height)
{
        int r = v->text.error;

        v->height = height > 0 ? height : 1;
        if (r == 0 && v->width != width) {
                v->width = width > 0 ? width : 1;
                r = break_text(v);
        }
        clamp(v);
        return r;
}

static void move(struct view *v, bool down, size_t n)
{
        size_t *at = v->kind == VIEW_MENU ? &v->selected : &v->top;

        if (down)
                *at += n < v->n_lines - *at ? n : v->n_lines - *at;
        else
                *at -= n < *at ? n : *at;
        clamp(v);
}

static bool scroll(struct view *v, const char *key)
{
        const struct {
                const char *keys[2];
                bool down;
                size_t n;
        } moves[] = {
                { { "Up", "k" }, false, 1 },
                { { "Down", "j" }, true, 1 },
                { { "PgUp", "b" }, false, v->height },
                { { "PgDn", "Space" }, true, v->height },
                { { "Home", "g" }, false, SIZE_MAX },
                { { "End", "G" }, true, SIZE_MAX },
        };

        for (size_t i = 0; i < ARRAY_SIZE(moves); i++)
                if (strcmp(key, moves[i].keys[0]) == 0 || strcmp(key, moves[i].keys[1]) == 0) {
                        move(v, moves[i].down, moves[i].n);
                        return true;
                }
        return false;
}

enum view_answer view_key(struct view *v, const char *key)
{
        const bool enter = strcmp(key, "Enter") == 0;
        enum view_answer answer = VIEW_STAYS;

        if (scroll(v, key))
                return VIEW_STAYS;
        if (v->kind == VIEW_QUESTION)
                answer = strcmp(key, "y") == 0 ? VIEW_YES : strcmp(key, "n") == 0 ? VIEW_NO : VIEW_STAYS;
        else if (enter)
                answer = v->kind == VIEW_MENU && v->n_lines > 0 ? VIEW_YES : VIEW_NO;
        if (strcmp(key, "Esc") == 0 || strcmp(key, "q") == 0)
                answer = VIEW_NO;
        if (answer != VIEW_STAYS)
                v->kind = VIEW_CLOSED;
        return answer;
}

const char *view_hint(const struct view *v)
{
        switch (v->kind) {
        case VIEW_MENU:
                return "Enter choose  Up Down PgUp PgDn  Esc back";
        case VIEW_QUESTION:
                return "y yes, send it  n no  Up Down PgUp PgDn";
        default:
                return "Esc back  Up Down PgUp PgDn";
        }
}
