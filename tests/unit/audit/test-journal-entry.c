/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "../../../schema/base/file.h"
#include "../../../schema/base/log.h"
#include "../../../schema/audit/record.h"
#include "alloc-faults.h"
#include "suite.h"

/* What stands in for the journal: its fields, a newline after each. */
static struct buf sent;
static unsigned n_sent;
static int send_result;
static bool have_socket;

int __wrap_sd_journal_sendv(const struct iovec *iov, int n);
int __wrap_access(const char *path, int mode);

int __wrap_sd_journal_sendv(const struct iovec *iov, int n)
{
        n_sent++;
        for (int i = 0; i < n; i++) {
                buf_add(&sent, iov[i].iov_base, iov[i].iov_len);
                buf_putc(&sent, '\n');
        }
        return send_result;
}

int __wrap_access(const char *path, int mode)
{
        ck_assert_str_eq(path, "/run/systemd/journal/socket");
        ck_assert_int_eq(mode, F_OK);
        errno = ENOENT;
        return have_socket ? 0 : -1;
}

static struct buf said;
static unsigned fail_at; /* the allocation that does; 0: none */

/* journal_entry_send() with standard error caught in `said`. */
static void run(const struct record *r, const char *text)
{
        int caught = memfd_create("stderr", 0), before = dup(STDERR_FILENO);

        ck_assert_int_ge(dup2(caught, STDERR_FILENO), 0);
        log_setup("peios", LOG_INFO);
        alloc_fail_at(fail_at);
        journal_entry_send(r, text);
        (void)alloc_failed();
        (void)fflush(stderr);
        ck_assert_int_ge(dup2(before, STDERR_FILENO), 0);
        (void)close(before);
        ck_assert_int_eq(lseek(caught, 0, SEEK_SET), 0);
        ck_assert_int_eq(file_read_fd(caught, 1u << 20, &said), 0);
        (void)close(caught);
}

static void reset(void)
{
        (void)unsetenv("JOURNAL_STREAM");
        n_sent = 0;
        send_result = 0;
        have_socket = true;
}

static void done(void)
{
        buf_done(&sent);
        buf_done(&said);
}

static const struct actor reg = {
        .pid = 4243,
        .uid = 1000,
        .loginuid = AUDIT_ID_UNSET,
        .session = 3,
        .comm = "peios\nreg",
        .exe = "/usr/bin/peios-reg",
};

static const struct record changed = {
        .kind = RECORD_POLICY_CHANGED,
        .op = "changed-taint-audit-policy",
        .path = "\\A\\B",
        .old_text = "enabled",
        .new_text = "it's off",
        .detail = "so it was asked",
        .actor = &reg,
        .when = 1732870000000123,
        .boot = "0f1e2d3c",
        .seqno = 9,
        .success = true,
};

TEST(fields)
{
        run(&changed, "op=x");
        ck_assert_uint_eq(n_sent, 1);
        ck_assert_str_eq(buf_str(&sent),
                "MESSAGE=Policy '\\A\\B' changed from 'enabled' to 'it\\x27s off', by 'peios\\x0areg' (pid 4243, "
                "uid 1000): so it was asked\n"
                "MESSAGE_ID=124b9f106dc345119f795987e112bca1\n"
                "PRIORITY=5\n"
                "PEIOS_OP=changed-taint-audit-policy\n"
                "PEIOS_PATH=\\A\\B\n"
                "PEIOS_OLD=enabled\n"
                "PEIOS_NEW=it's off\n"
                "PEIOS_ACTOR=known\n"
                "PEIOS_ACTOR_PID=4243\n"
                "PEIOS_ACTOR_UID=1000\n"
                "PEIOS_ACTOR_LOGINUID=?\n"
                "PEIOS_ACTOR_SESSION=3\n"
                "PEIOS_ACTOR_CONTEXT=?\n"
                "PEIOS_ACTOR_COMM=peios\nreg\n"
                "PEIOS_ACTOR_EXE=/usr/bin/peios-reg\n"
                "PEIOS_WHEN=1732870000.000123\n"
                "PEIOS_BOOT=0f1e2d3c\n"
                "PEIOS_SEQNO=9\n"
                "PEIOS_RESULT=success\n"
                "PEIOS_DETAIL=so it was asked\n"
                "PEIOS_AUDIT_TEXT=op=x\n");
        ck_assert_str_eq(buf_str(&said), "");
}

