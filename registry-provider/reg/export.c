/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* export: a key and all below it, as a document. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "commands.h"
#include "document.h"
#include "subtree.h"
#include "words.h"

struct word {
        const char *word;
        int value;
};

/* What the word means; -1: nothing, and the diag says so. */
static int look_up(
        struct session *s, const char *option, const char *word, const struct word *words, size_t n)
{
        _cleanup_buf_ struct buf allowed = BUF_INIT;

        for (size_t i = 0; i < n; i++)
                if (strcmp(words[i].word, word) == 0)
                        return words[i].value;
        for (size_t i = 0; i < n; i++)
                buf_printf(&allowed, "%s%s", i > 0 ? ", " : "", words[i].word);
        (void)diag_set(
                &s->diag, EINVAL, "--%s: '%s' is not known; there are %s", option, word, buf_str(&allowed));
        return -1;
}

/* Of the file's ending; without one, what Peios's own command writes into a file is JSON. */
static enum exchange_form form_of_file(const struct session *s, const char *file)
{
        static const struct word endings[] = {
                { ".reg", EXCHANGE_REG },
                { ".json", EXCHANGE_JSON },
                { ".yaml", EXCHANGE_YAML },
                { ".yml", EXCHANGE_YAML },
        };
        size_t len = strlen(file);

        for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
                size_t n = strlen(endings[i].word);
                if (len > n && strcasecmp(file + len - n, endings[i].word) == 0)
                        return (enum exchange_form)endings[i].value;
        }
        return s->options.json || strcmp(file, "-") != 0 ? EXCHANGE_JSON : EXCHANGE_YAML;
}

static int choose_form(struct session *s, const char *file, struct exchange_writing *ret)
{
        static const struct word forms[] = {
                { "yaml", EXCHANGE_YAML },
                { "json", EXCHANGE_JSON },
                { "reg", EXCHANGE_REG },
        };
        static const struct word variants[] = {
                { "windows", EXCHANGE_WINDOWS },
                { "utf8", EXCHANGE_UTF8 },
                { "ascii", EXCHANGE_ASCII },
                { "regedit4", EXCHANGE_REGEDIT4 },
        };
        const struct reg_options *o = &s->options;
        int form = o->format ? look_up(s, "format", o->format, forms, ARRAY_SIZE(forms))
                             : (int)form_of_file(s, file);
        /* What a terminal or a pipe gets is text for people. */
        int variant = o->variant ? look_up(s, "variant", o->variant, variants, ARRAY_SIZE(variants))
                      : strcmp(file, "-") == 0 ? EXCHANGE_UTF8
                                               : EXCHANGE_WINDOWS;

        if (form < 0 || variant < 0)
                return EXIT_CODE_USAGE;
        ret->form = (enum exchange_form)form;
        ret->variant = (enum exchange_variant)variant;
        ret->encoding = o->encoding;
        ret->as_hex = o->as_hex;
        return EXIT_CODE_OK;
}

/* ---- Writing the document ---- */

/* 1: written; 0: the form cannot say it, which is reported; or negative. */
static int written(struct session *s, int r, const struct hive_key *key, const struct diag *d)
{
        _cleanup_buf_ struct buf path = BUF_INIT;

        if (r < 0 && r != -EINVAL)
                (void)session_fail(s, r, NULL);
        if (r != -EINVAL)
                return r < 0 ? r : 1;
        words_format_key(&path, key->path.text);
        session_complain("%s: %s", buf_str(&path), d->text);
        return 0;
}

static int write_value(struct session *s, struct exchange_writer *w, const struct subtree *t,
        const struct hive_key *key, const struct hive_value *v)
{
        struct diag d = { 0 };

        return written(
                s, exchange_write_value(w, v, s->options.layer ? NULL : subtree_from(t, v), &d), key, &d);
}

/* What is below a volatile key is, too, and is not said again. */
static void write_note(struct exchange_writer *w, const struct hive_key *key, const struct path **noted)
{
        if (!key->is_volatile || (*noted && path_is_below(&key->path, *noted)))
                return;
        exchange_write_comment(
                w, "volatile, and gone when the provider stops: the next key, and what is below it");
        *noted = &key->path;
}

/* A layer may have values in a key that it does not name: whoever writes them names it. */
static int write_key(struct session *s, struct exchange_writer *w, const struct subtree *t,
        const struct hive_key *key, size_t *n_refused)
{
        struct hive_key named = *key;
        struct diag d = { 0 };

        named.made = !key->hidden;
        int r = written(s, exchange_write_key(w, &named, &d), key, &d);
        *n_refused += r == 0;
        if (r <= 0)
                return r < 0 ? EXIT_CODE_FAILURE : EXIT_CODE_OK;
        for (size_t i = 0; i < key->n_values && r >= 0; i++) {
                r = write_value(s, w, t, key, &key->values[i]);
                *n_refused += r == 0;
        }
        return r < 0 ? EXIT_CODE_FAILURE : EXIT_CODE_OK;
}

static int write_comment(struct session *s, struct exchange_writer *w, const char *key)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        words_format_key(&text, key);
        if (s->options.layer)
                buf_printf(&text, ", layer %s", s->options.layer);
        else
                buf_puts(&text, ", what is effective");
        exchange_write_comment(w, buf_str(&text));
        return text.error ? session_fail(s, text.error, NULL) : EXIT_CODE_OK;
}

