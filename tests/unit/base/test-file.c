/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs in a directory of its own. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../../../schema/base/file.h"
#include "io-faults.h"
#include "alloc-faults.h"
#include "scratch.h"
#include "suite.h"

static int dir_fd = -1;

static void setup(void)
{
        io_faults_none();
        scratch_setup();
        dir_fd = open(scratch_root.root, O_RDONLY | O_DIRECTORY);
        ck_assert_int_ge(dir_fd, 0);
        ck_assert_int_eq(chdir(scratch_root.root), 0);
}

static void teardown(void)
{
        (void)close(dir_fd);
        scratch_teardown();
}

static void put(const char *name, const char *text)
{
        FILE *f = fopen(name, "we");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(text, f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

static void check_contents(const char *name, const char *text)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        struct diag d = { 0 };
        io_faults_none();
        ck_assert_msg(file_read(dir_fd, name, 1 << 20, &b, NULL, &d) == 0, "%s", d.text);
        ck_assert_str_eq(buf_str(&b), text);
}

TEST(root_paths)
{
        static const char *const rows[][3] = { { NULL, "/etc", "/etc" }, { "", "/etc", "/etc" },
                { "/", "/etc", "/etc" }, { "/r", "/etc", "/r/etc" }, { "/r//", "/etc", "/r/etc" } };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_free_ char *path = file_path(rows[i][0], rows[i][1]);
                ck_assert_str_eq(path, rows[i][2]);
        }
        alloc_fail_at(1);
        char *path = file_path("/r", "/etc");
        ck_assert(alloc_failed());
        ck_assert_ptr_null(path);
}

TEST(reads_a_whole_file)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        struct stat st = { 0 };
        static const char data[] = "a\0b\n";
        ck_assert_int_eq(file_replace(dir_fd, "f", data, 4, 0640), 0);
        ck_assert_int_eq(file_read(dir_fd, "f", 4, &b, &st, NULL), 0);
        ck_assert_uint_eq(b.len, 4);
        ck_assert_mem_eq(b.data, data, 5);
        ck_assert_int_eq(st.st_size, 4);
}

TEST(reads_a_line)
{
        static const struct {
                const char *text, *line;
        } files[] = { { "", "" }, { "\n", "" }, { "a", "a" }, { "a\n", "a" }, { "a b\nc\n", "a b" } };

        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                _cleanup_buf_ struct buf b = BUF_INIT;
                put("f", files[i].text);
                ck_assert_int_eq(file_read_line(dir_fd, "f", 9, &b, NULL), 0);
                ck_assert_str_eq(buf_str(&b), files[i].line);
                ck_assert_uint_eq(b.len, strlen(files[i].line));
        }
}

TEST(reads_in_pieces)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        char large[50001];
        memset(large, 'x', sizeof(large) - 1);
        large[sizeof(large) - 1] = '\0';
        put("f", large);
        on_read = (struct io_fault){ .at = 2, .error = EINTR, .chunk = 999 };
        ck_assert_int_eq(file_read(dir_fd, "f", sizeof(large), &b, NULL, NULL), 0);
        ck_assert_uint_gt(on_read.calls, 50);
        ck_assert_str_eq(buf_str(&b), large);
}

/* What has no size is read until there is no more, however often the room for it has to grow. */
TEST(reads_without_size)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        char large[50001] = { 0 };
        int ends[2];
        memset(large, 'x', sizeof(large) - 1);
        ck_assert_int_eq(pipe(ends), 0);
        ck_assert_int_eq(file_write_all(ends[1], large, sizeof(large) - 1), 0);
        ck_assert_int_eq(close(ends[1]), 0);
        ck_assert_int_eq(file_read_fd(ends[0], sizeof(large), &b), 0);
        ck_assert_str_eq(buf_str(&b), large);
        ck_assert_int_eq(close(ends[0]), 0);
}

TEST(read_failures)
{
        struct diag d = { "before" };
        _cleanup_buf_ struct buf b = BUF_INIT;

        ck_assert_int_eq(file_read(dir_fd, "missing", 9, &b, NULL, &d), -ENOENT);
        ck_assert_str_eq(d.text, "before");
        put("f", "0123456789");
        ck_assert_int_eq(file_read(dir_fd, "f", 9, &b, NULL, &d), -EFBIG);
        ck_assert_ptr_nonnull(strstr(d.text, "10 bytes"));
        ck_assert_int_eq(file_read(dir_fd, "f/g", 9, &b, NULL, &d), -ENOTDIR);
        ck_assert_ptr_nonnull(strstr(d.text, "f/g"));
        on_read = (struct io_fault){ .at = 2, .error = EIO, .chunk = 4 };
        ck_assert_int_eq(file_read(dir_fd, "f", 10, &b, NULL, &d), -EIO);
        ck_assert_ptr_nonnull(strstr(d.text, "cannot be read"));
        ck_assert_int_eq(b.data[b.len], '\0');

        io_faults_none();
        alloc_fail_at(1);
        _cleanup_buf_ struct buf other = BUF_INIT;
        int r = file_read(dir_fd, "f", 10, &other, NULL, &d);
        ck_assert(alloc_failed());
        ck_assert_int_eq(r, -ENOMEM);
}

