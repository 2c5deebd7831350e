/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "editor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../schema/base/array.h"
#include "../../schema/base/file.h"
#include "document.h"

extern char **environ;

/* ---- The program ---- */

/* What the shell makes of it: it may have arguments. */
static const char *find_editor(void)
{
        static const char *const names[] = { "VISUAL", "EDITOR" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                const char *text = getenv(names[i]);
                if (text && text[strspn(text, " \t")])
                        return text;
        }
        return session_interactive() ? "$(command -v sensible-editor || echo vi)" : NULL;
}

int editor_check(struct session *s)
{
        if (find_editor())
                return EXIT_CODE_OK;
        return session_error(s, EXIT_CODE_USAGE,
                "there is no terminal for an editor, and neither VISUAL nor EDITOR says what to run without one");
}

/* With what this program ignores meanwhile. */
static int spawn(char *script, char *path, const sigset_t *ignored, pid_t *ret)
{
        char *const arguments[] = { "sh", "-c", script, "peios-reg edit", path, NULL };
        posix_spawnattr_t attributes;

        int r = posix_spawnattr_init(&attributes);
        if (r != 0)
                return -r;
        r = posix_spawnattr_setsigdefault(&attributes, ignored);
        if (r == 0)
                r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
        if (r == 0)
                r = posix_spawn(ret, "/bin/sh", NULL, &attributes, arguments, environ);
        (void)posix_spawnattr_destroy(&attributes);
        return -r;
}

static int spawn_and_wait(char *script, char *path, int *ret_status)
{
        static const int keys[] = { SIGINT, SIGQUIT };
        struct sigaction ignore = { .sa_handler = SIG_IGN }, before[ARRAY_SIZE(keys)];
        sigset_t ignored;
        pid_t pid;

        (void)sigemptyset(&ignored);
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                (void)sigaction(keys[i], &ignore, &before[i]);
                if (before[i].sa_handler != SIG_IGN)
                        (void)sigaddset(&ignored, keys[i]);
        }
        int r = spawn(script, path, &ignored, &pid);
        while (r == 0 && waitpid(pid, ret_status, 0) < 0)
                if (errno != EINTR)
                        r = -errno;
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                (void)sigaction(keys[i], &before[i], NULL);
        return r;
}

/* ---- Notes ---- */

static const char *const marks[] = { [EDITOR_ERROR] = "^ error: ", [EDITOR_MEANWHILE] = "^ meanwhile: " };

int editor_note(struct editor *e, enum editor_mark mark, uint32_t line, uint32_t column, const char *text)
{
        _cleanup_buf_ struct buf note = BUF_INIT;

        if (array_grow(&e->notes, e->n_notes, sizeof(*e->notes)) < 0)
                return session_fail(e->s, -ENOMEM, NULL);
        buf_printf(&note, "#%*s%s", column > 2 ? (int)column - 2 : 1, "", marks[mark]);
        utf8_put_safe(&note, text, strlen(text));
        e->notes[e->n_notes].line = line;
        int r = buf_finish(&note, &e->notes[e->n_notes].text, NULL);
        e->n_notes += r == 0;
        return r < 0 ? session_fail(e->s, r, NULL) : EXIT_CODE_OK;
}

static void forget_notes(struct editor *e)
{
        for (size_t i = 0; i < e->n_notes; i++)
                free(e->notes[i].text);
        free(e->notes);
        e->notes = NULL;
        e->n_notes = 0;
}

/* A last line that has no end gets none. */
static void put_notes(const struct editor *e, uint32_t line, bool is_ended, struct buf *out)
{
        for (size_t i = 0; i < e->n_notes; i++)
                if (e->notes[i].line == line)
                        buf_printf(
                                out, "%s%s%s", is_ended ? "" : "\n", e->notes[i].text, is_ended ? "\n" : "");
}

static size_t line_length(const char *s, size_t n)
{
        const char *end = memchr(s, '\n', n);

        return end ? (size_t)(end - s) + 1 : n;
}

static void add_notes(const struct editor *e, struct buf *out)
{
        const char *text = buf_str(&e->text);
        uint32_t line = 0;

        put_notes(e, line, true, out);
        for (size_t at = 0, n; at < e->text.len; at += n) {
                n = line_length(text + at, e->text.len - at);
                buf_add(out, text + at, n);
                put_notes(e, ++line, text[at + n - 1] == '\n', out);
        }
}

static bool is_marked(const char *line, size_t n)
{
        for (size_t i = 0; i < ARRAY_SIZE(marks) && n > 0 && *line == '#'; i++) {
                size_t at = 1 + strspn(line + 1, " \t"), len = strlen(marks[i]);
                if (at + len <= n && memcmp(line + at, marks[i], len) == 0)
                        return true;
        }
        return false;
}

/* Without the blanks around it, which an editor may have changed. */
static void trim(const char **line, size_t *n)
{
        while (*n > 0 && strchr(" \t\r\n", (*line)[*n - 1]))
                --*n;
        while (*n > 0 && strchr(" \t", **line)) {
                ++*line;
                --*n;
        }
}

static bool has_marks(const struct buf *b)
{
        const char *text = buf_str(b);

        for (size_t at = 0, n; at < b->len; at += n) {
                const char *line = text + at;
                n = line_length(line, b->len - at);
                size_t left = n;
                trim(&line, &left);
                if (is_marked(line, left))
                        return true;
        }
        return false;
}

