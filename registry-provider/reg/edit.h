/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What edit and its two places, a layer's subtree (edit.c) and a drop-in file (edit-file.c), have in
 * common. Functions that return `int` return an enum exit_code. */

#include "editor.h"
#include "subtree.h"

/* What is there at one moment. */
struct edit_state {
        struct subtree tree;    /* of a subtree */
        struct buf bytes;       /* of a file */
        struct hive_file *file; /* NULL: a subtree, or a file that cannot be parsed or is not there */
        struct difference_document all;
};

void edit_state_done(struct edit_state *state);

struct edit {
        struct session *s;
        const struct edit_place *place;
        const char *what; /* the key or the file, for people */
        struct path key;  /* of a subtree */
        char *path;       /* of a file, below --root */
        mode_t mode;
        struct editor editor;
        struct edit_state base, now; /* what was edited; what is there, where that is something else */
        struct hive_file *mine;      /* what the text says, in order */
        uint64_t since;              /* when the base was read, µs since 1970 */
};

struct edit_place {
        /* `ret` is empty. */
        int (*read)(struct edit *e, struct edit_state *ret);
        /* The text becomes `mine`, or there are problems, `PATH:line:column: …` of the editor's file. */
        int (*check)(struct edit *e, struct diags *problems);
        /* What it would change; *ret_any: anything at all. */
        int (*show)(struct edit *e, bool *ret_any);
        /* Only if all is as in `base`, else EXIT_CODE_CONFLICT, also where it may be. */
        int (*store)(struct edit *e);
        /* Who changed it meanwhile; may be NULL. */
        int (*show_who)(struct edit *e);
};

/* From the text to the end. */
_must_check_ int edit_run(struct edit *e, const char *name, const struct buf *text);
void edit_done(struct edit *e);

/* Of the key that the command line names. */
_must_check_ int edit_tree(struct session *s);
/* Of that name in the administrator's folder. */
_must_check_ int edit_file(struct session *s, const char *name);
