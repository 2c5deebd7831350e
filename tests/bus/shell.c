/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "client.h"

#define OUTPUT_MAX (4u * 1024u * 1024u)

const char *shell_output(int code, const char *line)
{
        static struct buf out = BUF_INIT;
        _cleanup_free_ char *script = NULL;
        size_t n;

        buf_done(&out);
        ck_assert(asprintf(&script, "exec 2>&1; reg() { \"$PEIOS_REG\" \"$@\"; }; cd '%s'; %s", world.dir,
                          line) > 0);
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

void shell_says(int code, const char *line, const char *const *texts)
{
        const char *all = shell_output(code, line), *at = all;

        for (; *texts; texts++) {
                at = strstr(at, *texts);
                ck_assert_msg(at, "%s: no `%s` in: %s", line, *texts, all);
                at += strlen(*texts);
        }
}

void shell_is(int code, const char *line, const char *expected)
{
        const char *all = shell_output(code, line);
        ck_assert_msg(strcmp(all, expected) == 0, "%s: expected `%s`, not: %s", line, expected, all);
}
