/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "problems.h"

#include <stdlib.h>
#include <string.h>

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
        struct problem *list = reallocarray(p->list, p->n + 1, sizeof(*list));
        if (list)
                p->list = list;
        char *file_copy = list ? strdup(file) : NULL;
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
