/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "value-list.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/names/fold.h"
#include "../reg/event.h"
#include "../reg/tree-key.h"

static void drop_entries(struct value_list *l)
{
        for (size_t i = 0; i < l->n_entries; i++)
                entry_done(&l->entries[i]);
        free(STEAL_PTR(l->entries));
        l->n_entries = 0;
        l->entries_reply = sd_bus_message_unref(l->entries_reply);
}

static void drop_known(struct value_list *l)
{
        for (size_t i = 0; i < l->n_known; i++)
                description_done(&l->known[i]);
        free(STEAL_PTR(l->known));
        l->n_known = 0;
        l->known_reply = sd_bus_message_unref(l->known_reply);
}

static void drop_masks(struct value_list *l)
{
        free(STEAL_PTR(l->masks));
        l->n_masks = 0;
        l->masks_reply = sd_bus_message_unref(l->masks_reply);
}

static void drop_rows(struct value_list *l)
{
        for (size_t i = 0; i < l->n; i++) {
                contenders_done(&l->rows[i].layers);
                buf_done(&l->rows[i].origin);
        }
        free(STEAL_PTR(l->rows));
        l->n = 0;
}

static void drop_all(struct value_list *l)
{
        drop_rows(l);
        drop_entries(l);
        drop_known(l);
        drop_masks(l);
}

void value_list_done(struct value_list *l)
{
        drop_all(l);
        buf_done(&l->key);
}

void value_list_begin(struct value_list *l, const char *key)
{
        if (strcmp(buf_str(&l->key), key) == 0)
                return;
        drop_all(l);
        buf_clear(&l->key);
        buf_puts(&l->key, key);
        l->selected = 0;
        l->is_read = false;
}

static int compare(const void *a, const void *b)
{
        const struct value_row *x = a, *y = b;

        return fold_order(x->name, y->name);
}

struct value_row *value_list_find(const struct value_list *l, const char *name)
{
        const struct value_row key = { .name = name };

        return l->n > 0 ? bsearch(&key, l->rows, l->n, sizeof(*l->rows), compare) : NULL;
}

struct value_row *value_list_selected(const struct value_list *l)
{
        return l->selected < l->n ? &l->rows[l->selected] : NULL;
}

/* One row of two with the same name. */
static size_t unite(struct value_row *rows, size_t n)
{
        size_t kept = 0;

        for (size_t i = 0; i < n; i++) {
                struct value_row *last = kept > 0 ? &rows[kept - 1] : NULL;
                if (!last || compare(last, &rows[i]) != 0) {
                        rows[kept++] = rows[i];
                        continue;
                }
                last->name = rows[i].entry ? rows[i].name : last->name;
                last->entry = rows[i].entry ? rows[i].entry : last->entry;
                last->known = rows[i].known ? rows[i].known : last->known;
                last->is_masked |= rows[i].is_masked;
        }
        return kept;
}

/* The names of the old rows are still there. */
static void inherit(const struct value_list *old, struct value_list *l)
{
        const struct value_row *selected = value_list_selected(old), *again;

        for (size_t i = 0; i < l->n; i++) {
                struct value_row *before = value_list_find(old, l->rows[i].name);
                if (!before)
                        continue;
                l->rows[i].marked = before->marked;
                l->rows[i].layers = before->layers;
                l->rows[i].origin = before->origin;
                before->layers = (struct contenders){ 0 };
                before->origin = BUF_INIT;
        }
        /* While the list is being completed nobody has chosen anything yet. */
        again = selected && old->known_reply ? value_list_find(l, selected->name) : NULL;
        if (again)
                l->selected = (size_t)(again - l->rows);
        else if (l->selected >= l->n)
                l->selected = l->n > 0 ? l->n - 1 : 0;
}

