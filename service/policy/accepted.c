/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "accepted.h"

#include <errno.h>
#include <string.h>

static int compare(const char *a, const char *b)
{
        return fold_compare(a, strlen(a), b, strlen(b));
}

/* The list is sorted by key, then name, folded, so that a file's entries come grouped by key. Returns
 * whether the value is there; *ret is where it is or belongs. */
static bool locate(const struct accepted *a, const char *key, const char *name, size_t *ret)
{
        size_t from = 0, to = a->n;

        while (from < to) {
                size_t middle = from + (to - from) / 2;
                int c = compare(key, a->list[middle].key);
                if (c == 0)
                        c = compare(name, a->list[middle].name);
                if (c == 0) {
                        *ret = middle;
                        return true;
                }
                if (c < 0)
                        to = middle;
                else
                        from = middle + 1;
        }
        *ret = from;
        return false;
}

static void value_done(struct accepted_value *v)
{
        free(v->key);
        free(v->name);
        free(v->text);
        free(v->next);
}

void accepted_done(struct accepted *a)
{
        for (size_t i = 0; i < a->n; i++)
                value_done(&a->list[i]);
        free(a->list);
        *a = (struct accepted){ 0 };
}

const char *accepted_get(const struct accepted *a, const struct schema_value *sv)
{
        size_t at;

        return locate(a, sv->key.text, sv->name, &at) ? a->list[at].text : NULL;
}

bool accepted_pending(const struct accepted *a, const struct schema_value *sv, const char **ret)
{
        size_t at;

        if (!locate(a, sv->key.text, sv->name, &at) || !a->list[at].is_pending)
                return false;
        *ret = a->list[at].next;
        return true;
}

static int insert(struct accepted *a, size_t at, const char *key, const char *name)
{
        struct accepted_value *list = realloc(a->list, (a->n + 1) * sizeof(*list));
        if (!list)
                return -ENOMEM;
        a->list = list;

        struct accepted_value v = { .key = strdup(key), .name = strdup(name) };
        if (!v.key || !v.name) {
                value_done(&v);
                return -ENOMEM;
        }
        memmove(list + at + 1, list + at, (a->n - at) * sizeof(*list));
        list[at] = v;
        a->n++;
        return 0;
}

static int replace(char **at, const char *text)
{
        char *copy = text ? strdup(text) : NULL;
        if (text && !copy)
                return -ENOMEM;
        free(*at);
        *at = copy;
        return 0;
}

static void forget_empty(struct accepted *a, size_t at)
{
        if (a->list[at].text || a->list[at].is_pending)
                return;
        value_done(&a->list[at]);
        a->n--;
        memmove(a->list + at, a->list + at + 1, (a->n - at) * sizeof(*a->list));
}

int accepted_set(struct accepted *a, const struct schema_value *sv, const char *text)
{
        size_t at;
        int r = 0;

        if (!locate(a, sv->key.text, sv->name, &at))
                r = text ? insert(a, at, sv->key.text, sv->name) : -ENOENT;
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        r = replace(&a->list[at].text, text);
        forget_empty(a, at);
        return r;
}

int accepted_set_pending(struct accepted *a, const struct schema_value *sv, bool pending, const char *next)
{
        size_t at;
        int r = 0;

        if (!locate(a, sv->key.text, sv->name, &at))
                r = pending ? insert(a, at, sv->key.text, sv->name) : -ENOENT;
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        r = replace(&a->list[at].next, pending ? next : NULL);
        if (r == 0)
                a->list[at].is_pending = pending;
        forget_empty(a, at);
        return r;
}
