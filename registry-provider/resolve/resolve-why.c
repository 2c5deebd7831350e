/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a value is what it is. */

#include "resolve.h"

#include <errno.h>
#include <string.h>

static bool is_candidate(const struct why_entry *w)
{
        return w->state != WHY_LAYER_DISABLED && w->state != WHY_LAYER_UNKNOWN;
}

static int compare(const void *a, const void *b)
{
        const struct why_entry *x = a, *y = b;

        if (is_candidate(x) != is_candidate(y))
                return is_candidate(x) ? -1 : 1;
        if (is_candidate(x) && x->precedence != y->precedence)
                return x->precedence > y->precedence ? -1 : 1;
        if (x->sequence != y->sequence)
                return x->sequence > y->sequence ? -1 : 1;
        return strcmp(x->layer, y->layer);
}

static struct why_entry make(const struct layers *l, const char *layer, uint64_t sequence)
{
        const struct layer *known = layers_find(l, layer);
        struct why_entry w = { .layer = layer, .sequence = sequence, .state = WHY_LAYER_UNKNOWN };

        if (known) {
                w.file = known->file;
                w.precedence = known->precedence;
                w.state = known->enabled ? WHY_SHADOWED : WHY_LAYER_DISABLED;
        }
        return w;
}

int resolve_why(const struct store *s, const struct layers *l, const struct guid *key, const char *name,
        size_t len, struct why_entry **ret, size_t *ret_n)
{
        const struct store_value_entry *chain = store_value(s, key, name, len);
        const struct store_blanket *blankets = store_blankets(s, key);
        size_t n = 0;
        int r = store_error(s, NULL);

        if (r < 0)
                return r;
        for (const struct store_value_entry *e = chain; e; e = e->next)
                n++;
        for (const struct store_blanket *b = blankets; b; b = b->next)
                n++;
        struct why_entry *list = calloc(n > 0 ? n : 1, sizeof(*list)), *at = list;
        if (!list)
                return -ENOMEM;
        for (const struct store_value_entry *e = chain; e; e = e->next) {
                *at = make(l, e->layer, e->sequence);
                at++->entry = e;
        }
        for (const struct store_blanket *b = blankets; b; b = b->next) {
                *at = make(l, b->layer, b->sequence);
                at++->blanket = true;
        }
        qsort(list, n, sizeof(*list), compare);
        if (n > 1 && is_candidate(&list[1]) && list[0].precedence == list[1].precedence &&
                list[0].sequence == list[1].sequence) {
                free(list);
                return -EBADMSG;
        }
        if (n > 0 && is_candidate(&list[0]))
                list[0].state = WHY_WINS;
        *ret = list;
        *ret_n = n;
        return 0;
}
