/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/fileio.h"
#include "../../schema/layout.h"

#define STATE_NAME "taint-state"
#define STATE_BYTES_MAX (32u * 1024u * 1024u)
#define BAD_FILES_MAX 10u

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

int taint_state_load(const char *root, const char *boot_id, struct state *ret, struct diag *d)
{
        _cleanup_free_ char *path = root_path(root, LAYOUT_POLICY_RUN "/" STATE_NAME);
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct state s = { 0 };

        if (!path)
                return -ENOMEM;
        int r = read_file(AT_FDCWD, path, STATE_BYTES_MAX, &text, NULL, d);
        if (r == 0)
                r = state_parse(path, buf_str(&text), text.len, &s, d);
        else if (r == -EFBIG || r == -EISDIR)
                r = -EINVAL;
        if (r == -EINVAL)
                set_aside(path, d);
        else if (r < 0 && r != -ENOENT)
                return r;
        if (r < 0 || strcmp(s.boot_id, boot_id) != 0) {
                state_done(&s);
                s = (struct state){ 0 };
                (void)snprintf(s.boot_id, sizeof(s.boot_id), "%s", boot_id);
        }
        *ret = s;
        return r == -EINVAL ? r : 0;
}

void state_file_done(struct state_file *f)
{
        closep(&f->fd);
        f->fd = -1;
}

static int fail(const char *root, int error, struct diag *d)
{
        _cleanup_free_ char *path = root_path(root, LAYOUT_POLICY_RUN "/" STATE_NAME);

        return diag_set(d, -error, "%s: cannot be written: %s", path ? path : STATE_NAME, strerror(-error));
}

static int keep_all(struct state_file *f, const char *root, const struct state *s, struct diag *d)
{
        _cleanup_free_ char *path = root_path(root, LAYOUT_POLICY_RUN);
        _cleanup_buf_ struct buf text = BUF_INIT;

        state_format(s, &text);
        f->sum = state_add_sum(0, &text);
        if (!path || text.error)
                return -ENOMEM;
        _cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = dir < 0 ? -errno : write_file_atomic(dir, STATE_NAME, text.data, text.len, 0600);
        if (r < 0)
                return fail(root, r, d);
        f->fd = openat(dir, STATE_NAME, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
        f->size = (off_t)text.len;
        f->rewrite_at = f->size + STATE_APPENDED_MAX;
        return 0;
}

/* Nobody has removed it, put another in its place or written to it. */
static bool is_as_left(const struct state_file *f)
{
        struct stat st;

        return fstat(f->fd, &st) == 0 && st.st_nlink == 1 && st.st_size == f->size;
}

static int append(struct state_file *f, const char *root, struct buf *piece, struct diag *d)
{
        uint32_t sum = state_add_sum(f->sum, piece);
        int r = piece->error ? piece->error : write_all(f->fd, piece->data, piece->len);

        if (r < 0) {
                /* A part of it may stand there. */
                state_file_done(f);
                return r == -ENOMEM ? r : fail(root, r, d);
        }
        f->sum = sum;
        f->size += (off_t)piece->len;
        return 0;
}

static int keep(struct state_file *f, const char *root, const struct state *s,
        void (*format)(const struct state *s, struct buf *out), struct diag *d)
{
        _cleanup_buf_ struct buf piece = BUF_INIT;

        if (f->fd >= 0 && (f->size >= f->rewrite_at || !is_as_left(f)))
                state_file_done(f);
        if (f->fd < 0)
                return keep_all(f, root, s, d);
        format(s, &piece);
        return append(f, root, &piece, d);
}

int state_file_keep_event(struct state_file *f, const char *root, const struct state *s, struct diag *d)
{
        return keep(f, root, s, state_format_event, d);
}

int state_file_keep_told(struct state_file *f, const char *root, const struct state *s, struct diag *d)
{
        return keep(f, root, s, state_format_told, d);
}
