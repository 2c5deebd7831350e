/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* export: a key and all below it, as a document. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "commands.h"
#include "document.h"
#include "subtree.h"
#include "words.h"

/* Memory that a program has for the first time costs more than what is written into it. */
#define PIECE_BYTES 65536u

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

struct export
{
        struct session *s;
        struct exchange_writing how;
        struct exchange_writer *writer; /* NULL: nothing was written yet */
        struct buf *out;
        int aside;            /* has what stands before `out`, which may not go out yet; -1: nothing can */
        char *hive;           /* of the keys, */
        const char *hives[2]; /* which the document has to name */
        struct buf noted;     /* the path of the key that was noted last */
        struct diags refused; /* what the form cannot say */
};

static void end(struct export *e)
{
        e->writer = exchange_writer_free(e->writer);
        free(STEAL_PTR(e->hive));
        buf_done(&e->noted);
        diags_done(&e->refused);
}
#define _cleanup_export_ _cleanup_(end)

/* 1: written; 0: the form cannot say it, which is noted; or negative. */
static int written(struct export *e, int r, const struct hive_key *key, const struct diag *d)
{
        _cleanup_buf_ struct buf path = BUF_INIT;
        struct diag why = *d;

        if (r != -EINVAL)
                return r < 0 ? r : 1;
        words_format_key(&path, key->path.text);
        diag_prefix(&why, "%s", buf_str(&path));
        return diags_add(&e->refused, &why);
}

static bool is_below(const struct path *path, const struct buf *above)
{
        return above->len > 0 && path->len > above->len && path->text[above->len] == '\\' &&
               memcmp(path->text, above->data, above->len) == 0;
}

/* What is below a volatile key is, too, and is not said again. */
static void write_note(struct export *e, const struct hive_key *key)
{
        if (!key->is_volatile || is_below(&key->path, &e->noted))
                return;
        exchange_write_comment(
                e->writer, "volatile, and gone when the provider stops: the next key, and what is below it");
        buf_clear(&e->noted);
        buf_puts(&e->noted, key->path.text);
}

/* A layer may have values in a key that it does not name: whoever writes them names it. */
static int write_key(struct export *e, const struct subtree *t, const struct hive_key *key)
{
        struct hive_key named = *key;
        struct diag d = { 0 };

        named.made = !key->hidden;
        write_note(e, key);
        int r = written(e, exchange_write_key(e->writer, &named, &d), key, &d);
        if (r <= 0)
                return r;
        for (size_t i = 0; i < key->n_values && r >= 0; i++) {
                const struct hive_value *v = &key->values[i];
                const char *from = e->s->options.layer ? NULL : subtree_from(t, v);
                r = written(e, exchange_write_value(e->writer, v, from, &d), key, &d);
        }
        return r;
}

static int write_comment(struct export *e)
{
        const struct session *s = e->s;
        _cleanup_buf_ struct buf text = BUF_INIT;

        words_format_key(&text, s->line.words[0]);
        if (s->options.layer)
                buf_printf(&text, ", layer %s", s->options.layer);
        else
                buf_puts(&text, ", what is effective");
        exchange_write_comment(e->writer, buf_str(&text));
        return text.error;
}

static int put_aside(struct export *e)
{
        if (e->aside < 0 || e->out->error || e->out->len < PIECE_BYTES)
                return e->out->error;
        int r = file_write_all(e->aside, e->out->data, e->out->len);
        buf_clear(e->out);
        return r;
}

/* All keys are of one hive. */
static int begin(struct export *e, const struct subtree *t)
{
        size_t len;
        const char *hive = path_component(&t->keys[0].path, 0, &len);

        e->hive = strndup(hive, len);
        if (!e->hive)
                return -ENOMEM;
        e->hives[0] = strcmp(e->hive, DEFAULT_HIVE) != 0 ? e->hive : NULL;
        e->how.hives = e->hives;
        int r = exchange_writer_new(&e->how, e->out, &e->writer, &e->s->diag);
        return r < 0 ? r : write_comment(e);
}

static int write_keys(struct export *e, const struct subtree *t)
{
        int r = e->writer || t->n == 0 ? 0 : begin(e, t);

        for (size_t i = 0; i < t->n && r >= 0; i++) {
                r = write_key(e, t, &t->keys[i]);
                if (r >= 0)
                        r = put_aside(e);
        }
        if (r >= 0)
                return EXIT_CODE_OK;
        return e->s->diag.text[0] ? session_refuse(e->s, r) : session_fail(e->s, r, NULL);
}

