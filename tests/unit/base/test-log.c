/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>

#include "../../../schema/base/log.h"
#include "suite.h"

static char text[8192];
static int saved, pipe_fds[2];

static void begin_capture(void)
{
        ck_assert_int_eq(pipe2(pipe_fds, O_NONBLOCK), 0);
        saved = dup(STDERR_FILENO);
        ck_assert_int_eq(dup2(pipe_fds[1], STDERR_FILENO), STDERR_FILENO);
}

static const char *end_capture(void)
{
        ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
        ssize_t n = read(pipe_fds[0], text, sizeof(text) - 1);
        text[n > 0 ? n : 0] = '\0';
        (void)close(saved);
        (void)close(pipe_fds[0]);
        (void)close(pipe_fds[1]);
        return text;
}

TEST(lines_on_a_terminal)
{
        unsetenv("JOURNAL_STREAM");
        log_setup("program", LOG_NOTICE);
        begin_capture();
        log_error("bad %d", 1);
        log_notice("two\nlines\n");
        log_info("dropped");
        ck_assert_str_eq(end_capture(), "program: bad 1\nprogram: two lines \n");
}

TEST(lines_in_the_journal)
{
        setenv("JOURNAL_STREAM", "1:2", 1);
        log_setup("program", LOG_DEBUG);
        begin_capture();
        log_warning("a\n<0>b");
        log_debug("c");
        ck_assert_str_eq(end_capture(), "<4>a <0>b\n<7>c\n");
}

TEST(a_long_line_is_cut)
{
        unsetenv("JOURNAL_STREAM");
        log_setup("p", LOG_INFO);
        begin_capture();
        log_info("%4000d", 1);
        const char *line = end_capture();
        ck_assert_uint_eq(strlen(line), 2047 + strlen("p: \n"));
        ck_assert_int_eq(line[strlen(line) - 1], '\n');
}

Suite *test_suite(void)
{
        return suite_of("log");
}
