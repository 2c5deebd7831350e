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

int acceptance_check(
        struct session *s, const char *key, const char *name, const struct value *v, struct acceptance *ret)
{
        _cleanup_path_ struct path path = { 0 };
        _cleanup_free_ char *text = NULL;
        struct acceptance a = { 0 };

        /* Schema files, too, take a first component that is not Machine for a key in Machine. */
        int r = path_parse(key, strlen(key), NULL, NULL, &path, &s->diag);
        if (r < 0)
                return session_refuse(s, r);
        const struct schema *schema = session_schema(s);
        a.sv = schema ? schema_find(schema, &path, name) : NULL;
        if (!a.sv)
                a.sv = find_metadata(s, &path, name);
        r = a.sv ? schema_check(a.sv, v, &text, &a.why) : 0;
        if (r == -ENOMEM)
                return session_fail(s, r, NULL);
        a.refused = r < 0;
        if (a.refused)
                ask_what_remains(s, key, name, &a);
        *ret = a;
        return EXIT_CODE_OK;
}

void acceptance_warn(const struct session *s, const struct acceptance *a, const char *key, const char *name,
        const char *literal, bool inferred)
{
        _cleanup_buf_ struct buf path = BUF_INIT, hint = BUF_INIT;

        if (!a->refused)
                return;
        format_key(&path, key);
        if (inferred && a->sv->type == REG_SZ)
                buf_printf(&hint, " (for a string write sz:%s)", literal);
        warn("%s\\%s: %s, but its reader will refuse it: %s%s; %s", buf_str(&path), value_word_of_name(name),
                s->args->options.dry_run ? "it would be stored" : "stored", a->why.text, buf_str(&hint),
                a->remains.text);
}
