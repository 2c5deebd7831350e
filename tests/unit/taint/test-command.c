/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `taint decode` and `taint scan` print and return. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../../schema/base/file.h"
#include "../../../service/auditpol/show.h"
#include "scratch.h"
#include "suite.h"

typedef enum exit_code (*command_t)(const struct auditpol_options *o, int n, char *const *arguments);

static void setup(void)
{
        scratch_setup();
        ck_assert_int_eq(chdir(scratch_root.root), 0);
}

/* Runs it with `input` on standard input; what it prints is returned in `out`. */
static enum exit_code run(command_t command, const struct auditpol_options *o, const char *const *arguments,
        const char *input, struct buf *out)
{
        int n = 0, fd = open("in", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        while (arguments[n])
                n++;
        ck_assert_int_eq(file_write_all(fd, input, strlen(input)), 0);
        ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
        ck_assert_int_ge(dup2(fd, STDIN_FILENO), 0);
        (void)close(fd);
        (void)fflush(stdout);
        int saved = dup(STDOUT_FILENO);
        fd = open("out", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ck_assert_int_ge(dup2(fd, STDOUT_FILENO), 0);
        enum exit_code code = command(o, n, (char *const *)(uintptr_t)arguments);
        (void)fflush(stdout);
        ck_assert_int_ge(dup2(saved, STDOUT_FILENO), 0);
        ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
        ck_assert_int_eq(file_read_fd(fd, 1 << 20, out), 0);
        (void)close(fd);
        (void)close(saved);
        return code;
}

#define P_BIT                                                                                                         \
        "{\"bit\":0,\"symbol\":\"TAINT_PROPRIETARY_MODULE\",\"letter\":\"P\",\"meaning\":\"a proprietary module was " \
        "loaded\",\"severity\":\"notice\",\"advice\":\"Reproduce a fault without the module before reporting it, and ask the maker of the module\"}"

static const struct {
        struct auditpol_options o;
        const char *arguments[4], *input;
        enum exit_code code;
        const char *out; /* of JSON all of it, else a part */
} decodes[] = {
        { { .json = true }, { "1" }, "", EXIT_CODE_OK,
                "[{\"input\":\"1\",\"mask\":1,\"bits\":[" P_BIT "],\"ambiguous\":[],\"unknown\":[]}]\n" },
        { { .json = true }, { "0", "Not tainted" }, "", EXIT_CODE_OK,
                "[{\"input\":\"0\",\"mask\":0,\"bits\":[],\"ambiguous\":[],\"unknown\":[]},{\"input\":\"Not "
                "tainted\",\"mask\":0,\"bits\":[],\"ambiguous\":[],\"unknown\":[]}]\n" },
        /* from 2^53 up a string; a bit without a name stays */
        { { .json = true }, { "9007199254740992" }, "", EXIT_CODE_OK,
                "[{\"input\":\"9007199254740992\",\"mask\":\"9007199254740992\",\"bits\":[{\"bit\":53,\"symbol\":\"bit "
                "53\",\"letter\":null,\"meaning\":\"no meaning is known\",\"severity\":null,\"advice\":null}],\"ambiguous\":[],\"unknown\":[\"bit "
                "53\"]}]\n" },
        { { .json = true }, { "Tainted: P   Q" }, "", EXIT_CODE_OK,
                "[{\"input\":\"Tainted: P   Q\",\"mask\":1,\"bits\":[" P_BIT
                "],\"ambiguous\":[],\"unknown\":[\"Q\"]}]\n" },
        { { .json = true, .distro = "upstream" }, { "N" }, "", EXIT_CODE_OK,
                "[{\"input\":\"N\",\"mask\":262144,\"bits\":[{\"bit\":18,\"symbol\":\"TAINT_TEST\",\"letter\":\"N\","
                "\"meaning\":\"an in-kernel test was run\",\"severity\":\"warning\",\"advice\":\"Tests ran in this kernel: reboot before it does real work\"}],\"ambiguous\":[],\"unknown\":[]}]\n" },
        { { .json = true }, { "x", "1" }, "", EXIT_CODE_INVALID,
                "[{\"input\":\"x\",\"mask\":null,\"error\":\"'x': neither a number, nor taint letters, nor "
                "a line that reports taints\"},{\"input\":\"1\",\"mask\":1,\"bits\":[" P_BIT
                "],\"ambiguous\":[],\"unknown\":[]}]\n" },
        { { .json = true }, { "-" }, "a\nTainted: P\nb\n", EXIT_CODE_OK,
                "[{\"input\":\"Tainted: P\",\"mask\":1,\"bits\":[" P_BIT
                "],\"ambiguous\":[],\"unknown\":[]}]\n" },
        { { .json = true }, { "nvidia(P)" }, "", EXIT_CODE_OK,
                "[{\"input\":\"nvidia(P)\",\"mask\":1,\"bits\":[" P_BIT
                "],\"ambiguous\":[],\"unknown\":[],\"modules\":[{\"name\":\"nvidia\",\"mask\":1}]}]\n" },
        { { 0 }, { "G OX" }, "", EXIT_CODE_OK, "X is ambiguous: TAINT_AUX (bit 16, upstream)" },
        { { .distro = "ubuntu", .era = "3.13" }, { "G OX" }, "", EXIT_CODE_OK, "mask 12288 (0x3000)\n" },
        { { .era = "3.13.0-45-generic" }, { "G OX" }, "", EXIT_CODE_OK, "mask 12288 (0x3000)\n" },
        { { 0 }, { "0777" }, "", EXIT_CODE_OK, "as octal it would be 511" },
        { { 0 }, { "Tainted: P   Q" }, "", EXIT_CODE_OK, "Q has no known meaning" },
        { { 0 }, { "0" }, "", EXIT_CODE_OK, "not tainted" },
        { { 0 }, { "8" }, "", EXIT_CODE_OK, "no standard Peios build can set it\n" },
        { { 0 }, { "-" }, "", EXIT_CODE_INVALID, "" },
        { { 0 }, { "Tainted: P 6.1\x1b[31m" }, "", EXIT_CODE_OK, "Tainted: P 6.1\\x1b[31m\n" },
        { { 0 }, { NULL }, "", EXIT_CODE_USAGE, "" },
        { { .distro = "dos" }, { "1" }, "", EXIT_CODE_USAGE, "" },
        { { .era = "new" }, { "1" }, "", EXIT_CODE_USAGE, "" },
};

TEST(decode)
{
        for (size_t i = 0; i < ARRAY_SIZE(decodes); i++) {
                _cleanup_buf_ struct buf out = BUF_INIT;
                enum exit_code code =
                        run(taint_decode, &decodes[i].o, decodes[i].arguments, decodes[i].input, &out);
                bool fits = decodes[i].o.json ? strcmp(buf_str(&out), decodes[i].out) == 0
                                              : strstr(buf_str(&out), decodes[i].out) != NULL;
                ck_assert_msg(
                        code == decodes[i].code && fits, "case %zu: %d %s", i, (int)code, buf_str(&out));
        }
}

static const char log_text[] =
        "Modules linked in: nvidia(P)\nCPU: 0 Tainted: P   Q                6.12.1 #1\n"
        "CPU: 1 Not tainted 6.12.1 #1\n";

TEST(scan)
{
        static const struct {
                struct auditpol_options o;
                const char *argument;
                enum exit_code code;
                const char *out;
        } cases[] = {
                { { .csv = true }, "-", EXIT_CODE_OK,
                        "kind,name,bit,letters,reports,first,last,first_time,last_time\r\n"
                        "bit,\"TAINT_PROPRIETARY_MODULE\",0,P,1,\"standard input:37\",\"standard input:37\"," },
                { { .csv = true }, "-", EXIT_CODE_OK,
                        "undocumented,\"\",,Q,1,\"standard input:37\",\"standard input:37\"," },
                { { .csv = true }, "-", EXIT_CODE_OK,
                        "module,\"nvidia\",,P,1,\"standard input:37\",\"standard input:37\"," },
                { { .csv = true }, "-", EXIT_CODE_OK,
                        "kernel,\"6.12.1\",,P,1,\"standard input:37\",\"standard input:37\"," },
                { { .csv = true, .by = "module" }, "-", EXIT_CODE_OK,
                        "first_time,last_time\r\nmodule,\"nvidia\"" },
                { { .json = true, .by = "week" }, "-", EXIT_CODE_OK, "\"weeks\":[{\"week\":\"20" },
                { { .by = "week", .since = "1h" }, "-", EXIT_CODE_OK, "   reports  week\n         1  20" },
                { { .until = "1h" }, "-", EXIT_CODE_OK, "2 reports of other times are left out\n" },
                { { .by = "name" }, "-", EXIT_CODE_USAGE, "" },
                { { .since = "soon" }, "-", EXIT_CODE_USAGE, "" },
                { { .max_bytes = "1", .max_ratio = "1", .max_files = "1", .max_depth = "0" }, "-",
                        EXIT_CODE_OK, "1 tainted" },
                { { .max_bytes = "8388607T" }, "-", EXIT_CODE_OK, "" },
                { { .max_bytes = "8388608T" }, "-", EXIT_CODE_USAGE, "" },
                { { .max_bytes = "0" }, "-", EXIT_CODE_USAGE, "" },
                { { .max_ratio = "0" }, "-", EXIT_CODE_USAGE, "" },
                { { .max_files = "0K" }, "-", EXIT_CODE_USAGE, "" },
                { { .max_files = "K" }, "-", EXIT_CODE_USAGE, "" },
                { { .max_depth = "9" }, "-", EXIT_CODE_USAGE, "" },
                { { .max_depth = "" }, "-", EXIT_CODE_USAGE, "" },
                { { .json = true }, "-", EXIT_CODE_OK,
                        "{\"files\":1,\"bytes\":105,\"tainted\":1,\"unreadable\":0,\"clean\":1,\"ambiguous\":0,\"other_times\":0,\"bits\":[{\"bit\":0,"
                        "\"symbol\":\"TAINT_PROPRIETARY_MODULE\",\"letter\":\"P\",\"distro\":\"upstream\",\"reports\":1,"
                        "\"first\":{\"file\":\"standard input\",\"offset\":37,\"release\":\"6.12.1\",\"time_usec\":" },
                { { .json = true }, "-", EXIT_CODE_OK,
                        "\"examples\":[{\"text\":\"CPU: 0 Tainted: P   Q                6.12.1 #1\",\"place\":{" },
                { { .json = true }, "-", EXIT_CODE_OK,
                        "{\"module\":\"nvidia\",\"letters\":\"P\",\"mask\":1,\"reports\":1," },
                { { .json = true }, "-", EXIT_CODE_OK,
                        "{\"release\":\"6.12.1\",\"letters\":\"P\",\"mask\":1,\"clean\":1,\"reports\":1," },
                { { 0 }, "-", EXIT_CODE_OK, "1 tainted and 1 clean reports in 1 files, 105 bytes\n" },
                { { 0 }, "-", EXIT_CODE_OK, "first standard input, byte 37 (6.12.1), 20" },
                { { 0 }, "-", EXIT_CODE_OK, "1   ? Q without a known meaning\n" },
                { { 0 }, "-", EXIT_CODE_OK, "1  nvidia  P\n" },
                { { 0 }, "-", EXIT_CODE_OK, "1  6.12.1  P  (1 not tainted)\n" },
                { { .json = true }, "missing", EXIT_CODE_FAILURE,
                        "\"skipped\":[{\"file\":\"missing\",\"reason\":\"No such file or directory\"}]}\n" },
                { { .csv = true }, "missing", EXIT_CODE_FAILURE,
                        "kind,name,bit,letters,reports,first,last,first_time,last_time\r\n" },
                { { 0 }, "missing", EXIT_CODE_FAILURE, "skipped, whole or in part: 1\n  missing: No such" },
                { { 0 }, "", EXIT_CODE_FAILURE, "skipped, whole or in part: 1\n  : No such" },
                { { .json = true, .csv = true }, "-", EXIT_CODE_USAGE, "" },
                { { .distro = "dos" }, "-", EXIT_CODE_USAGE, "" },
                { { 0 }, NULL, EXIT_CODE_USAGE, "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_buf_ struct buf out = BUF_INIT;
                const char *const arguments[] = { cases[i].argument, NULL };
                enum exit_code code = run(taint_scan, &cases[i].o, arguments, log_text, &out);
                ck_assert_msg(code == cases[i].code && strstr(buf_str(&out), cases[i].out),
                        "case %zu: %d %s", i, (int)code, buf_str(&out));
        }
}

Suite *test_suite(void)
{
        return suite_with("taint-command", setup, scratch_teardown);
}
