/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../../schema/base/macro.h"

/* What printf() would print, in a ring of 8 a thread. */
_printf_(1, 2) const char *textf(const char *format, ...);
