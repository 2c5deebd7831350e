/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The `control` of an entry. */
#include <errno.h>
#include <string.h>

#include "schema-entry.h"

#define CONTROL_NAME_MAX 255u
#define AUDIT_OP_MAX 64u
#define AUDIT_OP_DEFAULT "changed-kernel-setting"
#define KNOWN "`name`, `encoding`, `drift-value`, `drift`, `audit-op` and `audit-off`"

/* The parts of a sysctl name become path components: none may be empty or lead elsewhere. A slash in a part
 * stands for a dot. */
static bool is_sysctl_name(const char *name)
{
        for (const char *part = name;; part++) {
                size_t n = strcspn(part, "."), dots = strspn(part, "/");
                if (n == 0 || (dots == n && n <= 2))
                        return false;
                for (size_t i = 0; i < n; i++)
                        if (part[i] <= ' ' || part[i] > '~')
                                return false;
                part += n;
                if (*part == '\0')
                        return true;
        }
}

/* What these say the kernel runs as root, or how: who may write a value would be root. The units of both
 * daemons have them read-only. */
static const char *const runs_programs[] = { "fs.binfmt_misc", "kernel.core_pattern", "kernel.hotplug",
        "kernel.modprobe", "kernel.poweroff_cmd", "kernel.usermodehelper" };

/* Every way to write a sysctl's name counts, also those that lead elsewhere here. */
static const char *program_of_kernel(const char *name)
{
        char plain[CONTROL_NAME_MAX + 1];
        size_t n = 0;

        for (; *name != '\0'; name++) {
                char c = *name == '/' ? '.' : *name;
                if (c != '.' || (n > 0 && plain[n - 1] != '.'))
                        plain[n++] = c;
        }
        plain[n] = '\0';
        const char *start = strncmp(plain, "proc.sys.", 9) == 0 ? plain + 9 : plain;
        for (size_t i = 0; i < ARRAY_SIZE(runs_programs); i++) {
                size_t length = strlen(runs_programs[i]);
                if (strncmp(start, runs_programs[i], length) == 0 &&
                        (start[length] == '\0' || start[length] == '.'))
                        return runs_programs[i];
        }
        return NULL;
}

