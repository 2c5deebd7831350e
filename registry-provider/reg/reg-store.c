/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done to a database without the provider, in peios-reg-store: a file of somebody's is checked, and
 * what check finds in the registry is put right where no provider runs. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "../../schema/layout.h"
#include "../store/inspect.h"
#include "../store/repair.h"
#include "commands.h"

/* It need not run, and is not troubled with files of others. */
int reg_store_check(struct session *s, const char *file, struct diags *ret)
{
        int r = inspect_file(file, ret, &s->diag);

        if (r == -ENOENT && !s->diag.text[0])
                return session_fail(s, r, file);
        if (r == -EUCLEAN || r == -EPROTONOSUPPORT)
                return EXIT_CODE_INVALID;
        return r < 0 ? EXIT_CODE_FAILURE : EXIT_CODE_OK;
}

/* What is made belongs to whom the folder belongs to: the provider is to open it. What that user put there,
 * be it links, is worth no more than what he may do, so nothing of root's is left, nor can be had again. */
static int become_owner(struct session *s, const char *folder)
{
        struct stat st;

        if (stat(folder, &st) < 0)
                return session_fail(s, -errno, folder);
        if (geteuid() != 0)
                return EXIT_CODE_OK;
        if (setgroups(0, NULL) < 0 || setresgid(st.st_gid, st.st_gid, st.st_gid) < 0 ||
                setresuid(st.st_uid, st.st_uid, st.st_uid) < 0)
                return session_fail(s, -errno, folder);
        return EXIT_CODE_OK;
}

static int take_folder(struct session *s, const char *lock, int *ret)
{
        *ret = file_open(AT_FDCWD, lock, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, NULL, &s->diag);
        if (*ret < 0)
                return s->diag.text[0] ? EXIT_CODE_FAILURE : session_fail(s, *ret, lock);
        if (flock(*ret, LOCK_EX | LOCK_NB) == 0)
                return EXIT_CODE_OK;
        if (errno != EWOULDBLOCK)
                return session_fail(s, -errno, lock);
        return session_error(
                s, EXIT_CODE_FAILURE, "%s: peios-registryd uses this folder: stop it first", lock);
}

int reg_store_repair(struct session *s)
{
        _cleanup_repair_ struct repair repair = { .only_looked = s->options.dry_run };
        _cleanup_free_ char *folder = file_path(s->options.root, LAYOUT_STATE);
        _cleanup_free_ char *lock = file_path(s->options.root, LAYOUT_STORE_LOCK);
        _cleanup_free_ char *file = file_path(s->options.root, LAYOUT_STORE);
        _cleanup_close_ int lock_fd = -1;
        struct diag text;

        if (!folder || !lock || !file)
                return session_fail(s, -ENOMEM, NULL);
        int code = become_owner(s, folder);
        if (code == EXIT_CODE_OK)
                code = take_folder(s, lock, &lock_fd);
        if (code != EXIT_CODE_OK)
                return code;
        int r = repair_store(file, SIZE_MAX, &repair, &s->diag);
        if (r < 0 && !s->diag.text[0])
                return session_fail(s, r, file);
        if (r < 0)
                return r == -EPROTONOSUPPORT ? EXIT_CODE_INVALID : EXIT_CODE_FAILURE;
        repair_describe(&repair, &text);
        return reg_repaired_show(s, repair_word(&repair), &repair.found, &repair.left, text.text);
}
