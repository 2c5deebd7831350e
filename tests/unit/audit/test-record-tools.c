/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ausearch and aureport read a log of our records: none is hidden, none is forged, none changes its result.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "../../../schema/base/file.h"
#include "samples.h"
#include "suite.h"

static char log_path[] = "/tmp/audit-log-XXXXXX";

static void make_log(void)
{
        _cleanup_close_ int fd = mkstemp(log_path);
        _cleanup_buf_ struct buf lines = BUF_INIT;

        ck_assert_int_ge(fd, 0);
        for (unsigned i = 0; i < ARRAY_SIZE(samples); i++)
                sample_line(&lines, &samples[i], i + 1);
        ck_assert_int_eq(lines.error, 0);
        ck_assert_int_eq(file_write_all(fd, lines.data, lines.len), 0);
}

static void remove_log(void)
{
        (void)unlink(log_path);
}

/* Runs `tool … --input LOG` and returns what it prints. Exit code 1 is ausearch's "no match". */
static void run(const char *tool, struct buf *out)
{
        FILE *pipe = popen(textf("LC_ALL=C TZ=UTC %s --input %s </dev/null", tool, log_path), "r");
        ck_assert_ptr_nonnull(pipe);
        ck_assert_int_eq(file_read_fd(fileno(pipe), 1u << 20, out), 0);
        int status = pclose(pipe);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
}

static unsigned count(const char *text, const char *what)
{
        unsigned n = 0;

        for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
                n++;
        return n;
}

static unsigned count_success(bool success)
{
        unsigned n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
                n += samples[i].success == success;
        return n;
}

enum want {
        NONE,
        ALL,
        SUCCEEDED,
        FAILED,
};

static const struct {
        const char *tool;
        enum want want;
} cases[] = {
        { "ausearch --raw", ALL },
        { "ausearch --raw -m USYS_CONFIG", ALL },
        { "ausearch --raw -ui 0", ALL },
        { "ausearch --raw -ui 4242", NONE },
        { "ausearch --raw -ul 4294967295", ALL },
        { "ausearch --raw -ul 4242", NONE },
        { "ausearch --raw -x " SAMPLE_EXE, ALL },
        { "ausearch --raw -x /x -w", NONE },
        { "ausearch --raw -p 321", ALL },
        { "ausearch --raw -sv no", FAILED },
        { "ausearch --raw -sv yes", SUCCEEDED },
};

TEST_EACH(searches, ARRAY_SIZE(cases))
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        unsigned want[] = { 0, ARRAY_SIZE(samples), count_success(true), count_success(false) };
        run(cases[_i].tool, &out);
        unsigned found = count(buf_str(&out), "type=USYS_CONFIG");
        ck_assert_msg(found == want[cases[_i].want], "%s: %u, not %u", cases[_i].tool, found,
                want[cases[_i].want]);
}

TEST(interprets)
{
        static const char *const want[] = {
                "op=changed-taint-audit-policy path=" SAMPLE_PATH
                " old=enabled new=disabled actor=known spid=4243 suid=",
                " oses=3 scontext=unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023 ocomm=peios-reg cmd=",
                " cmd=/usr/bin/peios-reg when=1699999983.000456 boot=0f1e2d3c late=17 seqno=9 exe=",
                "op=control-drift old=3 new=0x1000 control=kernel.audit_taint_events reason=put-back actor=unknown spid=",
                " spid=4294967295 suid=unset sauid=unset oses=",
                "op=audit-events-lost reason=queue-full count=17 since=? when=1699999983.000456 boot=0f1e2d3c late=17 seqno=12",
                " ocomm=res=failed cmd=",
                (" cmd=/usr/bin/peios-reg stack=add_taint+0x1/0x60,foo:foo_init.isra.0+0x12/0x20,"
                 "do_one_initcall+0x56/0x230 when=1699999983.000456 boot=0f1e2d3c late=17 seqno=14 exe="),
        };
        _cleanup_buf_ struct buf out = BUF_INIT;

        run("ausearch -i", &out);
        /* One rule and one line for a record, whatever its text: newlines stay escaped. */
        ck_assert_uint_eq(count(buf_str(&out), "\n----\n") + 1, ARRAY_SIZE(samples));
        ck_assert_uint_eq(count(buf_str(&out), "\ntype=USYS_CONFIG "), ARRAY_SIZE(samples));
        for (size_t i = 0; i < ARRAY_SIZE(want); i++)
                ck_assert_msg(strstr(buf_str(&out), want[i]), "no `%s` in: %s", want[i], buf_str(&out));
}

TEST(reports)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        run("aureport -c", &out);
        ck_assert_uint_eq(count(buf_str(&out), " USYS_CONFIG -1 yes "), count_success(true));
        ck_assert_uint_eq(count(buf_str(&out), " USYS_CONFIG -1 no "), count_success(false));
}

Suite *test_suite(void)
{
        if (system("command -v ausearch >/dev/null && command -v aureport >/dev/null") != 0) {
                (void)fprintf(stderr,
                        "SKIP: ausearch and aureport (package auditd or audit) are missing, so they "
                        "did not read our records\n");
                return NULL;
        }
        return suite_with("record-tools", make_log, remove_log);
}
