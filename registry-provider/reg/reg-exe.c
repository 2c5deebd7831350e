/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* add, delete and copy, with reg.exe's options: they come to what set, new and del do, but ask first. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "commands.h"
#include "entry.h"
#include "subtree.h"
#include "write.h"

int reg_exe_value(struct session *s, const char **ret)
{
        const struct reg_options *o = &s->options;
        const char *name = o->default_value ? "" : o->value;

        if (!!o->value + o->default_value + o->all_values > 1)
                return session_error(s, EXIT_CODE_USAGE, "%s: only one of /v, /ve%s can be given",
                        s->line.command->name, s->command == REG_DELETE ? " and /va" : "");
        int r = name ? path_check_value_name(name, strlen(name), &s->diag) : 0;
        if (r < 0)
                return session_refuse(s, r);
        *ret = name;
        return EXIT_CODE_OK;
}

/* Where nobody can be asked, the answer is no: a script says /f. */
static int ask(struct session *s, const char *what, const char *key, const char *name)
{
        _cleanup_buf_ struct buf path = BUF_INIT;
        const struct reg_options *o = &s->options;

        if (o->yes || o->dry_run)
                return EXIT_CODE_OK;
        int code = session_format_meant(s, key, &path);
        if (code != EXIT_CODE_OK)
                return code;
        if (name)
                utf8_put_between(&path, "\\", path_word_of_value_name(name), "");
        if (!session_interactive())
                return session_error(s, EXIT_CODE_USAGE,
                        "%s %s: nothing is done: there is no terminal to ask on, and /f does it without asking",
                        what, buf_str(&path));
        if (session_confirms("%s %s?", what, buf_str(&path)))
                return EXIT_CODE_OK;
        return session_error(s, EXIT_CODE_USAGE, "nothing is done");
}

/* ---- add ---- */

/* A default of the schema is not replaced by a value: it is the value that is missing. */
static int is_set(struct session *s, const char *key, const char *name, bool *ret)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_entry_ struct entry e = { .name = name };

        int code = session_ask(s, "Get", key, name, &reply);
        if (code != EXIT_CODE_OK && code != EXIT_CODE_NOT_FOUND)
                return code;
        s->diag = (struct diag){ 0 };
        int r = code == EXIT_CODE_OK ? entry_read(reply, &e) : 0;
        if (r < 0)
                return session_bad_reply(s, r);
        *ret = code == EXIT_CODE_OK && strcmp(e.layer, LAYER_DEFAULT) != 0;
        return EXIT_CODE_OK;
}

/* As our own literals write a list. */
static void put_list(struct buf *out, const char *data, const char *separator)
{
        size_t len = strlen(separator);

        while (*data)
                if (strncmp(data, separator, len) == 0) {
                        data += len;
                        if (*data)
                                buf_putc(out, ',');
                } else {
                        if (*data == ',' || *data == '\\')
                                buf_putc(out, '\\');
                        buf_putc(out, *data++);
                }
}

/* The data of the options as a literal of the type that they give. */
static int put_literal(struct session *s, struct buf *out)
{
        struct reg_options *o = &s->options;
        const char *separator = o->separator ? o->separator : "\\0";
        uint32_t type = REG_SZ;

        if (!o->type)
                o->type = "REG_SZ";
        else if (strcasecmp(o->type, "REG_DWORD_LITTLE_ENDIAN") == 0)
                o->type = "REG_DWORD";
        /* What is no type is refused where the literal is read. */
        (void)!value_type_parse(o->type, strlen(o->type), &type);
        if (o->separator && (type != REG_MULTI_SZ || !separator[0]))
                return session_error(s, EXIT_CODE_USAGE,
                        "add: /s is what is between the items of a REG_MULTI_SZ, and not nothing");
        if (type == REG_MULTI_SZ)
                put_list(out, o->data ? o->data : "", separator);
        else if (o->data)
                buf_puts(out, o->data);
        else if (type == REG_DWORD || type == REG_QWORD || type == REG_DWORD_BIG_ENDIAN)
                buf_putc(out, '0');
        return out->error ? session_fail(s, out->error, NULL) : EXIT_CODE_OK;
}

static int add_value(struct session *s, const char *key, const char *name)
{
        _cleanup_buf_ struct buf literal = BUF_INIT;
        bool there = false;

        int code = put_literal(s, &literal);
        if (code == EXIT_CODE_OK)
                code = is_set(s, key, name, &there);
        if (code == EXIT_CODE_OK && there)
                code = ask(s, "replace", key, name);
        return code == EXIT_CODE_OK ? write_value(s, key, name, buf_str(&literal)) : code;
}

int command_add(struct session *s)
{
        const struct reg_options *o = &s->options;
        const char *key = s->line.words[0], *name = NULL;
        bool there = false;

        int code = reg_exe_value(s, &name);
        if (code != EXIT_CODE_OK)
                return code;
        if (name || o->type || o->data || o->separator)
                return add_value(s, key, name ? name : "");
        code = session_has(s, key, NULL, &there);
        return code == EXIT_CODE_OK && !there ? write_key(s, key) : code;
}

/* ---- delete ---- */

/* -r says as plainly as /f what is meant, and a value's name as a word is of Peios's own `delete`. */
static bool is_del(const struct session *s)
{
        const struct reg_options *o = &s->options;

        return !o->value && !o->default_value && !o->all_values && (s->line.n_words == 2 || o->recursive);
}

