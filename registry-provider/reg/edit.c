/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* edit: a text goes to an editor and comes back, until it is stored or nobody wants that any more. */
#include "edit.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "commands.h"
#include "document.h"

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
        (void)diag_set(&e->s->diag, EINVAL, "%s: %zu bad %s; nothing is done", e->what, problems->n_all,
                problems->n_all == 1 ? "entry" : "entries");
        return EXIT_CODE_INVALID;
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
                !session_confirms("edit the text again, with that as comments?")) {
                (void)diag_set(&e->s->diag, EAGAIN, "%s: was changed meanwhile; nothing is done", e->what);
                return EXIT_CODE_CONFLICT;
        }
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
        (void)diag_set(&s->diag, EINVAL, "which key, or which --file?");
        return EXIT_CODE_USAGE;
}