/* From the entries, what is known and what is masked. */
static int make_rows(const struct value_list *old, struct value_list *l)
{
        const size_t n = l->n_entries + l->n_known + l->n_masks;

        l->rows = calloc(n > 0 ? n : 1, sizeof(*l->rows));
        if (!l->rows)
                return -ENOMEM;
        for (size_t i = 0; i < l->n_masks; i++)
                l->rows[l->n_entries + l->n_known + i] =
                        (struct value_row){ .name = l->masks[i], .is_masked = true };
        for (size_t i = 0; i < l->n_entries; i++)
                l->rows[i] = (struct value_row){ .name = l->entries[i].name, .entry = &l->entries[i] };
        for (size_t i = 0; i < l->n_known; i++)
                l->rows[l->n_entries + i] =
                        (struct value_row){ .name = l->known[i].sv.name, .known = &l->known[i] };
        if (n > 1)
                qsort(l->rows, n, sizeof(*l->rows), compare);
        l->n = unite(l->rows, n);
        inherit(old, l);
        return 0;
}

/* `r` is what reading came to: of an answer that made no sense there are no rows. */
static int remake_rows(struct value_list *old, struct value_list *l, int r)
{
        l->rows = NULL;
        l->n = 0;
        if (r >= 0)
                r = make_rows(old, l);
        drop_rows(old);
        return r < 0 ? r : 0;
}

static int read_entries(struct value_list *l, sd_bus_message *reply)
{
        struct entry e = { 0 };
        int r = sd_bus_message_enter_container(reply, 'a', "(suvts)");

        while (r >= 0 && (r = entry_read_next(reply, &e)) > 0) {
                r = array_grow(&l->entries, l->n_entries, sizeof(*l->entries));
                if (r < 0)
                        break;
                l->entries[l->n_entries++] = e;
                e = (struct entry){ 0 };
        }
        entry_done(&e);
        return r;
}

int value_list_take_entries(struct value_list *l, sd_bus_message *reply)
{
        struct value_list old = *l;

        l->entries = NULL;
        l->n_entries = 0;
        l->entries_reply = sd_bus_message_ref(reply);
        l->is_read = true;
        int r = remake_rows(&old, l, reply ? read_entries(l, reply) : 0);
        drop_entries(&old);
        return r;
}

static int read_masks(struct value_list *l, sd_bus_message *reply)
{
        _cleanup_tree_key_ struct tree_key key = { 0 };
        const char *path = buf_str(&l->key);
        struct tree_value v;

        int r = tree_page_enter(reply);
        if (r >= 0)
                r = tree_key_next(reply, &key);
        /* Where the layer has nothing in it a key below may come first. */
        if (r <= 0 || !fold_same(key.path, path))
                return r;
        while (r >= 0 && tree_value_next(&key, &v)) {
                if (v.value.type != REG_TOMBSTONE)
                        continue;
                r = array_grow(&l->masks, l->n_masks, sizeof(*l->masks));
                if (r == 0)
                        l->masks[l->n_masks++] = v.name;
        }
        return r;
}

int value_list_take_masks(struct value_list *l, sd_bus_message *reply)
{
        struct value_list old = *l;

        l->masks = NULL;
        l->n_masks = 0;
        l->masks_reply = sd_bus_message_ref(reply);
        int r = remake_rows(&old, l, reply ? read_masks(l, reply) : 0);
        drop_masks(&old);
        return r;
}

static int read_known(struct value_list *l, sd_bus_message *reply)
{
        struct description d = { 0 };
        const char *key;
        int r = sd_bus_message_enter_container(reply, 'a', "(" DESCRIPTION_ROW ")");

        while (r >= 0 && (r = description_next(reply, &key, &d)) > 0) {
                r = array_grow(&l->known, l->n_known, sizeof(*l->known));
                if (r < 0)
                        break;
                l->known[l->n_known++] = d;
                d = (struct description){ 0 };
        }
        description_done(&d);
        return r;
}

int value_list_take_known(struct value_list *l, sd_bus_message *reply)
{
        struct value_list old = *l;

        l->known = NULL;
        l->n_known = 0;
        l->known_reply = sd_bus_message_ref(reply);
        int r = remake_rows(&old, l, reply ? read_known(l, reply) : 0);
        drop_known(&old);
        return r;
}

int value_row_take_layers(struct value_row *row, sd_bus_message *reply)
{
        contenders_done(&row->layers);
        buf_clear(&row->origin);
        int r = contenders_read(reply, &row->layers);
        return r < 0 ? r : event_read_origin(reply, false, &row->origin, NULL);
}