/* Files of procfs say that they are empty: the limit must hold while reading too. */
TEST(the_limit_holds_where_the_size_is_unknown)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        struct diag d = { 0 };
        ck_assert_int_eq(file_read(AT_FDCWD, "/proc/self/status", 16, &b, NULL, &d), -EFBIG);
        ck_assert_ptr_nonnull(strstr(d.text, "larger than 16 bytes"));
        ck_assert_int_eq(b.data[b.len], '\0');
        buf_clear(&b);
        ck_assert_int_eq(file_read(AT_FDCWD, "/proc/self/status", 1 << 20, &b, NULL, &d), 0);
        ck_assert_uint_gt(b.len, 16);
}

TEST(only_regular_files_are_read)
{
        _cleanup_buf_ struct buf b = BUF_INIT;
        struct diag d = { 0 };

        ck_assert_int_eq(mkfifo("fifo", 0600), 0);
        ck_assert_int_eq(file_read(dir_fd, "fifo", 9, &b, NULL, &d), -EINVAL);
        ck_assert_ptr_nonnull(strstr(d.text, "not a regular file"));
        ck_assert_int_eq(file_read(dir_fd, ".", 9, &b, NULL, &d), -EISDIR);
        ck_assert_ptr_nonnull(strstr(d.text, "is a directory"));
        ck_assert_int_eq(file_read(dir_fd, "/dev/zero", 9, &b, NULL, &d), -EINVAL);

        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(file_read(dir_fd, "socket", 9, &b, NULL, &d), -ENXIO);
        ck_assert_int_eq(symlink("loop", "loop"), 0);
        ck_assert_int_eq(file_read(dir_fd, "loop", 9, &b, NULL, &d), -ELOOP);
        ck_assert_uint_eq(b.len, 0);
}

/* What an operator, or whoever got into the directory, can put where a state file belongs. None may hang. */
TEST(only_regular_files_are_opened)
{
        static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_CREAT,
                O_RDWR | O_APPEND | O_CREAT };
        struct stat st = { 0 };

        ck_assert_int_eq(mkfifo("fifo", 0600), 0);
        ck_assert_int_eq(symlink("fifo", "link"), 0);
        _cleanup_close_ int s = socket(AF_UNIX, SOCK_STREAM, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
        ck_assert_int_eq(bind(s, (struct sockaddr *)&address, sizeof(address)), 0);
        for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
                static const char *const names[] = { "fifo", "link", "/dev/null", "socket", "." };
                for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
                        struct diag d = { 0 };
                        ck_assert_int_lt(file_open(dir_fd, names[k], flags[i], 0600, &st, &d), 0);
                        ck_assert_msg(strstr(d.text, names[k]) == d.text, "%s", d.text);
                }
        }
        ck_assert_int_eq(file_open(dir_fd, "fifo", O_RDWR, 0, NULL, NULL), -EINVAL);
        ck_assert_int_eq(file_open(dir_fd, "link", O_RDONLY | O_NOFOLLOW, 0, NULL, NULL), -ELOOP);
        ck_assert_int_eq(file_open(dir_fd, "missing", O_RDONLY, 0, NULL, NULL), -ENOENT);
        ck_assert_int_eq(st.st_mode, 0);

        int fd = file_open(dir_fd, "f", O_RDWR | O_CREAT, 0640, &st, NULL);
        ck_assert_int_ge(fd, 0);
        ck_assert(S_ISREG(st.st_mode));
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        ck_assert_int_eq(close(fd), 0);
}

TEST(replaces_a_file)
{
        struct stat st;
        put("f", "old");
        put(".f.tmp", "left behind by a writer that was killed");
        on_write = (struct io_fault){ .at = 2, .error = EINTR, .chunk = 3 };
        ck_assert_int_eq(file_replace(dir_fd, "f", "new text", 8, 0640), 0);
        ck_assert_uint_eq(on_write.calls, 4);
        ck_assert_uint_eq(on_fsync.calls, 2);
        check_contents("f", "new text");
        ck_assert_uint_eq(scratch_count(&scratch_root, ""), 1);
        ck_assert_int_eq(stat("f", &st), 0);
        ck_assert_int_eq(st.st_mode & 0777, 0640);

        ck_assert_int_eq(file_replace(dir_fd, "empty", NULL, 0, 0600), 0);
        check_contents("empty", "");
}