/* What was replaced all over the text may have been replaced in a note, too: where nothing else looks like
 * one, all that does is one. */
static bool is_note(const struct editor *e, bool others, const char *line, size_t n)
{
        trim(&line, &n);
        if (e->n_notes == 0 || !is_marked(line, n))
                return false;
        for (size_t i = 0; i < e->n_notes; i++)
                if (strlen(e->notes[i].text) == n && memcmp(e->notes[i].text, line, n) == 0)
                        return true;
        return !others;
}

static void remove_notes(const struct editor *e, const struct buf *from, struct buf *out)
{
        const char *text = buf_str(from);
        const bool others = has_marks(&e->text);

        for (size_t at = 0, n; at < from->len; at += n) {
                n = line_length(text + at, from->len - at);
                if (!is_note(e, others, text + at, n))
                        buf_add(out, text + at, n);
                else if (text[at + n - 1] != '\n' && out->len > 0 && out->data[out->len - 1] == '\n')
                        out->data[--out->len] = '\0';
        }
}

/* ---- The file ---- */

static int write_file(struct editor *e, bool with_notes)
{
        _cleanup_buf_ struct buf noted = BUF_INIT;

        if (with_notes)
                add_notes(e, &noted);
        const struct buf *text = with_notes ? &noted : &e->text;
        _cleanup_close_ int fd = open(e->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        int r = text->error ? text->error : fd < 0 ? -errno : 0;
        if (r == 0)
                r = file_write_all(fd, buf_str(text), text->len);
        return r < 0 ? session_fail(e->s, r, e->path) : EXIT_CODE_OK;
}

static int read_file(struct editor *e)
{
        _cleanup_buf_ struct buf read = BUF_INIT, text = BUF_INIT;

        int code = session_read(e->s, e->path, DOCUMENT_BYTES_MAX, &read);
        if (code != EXIT_CODE_OK)
                return code;
        remove_notes(e, &read, &text);
        if (text.error)
                return session_fail(e->s, text.error, NULL);
        e->is_changed = !buf_equal(&text, &e->text);
        buf_done(&e->text);
        e->text = text;
        text = BUF_INIT;
        return EXIT_CODE_OK;
}

int editor_open(struct editor *ret, const char *name, const struct buf *text)
{
        const char *parent = getenv("TMPDIR");
        _cleanup_buf_ struct buf folder = BUF_INIT, path = BUF_INIT;

        buf_printf(&folder, "%s/peios-reg-XXXXXX", parent && parent[0] == '/' ? parent : "/tmp");
        buf_add(&ret->text, buf_str(text), text->len);
        int r = ret->text.error ? ret->text.error : buf_finish(&folder, &ret->folder, NULL);
        if (r == 0 && !mkdtemp(ret->folder)) {
                r = session_fail(ret->s, -errno, ret->folder);
                free(ret->folder);
                ret->folder = NULL;
                return r;
        }
        buf_printf(&path, "%s/%s", ret->folder ? ret->folder : "", name);
        if (r == 0)
                r = buf_finish(&path, &ret->path, NULL);
        return r < 0 ? session_fail(ret->s, r, NULL) : write_file(ret, false);
}

static void say_kept(struct editor *e)
{
        e->is_kept = true;
        session_complain("the text is kept as %s", e->path);
}

void editor_keep(struct editor *e)
{
        const struct diag said = e->s->diag;

        if (write_file(e, false) != EXIT_CODE_OK)
                session_complain("%s", e->s->diag.text);
        e->s->diag = said;
        say_kept(e);
}

/* What cannot be read may be there all the same. */
static int keep_unread(struct editor *e)
{
        if (access(e->path, F_OK) == 0)
                say_kept(e);
        return EXIT_CODE_FAILURE;
}

int editor_run(struct editor *e)
{
        _cleanup_buf_ struct buf script = BUF_INIT;
        int status = 0;

        int code = write_file(e, true);
        if (code != EXIT_CODE_OK)
                return code;
        buf_printf(&script, "%s \"$@\"", find_editor());
        int r = script.error ? script.error : spawn_and_wait(script.data, e->path, &status);
        if (r < 0)
                return session_fail(e->s, r, "the editor cannot be run");
        code = read_file(e);
        forget_notes(e);
        if (code != EXIT_CODE_OK)
                return keep_unread(e);
        if (status == 0)
                return code;
        if (e->is_changed)
                editor_keep(e);
        return session_error(e->s, EXIT_CODE_FAILURE, "%s: the editor ended with %s %d: nothing is done",
                find_editor(), WIFEXITED(status) ? "exit status" : "signal",
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static void remove_folder(const char *path)
{
        DIR *dir = opendir(path);
        const struct dirent *found;

        while (dir && (found = readdir(dir)))
                (void)unlinkat(dirfd(dir), found->d_name, 0);
        if (dir)
                (void)closedir(dir);
        (void)rmdir(path);
}

void editor_done(struct editor *e)
{
        if (e->folder && !e->is_kept)
                remove_folder(e->folder);
        forget_notes(e);
        buf_done(&e->text);
        free(e->folder);
        free(e->path);
}