static int write_end(struct export *e)
{
        int r = exchange_write_end(e->writer);

        if (r == 0)
                r = e->noted.error;
        return r < 0 ? session_fail(e->s, r, NULL) : EXIT_CODE_OK;
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

static int print_aside(struct export *e)
{
        int r = lseek(e->aside, 0, SEEK_SET) < 0 ? -errno : file_copy(e->aside, STDOUT_FILENO);
        return r < 0 ? session_fail(e->s, r, "cannot write to standard output") : EXIT_CODE_OK;
}

/* Something was changed meanwhile: all of it is written again. */
static int begin_anew(struct export *e)
{
        end(e);
        buf_clear(e->out);
        bool is_empty = e->aside < 0 || (ftruncate(e->aside, 0) == 0 && lseek(e->aside, 0, SEEK_SET) == 0);
        return is_empty ? EXIT_CODE_OK : session_fail(e->s, -errno, NULL);
}

/* Each page while the provider looks for the next one. */
static int write_pages(struct export *e, const struct subtree_query *query)
{
        _cleanup_subtree_reading_ struct subtree_reading reading = { .query = query };
        _cleanup_subtree_ struct subtree page = { 0 };
        int code = EXIT_CODE_OK;

        while (code == EXIT_CODE_OK && !subtree_is_read(&reading)) {
                subtree_clear(&page);
                code = subtree_next(e->s, &reading, &page);
                if (code == EXIT_CODE_OK && reading.n_pages == 0)
                        code = begin_anew(e);
                if (code == EXIT_CODE_OK)
                        code = write_keys(e, &page);
        }
        return code;
}

static int write_document(struct export *e)
{
        struct session *s = e->s;
        _cleanup_path_ struct path path = { 0 };
        const struct path *const root = &path;
        struct subtree_query query = {
                .roots = &root, .n_roots = 1, .layer = s->options.layer, .follows = !s->options.no_follow
        };
        struct words_moment at;

        int code = session_path(s, s->line.words[0], &path);
        if (code == EXIT_CODE_OK && s->options.at)
                code = session_moment(s, "--at", s->options.at, &at);
        query.at = s->options.at ? &at : NULL;
        if (code == EXIT_CODE_OK)
                code = write_pages(e, &query);
        if (code != EXIT_CODE_OK || e->writer)
                return code == EXIT_CODE_OK ? write_end(e) : code;
        (void)diag_set(&s->diag, ENOENT,
                s->options.layer ? "%s: layer %s has nothing here" : "%s: no such key", path.text,
                s->options.layer);
        return EXIT_CODE_NOT_FOUND;
}

int export_to_yaml(struct session *s, const struct subtree *tree, struct buf *out)
{
        _cleanup_export_ struct export e = {
                .s = s, .how = { .form = EXCHANGE_YAML, .layer = s->options.layer }, .out = out, .aside = -1
        };

        int code = write_keys(&e, tree);
        return code == EXIT_CODE_OK ? write_end(&e) : code;
}

/* What was left out, at the end of a command that did its work. */
static int end_with(struct session *s, size_t n_refused)
{
        int code = session_flush(s);

        (void)diag_set(&s->diag, EINVAL, "%zu of it was left out", n_refused);
        return code == EXIT_CODE_OK ? EXIT_CODE_INVALID : code;
}

int command_export(struct session *s)
{
        const char *file = s->line.n_words > 1 ? s->line.words[1] : "-";
        const bool prints = strcmp(file, "-") == 0;
        _cleanup_close_ int aside = prints ? memfd_create("export", MFD_CLOEXEC) : -1;
        _cleanup_buf_ struct buf text = BUF_INIT;
        _cleanup_document_map_ struct document_map map = { 0 };
        _cleanup_export_ struct export e = { .s = s,
                .how = { .layer = s->options.layer, .roots = map.roots },
                .out = prints ? &s->out : &text,
                .aside = aside };

        int code = choose_form(s, file, &e.how);
        if (code == EXIT_CODE_OK)
                code = document_map_read(s, &map);
        e.how.n_roots = map.n;
        if (code == EXIT_CODE_OK)
                code = write_document(&e);
        document_report(&e.refused);
        if (code != EXIT_CODE_OK)
                return code;
        if (e.refused.n_all > 0 && !s->options.keep_going) {
                (void)diag_set(&s->diag, EINVAL, "%zu of it cannot be said in this form; nothing is written",
                        e.refused.n_all);
                return EXIT_CODE_INVALID;
        }
        code = !prints ? store(s, file, &text) : aside >= 0 ? print_aside(&e) : EXIT_CODE_OK;
        return code == EXIT_CODE_OK && e.refused.n_all > 0 ? end_with(s, e.refused.n_all) : code;
}
