/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* get, info, ls and tree. What the schema knows in a key and nobody set is shown too, and marked. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../schema/base/table.h"
#include "../../schema/names/path.h"
#include "acceptance.h"
#include "commands.h"
#include "entry.h"
#include "listing.h"
#include "words.h"

/* ---- get ---- */

static int print_key(struct session *s, const char *key, struct listing *l)
{
        struct json j;

        if (!s->options.json)
                return listing_values_to_text(s, l, 0);
        int code = session_begin_json(s, key, &j);
        if (code != EXIT_CODE_OK)
                return code;
        code = listing_values_to_json(s, l, &j);
        session_end_json(s, &j);
        return code;
}

static int print_json(struct session *s, const char *key, const struct entry *e)
{
        struct json j;

        int code = session_begin_json(s, key, &j);
        if (code != EXIT_CODE_OK)
                return code;
        entry_to_json(&j, e);
        session_end_json(s, &j);
        return EXIT_CODE_OK;
}

static void print_text(struct session *s, const struct entry *e)
{
        const struct value v = entry_value(e);
        size_t before = s->out.len;

        if (s->options.raw) {
                buf_add(&s->out, v.data, v.size);
                return;
        }
        value_format(&s->out, &v, false);
        /* One line an element: an empty list has none. */
        if (v.type != REG_MULTI_SZ || s->out.len > before)
                buf_putc(&s->out, '\n');
}

/* To standard error, so that the output stays the value alone. */
static void print_origin(const struct reg_options *o, const struct entry *e)
{
        if (o->quiet)
                return;
        if (strcmp(e->layer, LAYER_DEFAULT) == 0) {
                if (o->verbose || isatty(STDERR_FILENO))
                        session_complain("not set: the default of the schema");
        } else if (o->verbose)
                session_complain("layer %s, sequence %llu", e->layer, (unsigned long long)e->sequence);
}

int read_value(struct session *s, const char *key, const char *name)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_entry_ struct entry e = { .name = name };

        int code = session_ask(s, "Get", key, name, &reply);
        if (code == EXIT_CODE_NOT_FOUND)
                acceptance_hint(s, key, name);
        if (code != EXIT_CODE_OK)
                return code;
        int r = entry_read(reply, &e);
        if (r < 0)
                return session_bad_reply(s, r);
        if (s->options.json)
                code = print_json(s, key, &e);
        else if (s->options.layers) {
                entry_format(&s->out, &e, true);
                code = why_show_layers(s, key, name);
        } else
                print_text(s, &e);
        if (code != EXIT_CODE_OK)
                return code;
        print_origin(&s->options, &e);
        /* Only a drop-in file's layer can be what a broken file said before. */
        return strcmp(e.layer, LAYER_DEFAULT) == 0 || strcmp(e.layer, LAYER_BASE) == 0
                       ? EXIT_CODE_OK
                       : session_report_problems(s);
}

/* One word: a key, or else a value in the key above. */
static int get_word(struct session *s, const char *word)
{
        _cleanup_listing_ struct listing l = { 0 };
        _cleanup_free_ char *key = NULL, *name = NULL;

        int code = listing_read(s, word, &l);
        bool maybe_value =
                code == EXIT_CODE_NOT_FOUND && !s->only_key && words_split(word, &key, &name, NULL) == 0;
        if (maybe_value) {
                code = read_value(s, key, name);
                if (code != EXIT_CODE_NOT_FOUND)
                        return code;
        }
        code = listing_add_known(s, word, code, &l);
        if (code == EXIT_CODE_OK && s->options.raw)
                return session_error(s, EXIT_CODE_USAGE, "--raw is for one value, and '%s' is a key", word);
        if (code == EXIT_CODE_OK)
                return print_key(s, word, &l);
        if (code == EXIT_CODE_NOT_FOUND && maybe_value) {
                (void)diag_set(&s->diag, ENOENT, "'%s' is neither a key nor a value", word);
                acceptance_hint(s, key, name);
        }
        return code;
}

