/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "acceptance.h"

#include <errno.h>
#include <string.h>

#include "../resolve/layers.h"
#include "change.h"
#include "entry.h"
#include "policy.h"

/* A guess that says that it is one: the reader kept the value before, if it could read that. */
static void ask_registry(struct session *s, const char *key, const char *name, struct acceptance *a)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_entry_ struct entry e = { .name = name };
        _cleanup_free_ char *text = NULL;

        if (session_new_call(s, "Get", key, name, &m) != EXIT_CODE_OK ||
                session_call(s, m, &reply) != EXIT_CODE_OK || entry_read(reply, &e) < 0)
                return;
        const struct value before = entry_value(&e);
        if (schema_check(a->sv, &before, &text, NULL) == 0)
                (void)diag_set(&a->remains, 0, "the value so far, '%s', is the last good one", text);
}

static void ask_what_remains(struct session *s, const char *key, const char *name, struct acceptance *a)
{
        _cleanup_policy_setting_ struct policy_setting p = { 0 };

        (void)diag_set(&a->remains, 0, "what stays in force is not known");
        ask_registry(s, key, name, a);
        if (!s->bus || policy_setting_get(s, key, name, &p) != POLICY_SAID)
                return;
        if (p.accepted[0])
                (void)diag_set(&a->remains, 0, "'%s' stays in force", p.accepted);
        else
                (void)diag_set(&a->remains, 0, "no value is in force");
}

/* Layers have names of their own, so no schema file can list their metadata. Only base's count. */
static const struct schema_value *find_metadata(
        const struct session *s, const struct path *path, const char *name)
{
        static const char layers[] = DEFAULT_HIVE "\\System\\Registry\\Layers";
        static char precedence[] = "Precedence", enabled[] = "Enabled", source[] = "the registry's layers";
        static const struct schema_value metadata[] = {
                { .name = precedence, .type = REG_DWORD, .source = source },
                { .name = enabled, .type = REG_DWORD, .has_range = true, .max = 1, .source = source },
        };
        const char *layer = change_layer(s);

        if (path->n != 5 || !fold_equal(path->text, path->ends[3], layers, strlen(layers)) ||
                !fold_equal(layer, strlen(layer), LAYER_BASE, strlen(LAYER_BASE)))
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(metadata); i++)
                if (fold_equal(name, strlen(name), metadata[i].name, strlen(metadata[i].name)))
                        return &metadata[i];
        return NULL;
}

/* Schema files, too, take a first component that is not Machine for a key in Machine; of other hives they
 * know nothing. */
static bool parse_key(const char *key, struct path *ret)
{
        return path_parse(key, strlen(key), NULL, NULL, ret, NULL) == 0;
}

static void format_value(struct buf *out, const char *key, const char *name)
{
        format_key(out, key);
        buf_puts(out, "\\");
        buf_puts(out, path_word_of_value_name(name));
}

static int question_name(
        struct session *s, const char *key, const char *name, const struct schema_value *near)
{
        _cleanup_buf_ struct buf path = BUF_INIT, meant = BUF_INIT;
        bool is_there = false;

        int code = session_is_value(s, key, name, &is_there);
        if (code != EXIT_CODE_OK || is_there)
                return code;
        format_value(&path, key, name);
        format_value(&meant, near->key.text, near->name);
        (void)diag_set(&s->diag, EINVAL,
                "%s: the schema does not know this value, but %s; nothing is written (--force writes it)",
                buf_str(&path), buf_str(&meant));
        return EXIT_CODE_INVALID;
}

static int refuse(struct session *s, const char *key, const char *name, const struct acceptance *a)
{
        _cleanup_buf_ struct buf path = BUF_INIT;

        format_value(&path, key, name);
        (void)diag_set(&s->diag, EINVAL,
                "%s: its reader would refuse it: %s; nothing is written (--force writes it)", buf_str(&path),
                a->why.text);
        return EXIT_CODE_INVALID;
}

