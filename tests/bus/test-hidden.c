/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A key that a layer hides: everybody is told by which one. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "client.h"
#include "dropin.h"

#define HIDING(key) "peios-registry: 1\nlayer: lid\nprecedence: 9\nkeys:\n  " key ": !hidden\n"

static struct daemon reg = { .name = "reg", .notify_fd = -1 };

/* What peios-reg says, standard error first or last. */
static void says(int code, const char *const *arguments, const char *text)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        (void)unlink(reg.log);
        spawn_program(&reg, "PEIOS_REG", arguments[0], arguments[1], arguments[2]);
        int got = daemon_end(&reg);
        ck_assert_int_eq(file_read(AT_FDCWD, reg.log, 100000, &out, NULL, NULL), 0);
        ck_assert_msg(
                got == code && strstr(buf_str(&out), text), "%d, no `%s` in: %s", got, text, buf_str(&out));
}
#define SAYS(code, text, ...) says(code, (const char *const[3]){ __VA_ARGS__ }, text)

static void begin(const char *hiding)
{
        ck_assert(asprintf(&reg.log, "%s/reg.log", world.dir) > 0);
        dropin_write("90-lid.yaml", hiding);
        registryd_start(NULL);
}

static void end(void)
{
        free(STEAL_PTR(reg.log));
}

START_TEST(a_key)
{
        begin(HIDING("\\App\\Inner"));
        set_string(world.bus, "\\App\\Inner\\Deep", "V", "1");
        refused(world.bus, ERROR_NOT_FOUND, "no such key: layer lid hides 'Inner' in Machine\\App", "Get",
                "ss", "\\App\\Inner\\Deep", "V");
        refused(world.bus, ERROR_NOT_FOUND, "no such key: there is no 'Other' in Machine\\App", "Get", "ss",
                "\\App\\Other\\Deep", "V");
        _cleanup_message_ sd_bus_message *why =
                answer(world.bus, "Resolve", "ss", "\\App\\Inner\\Deep", "V");
        const char *text = message_text(why);
        ck_assert_msg(strstr(text, "[('lid' 9 '" LAYOUT_DROPINS_ADMIN "/90-lid.yaml' ") &&
                              strstr(text, "'hides-key' 0 '')]"),
                "%s", text);
        SAYS(0, "hides the key, or one above it", "why", "/App/Inner/Deep", "V");
        end();
}
END_TEST

/* The default is what counts then, and no layer of that name "wins". */
START_TEST(a_key_of_the_schema)
{
        begin(HIDING(MODULES));
        SAYS(0, "written, but a layer above base masks the value or its key, and the default REG_SZ enabled is in force",
                "set", MODULES "\\TaintEvents", "disabled");
        SAYS(0, "hides the key, or one above it", "why", MODULES, "TaintEvents");
        SAYS(0, "default", "why", MODULES, "TaintEvents");
        end();
}
END_TEST

/* What the layer has can be taken back. */
START_TEST(a_key_is_deleted)
{
        begin(HIDING("\\App\\Inner"));
        set_string(world.bus, "\\App\\Inner\\Deep", "V", "1");
        SAYS(4, "the key has the subkey 'Deep'", "del", "/App/Inner", NULL);
        SAYS(0, "del \\App\\Inner ", "del", "-r", "/App/Inner");
        SAYS(2, "layer base has no value 'Inner'", "del", "/App/Inner", NULL);
        SAYS(2, "no such key", "del", "-r", "/Nope/x");
        end();
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { a_key, a_key_of_the_schema, a_key_is_deleted };
        return harness_main(tests, ARRAY_SIZE(tests));
}
