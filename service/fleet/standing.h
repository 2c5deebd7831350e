/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How this machine stands: what a verdict says beside the agent's own part. */

#include "../../schema/base/macro.h"

struct standing;

/* Members of a JSON object, without its braces; "" as long as nothing is known. Borrowed until the next turn
 * of the loop. */
const char *standing_text(const struct standing *s);