static int judge(struct session *s, const char *key, const char *name, const struct data *d,
        struct acceptance *a, const struct schema_value **ret_near)
{
        _cleanup_path_ struct path path = { 0 };
        _cleanup_free_ char *text = NULL;
        const struct schema *schema = session_schema(s);
        const struct value v = data_value(d);

        if (!parse_key(key, &path))
                return 0;
        a->sv = schema ? schema_find(schema, &path, name) : NULL;
        if (!a->sv)
                a->sv = find_metadata(s, &path, name);
        if (!a->sv && schema)
                *ret_near = schema_suggest(schema, &path, name);
        int r = a->sv ? schema_check(a->sv, &v, &text, &a->why) : 0;
        if (r == -ENOMEM)
                return r;
        a->refused = r < 0;
        if (a->refused && d->inferred && d->type != REG_SZ && a->sv->type == REG_SZ) {
                const struct diag why = a->why;
                (void)diag_set(&a->why, 0, "%s (for a string write sz:%s)", why.text, d->literal);
        }
        if (a->refused && d->inferred && a->sv->type == REG_MULTI_SZ) {
                const struct diag why = a->why;
                (void)diag_set(&a->why, 0, "%s (for a list write multi:%s)", why.text, d->literal);
        }
        return 0;
}

int acceptance_check(
        struct session *s, const char *key, const char *name, const struct data *d, struct acceptance *ret)
{
        const bool force = s->options.force;
        const struct schema_value *near = NULL;
        struct acceptance a = { 0 };

        int r = judge(s, key, name, d, &a, &near);
        if (r < 0)
                return session_fail(s, r, NULL);
        if (!force) {
                int code = a.refused ? refuse(s, key, name, &a) : acceptance_check_key(s, key);
                if (code == EXIT_CODE_OK && near)
                        code = question_name(s, key, name, near);
                if (code != EXIT_CODE_OK)
                        return code;
        } else if (a.refused)
                ask_what_remains(s, key, name, &a);
        *ret = a;
        return EXIT_CODE_OK;
}

void acceptance_warn(const struct session *s, const struct acceptance *a, const char *key, const char *name)
{
        _cleanup_buf_ struct buf path = BUF_INIT;

        if (!a->refused)
                return;
        format_value(&path, key, name);
        warn("%s: %s, but its reader will refuse it: %s; %s", buf_str(&path),
                s->options.dry_run ? "it would be stored" : "stored", a->why.text, a->remains.text);
}

bool acceptance_knows_key(struct session *s, const char *key)
{
        _cleanup_path_ struct path path = { 0 };
        const struct schema *schema = session_schema(s);

        return schema && parse_key(key, &path) && schema_has_key(schema, &path);
}

int acceptance_check_key(struct session *s, const char *key)
{
        _cleanup_path_ struct path path = { 0 };
        _cleanup_buf_ struct buf shown = BUF_INIT;
        const struct schema *schema = session_schema(s);
        bool is_key = false;

        if (!schema || !parse_key(key, &path) || !schema_find_value_at(schema, &path))
                return EXIT_CODE_OK;
        int code = session_is_key(s, key, &is_key);
        if (code != EXIT_CODE_OK || is_key)
                return code;
        format_key(&shown, key);
        (void)diag_set(&s->diag, EINVAL, "%s: is a value, as the schema has it, expected a key%s",
                buf_str(&shown), s->command == REG_WATCH ? "" : "; nothing is written (--force writes it)");
        return EXIT_CODE_INVALID;
}

void acceptance_hint(struct session *s, const char *key, const char *name)
{
        _cleanup_path_ struct path path = { 0 };
        _cleanup_buf_ struct buf meant = BUF_INIT;
        const struct schema *schema = session_schema(s);
        const struct schema_value *near =
                schema && parse_key(key, &path) ? schema_suggest(schema, &path, name) : NULL;
        const struct diag said = s->diag;

        if (!near)
                return;
        format_value(&meant, near->key.text, near->name);
        (void)diag_set(&s->diag, ENOENT, "%s; the schema knows %s", said.text, buf_str(&meant));
}