TEST(least)
{
        struct record r = { .kind = RECORD_CONTROL_VANISHED, .control = "a.b", .seqno = 1 };

        run(&r, NULL);
        ck_assert_str_eq(buf_str(&sent), "MESSAGE=Control 'a.b' went away\n"
                                         "MESSAGE_ID=8afc113e978b4e8a9a537d32ebc7e6f9\n"
                                         "PRIORITY=4\n"
                                         "PEIOS_OP=control-vanished\n"
                                         "PEIOS_CONTROL=a.b\n"
                                         "PEIOS_WHEN=?\n"
                                         "PEIOS_BOOT=?\n"
                                         "PEIOS_SEQNO=1\n"
                                         "PEIOS_RESULT=failed\n");
}

/* Forensic capture: the whole stack, and a field for each property that is one. */
TEST(captured)
{
        static const char stack[] = "a+0x1/0x2\nb+0x3/0x4 [m]\n";
        const struct record r = { .kind = RECORD_TAINT_SET,
                .taint = "TAINT_WARN",
                .bit = 9,
                .stack = stack,
                .properties =
                        "PEIOS_MODULE_VERSION=1.2 = 3\nMESSAGE=forged\n_UID=0\n\nPEIOS_x=1\nPEIOS_ACTOR\n"
                        "PEIOS_ACTOR_UNIT=a.service",
                .success = true };

        run(&r, NULL);
        ck_assert_ptr_nonnull(strstr(buf_str(&sent), "\nPEIOS_STACK=a+0x1/0x2\nb+0x3/0x4 [m]\n\n"));
        ck_assert_ptr_nonnull(strstr(buf_str(&sent), "\nPEIOS_RESULT=success\n"
                                                     "PEIOS_MODULE_VERSION=1.2 = 3\n"
                                                     "PEIOS_ACTOR_UNIT=a.service\n"));
        ck_assert_ptr_null(strstr(buf_str(&sent), "forged"));
        ck_assert_ptr_null(strstr(buf_str(&sent), "_UID=0"));
        ck_assert_ptr_null(strstr(buf_str(&sent), "PEIOS_x"));
}

TEST(many_properties)
{
        struct record r = changed;
        _cleanup_buf_ struct buf lines = BUF_INIT;
        unsigned n = 0;

        for (unsigned i = 0; i < 1000; i++)
                buf_printf(&lines, "PEIOS_PROPERTY_%u=x\n", i);
        r.properties = buf_str(&lines);
        run(&r, "op=x");
        for (const char *at = buf_str(&sent); (at = strstr(at, "PEIOS_PROPERTY_")); at++)
                n++;
        ck_assert_uint_eq(n, 32);
}

static const char printed[] = "peios: Policy '\\A\\B' changed from 'enabled' to 'it\\x27s off', by "
                              "'peios\\x0areg' (pid 4243, uid 1000): so it was asked\n";

TEST(no_journal)
{
        have_socket = false;
        run(&changed, "op=x");
        ck_assert_uint_eq(n_sent, 0);
        ck_assert_str_eq(buf_str(&said), printed);
}

TEST(journal_fails)
{
        send_result = -ECONNREFUSED;
        run(&changed, "op=x");
        ck_assert_uint_eq(n_sent, 1);
        ck_assert_str_eq(buf_str(&said), printed);
}

/* A value can be a megabyte: the entry has a limit. */
TEST(long_text)
{
        struct record r = changed;
        _cleanup_free_ char *big = malloc((1u << 20) + 1);

        memset(big, 'x', 1u << 20);
        big[1u << 20] = '\0';
        r.old_text = r.new_text = r.path = r.detail = big;
        run(&r, big);
        ck_assert_uint_lt(sent.len, 6 * 16384);
        ck_assert_uint_gt(sent.len, 5 * 16384);
}

/* Whatever is missing, the event is told of: in the journal, or as a line that names it. */
TEST(no_memory)
{
        unsigned n = 0;

        for (; n_sent == 0 && n < 100; n++) {
                buf_clear(&said);
                fail_at = n + 1;
                run(&changed, "op=x");
                ck_assert((said.len > 0) == (n_sent == 0));
        }
        ck_assert_uint_gt(n, 2);
        ck_assert_uint_eq(n_sent, 1);
}

Suite *test_suite(void)
{
        return suite_with("journal", reset, done);
}
