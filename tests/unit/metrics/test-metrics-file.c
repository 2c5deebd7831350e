/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../schema/base/file.h"
#include "../../../service/metrics/metrics.h"
#include "suite.h"

ssize_t __real_write(int fd, const void *data, size_t n);
ssize_t __wrap_write(int fd, const void *data, size_t n);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);

static int write_error, rename_error;
static bool swap; /* the directory, while the file is being written */
static char dir[] = "/tmp/peios-metrics-XXXXXX", path[64], temporary[64], moved[64];

ssize_t __wrap_write(int fd, const void *data, size_t n)
{
        if (swap) {
                swap = false;
                ck_assert_int_eq(rename(dir, moved), 0);
                ck_assert_int_eq(mkdir(dir, 0755), 0);
        }
        if (write_error == 0)
                return __real_write(fd, data, n);
        errno = write_error;
        return -1;
}

int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
        if (rename_error == 0)
                return __real_renameat(from_dir, from, to_dir, to);
        errno = rename_error;
        return -1;
}

static void begin(void)
{
        ck_assert_ptr_nonnull(mkdtemp(dir));
        (void)snprintf(path, sizeof(path), "%s/x.prom", dir);
        (void)snprintf(moved, sizeof(moved), "%s.old", dir);
        (void)snprintf(temporary, sizeof(temporary), "%s/.x.prom.tmp", dir);
}

static void end(void)
{
        write_error = rename_error = 0;
        (void)unlink(path);
        (void)unlink(temporary);
        (void)rmdir(dir);
}

static void holds(const char *text)
{
        _cleanup_buf_ struct buf b = BUF_INIT;

        ck_assert_int_eq(file_read(AT_FDCWD, path, 1000, &b, NULL, NULL), 0);
        ck_assert_str_eq(buf_str(&b), text);
        ck_assert_int_eq(access(temporary, F_OK), -1);
}

/* What stands there. */
static void put(const char *text)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(file_write_all(fd, text, strlen(text)), 0);
}

TEST(written)
{
        struct stat st;
        mode_t mask = umask(0077);

        ck_assert_int_eq(metrics_file_write(path, "one", 3), 0);
        holds(METRICS_MARK "one");
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0644);
        int old = open(path, O_RDONLY | O_CLOEXEC);
        ck_assert_int_eq(metrics_file_write(path, "two", 3), 0);
        holds(METRICS_MARK "two");
        /* Who reads the old one goes on reading it. */
        char text[sizeof(METRICS_MARK) + 3] = "";
        ck_assert_int_eq(read(old, text, sizeof(text) - 1), sizeof(text) - 1);
        ck_assert_str_eq(text, METRICS_MARK "one");
        ck_assert_int_eq(close(old), 0);
        (void)umask(mask);
}

TEST(leftover)
{
        ck_assert_int_eq(symlink("/nowhere/else", temporary), 0);
        ck_assert_int_eq(metrics_file_write(path, "one", 3), 0);
        holds(METRICS_MARK "one");
}

TEST(failures)
{
        ck_assert_int_eq(metrics_file_write("/nowhere/at/all/x.prom", "one", 3), -ENOENT);
        ck_assert_int_eq(metrics_file_write(path, "one", 3), 0);
        write_error = ENOSPC;
        ck_assert_int_eq(metrics_file_write(path, "two", 3), -ENOSPC);
        write_error = 0;
        holds(METRICS_MARK "one");
        rename_error = EIO;
        ck_assert_int_eq(metrics_file_write(path, "two", 3), -EIO);
        rename_error = 0;
        holds(METRICS_MARK "one");
}

TEST(of_another_collector)
{
        static const char *const texts[] = {
                "# HELP node_apt_upgrades_pending Apt packages pending updates.\n",
                "peios_audit_policyd_info 1\n",
                "#",
                ("\n" METRICS_MARK),
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                put(texts[i]);
                ck_assert_int_eq(metrics_file_write(path, "one", 3), -EEXIST);
                ck_assert_int_eq(metrics_file_remove(path), 0);
                holds(texts[i]);
        }
        ck_assert_ptr_nonnull(strstr(metrics_file_explain(-EEXIST), "not this service's"));
        put(METRICS_MARK "old");
        ck_assert_int_eq(metrics_file_write(path, "one", 3), 0);
        holds(METRICS_MARK "one");
        ck_assert_int_eq(metrics_file_remove(path), 0);
        ck_assert_int_eq(access(path, F_OK), -1);
        ck_assert_int_eq(metrics_file_remove(path), 0);
        /* Made for us, by who may not make one in that directory otherwise. */
        put("");
        ck_assert_int_eq(metrics_file_remove(path), 0);
        ck_assert_int_eq(access(path, F_OK), 0);
        ck_assert_int_eq(metrics_file_write(path, "one", 3), 0);
        holds(METRICS_MARK "one");
}

TEST(no_file)
{
        char elsewhere[80];

        ck_assert_int_eq(mkfifo(path, 0644), 0);
        ck_assert_int_eq(metrics_file_write(path, "one", 3), -EEXIST);
        ck_assert_int_eq(metrics_file_remove(path), 0);
        ck_assert_int_eq(unlink(path), 0);
        (void)snprintf(elsewhere, sizeof(elsewhere), "%s.elsewhere", path);
        ck_assert_int_eq(symlink(elsewhere, path), 0);
        ck_assert_int_eq(metrics_file_write(path, "one", 3), -EEXIST);
        ck_assert_int_eq(access(elsewhere, F_OK), -1);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(mkdir(path, 0755), 0);
        ck_assert_int_eq(metrics_file_write(path, "one", 3), -EEXIST);
        ck_assert_int_eq(rmdir(path), 0);
        ck_assert_int_eq(access(temporary, F_OK), -1);
        ck_assert_int_eq(metrics_file_remove("/nowhere/at/all/x.prom"), 0);
}

TEST(another_directory_meanwhile)
{
        char old[128];

        swap = true;
        ck_assert_int_eq(metrics_file_write(path, "one", 3), 0);
        ck_assert_int_eq(rmdir(dir), 0);
        ck_assert_int_eq(rename(moved, dir), 0);
        holds(METRICS_MARK "one");
        /* Nor does what stands there instead lose a file when the writing fails. */
        swap = true;
        write_error = ENOSPC;
        ck_assert_int_eq(metrics_file_write(path, "two", 3), -ENOSPC);
        write_error = 0;
        (void)snprintf(old, sizeof(old), "%s/.x.prom.tmp", moved);
        ck_assert_int_eq(access(old, F_OK), -1);
        ck_assert_int_eq(rmdir(dir), 0);
        ck_assert_int_eq(rename(moved, dir), 0);
        holds(METRICS_MARK "one");
}

Suite *test_suite(void)
{
        return suite_with("metrics-file", begin, end);
}
