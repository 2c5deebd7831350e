/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers.h"

#include <errno.h>
#include <string.h>

#include "../../schema/names/fold.h"

bool layer_name_equal(const char *a, const char *b)
{
        /* Nearly always it is spelled alike. */
        return strcmp(a, b) == 0 || fold_equal(a, strlen(a), b, strlen(b));
}

static void layer_done(struct layer *l)
{
        free(l->name);
        free(l->file);
        *l = (struct layer){ 0 };
}

static int layer_init(
        struct layer *ret, const char *name, uint32_t precedence, bool enabled, const char *file)
{
        struct layer l = { .precedence = precedence, .enabled = enabled };

        l.name = strdup(name);
        l.file = file ? strdup(file) : NULL;
        if (!l.name || (file && !l.file)) {
                layer_done(&l);
                return -ENOMEM;
        }
        *ret = l;
        return 0;
}

int layers_init(struct layers *l)
{
        struct layer *list = malloc(sizeof(*list));
        if (!list || layer_init(list, LAYER_BASE, 0, true, NULL) < 0) {
                free(list);
                return -ENOMEM;
        }
        *l = (struct layers){ .list = list, .n = 1 };
        return 0;
}

void layers_done(struct layers *l)
{
        for (size_t i = 0; i < l->n; i++)
                layer_done(&l->list[i]);
        free(l->list);
        *l = (struct layers){ 0 };
}

/* Where the name is, or would be put. */
static size_t position(const struct layers *l, const char *name, bool *ret_found)
{
        size_t low = 0, high = l->n, len = strlen(name);

        *ret_found = false;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const char *other = l->list[middle].name;
                int c = fold_compare(other, strlen(other), name, len);
                if (c == 0) {
                        *ret_found = true;
                        return middle;
                }
                if (c < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

const struct layer *layers_find(const struct layers *l, const char *name)
{
        bool found;
        size_t at = position(l, name, &found);
        return found ? &l->list[at] : NULL;
}

int layers_set(struct layers *l, const char *name, uint32_t precedence, bool enabled, const char *file)
{
        struct layer made;
        bool found;

        if (layer_name_equal(name, LAYER_BASE))
                return precedence == 0 && enabled && !file ? 0 : -EINVAL;

        size_t at = position(l, name, &found);
        if (!found && l->n >= LAYERS_MAX)
                return -E2BIG;
        int r = layer_init(&made, name, precedence, enabled, file);
        if (r < 0)
                return r;
        if (found) {
                layer_done(&l->list[at]);
        } else {
                struct layer *list = reallocarray(l->list, l->n + 1, sizeof(*list));
                if (!list) {
                        layer_done(&made);
                        return -ENOMEM;
                }
                memmove(list + at + 1, list + at, (l->n - at) * sizeof(*list));
                l->list = list;
                l->n++;
        }
        l->list[at] = made;
        return 0;
}

bool layers_remove(struct layers *l, const char *name)
{
        bool found;
        size_t at = position(l, name, &found);

        if (!found || layer_name_equal(name, LAYER_BASE))
                return false;
        layer_done(&l->list[at]);
        memmove(l->list + at, l->list + at + 1, (l->n - at - 1) * sizeof(*l->list));
        l->n--;
        return true;
}
