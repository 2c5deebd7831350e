/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lint: hive files (drop-ins), documents and files of the schema, without a provider: what the formats
 * refuse are errors, what readers will refuse are warnings. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "document.h"
#include "../../schema/schema.h"

struct lint {
        struct session *s;
        struct schema *schema;
        struct document_map map;
        const char *name; /* of the file, in messages */
        struct json j;
        struct buf errors, warnings; /* the elements of the file's JSON arrays */
        int code;                    /* the worst so far */
};

static void print(struct lint *l, bool error, const char *text)
{
        struct buf *list = error ? &l->errors : &l->warnings;
        struct json j = json_on(list);

        if (l->s->options.json) {
                j.comma = list->len > 0;
                json_string(&j, text);
                return;
        }
        if (!error)
                buf_puts(&l->s->out, "warning: ");
        utf8_put_between(&l->s->out, "", text, "\n");
}

/* A file that is wrong counts for more than one that cannot be read. */
static void note_code(struct lint *l, int code)
{
        if (l->code != EXIT_CODE_INVALID)
                l->code = code;
}

static int read_input(struct lint *l, const char *word, struct buf *ret)
{
        int code = session_read(l->s, word, DOCUMENT_BYTES_MAX, ret);

        if (code == EXIT_CODE_OK)
                return code;
        if (l->s->options.json)
                print(l, true, l->s->diag.text);
        else
                session_complain("%s", l->s->diag.text);
        /* It is reported; the next file has its own. */
        l->s->diag = (struct diag){ 0 };
        note_code(l, code);
        return code;
}

/* ---- What readers will refuse ---- */

struct warning {
        const struct schema *schema;
        const char *name;
        const struct hive_key *key;
        struct diags *list;
        bool has_layers; /* what it has of layers' own values counts */
};

_printf_(4, 5) static int warn_of(
        const struct warning *w, uint32_t line, uint32_t column, const char *format, ...)
{
        _cleanup_buf_ struct buf path = BUF_INIT;
        struct diag what = { 0 }, all;
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(what.text, sizeof(what.text), format, ap);
        va_end(ap);
        words_format_key(&path, w->key->path.text);
        (void)diag_set(&all, EINVAL, "%s:%u:%u: %s%s", w->name, line, column, buf_str(&path), what.text);
        return path.error ? path.error : diags_add(w->list, &all);
}

static int check_value(const struct warning *w, const struct hive_value *value)
{
        const struct schema_value *known = schema_find(w->schema, &w->key->path, value->name);
        const struct schema_value *sv =
                known || !w->has_layers ? known : schema_layer_find(&w->key->path, value->name);
        const struct schema_value *near = sv ? NULL : schema_suggest(w->schema, &w->key->path, value->name);
        const char *name = path_word_of_value_name(value->name);
        _cleanup_free_ char *text = NULL;
        _cleanup_buf_ struct buf path = BUF_INIT;
        struct diag d = { 0 };

        if (near) {
                words_format_key(&path, near->key.text);
                return warn_of(w, value->line, value->column,
                        "\\%s: the schema does not know this value, but %s\\%s", name, buf_str(&path),
                        near->name);
        }
        if (!sv || value->deleted || value->value.type == REG_TOMBSTONE)
                return 0;
        int r = schema_check(sv, &value->value, &text, &d);
        return r == -EINVAL ? warn_of(w, value->line, value->column,
                                      "\\%s: its reader will refuse this value: %s", name, d.text)
                            : r;
}

static int check_key(const struct warning *w)
{
        const struct hive_key *key = w->key;
        int r = schema_find_value_at(w->schema, &key->path)
                        ? warn_of(w, key->line, key->column, ": is a value in the schema, expected a key")
                        : 0;

        for (size_t i = 0; i < key->n_values && r == 0; i++)
                r = check_value(w, &key->values[i]);
        return r;
}

int lint_warn(const struct schema *schema, const char *name, const struct hive_file *file, struct diags *ret)
{
        struct warning w = { .schema = schema,
                .name = name,
                .list = ret,
                .has_layers = !file->layer || fold_same(file->layer, LAYER_BASE) };
        int r = 0;

        for (size_t i = 0; i < file->n_keys && r == 0; i++) {
                w.key = &file->keys[i];
                r = check_key(&w);
        }
        return r;
}

static void on_schema_error(_unused_ const char *file, const char *text, void *userdata)
{
        const struct session *s = userdata;

        if (s->options.verbose)
                session_warn("%s; ignoring", text);
}

/* Where packages are built there is no provider to ask. */
int lint_read_schema(struct session *s, struct schema **ret)
{
        int r = schema_load(s->options.root, NULL, on_schema_error, s, ret);

        return r < 0 ? session_fail(s, r, "the schema cannot be read") : EXIT_CODE_OK;
}

/* ---- A file ---- */

