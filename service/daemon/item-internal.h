/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "item.h"

/* 0 or -ENOMEM; `text` may be NULL. */
_must_check_ int item_replace(char **at, const char *text);

/* item-control.c */
void item_begin(struct item *item);
/* Nothing is in force any more: the control keeps what it holds, and is nobody's. */
void item_let_go(struct item *item);
/* Brings the control to the canonical text; live, last_error and the like follow. */
enum control_outcome item_write(struct item *item, const char *text);
