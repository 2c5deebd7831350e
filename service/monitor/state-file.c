/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

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

int state_store(const char *root, struct state *s, struct diag *d)
{
        _cleanup_free_ char *path = root_path(root, LAYOUT_POLICY_RUN);
        _cleanup_buf_ struct buf text = BUF_INIT;

        if (!path || state_format(s, &text) < 0)
                return -ENOMEM;
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = fd < 0 ? -errno : write_file_atomic(fd, STATE_NAME, text.data, text.len, 0600);
        if (r < 0)
                return diag_set(d, -r, "%s/" STATE_NAME ": cannot be written: %s", path, strerror(-r));
        return 0;
}
