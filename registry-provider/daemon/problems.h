/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is wrong with the registry's files and its layers' metadata now, one entry for each. */

#include "../bus/registry-bus.h"

/* Takes copies. True if the list changed. A failed allocation leaves the entry out. */
bool problems_set(struct problems *p, const char *file, const char *text);
bool problems_clear(struct problems *p, const char *file);
void problems_done(struct problems *p);