static int write_document(struct session *s, const struct exchange_writing *how, const struct subtree *t,
        struct buf *out, size_t *n_refused)
{
        _cleanup_exchange_writer_ struct exchange_writer *w = NULL;

        int r = exchange_writer_new(how, out, &w, &s->diag);
        if (r < 0)
                return s->diag.text[0] ? session_refuse(s, r) : session_fail(s, r, NULL);
        const struct path *noted = NULL;
        int code = write_comment(s, w, s->line.words[0]);
        for (size_t i = 0; i < t->n && code == EXIT_CODE_OK; i++) {
                write_note(w, &t->keys[i], &noted);
                code = write_key(s, w, t, &t->keys[i], n_refused);
        }
        if (code != EXIT_CODE_OK)
                return code;
        r = exchange_write_end(w);
        if (r == 0)
                r = out->error;
        return r < 0 ? session_fail(s, r, NULL) : EXIT_CODE_OK;
}

/* ---- Where it goes ---- */

/* As reg.exe: somebody is asked, and a script is not. */
static bool may_replace(const struct session *s, const char *file)
{
        return s->options.yes || !session_interactive() || access(file, F_OK) < 0 ||
               session_confirms("replace %s?", file);
}

/* Whole or not at all, and over what was there. */
static int store(struct session *s, const char *file, const struct buf *text)
{
        const char *slash = strrchr(file, '/');
        _cleanup_free_ char *folder = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");

        if (!folder)
                return session_fail(s, -ENOMEM, NULL);
        if (!may_replace(s, file)) {
                session_complain("nothing is written");
                return EXIT_CODE_OK;
        }
        int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = fd < 0 ? -errno : file_replace(fd, slash ? slash + 1 : file, buf_str(text), text->len, 0644);
        if (fd >= 0)
                (void)close(fd);
        return r < 0 ? session_fail(s, r, file) : EXIT_CODE_OK;
}

static int read_key(struct session *s, struct subtree *ret)
{
        _cleanup_path_ struct path path = { 0 };
        const struct path *const root = &path;

        struct subtree_query query = {
                .roots = &root, .n_roots = 1, .layer = s->options.layer, .follows = !s->options.no_follow
        };
        struct words_moment at;

        int code = session_path(s, s->line.words[0], &path);
        if (code == EXIT_CODE_OK && s->options.at)
                code = session_moment(s, "--at", s->options.at, &at);
        if (code != EXIT_CODE_OK)
                return code;
        query.at = s->options.at ? &at : NULL;
        code = subtree_read(s, &query, ret);
        if (code != EXIT_CODE_OK || ret->n > 0)
                return code;
        (void)diag_set(&s->diag, ENOENT,
                s->options.layer ? "%s: layer %s has nothing here" : "%s: no such key", path.text,
                s->options.layer);
        return EXIT_CODE_NOT_FOUND;
}

/* The one that the document has to name. */
static int find_hive(struct session *s, const struct subtree *t, char **ret)
{
        size_t len;
        const char *name = path_component(&t->keys[0].path, 0, &len);

        *ret = strndup(name, len);
        return *ret ? EXIT_CODE_OK : session_fail(s, -ENOMEM, NULL);
}

int export_to_yaml(struct session *s, const struct subtree *tree, struct buf *out)
{
        _cleanup_free_ char *hive = NULL;
        struct exchange_writing how = { .form = EXCHANGE_YAML, .layer = s->options.layer };
        size_t n_refused = 0;

        int code = find_hive(s, tree, &hive);
        const char *const hives[] = { hive && strcmp(hive, DEFAULT_HIVE) != 0 ? hive : NULL, NULL };
        how.hives = hives;
        return code == EXIT_CODE_OK ? write_document(s, &how, tree, out, &n_refused) : code;
}

int command_export(struct session *s)
{
        const char *file = s->line.n_words > 1 ? s->line.words[1] : "-";
        _cleanup_subtree_ struct subtree tree = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT;
        _cleanup_free_ char *hive = NULL;
        _cleanup_document_map_ struct document_map map = { 0 };
        struct exchange_writing how = { .layer = s->options.layer, .roots = map.roots };
        struct buf *out = strcmp(file, "-") == 0 ? &s->out : &text;
        size_t n_refused = 0;

        int code = choose_form(s, file, &how);
        if (code == EXIT_CODE_OK)
                code = document_map_read(s, &map);
        how.n_roots = map.n;
        if (code == EXIT_CODE_OK)
                code = read_key(s, &tree);
        if (code == EXIT_CODE_OK)
                code = find_hive(s, &tree, &hive);
        const char *const hives[] = { hive && strcmp(hive, DEFAULT_HIVE) != 0 ? hive : NULL, NULL };
        how.hives = hives;
        if (code == EXIT_CODE_OK)
                code = write_document(s, &how, &tree, out, &n_refused);
        if (code != EXIT_CODE_OK)
                return code;
        if (n_refused > 0 && !s->options.keep_going) {
                (void)diag_set(&s->diag, EINVAL, "%zu of it cannot be said in this form; nothing is written",
                        n_refused);
                return EXIT_CODE_INVALID;
        }
        if (out != &s->out)
                code = store(s, file, &text);
        if (code == EXIT_CODE_OK && n_refused > 0) {
                code = session_flush(s);
                (void)diag_set(&s->diag, EINVAL, "%zu of it was left out", n_refused);
                code = code == EXIT_CODE_OK ? EXIT_CODE_INVALID : code;
        }
        return code;
}
