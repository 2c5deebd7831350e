/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "accepted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/base/file.h"
#include "../../schema/layout.h"
#include "../../schema/yaml/yaml.h"

#define FILE_BYTES_MAX (4u * 1024u * 1024u)
#define FORMAT_KEY "peios-accepted"
#define FORMAT_VERSION "1"
/* YAML wants the colon of a simple key within 1024 characters. */
#define SIMPLE_KEY_BYTES_MAX 1000u

static int compare(const void *value, const void *names)
{
        const struct accepted_value *v = value;
        const char *const *wanted = names;
        int c = fold_order(v->key, wanted[0]);

        return c != 0 ? c : fold_order(v->name, wanted[1]);
}

/* The list is sorted by key, then name, folded, so that a file's entries come grouped by key. Returns
 * whether the value is there; *ret is where it is or belongs. */
static bool locate(const struct accepted *a, const char *key, const char *name, size_t *ret)
{
        const char *const names[] = { key, name };
        bool found;

        *ret = array_place(a->list, a->n, sizeof(*a->list), names, compare, &found);
        return found;
}

static void value_done(struct accepted_value *v)
{
        free(v->key);
        free(v->name);
        free(v->text);
        free(v->next);
}

void accepted_done(struct accepted *a)
{
        for (size_t i = 0; i < a->n; i++)
                value_done(&a->list[i]);
        free(a->list);
        *a = (struct accepted){ 0 };
}

const char *accepted_get(const struct accepted *a, const struct schema_value *sv)
{
        size_t at;

        return locate(a, sv->key.text, sv->name, &at) ? a->list[at].text : NULL;
}

bool accepted_pending(const struct accepted *a, const struct schema_value *sv, const char **ret)
{
        size_t at;

        if (!locate(a, sv->key.text, sv->name, &at) || !a->list[at].is_pending)
                return false;
        *ret = a->list[at].next;
        return true;
}

static int insert(struct accepted *a, size_t at, const char *key, const char *name)
{
        struct accepted_value v = { .key = strdup(key), .name = strdup(name) };

        if (!v.key || !v.name || array_grow(&a->list, a->n, sizeof(v)) < 0) {
                value_done(&v);
                return -ENOMEM;
        }
        memmove(a->list + at + 1, a->list + at, (a->n - at) * sizeof(v));
        a->list[at] = v;
        a->n++;
        return 0;
}

static int replace(char **at, const char *text)
{
        char *copy = text ? strdup(text) : NULL;
        if (text && !copy)
                return -ENOMEM;
        free(*at);
        *at = copy;
        return 0;
}

static void forget_empty(struct accepted *a, size_t at)
{
        if (a->list[at].text || a->list[at].is_pending)
                return;
        value_done(&a->list[at]);
        a->n--;
        memmove(a->list + at, a->list + at + 1, (a->n - at) * sizeof(*a->list));
}

int accepted_set(struct accepted *a, const struct schema_value *sv, const char *text)
{
        size_t at;
        int r = 0;

        if (!locate(a, sv->key.text, sv->name, &at))
                r = text ? insert(a, at, sv->key.text, sv->name) : -ENOENT;
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        r = replace(&a->list[at].text, text);
        forget_empty(a, at);
        return r;
}

int accepted_set_pending(struct accepted *a, const struct schema_value *sv, bool pending, const char *next)
{
        size_t at;
        int r = 0;

        if (!locate(a, sv->key.text, sv->name, &at))
                r = pending ? insert(a, at, sv->key.text, sv->name) : -ENOENT;
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        r = replace(&a->list[at].next, pending ? next : NULL);
        if (r == 0)
                a->list[at].is_pending = pending;
        forget_empty(a, at);
        return r;
}

