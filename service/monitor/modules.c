/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "modules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/base/file.h"
#include "../../schema/taint/taint.h"

#define TEXT_MAX (4u * 1024u * 1024u)
#define ATTRIBUTE_MAX 65536u

void modules_done(struct modules *m)
{
        free(m->list);
        *m = (struct modules){ 0 };
}

static int add(struct modules *m, const char *name, size_t n, const char *taints, size_t n_taints)
{
        if (n == 0 || n >= MODULE_NAME_MAX || n_taints >= MODULE_TAINTS_MAX || m->n >= MODULES_MAX)
                return 0;
        if (array_grow(&m->list, m->n, sizeof(*m->list)) < 0)
                return -ENOMEM;
        struct module *module = &m->list[m->n++];
        *(char *)mempcpy(module->name, name, n) = '\0';
        *(char *)mempcpy(module->taints, taints, n_taints) = '\0';
        return 0;
}

/* `name size users deps state address (OE+)`: the last is there for tainted modules, and for those that come
 * (+) or go (-). */
static int parse_line(struct modules *m, const char *line, size_t n)
{
        const char *name_end = memchr(line, ' ', n);
        if (!name_end)
                return 0;
        const char *open = n > 2 && line[n - 1] == ')' ? memrchr(line, '(', n) : NULL;
        size_t n_taints = 0;
        if (open)
                while (open + 1 + n_taints < line + n - 1 && !strchr("+-", open[1 + n_taints]))
                        n_taints++;
        return add(m, line, (size_t)(name_end - line), open ? open + 1 : "", n_taints);
}

int modules_parse(struct modules *m, const char *text)
{
        while (*text != '\0') {
                size_t n = strcspn(text, "\n");
                int r = parse_line(m, text, n);
                if (r < 0)
                        return r;
                text += n + (text[n] == '\n');
        }
        return 0;
}

static int by_name(const void *a, const void *b)
{
        const struct module *x = a, *y = b;

        return strcmp(x->name, y->name);
}

static void add_letter(char taints[static MODULE_TAINTS_MAX], char letter)
{
        size_t n = strlen(taints);

        if (strchr(taints, letter) || n + 1 >= MODULE_TAINTS_MAX)
                return;
        taints[n] = letter;
        taints[n + 1] = '\0';
}

static void merge(struct module *into, const struct module *from)
{
        for (const char *c = from->taints; *c != '\0'; c++)
                add_letter(into->taints, *c);
}

void modules_settle(struct modules *m)
{
        size_t kept = 0;

        if (m->n == 0)
                return;
        qsort(m->list, m->n, sizeof(*m->list), by_name);
        for (size_t i = 1; i < m->n; i++)
                if (strcmp(m->list[kept].name, m->list[i].name) == 0)
                        merge(&m->list[kept], &m->list[i]);
                else
                        m->list[++kept] = m->list[i];
        m->n = kept + 1;
}

/* What is built in has a directory too, but no taint file. */
static int read_sysfs(const char *root, struct modules *m)
{
        _cleanup_free_ char *path = file_path(root, "/sys/module");
        if (!path)
                return -ENOMEM;
        DIR *dir = opendir(path);
        if (!dir)
                return 0;

        int r = 0;
        for (struct dirent *e = readdir(dir); e && r == 0; e = readdir(dir)) {
                char file[sizeof(e->d_name) + sizeof("/taint")];
                _cleanup_buf_ struct buf text = BUF_INIT;
                if (e->d_name[0] == '.')
                        continue;
                (void)stpcpy(stpcpy(file, e->d_name), "/taint");
                if (file_read_line(dirfd(dir), file, 4096, &text, NULL) == 0)
                        r = add(m, e->d_name, strlen(e->d_name), buf_str(&text), text.len);
        }
        (void)closedir(dir);
        return r;
}

int modules_read(const char *root, struct modules *ret)
{
        _cleanup_free_ char *path = file_path(root, "/proc/modules");
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct modules m = { 0 };

        if (!path)
                return -ENOMEM;
        int r = file_read(AT_FDCWD, path, TEXT_MAX, &text, NULL, NULL);
        if (r == 0)
                r = modules_parse(&m, buf_str(&text));
        if (r != -ENOMEM)
                r = read_sysfs(root, &m);
        if (r < 0) {
                modules_done(&m);
                return r;
        }
        modules_settle(&m);
        *ret = m;
        return 0;
}

const struct module *modules_find(const struct modules *m, const char *name)
{
        struct module key = { 0 };

        if (strlen(name) >= sizeof(key.name) || m->n == 0)
                return NULL;
        (void)strcpy(key.name, name);
        return bsearch(&key, m->list, m->n, sizeof(*m->list), by_name);
}

int module_read_attribute(const char *root, const char *name, const char *file, struct buf *ret)
{
        _cleanup_buf_ struct buf relative = BUF_INIT;

        /* A name out of the log leads nowhere but into the module's own folder. */
        if (strchr(name, '/') || name[0] == '.')
                return -EINVAL;
        buf_printf(&relative, "/sys/module/%s/%s", name, file);
        _cleanup_free_ char *path = relative.error == 0 ? file_path(root, relative.data) : NULL;
        return path ? file_read(AT_FDCWD, path, ATTRIBUTE_MAX, ret, NULL, NULL) : -ENOMEM;
}

void module_read_taints(const char *root, const char *name, char ret[static MODULE_TAINTS_MAX])
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        ret[0] = '\0';
        if (module_read_attribute(root, name, "taint", &text) < 0)
                return;
        size_t n = strcspn(buf_str(&text), "\n");
        if (n < MODULE_TAINTS_MAX)
                *(char *)mempcpy(ret, buf_str(&text), n) = '\0';
}

void module_add_letter(char taints[static MODULE_TAINTS_MAX], unsigned bit)
{
        const struct taint_flag *flag = taint_flag_by_bit(bit);

        if (flag && flag->module)
                add_letter(taints, flag->letter);
}

bool module_carries(const struct module *module, unsigned bit)
{
        size_t n;
        const struct taint_flag *flags = taint_flags(&n);

        for (size_t i = 0; i < n; i++)
                if (flags[i].bit == bit && flags[i].module && strchr(module->taints, flags[i].letter))
                        return true;
        return false;
}

bool module_file_matches(const char *file, const char *module)
{
        const char *slash = strrchr(file, '/');
        const char *s = slash ? slash + 1 : file;

        for (; *module != '\0'; s++, module++)
                if ((*s == '-' ? '_' : *s) != (*module == '-' ? '_' : *module))
                        return false;
        return *s == '\0' || strncmp(s, ".ko", 3) == 0;
}
