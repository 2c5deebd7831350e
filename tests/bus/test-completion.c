/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What bash, zsh and fish offer behind the commands, from a registry that is there. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "client.h"
#include "dropin.h"
#include "shell.h"

static struct daemon bash = { .name = "bash", .notify_fd = -1 };

static const char *offered(const char *line)
{
        static struct buf out = BUF_INIT;

        buf_done(&out);
        (void)unlink(bash.log);
        spawn_program(&bash, "PEIOS_COMPLETION", line, NULL, NULL);
        ck_assert_int_eq(daemon_end(&bash), 0);
        ck_assert_int_eq(file_read(AT_FDCWD, bash.log, 100000, &out, NULL, NULL), 0);
        return buf_str(&out);
}

static void fill(void)
{
        registryd_start(NULL);
        set_string(world.bus, "\\App", "Color", "red");
        set_string(world.bus, "\\App\\Columns", "Width", "80");
        set_string(world.bus, "\\App\\My files", "Two words", "x");
        set_string(world.bus, "\\App\\My files", "a:b", "x");
        set_string(world.bus, "\\App\\My files", "slash/ed", "x");
        set_string(world.bus, "\\App\\My files", "li\nes", "x");
        set_string(world.bus, "\\App\\c:d", "x", "x");
        set_number(world.bus, "\\System\\Registry\\Layers\\trial", "Precedence", 5);
        dropin_write("file.yaml", dropin_text("file", 5, "disabled"));
}

START_TEST(offers)
{
        static const struct {
                const char *line, *offered;
        } cases[] = {
                { "peios-reg g", "get\n" },
                { "peios-reg get '\\App\\Col", "\\App\\Color\n\\App\\Columns\n\\App\\Columns\\\n" },
                { "peios-reg ls '\\App\\Col", "\\App\\Columns\n" },
                { "peios-reg ls '\\ap", "\\App\n\\App\\\n" },
                { "peios-reg get '\\app' col", "Color\n" },
                /* What is only known, and what has blanks, colons and separators in it. */
                { "peios-reg ls '\\sys", "\\System\n\\System\\\n" },
                { "peios-reg ls /System/au", "/System/Audit\n/System/Audit/\n" },
                { "peios-reg ls /System/p", "/System/Process\n" },
                { "peios-reg ls /System/Audit/met", "/System/Audit/Metrics\n" },
                { "peios-reg man /System/Audit/met", "/System/Audit/Metrics\n/System/Audit/Metrics/\n" },
                { "peios-reg get /System/Process/p",
                        "/System/Process/PidMax\n/System/Process/PidMaxOnDrift\n" },
                { "peios-reg man /System/Process pidmaxo", "PidMaxOnDrift\n" },
                { "peios-reg get '\\App\\my f", "\\App\\My files\n\\App\\My files\\\n" },
                { "peios-reg get /App/My\\ f", "/App/My files\n/App/My files/\n" },
                { "peios-reg get /App/My\\ files ", "Two words\na:b\nslash/ed\n" },
                { "peios-reg get '/App/My files/", "/App/My files/Two words\n/App/My files/a:b\n" },
                { "peios-reg get /App/c:", "d\nd/\n" },
                { "peios-reg get '/App/c:", "/App/c:d\n/App/c:d/\n" },
                { "peios-reg get mach", "Machine\nMachine\\\n" },
                { "peios-reg get '\\no\\such", "\n" },
                { "peios-reg get /App/\xff", "\n" },
                { "peios-reg set "
                  "/System/Process/PidMaxOnDrift re",
                        "reapply\nreport\n" },
                { "peios-reg set /System/Process pidmaxond", "PidMaxOnDrift\n" },
                { "peios-reg set /System/Process PidMaxOnDrift rep", "report\n" },
                { "peios-reg set /System/Audit KallsymsRestrict ", "0\n1\n2\n" },
                { "peios-reg set /App Color dw", "dword-be:\ndword:\n" },
                { "peios-reg set --layer=", "base\ntrial\n" },
                { "peios-reg set --layer TR", "trial\n" },
                { "peios-reg complete la", "layer\n" },
                { "peios-reg set '" MODULES "' TaintEvents su", "success-only\n" },
                { "peios-reg get --ra", "--raw\n" },
                { "peios-reg set --forc", "--force\n" },
                { "peios-reg set --from=/proc/sys/kernel/taint", "/proc/sys/kernel/tainted\n" },
                { "peios-reg set --from /proc/sys/kernel/taint", "/proc/sys/kernel/tainted\n" },
                { "peios-reg set --type=dw", "dword\ndword-be\n" },
                { "peios-reg set --from=x '\\app' col", "Color\n" },
                { "peios-reg set --from x '" MODULES "' TaintEvents su", "\n" },
                { "peios-reg history --since 1d --until 2h '\\app' col", "Color\n" },
                { "peios-reg ls 'HKLM\\ap", "HKLM\\App\nHKLM\\App\\\n" },
                { "peios-reg query '\\app' /v", "/v\n/ve\n" },
                { "peios-reg query '\\app' /s /V col", "Color\n" },
                { "peios-reg add '\\app' /t REG_D", "REG_DWORD\nREG_DWORD_BIG_ENDIAN\n" },
                { "peios-auditpol ", "events\nexplain\nget\nset\nstatus\ntaint\n" },
                { "peios-auditpol set f", "failure-only\n" },
                { "peios-auditpol --json se", "set\n" },
                { "peios-auditpol taint ", "check\ndecode\nscan\n" },
                { "peios-auditpol taint decode --distro=de", "debian\n" },
                { "peios-auditpol --distro debian taint s", "scan\n" },
                { "peios-auditpol --distro=debian taint s", "scan\n" },
                { "peios-auditpol taint scan /proc/sys/kernel/taint", "/proc/sys/kernel/tainted\n" },
                { "peios-auditpol --root /proc/sys/kern", "/proc/sys/kernel\n" },
                { "peios-auditpol --cs", "--csv\n" },
                { "peios-auditpol taint scan --max-d", "--max-depth=\n" },
                { "peios-auditpol --max-depth 3 taint s", "scan\n" },
                { "peios-auditpol get ", "\n" },
        };

        ck_assert(asprintf(&bash.log, "%s/bash.log", world.dir) > 0);
        fill();
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *text = offered(cases[i].line);
                ck_assert_msg(strcmp(text, cases[i].offered) == 0, "%s offers: %s", cases[i].line, text);
        }
        if (getenv("PEIOS_REGEDIT"))
                ck_assert_str_eq(offered("peios-regedit /App/Col"), "/App/Columns\n");
        free(STEAL_PTR(bash.log));
}
END_TEST

