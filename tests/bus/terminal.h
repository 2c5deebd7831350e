/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* peios-regedit on a terminal, as people use it: tmux, on a socket in the world's folder, is the terminal.
 */

#include <stdbool.h>

#include "harness.h"

/* `how` goes in front of the program: variables, or one that becomes another user. `arguments` are behind
 * it; both may be "". */
void terminal_start(unsigned columns, unsigned lines, const char *how, const char *arguments);
/* The program has ended, and with this exit code. */
void terminal_ends(int code);
/* A signal to the program. */
void terminal_signal(int number);
/* Somebody closes the window: nothing of the program is left. */
void terminal_goes_away(void);

/* A key by the name that the program has for it, or a text, letter by letter. */
void terminal_press(const char *key);
void terminal_type(const char *text);
void terminal_resize(unsigned columns, unsigned lines);

/* All that is on it, a line each. Good until the next call. */
const char *terminal_screen(void);
/* The same with the escape sequences of its attributes. */
const char *terminal_attributes(void);
/* Waits until the text is on it, or is not; with `^` in front, at the begin of the first line. */
void terminal_shows(const char *text);
void terminal_hides(const char *text);
