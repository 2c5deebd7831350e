/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lint: hive files (drop-ins) without a provider: what the format refuses are errors, what readers will
 * refuse are warnings. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "../../schema/base/fileio.h"
#include "../hive/hive.h"
#include "commands.h"
#include "session.h"

#define STDIN_WORD "-"
#define STDIN_NAME "<stdin>"

struct lint {
        struct session *s;
        const char *name; /* of the file, in messages */
        struct json j;
        struct buf errors, warnings; /* the elements of the file's JSON arrays */
        int code;                    /* the worst so far */
};

static void tell(struct lint *l, bool error, const char *text)
{
        struct buf *list = error ? &l->errors : &l->warnings;
        struct json j = json_on(list);

        if (l->s->args->options.json) {
                j.comma = list->len > 0;
                json_string(&j, text);
                return;
        }
        if (!error)
                buf_puts(&l->s->out, "warning: ");
        format_safe(&l->s->out, text, strlen(text));
        buf_putc(&l->s->out, '\n');
}

/* A file that is wrong counts for more than one that cannot be read. */
static void note_code(struct lint *l, int code)
{
        if (l->code != EXIT_CODE_INVALID)
                l->code = code;
}

static int read_input(struct lint *l, struct buf *ret)
{
        struct diag d = { 0 };
        int r;

        if (strcmp(l->name, STDIN_NAME) == 0)
                r = read_fd(STDIN_FILENO, HIVE_FILE_BYTES_MAX, ret);
        else
                r = read_file(AT_FDCWD, l->name, HIVE_FILE_BYTES_MAX, ret, NULL, &d);
        if (r == 0)
                return 0;
        if (!d.text[0])
                (void)diag_set(&d, -r, "%s: %s", l->name, strerror(-r));
        if (l->s->args->options.json)
                tell(l, true, d.text);
        else
                complain("%s", d.text);
        note_code(l, r == -ENOENT  ? EXIT_CODE_NOT_FOUND
                     : r == -EFBIG ? EXIT_CODE_INVALID
                                   : EXIT_CODE_FAILURE);
        return r;
}

static void check_value(struct lint *l, const struct hive_key *key, const struct hive_value *value)
{
        const struct schema *schema = session_schema(l->s);
        const struct schema_value *sv = schema ? schema_find(schema, &key->path, value->name) : NULL;
        _cleanup_free_ char *text = NULL;
        _cleanup_buf_ struct buf line = BUF_INIT, path = BUF_INIT;
        struct diag d = { 0 };

        if (!sv || value->value.type == REG_TOMBSTONE || schema_check(sv, &value->value, &text, &d) == 0)
                return;
        format_key(&path, key->path.text);
        buf_printf(&line, "%s:%u: %s\\%s: its reader will refuse this value: %s", l->name, value->line,
                buf_str(&path), value_word_of_name(value->name), d.text);
        tell(l, false, buf_str(&line));
}

static void check_file(struct lint *l)
{
        _cleanup_hive_file_ struct hive_file *file = NULL;
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct diag d = { 0 };

        if (read_input(l, &text) < 0)
                return;
        int r = hive_parse(l->name, buf_str(&text), text.len, VALUE_BYTES_DEFAULT_MAX, &file, &d);
        if (r < 0) {
                tell(l, true, d.text[0] ? d.text : strerror(-r));
                note_code(l, r == -ENOMEM ? EXIT_CODE_FAILURE : EXIT_CODE_INVALID);
                return;
        }
        for (size_t i = 0; i < file->n_keys; i++)
                for (size_t k = 0; k < file->keys[i].n_values; k++)
                        check_value(l, &file->keys[i], &file->keys[i].values[k]);
}

static void begin_array(struct lint *l, const char *key, struct buf *elements)
{
        json_key(&l->j, key);
        json_begin_array(&l->j);
        buf_add(&l->s->out, buf_str(elements), elements->len);
        json_end_array(&l->j);
        buf_clear(elements);
}

static void report(struct lint *l)
{
        const struct options *o = &l->s->args->options;

        if (o->json) {
                json_begin_object(&l->j);
                json_key(&l->j, "file");
                json_string(&l->j, l->name);
                json_key(&l->j, "ok");
                json_bool(&l->j, l->errors.len == 0);
                begin_array(l, "errors", &l->errors);
                begin_array(l, "warnings", &l->warnings);
                json_end_object(&l->j);
        }
}

int command_lint(struct session *s)
{
        struct lint l = { .s = s, .j = json_on(&s->out) };
        const bool json = s->args->options.json;

        if (json)
                json_begin_array(&l.j);
        for (size_t i = 0; i < s->args->n_words; i++) {
                const char *word = s->args->words[i];
                l.name = strcmp(word, STDIN_WORD) == 0 ? STDIN_NAME : word;
                check_file(&l);
                report(&l);
        }
        if (json) {
                json_end_array(&l.j);
                buf_putc(&s->out, '\n');
        }
        int error = l.errors.error ? l.errors.error : l.warnings.error;
        buf_done(&l.errors);
        buf_done(&l.warnings);
        if (error)
                return session_fail(s, error, NULL);
        /* What was found is the result, whatever the exit code. */
        int code = session_flush(s);
        return code == EXIT_CODE_OK ? l.code : code;
}
