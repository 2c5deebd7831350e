/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "log.h"

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

void diag_setv(struct diag *d, const char *format, va_list ap)
{
        (void)vsnprintf(d->text, sizeof(d->text), format, ap);
        trim_partial_utf8(d->text);
}

int diag_set(struct diag *d, int error, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        if (d)
                diag_setv(d, format, ap);
        va_end(ap);
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

int diags_add(struct diags *l, const struct diag *d)
{
        if (l->n < DIAGS_MAX) {
                if (array_grow(&l->list, l->n, sizeof(char *)) < 0 || !(l->list[l->n] = strdup(d->text)))
                        return -ENOMEM;
                l->n++;
        }
        l->n_all++;
        return 0;
}

void diags_done(struct diags *l)
{
        for (size_t i = 0; i < l->n; i++)
                free(l->list[i]);
        free(l->list);
        *l = (struct diags){ 0 };
}

static const char *log_program = "";
static int log_max = LOG_INFO;
static bool log_to_journal;

void log_setup(const char *program, int max)
{
        log_program = program;
        log_max = max;
        log_to_journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_line(int priority, const char *format, ...)
{
        if (priority > log_max)
                return;

        char line[2048];
        va_list ap;
        va_start(ap, format);
        (void)vsnprintf(line, sizeof(line), format, ap);
        va_end(ap);
        /* One line, one entry: a newline in somebody's text must not begin a second one. */
        for (char *p = line; *p; p++)
                if (*p == '\n')
                        *p = ' ';
        if (log_to_journal)
                (void)fprintf(stderr, "<%d>%s\n", priority, line);
        else
                (void)fprintf(stderr, "%s: %s\n", log_program, line);
}

static struct problem *find(const struct problems *p, const char *file)
{
        for (size_t i = 0; i < p->n; i++)
                if (strcmp(p->list[i].file, file) == 0)
                        return &p->list[i];
        return NULL;
}

bool problems_set(struct problems *p, const char *file, const char *text)
{
        struct problem *old = find(p, file);
        if (old && strcmp(old->text, text) == 0)
                return false;

        char *text_copy = strdup(text);
        if (!text_copy)
                return false;
        if (old) {
                free(old->text);
                old->text = text_copy;
                return true;
        }
        char *file_copy = array_grow(&p->list, p->n, sizeof(*p->list)) == 0 ? strdup(file) : NULL;
        if (!file_copy) {
                free(text_copy);
                return false;
        }
        p->list[p->n++] = (struct problem){ .file = file_copy, .text = text_copy };
        return true;
}

bool problems_clear(struct problems *p, const char *file)
{
        struct problem *old = find(p, file);
        if (!old)
                return false;
        free(old->file);
        free(old->text);
        *old = p->list[--p->n];
        return true;
}

void problems_done(struct problems *p)
{
        for (size_t i = 0; i < p->n; i++) {
                free(p->list[i].file);
                free(p->list[i].text);
        }
        free(p->list);
        *p = (struct problems){ 0 };
}

/* Of what is in a folder that cannot be read nothing is known. */
static bool is_known(const struct problems *found, const char *file)
{
        for (size_t i = 0; i < found->n; i++) {
                size_t n = strlen(found->list[i].file);
                if (strncmp(found->list[i].file, file, n) == 0 && (file[n] == '/' || file[n] == '\0'))
                        return true;
        }
        return false;
}

const char *problems_mended(const struct problems *p, const char *beginning, const struct problems *found)
{
        for (size_t i = 0; i < p->n; i++)
                if (strncmp(p->list[i].file, beginning, strlen(beginning)) == 0 &&
                        !is_known(found, p->list[i].file))
                        return p->list[i].file;
        return NULL;
}
