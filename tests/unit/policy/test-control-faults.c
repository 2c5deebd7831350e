/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a kernel answers and a plain file does not: open, pread and pwrite are wrapped by the linker. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../service/policy/control.h"
#include "scratch.h"
#include "suite.h"

#define NAME "kernel.audit_taint_events"
#define FILE_PATH "/proc/sys/kernel/audit_taint_events"

enum call {
        OPEN_READ,
        OPEN_WRITE,
        PREAD,
        PWRITE,
        CALLS_N,
};

/* What the n-th call (1-based; 0: every one) of a kind does instead. */
struct fault {
        enum call call;
        unsigned nth;
        int error;                              /* fails with it */
        const char *gives;                      /* pread: these bytes */
        ssize_t at_most;                        /* pwrite: so many bytes, the rest is not written */
        void (*before)(const struct scratch *); /* happens just before the call, which then goes on */
};

static const struct fault *faults;
static size_t n_faults;
static unsigned calls[CALLS_N], fired;

static const struct fault *fault_now(enum call call)
{
        calls[call]++;
        for (size_t i = 0; i < n_faults; i++) {
                const struct fault *f = &faults[i];
                if (f->call != call || (f->nth != 0 && f->nth != calls[call]))
                        continue;
                fired++;
                if (f->before)
                        f->before(&scratch_root);
                return f;
        }
        return NULL;
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
ssize_t __real_pread64(int fd, void *data, size_t n, off_t offset);
ssize_t __wrap_pread64(int fd, void *data, size_t n, off_t offset);
ssize_t __real_pwrite64(int fd, const void *data, size_t n, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t n, off_t offset);

int __wrap_open64(const char *path, int flags, ...)
{
        va_list ap;
        va_start(ap, flags);
        mode_t mode = (flags & O_CREAT) ? va_arg(ap, mode_t) : 0;
        va_end(ap);
        if (strstr(path, FILE_PATH) && !(flags & O_PATH)) {
                ck_assert_int_eq(flags & O_CREAT, 0);
                const struct fault *f = fault_now((flags & O_ACCMODE) == O_RDONLY ? OPEN_READ : OPEN_WRITE);
                if (f && f->error > 0) {
                        errno = f->error;
                        return -1;
                }
        }
        return __real_open64(path, flags, mode);
}

ssize_t __wrap_pread64(int fd, void *data, size_t n, off_t offset)
{
        const struct fault *f = fault_now(PREAD);

        ck_assert_int_eq(offset, 0);
        if (f && f->error > 0) {
                errno = f->error;
                return -1;
        }
        if (f && f->gives) {
                ck_assert_uint_ge(n, strlen(f->gives));
                memcpy(data, f->gives, strlen(f->gives));
                return (ssize_t)strlen(f->gives);
        }
        return __real_pread64(fd, data, n, offset);
}

ssize_t __wrap_pwrite64(int fd, const void *data, size_t n, off_t offset)
{
        const struct fault *f = fault_now(PWRITE);

        ck_assert_int_eq(offset, 0);
        ck_assert_int_eq(((const char *)data)[n - 1], '\n');
        if (f && f->error > 0) {
                errno = f->error;
                return -1;
        }
        if (f && f->at_most > 0)
                n = (size_t)f->at_most;
        return __real_pwrite64(fd, data, n, offset);
}

static void vanish(const struct scratch *s)
{
        scratch_remove(s, FILE_PATH);
}

static void reappear(const struct scratch *s)
{
        scratch_puts(s, FILE_PATH, "7\n");
}

static void become_link(const struct scratch *s)
{
        scratch_remove(s, FILE_PATH);
        scratch_puts(s, "/target", "untouched\n");
        ck_assert_int_eq(symlink("../../../target", scratch_path(s, FILE_PATH)), 0);
}

static void become_fifo(const struct scratch *s)
{
        scratch_remove(s, FILE_PATH);
        ck_assert_int_eq(mkfifo(scratch_path(s, FILE_PATH), 0644), 0);
}

/* The control holds 0 and is brought to 1. */
static const struct fault_case {
        const char *what;
        struct fault faults[2];
        enum control_outcome outcome;
        int error;
        const char *found, *now;
        unsigned writes;
} cases[] = {
        { "no fault", { { 0 } }, CONTROL_WRITTEN, 0, "0", "1", 1 },
        { "EIO on the first read", { { PREAD, 1, .error = EIO } }, CONTROL_WRITTEN, 0, "", "1", 1 },
        { "EIO on every read", { { PREAD, 0, .error = EIO } }, CONTROL_WRITTEN, 0, "", "", 1 },
        { "may not be read", { { OPEN_READ, 0, .error = EACCES } }, CONTROL_WRITTEN, 0, "", "", 1 },
        { "may not be read, EPERM", { { OPEN_READ, 0, .error = EPERM } }, CONTROL_WRITTEN, 0, "", "", 1 },
        { "unreadable and EINVAL", { { PREAD, 0, .error = EIO }, { PWRITE, 1, .error = EINVAL } },
                CONTROL_REFUSED, EINVAL, "", "", 1 },
        { "EINVAL", { { PWRITE, 1, .error = EINVAL } }, CONTROL_REFUSED, EINVAL, "0", "0", 1 },
        { "ERANGE", { { PWRITE, 1, .error = ERANGE } }, CONTROL_REFUSED, ERANGE, "0", "0", 1 },
        { "EPERM", { { PWRITE, 1, .error = EPERM } }, CONTROL_FAILED, EPERM, "0", "0", 1 },
        { "ENOSPC", { { PWRITE, 1, .error = ENOSPC } }, CONTROL_FAILED, ENOSPC, "0", "0", 1 },
        { "EINTR", { { PWRITE, 1, .error = EINTR }, { PREAD, 1, .error = EINTR } }, CONTROL_WRITTEN, 0, "0",
                "1", 2 },
        { "may not be written", { { OPEN_WRITE, 1, .error = EACCES } }, CONTROL_FAILED, EACCES, "0", "0",
                0 },
        { "read-only file system", { { OPEN_WRITE, 1, .error = EROFS } }, CONTROL_FAILED, EROFS, "0", "0",
                0 },
        { "no descriptor left", { { OPEN_READ, 0, .error = EMFILE } }, CONTROL_FAILED, EMFILE, "", "", 0 },
        { "short write", { { PWRITE, 1, .at_most = 1 } }, CONTROL_FAILED, EIO, "0", "1", 1 },
        { "another value reads back", { { PREAD, 2, .gives = "3\n" } }, CONTROL_DIFFERENT, 0, "0", "3", 1 },
        { "nothing reads back", { { PREAD, 2, .gives = "\n" } }, CONTROL_DIFFERENT, 0, "0", "", 1 },
        { "unreadable is not empty", { { PREAD, 1, .error = EIO }, { PREAD, 2, .gives = "\n" } },
                CONTROL_DIFFERENT, 0, "", "", 1 },
        { "module unloaded, ENOENT on read", { { PREAD, 1, .error = ENOENT } }, CONTROL_ABSENT, 0, "", "",
                0 },
        { "gone before the open", { { OPEN_READ, 1, .before = vanish } }, CONTROL_ABSENT, 0, "", "", 0 },
        { "gone before the write's open", { { OPEN_WRITE, 1, .before = vanish } }, CONTROL_ABSENT, 0, "0",
                "", 0 },
        { "ENOENT on write", { { PWRITE, 1, .error = ENOENT } }, CONTROL_ABSENT, 0, "0", "0", 1 },
        { "gone after the write", { { PWRITE, 1, .before = vanish } }, CONTROL_ABSENT, 0, "0", "", 1 },
        { "another one after the write", { { PWRITE, 1, .before = reappear } }, CONTROL_DIFFERENT, 0, "0",
                "7", 1 },
        { "another one before the write's open", { { OPEN_WRITE, 1, .before = reappear } }, CONTROL_WRITTEN,
                0, "0", "1", 1 },
        { "a link before the open", { { OPEN_READ, 1, .before = become_link } }, CONTROL_FAILED, ELOOP, "",
                "", 0 },
        { "a link before the write's open", { { OPEN_WRITE, 1, .before = become_link } }, CONTROL_FAILED,
                ELOOP, "0", "", 0 },
        { "a FIFO before the open", { { OPEN_READ, 1, .before = become_fifo } }, CONTROL_FAILED, ENXIO, "",
                "", 0 },
        { "a FIFO before the write's open", { { OPEN_WRITE, 1, .before = become_fifo } }, CONTROL_FAILED,
                ENXIO, "0", "", 0 },
};

/* The same for one who has it open once for both. */
static const struct fault_case once_cases[] = {
        { "no fault", { { 0 } }, CONTROL_WRITTEN, 0, "0", "1", 1 },
        { "may not be read", { { OPEN_WRITE, 1, .error = EACCES }, { OPEN_READ, 0, .error = EACCES } },
                CONTROL_WRITTEN, 0, "", "", 1 },
        { "may not be written", { { OPEN_WRITE, 0, .error = EACCES } }, CONTROL_FAILED, EACCES, "0", "0",
                0 },
        { "read-only file system", { { OPEN_WRITE, 0, .error = EROFS } }, CONTROL_FAILED, EROFS, "0", "0",
                0 },
        { "gone before the open", { { OPEN_WRITE, 1, .before = vanish } }, CONTROL_ABSENT, 0, "", "", 0 },
        { "module unloaded, ENOENT on read", { { PREAD, 1, .error = ENOENT } }, CONTROL_ABSENT, 0, "", "",
                0 },
        { "ENOENT on write", { { PWRITE, 1, .error = ENOENT } }, CONTROL_ABSENT, 0, "0", "0", 1 },
        { "ENOENT after the write", { { PREAD, 2, .error = ENOENT } }, CONTROL_ABSENT, 0, "0", "", 1 },
        { "another one before the write", { { PREAD, 1, .before = reappear } }, CONTROL_WRITTEN, 0, "0", "1",
                1 },
        { "another value reads back", { { PREAD, 2, .gives = "3\n" } }, CONTROL_DIFFERENT, 0, "0", "3", 1 },
        { "EIO on every read", { { PREAD, 0, .error = EIO } }, CONTROL_WRITTEN, 0, "", "", 1 },
        { "EINVAL", { { PWRITE, 1, .error = EINVAL } }, CONTROL_REFUSED, EINVAL, "0", "0", 1 },
        { "a link before the open", { { OPEN_WRITE, 1, .before = become_link } }, CONTROL_FAILED, ELOOP, "",
                "", 0 },
        { "a FIFO before the open", { { OPEN_WRITE, 1, .before = become_fifo } }, CONTROL_FAILED, ENXIO, "",
                "", 0 },
};

static struct control *start(const struct fault *list, size_t n)
{
        struct control *c = NULL;

        scratch_puts(&scratch_root, FILE_PATH, "0\n");
        ck_assert_int_eq(control_new(scratch_root.root, NAME, &c, NULL), 0);
        faults = list;
        n_faults = n;
        memset(calls, 0, sizeof(calls));
        fired = 0;
        return c;
}

static void teardown(void)
{
        n_faults = 0;
        scratch_done(&scratch_root);
}

static void apply_case(const struct fault_case *t, bool once)
{
        size_t n = 0;
        while (n < ARRAY_SIZE(t->faults) &&
                (t->faults[n].error || t->faults[n].gives || t->faults[n].at_most || t->faults[n].before))
                n++;

        _cleanup_control_ struct control *c = start(t->faults, n);
        static struct control_result result;
        if (once)
                control_open_once(c);
        control_apply(c, "1", &result);
        ck_assert_msg(fired >= n, "%s: happened %u times, expected %zu", t->what, fired, n);
        ck_assert_msg(result.outcome == t->outcome, "%s: outcome %d, expected %d (error %d)", t->what,
                (int)result.outcome, (int)t->outcome, result.error);
        ck_assert_msg(result.error == t->error, "%s: error %d", t->what, result.error);
        ck_assert_msg(strcmp(result.found, t->found) == 0, "%s: found '%s'", t->what, result.found);
        ck_assert_msg(strcmp(result.now, t->now) == 0, "%s: now '%s'", t->what, result.now);
        ck_assert_msg(calls[PWRITE] == t->writes, "%s: %u writes", t->what, calls[PWRITE]);

        _cleanup_buf_ struct buf target = BUF_INIT;
        if (scratch_read(&scratch_root, "/target", &target))
                ck_assert_str_eq(buf_str(&target), "untouched\n");
}

TEST_EACH(faults_while_applying, ARRAY_SIZE(cases))
{
        apply_case(&cases[_i], false);
}

TEST_EACH(faults_while_applying_once, ARRAY_SIZE(once_cases))
{
        apply_case(&once_cases[_i], true);
}

/* What was longer leaves no tail, and one open is enough. */
TEST(once_is_one_open)
{
        _cleanup_control_ struct control *c = start(NULL, 0);
        static struct control_result result;

        scratch_puts(&scratch_root, FILE_PATH, "a longer text\n");
        control_open_once(c);
        control_apply(c, "1", &result);
        ck_assert_int_eq(result.outcome, CONTROL_WRITTEN);
        ck_assert_uint_eq(calls[OPEN_READ] + calls[OPEN_WRITE], 1);
        _cleanup_buf_ struct buf after = BUF_INIT;
        ck_assert(scratch_read(&scratch_root, FILE_PATH, &after));
        ck_assert_str_eq(buf_str(&after), "1\n");
}

/* An empty text must not be taken for what a failed read leaves. */
TEST(empty_text_is_written_where_reading_fails)
{
        static const struct fault unreadable[] = { { PREAD, 1, .error = EIO } };
        _cleanup_control_ struct control *c = start(unreadable, ARRAY_SIZE(unreadable));
        static struct control_result result;

        control_apply(c, "", &result);
        ck_assert_int_eq(result.outcome, CONTROL_WRITTEN);
        ck_assert_uint_eq(calls[PWRITE], 1);
        _cleanup_buf_ struct buf after = BUF_INIT;
        ck_assert(scratch_read(&scratch_root, FILE_PATH, &after));
        ck_assert_str_eq(buf_str(&after), "\n");
}

TEST(write_only_control_is_held_and_watched)
{
        static const struct fault write_only[] = { { OPEN_READ, 0, .error = EACCES } };
        _cleanup_control_ struct control *c = start(write_only, ARRAY_SIZE(write_only));
        char text[CONTROL_TEXT_MAX];

        ck_assert(control_refresh(c));
        ck_assert(control_present(c));
        ck_assert(!control_refresh(c));
        ck_assert_int_eq(control_read(c, text, sizeof(text)), -EACCES);
        ck_assert_uint_eq(calls[PREAD], 0);
        reappear(&scratch_root);
        ck_assert(control_refresh(c));
        ck_assert(control_present(c));

        /* The next inode may be read: nothing of the old one's error stays. */
        n_faults = 0;
        reappear(&scratch_root);
        ck_assert_int_eq(control_read(c, text, sizeof(text)), 0);
        ck_assert_str_eq(text, "7");
}

TEST(no_descriptor_left_is_tried_again)
{
        static const struct fault once[] = { { OPEN_READ, 1, .error = EMFILE } };
        _cleanup_control_ struct control *c = start(once, ARRAY_SIZE(once));

        ck_assert(!control_refresh(c));
        ck_assert(!control_present(c));
        ck_assert(control_refresh(c));
        ck_assert(control_present(c));
}

/* A descriptor that was held long ago is not opened again for every step. */
TEST(held_descriptor_is_reused)
{
        _cleanup_control_ struct control *c = start(NULL, 0);
        static struct control_result result;

        ck_assert(control_refresh(c));
        for (unsigned i = 0; i < 10; i++) {
                control_apply(c, i % 2 ? "1" : "2", &result);
                ck_assert_int_eq(result.outcome, CONTROL_WRITTEN);
                ck_assert(!control_refresh(c));
        }
        ck_assert_uint_eq(calls[OPEN_READ], 1);
        ck_assert_uint_eq(calls[OPEN_WRITE], 10);
        ck_assert_uint_eq(calls[PWRITE], 10);
}

Suite *test_suite(void)
{
        return suite_with("control faults", scratch_setup, teardown);
}
