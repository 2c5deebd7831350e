/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "accepted.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/crc32c.h"
#include "../../schema/base/fileio.h"
#include "../../schema/layout.h"
#include "../../schema/yaml/yaml.h"

#define FILE_BYTES_MAX (4u * 1024u * 1024u)
#define FORMAT_KEY "peios-accepted"
#define FORMAT_VERSION "1"
#define CHECKSUM_FORMAT "# crc32c: %08" PRIx32 "\n"
#define CHECKSUM_BYTES (sizeof("# crc32c: 01234567\n") - 1)
#define BAD_FILES_MAX 100u
/* YAML wants the colon of a simple key within 1024 characters. */
#define SIMPLE_KEY_BYTES_MAX 1000u

/* On success *ret_body is the number of bytes before the checksum line. */
static int check_sum(const char *path, const struct buf *file, size_t *ret_body, struct diag *d)
{
        if (file->len < CHECKSUM_BYTES)
                return diag_set(d, EINVAL, "%s: is cut short, expected a checksum line at its end", path);

        size_t body = file->len - CHECKSUM_BYTES;
        char line[CHECKSUM_BYTES + 1];
        (void)snprintf(line, sizeof(line), CHECKSUM_FORMAT, crc32c(0, file->data, body));
        if (memcmp(file->data + body, line, CHECKSUM_BYTES) != 0)
                return diag_set(d, EINVAL, "%s: is damaged or was edited, expected '%.*s' as its last line",
                        path, (int)CHECKSUM_BYTES - 1, line);
        *ret_body = body;
        return 0;
}

static bool is_untagged(const struct yaml_node *node, enum yaml_kind kind)
{
        return node && node->kind == kind && !node->tag;
}

static int parse_value(const struct yaml_doc *doc, const struct yaml_node *node, const struct path *key,
        bool pending, struct accepted *a, struct diag *d)
{
        bool none = pending && is_untagged(node, YAML_MAP) && node->n == 0;
        const char *next;

        if (!none && !is_untagged(node, YAML_SCALAR))
                return yaml_error(doc, node, d, "expected the text of a value");
        if (value_name_check(node->key->text, node->key->len, NULL) < 0)
                return yaml_error(doc, node->key, d, "expected the name of a value");

        /* Borrows its strings. */
        const struct schema_value sv = { .key = *key, .name = (char *)node->key->text };
        if (pending ? accepted_pending(a, &sv, &next) : accepted_get(a, &sv) != NULL)
                return yaml_error(doc, node->key, d, "the value is there twice, expected it once");
        return pending ? accepted_set_pending(a, &sv, true, none ? NULL : node->text)
                       : accepted_set(a, &sv, node->text);
}

/* There is no relative path in the file: the first component is a hive, whatever its name. */
static bool any_hive(const char *name, size_t len, void *userdata)
{
        (void)name;
        (void)len;
        (void)userdata;
        return true;
}

static int parse_key(const struct yaml_doc *doc, const struct yaml_node *node, bool pending,
        struct accepted *a, struct diag *d)
{
        if (!is_untagged(node, YAML_MAP))
                return yaml_error(doc, node, d, "expected a map of value names and texts");

        _cleanup_path_ struct path key = { 0 };
        int r = path_parse(node->key->text, node->key->len, any_hive, NULL, &key, NULL);
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
        if (!is_untagged(keys, YAML_MAP))
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
        if (!is_untagged(boot, YAML_SCALAR) || boot->len >= sizeof(a->boot) ||
                strspn(boot->text, "0123456789abcdef-") != boot->len)
                return diag_set(d, EINVAL, "%s: expected 'boot' to be the kernel's boot_id", path);
        (void)strcpy(a->boot, boot->text);
        return 0;
}

