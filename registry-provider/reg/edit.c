/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* edit: a text goes to an editor and comes back, until it is stored or nobody wants that any more; and its
 * first place, a layer's subtree. */
#include "edit.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "apply.h"
#include "commands.h"
#include "document.h"
#include "known.h"

/* So often others write while nobody asks what. */
#define TRIES 8u

void edit_state_done(struct edit_state *state)
{
        subtree_done(&state->tree);
        buf_done(&state->bytes);
        state->file = hive_file_free(state->file);
        *state = (struct edit_state){ 0 };
}

void edit_done(struct edit *e)
{
        editor_done(&e->editor);
        edit_state_done(&e->base);
        edit_state_done(&e->now);
        e->mine = hive_file_free(e->mine);
        path_done(&e->key);
        free(e->path);
}

/* ---- What is wrong with it ---- */

/* A diag about the editor's file, without that. */
static int note_problem(struct edit *e, const char *text)
{
        const size_t n = strlen(e->editor.path);
        char *at = NULL, *end = NULL;
        unsigned long line = 0, column = 0;

        if (strncmp(text, e->editor.path, n) == 0 && text[n] == ':') {
                text += n + 1;
                line = strtoul(text, &at, 10);
                if (*at == ':')
                        column = strtoul(at + 1, &end, 10);
                if (end && *end == ':')
                        text = end + 1 + (end[1] == ' ');
        }
        return editor_note(&e->editor, EDITOR_ERROR, (uint32_t)line, (uint32_t)column, text);
}

/* The same once more is what nobody wants to mend. */
static int give_back(struct edit *e, const struct diags *problems, bool *ret_again)
{
        int code = EXIT_CODE_OK;

        for (size_t i = 0; i < problems->n && e->editor.is_changed && code == EXIT_CODE_OK; i++)
                code = note_problem(e, problems->list[i]);
        *ret_again = e->editor.is_changed && code == EXIT_CODE_OK;
        if (e->editor.is_changed)
                return code;
        document_report(problems);
        return session_error(e->s, EXIT_CODE_INVALID, "%s: %zu bad %s; nothing is done", e->what,
                problems->n_all, problems->n_all == 1 ? "entry" : "entries");
}

static int check(struct edit *e, bool *ret_again)
{
        _cleanup_(diags_done) struct diags problems = { 0 };

        e->mine = hive_file_free(e->mine);
        int code = e->place->check(e, &problems);
        /* Of a document as a whole there is no more than that. */
        if (code == EXIT_CODE_INVALID && problems.n == 0 && diags_add(&problems, &e->s->diag) < 0)
                return session_fail(e->s, -ENOMEM, NULL);
        if (code != EXIT_CODE_OK && code != EXIT_CODE_INVALID)
                return code;
        e->s->diag = (struct diag){ 0 };
        return problems.n > 0 ? give_back(e, &problems, ret_again) : EXIT_CODE_OK;
}

/* ---- What others did ---- */

/* Where the text has the value, else its key, else the top. */
static int note_difference(struct edit *e, const struct difference *d)
{
        const struct path *path = &difference_key(d)->path;
        const struct hive_value *value = difference_value(d);
        _cleanup_buf_ struct buf text = BUF_INIT;
        uint32_t line = 0, column = 0;

        for (size_t i = 0; i < e->mine->n_keys; i++) {
                const struct hive_key *key = &e->mine->keys[i];
                if (!path_equal(&key->path, path))
                        continue;
                line = key->line;
                column = key->column;
                for (size_t k = 0; value && k < key->n_values; k++)
                        if (fold_same(key->values[k].name, value->name)) {
                                line = key->values[k].line;
                                column = key->values[k].column;
                        }
        }
        diff_to_text(&text, d);
        if (text.len > 0)
                text.data[--text.len] = '\0';
        return editor_note(&e->editor, EDITOR_MEANWHILE, line, column, buf_str(&text));
}

static struct difference_walk since_base(const struct edit *e)
{
        return (struct difference_walk){ .before = e->base.all, .after = e->now.all };
}

static bool is_moved(const struct edit *e)
{
        struct difference_walk w = since_base(e);
        struct difference d;

        return difference_next(&w, &d) || !buf_equal(&e->base.bytes, &e->now.bytes);
}

static int show_moved(struct edit *e)
{
        struct difference_walk w = since_base(e);
        struct difference d;
        struct buf *out = &e->s->out;

        utf8_put_between(out, "", e->what, " was changed meanwhile:\n");
        while (difference_next(&w, &d))
                diff_to_text(out, &d);
        int code = session_flush(e->s);
        return code == EXIT_CODE_OK && e->place->show_who ? e->place->show_who(e) : code;
}

