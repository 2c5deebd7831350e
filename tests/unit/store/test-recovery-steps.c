/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A recovery that is killed, or fails, before each of its own steps on the file system: what was damaged is
 * there whole afterwards, and the next start ends what was begun. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "../../../registry-provider/store/backup.h"
#include "../../../schema/base/file.h"
#include "store-file.h"
#include "suite.h"

enum fault {
        KILLED,
        FAILS,         /* this one */
        FAILS_FOR_EVER /* and all that follow */
};

static enum fault fault;
static unsigned steps, fault_at; /* 0: none */

/* True: it fails. */
static bool step(void)
{
        steps++;
        if (fault_at == 0 || steps < fault_at || (fault == FAILS && steps > fault_at))
                return false;
        if (fault == KILLED)
                _exit(0);
        errno = EIO;
        return true;
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
        return step() ? -1 : __real_rename(from, to);
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
        return step() ? -1 : __real_unlink(path);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
        return step() ? -1 : __real_fsync(fd);
}

ssize_t __real_write(int fd, const void *data, size_t n);
ssize_t __wrap_write(int fd, const void *data, size_t n);
ssize_t __wrap_write(int fd, const void *data, size_t n)
{
        return step() ? -1 : __real_write(fd, data, n);
}

int __real_open64(const char *path, int flags, mode_t mode);
int __wrap_open64(const char *path, int flags, mode_t mode);
int __wrap_open64(const char *path, int flags, mode_t mode)
{
        return step() ? -1 : __real_open64(path, flags, mode);
}

static void recover_in_child(const struct scratch *s, unsigned at, bool *ret_ended)
{
        int pipe_fds[2], status;
        char n = 0;

        ck_assert_int_eq(pipe(pipe_fds), 0);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                struct store *store = NULL;
                struct recovery recovery;
                steps = 0;
                fault_at = at;
                const int r = recovery_open(s->file, 4096, &store, &recovery, NULL);
                fault_at = 0;
                _exit(r < 0 && steps < at ? 1 : steps < at ? write(pipe_fds[1], "", 1) != 1 : 0);
        }
        (void)close(pipe_fds[1]);
        *ret_ended = read(pipe_fds[0], &n, 1) == 1;
        (void)close(pipe_fds[0]);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
}

static bool is_kept(const struct scratch *s, const struct buf *damaged)
{
        _cleanup_free_ char *names = scratch_list(s, "registry.db.corrupt-");
        bool found = false;

        for (char *at = names, *name; (name = strsep(&at, " ")) && *name;) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                ck_assert_int_eq(file_read(AT_FDCWD, scratch_path(s, name), SIZE_MAX, &text, NULL, NULL), 0);
                found |= text.len == damaged->len && memcmp(text.data, damaged->data, text.len) == 0;
        }
        return found;
}

static void check_recovered(const struct scratch *s, const struct buf *damaged)
{
        _cleanup_store_ struct store *store = NULL;
        struct recovery recovery;
        struct diag d = { 0 };

        int r = recovery_open(s->file, 4096, &store, &recovery, &d);
        ck_assert_msg(r >= 0, "%s", d.text);
        ck_assert_uint_eq(count_values(store), 300);
        ck_assert_uint_ge(store_last_sequence(store), 300 + (UINT64_C(1) << 32));
        ck_assert(is_kept(s, damaged));
        store = store_close(store);
        ck_assert_int_eq(get_number(s->file, "SELECT count(*) FROM history WHERE op = 0x1002"), 1);
        _cleanup_free_ char *left = scratch_list(s, "registry.db.new");
        ck_assert_str_eq(left, "");
        _cleanup_free_ char *marks = scratch_list(s, "registry.db.damaged");
        ck_assert_str_eq(marks, "");
}

/* `at`: before which step. True: it ended before that. */
static bool one_fault(bool is_marked, unsigned at)
{
        _cleanup_scratch_ struct scratch s;
        _cleanup_buf_ struct buf damaged = BUF_INIT;
        bool ended;

        scratch_init(&s);
        {
                _cleanup_store_ struct store *store = open_store(&s);
                put_large(store, 1, 300, 8);
        }
        (void)make_backup(&s);
        if (is_marked) {
                damage_pages_with(s.file, "Value150");
                ck_assert_int_eq(recovery_mark(s.file, "a check found something"), 0);
        } else
                overwrite(s.file, 0, "This is no database.", 20);
        ck_assert_int_eq(file_read(AT_FDCWD, s.file, SIZE_MAX, &damaged, NULL, NULL), 0);
        recover_in_child(&s, at, &ended);
        check_recovered(&s, &damaged);
        return ended;
}

TEST_EACH(each_step, 6)
{
        unsigned at = 1;

        fault = (enum fault)(_i / 2);
        while (!one_fault(_i % 2, at))
                at++;
        ck_assert_uint_gt(at, 10);
}

Suite *test_suite(void)
{
        return suite_of("recovery-steps");
}
