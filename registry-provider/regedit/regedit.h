/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The whole of it: what is shown, what is asked of the provider, and what the keys do. */

#include "../../schema/base/diag.h"
#include "actions.h"
#include "feed.h"
#include "key-tree.h"
#include "line-editor.h"
#include "value-list.h"
#include "view.h"

/* What somebody changed is marked for so long, in µs. */
#define REGEDIT_MARK_USEC UINT64_C(3000000)

struct regedit;

/* A line that is being asked for at the bottom. */
struct prompt {
        const char *label;
        void (*typed)(struct regedit *r); /* after each key; may be NULL */
        void (*done)(struct regedit *r);  /* Enter; the prompt is closed */
};

struct regedit {
        sd_event *event;
        struct feed *feed;
        sd_event_source *unmark;
        struct key_tree tree;
        struct value_list values;
        struct buf fresh; /* names of values that were changed and are being read, a NUL behind each */
        bool in_values;   /* the pane that the keys go to */
        bool is_there;    /* the provider is */
        bool is_asking;   /* for the values */
        bool is_changed;  /* what is shown: draw */
        struct buf goal;  /* the key to go to when it was read; "": none */
        struct view view;
        const struct prompt *prompt; /* NULL: nothing is asked for */
        struct line_editor editor;
        struct diag status; /* the line at the bottom; it may be longer than that */
        bool is_error;
        size_t tree_top, values_top, page; /* the screen's: first rows, and how many there are */
};

/* `start`: the key to begin at, with or without its hive; NULL for the first one. 0 or negative errno. */
_must_check_ int regedit_init(struct regedit *r, sd_event *event, const char *start);
void regedit_done(struct regedit *r);

/* A key was pressed. */
void regedit_press(struct regedit *r, const char *key);

_printf_(2, 3) void regedit_say(struct regedit *r, const char *format, ...);
void regedit_fail(struct regedit *r, const struct diag *d);

/* For the feed: the provider is there, with these hives, or is not; and a Changed signal. */
void regedit_begin(struct regedit *r, char **hives);
void regedit_lose_provider(struct regedit *r, const struct diag *d);
void regedit_take_changes(struct regedit *r, sd_bus_message *m);
struct feed *regedit_feed(struct regedit *r);
