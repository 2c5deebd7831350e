/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The effective children and values of a key. */

#include "resolve.h"

#include <errno.h>

int resolve_children(const struct store *s, const struct layers *l, const struct guid *parent,
        const struct store_path_entry ***ret, size_t *ret_n)
{
        size_t names, n = 0;
        const struct store_path_entry *const *chains = store_children(s, parent, &names);
        int r = store_error(s, NULL);
        _cleanup_free_ const struct store_path_entry **list = calloc(names > 0 ? names : 1, sizeof(*list));

        if (r < 0 || !list)
                return r < 0 ? r : -ENOMEM;
        for (size_t i = 0; i < names; i++) {
                r = resolve_child_chain(l, chains[i], &list[n]);
                if (r < 0 && r != -ENOENT)
                        return r;
                n += r == 0;
        }
        *ret = STEAL_PTR(list);
        *ret_n = n;
        return 0;
}

int resolve_values(const struct store *s, const struct layers *l, const struct guid *key, bool with_data,
        const struct store_value_entry ***ret, size_t *ret_n)
{
        size_t names, n = 0;
        const struct store_value_entry *const *chains = store_values(s, key, with_data, &names);
        const struct store_blanket *blankets = store_blankets(s, key);
        int r = store_error(s, NULL);
        _cleanup_free_ const struct store_value_entry **list = calloc(names > 0 ? names : 1, sizeof(*list));

        if (r < 0 || !list)
                return r < 0 ? r : -ENOMEM;
        for (size_t i = 0; i < names; i++) {
                r = resolve_value_chain(l, chains[i], blankets, &list[n]);
                if (r < 0 && r != -ENOENT)
                        return r;
                n += r == 0;
        }
        *ret = STEAL_PTR(list);
        *ret_n = n;
        return 0;
}
