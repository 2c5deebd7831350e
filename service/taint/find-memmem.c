/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "find.h"

#include <string.h>

const char *taint_find(const char *text, size_t n)
{
        return memmem(text, n, TAINT_NEEDLE, TAINT_NEEDLE_LEN);
}
