/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-reg as people type it: each command is a line for the shell, with `reg` for the program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "client.h"
#include "dropin.h"

#define OUTPUT_MAX (4u * 1024u * 1024u)

/* What the line says, standard error too, which must end with this exit code. Good until the next call. */
static const char *output(int code, const char *line)
{
        static struct buf out = BUF_INIT;
        _cleanup_free_ char *script = NULL;
        size_t n;

        buf_done(&out);
        ck_assert(asprintf(&script, "exec 2>&1; reg() { \"$PEIOS_REG\" --root='%s' \"$@\"; }; cd '%s'; %s",
                          world.root, world.dir, line) > 0);
        FILE *f = popen(script, "r");
        ck_assert_ptr_nonnull(f);
        do {
                ck_assert_int_eq(buf_reserve(&out, 65536), 0);
                n = fread(out.data + out.len, 1, 65536, f);
                out.len += n;
                out.data[out.len] = '\0';
        } while (n > 0 && out.len < OUTPUT_MAX);
        int status = pclose(f);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == code, "%s: %d: %s", line,
                WEXITSTATUS(status), buf_str(&out));
        return buf_str(&out);
}

/* Each of the texts is in it, in this order. */
static void says(int code, const char *line, const char *const *texts)
{
        const char *all = output(code, line), *at = all;

        for (; *texts; texts++) {
                at = strstr(at, *texts);
                ck_assert_msg(at, "%s: no `%s` in: %s", line, *texts, all);
                at += strlen(*texts);
        }
}
#define SAYS(code, line, ...) says(code, line, (const char *const[]){ __VA_ARGS__, NULL })

static void is(int code, const char *line, const char *expected)
{
        const char *all = output(code, line);
        ck_assert_msg(strcmp(all, expected) == 0, "%s: expected `%s`, not: %s", line, expected, all);
}

START_TEST(tables)
{
        registryd_start(NULL);
        (void)set_number(world.bus, "\\System\\Registry\\Layers\\レイヤー", "Precedence", 0);
        set_string(world.bus, "\\T", "日本語", "a");
        set_string(world.bus, "\\T", "e\u0301", "b");
        set_in_layer(world.bus, "レイヤー", "\\T", "V", "in it");
        set_string(world.bus, "\\T", "V", "c");
        (void)output(0, "reg -q set /T Long 0x9:00ff");
        is(0, "reg ls -l /T | sed 's/base [0-9]* */base N  /'",
                "REG_SZ                        1  base N  e\u0301 = b\n"
                "REG_FULL_RESOURCE_DESCRIPTOR  2  base N  Long = 00ff\n"
                "REG_SZ                        1  base N  V = c\n"
                "REG_SZ                        1  base N  日本語 = a\n");
        SAYS(0, "reg why /T V | sed 's/sequence [0-9]*/sequence N/'",
                "\n* base      precedence 0  sequence N  REG_SZ c\n",
                "  レイヤー  precedence 0  sequence N  REG_SZ in it   (shadowed)\n");
}
END_TEST

/* A terminal gets headings, and a pipe does not. */
START_TEST(headings)
{
        registryd_start(NULL);
        set_string(world.bus, "\\T", "V", "c");
        SAYS(0, "script -qec \"$PEIOS_REG ls -l /T\" /dev/null", "TYPE    SIZE  FROM    NAME\r\n",
                "REG_SZ     1  base ", "  V = c\r\n");
        SAYS(0, "script -qec \"$PEIOS_REG why /T V\" /dev/null",
                "\n  LAYER  PRECEDENCE  SEQUENCE  VALUE\r\n", "* base   0           ", "REG_SZ c\r\n");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { tables, headings };
        Suite *suite = suite_create("reg");
        harness_add(suite, tests, ARRAY_SIZE(tests));
        return harness_main(suite);
}
