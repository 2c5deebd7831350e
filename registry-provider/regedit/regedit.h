/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The whole of it: what is shown, what is asked of the provider, and what the keys do. */

#include "../../schema/base/diag.h"
#include "../../schema/names/path.h"
#include "actions.h"
#include "feed.h"
#include "key-tree.h"
#include "line-editor.h"
#include "search.h"
#include "value-list.h"
#include "view.h"

/* What somebody changed is marked for so long, in µs. */
#define REGEDIT_MARK_USEC UINT64_C(3000000)

struct regedit;

/* A line that is being asked for at the bottom. */
struct prompt {
        const char *label;
        void (*typed)(struct regedit *r);     /* after each key; may be NULL */
        void (*done)(struct regedit *r);      /* Enter, the prompt is closed; may be NULL */
        void (*cancelled)(struct regedit *r); /* Esc, the same; may be NULL */
};

/* Where the search wants to go. */
enum find_wish {
        FIND_NOTHING,
        FIND_HERE,
        FIND_NEXT,
        FIND_PREVIOUS
};

struct finder {
        struct search search;
        struct buf key, name; /* where it began */
        bool at_value;        /* there was a name */
        enum find_wish wish;
        unsigned serial; /* of the walk; answers to earlier ones are ignored */
        bool is_walking;
        bool is_asked; /* for a page: one at a time, however fast somebody types */
        size_t hive;   /* that is being walked */
        size_t n_keys; /* that were read */
};

/* A change that is being made up, and then waits for a yes. */
struct edit {
        const char *action; /* as in Transact(); NULL: it is to take `undo` back */
        struct buf key, name;
        struct buf bytes;
        uint32_t type;
        struct expected expected;
        uint64_t undo; /* the change's number */
};

/* Whether the user may write. */
enum access {
        ACCESS_UNKNOWN,
        ACCESS_ALLOWED,
        ACCESS_ASKS,
        ACCESS_DENIED
};

#define REGEDIT_UNDO_MAX 64

struct regedit {
        sd_event *event;
        struct feed *feed;
        sd_event_source *unmark;
        struct key_tree tree;
        struct value_list values;
        struct buf fresh;     /* names of values that were changed and are being read, a NUL behind each */
        bool in_values;       /* the pane that the keys go to */
        bool is_there;        /* the provider is */
        struct buf asking;    /* the key whose values are asked for; "": none is */
        bool is_changed;      /* what is shown: draw */
        struct buf goal;      /* the key to go to when it was read; "": none */
        struct buf goal_name; /* and the value in it */
        bool has_goal_name;
        struct finder finder;
        struct edit edit;
        enum access access;
        char layer[NAME_BYTES_MAX + 1];  /* that is written to */
        sd_bus_message *layers;          /* those of the menu */
        uint64_t done[REGEDIT_UNDO_MAX]; /* the last changes that were made here */
        size_t n_done;
        struct view view;
        void (*chosen)(struct regedit *r); /* the view's answer is yes; NULL for a text */
        const struct prompt *prompt;       /* NULL: nothing is asked for */
        struct line_editor editor;
        struct diag status; /* the line at the bottom; it may be longer than that */
        bool is_error;
        size_t tree_top, values_top; /* the screen's: first rows, */
        size_t page, values_page;    /* how many there are, */
        bool is_wide;                /* and whether the layers of all values are shown */
};

/* `start`: the key to begin at, with or without its hive; NULL for the first one. `layer`: that is written
 * to; NULL for base. 0 or negative errno. */
_must_check_ int regedit_init(struct regedit *r, sd_event *event, const char *start, const char *layer);
void regedit_done(struct regedit *r);

/* A key was pressed. */
void regedit_press(struct regedit *r, const char *key);

/* Reads what is selected, what is open, or all of both anew, where that is to be done. */
void regedit_follow(struct regedit *r);
void regedit_read_open(struct regedit *r);
void regedit_read_again(struct regedit *r);
/* What is drawn now may want more to be read. */
void regedit_ask_layers(struct regedit *r);
/* Goes to the key, and to the value `name` in it (NULL: to none), when they have been read. */
void regedit_go(struct regedit *r, const char *key, const char *name);
/* The path of the selected key, and the name of the selected value (NULL: the keys have the cursor). Good
 * until something is read. */
const char *regedit_place(const struct regedit *r, const char **ret_name);
/* Asks for a line, which begins as `text`. */
void regedit_prompt(struct regedit *r, const struct prompt *prompt, const char *text);
/* A negative errno; nothing where it is none. */
void regedit_fail_with(struct regedit *r, int error);

/* regedit-show.c */
void regedit_show_help(struct regedit *r);
void regedit_show_card(struct regedit *r);
void regedit_show_history(struct regedit *r);
void regedit_show_error(struct regedit *r);

/* regedit-edit.c */
void regedit_edit_value(struct regedit *r);
/* It failed: what was typed can be mended. */
void regedit_edit_again(struct regedit *r);
void regedit_new_value(struct regedit *r);
void regedit_new_key(struct regedit *r);
void regedit_delete(struct regedit *r);
void regedit_mask(struct regedit *r);

/* regedit-send.c */
/* Shows what the edit would come to, and sends it after a yes. `key` and all of the edit but its action,
 * which is given, were set. */
void regedit_preview(struct regedit *r);
void regedit_undo(struct regedit *r);
void regedit_choose_layer(struct regedit *r);
/* Asks whether the user may write, and says so where not: what writes asks first. */
void regedit_ask_access(struct regedit *r);
bool regedit_may_write(struct regedit *r);

/* regedit-find.c */
void regedit_find(struct regedit *r);
void regedit_find_again(struct regedit *r, enum find_wish wish);

_printf_(2, 3) void regedit_say(struct regedit *r, const char *format, ...);
void regedit_fail(struct regedit *r, const struct diag *d);

/* For the feed: the provider is there, with these hives, or is not; and a Changed signal. */
void regedit_begin(struct regedit *r, const char **hives, size_t n);
void regedit_lose_provider(struct regedit *r, const struct diag *d);
void regedit_take_changes(struct regedit *r, sd_bus_message *m);
