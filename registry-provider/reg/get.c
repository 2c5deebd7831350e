/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../registry/registry.h"
#include "acceptance.h"
#include "commands.h"
#include "listing.h"
#include "problems.h"

static int print_key(struct session *s, const char *key, struct listing *l)
{
        _cleanup_path_ struct path path = { 0 };
        struct json j = json_on(&s->out);

        if (!s->options.json)
                return listing_values_to_text(s, l, 0);
        int code = session_path(s, key, &path);
        if (code != EXIT_CODE_OK)
                return code;
        json_begin_object(&j);
        json_key(&j, "path");
        json_string(&j, path.text);
        code = listing_values_to_json(s, l, &j);
        json_end_object(&j);
        buf_putc(&s->out, '\n');
        return code;
}

static int print_json(struct session *s, const char *key, const struct entry *e)
{
        _cleanup_path_ struct path path = { 0 };
        struct json j = json_on(&s->out);

        int code = session_path(s, key, &path);
        if (code != EXIT_CODE_OK)
                return code;
        json_begin_object(&j);
        json_key(&j, "path");
        json_string(&j, path.text);
        entry_to_json(&j, e);
        json_end_object(&j);
        buf_putc(&s->out, '\n');
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
static void tell_origin(const struct reg_options *o, const struct entry *e)
{
        if (o->quiet)
                return;
        if (strcmp(e->layer, LAYER_DEFAULT) == 0) {
                if (o->verbose || isatty(STDERR_FILENO))
                        complain("not set: the default of the schema");
        } else if (o->verbose)
                complain("layer %s, sequence %llu", e->layer, (unsigned long long)e->sequence);
}

static int get_value(struct session *s, const char *key, const char *name)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_entry_ struct entry e = { .name = name };

        int code = session_new_call(s, "Get", key, name, &m);
        if (code == EXIT_CODE_OK)
                code = session_call(s, m, &reply);
        if (code == EXIT_CODE_NOT_FOUND)
                acceptance_hint(s, key, name);
        if (code != EXIT_CODE_OK)
                return code;
        int r = entry_read(reply, &e);
        if (r < 0)
                return session_bad_reply(s, r);
        if (s->options.json)
                code = print_json(s, key, &e);
        else
                print_text(s, &e);
        if (code != EXIT_CODE_OK)
                return code;
        tell_origin(&s->options, &e);
        /* Only a drop-in file's layer can be what a broken file said before. */
        return strcmp(e.layer, LAYER_DEFAULT) == 0 || strcmp(e.layer, LAYER_BASE) == 0 ? EXIT_CODE_OK
                                                                                       : problems_tell(s);
}

/* One word: a key, or else a value in the key above. */
static int get_word(struct session *s, const char *word)
{
        _cleanup_listing_ struct listing l = { 0 };
        _cleanup_free_ char *key = NULL, *name = NULL;

        int code = listing_get(s, word, &l);
        if (code == EXIT_CODE_OK && s->options.raw) {
                (void)diag_set(&s->diag, EINVAL, "--raw is for one value, and '%s' is a key", word);
                return EXIT_CODE_USAGE;
        }
        if (code == EXIT_CODE_OK)
                return print_key(s, word, &l);
        if (code != EXIT_CODE_NOT_FOUND || s->only_key || split_value_word(word, &key, &name, NULL) < 0)
                return code;
        code = get_value(s, key, name);
        if (code == EXIT_CODE_NOT_FOUND) {
                (void)diag_set(&s->diag, ENOENT, "'%s' is neither a key nor a value", word);
                acceptance_hint(s, key, name);
        }
        return code;
}

int command_get(struct session *s)
{
        char *const *words = s->line.words;

        return s->line.n_words == 1 ? get_word(s, words[0])
                                    : get_value(s, words[0], path_value_name_of_word(words[1]));
}