static int say_counts(struct session *s, const char *what, const char *key, const struct preview_counts *c)
{
        struct json j;

        if (s->options.dry_run || s->options.quiet)
                return EXIT_CODE_OK;
        if (s->options.json) {
                int code = session_begin_json(s, key, &j);
                if (code != EXIT_CODE_OK)
                        return code;
                json_add_string(&j, "action", what);
                json_add_string(&j, "layer", session_layer(s));
                preview_counts_to_json(&j, c);
                session_end_json(s, &j);
                return EXIT_CODE_OK;
        }
        buf_printf(&s->out, "%s ", what);
        words_format_key(&s->out, key);
        buf_printf(&s->out, "   (%" PRIu64 " changed, layer ", preview_sum(c));
        utf8_put_between(&s->out, "", session_layer(s), ")\n");
        return EXIT_CODE_OK;
}

/* All that the layer has in the key itself, seen or not. */
static int delete_values(struct session *s, const char *key)
{
        _cleanup_write_batch_ struct write_batch batch = { .s = s };
        _cleanup_subtree_ struct subtree tree = { 0 };
        _cleanup_path_ struct path path = { 0 };
        const struct path *roots[] = { &path };
        struct preview_counts counts;

        int code = session_find(s, key, &path, NULL);
        if (code == EXIT_CODE_OK)
                code = subtree_read(s,
                        &(struct subtree_query){ .roots = roots, .n_roots = 1, .layer = session_layer(s) },
                        &tree);
        if (code != EXIT_CODE_OK)
                return code;
        const struct hive_key *own = tree.n > 0 && path_equal(&tree.keys[0].path, &path) ? tree.keys : NULL;
        for (size_t i = 0; own && i < own->n_values && code == EXIT_CODE_OK; i++)
                code = write_batch_add(&batch, WRITE_DELETE, path.text, own->values[i].name, NULL);
        if (code == EXIT_CODE_OK)
                code = write_batch_send(&batch, &counts);
        return code == EXIT_CODE_OK ? say_counts(s, "del", key, &counts) : code;
}

int command_delete(struct session *s)
{
        struct reg_options *o = &s->options;
        const char *key = s->line.words[0], *name = NULL;
        bool there = false;

        if (is_del(s))
                return command_del(s);
        int code = reg_exe_value(s, &name);
        if (code == EXIT_CODE_OK && (s->line.n_words == 2 || o->recursive))
                return session_error(s, EXIT_CODE_USAGE, "delete: %s has no meaning beside /v, /ve and /va",
                        o->recursive ? "-r" : s->line.words[1]);
        if (code == EXIT_CODE_OK)
                code = name ? is_set(s, key, name, &there) : session_has(s, key, NULL, &there);
        if (code == EXIT_CODE_OK && there)
                code = ask(s,
                        o->all_values ? "delete all values of"
                        : name        ? "delete"
                                      : "delete with all below it",
                        key, name);
        if (code != EXIT_CODE_OK)
                return code;
        if (o->all_values && there)
                return delete_values(s, key);
        o->yes = true;
        o->recursive = !name;
        return write_delete(s, key, name);
}

/* ---- copy ---- */

/* Where a key of the source goes: what is behind the source's path, behind the destination's. */
static int add_key(
        struct write_batch *b, const struct path *from, const struct path *to, const struct hive_key *key)
{
        _cleanup_buf_ struct buf path = BUF_INIT;

        buf_printf(&path, "%s%s", to->text, key->path.text + from->len);
        if (path.error)
                return session_fail(b->s, path.error, NULL);
        if (key->is_link)
                return write_batch_add(b, WRITE_CREATE_LINK, buf_str(&path), NULL,
                        key->n_values > 0 ? &key->values[0].value : NULL);
        int code = key->n_values > 0 ? EXIT_CODE_OK
                                     : write_batch_add(b, WRITE_CREATE_KEY, buf_str(&path), NULL, NULL);
        for (size_t i = 0; i < key->n_values && code == EXIT_CODE_OK; i++)
                code = write_batch_add(
                        b, WRITE_SET, buf_str(&path), key->values[i].name, &key->values[i].value);
        return code;
}

/* What is effective; read at one moment, and written at one. */
static int copy(struct session *s, const struct path *from, const struct path *to)
{
        _cleanup_write_batch_ struct write_batch batch = { .s = s };
        _cleanup_subtree_ struct subtree tree = { 0 };
        struct preview_counts counts;

        int code = subtree_read(s, &(struct subtree_query){ .roots = &from, .n_roots = 1 }, &tree);
        for (size_t i = 0; i < tree.n && code == EXIT_CODE_OK; i++)
                if (s->options.recursive || path_equal(&tree.keys[i].path, from))
                        code = add_key(&batch, from, to, &tree.keys[i]);
        if (code == EXIT_CODE_OK)
                code = write_batch_send(&batch, &counts);
        return code == EXIT_CODE_OK ? say_counts(s, "copy", to->text, &counts) : code;
}

int command_copy(struct session *s)
{
        char **words = s->line.words;
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_path_ struct path from = { 0 }, to = { 0 };
        bool there = false;

        (void)words_trim_key(words[1]);
        int code = session_find(s, words[0], &from, NULL);
        if (code == EXIT_CODE_OK)
                code = session_find(s, words[1], &to, NULL);
        if (code == EXIT_CODE_OK)
                code = session_ask(s, "Info", from.text, NULL, &reply);
        if (code == EXIT_CODE_OK)
                code = session_has(s, to.text, NULL, &there);
        if (code == EXIT_CODE_OK && there)
                code = ask(s, "replace what has the same name in", to.text, NULL);
        return code == EXIT_CODE_OK ? copy(s, &from, &to) : code;
}
