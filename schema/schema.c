/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "schema.h"

#include <errno.h>
#include <string.h>

#include "base/hashmap.h"
#include "schema-internal.h"

static void control_free(struct schema_control *c)
{
        if (!c)
                return;
        free(c->name);
        free(c->drift_value);
        free(c->audit_op);
        free(c->audit_off);
        free(c);
}

void schema_value_done(struct schema_value *v)
{
        if (v->compiled_in)
                return;
        path_done(&v->key);
        free(v->name);
        free(v->default_text);
        for (size_t i = 0; i < v->n_choices; i++) {
                free(v->choices[i].value);
                free(v->choices[i].control);
                free(v->choices[i].meaning);
        }
        free(v->choices);
        free(v->description);
        control_free(v->control);
        free(v->suffix);
        free(v->source);
}

struct schema *schema_free(struct schema *s)
{
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n; i++)
                schema_value_done(&s->values[i]);
        free(s->values);
        free(s);
        return NULL;
}

/* ---- The same again ---- */

static bool same_text(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_control(const struct schema_control *a, const struct schema_control *b)
{
        if (!a || !b)
                return a == b;
        return same_text(a->name, b->name) && a->encoding == b->encoding &&
               same_text(a->drift_value, b->drift_value) && a->drift_reapply == b->drift_reapply &&
               same_text(a->audit_op, b->audit_op) && same_text(a->audit_off, b->audit_off);
}

static bool same_choices(const struct schema_value *a, const struct schema_value *b)
{
        bool same = a->n_choices == b->n_choices;

        for (size_t i = 0; same && i < a->n_choices; i++)
                same = same_text(a->choices[i].value, b->choices[i].value) &&
                       same_text(a->choices[i].control, b->choices[i].control) &&
                       same_text(a->choices[i].meaning, b->choices[i].meaning);
        return same;
}

static bool same_limits(const struct schema_value *a, const struct schema_value *b)
{
        return a->type == b->type && a->has_range == b->has_range && a->min == b->min && a->max == b->max &&
               a->is_path == b->is_path && same_text(a->suffix, b->suffix) && a->items == b->items &&
               same_choices(a, b);
}

static bool same_value(const struct schema_value *a, const struct schema_value *b)
{
        return strcmp(a->key.text, b->key.text) == 0 && strcmp(a->name, b->name) == 0 && same_limits(a, b) &&
               a->has_default == b->has_default && same_text(a->default_text, b->default_text) &&
               a->apply == b->apply && same_text(a->description, b->description) &&
               same_control(a->control, b->control) && same_text(a->source, b->source);
}

bool schema_equal(const struct schema *a, const struct schema *b)
{
        bool same = a->n == b->n;

        for (size_t i = 0; same && i < a->n; i++)
                same = same_value(&a->values[i], &b->values[i]);
        return same;
}

/* ---- Finding ---- */

int schema_compare(const struct path *key, const char *name, const struct schema_value *v)
{
        int c = fold_compare(key->text, key->len, v->key.text, v->key.len);
        return c != 0 ? c : fold_order(name, v->name);
}

const struct schema_value *schema_find(const struct schema *s, const struct path *key, const char *name)
{
        for (size_t low = 0, high = s->n; low < high;) {
                size_t middle = low + (high - low) / 2;
                int c = schema_compare(key, name, &s->values[middle]);
                if (c == 0)
                        return &s->values[middle];
                if (c < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}

const struct schema_value *schema_find_value_at(const struct schema *s, const struct path *key)
{
        size_t len;

        if (key->n < 2)
                return NULL;
        const struct path parent = { .text = key->text, .len = key->ends[key->n - 2], .n = key->n - 1 };
        return schema_find(s, &parent, path_component(key, key->n - 1, &len));
}

bool schema_has_key(const struct schema *s, const struct path *key)
{
        for (size_t i = 0; i < s->n; i++) {
                const struct path *known = &s->values[i].key;
                if (known->n >= key->n &&
                        fold_equal(key->text, key->len, known->text, known->ends[key->n - 1]))
                        return true;
        }
        return false;
}

const char *schema_below(const struct schema_value *sv, const struct path *key, size_t *ret_len)
{
        return sv->key.n > key->n && path_is_below(&sv->key, key) ? path_component(&sv->key, key->n, ret_len)
                                                                  : NULL;
}

/* 0: the same; 1: a slip away; 2: another name. */
static unsigned apart(const char *s, size_t len, const char *known, size_t known_len)
{
        if (fold_equal(s, len, known, known_len))
                return 0;
        return utf8_count(known, known_len) >= SCHEMA_SLIP_LETTERS && fold_is_slip(s, len, known, known_len)
                       ? 1
                       : 2;
}

static bool is_slip_of(const struct path *key, const char *name, const struct schema_value *v)
{
        unsigned sum = apart(name, strlen(name), v->name, strlen(v->name));

        for (size_t i = 0; i < key->n && sum < 2; i++) {
                size_t len, known_len;
                const char *s = path_component(key, i, &len),
                           *known = path_component(&v->key, i, &known_len);
                sum += apart(s, len, known, known_len);
        }
        return sum == 1;
}

const struct schema_value *schema_suggest(const struct schema *s, const struct path *key, const char *name)
{
        for (size_t i = 0; i < s->n; i++)
                if (s->values[i].key.n == key->n && is_slip_of(key, name, &s->values[i]))
                        return &s->values[i];
        return NULL;
}

/* A merge of two sorted lists; of an entry that both have the new one is taken, the old one goes to
 * `replaced`. Shallow: the lists still own what they point to. */
static size_t merge(const struct schema *s, const struct schema_entries *add, struct schema_value *into,
        struct schema_value *replaced, size_t *ret_n_replaced)
{
        size_t i = 0, k = 0, n = 0;

        *ret_n_replaced = 0;
        while (i < s->n || k < add->n) {
                int c = i == s->n ? 1
                        : k == add->n
                                ? -1
                                : schema_compare(&s->values[i].key, s->values[i].name, &add->list[k].value);
                if (c < 0) {
                        into[n++] = s->values[i++];
                        continue;
                }
                if (c == 0)
                        replaced[(*ret_n_replaced)++] = s->values[i++];
                into[n++] = add->list[k++].value;
        }
        return n;
}

static bool is_bound(const void *value, const void *control)
{
        return strcmp(((const struct schema_value *)value)->control->name, control) == 0;
}

static const struct yaml_node *node_of(const struct schema_entries *e, const struct schema_value *v)
{
        for (size_t i = 0; i < e->n; i++)
                if (e->list[i].value.control == v->control)
                        return e->list[i].node;
        return NULL;
}

/* One of the two at least is new. */
static int refuse_second(const struct yaml_doc *doc, const struct schema_entries *add,
        const struct schema_value *first, const struct schema_value *second, struct diag *d)
{
        const struct yaml_node *at = node_of(add, first);
        const struct schema_value *other = at ? second : first;

        return yaml_error(doc, at ? at : node_of(add, second), d,
                "control %s is bound to value `%s` in key `%s` already, expected one value a control",
                yaml_show(other->control->name, strlen(other->control->name)).text,
                yaml_show(other->name, strlen(other->name)).text,
                yaml_show(other->key.text, other->key.len).text);
}

/* Two policies for one control would write against each other for ever. */
static int check_controls(const struct yaml_doc *doc, const struct schema_entries *add,
        const struct schema_value *all, size_t n, struct diag *d)
{
        _cleanup_(hashmap_done) struct hashmap seen = { 0 };
        int r = 0;

        for (size_t i = 0; r == 0 && i < n; i++) {
                if (!all[i].control)
                        continue;
                const char *control = all[i].control->name;
                const uint32_t hash = hashmap_hash(control, strlen(control), hashmap_seed());
                const struct schema_value *first = hashmap_get(&seen, hash, is_bound, control);
                r = first ? refuse_second(doc, add, first, &all[i], d)
                          : hashmap_put(&seen, hash, (void *)&all[i]);
        }
        return r;
}

int schema_add(struct schema *s, const char *name, const void *data, size_t size, struct diag *d)
{
        if (size > SCHEMA_FILE_BYTES_MAX)
                return diag_set(d, EFBIG, "%s: is %zu bytes large, expected at most %u", name, size,
                        SCHEMA_FILE_BYTES_MAX);
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        int r = yaml_parse(name, data, size, &doc, d);
        if (r < 0)
                return r;
        _cleanup_(schema_entries_done) struct schema_entries add = { 0 };
        r = schema_parse(doc, &add, d);
        if (r < 0)
                return r;

        _cleanup_free_ struct schema_value *all = calloc(s->n + add.n + 1, sizeof(*all));
        _cleanup_free_ struct schema_value *replaced = calloc(s->n + 1, sizeof(*replaced));
        if (!all || !replaced)
                return -ENOMEM;
        size_t n_replaced, n = merge(s, &add, all, replaced, &n_replaced);
        if (n > SCHEMA_VALUES_MAX)
                return diag_set(d, EFBIG,
                        "%s: %zu values with those of the other files, expected at most %u", name, n,
                        SCHEMA_VALUES_MAX);
        r = check_controls(doc, &add, all, n, d);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n_replaced; i++)
                schema_value_done(&replaced[i]);
        add.n = 0;
        free(s->values);
        s->values = STEAL_PTR(all);
        s->n = n;
        return 0;
}

/* The `control` of an entry. */

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
        if (v->control->drift_value && fold_same(v->control->drift_value, v->name))
                return yaml_error(doc, yaml_get(control, "drift-value"), d,
                        "the value itself as `drift-value`, expected another value of the key");
        return check_audit_off(doc, control, v, d);
}
