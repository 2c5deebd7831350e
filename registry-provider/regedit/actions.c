/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "actions.h"

#include <string.h>

const struct action_row actions[ACTIONS_N] = {
#define ACTION(symbol, key, other, bar, writes, help) [ACTION_##symbol] = { key, other, bar, writes, help },
#include "actions.def"
#undef ACTION
};

enum action actions_find(const char *key)
{
        for (size_t i = 0; i < ACTIONS_N; i++)
                if (strcmp(key, actions[i].key) == 0 ||
                        (actions[i].other && strcmp(key, actions[i].other) == 0))
                        return (enum action)i;
        return ACTION_NONE;
}

void actions_help(struct buf *out)
{
        for (size_t i = 0; i < ACTIONS_N; i++) {
                const struct action_row *a = &actions[i];
                const size_t start = out->len;
                buf_printf(out, "%s%s%s", a->key, a->other ? ", " : "", a->other ? a->other : "");
                buf_printf(out, "%*s%s\n", (int)(start + 12 - out->len), "", a->help);
        }
}

static void put_key(struct buf *out, const char *key, const char *help)
{
        if (key)
                buf_printf(out, "%s\t%s\n", key, help);
}

void actions_list(struct buf *out)
{
        for (size_t i = 0; i < ACTIONS_N; i++) {
                put_key(out, actions[i].key, actions[i].help);
                put_key(out, actions[i].other, actions[i].help);
        }
}

void actions_bar(struct buf *out, size_t width)
{
        size_t left = width;

        for (size_t i = 0; i < ACTIONS_N; i++) {
                const struct action_row *a = &actions[i];
                size_t n = a->bar ? strlen(a->key) + strlen(a->bar) + 3 : 0;
                if (n == 0 || n > left)
                        continue;
                buf_printf(out, "%s %s  ", a->key, a->bar);
                left -= n;
        }
}
