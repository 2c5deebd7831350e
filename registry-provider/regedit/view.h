/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A text over the whole screen: to read, to choose a line of, or to answer. No terminal. */

#include <stdbool.h>

#include "../../schema/base/buf.h"

enum view_kind {
        VIEW_CLOSED,
        VIEW_TEXT,     /* Esc, q and Enter close it */
        VIEW_MENU,     /* Enter chooses the selected line */
        VIEW_QUESTION, /* y says yes */
};

struct view_line {
        size_t at, len; /* in the text */
        size_t number;  /* of the line that it is (a part of) */
};

struct view {
        enum view_kind kind;
        char title[128];
        struct buf text;
        struct view_line *lines; /* as they are laid out */
        size_t n_lines, width;
        size_t top, selected, height;
        bool is_growing; /* more of its text is being asked for */
};

void view_done(struct view *v);
/* Opens an empty one; its text is to be appended. */
void view_open(struct view *v, enum view_kind kind, const char *title);
/* Breaks the text into lines of at most `width` cells, and scrolls so that what is selected is among the
 * `height` lines from `top` on. 0 or -ENOMEM. */
_must_check_ int view_lay(struct view *v, size_t width, size_t height);

enum view_answer {
        VIEW_STAYS,
        VIEW_NO,  /* closed */
        VIEW_YES, /* closed: the question's answer, or the selected line was chosen */
};
/* Text was appended. */
void view_grown(struct view *v);
enum view_answer view_key(struct view *v, const char *key);
/* What it says of its keys. */
const char *view_hint(const struct view *v);
