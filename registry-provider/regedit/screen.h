/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The terminal, through ncurses, whose only user this is: keys come in, and what regedit.h has is drawn. */

#include "regedit.h"

/* Smaller ones get a message. */
#define SCREEN_COLUMNS_MIN 80
#define SCREEN_LINES_MIN 24

#define SCREEN_KEY_MAX 16

/* 0, or -EINVAL with d set: the terminal is none, or not known. */
_must_check_ int screen_open(struct diag *d);
void screen_close(void);
/* The terminal has another size. */
void screen_resize(void);
/* The next key that is there already, by its name: see actions.h. False: there is none. */
bool screen_next_key(char ret[SCREEN_KEY_MAX]);
/* What takes time is what is visible. */
void screen_draw(struct regedit *r);
