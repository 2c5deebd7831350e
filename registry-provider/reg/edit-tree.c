/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* edit of what a layer has at and below a key: what was read, and what comes of the text, in one
 * transaction. */
#include <errno.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "apply.h"
#include "commands.h"
#include "document.h"
#include "edit.h"
#include "known.h"

static int read_tree(struct edit *e, struct edit_state *ret)
{
        const struct path *const root = &e->key;

        int code = subtree_read(e->s,
                &(struct subtree_query){ .roots = &root, .n_roots = 1, .layer = e->s->options.layer },
                &ret->tree);
        ret->all = (struct difference_document){ ret->tree.keys, ret->tree.n };
        return code;
}

/* What stands elsewhere was not read, and the layer is not the file's to say. */
static int check_place(struct edit *e, struct diags *problems)
{
        const struct hive_file *f = e->mine;
        const char *layer = e->s->options.layer;
        struct diag d;
        int r = 0;

        if (f->layer && !fold_same(f->layer, layer)) {
                (void)diag_set(&d, EINVAL, "%s:%u:%u: it is layer `%s` that is edited", e->editor.path,
                        f->layer_line, f->layer_column, layer);
                r = diags_add(problems, &d);
        }
        for (size_t i = 0; i < f->n_keys && r == 0; i++) {
                const struct hive_key *key = &f->keys[i];
                if (path_is_below(&key->path, &e->key))
                        continue;
                (void)diag_set(&d, EINVAL, "%s:%u:%u: is not below %s, which is edited", e->editor.path,
                        key->line, key->column, e->what);
                r = diags_add(problems, &d);
        }
        return r < 0 ? session_fail(e->s, r, NULL) : EXIT_CODE_OK;
}

static int check_tree(struct edit *e, struct diags *problems)
{
        int code = document_parse(e->s, e->editor.path, &e->editor.text, &e->mine, problems);
        if (code == EXIT_CODE_OK)
                code = check_place(e, problems);
        if (code == EXIT_CODE_OK && !e->s->options.force)
                code = apply_check_values(e->s, e->editor.path, e->mine, problems);
        return code;
}

static int call(struct edit *e, struct write_batch *b, sd_bus_message **ret)
{
        b->s = e->s;
        b->layer = e->s->options.layer;
        b->what = e->what;
        b->recursive = true;
        int code = apply_differences(b, &e->base.tree, e->mine);
        return code == EXIT_CODE_OK && b->m ? write_batch_call(b, ret) : code;
}

static int show_tree(struct edit *e, bool *ret_any)
{
        _cleanup_write_batch_ struct write_batch b = { .is_preview = true };
        _cleanup_message_ sd_bus_message *reply = NULL;
        struct preview_counts counts = { 0 };

        int code = call(e, &b, &reply);
        if (code == EXIT_CODE_OK && reply)
                code = preview_show(e->s, reply, &counts);
        if (code == EXIT_CODE_OK && preview_sum(&counts) == 0)
                session_complain("the layer has all that already: nothing is done");
        *ret_any = preview_sum(&counts) > 0;
        return code;
}

static int store_tree(struct edit *e)
{
        _cleanup_write_batch_ struct write_batch b = { .registry = { true, e->base.tree.sequence } };
        _cleanup_message_ sd_bus_message *reply = NULL;

        int code = call(e, &b, &reply);
        return code == EXIT_CODE_OK ? apply_show_answer(&b, reply, 0) : code;
}

static int show_tree_who(struct edit *e)
{
        return reg_history_show_since(e->s, e->key.text, e->since);
}

/* What the schema knows in the key itself. */
static int put_known(struct edit *e, struct buf *out)
{
        _cleanup_known_list_ struct known_list known = { 0 };
        _cleanup_buf_ struct buf lines = BUF_INIT;
        const struct subtree *t = &e->base.tree;

        int code = known_list_get(e->s, e->key.text, false, &known);
        if (code != EXIT_CODE_OK)
                return code;
        for (size_t i = 0; t->n > 0 && path_equal(&t->keys[0].path, &e->key) && i < t->keys[0].n_values; i++)
                known_list_mark(&known, t->keys[0].values[i].name);
        known_list_to_text(&known, 0, &lines);
        for (const char *at = buf_str(&lines); *at;) {
                size_t n = strcspn(at, "\n");
                buf_printf(out, "# %.*s\n", (int)n, at);
                at += n + 1;
        }
        return lines.error ? session_fail(e->s, lines.error, NULL) : EXIT_CODE_OK;
}

static int write_text(struct edit *e, struct buf *out)
{
        struct hive_key own = { .path = e->key, .made = true };
        const struct subtree nothing = { .keys = &own, .n = 1 };
        const struct subtree *t = &e->base.tree;

        buf_printf(out,
                "# What is taken out of this is withdrawn from layer %s. Comments are for you, and are not kept.\n"
                "# Unchanged or empty, it changes nothing.\n",
                e->s->options.layer);
        int code = put_known(e, out);
        return code == EXIT_CODE_OK ? export_to_yaml(e->s, t->n > 0 ? t : &nothing, out) : code;
}

int edit_tree(struct session *s)
{
        static const struct edit_place place = { read_tree, check_tree, show_tree, store_tree,
                show_tree_who };
        _cleanup_(edit_done) struct edit e = { .s = s, .place = &place };
        _cleanup_buf_ struct buf text = BUF_INIT, what = BUF_INIT;

        e.since = clock_of(CLOCK_REALTIME);
        if (!s->options.layer)
                s->options.layer = LAYER_BASE;
        int code = session_path(s, s->line.words[0], &e.key);
        if (code == EXIT_CODE_OK)
                code = read_tree(&e, &e.base);
        if (code == EXIT_CODE_OK)
                code = write_text(&e, &text);
        if (code != EXIT_CODE_OK)
                return code;
        words_format_key(&what, e.key.text);
        if (what.error || text.error)
                return session_fail(s, -ENOMEM, NULL);
        e.what = buf_str(&what);
        return edit_run(&e, "registry.yaml", &text);
}