TEST(a_failed_replacement_leaves_the_old_file)
{
        static const struct {
                struct io_fault *where, fault;
                int result;
        } rows[] = {
                { &on_write, { .at = 1, .error = ENOSPC }, -ENOSPC },
                { &on_write, { .at = 3, .error = EIO, .chunk = 2 }, -EIO },
                { &on_write, { .at = 2, .error = 0, .chunk = 2 }, -EIO }, /* takes no bytes, says no error */
                { &on_fsync, { .at = 1, .error = EIO }, -EIO },
                { &on_rename, { .at = 1, .error = EROFS }, -EROFS },
        };
        put("f", "old");
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                io_faults_none();
                *rows[i].where = rows[i].fault;
                ck_assert_int_eq(file_replace(dir_fd, "f", "new text", 8, 0600), rows[i].result);
                ck_assert_uint_eq(scratch_count(&scratch_root, ""), 1);
                check_contents("f", "old");
        }

        char name[256];
        memset(name, 'n', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        ck_assert_int_eq(file_replace(dir_fd, name, "x", 1, 0600), -ENAMETOOLONG);
        ck_assert_int_eq(file_replace(-1, "f", "x", 1, 0600), -EBADF);
        ck_assert_int_eq(mkdir("d", 0700), 0);
        ck_assert_int_eq(file_replace(dir_fd, "d", "x", 1, 0600), -EISDIR);
        ck_assert_uint_eq(scratch_count(&scratch_root, ""), 2);
}

/* The rename cannot be taken back: what is there is the new file, whole. */
TEST(a_failed_sync_of_the_directory_is_reported)
{
        put("f", "old");
        on_fsync = (struct io_fault){ .at = 2, .error = EIO };
        ck_assert_int_eq(file_replace(dir_fd, "f", "new", 3, 0600), -EIO);
        check_contents("f", "new");
        ck_assert_uint_eq(scratch_count(&scratch_root, ""), 1);
}

TEST(full_device)
{
        _cleanup_close_ int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(file_write_all(fd, "x", 1), -ENOSPC);
        ck_assert_int_eq(file_write_all(fd, "x", 0), 0);
}

TEST(makes_directories)
{
        struct stat st;
        ck_assert_int_eq(file_make_dirs("a/b/c"), 0);
        ck_assert_int_eq(file_make_dirs("a/b/c"), 0);
        ck_assert_int_eq(file_make_dirs("a//d/"), 0);
        ck_assert_int_eq(file_make_dirs("/"), 0);
        ck_assert_int_eq(file_make_dirs(scratch_root.root), 0);
        ck_assert_int_eq(stat("a/b/c", &st), 0);
        ck_assert(S_ISDIR(st.st_mode));
        ck_assert_int_eq(stat("a/d", &st), 0);

        put("a/file", "");
        ck_assert_int_eq(file_make_dirs("a/file"), -ENOTDIR);
        ck_assert_int_eq(file_make_dirs("a/file/x"), -ENOTDIR);
        ck_assert_int_eq(symlink("b", "a/link"), 0);
        ck_assert_int_eq(file_make_dirs("a/link/x"), 0);
        ck_assert_int_eq(stat("a/b/x", &st), 0);
        ck_assert_int_eq(file_make_dirs(""), -ENOENT);
}

TEST(a_run_directory)
{
        int fd = -1, second = -1;
        struct diag d = { 0 };

        ck_assert_int_eq(file_take_run_dir("run/daemon", &fd, &d), 0);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(file_take_run_dir("run/daemon", &second, &d), -EBUSY);
        ck_assert_str_eq(d.text, "run/daemon: another instance uses this directory");
        ck_assert_int_eq(second, -1);
        ck_assert_int_eq(close(fd), 0);
        ck_assert_int_eq(file_take_run_dir("run/daemon", &fd, &d), 0);
        ck_assert_int_eq(close(fd), 0);
        /* Without one a daemon does what it can. */
        ck_assert_int_eq(file_take_run_dir("/dev/null/daemon", &fd, &d), 0);
        ck_assert_int_eq(fd, -1);
}

Suite *test_suite(void)
{
        return suite_with("file", setup, teardown);
}