/* Beside what is built in, as when it is the only file. */
static int parse_schema(struct lint *l, const struct buf *text, struct diag *d)
{
        _cleanup_schema_ struct schema *schema = NULL;

        int r = schema_load_builtin(&schema);
        return r < 0 ? r : schema_add(schema, l->name, text->data, text->len, d);
}

static void print_all(struct lint *l, bool error, const struct diags *list)
{
        struct diag more;

        for (size_t i = 0; i < list->n; i++)
                print(l, error, list->list[i]);
        if (list->n_all > list->n) {
                (void)diag_set(&more, EINVAL, "%s: … and %zu more", l->name, list->n_all - list->n);
                print(l, error, more.text);
        }
}

static void note_errors(struct lint *l, int r, const struct diags *problems)
{
        print_all(l, true, problems);
        if (r == -ENOMEM)
                print(l, true, strerror(ENOMEM));
        if (r < 0 || problems->n > 0)
                note_code(l, r == -ENOMEM ? EXIT_CODE_FAILURE : EXIT_CODE_INVALID);
}

/* A drop-in file may be written in braces, too; a list of keys is a document's. */
static bool is_document(const struct buf *text)
{
        static const char keys[] = "\"keys\"";
        enum exchange_form form = exchange_detect(buf_str(text), text->len);

        if (form != EXCHANGE_JSON)
                return form == EXCHANGE_REG;
        for (const char *at = buf_str(text); (at = strstr(at, keys));) {
                at += strlen(keys);
                if (at[strspn(at, " \t\r\n:")] == '[')
                        return true;
        }
        return false;
}

/* The first thing that is wrong with a drop-in file or one of the schema, and all that are with another
 * document. */
static int parse(struct lint *l, const struct buf *text, struct hive_file **ret, struct diags *problems)
{
        const struct exchange_reading how = {
                .hives = (const char *const *)l->s->hives,
                .encoding = l->s->options.encoding,
                .roots = l->map.roots,
                .n_roots = l->map.n,
                .keep_going = true,
        };
        struct diag d = { 0 };
        int r;

        if (is_document(text))
                return exchange_read(l->name, buf_str(text), text->len, &how, ret, problems);
        if (schema_is_text(buf_str(text)))
                r = parse_schema(l, text, &d);
        else
                r = hive_parse(l->name, buf_str(text), text->len, VALUE_BYTES_DEFAULT_MAX, ret, &d);
        int added = d.text[0] ? diags_add(problems, &d) : 0;
        return added < 0 ? added : r;
}

static void check_file(struct lint *l, const char *word)
{
        _cleanup_(diags_done) struct diags problems = { 0 }, warnings = { 0 };
        _cleanup_hive_file_ struct hive_file *file = NULL;
        _cleanup_buf_ struct buf text = BUF_INIT;

        if (read_input(l, word, &text) != EXIT_CODE_OK)
                return;
        int r = parse(l, &text, &file, &problems);
        if (file && r == 0)
                r = lint_warn(l->schema, l->name, file, &warnings);
        note_errors(l, r, &problems);
        print_all(l, false, &warnings);
}

static void begin_array(struct lint *l, const char *key, struct buf *elements)
{
        json_open_array(&l->j, key);
        buf_add(&l->s->out, buf_str(elements), elements->len);
        json_end_array(&l->j);
        buf_clear(elements);
}

static void report(struct lint *l)
{
        const struct reg_options *o = &l->s->options;

        if (o->json) {
                json_begin_object(&l->j);
                json_add_string(&l->j, "file", l->name);
                json_add_bool(&l->j, "ok", l->errors.len == 0);
                begin_array(l, "errors", &l->errors);
                begin_array(l, "warnings", &l->warnings);
                json_end_object(&l->j);
        }
}

static void check_files(struct lint *l)
{
        const struct session *s = l->s;

        if (s->options.json)
                json_begin_array(&l->j);
        for (size_t i = 0; i < s->line.n_words; i++) {
                l->name = session_file_name(s->line.words[i]);
                check_file(l, s->line.words[i]);
                report(l);
        }
        if (s->options.json) {
                json_end_array(&l->j);
                buf_putc(&l->s->out, '\n');
        }
}

static void lint_done(struct lint *l)
{
        buf_done(&l->errors);
        buf_done(&l->warnings);
        document_map_done(&l->map);
        (void)schema_free(l->schema);
}

int command_lint(struct session *s)
{
        _cleanup_(lint_done) struct lint l = { .s = s, .j = json_on(&s->out) };

        int code = session_assume_hives(s);
        if (code == EXIT_CODE_OK)
                code = document_map_read(s, &l.map);
        if (code == EXIT_CODE_OK)
                code = lint_read_schema(s, &l.schema);
        if (code != EXIT_CODE_OK)
                return code;
        check_files(&l);
        int error = l.errors.error ? l.errors.error : l.warnings.error;
        if (error)
                return session_fail(s, error, NULL);
        /* What was found is the result, whatever the exit code. */
        code = session_flush(s);
        return code == EXIT_CODE_OK ? l.code : code;
}