/* The files are tried without a program in tests/unit/options/test-completion.sh; here with what that says.
 * A line and, sorted, what it offers. */
#define OFFERED                                                                                             \
        "peios-reg ls /System/Audit/|/System/Audit/Metrics /System/Audit/Modules\n"                         \
        "peios-reg ls '\\App\\Col|\\App\\Columns\n"                                                         \
        "peios-reg get /App/Col|/App/Color /App/Columns\n"                                                  \
        "peios-reg get /App/My\\ f|/App/My files\n"                                                         \
        "peios-reg get /App/My\\ files |Two words a:b slash/ed\n"                                           \
        "peios-reg get /App col|Color\n"                                                                    \
        "peios-reg ls /App/c:|/App/c:d\n"                                                                   \
        "peios-reg get /System/Process/p|/System/Process/PidMax /System/Process/PidMaxOnDrift\n"            \
        "peios-reg man /System/Process pidmaxo|PidMaxOnDrift\n"                                             \
        "peios-reg set /System/Process/PidMaxOnDrift re|reapply report\n"                                   \
        "peios-reg set /System/Process PidMaxOnDrift re|reapply report\n"                                   \
        "peios-reg set /App Color dw|dword-be: dword:\n"                                                    \
        "peios-reg set /System/Registry/Layers/new |Enabled Ends Precedence\n"                              \
        "peios-reg set --layer=t|trial\n"                                                                   \
        "peios-reg ls /no/such|\n"

static void offers_in(const char *shell)
{
        _cleanup_free_ char *cases = NULL, *line = NULL;

        fill();
        ck_assert(asprintf(&cases, "%s/cases", world.dir) > 0);
        FILE *f = fopen(cases, "we");
        ck_assert(f && fputs(OFFERED, f) >= 0 && fclose(f) == 0);
        ck_assert(
                asprintf(&line,
                        "COMPLETIONS=\"$PEIOS_COMPLETIONS\" sh \"$PEIOS_SOURCE\"/tests/unit/options/test-completion.sh "
                        "%s cases",
                        shell) > 0);
        shell_is(0, line, "");
}

START_TEST(in_zsh)
{
        offers_in("zsh");
}
END_TEST

START_TEST(in_fish)
{
        offers_in("fish");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { offers }, *const zsh[] = { in_zsh }, *const fish[] = { in_fish };
        harness_add_with(zsh, ARRAY_SIZE(zsh), "zsh", "what zsh offers");
        harness_add_with(fish, ARRAY_SIZE(fish), "fish", "what fish offers");
        return harness_main(tests, ARRAY_SIZE(tests));
}
