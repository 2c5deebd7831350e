/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A cut in the middle of a UTF-8 sequence would make the whole text invalid for D-Bus. */
static void trim_partial_utf8(char *text)
{
        size_t n = strlen(text), back = 0;

        while (back < 4 && back < n && ((unsigned char)text[n - 1 - back] & 0xC0) == 0x80)
                back++;
        if (back >= n)
                return;
        unsigned char lead = (unsigned char)text[n - 1 - back];
        size_t need = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
        if (back < need)
                text[n - 1 - back] = '\0';
}

int diag_set(struct diag *d, int error, const char *format, ...)
{
        if (d) {
                va_list ap;
                va_start(ap, format);
                (void)vsnprintf(d->text, sizeof(d->text), format, ap);
                va_end(ap);
                trim_partial_utf8(d->text);
        }
        return -error;
}

void diag_prefix(struct diag *d, const char *format, ...)
{
        if (!d)
                return;
        char rest[sizeof(d->text)];
        memcpy(rest, d->text, sizeof(rest));

        va_list ap;
        va_start(ap, format);
        int n = vsnprintf(d->text, sizeof(d->text), format, ap);
        va_end(ap);
        if (n >= 0 && (size_t)n + 3 < sizeof(d->text)) {
                char *at = stpcpy(d->text + n, ": ");
                size_t room = sizeof(d->text) - 1 - (size_t)(at - d->text);
                *stpncpy(at, rest, room) = '\0';
        }
        trim_partial_utf8(d->text);
}