int command_get(struct session *s)
{
        char *const *words = s->line.words;

        return s->line.n_words == 1 ? get_word(s, words[0])
                                    : read_value(s, words[0], path_value_name_of_word(words[1]));
}

/* ---- info ---- */

static int key_info_get(struct session *s, const char *key, struct key_info *ret)
{
        _cleanup_message_ sd_bus_message *reply = NULL;

        int code = session_ask(s, "Info", key, NULL, &reply);
        if (code != EXIT_CODE_OK)
                return code;
        int r = key_info_read(reply, ret);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

int read_link(struct session *s, const char *key, struct buf *ret)
{
        _cleanup_key_info_ struct key_info i = { 0 };
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_entry_ struct entry e = { .name = "" };
        const struct diag before = s->diag;

        if (!s->options.no_follow)
                return EXIT_CODE_OK;
        int code = key_info_get(s, key, &i);
        if (code != EXIT_CODE_OK || !i.is_link)
                return code;
        code = session_ask(s, "Get", key, "", &reply);
        s->diag = code == EXIT_CODE_NOT_FOUND ? before : s->diag;
        if (code != EXIT_CODE_OK && code != EXIT_CODE_NOT_FOUND)
                return code;
        if (code == EXIT_CODE_OK && entry_read(reply, &e) < 0)
                return session_bad_reply(s, -EBADMSG);
        const struct value v = entry_value(&e);
        buf_puts(ret, " -> ");
        if (code == EXIT_CODE_OK)
                value_format(ret, &v, false);
        return EXIT_CODE_OK;
}

int command_info(struct session *s)
{
        _cleanup_key_info_ struct key_info i = { 0 };
        _cleanup_buf_ struct buf target = BUF_INIT;
        struct json j = json_on(&s->out);

        int code = key_info_get(s, s->line.words[0], &i);
        if (code == EXIT_CODE_OK)
                code = read_link(s, s->line.words[0], &target);
        if (code != EXIT_CODE_OK)
                return code;
        if (s->options.json) {
                json_begin_object(&j);
                words_path_to_json(&j, "path", i.path);
                json_add_string(&j, "name", strrchr(i.path, '\\') ? strrchr(i.path, '\\') + 1 : i.path);
                key_info_to_json(&j, &i);
                if (target.len > 0)
                        json_add_string(&j, "target", buf_str(&target) + strlen(" -> "));
                session_end_json(s, &j);
                return EXIT_CODE_OK;
        }
        key_info_format(&s->out, &i);
        if (target.len > 0)
                buf_printf(&s->out, "Target:     %s\n", buf_str(&target) + strlen(" -> "));
        return EXIT_CODE_OK;
}

/* ---- ls ---- */

/* A subkey may go while the list is being read: then it is left out. A link is one itself. */
static int subkey_info(struct session *s, const char *parent, const char *name, struct key_info *ret)
{
        _cleanup_buf_ struct buf key = BUF_INIT;

        buf_printf(&key, "%s\\%s", parent, name);
        s->options.no_follow = true;
        return key.error ? session_fail(s, key.error, NULL) : key_info_get(s, buf_str(&key), ret);
}

static int subkey_to_json(struct session *s, const char *parent, const char *name, struct json *j)
{
        _cleanup_key_info_ struct key_info i = { 0 };
        bool long_form = s->options.long_form;

        int code = long_form ? subkey_info(s, parent, name, &i) : EXIT_CODE_OK;
        if (code != EXIT_CODE_OK)
                return code == EXIT_CODE_NOT_FOUND ? EXIT_CODE_OK : code;
        json_begin_object(j);
        json_add_string(j, "name", name);
        if (long_form)
                key_info_to_json(j, &i);
        json_end_object(j);
        return EXIT_CODE_OK;
}

static void known_subkeys_to_json(const struct listing *l, struct json *j)
{
        const char *name;
        size_t at = 0;

        json_open_array(j, "known_subkeys");
        while ((name = listing_next_known(l, &at))) {
                json_begin_object(j);
                json_add_string(j, "name", name);
                json_end_object(j);
        }
        json_end_array(j);
}

static int ls_json(struct session *s, const char *key, struct listing *l)
{
        struct json j;

        int code = session_begin_json(s, key, &j);
        if (code != EXIT_CODE_OK)
                return code;
        json_open_array(&j, "subkeys");
        for (const char **name = l->subkeys; *name && code == EXIT_CODE_OK; name++)
                code = subkey_to_json(s, key, *name, &j);
        json_end_array(&j);
        known_subkeys_to_json(l, &j);
        if (code == EXIT_CODE_OK)
                code = listing_values_to_json(s, l, &j);
        session_end_json(s, &j);
        return code;
}

/* A key's size is how many values it has, and where it is from is when it was written last. */
static const struct table_column long_columns[] = { { "TYPE", false }, { "SIZE", true }, { "FROM", false },
        { "NAME", false } };

static int long_subkey(struct session *s, const char *parent, const char *name, struct table *t)
{
        _cleanup_key_info_ struct key_info i = { 0 };
        _cleanup_buf_ struct buf target = BUF_INIT;

        int code = subkey_info(s, parent, name, &i);
        if (code == EXIT_CODE_OK && i.is_link)
                code = read_link(s, i.path, &target);
        if (code != EXIT_CODE_OK)
                return code == EXIT_CODE_NOT_FOUND ? EXIT_CODE_OK : code;
        buf_puts(table_cell(t), i.is_link ? "link" : i.is_volatile ? "volatile key" : "key");
        buf_printf(table_cell(t), "%" PRIu32, i.values);
        entry_format_time(table_cell(t), i.last_write_usec);
        utf8_put_safe(table_cell(t), name, strlen(name));
        if (i.is_link)
                utf8_put_safe(&t->text, buf_str(&target), target.len);
        else
                words_put_separator(&t->text);
        return EXIT_CODE_OK;
}

/* `ends`: when its layer does, or NULL. */
static void long_value(struct table *t, const struct entry *e, const char *ends)
{
        const struct value v = entry_value(e);
        const char *name = path_word_of_value_name(e->name);

        buf_puts(table_cell(t), value_type_symbol(v.type));
        buf_printf(table_cell(t), "%zu", v.size);
        utf8_put_safe(table_cell(t), e->layer, strlen(e->layer));
        buf_printf(&t->text, " %" PRIu64, e->sequence);
        layer_put_end(&t->text, " until ", ends);
        utf8_put_safe(table_cell(t), name, strlen(name));
        buf_puts(&t->text, " = ");
        value_format(&t->text, &v, true);
        entry_format_nuls(&t->text, &v);
}

/* A row of what is known only. */
static void long_known(struct table *t, const char *type, const char *name)
{
        buf_puts(table_cell(t), type);
        buf_puts(table_cell(t), "-");
        buf_puts(table_cell(t), "(not set)");
        utf8_put_safe(table_cell(t), name, strlen(name));
}

static void long_known_values(struct table *t, const struct known_list *l)
{
        for (size_t i = 0; i < l->n; i++) {
                const struct schema_value *sv = &l->list[i].d.sv;
                if (l->list[i].is_set)
                        continue;
                long_known(t, value_type_symbol(sv->type), path_word_of_value_name(sv->name));
                if (sv->has_default && sv->default_text[0])
                        buf_printf(&t->text, ", default %s", sv->default_text);
        }
}

static int ls_long(struct session *s, const char *key, struct listing *l)
{
        _cleanup_entry_ struct entry e = { 0 };
        _cleanup_table_ struct table t = TABLE(long_columns);
        _cleanup_message_ sd_bus_message *ends = NULL;
        /* Those of today are no earlier moment's. */
        int code = s->options.at ? EXIT_CODE_OK : session_get_property(s, "LayerEnds", &ends), r;
        const char *known;
        size_t at = 0;

        for (const char **name = l->subkeys; *name && code == EXIT_CODE_OK; name++)
                code = long_subkey(s, key, *name, &t);
        if (code != EXIT_CODE_OK)
                return code;
        while ((known = listing_next_known(l, &at))) {
                long_known(&t, "key", known);
                words_put_separator(&t.text);
        }
        while ((r = listing_next(l, &e)) > 0)
                long_value(&t, &e, session_find_text(ends, e.layer));
        long_known_values(&t, &l->known);
        table_format(&t, isatty(STDOUT_FILENO), &s->out);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

static void show_names(struct session *s, const char *const *names)
{
        for (const char *const *name = names; *name; name++) {
                utf8_put_safe(&s->out, *name, strlen(*name));
                words_put_separator(&s->out);
                buf_putc(&s->out, '\n');
        }
}

/* A lone separator is no key: what is there are the hives. */
static int ls_hives(struct session *s)
{
        struct json j = json_on(&s->out);

        int code = session_ask_hives(s);
        if (code != EXIT_CODE_OK)
                return code;
        if (!s->options.json) {
                show_names(s, (const char *const *)s->hives);
                return EXIT_CODE_OK;
        }
        json_begin_object(&j);
        json_open_array(&j, "hives");
        for (char **name = s->hives; *name; name++)
                json_string(&j, *name);
        json_end_array(&j);
        session_end_json(s, &j);
        return EXIT_CODE_OK;
}

int command_ls(struct session *s)
{
        _cleanup_listing_ struct listing l = { 0 };
        const char *key = s->line.words[0];

        if (strcmp(key, "\\") == 0 || strcmp(key, "/") == 0)
                return ls_hives(s);
        int code = listing_get(s, key, &l);
        if (code != EXIT_CODE_OK)
                return code;
        listing_leave_out(&l, s->options.values_only, s->options.keys_only);
        if (s->options.json)
                return ls_json(s, key, &l);
        if (s->options.long_form)
                return ls_long(s, key, &l);
        show_names(s, l.subkeys);
        for (size_t at = 0; (key = listing_next_known(&l, &at));)
                listing_known_name_to_text(key, &s->out);
        return listing_values_to_text(s, &l, 0);
}

/* ---- tree ---- */

#define INDENT 2
#define FLUSH_BYTES (64u * 1024u)

struct walk {
        struct session *s;
        struct json j;
        struct buf key;  /* the path of the key that is being shown */
        struct buf keys; /* JSON: the paths of those below the first, as Peios's own `reg` has them */
        struct json keys_json;
};

enum part {
        PART_THERE = 1 << 0, /* the key is there, as far as is known */
        PART_KNOWN = 1 << 1, /* the schema knows something in it or below */
};

static int show_key(struct walk *w, unsigned parts, size_t level);

static int show_subkey(struct walk *w, const char *name, unsigned parts, size_t level)
{
        size_t len = w->key.len;

        buf_printf(&w->key, "\\%s", name);
        if (w->key.error)
                return session_fail(w->s, w->key.error, NULL);
        int code = show_key(w, parts, level);
        w->key.len = len;
        w->key.data[len] = '\0';
        /* Gone since its parent was listed. */
        return code == EXIT_CODE_NOT_FOUND ? EXIT_CODE_OK : code;
}

static int show_subkeys(struct walk *w, const struct listing *l, size_t level)
{
        int code = EXIT_CODE_OK;

        for (const char **name = l->subkeys; *name && code == EXIT_CODE_OK; name++)
                code = show_subkey(
                        w, *name, PART_THERE | (listing_knows_subkey(l, *name) ? PART_KNOWN : 0), level);
        return code;
}

static int show_known_subkeys(struct walk *w, const struct listing *l, size_t level)
{
        int code = EXIT_CODE_OK;
        const char *name;

        for (size_t at = 0; code == EXIT_CODE_OK && (name = listing_next_known(l, &at));)
                code = show_subkey(w, name, PART_KNOWN, level);
        return code;
}

static int show_listing(struct walk *w, struct listing *l, size_t level)
{
        const struct reg_options *o = &w->s->options;
        const char *name = level == 0 ? w->key.data : strrchr(w->key.data, '\\') + 1;
        _cleanup_buf_ struct buf link = BUF_INIT;

        int code = l->reply && !l->subkeys[0] ? read_link(w->s, w->key.data, &link) : EXIT_CODE_OK;
        if (code != EXIT_CODE_OK)
                return code;

        if (o->json) {
                json_begin_object(&w->j);
                words_path_to_json(&w->j, level == 0 ? "root" : "path", w->key.data);
                if (level == 0)
                        words_path_to_json(&w->j, "path", w->key.data);
                else if (l->reply)
                        words_path_to_json(&w->keys_json, NULL, w->key.data);
                if (link.len > 0)
                        json_add_string(&w->j, "target", buf_str(&link) + strlen(" -> "));
        } else {
                buf_printf(&w->s->out, "%*s", (int)(level * INDENT), "");
                if (l->reply) {
                        words_put_path(&w->s->out, name);
                        if (link.len == 0)
                                words_put_separator(&w->s->out);
                        utf8_put_safe(&w->s->out, buf_str(&link), link.len);
                        buf_putc(&w->s->out, '\n');
                } else
                        listing_known_name_to_text(name, &w->s->out);
        }
        if (o->values)
                code = o->json ? listing_values_to_json(w->s, l, &w->j)
                               : listing_values_to_text(w->s, l, (level + 1) * INDENT);
        if (code != EXIT_CODE_OK || level >= o->depth)
                return code;
        if (o->json)
                json_open_array(&w->j, "subkeys");
        /* A link leads anywhere, be it up. */
        w->s->options.no_follow = true;
        code = show_subkeys(w, l, level + 1);
        if (o->json) {
                json_end_array(&w->j);
                json_open_array(&w->j, "known_subkeys");
        }
        if (code == EXIT_CODE_OK)
                code = show_known_subkeys(w, l, level + 1);
        if (o->json)
                json_end_array(&w->j);
        return code;
}

/* As deep as a path may be: PATH_DEPTH_MAX calls. */
static int show_key(struct walk *w, unsigned parts, size_t level)
{
        _cleanup_listing_ struct listing l = { 0 };

        int code = parts & PART_THERE ? listing_read(w->s, w->key.data, &l) : EXIT_CODE_NOT_FOUND;
        if (parts & PART_KNOWN)
                code = listing_add_known(w->s, w->key.data, code, &l);
        if (code != EXIT_CODE_OK)
                return code;
        code = show_listing(w, &l, level);
        if (w->s->options.json && level == 0) {
                json_end_array(&w->keys_json);
                json_key(&w->j, "keys");
                buf_puts(&w->s->out, buf_str(&w->keys));
        }
        if (w->s->options.json)
                json_end_object(&w->j);
        if (code == EXIT_CODE_OK && w->s->out.len > FLUSH_BYTES)
                code = session_flush(w->s);
        return code;
}

int command_tree(struct session *s)
{
        _cleanup_path_ struct path path = { 0 };
        struct walk w = { .s = s, .j = json_on(&s->out) };

        int code = session_path(s, s->line.words[0], &path);
        if (code != EXIT_CODE_OK)
                return code;
        buf_add(&w.key, path.text, path.len);
        w.keys_json = json_on(&w.keys);
        json_begin_array(&w.keys_json);
        code = w.key.error ? session_fail(s, w.key.error, NULL) : show_key(&w, PART_THERE | PART_KNOWN, 0);
        if (code == EXIT_CODE_OK && s->options.json)
                buf_putc(&s->out, '\n');
        if (code == EXIT_CODE_OK && w.keys.error)
                code = session_fail(s, w.keys.error, NULL);
        buf_done(&w.key);
        buf_done(&w.keys);
        return code;
}
