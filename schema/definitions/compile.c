/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes schema files in another form, while the project is built: compile c|regman|json OUTPUT FILE…; c are
 * the tables that are linked. They are read as files of schema.d are, so a mistake in one ends the build
 * with its place. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../base/file.h"
#include "forms.h"

static void put_text(FILE *f, const char *text)
{
        if (!text) {
                (void)fputs("NULL", f);
                return;
        }
        (void)fputc('"', f);
        for (const char *c = text; *c != '\0'; c++)
                if (*c == '"' || *c == '\\')
                        (void)fprintf(f, "\\%c", *c);
                else if (*c >= ' ' && *c < 0x7f && *c != '?')
                        (void)fputc(*c, f);
                else
                        (void)fprintf(f, "\\%03o", (unsigned char)*c);
        (void)fputc('"', f);
}

static void put_member(FILE *f, const char *name, const char *text)
{
        (void)fprintf(f, "        .%s = ", name);
        put_text(f, text);
        (void)fputs(",\n", f);
}

static void put_parts(FILE *f, size_t number, const struct schema_value *v)
{
        (void)fprintf(f, "static uint16_t ends_%zu[] = {", number);
        for (size_t i = 0; i < v->key.n; i++)
                (void)fprintf(f, " %u,", v->key.ends[i]);
        (void)fputs(" };\n", f);
        if (v->n_choices > 0) {
                (void)fprintf(f, "static struct schema_choice choices_%zu[] = {\n", number);
                for (size_t i = 0; i < v->n_choices; i++) {
                        (void)fputs("        { ", f);
                        put_text(f, v->choices[i].value);
                        (void)fputs(", ", f);
                        put_text(f, v->choices[i].control);
                        (void)fputs(", ", f);
                        put_text(f, v->choices[i].meaning);
                        (void)fputs(" },\n", f);
                }
                (void)fputs("};\n", f);
        }
        if (v->control) {
                const struct schema_control *c = v->control;
                (void)fprintf(f, "static struct schema_control control_%zu = {\n", number);
                put_member(f, "name", c->name);
                (void)fprintf(f, "        .encoding = %d,\n        .drift_reapply = %d,\n", (int)c->encoding,
                        c->drift_reapply);
                put_member(f, "drift_value", c->drift_value);
                put_member(f, "audit_op", c->audit_op);
                put_member(f, "audit_off", c->audit_off);
                (void)fputs("};\n", f);
        }
}

static void put_value(FILE *f, size_t number, const struct schema_value *v)
{
        (void)fputs("        {\n        .key = { .text = ", f);
        put_text(f, v->key.text);
        (void)fprintf(f, ", .len = %zu, .n = %zu, .ends = ends_%zu },\n", v->key.len, v->key.n, number);
        put_member(f, "name", v->name);
        put_member(f, "default_text", v->default_text);
        put_member(f, "description", v->description);
        put_member(f, "source", v->source);
        (void)fprintf(f, "        .type = %" PRIu32 ",\n        .apply = %d,\n", v->type, (int)v->apply);
        (void)fprintf(
                f, "        .has_default = %d,\n        .has_range = %d,\n", v->has_default, v->has_range);
        (void)fprintf(f, "        .min = UINT64_C(%" PRIu64 "),\n        .max = UINT64_C(%" PRIu64 "),\n",
                v->min, v->max);
        (void)fprintf(f, "        .is_path = %d,\n        .items = %d,\n", v->is_path, v->items);
        put_member(f, "suffix", v->suffix);
        if (v->n_choices > 0)
                (void)fprintf(f, "        .choices = choices_%zu,\n        .n_choices = %zu,\n", number,
                        v->n_choices);
        if (v->control)
                (void)fprintf(f, "        .control = &control_%zu,\n", number);
        (void)fputs("        .compiled_in = true,\n        },\n", f);
}

static void put_tables(FILE *f, const struct schema *s)
{
        (void)fputs(
                "/* Made by schema/definitions/compile.c. */\n#include \"definitions/builtin.h\"\n\n", f);
        for (size_t i = 0; i < s->n; i++)
                put_parts(f, i, &s->values[i]);
        (void)fputs("\nconst struct schema_value schema_builtins[] = {\n", f);
        for (size_t i = 0; i < s->n; i++)
                put_value(f, i, &s->values[i]);
        (void)fprintf(f, "};\nconst size_t schema_n_builtins = %zu;\n", s->n);
}

static int add(struct schema *s, const char *path)
{
        _cleanup_buf_ struct buf text = BUF_INIT, name = BUF_INIT;
        struct diag d = { 0 };

        int r = file_read(AT_FDCWD, path, SCHEMA_FILE_BYTES_MAX, &text, NULL, &d);
        if (r < 0) {
                (void)fprintf(stderr, "%s: %s\n", path, d.text[0] ? d.text : strerror(-r));
                return r;
        }
        const char *slash = strrchr(path, '/');
        buf_printf(&name, "built-in/%s", slash ? slash + 1 : path);
        r = name.error ? -ENOMEM : schema_add(s, name.data, buf_str(&text), text.len, &d);
        if (r < 0)
                (void)fprintf(stderr, "%s\n", d.text[0] ? d.text : strerror(-r));
        return r;
}

typedef void (*put_t)(FILE *f, const struct schema *s);

static put_t find_form(const char *name)
{
        static const struct {
                const char *name;
                put_t put;
        } forms[] = { { "c", put_tables }, { "regman", forms_put_regman },
                { "json", forms_put_json_schema } };

        for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
                if (strcmp(name, forms[i].name) == 0)
                        return forms[i].put;
        return NULL;
}

int main(int argc, char **argv)
{
        _cleanup_schema_ struct schema *s = calloc(1, sizeof(*s));
        put_t put = argc > 3 ? find_form(argv[1]) : NULL;

        if (!s || !put) {
                (void)fputs("usage: compile c|regman|json OUTPUT FILE...\n", stderr);
                return EXIT_FAILURE;
        }
        for (int i = 3; i < argc; i++)
                if (add(s, argv[i]) < 0)
                        return EXIT_FAILURE;
        FILE *f = fopen(argv[2], "we");
        if (!f) {
                (void)fprintf(stderr, "%s: %m\n", argv[2]);
                return EXIT_FAILURE;
        }
        put(f, s);
        bool failed = ferror(f) != 0 || ftell(f) == 0;
        failed |= fclose(f) != 0;
        if (failed)
                (void)fprintf(stderr, "%s: cannot be written\n", argv[2]);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
