/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One line of UTF-8 text that is being typed. No terminal. */

#include <stdbool.h>

#include "../../schema/base/buf.h"

struct line_editor {
        struct buf text;
        size_t at; /* the cursor, in bytes */
};

void line_editor_done(struct line_editor *e);
/* Begins with this text, and the cursor behind it. */
void line_editor_set(struct line_editor *e, const char *text);
/* Whether it had a meaning: a character, or Left, Right, Home, End, Backspace, Del, ^A, ^E, ^K, ^U, ^W. */
bool line_editor_key(struct line_editor *e, const char *key);
