/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* compare: how the values of two keys differ, as reg.exe prints it. */

#include <errno.h>

#include "commands.h"
#include "subtree.h"
#include "words.h"

/* As of reg.exe. All else than these two and 0 is as of the other commands, but that what is not there is
 * a failure like others: 2 says that they differ. */
#define EXIT_CODE_FAILED 1
#define EXIT_CODE_DIFFERENT 2

struct side {
        struct path path;
        struct subtree tree;
        struct difference_document all;
};

static void side_done(struct side *side)
{
        path_done(&side->path);
        subtree_done(&side->tree);
}
#define _cleanup_side_ _cleanup_(side_done)

static int read_side(struct session *s, const char *word, struct side *ret)
{
        const struct path *root = &ret->path;
        bool there = false;

        int code = session_find(s, word, &ret->path, NULL);
        if (code == EXIT_CODE_OK)
                code = session_has(s, ret->path.text, NULL, &there);
        if (code == EXIT_CODE_OK && !there) {
                _cleanup_buf_ struct buf shown = BUF_INIT;
                words_format_key(&shown, ret->path.text);
                return session_error(s, EXIT_CODE_FAILED, "compare: there is no key %s", buf_str(&shown));
        }
        if (code == EXIT_CODE_OK)
                code = subtree_read(s, &(struct subtree_query){ .roots = &root, .n_roots = 1 }, &ret->tree);
        ret->all = (struct difference_document){ ret->tree.keys, ret->tree.n };
        if (!s->options.recursive && ret->all.n > 1)
                ret->all.n = 1;
        return code;
}

/* Differences are of keys of one path: the second side's keys get those of the first. */
static int move(struct session *s, struct side *side, const struct path *to)
{
        for (size_t i = 0; i < side->tree.n; i++) {
                struct path *path = &side->tree.keys[i].path, moved = { 0 };
                _cleanup_buf_ struct buf text = BUF_INIT;
                buf_printf(&text, "%s%s", to->text, path->text + side->path.len);
                int r = text.error ? text.error
                                   : path_parse(buf_str(&text), text.len, path_any_hive, NULL, &moved,
                                             &s->diag);
                if (r < 0)
                        return session_refuse(s, r);
                path_done(path);
                *path = moved;
        }
        return EXIT_CODE_OK;
}

static void show(struct session *s, char mark, const struct side *side, const struct path *first,
        const struct hive_key *key, const struct hive_value *value)
{
        struct buf *out = &s->out;

        buf_printf(out, "%c %s: ", mark, value ? "Value" : "Key");
        reg_exe_put_path(out, side->path.text);
        words_put_path(out, key->path.text + first->len);
        if (value) {
                buf_puts(out, "  ");
                reg_exe_put_value(
                        out, value->name, &value->value, &(struct reg_exe_style){ .between = "  " });
        }
        buf_putc(out, '\n');
}

static void show_difference(
        struct session *s, const struct side *a, const struct side *b, const struct difference *d)
{
        const struct hive_key *key = difference_key(d);

        switch (d->kind) {
        case DIFFERENCE_KEY_SAME: /* that the two are there themselves says nothing */
                if (key->path.n > a->path.n)
                        show(s, '=', a, &a->path, key, NULL);
                break;
        case DIFFERENCE_VALUE_SAME:
                show(s, '=', a, &a->path, key, d->before_value);
                break;
        default:
                if (d->kind == DIFFERENCE_KEY_REMOVED || d->before_value)
                        show(s, '<', a, &a->path, key, d->before_value);
                if (d->kind == DIFFERENCE_KEY_ADDED || d->after_value)
                        show(s, '>', b, &a->path, key, d->after_value);
        }
}

/* Returns how many there are. */
static size_t show_differences(
        struct session *s, const struct side *a, const struct side *b, struct difference_walk *w)
{
        const struct reg_options *o = &s->options;
        struct difference d;
        size_t n = 0;

        while (difference_next(w, &d)) {
                bool same = d.kind == DIFFERENCE_KEY_SAME || d.kind == DIFFERENCE_VALUE_SAME;
                n += !same;
                if (!o->quiet && !o->show_none && (same || !o->show_same))
                        show_difference(s, a, b, &d);
        }
        buf_printf(&s->out, "Result Compared: %s\n", n > 0 ? "Different" : "Identical");
        return n;
}

static int check_options(struct session *s)
{
        const struct reg_options *o = &s->options;

        if (o->show_all + o->show_differences + o->show_same + o->show_none > 1)
                (void)diag_set(&s->diag, EINVAL, "compare: only one of /oa, /od, /os and /on can be given");
        else if (o->json && (o->show_all || o->show_same))
                (void)diag_set(&s->diag, EINVAL, "compare: --json is of differences, without /oa and /os");
        else
                return EXIT_CODE_OK;
        return EXIT_CODE_FAILED;
}

int command_compare(struct session *s)
{
        _cleanup_side_ struct side a = { 0 }, b = { 0 };
        const char *name = NULL;

        (void)words_trim_key(s->line.words[1]);
        int code = check_options(s);
        if (code == EXIT_CODE_OK)
                code = reg_exe_value(s, &name);
        if (code == EXIT_CODE_OK)
                code = read_side(s, s->line.words[0], &a);
        if (code == EXIT_CODE_OK)
                code = read_side(s, s->line.words[1], &b);
        if (code == EXIT_CODE_OK)
                code = move(s, &b, &a.path);
        if (code != EXIT_CODE_OK)
                return code;
        struct difference_walk w = { .before = a.all,
                .after = b.all,
                .effective = true,
                .all = s->options.show_all || s->options.show_same,
                .name = name };
        size_t n = s->options.json ? diff_to_json(s, &w) : show_differences(s, &a, &b, &w);
        code = session_flush(s);
        return code == EXIT_CODE_OK && n > 0 ? EXIT_CODE_DIFFERENT : code;
}
