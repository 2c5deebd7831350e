/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* diff: what makes A into B, each a file, a layer, or the registry as it is or was. */

#include <errno.h>
#include <string.h>

#include "commands.h"
#include "document.h"
#include "entry.h"
#include "subtree.h"
#include "words.h"

#define EXIT_CODE_DIFFERENT 1
#define LIVE "live"
#define LAYER_PREFIX "layer:"
#define AT_PREFIX "at:"

struct side {
        const char *layer; /* of the registry; NULL: what is effective */
        bool is_file, is_past;
        struct words_moment at;
        struct hive_file *file;
        size_t left_out; /* of the file */
        struct subtree tree;
        struct difference_document all;
};

static void side_done(struct side *side)
{
        side->file = hive_file_free(side->file);
        subtree_done(&side->tree);
}
#define _cleanup_side_ _cleanup_(side_done)

static int open_side(struct session *s, const char *word, struct side *ret)
{
        if (strcmp(word, LIVE) == 0)
                return EXIT_CODE_OK;
        if (strncmp(word, LAYER_PREFIX, strlen(LAYER_PREFIX)) == 0) {
                ret->layer = word + strlen(LAYER_PREFIX);
                int r = path_check_component(ret->layer, strlen(ret->layer), &s->diag);
                if (r < 0)
                        diag_prefix(&s->diag, "%s", word);
                return r < 0 ? session_refuse(s, r) : EXIT_CODE_OK;
        }
        if (strncmp(word, AT_PREFIX, strlen(AT_PREFIX)) == 0) {
                ret->is_past = true;
                return session_moment(s, "at", word + strlen(AT_PREFIX), &ret->at);
        }
        ret->is_file = true;
        int code = document_read(s, word, &ret->file, &ret->left_out);
        if (code == EXIT_CODE_OK)
                ret->all = (struct difference_document){ ret->file->keys, ret->file->n_keys };
        return code;
}

/* ---- Where they are compared ---- */

struct scope {
        struct path *hives; /* what `roots` may point to */
        size_t n_hives;
        struct path key;
        const struct path **roots;
        size_t n;
};

static void scope_done(struct scope *scope)
{
        for (size_t i = 0; i < scope->n_hives; i++)
                path_done(&scope->hives[i]);
        free(scope->hives);
        path_done(&scope->key);
        free(scope->roots);
}
#define _cleanup_scope_ _cleanup_(scope_done)

static int compare_roots(const void *a, const void *b)
{
        return difference_compare_paths(*(const struct path *const *)a, *(const struct path *const *)b);
}

static int all_hives(struct session *s, struct scope *scope)
{
        size_t n = 0;

        int code = session_ask_hives(s);
        if (code != EXIT_CODE_OK)
                return code;
        while (s->hives[n])
                n++;
        scope->hives = calloc(n + 1, sizeof(*scope->hives));
        scope->roots = calloc(n + 1, sizeof(*scope->roots));
        if (!scope->hives || !scope->roots)
                return session_fail(s, -ENOMEM, NULL);
        for (; scope->n < n && code == EXIT_CODE_OK; scope->n++) {
                code = session_path(s, s->hives[scope->n], &scope->hives[scope->n]);
                scope->n_hives++;
                scope->roots[scope->n] = &scope->hives[scope->n];
        }
        qsort(scope->roots, scope->n, sizeof(*scope->roots), compare_roots);
        return code;
}

/* The KEY that is given, else where the file has something, else everywhere. */
static int find_scope(struct session *s, const struct side *a, const struct side *b, struct scope *scope)
{
        const struct side *file = a->is_file ? a : b->is_file ? b : NULL;

        if (s->line.n_words > 2) {
                scope->roots = calloc(1, sizeof(*scope->roots));
                if (!scope->roots)
                        return session_fail(s, -ENOMEM, NULL);
                scope->roots[0] = &scope->key;
                scope->n = 1;
                return session_path(s, s->line.words[2], &scope->key);
        }
        if (!file)
                return all_hives(s, scope);
        int r = document_roots(file->file->keys, file->file->n_keys, &scope->roots, &scope->n);
        return r < 0 ? session_fail(s, r, NULL) : EXIT_CODE_OK;
}

/* What is below one key is one piece of a document. */
static struct difference_document cut(struct difference_document all, const struct path *key)
{
        size_t first = difference_find(all.keys, all.n, key), n = 0;

        while (first + n < all.n && path_is_below(&all.keys[first + n].path, key))
                n++;
        return (struct difference_document){ all.keys + first, n };
}

static int read_side(struct session *s, struct side *side, const struct scope *scope)
{
        if (side->is_file) {
                if (scope->key.text)
                        side->all = cut(side->all, &scope->key);
                return EXIT_CODE_OK;
        }
        if (scope->n == 0)
                return EXIT_CODE_OK;
        const struct subtree_query query = { .roots = scope->roots,
                .n_roots = scope->n,
                .layer = side->layer,
                .at = side->is_past ? &side->at : NULL };

        int code = subtree_read(s, &query, &side->tree);
        side->all = (struct difference_document){ side->tree.keys, side->tree.n };
        return code;
}

