/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "setting.h"
#include "settings.h"

/* 0 or -ENOMEM; `text` may be NULL. */
_must_check_ int setting_replace(char **at, const char *text);

void setting_changed(struct setting *s, unsigned changes);

/* What was kept, unless the schema means something else by it now. NULL: nothing. 0 or -ENOMEM. */
_must_check_ int setting_recall(const struct setting *s, const char *kept, char **ret);
_must_check_ int setting_set_pending(struct setting *s, bool is_pending, const char *text);

/* setting-begin.c. 0 or -ENOMEM. */
_must_check_ int setting_begin_kept(struct setting *s);
/* Nobody had looked before: what is found is how it began, and no change. That nothing is audited is one all
 * the same, unless it is so already. */
_must_check_ int setting_begin_found(struct setting *s, const struct link_value *in);

/* setting-control.c */
void setting_begin_control(struct setting *s);
/* Nothing is in force any more: the control keeps what it holds, and is nobody's. */
void setting_let_go(struct setting *s);
/* With nothing in force yet, the control holds it anyway. */
bool setting_came_with_boot(struct setting *s, const char *text);
/* Whether the value comes into force at the moment that the schema names, and not now. */
bool setting_has_to_wait(struct setting *s, const char *text);
/* Brings the control to the canonical text; live, last_error and the like follow. */
enum control_outcome setting_write(struct setting *s, const char *text);
struct setting_untold *setting_untold_free(struct setting_untold *u);
