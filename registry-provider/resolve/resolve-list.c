/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The effective children and values of a key, sorted. */

#include "resolve.h"

#include <errno.h>
#include <string.h>

static int compare_children(const void *a, const void *b)
{
        const char *x = (*(const struct store_path_entry *const *)a)->name;
        const char *y = (*(const struct store_path_entry *const *)b)->name;
        return fold_compare(x, strlen(x), y, strlen(y));
}

static int compare_values(const void *a, const void *b)
{
        const char *x = (*(const struct store_value_entry *const *)a)->name;
        const char *y = (*(const struct store_value_entry *const *)b)->name;
        return fold_compare(x, strlen(x), y, strlen(y));
}

int resolve_children(const struct store *s, const struct layers *l, const struct guid *parent,
        const struct store_path_entry ***ret, size_t *ret_n)
{
        const struct store_path_entry *chain;
        size_t names = 0, n = 0;

        for (const void *cursor = NULL; store_next_child(s, parent, &cursor);)
                names++;
        _cleanup_free_ const struct store_path_entry **list = calloc(names > 0 ? names : 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        for (const void *cursor = NULL; (chain = store_next_child(s, parent, &cursor));) {
                int r = resolve_child_chain(l, chain, &list[n]);
                if (r < 0 && r != -ENOENT)
                        return r;
                n += r == 0;
        }
        qsort(list, n, sizeof(*list), compare_children);
        *ret = STEAL_PTR(list);
        *ret_n = n;
        return 0;
}

int resolve_values(const struct store *s, const struct layers *l, const struct guid *key,
        const struct store_value_entry ***ret, size_t *ret_n)
{
        const struct store_blanket *blankets = store_blankets(s, key);
        const struct store_value_entry *chain;
        size_t names = 0, n = 0;

        for (const void *cursor = NULL; store_next_value(s, key, &cursor);)
                names++;
        _cleanup_free_ const struct store_value_entry **list = calloc(names > 0 ? names : 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        for (const void *cursor = NULL; (chain = store_next_value(s, key, &cursor));) {
                int r = resolve_value_chain(l, chain, blankets, &list[n]);
                if (r < 0 && r != -ENOENT)
                        return r;
                n += r == 0;
        }
        qsort(list, n, sizeof(*list), compare_values);
        *ret = STEAL_PTR(list);
        *ret_n = n;
        return 0;
}
