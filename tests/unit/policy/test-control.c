/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Outcomes on plain files of a scratch root; what only a kernel can answer is in test-control-faults.c. */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../service/policy/control.h"
#include "scratch.h"
#include "suite.h"

#define NAME "kernel.audit_taint_events"
#define FILE_PATH "/proc/sys/kernel/audit_taint_events"

static struct control *make(const struct scratch *s, const char *name)
{
        struct control *c = NULL;
        struct diag d = { 0 };

        ck_assert_msg(control_new(s->root, name, &c, &d) == 0, "%s: %s", name, d.text);
        return c;
}

/* What the kernel asks for behind the file's mode has a name. */
TEST(errors_for_people)
{
        ck_assert_ptr_nonnull(strstr(control_strerror(EPERM), "the kernel asks for a capability"));
        ck_assert_str_eq(control_strerror(EACCES), strerror(EACCES));
        ck_assert_str_eq(control_strerror(EINVAL), strerror(EINVAL));
}

TEST(names_become_paths)
{
        static const struct {
                const char *name, *path;
        } cases[] = {
                { "kernel.pid_max", "/proc/sys/kernel/pid_max" },
                { "net.ipv4.conf.eth0/100.rp_filter", "/proc/sys/net/ipv4/conf/eth0.100/rp_filter" },
                { "single", "/proc/sys/single" },
                { "a./b", "/proc/sys/a/.b" },
                { "a.///b", "/proc/sys/a/...b" },
                { "a.///", "/proc/sys/a/..." },
                { "a.b..", NULL },
                { "", NULL },
                { ".", NULL },
                { ".a", NULL },
                { "a.", NULL },
                { "a..b", NULL },
                { "/", NULL },
                { "//", NULL },
                { "a./.b", NULL },
                { "a.//.b", NULL },
                { "a.b.//", NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_control_ struct control *c = NULL;
                struct diag d = { 0 };
                int r = control_new("/some/root/", cases[i].name, &c, &d);
                if (!cases[i].path) {
                        ck_assert_msg(r == -EINVAL, "'%s': %d", cases[i].name, r);
                        ck_assert_ptr_null(c);
                        ck_assert_ptr_nonnull(strstr(d.text, "expected"));
                        continue;
                }
                ck_assert_msg(r == 0, "'%s': %s", cases[i].name, d.text);
                ck_assert_str_eq(control_name(c), cases[i].name);
                ck_assert_str_eq(control_path(c) + strlen("/some/root"), cases[i].path);
        }
        ck_assert_int_eq(control_new(NULL, "a..b", &(struct control *){ NULL }, NULL), -EINVAL);
}

TEST(real_root_has_no_prefix)
{
        _cleanup_control_ struct control *c = NULL;

        ck_assert_int_eq(control_new(NULL, NAME, &c, NULL), 0);
        ck_assert_str_eq(control_path(c), FILE_PATH);
        ck_assert_ptr_null(control_free(NULL));
}

struct apply_case {
        const char *before; /* NULL: no file */
        const char *text;
        enum control_outcome outcome;
        const char *found, *now;
        const char *after; /* the file's bytes */
};

static const struct apply_case apply_cases[] = {
        { NULL, "1", CONTROL_ABSENT, "", "", NULL },
        { "0\n", "1", CONTROL_WRITTEN, "0", "1", "1\n" },
        { "1\n", "1", CONTROL_HOLDS, "1", "1", "1\n" },
        { "1", "1", CONTROL_HOLDS, "1", "1", "1" },
        { "1", "1\n", CONTROL_HOLDS, "1", "1", "1" },
        { "10\n", "1", CONTROL_WRITTEN, "10", "1", "1\n" },
        { "1\n", "10", CONTROL_WRITTEN, "1", "10", "10\n" },
        { "a much longer old text\n", "short", CONTROL_WRITTEN, "a much longer old text", "short",
                "short\n" },
        /* Many fields: blanks between them do not matter. */
        { "4\t4\t1\t7\n", "4 4 1 7", CONTROL_HOLDS, "4 4 1 7", "4 4 1 7", "4\t4\t1\t7\n" },
        { " 4 \t 4\t\t1  7 \t\n", "4 4 1 7", CONTROL_HOLDS, "4 4 1 7", "4 4 1 7", " 4 \t 4\t\t1  7 \t\n" },
        { "4\t4\t1\t7\n", " 4  4\t1 7", CONTROL_HOLDS, "4 4 1 7", "4 4 1 7", "4\t4\t1\t7\n" },
        { "4\t4\t1\t7\n", "4 4 1 8", CONTROL_WRITTEN, "4 4 1 7", "4 4 1 8", "4 4 1 8\n" },
        { "4\t4\t1\t7\n", "4417", CONTROL_WRITTEN, "4 4 1 7", "4417", "4417\n" },
        /* Numbers are text. */
        { "1\n", "01", CONTROL_WRITTEN, "1", "01", "01\n" },
        { "1\n", "0x1", CONTROL_WRITTEN, "1", "0x1", "0x1\n" },
        /* No text is a text. */
        { "", "", CONTROL_HOLDS, "", "", "" },
        { "\n", "", CONTROL_HOLDS, "", "", "\n" },
        { "", "core", CONTROL_WRITTEN, "", "core", "core\n" },
        { "core\n", "", CONTROL_WRITTEN, "core", "", "\n" },
};

TEST_EACH(apply, ARRAY_SIZE(apply_cases))
{
        const struct apply_case *t = &apply_cases[_i];
        if (t->before)
                scratch_puts(&scratch_root, FILE_PATH, t->before);

        _cleanup_control_ struct control *c = make(&scratch_root, NAME);
        struct control_result result;
        memset(&result, 0xA5, sizeof(result));
        control_apply(c, t->text, &result);
        ck_assert_int_eq(result.outcome, t->outcome);
        ck_assert_int_eq(result.error, 0);
        ck_assert_str_eq(result.found, t->found);
        ck_assert_str_eq(result.now, t->now);

        _cleanup_buf_ struct buf after = BUF_INIT;
        ck_assert(scratch_read(&scratch_root, FILE_PATH, &after) == (t->after != NULL));
        if (t->after)
                ck_assert_str_eq(buf_str(&after), t->after);
}

TEST(equal_text_is_not_written)
{
        static const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
        scratch_puts(&scratch_root, FILE_PATH, "1\n");
        ck_assert_int_eq(utimensat(-1, scratch_path(&scratch_root, FILE_PATH), old, 0), 0);

        _cleanup_control_ struct control *c = make(&scratch_root, NAME);
        struct control_result result;
        struct stat st;
        control_apply(c, "1", &result);
        ck_assert_int_eq(stat(scratch_path(&scratch_root, FILE_PATH), &st), 0);
        ck_assert_int_eq(st.st_mtime, 1000);
        control_apply(c, "2", &result);
        ck_assert_int_eq(stat(scratch_path(&scratch_root, FILE_PATH), &st), 0);
        ck_assert_int_ne(st.st_mtime, 1000);
}

TEST(parent_that_is_a_control_means_absent)
{
        scratch_puts(&scratch_root, FILE_PATH, "1\n");

        _cleanup_control_ struct control *c = make(&scratch_root, NAME ".more");
        struct control_result result;
        control_apply(c, "2", &result);
        ck_assert_int_eq(result.outcome, CONTROL_ABSENT);
        ck_assert_int_eq(result.error, 0);
        char text[8];
        ck_assert_int_eq(control_read(c, text, sizeof(text)), -ENOENT);
}

static void put_directory(const struct scratch *s)
{
        scratch_folder(s, FILE_PATH);
}

static void put_fifo(const struct scratch *s)
{
        scratch_fifo(s, FILE_PATH);
}

static void put_link(const struct scratch *s)
{
        scratch_puts(s, "/proc/sys/kernel/other", "untouched\n");
        scratch_link(s, FILE_PATH, "other");
}

static void put_dangling_link(const struct scratch *s)
{
        scratch_link(s, FILE_PATH, "nothing");
}

static const struct {
        void (*put)(const struct scratch *s);
        int error;
} wrong_kinds[] = {
        { put_directory, EISDIR },
        { put_fifo, ENXIO },
        { put_link, ELOOP },
        { put_dangling_link, ELOOP },
};

static void leave_alone(int number, bool once)
{
        _cleanup_scratch_ struct scratch s;
        scratch_new(&s);
        scratch_puts(&s, "/proc/sys/kernel/here", "");
        wrong_kinds[number].put(&s);

        _cleanup_control_ struct control *c = make(&s, NAME);
        struct control_result result;
        if (once)
                control_open_once(c);
        control_apply(c, "1", &result);
        ck_assert_int_eq(result.outcome, CONTROL_FAILED);
        ck_assert_int_eq(result.error, wrong_kinds[number].error);
        ck_assert_str_eq(result.found, "");
        ck_assert_str_eq(result.now, "");
        ck_assert(!control_refresh(c));
        ck_assert(!control_present(c));
        char text[8];
        ck_assert_int_eq(control_read(c, text, sizeof(text)), -wrong_kinds[number].error);

        _cleanup_buf_ struct buf other = BUF_INIT;
        if (scratch_read(&s, "/proc/sys/kernel/other", &other))
                ck_assert_str_eq(buf_str(&other), "untouched\n");
        ck_assert(!scratch_exists(&s, "/proc/sys/kernel/nothing"));
}

TEST_EACH(what_is_no_control_is_left_alone, ARRAY_SIZE(wrong_kinds))
{
        leave_alone(_i, false);
        leave_alone(_i, true);
}

TEST(reading)
{
        _cleanup_control_ struct control *c = make(&scratch_root, NAME);
        char text[CONTROL_TEXT_MAX] = "as before";

        ck_assert_int_eq(control_read(c, text, sizeof(text)), -ENOENT);
        scratch_write(&scratch_root, FILE_PATH, "1\0002\n", 4);
        ck_assert_int_eq(control_read(c, text, sizeof(text)), -EBADMSG);
        scratch_puts(&scratch_root, FILE_PATH, "12345678\n");
        ck_assert_int_eq(control_read(c, text, 8), -EFBIG);
        ck_assert_str_eq(text, "as before");
        ck_assert_int_eq(control_read(c, text, 9), 0);
        ck_assert_str_eq(text, "12345678");
        scratch_puts(&scratch_root, FILE_PATH, "first  line\nsecond\n\n");
        ck_assert_int_eq(control_read(c, text, sizeof(text)), 0);
        ck_assert_str_eq(text, "first line\nsecond");
}

/* The longest text that is read and written, and one byte more. */
TEST(limits)
{
        scratch_puts(&scratch_root, FILE_PATH, "1\n");
        _cleanup_control_ struct control *c = make(&scratch_root, NAME);
        static char text[CONTROL_TEXT_MAX + 1], found[CONTROL_TEXT_MAX];
        static struct control_result result;

        memset(text, 'x', CONTROL_TEXT_MAX);
        control_apply(c, text, &result);
        ck_assert_int_eq(result.outcome, CONTROL_FAILED);
        ck_assert_int_eq(result.error, E2BIG);
        ck_assert_int_eq(control_read(c, found, sizeof(found)), 0);
        ck_assert_str_eq(found, "1");

        text[CONTROL_TEXT_MAX - 1] = '\0';
        control_apply(c, text, &result);
        ck_assert_int_eq(result.outcome, CONTROL_WRITTEN);
        ck_assert_str_eq(result.now, text);
        control_apply(c, text, &result);
        ck_assert_int_eq(result.outcome, CONTROL_HOLDS);

        memset(text, 'y', CONTROL_TEXT_MAX);
        scratch_puts(&scratch_root, FILE_PATH, text);
        ck_assert_int_eq(control_read(c, found, sizeof(found)), -EFBIG);
        control_apply(c, "2", &result);
        ck_assert_int_eq(result.outcome, CONTROL_WRITTEN);
        ck_assert_str_eq(result.found, "");
        ck_assert_str_eq(result.now, "2");
}

TEST(refresh_follows_the_file)
{
        _cleanup_control_ struct control *c = make(&scratch_root, NAME);

        ck_assert(!control_present(c));
        ck_assert(!control_refresh(c));
        ck_assert(!control_present(c));

        scratch_puts(&scratch_root, FILE_PATH, "0\n");
        ck_assert(control_refresh(c));
        ck_assert(control_present(c));
        ck_assert(!control_refresh(c));

        scratch_remove(&scratch_root, FILE_PATH);
        ck_assert(control_refresh(c));
        ck_assert(!control_present(c));
        ck_assert(!control_refresh(c));

        scratch_puts(&scratch_root, FILE_PATH, "0\n");
        ck_assert(control_refresh(c));
        scratch_puts(&scratch_root, FILE_PATH, "0\n");
        ck_assert_msg(control_refresh(c), "another inode at the same path");
        ck_assert(control_present(c));
        ck_assert(!control_refresh(c));

        scratch_remove(&scratch_root, FILE_PATH);
        put_directory(&scratch_root);
        ck_assert(control_refresh(c));
        ck_assert(!control_present(c));
}

/* Applying and reading follow the file too; the watcher still has to hear of it. */
TEST(apply_does_not_swallow_a_change)
{
        scratch_puts(&scratch_root, FILE_PATH, "0\n");
        _cleanup_control_ struct control *c = make(&scratch_root, NAME);
        struct control_result result;

        ck_assert(control_refresh(c));
        scratch_puts(&scratch_root, FILE_PATH, "5\n");
        control_apply(c, "1", &result);
        ck_assert_int_eq(result.outcome, CONTROL_WRITTEN);
        ck_assert_str_eq(result.found, "5");
        ck_assert(control_refresh(c));

        /* Away, noticed by apply, and back, perhaps with the old inode's number. */
        scratch_remove(&scratch_root, FILE_PATH);
        control_apply(c, "1", &result);
        ck_assert_int_eq(result.outcome, CONTROL_ABSENT);
        scratch_puts(&scratch_root, FILE_PATH, "0\n");
        ck_assert(control_refresh(c));
        ck_assert(control_present(c));
        ck_assert(!control_refresh(c));
}

Suite *test_suite(void)
{
        return suite_with("control", scratch_setup, scratch_teardown);
}