static int parse_value(const struct yaml_doc *doc, const struct yaml_node *node, const struct path *key,
        bool pending, struct accepted *a, struct diag *d)
{
        bool none = pending && yaml_is(node, YAML_MAP) && node->n == 0;
        const char *next;

        if (!none && !yaml_is(node, YAML_SCALAR))
                return yaml_error(doc, node, d, "expected the text of a value");
        if (path_check_value_name(node->key->text, node->key->len, NULL) < 0)
                return yaml_error(doc, node->key, d, "expected the name of a value");

        /* Borrows its strings. */
        const struct schema_value sv = { .key = *key, .name = (char *)node->key->text };
        if (pending ? accepted_pending(a, &sv, &next) : accepted_get(a, &sv) != NULL)
                return yaml_error(doc, node->key, d, "the value is there twice, expected it once");
        return pending ? accepted_set_pending(a, &sv, true, none ? NULL : node->text)
                       : accepted_set(a, &sv, node->text);
}

static int parse_key(const struct yaml_doc *doc, const struct yaml_node *node, bool pending,
        struct accepted *a, struct diag *d)
{
        if (!yaml_is(node, YAML_MAP))
                return yaml_error(doc, node, d, "expected a map of value names and texts");

        _cleanup_path_ struct path key = { 0 };
        int r = path_parse(node->key->text, node->key->len, path_any_hive, NULL, &key, NULL);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return yaml_error(doc, node->key, d, "expected the path of a key");
        for (const struct yaml_node *v = node->first; v; v = v->next) {
                r = parse_value(doc, v, &key, pending, a, d);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int parse_keys(const char *path, const struct yaml_doc *doc, const char *member, bool pending,
        struct accepted *a, struct diag *d)
{
        const struct yaml_node *keys = yaml_get(yaml_root(doc), member);

        if (!keys && pending)
                return 0;
        if (!yaml_is(keys, YAML_MAP))
                return diag_set(d, EINVAL, "%s: expected '%s' to be a map of keys", path, member);
        for (const struct yaml_node *key = keys->first; key; key = key->next) {
                int r = parse_key(doc, key, pending, a, d);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int parse_boot(const char *path, const struct yaml_node *boot, struct accepted *a, struct diag *d)
{
        if (!boot)
                return 0;
        if (!yaml_is(boot, YAML_SCALAR) || boot->len >= sizeof(a->boot) ||
                strspn(boot->text, "0123456789abcdef-") != boot->len)
                return diag_set(d, EINVAL, "%s: expected 'boot' to be the kernel's boot_id", path);
        (void)strcpy(a->boot, boot->text);
        return 0;
}

static int parse(const char *path, const struct buf *file, struct accepted *a, struct diag *d)
{
        _cleanup_yaml_ struct yaml_doc *doc = NULL;

        int r = yaml_parse_summed(path, file, &doc, d);
        if (r < 0)
                return r;

        const struct yaml_node *root = yaml_root(doc);
        bool is_map = yaml_is(root, YAML_MAP);
        const struct yaml_node *boot = is_map ? yaml_get(root, "boot") : NULL;
        if (!is_map || root->n != 2u + (boot != NULL) + (yaml_get(root, "pending") != NULL))
                return diag_set(d, EINVAL,
                        "%s: expected a map of '" FORMAT_KEY "', 'values', 'pending' and 'boot', no more",
                        path);
        const struct yaml_node *version = yaml_get(root, FORMAT_KEY);
        if (!yaml_is(version, YAML_SCALAR) || strcmp(version->text, FORMAT_VERSION) != 0)
                return diag_set(d, EINVAL, "%s: expected '" FORMAT_KEY ": " FORMAT_VERSION "'", path);
        r = parse_keys(path, doc, "values", false, a, d);
        if (r == 0)
                r = parse_keys(path, doc, "pending", true, a, d);
        return r < 0 ? r : parse_boot(path, boot, a, d);
}

int accepted_load(const char *root, const char *name, struct accepted *ret, struct diag *d)
{
        _cleanup_free_ char *dir = file_path(root, LAYOUT_ACCEPTED_DIR "/");
        _cleanup_free_ char *path = NULL;
        if (dir && asprintf(&path, "%s%s", dir, name) < 0)
                path = NULL;
        if (!path)
                return -ENOMEM;

        struct accepted a = { 0 };
        _cleanup_buf_ struct buf file = BUF_INIT;
        int r = file_read(AT_FDCWD, path, FILE_BYTES_MAX, &file, NULL, d);
        if (r < 0 && r != -ENOENT && r != -EFBIG)
                return r;
        if (r == 0)
                r = parse(path, &file, &a, d);
        if (r == 0 || r == -ENOENT) {
                *ret = a;
                return 0;
        }
        accepted_done(&a);
        if (r != -ENOMEM)
                file_set_aside(path, d);
        return r;
}

static void format_key(struct buf *out, const char *indent, const char *prefix, const char *name)
{
        _cleanup_buf_ struct buf text = BUF_INIT, quoted = BUF_INIT;

        buf_puts(&text, prefix);
        buf_puts(&text, name);
        yaml_quote(&quoted, buf_str(&text), text.len);
        if (text.error < 0 || quoted.error < 0)
                out->error = -ENOMEM;
        else if (quoted.len <= SIMPLE_KEY_BYTES_MAX)
                buf_printf(out, "%s%s:", indent, quoted.data);
        else
                buf_printf(out, "%s? %s\n%s:", indent, quoted.data, indent);
}

static bool is_listed(const struct accepted_value *v, bool pending)
{
        return pending ? v->is_pending : v->text != NULL;
}

static void format_values(const struct accepted *a, bool pending, struct buf *out)
{
        const char *key = NULL;

        for (size_t i = 0; i < a->n; i++) {
                const struct accepted_value *v = &a->list[i];
                const char *text = pending ? v->next : v->text;
                if (!is_listed(v, pending))
                        continue;
                if (!key || !fold_same(key, v->key)) {
                        key = v->key;
                        format_key(out, "  ", "\\", key);
                        buf_putc(out, '\n');
                }
                format_key(out, "    ", "", v->name);
                buf_putc(out, ' ');
                if (text)
                        yaml_quote(out, text, strlen(text));
                else
                        buf_puts(out, "{}");
                buf_putc(out, '\n');
        }
}

static void format(const struct accepted *a, struct buf *out)
{
        size_t n = 0, n_pending = 0;

        for (size_t i = 0; i < a->n; i++) {
                n += is_listed(&a->list[i], false);
                n_pending += is_listed(&a->list[i], true);
        }
        buf_puts(out, FORMAT_KEY ": " FORMAT_VERSION "\n");
        buf_puts(out, n > 0 ? "values:\n" : "values: {}\n");
        format_values(a, false, out);
        buf_puts(out, n_pending > 0 ? "pending:\n" : "");
        format_values(a, true, out);
        if (a->boot[0])
                buf_printf(out, "boot: \"%s\"\n", a->boot);
        (void)file_sum_end(0, out);
}

int accepted_store(const char *root, const char *name, const struct accepted *a, struct diag *d)
{
        _cleanup_free_ char *path = file_path(root, LAYOUT_ACCEPTED_DIR);
        _cleanup_buf_ struct buf text = BUF_INIT;
        format(a, &text);
        if (!path || text.error < 0)
                return -ENOMEM;
        if (text.len > FILE_BYTES_MAX)
                return diag_set(d, EFBIG, "%s/%s: would have %zu bytes, at most %u are read", path, name,
                        text.len, FILE_BYTES_MAX);

        _cleanup_close_ int fd = file_make_folder(path);
        /* Not for everybody: a control may hold a secret (net.ipv4.tcp_fastopen_key). */
        int r = fd < 0 ? fd : file_replace(fd, name, text.data, text.len, 0600);
        if (r < 0)
                return diag_set(d, -r, "%s/%s: cannot be written: %s", path, name, strerror(-r));
        return 0;
}