/* ---- Showing it ---- */

static const char *how_key_is(const struct hive_key *key)
{
        if (!key)
                return "there";
        return key->hidden    ? "hidden"
               : key->blanket ? "all values masked"
               : key->is_link ? "a link"
                              : "there";
}

static void format_value(struct buf *out, const struct hive_value *v)
{
        if (v->value.type == REG_TOMBSTONE)
                buf_puts(out, "masked");
        else
                entry_format_short(out, &v->value);
}

void diff_to_text(struct buf *out, const struct difference *d)
{
        static const char marks[] = {
                [DIFFERENCE_KEY_ADDED] = '+',
                [DIFFERENCE_KEY_REMOVED] = '-',
                [DIFFERENCE_KEY_CHANGED] = '~',
                [DIFFERENCE_VALUE_ADDED] = '+',
                [DIFFERENCE_VALUE_REMOVED] = '-',
                [DIFFERENCE_VALUE_CHANGED] = '~',
        };
        const struct hive_value *one = difference_value(d);

        buf_printf(out, "%c ", marks[d->kind]);
        words_format_key(out, difference_key(d)->path.text);
        if (!one) {
                buf_putc(out, '\\');
                if (d->kind == DIFFERENCE_KEY_CHANGED)
                        buf_printf(out, "  %s -> %s", how_key_is(d->before), how_key_is(d->after));
                buf_putc(out, '\n');
                return;
        }
        const char *name = path_word_of_value_name(one->name);
        utf8_put_between(out, "  ", name, " = ");
        format_value(out, one);
        if (d->before_value && d->after_value) {
                buf_puts(out, " -> ");
                format_value(out, d->after_value);
        }
        buf_putc(out, '\n');
}

static void side_to_json(struct json *j, const char *name, const struct hive_value *v)
{
        json_key(j, name);
        if (!v) {
                json_null(j);
                return;
        }
        json_begin_object(j);
        value_to_json(j, &v->value);
        json_end_object(j);
}

static void difference_to_json(struct json *j, const struct difference *d)
{
        static const char *const kinds[] = {
                [DIFFERENCE_KEY_ADDED] = "key-added",
                [DIFFERENCE_KEY_REMOVED] = "key-removed",
                [DIFFERENCE_KEY_CHANGED] = "key-changed",
                [DIFFERENCE_VALUE_ADDED] = "value-added",
                [DIFFERENCE_VALUE_REMOVED] = "value-removed",
                [DIFFERENCE_VALUE_CHANGED] = "value-changed",
        };
        const struct hive_value *one = difference_value(d);

        json_begin_object(j);
        json_add_string(j, "change", kinds[d->kind]);
        words_path_to_json(j, "path", difference_key(d)->path.text);
        if (one) {
                json_add_string(j, "name", path_word_of_value_name(one->name));
                side_to_json(j, "before", d->before_value);
                side_to_json(j, "after", d->after_value);
        } else if (d->kind == DIFFERENCE_KEY_CHANGED) {
                json_add_string(j, "before", how_key_is(d->before));
                json_add_string(j, "after", how_key_is(d->after));
        }
        json_end_object(j);
}

size_t diff_to_json(struct session *s, struct difference_walk *w)
{
        struct json j = json_on(&s->out);
        struct difference d;
        size_t n = 0;

        json_begin_object(&j);
        json_open_array(&j, "differences");
        for (; difference_next(w, &d); n++)
                difference_to_json(&j, &d);
        json_end_array(&j);
        session_end_json(s, &j);
        return n;
}

static int show(struct session *s, const struct side *a, const struct side *b)
{
        /* What is effective has no tombstones; what a file or a layer masks is not there, then. */
        struct difference_walk w = { .before = a->all,
                .after = b->all,
                .effective = (!a->is_file && !a->layer) || (!b->is_file && !b->layer) };
        struct difference d;
        size_t n = s->options.json ? diff_to_json(s, &w) : 0;

        for (; difference_next(&w, &d); n++)
                if (!s->options.quiet)
                        diff_to_text(&s->out, &d);
        int code = session_flush(s);
        if (code == EXIT_CODE_OK)
                code = document_end(s, "diff", a->left_out + b->left_out);
        return code == EXIT_CODE_OK && n > 0 ? EXIT_CODE_DIFFERENT : code;
}

int command_diff(struct session *s)
{
        _cleanup_side_ struct side a = { 0 }, b = { 0 };
        _cleanup_scope_ struct scope scope = { 0 };

        int code = open_side(s, s->line.words[0], &a);
        if (code == EXIT_CODE_OK)
                code = open_side(s, s->line.words[1], &b);
        /* Two files are compared whole. */
        bool needs_scope = !a.is_file || !b.is_file || s->line.n_words > 2;
        if (code == EXIT_CODE_OK && needs_scope)
                code = find_scope(s, &a, &b, &scope);
        if (code == EXIT_CODE_OK)
                code = read_side(s, &a, &scope);
        if (code == EXIT_CODE_OK)
                code = read_side(s, &b, &scope);
        return code == EXIT_CODE_OK ? show(s, &a, &b) : code;
}
