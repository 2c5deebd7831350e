/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "setting.h"
#include "settings.h"

/* 0 or -ENOMEM; `text` may be NULL. */
_must_check_ int setting_replace(char **at, const char *text);

/* What is to be taken now; NULL: nothing. */
static inline const char *setting_wanted(const struct setting *s)
{
        return s->starting ? s->starting : s->accepted;
}

void setting_changed(struct setting *s, unsigned changes);

/* setting-control.c */
void setting_begin(struct setting *s);
/* Nothing is in force any more: the control keeps what it holds, and is nobody's. */
void setting_let_go(struct setting *s);
/* Whether the value comes into force at the moment that the schema names, and not now. */
bool setting_has_to_wait(struct setting *s, const char *text);
/* Brings the control to the canonical text; live, last_error and the like follow. */
enum control_outcome setting_write(struct setting *s, const char *text);
struct setting_untold *setting_untold_free(struct setting_untold *u);
