/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What peios-reg shows of texts that end with a NUL, as Peios's own clients write them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "client.h"

#define KEY "\\App\\Foreign"

static struct daemon reg = { .name = "reg", .notify_fd = -1 };

static void begin(void)
{
        ck_assert(asprintf(&reg.log, "%s/reg.log", world.dir) > 0);
        registryd_start(NULL);
        succeeds(world.bus, "Set", "ssuva{sv}", KEY, "Word", (uint32_t)REG_SZ, "ay", 4, 'o', 'n', 0, 0, 0);
        succeeds(world.bus, "Set", "ssuva{sv}", KEY, "List", (uint32_t)REG_MULTI_SZ, "ay", 5, 'a', 0, 'b', 0,
                0, 0);
        succeeds(world.bus, "Set", "ssuva{sv}", KEY, "None", (uint32_t)REG_MULTI_SZ, "ay", 1, 0, 0);
}

/* All that it prints, or a part. */
static void shows(bool all, const char *text, const char *a, const char *b, const char *c)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        (void)unlink(reg.log);
        spawn_program(&reg, "PEIOS_REG", a, b, c);
        ck_assert_int_eq(daemon_end(&reg), 0);
        ck_assert_int_eq(file_read(AT_FDCWD, reg.log, 100000, &out, NULL, NULL), 0);
        ck_assert_msg(all ? strcmp(buf_str(&out), text) == 0 : strstr(buf_str(&out), text) != NULL,
                "expected `%s` in: %s", text, buf_str(&out));
}

START_TEST(the_text_alone)
{
        begin();
        shows(true, "on\n", "get", KEY "\\Word", NULL);
        shows(true, "a\nb\n", "get", KEY "\\List", NULL);
        shows(true, "", "get", KEY "\\None", NULL);
        free(STEAL_PTR(reg.log));
}
END_TEST

START_TEST(the_bytes_beside_it)
{
        begin();
        shows(false, "Word = on   (4 bytes with their NULs)\n", "ls", "-l", KEY);
        shows(false, "REG_SZ on   (4 bytes with their NULs)\n", "why", KEY "\\Word", NULL);
        shows(false, "REG_MULTI_SZ a, b   (5 bytes with their NULs)\n", "why", KEY "\\List", NULL);
        shows(false, "\"data\":\"on\",\"hex\":\"6f6e0000\"", "get", "--json", KEY "\\Word");
        shows(false, "\"data\":[\"a\",\"b\"],\"hex\":\"6100620000\"", "get", "--json", KEY "\\List");
        free(STEAL_PTR(reg.log));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { the_text_alone, the_bytes_beside_it };
        return harness_main(tests, ARRAY_SIZE(tests));
}
