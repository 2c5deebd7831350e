/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Failing allocations, and a disk that fails at every step: the calls are wrapped by the linker. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "../../../schema/layout.h"
#include "entry.h"
#include "alloc-faults.h"
#include "scratch.h"
#include "suite.h"

#define FILE_PATH LAYOUT_ACCEPTED_DIR "/" LAYOUT_ACCEPTED_NAME
#define MODULES "Machine\\System\\Audit\\Modules"

static int write_error, fsync_error, rename_error, set_aside_error;
static ssize_t write_at_most;

ssize_t __real_write(int fd, const void *data, size_t n);
ssize_t __wrap_write(int fd, const void *data, size_t n);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);

static int fail_with(int error)
{
        errno = error;
        return -1;
}

/* Like a disk that fills up: some bytes go through first. */
ssize_t __wrap_write(int fd, const void *data, size_t n)
{
        if (write_error == 0)
                return __real_write(fd, data, n);
        if (write_at_most <= 0)
                return fail_with(write_error);
        if (n > (size_t)write_at_most)
                n = (size_t)write_at_most;
        write_at_most -= (ssize_t)n;
        return __real_write(fd, data, n);
}

int __wrap_fsync(int fd)
{
        return fsync_error ? fail_with(fsync_error) : __real_fsync(fd);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
        return rename_error ? fail_with(rename_error) : __real_renameat(from_fd, from, to_fd, to);
}

int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
        return set_aside_error ? fail_with(set_aside_error)
                               : __real_renameat2(from_fd, from, to_fd, to, flags);
}

static void teardown(void)
{
        write_error = fsync_error = rename_error = set_aside_error = 0;
        scratch_done(&scratch_root);
}

static void store_old(struct buf *ret)
{
        _cleanup_accepted_ struct accepted a = { 0 };

        entry_set(&a, MODULES, "TaintEvents", "enabled");
        entry_set(&a, MODULES, "Other", "1");
        entry_set(&a, "Machine\\System\\Kernel", "PidMax", "4096");
        ck_assert_int_eq(accepted_store(scratch_root.root, LAYOUT_ACCEPTED_NAME, &a, NULL), 0);
        ck_assert(scratch_read(&scratch_root, FILE_PATH, ret));
}

static const struct {
        int *error;
        int value;
        ssize_t at_most;
} disk_faults[] = {
        { &write_error, ENOSPC, 0 },
        { &write_error, ENOSPC, 20 },
        { &write_error, EIO, 0 },
        { &fsync_error, EIO, 0 },
        { &rename_error, EIO, 0 },
        { &rename_error, ENOSPC, 0 },
};

TEST_EACH(failing_disk_leaves_the_old_file, ARRAY_SIZE(disk_faults))
{
        _cleanup_buf_ struct buf before = BUF_INIT, after = BUF_INIT;
        _cleanup_accepted_ struct accepted a = { 0 };
        struct diag d = { 0 };

        store_old(&before);
        entry_set(&a, MODULES, "TaintEvents", "disabled");
        write_at_most = disk_faults[_i].at_most;
        *disk_faults[_i].error = disk_faults[_i].value;
        int r = accepted_store(scratch_root.root, LAYOUT_ACCEPTED_NAME, &a, &d);
        *disk_faults[_i].error = 0;
        ck_assert_int_eq(r, -disk_faults[_i].value);
        ck_assert_ptr_nonnull(strstr(d.text, FILE_PATH));
        ck_assert_ptr_nonnull(strstr(d.text, strerror(disk_faults[_i].value)));
        ck_assert(scratch_read(&scratch_root, FILE_PATH, &after));
        ck_assert_str_eq(after.data, before.data);
        ck_assert_uint_eq(scratch_count(&scratch_root, LAYOUT_ACCEPTED_DIR), 1);

        ck_assert_int_eq(accepted_store(scratch_root.root, LAYOUT_ACCEPTED_NAME, &a, &d), 0);
        ck_assert(scratch_read(&scratch_root, FILE_PATH, &after));
        ck_assert_str_ne(after.data, before.data);
}

TEST(bad_file_on_a_read_only_disk_is_not_trusted)
{
        struct accepted a = { .n = 99 };
        struct diag d = { 0 };

        scratch_puts(&scratch_root, FILE_PATH, "peios-accepted: 1\nvalues: {}\n# crc32c: 00000000\n");
        set_aside_error = EROFS;
        ck_assert_int_eq(accepted_load(scratch_root.root, LAYOUT_ACCEPTED_NAME, &a, &d), -EINVAL);
        ck_assert_uint_eq(a.n, 99);
        ck_assert_ptr_nonnull(strstr(d.text, "cannot be set aside"));
        ck_assert_ptr_nonnull(strstr(d.text, "damaged"));
        ck_assert_uint_eq(scratch_count(&scratch_root, LAYOUT_ACCEPTED_DIR), 1);
}

TEST(load_under_failing_allocation)
{
        _cleanup_buf_ struct buf before = BUF_INIT, after = BUF_INIT;
        bool failed = true;

        store_old(&before);
        for (unsigned n = 1; failed; n++) {
                _cleanup_accepted_ struct accepted a = { 0 };
                struct diag d = { 0 };
                alloc_fail_at(n);
                int r = accepted_load(scratch_root.root, LAYOUT_ACCEPTED_NAME, &a, &d);
                failed = alloc_fails(r, n, 15);
                ck_assert(failed == (a.list == NULL));
                ck_assert_uint_eq(a.n, failed ? 0 : 3);
        }
        /* A good file is not set aside because memory is short. */
        ck_assert_uint_eq(scratch_count(&scratch_root, LAYOUT_ACCEPTED_DIR), 1);
        ck_assert(scratch_read(&scratch_root, FILE_PATH, &after));
        ck_assert_str_eq(after.data, before.data);
}

TEST(store_under_failing_allocation)
{
        _cleanup_buf_ struct buf before = BUF_INIT, after = BUF_INIT;
        _cleanup_accepted_ struct accepted a = { 0 };
        bool failed = true;

        store_old(&before);
        entry_set(&a, MODULES, "TaintEvents", "disabled");
        for (unsigned n = 1; failed; n++) {
                alloc_fail_at(n);
                int r = accepted_store(scratch_root.root, LAYOUT_ACCEPTED_NAME, &a, NULL);
                failed = alloc_fails(r, n, 5);
                ck_assert(scratch_read(&scratch_root, FILE_PATH, &after));
                ck_assert(failed == (strcmp(after.data, before.data) == 0));
        }
}

TEST(set_under_failing_allocation)
{
        _cleanup_accepted_ struct accepted a = { 0 };
        _cleanup_entry_ struct schema_value there = entry_new(MODULES, "TaintEvents");
        _cleanup_entry_ struct schema_value new_one = entry_new(MODULES, "Another");

        ck_assert_int_eq(accepted_set(&a, &there, "enabled"), 0);
        for (unsigned n = 1; n <= 5; n++) {
                alloc_fail_at(n);
                int r = accepted_set(&a, &new_one, "x");
                ck_assert_int_eq(r, alloc_failed() ? -ENOMEM : 0);
                ck_assert_uint_eq(a.n, n <= 4 ? 1 : 2);
                ck_assert_str_eq(accepted_get(&a, &there), "enabled");
        }
        alloc_fail_at(1);
        ck_assert_int_eq(accepted_set(&a, &there, "disabled"), -ENOMEM);
        ck_assert(alloc_failed());
        ck_assert_str_eq(accepted_get(&a, &there), "enabled");
}

Suite *test_suite(void)
{
        return suite_with("accepted faults", scratch_setup, teardown);
}
