/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The table of commands, and what --help makes of it. */

#include "args.h"

/* Ends with a row whose name is NULL. */
extern const struct command commands[];

struct buf;
/* `c` may be NULL: the whole program. */
void format_help(struct buf *out, const struct command *c);

int command_get(struct session *s);
int command_set(struct session *s);
int command_del(struct session *s);
int command_ls(struct session *s);
int command_tree(struct session *s);
int command_info(struct session *s);
int command_new(struct session *s);
int command_watch(struct session *s);
int command_history(struct session *s);
int command_why(struct session *s);
int command_lint(struct session *s);
