/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../service/monitor/capture.h"
#include "../../../service/monitor/sha256.h"
#include "alloc-faults.h"
#include "../process/fake-process.h"
#include "suite.h"

#define ACTOR 42u

static struct scratch root;
static bool sums;

static void setup(void)
{
        static const char note[] = "\4\0\0\0\4\0\0\0\3\0\0\0GNU\0\xde\xad\xbe\xef";
        char sum[SHA256_TEXT_MAX];

        scratch_new(&root);
        scratch_puts(&root, "/sys/module/foo_bar/version", "1.2\n");
        scratch_puts(&root, "/sys/module/foo_bar/srcversion", "ABCDEF0123456789ABCDEF0\n");
        scratch_puts(&root, "/sys/module/foo_bar/coresize", "16384\n");
        scratch_write(&root, "/sys/module/foo_bar/notes/.note.gnu.build-id", note, sizeof(note) - 1);
        scratch_puts(&root, "/proc/sys/kernel/osrelease", "6.1.0-test\n");
        scratch_puts(&root, "/lib/modules/6.1.0-test/modules.dep",
                "kernel/a/other.ko:\nkernel/a/foo-bar.ko: kernel/a/other.ko\n");
        scratch_puts(
                &root, "/lib/modules/6.1.0-test/kernel/a/foo-bar.ko", "abc~Module signature appended~\n");
        scratch_puts(&root, "/root/foo-bar.ko", "abc");
        scratch_puts(&root, "/proc/42/cmdline", "");
        ck_assert_int_eq(symlink(root.root, scratch_path(&root, "/proc/42/root")), 0);
        _cleanup_close_ int fd = open("/dev/null", O_RDONLY);
        sums = sha256_fd(fd, 1, sum) == 0;
}

static void teardown(void)
{
        scratch_done(&root);
}

TEST(sums_of_files)
{
        char sum[SHA256_TEXT_MAX];

        scratch_puts(&root, "/abc", "abc");
        _cleanup_close_ int fd = open(scratch_path(&root, "/abc"), O_RDONLY);
        if (!sums) {
                ck_assert_int_eq(sha256_fd(fd, 3, sum), -EOPNOTSUPP);
                return;
        }
        ck_assert_int_eq(sha256_fd(fd, 3, sum), 0);
        ck_assert_str_eq(sum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        ck_assert_int_eq(sha256_fd(fd, 2, sum), -EFBIG);
        ck_assert_int_eq(sha256_fd(-1, 2, sum), -EBADF);
}

TEST(a_module_of_the_release)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        capture_module(root.root, "foo_bar", AUDIT_ID_UNSET, "", &out);
        static const char want[] =
                "PEIOS_MODULE_VERSION=1.2\nPEIOS_MODULE_SRCVERSION=ABCDEF0123456789ABCDEF0\n"
                "PEIOS_MODULE_SIZE=16384\nPEIOS_MODULE_BUILD_ID=deadbeef\n"
                "PEIOS_MODULE_PATH=/lib/modules/6.1.0-test/kernel/a/foo-bar.ko\n"
                "PEIOS_MODULE_PATH_FROM=modules.dep\nPEIOS_MODULE_SIGNATURE=appended\n";
        ck_assert_uint_ge(out.len, sizeof(want) - 1);
        ck_assert_int_eq(strncmp(out.data, want, sizeof(want) - 1), 0);
        ck_assert_int_eq(strstr(out.data, "PEIOS_MODULE_SHA256=") != NULL, sums);
}

TEST(a_module_by_its_path)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        capture_module(root.root, "foo_bar", ACTOR, "insmod /root/foo-bar.ko debug=1", &out);
        ck_assert_ptr_nonnull(strstr(buf_str(&out), "PEIOS_MODULE_PATH=/root/foo-bar.ko\n"));
        ck_assert_ptr_nonnull(strstr(out.data, "PEIOS_MODULE_PATH_FROM=command-line\n"));
        if (sums)
                ck_assert_ptr_nonnull(strstr(out.data, "PEIOS_MODULE_SHA256=ba7816bf"));
        /* Relative to what, nobody knows any more. */
        buf_clear(&out);
        capture_module(root.root, "foo_bar", ACTOR, "insmod foo-bar.ko", &out);
        ck_assert_ptr_nonnull(strstr(out.data, "PEIOS_MODULE_PATH_FROM=modules.dep\n"));
}

