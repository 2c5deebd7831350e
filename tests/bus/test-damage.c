/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A database that is not as it should be when the provider starts: what is served, and what is told of it.
 */
#include <string.h>

#include "client.h"

#define KEY "\\Test\\Key"
#define BACKUP LAYOUT_STATE "/backup-00000000000000000001.db"
#define ASIDE LAYOUT_STORE ".corrupt-1"

/* Numbers go on so much higher. */
#define JUMP (UINT64_C(1) << 32)

static uint64_t written;

static void stop_with_a_value(void)
{
        registryd_start(NULL);
        written = set_string(world.bus, KEY, "V", "kept");
        daemon_stop(&world.registryd);
}

static void expect_problem(const char *text)
{
        const char *problems = registry_property(world.bus, "Problems");

        ck_assert_msg(strstr(problems, "[('" LAYOUT_STORE "' '") == problems && strstr(problems, text), "%s",
                problems);
}

/* As somebody does who goes back to a backup. */
START_TEST(missing)
{
        stop_with_a_value();
        world_rename(LAYOUT_STORE, BACKUP);
        registryd_start(NULL);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "kept base");
        expect_problem("registry.db: is missing; backup-00000000000000000001.db was loaded");
        ck_assert_uint_eq(set_string(world.bus, KEY, "V", "new"), written + JUMP + 1);
        refused(world.bus, ERROR_NOT_KEPT, "is not in the history", "Undo", "a{sv}", 1, "sequence", "t",
                written + 1);
        ck_assert(!world_has(ASIDE));
}
END_TEST

START_TEST(not_a_database)
{
        stop_with_a_value();
        world_rename(LAYOUT_STORE, BACKUP);
        world_write(LAYOUT_STORE, "This is no database.\n");
        registryd_start(NULL);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "kept base");
        expect_problem(
                "it was set aside as registry.db.corrupt-1, and backup-00000000000000000001.db was loaded");
        ck_assert_str_eq(world_read(ASIDE), "This is no database.");
}
END_TEST

START_TEST(without_backup)
{
        world_write(LAYOUT_STORE, "This is no database.\n");
        registryd_start(NULL);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "-");
        expect_problem("there was no good backup, so the registry began empty");
        ck_assert_str_eq(world_read(ASIDE), "This is no database.");
        (void)set_string(world.bus, KEY, "V", "new");
        /* The next start has nothing to tell of. */
        daemon_stop(&world.registryd);
        registryd_start(NULL);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "new base");
        ck_assert_str_eq(registry_property(world.bus, "Problems"), "[]");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { missing, not_a_database, without_backup };
        return harness_main(tests, ARRAY_SIZE(tests));
}