static int offer_moved(struct edit *e, bool *ret_again)
{
        struct difference_walk w = since_base(e);
        struct difference d;

        int code = show_moved(e);
        if (code != EXIT_CODE_OK)
                return code;
        if (e->s->options.yes || !session_interactive() ||
                !session_confirms("edit the text again, with that as comments?"))
                return session_error(
                        e->s, EXIT_CODE_CONFLICT, "%s: was changed meanwhile; nothing is done", e->what);
        while (code == EXIT_CODE_OK && difference_next(&w, &d))
                code = note_difference(e, &d);
        *ret_again = true;
        return code;
}

/* From here on what is there now counts as known. */
static int compare(struct edit *e, bool *ret_again)
{
        const uint64_t since = clock_of(CLOCK_REALTIME);

        edit_state_done(&e->now);
        int code = e->place->read(e, &e->now);
        if (code == EXIT_CODE_OK && is_moved(e))
                code = offer_moved(e, ret_again);
        if (code != EXIT_CODE_OK)
                return code;
        const struct edit_state before = e->base;
        e->base = e->now;
        e->now = before;
        e->since = since;
        return EXIT_CODE_OK;
}

/* ---- The whole ---- */

/* What is not written after all is kept. */
static int ask(struct edit *e, bool *ret_again, bool *ret_go)
{
        const struct reg_options *o = &e->s->options;
        bool any = true;

        int code = o->dry_run || (!o->json && !o->quiet) ? e->place->show(e, &any) : EXIT_CODE_OK;
        if (code == EXIT_CODE_OK)
                code = session_flush(e->s);
        if (code != EXIT_CODE_OK || !any)
                return code;
        char answer = o->dry_run ? 'n'
                      : o->yes || !session_interactive()
                              ? 'y'
                              : session_choose("y/n/e", "do that? (e: edit again)");
        *ret_go = answer == 'y';
        *ret_again = answer == 'e';
        if (answer != 'n')
                return EXIT_CODE_OK;
        if (!o->dry_run)
                session_complain("nothing is done");
        editor_keep(&e->editor);
        return EXIT_CODE_OK;
}

static int store(struct edit *e, bool *ret_again)
{
        for (unsigned i = 0; i < TRIES; i++) {
                int code = e->place->store(e);
                if (code != EXIT_CODE_CONFLICT)
                        return code;
                const struct diag said = e->s->diag;
                e->s->diag = (struct diag){ 0 };
                code = compare(e, ret_again);
                if (code != EXIT_CODE_OK || *ret_again)
                        return code;
                e->s->diag = said;
        }
        return EXIT_CODE_CONFLICT;
}

static int run_once(struct edit *e, bool is_first, bool *ret_again)
{
        const struct buf *text = &e->editor.text;
        bool go = false;

        *ret_again = false;
        int code = editor_run(&e->editor);
        if (code != EXIT_CODE_OK)
                return code;
        const bool is_empty = strspn(buf_str(text), " \t\r\n") == text->len;
        if (is_empty || (is_first && !e->editor.is_changed)) {
                session_complain("the text is %s: nothing is done", is_empty ? "empty" : "unchanged");
                return EXIT_CODE_OK;
        }
        code = check(e, ret_again);
        if (code == EXIT_CODE_OK && !*ret_again)
                code = compare(e, ret_again);
        if (code == EXIT_CODE_OK && !*ret_again)
                code = ask(e, ret_again, &go);
        if (code == EXIT_CODE_OK && go)
                code = store(e, ret_again);
        if (code != EXIT_CODE_OK)
                editor_keep(&e->editor);
        return code;
}

int edit_run(struct edit *e, const char *name, const struct buf *text)
{
        bool again = true;

        e->editor.s = e->s;
        int code = editor_open(&e->editor, name, text);
        for (bool is_first = true; code == EXIT_CODE_OK && again; is_first = false)
                code = run_once(e, is_first, &again);
        return code;
}

int command_edit(struct session *s)
{
        _cleanup_free_ char *file = NULL;
        const struct reg_options *o = &s->options;

        int code = editor_check(s);
        if (code == EXIT_CODE_OK && !o->file && o->layer)
                code = layer_find_file(s, o->layer, &file);
        if (code != EXIT_CODE_OK)
                return code;
        if (o->file || file)
                return edit_file(s, o->file ? o->file : file);
        if (s->line.n_words == 1)
                return edit_tree(s);
        return session_error(s, EXIT_CODE_USAGE, "which key, or which --file?");
}

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