static int parse(const char *path, const struct buf *file, struct accepted *a, struct diag *d)
{
        size_t body = 0;
        int r = check_sum(path, file, &body, d);
        if (r < 0)
                return r;
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        r = yaml_parse(path, file->data, body, &doc, d);
        if (r < 0)
                return r;

        const struct yaml_node *root = yaml_root(doc);
        bool is_map = is_untagged(root, YAML_MAP);
        const struct yaml_node *boot = is_map ? yaml_get(root, "boot") : NULL;
        if (!is_map || root->n != 2u + (boot != NULL) + (yaml_get(root, "pending") != NULL))
                return diag_set(d, EINVAL,
                        "%s: expected a map of '" FORMAT_KEY "', 'values', 'pending' and 'boot', no more",
                        path);
        const struct yaml_node *version = yaml_get(root, FORMAT_KEY);
        if (!is_untagged(version, YAML_SCALAR) || strcmp(version->text, FORMAT_VERSION) != 0)
                return diag_set(d, EINVAL, "%s: expected '" FORMAT_KEY ": " FORMAT_VERSION "'", path);
        r = parse_keys(path, doc, "values", false, a, d);
        if (r == 0)
                r = parse_keys(path, doc, "pending", true, a, d);
        return r < 0 ? r : parse_boot(path, boot, a, d);
}

/* Never over an earlier one: it may be the only trace of what went wrong. */
static void set_aside(const char *path, struct diag *d)
{
        for (unsigned i = 0; i < BAD_FILES_MAX; i++) {
                _cleanup_buf_ struct buf to = BUF_INIT;
                buf_printf(&to, i == 0 ? "%s.bad" : "%s.bad.%u", path, i);
                if (to.error == 0 && renameat2(AT_FDCWD, path, AT_FDCWD, to.data, RENAME_NOREPLACE) == 0) {
                        diag_prefix(d, "set aside as '%s'", to.data);
                        return;
                }
                if (to.error < 0 || errno != EEXIST)
                        break;
        }
        diag_prefix(d, "ignored, and cannot be set aside");
}

int accepted_load(const char *root, const char *name, struct accepted *ret, struct diag *d)
{
        _cleanup_free_ char *dir = root_path(root, LAYOUT_ACCEPTED_DIR "/");
        _cleanup_free_ char *path = NULL;
        if (dir && asprintf(&path, "%s%s", dir, name) < 0)
                path = NULL;
        if (!path)
                return -ENOMEM;

        struct accepted a = { 0 };
        _cleanup_buf_ struct buf file = BUF_INIT;
        int r = read_file(AT_FDCWD, path, FILE_BYTES_MAX, &file, NULL, d);
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
                set_aside(path, d);
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
                if (!key || !fold_equal(key, strlen(key), v->key, strlen(v->key))) {
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
        buf_printf(out, CHECKSUM_FORMAT, crc32c(0, buf_str(out), out->len));
}

static int open_dir(const char *path)
{
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT) {
                int r = make_dirs(path);
                if (r < 0)
                        return r;
                fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }
        return fd < 0 ? -errno : fd;
}

int accepted_store(const char *root, const char *name, const struct accepted *a, struct diag *d)
{
        _cleanup_free_ char *path = root_path(root, LAYOUT_ACCEPTED_DIR);
        _cleanup_buf_ struct buf text = BUF_INIT;
        format(a, &text);
        if (!path || text.error < 0)
                return -ENOMEM;
        if (text.len > FILE_BYTES_MAX)
                return diag_set(d, EFBIG, "%s/%s: would have %zu bytes, at most %u are read", path, name,
                        text.len, FILE_BYTES_MAX);

        _cleanup_close_ int fd = open_dir(path);
        /* Not for everybody: a control may hold a secret (net.ipv4.tcp_fastopen_key). */
        int r = fd < 0 ? fd : write_file_atomic(fd, name, text.data, text.len, 0600);
        if (r < 0)
                return diag_set(d, -r, "%s/%s: cannot be written: %s", path, name, strerror(-r));
        return 0;
}
