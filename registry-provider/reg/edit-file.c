/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* edit of a drop-in file: its bytes, so that what a person wrote for people stays. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "../../schema/bus/cleanup.h"
#include "../../schema/layout.h"
#include "../../schema/overlay.h"
#include "../../schema/schema.h"
#include "../hive/dropins.h"
#include "commands.h"
#include "edit.h"

/* ---- Where it is ---- */

/* As the provider names a file, or as a word does. */
static int find_name(struct session *s, const char *word, const char **ret)
{
        const char *name = word, *dir = "";

        for (size_t i = 0; i < DROPINS_DIRS && name == word; i++) {
                size_t n = strlen(dropins_dirs[i]);
                if (strncmp(word, dropins_dirs[i], n) == 0 && word[n] == '/') {
                        name = word + n + 1;
                        dir = dropins_dirs[i];
                }
        }
        if (strcmp(dir, LAYOUT_DROPINS_FLEET) == 0)
                return session_error(s, EXIT_CODE_DENIED, "%s: is the fleet's, and signed", word);
        *ret = name;
        if (!strchr(name, '/') && overlay_takes(name))
                return EXIT_CODE_OK;
        return session_error(
                s, EXIT_CODE_USAGE, "--file: '%s' is no name of a drop-in file, as 50-site.yaml", word);
}

static int check_writable(const char *path)
{
        _cleanup_free_ char *folder = strndup(path, (size_t)(strrchr(path, '/') - path));

        if (!folder)
                return -ENOMEM;
        /* One that is missing is made. */
        return access(folder, W_OK) == 0 || errno == ENOENT ? 0 : -errno;
}

/* Behind a link is what is read, so that is what is written. */
static int find_path(struct edit *e)
{
        _cleanup_free_ char *named = file_path(e->s->options.root, e->what);

        if (!named)
                return session_fail(e->s, -ENOMEM, NULL);
        e->path = realpath(named, NULL);
        if (!e->path && errno == ENOENT)
                e->path = strdup(named);
        int r = e->path ? check_writable(e->path) : -errno;
        if (r < 0)
                (void)session_fail(e->s, r, e->what);
        return r == -EACCES ? EXIT_CODE_DENIED : r < 0 ? EXIT_CODE_FAILURE : EXIT_CODE_OK;
}

/* ---- What it says ---- */

/* A packages' file of that name is what a new one of the administrator's replaces. */
static int read_bytes(struct edit *e, struct buf *ret)
{
        const char *name = strrchr(e->what, '/') + 1;
        _cleanup_buf_ struct buf shown = BUF_INIT;
        struct stat st = { .st_mode = 0644 };

        int r = file_read(AT_FDCWD, e->path, HIVE_FILE_BYTES_MAX, ret, &st, &e->s->diag);
        e->mode = st.st_mode & 07777;
        if (r == -ENOENT) {
                buf_printf(&shown, "%s/%s", LAYOUT_DROPINS_VENDOR, name);
                _cleanup_free_ char *vendor =
                        shown.error ? NULL : file_path(e->s->options.root, buf_str(&shown));
                r = vendor ? file_read(AT_FDCWD, vendor, HIVE_FILE_BYTES_MAX, ret, NULL, &e->s->diag)
                           : -ENOMEM;
        }
        if (r == 0 || r == -ENOENT)
                return EXIT_CODE_OK;
        return e->s->diag.text[0] ? EXIT_CODE_FAILURE : session_fail(e->s, r, e->what);
}

static int parse(const char *name, const struct buf *text, struct hive_file **ret, struct diag *d)
{
        int r = hive_parse(name, buf_str(text), text->len, VALUE_BYTES_DEFAULT_MAX, ret, d);

        if (r == 0)
                difference_sort((*ret)->keys, (*ret)->n_keys);
        return r;
}

static int read_file(struct edit *e, struct edit_state *ret)
{
        int code = read_bytes(e, &ret->bytes);
        if (code != EXIT_CODE_OK)
                return code;
        if (parse(e->what, &ret->bytes, &ret->file, NULL) == 0)
                ret->all = (struct difference_document){ ret->file->keys, ret->file->n_keys };
        return EXIT_CODE_OK;
}

/* Or one of the two would not count. */
static int check_layer(struct edit *e, struct diags *problems)
{
        _cleanup_(dropins_done) struct dropins files = { 0 };
        const char *layer = e->mine->layer, *name = strrchr(e->what, '/') + 1, *other = NULL;
        struct diag d;

        if (path_is_fleet_layer(layer, strlen(layer)))
                other = "the fleet";
        int r = dropins_load(e->s->options.root, VALUE_BYTES_DEFAULT_MAX, &files);
        for (size_t i = 0; r == 0 && i < files.n; i++) {
                const struct hive_file *f = files.list[i].file;
                if (f && strcmp(files.list[i].name, name) != 0 && fold_same(f->layer, layer))
                        other = files.list[i].path;
        }
        if (r < 0 || !other)
                return r;
        (void)diag_set(&d, EINVAL, "%s:%u:%u: layer `%s` belongs to %s, expected another name",
                e->editor.path, e->mine->layer_line, e->mine->layer_column, layer, other);
        return diags_add(problems, &d);
}

static int check_file(struct edit *e, struct diags *problems)
{
        _cleanup_schema_ struct schema *schema = NULL;
        struct diag d = { 0 };

        int r = parse(e->editor.path, &e->editor.text, &e->mine, &d);
        if (r < 0 && d.text[0])
                r = diags_add(problems, &d);
        if (r < 0)
                return session_fail(e->s, r, NULL);
        if (!e->mine)
                return EXIT_CODE_OK;
        r = check_layer(e, problems);
        int code = r < 0 ? session_fail(e->s, r, NULL) : EXIT_CODE_OK;
        if (code != EXIT_CODE_OK || e->s->options.force)
                return code;
        code = lint_read_schema(e->s, &schema);
        if (code == EXIT_CODE_OK)
                r = lint_warn(schema, e->editor.path, e->mine, problems);
        return r < 0 ? session_fail(e->s, r, NULL) : code;
}