TEST(what_is_not_there_is_left_out)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        capture_module(root.root, "gone", AUDIT_ID_UNSET, "", &out);
        capture_module(root.root, "../../etc", AUDIT_ID_UNSET, "", &out);
        capture_module(root.root, "..", AUDIT_ID_UNSET, "", &out);
        ck_assert_uint_eq(out.len, 0);
        scratch_puts(&root, "/sys/module/foo_bar/notes/.note.gnu.build-id", "x");
        scratch_puts(&root, "/sys/module/foo_bar/version", "");
        capture_module(root.root, "foo_bar", AUDIT_ID_UNSET, "", &out);
        ck_assert_ptr_null(strstr(out.data, "BUILD_ID"));
        ck_assert_ptr_null(strstr(out.data, "MODULE_VERSION"));
}

/* To open one may wait, or do something. */
TEST(no_fifo_is_opened)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct inotify_event event;

        scratch_remove(&root, "/root/foo-bar.ko");
        ck_assert_int_eq(mkfifo(scratch_path(&root, "/root/foo-bar.ko"), 0600), 0);
        scratch_remove(&root, "/sys/module/foo_bar/version");
        ck_assert_int_eq(mkfifo(scratch_path(&root, "/sys/module/foo_bar/version"), 0600), 0);
        _cleanup_close_ int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        ck_assert_int_ge(inotify_add_watch(watch, scratch_path(&root, "/root/foo-bar.ko"), IN_OPEN), 0);
        capture_module(root.root, "foo_bar", ACTOR, "insmod /root/foo-bar.ko", &out);
        ck_assert_ptr_nonnull(strstr(out.data, "PEIOS_MODULE_PATH=/root/foo-bar.ko\n"));
        ck_assert_ptr_null(strstr(out.data, "SHA256"));
        ck_assert_int_eq(read(watch, &event, sizeof(event)), -1);
}

/* The path is the actor's own: a container has another file there. */
TEST(a_module_of_a_container)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        scratch_puts(&root, "/container/etc/x", "");
        scratch_remove(&root, "/proc/42/root");
        ck_assert_int_eq(
                symlink(scratch_path(&root, "/container"), scratch_path(&root, "/proc/42/root")), 0);
        capture_module(root.root, "foo_bar", ACTOR, "insmod /root/foo-bar.ko", &out);
        ck_assert_ptr_null(strstr(out.data, "SHA256"));
        /* Nor does a link in it lead out of it. */
        scratch_puts(&root, "/container/root/x", "");
        ck_assert_int_eq(symlink(scratch_path(&root, "/root/foo-bar.ko"),
                                 scratch_path(&root, "/container/root/foo-bar.ko")),
                0);
        buf_clear(&out);
        capture_module(root.root, "foo_bar", ACTOR, "insmod /root/foo-bar.ko", &out);
        ck_assert_ptr_null(strstr(out.data, "SHA256"));
        ck_assert_ptr_null(strstr(out.data, "SIGNATURE"));
        scratch_remove(&root, "/container/root/foo-bar.ko");
        scratch_puts(&root, "/container/root/foo-bar.ko", "~Module signature appended~\n");
        buf_clear(&out);
        capture_module(root.root, "foo_bar", ACTOR, "insmod /root/foo-bar.ko", &out);
        ck_assert_ptr_nonnull(strstr(out.data, "PEIOS_MODULE_SIGNATURE=appended\n"));
        ck_assert_ptr_nonnull(strstr(out.data, "PEIOS_MODULE_FILE_OF=actor\n"));
        /* Gone meanwhile, or not to be looked into: then it is said whose file was seen. */
        scratch_remove(&root, "/proc/42/root");
        buf_clear(&out);
        capture_module(root.root, "foo_bar", ACTOR, "insmod /root/foo-bar.ko", &out);
        ck_assert_ptr_nonnull(strstr(out.data, "PEIOS_MODULE_FILE_OF=service\n"));
}

TEST(a_large_file_has_no_sum)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        ck_assert_int_eq(truncate(scratch_path(&root, "/root/foo-bar.ko"), (off_t)32 * 1024 * 1024 + 1), 0);
        capture_module(root.root, "foo_bar", ACTOR, "insmod /root/foo-bar.ko", &out);
        ck_assert_ptr_nonnull(strstr(out.data, "PEIOS_MODULE_SHA256_LEFT_OUT=too-large\n"));
        ck_assert_ptr_null(strstr(out.data, "PEIOS_MODULE_SHA256="));
}

TEST(broken_notes)
{
        static const struct {
                const char *bytes;
                size_t n;
        } bad[] = { { "", 0 }, { "\4\0\0\0", 4 }, { "\5\0\0\0\1\0\0\0\3\0\0\0GNU\0x", 17 },
                { "\4\0\0\0\xff\xff\xff\xff\3\0\0\0GNU\0x", 17 }, { "\4\0\0\0\2\0\0\0\3\0\0\0GNU\0x", 17 },
                { "\4\0\0\0\1\0\0\0\2\0\0\0GNU\0x", 17 } };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_buf_ struct buf out = BUF_INIT;
                scratch_write(&root, "/sys/module/foo_bar/notes/.note.gnu.build-id", bad[i].bytes, bad[i].n);
                capture_module(root.root, "foo_bar", AUDIT_ID_UNSET, "", &out);
                ck_assert_ptr_null(strstr(out.data, "BUILD_ID"));
        }
}