static bool is_operation(const char *s)
{
        return s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static int parse_name(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_control *c, struct diag *d)
{
        int r = schema_copy_text(doc, node, CONTROL_NAME_MAX, &c->name, d);
        if (r == 0 && !is_sysctl_name(c->name))
                r = yaml_error(doc, node, d,
                        "`%s` is no name of a control, expected one like kernel.pid_max",
                        yaml_show(c->name, strlen(c->name)).text);
        const char *program = r == 0 ? program_of_kernel(c->name) : NULL;
        if (program)
                r = yaml_error(doc, node, d,
                        "`%s` says which programs the kernel runs as root (%s), and is never bound to a value, expected "
                        "another control",
                        yaml_show(c->name, strlen(c->name)).text, program);
        return r;
}

static int parse_operation(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_control *c, struct diag *d)
{
        int r = schema_copy_text(doc, node, AUDIT_OP_MAX, &c->audit_op, d);
        if (r == 0 && !is_operation(c->audit_op))
                r = yaml_error(doc, node, d,
                        "`%s` cannot be an operation, expected letters a-z, digits and `-`",
                        yaml_show(c->audit_op, strlen(c->audit_op)).text);
        return r;
}

const char *const schema_encoding_words[SCHEMA_ENCODING_N] = { [SCHEMA_ENCODE_CHOICE] = "choice",
        [SCHEMA_ENCODE_NUMBER] = "number",
        [SCHEMA_ENCODE_STRING] = "string" };

const char *const schema_drift_words[SCHEMA_DRIFT_N] = { "report", "reapply" };

static int parse_encoding(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_control *c, struct diag *d)
{
        size_t i = 0;
        int r = schema_pick(doc, node, schema_encoding_words, SCHEMA_ENCODING_N, &i, d);
        c->encoding = (enum schema_encoding)i;
        return r;
}

static int parse_drift(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_control *c, struct diag *d)
{
        size_t i = 0;
        int r = schema_pick(doc, node, schema_drift_words, SCHEMA_DRIFT_N, &i, d);
        c->drift_reapply = i == 1;
        return r;
}

static int parse_member(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_control *c, struct diag *d)
{
        const char *name = node->key->text;
        if (strcmp(name, "name") == 0)
                return parse_name(doc, node, c, d);
        if (strcmp(name, "encoding") == 0)
                return parse_encoding(doc, node, c, d);
        if (strcmp(name, "drift-value") == 0)
                return schema_copy_text(doc, node, NAME_BYTES_MAX, &c->drift_value, d);
        if (strcmp(name, "drift") == 0)
                return parse_drift(doc, node, c, d);
        if (strcmp(name, "audit-op") == 0)
                return parse_operation(doc, node, c, d);
        if (strcmp(name, "audit-off") == 0)
                return schema_copy_text(doc, node, SCHEMA_TEXT_MAX, &c->audit_off, d);
        return schema_unknown(doc, node, KNOWN, d);
}

int schema_parse_control(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_value *ret, struct diag *d)
{
        if (node->kind != YAML_MAP || node->tag)
                return yaml_error(doc, node, d, "`control` is no map, expected " KNOWN);
        struct schema_control *c = ret->control = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        for (const struct yaml_node *n = node->first; n; n = n->next) {
                int r = parse_member(doc, n, c, d);
                if (r < 0)
                        return r;
        }
        if (!c->name || !yaml_get(node, "encoding"))
                return yaml_error(
                        doc, node->key, d, "a control without `name` or `encoding`, expected both");
        if (!c->audit_op)
                c->audit_op = strdup(AUDIT_OP_DEFAULT);
        return c->audit_op ? 0 : -ENOMEM;
}

static bool encoding_fits(const struct schema_value *v)
{
        bool is_text = v->type == REG_SZ || v->type == REG_EXPAND_SZ;
        switch (v->control->encoding) {
        case SCHEMA_ENCODE_CHOICE:
                for (size_t i = 0; i < v->n_choices; i++)
                        if (!v->choices[i].control)
                                return false;
                return v->n_choices > 0;
        case SCHEMA_ENCODE_NUMBER:
                return !is_text;
        case SCHEMA_ENCODE_STRING:
                return is_text;
        }
        return false;
}

/* A text that is never written would only mislead who reads the file. */
static bool has_idle_text(const struct schema_value *v)
{
        for (size_t i = 0; i < v->n_choices; i++)
                if (v->choices[i].control && (!v->control || v->control->encoding != SCHEMA_ENCODE_CHOICE))
                        return true;
        return false;
}

static int check_audit_off(
        const struct yaml_doc *doc, const struct yaml_node *control, struct schema_value *v, struct diag *d)
{
        struct schema_control *c = v->control;
        _cleanup_free_ char *canonical = NULL;
        if (!c->audit_off)
                return 0;
        int r = schema_canonical(v, c->audit_off, strlen(c->audit_off), &canonical, d);
        if (r < 0)
                return schema_place(doc, yaml_get(control, "audit-off"), r, d);
        free(c->audit_off);
        c->audit_off = STEAL_PTR(canonical);
        return 0;
}

int schema_check_control(
        const struct yaml_doc *doc, const struct yaml_node *node, struct schema_value *v, struct diag *d)
{
        const struct yaml_node *control = yaml_get(node, "control");
        if (has_idle_text(v))
                return yaml_error(doc, yaml_get(node, "choices"), d,
                        "a choice with `control`, expected that only with `encoding: choice`");
        if (!v->control)
                return 0;
        if (!encoding_fits(v))
                return yaml_error(doc, yaml_get(control, "encoding"), d,
                        "an encoding that does not fit, expected `choice` where every choice has a `control`, "
                        "`number` for a number, `string` for a string");
        if (v->control->drift_value && fold_equal(v->control->drift_value, strlen(v->control->drift_value),
                                               v->name, strlen(v->name)))
                return yaml_error(doc, yaml_get(control, "drift-value"), d,
                        "the value itself as `drift-value`, expected another value of the key");
        return check_audit_off(doc, control, v, d);
}
