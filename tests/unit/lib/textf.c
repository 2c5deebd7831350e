/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "textf.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>

const char *textf(const char *format, ...)
{
        static _Thread_local char ring[8][8192];
        static _Thread_local unsigned next;
        char *ret = ring[next++ % ARRAY_SIZE(ring)];
        va_list ap;

        va_start(ap, format);
        int n = vsnprintf(ret, sizeof(ring[0]), format, ap);
        va_end(ap);
        ck_assert_int_ge(n, 0);
        ck_assert_uint_lt((size_t)n, sizeof(ring[0]));
        return ret;
}