static void make_family(void)
{
        static const struct fake_process family[] = {
                { .pid = 1, .comm = "systemd", .start = 1 },
                { .pid = 20, .parent = 1, .comm = "sshd", .start = 2 },
                { .pid = 30, .parent = 20, .comm = "bash", .start = 3 },
                { .pid = 42,
                        .parent = 30,
                        .comm = "insmod",
                        .command_line = "insmod /root/foo-bar.ko",
                        .start = 4 },
        };

        scratch_remove(&root, "/proc/42/root");
        for (size_t i = 0; i < ARRAY_SIZE(family); i++)
                fake_process_make(&root, &family[i]);
}

TEST(an_actor)
{
        struct taint_event e = { .module = "foo_bar", .actor = ACTOR_UNKNOWN };
        _cleanup_free_ char *text = NULL;

        make_family();
        e.actor.pid = 42;
        ck_assert_int_eq(capture_properties(root.root, &e, UINT64_MAX, &text), 0);
        ck_assert_ptr_nonnull(strstr(text, "PEIOS_MODULE_PATH=/root/foo-bar.ko\n"));
        ck_assert_ptr_nonnull(strstr(text, "PEIOS_ACTOR_COMMAND_LINE=insmod /root/foo-bar.ko\n"));
        ck_assert_ptr_nonnull(
                strstr(text, "PEIOS_ACTOR_CGROUP=/user.slice/user-1000.slice/session-3.scope/x\n"));
        ck_assert_ptr_nonnull(strstr(text, "PEIOS_ACTOR_UNIT=session-3.scope\n"));
        ck_assert_ptr_nonnull(strstr(text, "PEIOS_ACTOR_PARENTS=bash[30] < sshd[20] < systemd[1]\n"));
}

TEST(a_tie)
{
        struct taint_event e = { .tie = true, .actor = ACTOR_UNKNOWN };
        _cleanup_free_ char *text = NULL;

        ck_assert_int_eq(capture_properties(root.root, &e, UINT64_MAX, &text), 0);
        ck_assert_str_eq(text, "PEIOS_TAINT_TIE=yes\n");
}

TEST(another_task_of_the_number_is_not_asked)
{
        struct taint_event e = { .actor = ACTOR_UNKNOWN };
        _cleanup_free_ char *text = NULL;

        make_family();
        e.actor.pid = 42;
        ck_assert_int_eq(capture_properties(root.root, &e, 39999, &text), 0);
        ck_assert_ptr_null(text);
}

TEST(values_cannot_pretend_to_be_lines)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        scratch_puts(&root, "/sys/module/foo_bar/version", "x\rB=1\x7f\t\n");
        scratch_puts(&root, "/sys/module/foo_bar/srcversion", "\n");
        capture_module(root.root, "foo_bar", AUDIT_ID_UNSET, "", &out);
        ck_assert_ptr_nonnull(strstr(buf_str(&out), "PEIOS_MODULE_VERSION=x?B=1??\n"));
        ck_assert_ptr_null(strstr(buf_str(&out), "PEIOS_MODULE_SRCVERSION"));
}

TEST(parents_in_a_ring_end)
{
        static const struct fake_process ring[] = { { .pid = 5, .parent = 6, .comm = "a" },
                { .pid = 6, .parent = 5, .comm = "b" } };
        struct taint_event e = { .actor = ACTOR_UNKNOWN };
        _cleanup_free_ char *text = NULL;

        fake_process_make(&root, &ring[0]);
        fake_process_make(&root, &ring[1]);
        e.actor.pid = 5;
        ck_assert_int_eq(capture_properties(root.root, &e, UINT64_MAX, &text), 0);
        ck_assert_ptr_nonnull(strstr(text, "PEIOS_ACTOR_PARENTS=b[6] < a[5]"));
}

TEST(failing_allocations)
{
        struct taint_event e = { .module = "foo_bar", .actor = ACTOR_UNKNOWN };

        make_family();
        e.actor.pid = 42;
        for (unsigned n = 1;; n++) {
                _cleanup_free_ char *text = NULL;
                alloc_fail_at(n);
                int r = capture_properties(root.root, &e, UINT64_MAX, &text);
                if (!alloc_failed())
                        break;
                ck_assert(r == 0 || r == -ENOMEM);
                ck_assert(r == 0 || !text);
        }
}

Suite *test_suite(void)
{
        return suite_with("capture", setup, teardown);
}
