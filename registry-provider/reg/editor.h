/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A text in the editor of whoever runs the program, and notes to lines of it: comments below them, which are
 * taken out again when the text comes back, whatever else was done to it. Functions that return `int` return
 * an enum exit_code. */

#include "session.h"

struct editor {
        struct session *s;
        char *folder; /* for this text alone: nobody else can put anything beside it */
        char *path;
        struct buf text; /* without notes */
        struct editor_note {
                uint32_t line;
                char *text; /* the comment, a line without its end */
        } * notes;
        size_t n_notes;
        bool is_changed; /* by the last run */
        bool is_kept;
};

/* EXIT_CODE_USAGE where there is neither an editor nor a terminal for one: before anything else is done. */
_must_check_ int editor_check(struct session *s);
/* Puts the text into a file of that name. `ret` has the session and is empty otherwise. */
_must_check_ int editor_open(struct editor *ret, const char *name, const struct buf *text);
/* The file goes, if it is not kept. */
void editor_done(struct editor *e);

enum editor_mark {
        EDITOR_ERROR,
        EDITOR_MEANWHILE,
};
/* `# ^ error: …` below the line, the caret below the column; both count from 1, and line 0 is the top. It is
 * there for one run. */
_must_check_ int editor_note(
        struct editor *e, enum editor_mark mark, uint32_t line, uint32_t column, const char *text);
/* What an editor has written that failed is kept. */
_must_check_ int editor_run(struct editor *e);
/* The file stays, without notes, and standard error says where. */
void editor_keep(struct editor *e);
