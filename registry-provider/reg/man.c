/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* man: what the schema says of a value, and why it is what it is now; of a key, all values in it and below;
 * with -k, all values that are said to have to do with something. */

#include <errno.h>
#include <string.h>

#include "../../schema/base/table.h"
#include "acceptance.h"
#include "card.h"
#include "commands.h"

/* ---- One value ---- */

/* As JSON `why` says all of it. */
static int show_value(struct session *s, const char *key, const char *name)
{
        _cleanup_known_ struct known k = { 0 };
        _cleanup_buf_ struct buf path = BUF_INIT;

        int code = known_get(s, key, name, &k);
        if (code != EXIT_CODE_OK)
                return code;
        if (!k.is_known) {
                words_format_value(&path, key, name);
                (void)diag_set(&s->diag, ENOENT, "%s: the schema does not know this value", buf_str(&path));
                acceptance_hint(s, key, name);
                return EXIT_CODE_NOT_FOUND;
        }
        if (!s->options.json)
                card_format(&s->out, k.path, &k.d.sv);
        return why_show(s, k.path, k.d.sv.name);
}

/* ---- Many: a line each ---- */

static void fold(struct buf *out, const char *text)
{
        size_t n = strlen(text);

        if (buf_reserve(out, FOLDED_BYTES(n)) == 0)
                out->len += fold_text(text, n, out->data + out->len, FOLDED_BYTES(n));
        buf_putc(out, '\n');
}

/* All that is said of a value, folded. */
static void fold_all(struct buf *out, const struct known *k)
{
        const struct schema_value *sv = &k->d.sv;
        _cleanup_buf_ struct buf path = BUF_INIT;

        words_format_value(&path, k->path, sv->name);
        fold(out, buf_str(&path));
        fold(out, sv->description);
        for (size_t i = 0; i < sv->n_choices; i++) {
                fold(out, sv->choices[i].value);
                fold(out, sv->choices[i].meaning);
        }
        if (sv->control)
                fold(out, sv->control->name);
        if (path.error)
                out->error = path.error;
}

/* Each of the words is in it somewhere. */
static int is_about(const struct known *k, char *const *words, bool *ret)
{
        _cleanup_buf_ struct buf all = BUF_INIT;

        fold_all(&all, k);
        *ret = true;
        for (; *words; words++) {
                _cleanup_buf_ struct buf word = BUF_INIT;
                fold(&word, *words);
                if (word.error)
                        return word.error;
                word.data[word.len - 1] = '\0';
                *ret = *ret && strstr(buf_str(&all), word.data);
        }
        return all.error;
}

struct list {
        struct session *s;
        struct json j;
        struct table table;
        size_t n;
};

static const struct table_column columns[] = { { "VALUE", false }, { "DEFAULT", false },
        { "MEANING", false } };

static void add(struct list *l, const struct known *k)
{
        const struct schema_value *sv = &k->d.sv;

        l->n++;
        if (l->s->options.json) {
                json_begin_object(&l->j);
                json_add_string(&l->j, "path", k->path);
                json_add_string(&l->j, "name", path_word_of_value_name(sv->name));
                known_to_json(&l->j, sv);
                json_end_object(&l->j);
                return;
        }
        words_format_value(table_cell(&l->table), k->path, sv->name);
        struct buf *cell = table_cell(&l->table);
        if (sv->has_default && sv->default_text[0])
                utf8_put_safe(cell, sv->default_text, strlen(sv->default_text));
        else
                buf_puts(cell, sv->has_default ? "empty" : "none");
        utf8_put_safe(table_cell(&l->table), sv->description, strlen(sv->description));
}

/* `words` NULL: all there are. */
static int show_list(struct session *s, const struct known_list *known, char *const *words)
{
        struct list l = { .s = s, .j = json_on(&s->out), .table = TABLE(columns) };
        int r = 0;

        if (s->options.json)
                json_begin_array(&l.j);
        for (size_t i = 0; r == 0 && i < known->n; i++) {
                bool wanted = true;
                if (words)
                        r = is_about(&known->list[i], words, &wanted);
                if (r == 0 && wanted)
                        add(&l, &known->list[i]);
        }
        if (s->options.json) {
                json_end_array(&l.j);
                buf_putc(&s->out, '\n');
        } else
                table_format(&l.table, isatty(STDOUT_FILENO) && l.n > 0, &s->out);
        table_done(&l.table);
        if (r < 0)
                return session_fail(s, r, NULL);
        if (l.n > 0)
                return EXIT_CODE_OK;
        return session_error(
                s, EXIT_CODE_NOT_FOUND, "of no value the schema says anything with '%s' in it", words[0]);
}

/* ---- The command ---- */

static int find(struct session *s, char *const *words)
{
        _cleanup_known_list_ struct known_list known = { 0 };

        for (char *const *word = words; *word; word++)
                if (!*word[0] || utf8_valid_prefix(*word, strlen(*word)) < strlen(*word))
                        return session_error(
                                s, EXIT_CODE_USAGE, "a word to look for is empty or no UTF-8 text");
        int code = known_list_get(s, DEFAULT_HIVE, true, &known);
        return code == EXIT_CODE_OK ? show_list(s, &known, words) : code;
}

/* One word: a key in which something is known, or else a value. */
static int show_word(struct session *s, const char *word)
{
        _cleanup_known_list_ struct known_list known = { 0 };
        _cleanup_free_ char *key = NULL, *name = NULL;
        _cleanup_buf_ struct buf shown = BUF_INIT;
        bool all = strspn(word, "\\/") == 1 && !word[1];

        int code = known_list_get(s, all ? DEFAULT_HIVE : word, true, &known);
        if (code != EXIT_CODE_OK)
                return code;
        if (known.n > 0)
                return show_list(s, &known, NULL);
        if (!s->only_key && words_split(word, &key, &name, NULL) == 0)
                return show_value(s, key, name);
        words_format_key(&shown, word);
        return session_error(s, EXIT_CODE_NOT_FOUND,
                "%s: the schema knows no values in this key or below it", buf_str(&shown));
}

int command_man(struct session *s)
{
        char *const *words = s->line.words;

        if (s->options.keyword)
                return find(s, words);
        return s->line.n_words == 1 ? show_word(s, words[0])
                                    : show_value(s, words[0], path_value_name_of_word(words[1]));
}
