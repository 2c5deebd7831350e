/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../../schema/names/fold.h"
#include "state.h"

void state_hives_done(struct state_hives *h)
{
        for (size_t i = 0; i < h->n; i++)
                free(h->list[i].name);
        free(h->list);
        *h = (struct state_hives){ 0 };
}

const struct hive_root *state_hive_find(const struct state_hives *h, const char *name, size_t len)
{
        for (size_t i = 0; i < h->n; i++)
                if (fold_equal(h->list[i].name, strlen(h->list[i].name), name, len))
                        return &h->list[i];
        return NULL;
}

int state_hive_add(struct state_hives *h, const char *name, const struct guid *root)
{
        if (state_hive_find(h, name, strlen(name)))
                return -EEXIST;
        struct hive_root *list = reallocarray(h->list, h->n + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        h->list = list;
        char *copy = strdup(name);
        if (!copy)
                return -ENOMEM;
        h->list[h->n++] = (struct hive_root){ .name = copy, .root = *root };
        return 0;
}