/* ---- What it would be ---- */

static void put_change(struct buf *out, const char *member, const char *from, const char *to)
{
        buf_printf(out, "~ %s  ", member);
        utf8_put_between(out, "", from, " -> ");
        utf8_put_between(out, "", to, "\n");
}

static void show_members(struct buf *out, const struct hive_file *a, const struct hive_file *b)
{
        if (strcmp(a->layer, b->layer) != 0)
                put_change(out, "layer", a->layer, b->layer);
        if (a->precedence != b->precedence)
                buf_printf(out, "~ precedence  %u -> %u\n", a->precedence, b->precedence);
        if (a->enabled != b->enabled)
                put_change(out, "enabled", a->enabled ? "true" : "false", b->enabled ? "true" : "false");
}

static int show_file(struct edit *e, bool *ret_any)
{
        struct difference_walk w = { .before = e->base.all, .after = { e->mine->keys, e->mine->n_keys } };
        const struct buf *text = &e->editor.text;
        struct buf *out = &e->s->out;
        const size_t before = out->len;
        struct difference d;

        *ret_any = !buf_equal(text, &e->base.bytes);
        if (!*ret_any) {
                session_complain("the file has all that already: nothing is done");
                return EXIT_CODE_OK;
        }
        if (e->s->options.json) {
                (void)diff_to_json(e->s, &w);
                return EXIT_CODE_OK;
        }
        if (e->base.file)
                show_members(out, e->base.file, e->mine);
        while (difference_next(&w, &d))
                diff_to_text(out, &d);
        if (out->len == before)
                buf_puts(out, "only what is for people: comments and the like\n");
        return EXIT_CODE_OK;
}

/* ---- Putting it there ---- */

/* Others that edit it wait here. */
static int open_folder(struct edit *e, const char *folder)
{
        int fd = file_make_folder(folder);
        int r = fd < 0 ? fd : flock(fd, LOCK_EX) < 0 ? -errno : 0;

        if (r == 0)
                return fd;
        if (fd >= 0)
                (void)close(fd);
        (void)session_fail(e->s, r, folder);
        return r;
}

/* It sees the file by itself; that it has done so, and has no other complaint, is worth the wait. */
static int tell_provider(struct edit *e)
{
        _cleanup_message_ sd_bus_message *reply = NULL;

        int code = session_ask(e->s, "Reload", NULL, NULL, &reply);
        if (code == EXIT_CODE_OK)
                code = session_report_problems(e->s);
        if (code != EXIT_CODE_OK && code != EXIT_CODE_DENIED)
                session_warn("%s; the file is read when the provider starts", e->s->diag.text);
        e->s->diag = (struct diag){ 0 };
        return EXIT_CODE_OK;
}

static int store_file(struct edit *e)
{
        _cleanup_(edit_state_done) struct edit_state now = { 0 };
        const struct buf *text = &e->editor.text;
        const char *name = strrchr(e->path, '/') + 1;
        _cleanup_free_ char *folder = strndup(e->path, (size_t)(name - e->path));

        if (!folder)
                return session_fail(e->s, -ENOMEM, NULL);
        _cleanup_close_ int fd = open_folder(e, folder);
        int code = fd < 0 ? EXIT_CODE_FAILURE : read_file(e, &now);
        if (code != EXIT_CODE_OK)
                return code;
        if (!buf_equal(&now.bytes, &e->base.bytes))
                return session_error(e->s, EXIT_CODE_CONFLICT, "%s: is changed again and again", e->what);
        (void)umask(0);
        int r = file_replace(fd, name, buf_str(text), text->len, e->mode);
        if (r < 0)
                return session_fail(e->s, r, e->what);
        if (!e->s->options.quiet && !e->s->options.json)
                buf_printf(&e->s->out, "%s: is in place\n", e->what);
        code = session_flush(e->s);
        return code == EXIT_CODE_OK ? tell_provider(e) : code;
}

static int edit_it(struct edit *e, const char *name)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        int code = find_path(e);
        if (code == EXIT_CODE_OK)
                code = read_file(e, &e->base);
        if (code != EXIT_CODE_OK)
                return code;
        if (e->base.bytes.len > 0)
                buf_add(&text, buf_str(&e->base.bytes), e->base.bytes.len);
        else
                buf_printf(&text,
                        "peios-registry: 1\nlayer: %.*s\nprecedence: 10\nkeys:\n#  \\System\\Example:\n"
                        "#    Name: !sz text\n",
                        (int)(strlen(name) - strlen(".yaml")), name);
        return text.error ? session_fail(e->s, text.error, NULL) : edit_run(e, name, &text);
}

int edit_file(struct session *s, const char *word)
{
        static const struct edit_place place = { read_file, check_file, show_file, store_file, NULL };
        _cleanup_(edit_done) struct edit e = { .s = s, .place = &place };
        _cleanup_buf_ struct buf what = BUF_INIT;
        const char *name = NULL;

        int code = find_name(s, word, &name);
        if (code != EXIT_CODE_OK)
                return code;
        buf_printf(&what, "%s/%s", LAYOUT_DROPINS_ADMIN, name);
        if (what.error)
                return session_fail(s, what.error, NULL);
        e.what = buf_str(&what);
        return edit_it(&e, name);
}
