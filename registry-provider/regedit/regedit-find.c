/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The search: while a text is being typed the whole registry is walked for it, a page at a time, and the
 * cursor goes to the first place behind the one where it began. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../reg/tree-key.h"
#include "regedit.h"

static void walk(struct regedit *r, size_t hive, const char *after);

/* ---- Where to go ---- */

static const struct search_place *wished(const struct regedit *r)
{
        const struct finder *f = &r->finder;
        const char *name, *key = regedit_place(r, &name);

        switch (f->wish) {
        case FIND_HERE:
                return search_behind(
                        &f->search, buf_str(&f->key), f->at_value ? buf_str(&f->name) : NULL, true);
        case FIND_NEXT:
                return search_behind(&f->search, key, name, false);
        case FIND_PREVIOUS:
                /* What comes last is only known at the end. */
                return f->is_walking ? NULL : search_before(&f->search, key, name);
        default:
                return NULL;
        }
}

/* There is nothing in that direction: begin at the other end. */
static const struct search_place *around(struct regedit *r)
{
        const struct search_place *p = search_end(&r->finder.search, r->finder.wish == FIND_PREVIOUS);

        if (p)
                regedit_say(r, "from the other end on");
        else
                regedit_say(r, "nowhere in the names and data");
        return p;
}

static void settle(struct regedit *r)
{
        struct finder *f = &r->finder;

        if (f->wish == FIND_NOTHING)
                return;
        if (!r->is_error)
                r->status.text[0] = '\0';
        const struct search_place *p = wished(r);
        if (!p && !f->is_walking)
                p = around(r);
        if (!p && f->is_walking) {
                regedit_say(r, "%zu keys were looked at so far", f->n_keys);
                return;
        }
        f->wish = FIND_NOTHING;
        if (p)
                regedit_go(r, p->key, p->name);
}

/* ---- The walk ---- */

/* Answers to a walk of before. */
static bool is_late(const struct regedit *r, const struct feed_answer *a)
{
        return strtoul(a->name, NULL, 10) != r->finder.serial;
}

static int try_values(struct finder *f, struct tree_key *key)
{
        struct tree_value v;
        int r = 0;

        while (r >= 0 && tree_value_next(key, &v))
                r = search_try_value(&f->search, key->path, v.name, &v.value);
        return r;
}

static int try_page(struct finder *f, sd_bus_message *m, const char **ret_next)
{
        _cleanup_tree_key_ struct tree_key key = { 0 };
        int r = tree_page_enter(m);

        while (r >= 0 && (r = tree_key_next(m, &key)) > 0) {
                f->n_keys++;
                r = search_try_key(&f->search, key.path);
                if (r >= 0)
                        r = try_values(f, &key);
        }
        return r < 0 ? r : sd_bus_message_read(m, "s", ret_next);
}

static void on_page(struct regedit *r, const struct feed_answer *a)
{
        struct finder *f = &r->finder;
        const char *next = "";
        int e = 0;

        f->is_asked = false;
        if (is_late(r, a)) {
                if (f->is_walking)
                        walk(r, 0, "");
                return;
        }
        if (a->reply)
                e = try_page(f, a->reply, &next);
        else
                regedit_fail(r, &a->d);
        regedit_fail_with(r, e);
        if (!a->reply || e < 0 || f->search.n >= SEARCH_PLACES_MAX)
                f->is_walking = false;
        else
                walk(r, next[0] ? f->hive : f->hive + 1, next);
        settle(r);
        r->is_changed = true;
}

/* What nobody set can be found, too. */
static void on_known(struct regedit *r, const struct feed_answer *a)
{
        struct description d = { 0 };
        const char *key;
        int e = a->reply && !is_late(r, a) ? sd_bus_message_skip(a->reply, "as") : -ESTALE;

        if (e >= 0)
                e = sd_bus_message_enter_container(a->reply, 'a', "(" DESCRIPTION_ROW ")");
        while (e >= 0 && (e = description_next(a->reply, &key, &d)) > 0) {
                e = search_try_value(&r->finder.search, key, d.sv.name, NULL);
                description_done(&d);
        }
        description_done(&d);
        regedit_fail_with(r, e < 0 && e != -ESTALE ? e : 0);
}

/* From the key behind `after` on; "" for the whole hive. */
static void walk(struct regedit *r, size_t hive, const char *after)
{
        const struct key_node *root = r->tree.root;
        char serial[16];

        r->finder.hive = hive;
        r->finder.is_walking = hive < root->n_children;
        if (!r->finder.is_walking)
                return;
        (void)snprintf(serial, sizeof(serial), "%u", r->finder.serial);
        const char *key = root->children[hive]->name;
        int e = after[0] ? 0 : feed_ask(r->feed, "ListKnown", key, serial, on_known, "sb", key, 1);
        /* Of a whole hive there is no option: what follows is not read then. */
        if (e >= 0)
                e = feed_ask(r->feed, "ReadTree", key, serial, on_page, "sa{sv}", key, after[0] ? 1 : 0,
                        "after", "s", after);
        r->finder.is_walking = r->finder.is_asked = e >= 0;
        regedit_fail_with(r, e);
}

/* ---- The keys ---- */

static void begin_walk(struct regedit *r)
{
        struct finder *f = &r->finder;

        f->serial++;
        f->n_keys = 0;
        search_begin(&f->search, buf_str(&r->editor.text));
        f->is_walking = f->search.text.len > 0 && r->is_there;
        if (f->is_walking && !f->is_asked)
                walk(r, 0, "");
}

static void go_back(struct regedit *r)
{
        struct finder *f = &r->finder;

        f->wish = FIND_NOTHING;
        regedit_go(r, buf_str(&f->key), f->at_value ? buf_str(&f->name) : NULL);
}

static void on_typed(struct regedit *r)
{
        r->status.text[0] = '\0';
        begin_walk(r);
        r->finder.wish = r->finder.is_walking ? FIND_HERE : FIND_NOTHING;
        if (r->finder.search.text.len == 0)
                go_back(r);
}

static const struct prompt prompt = { "Find", on_typed, NULL, go_back };

void regedit_find(struct regedit *r)
{
        struct finder *f = &r->finder;
        const char *name, *key = regedit_place(r, &name);

        buf_clear(&f->key);
        buf_puts(&f->key, key);
        buf_clear(&f->name);
        buf_puts(&f->name, name ? name : "");
        f->at_value = name != NULL;
        regedit_prompt(r, &prompt, "");
}

void regedit_find_again(struct regedit *r, enum find_wish wish)
{
        if (r->finder.search.text.len == 0) {
                regedit_say(r, "nothing was looked for yet: / asks for it");
                return;
        }
        r->finder.wish = wish;
        settle(r);
}
