/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A copy of the database, made while others write: Backup() and peios-reg backup. Whether the database is as
 * it should be: Check() and peios-reg check. */
#include <stdio.h>
#include <unistd.h>

#include "client.h"
#include "shell.h"

#define KEY "\\Test\\Key"

/* The copy takes the database's place. */
static void restart_with(const char *file)
{
        daemon_stop(&world.registryd);
        (void)shell_output(
                0, textf("cp '%s' '%s' && rm -f '%s-wal' '%s-shm'", file, world_path(LAYOUT_STORE),
                           world_path(LAYOUT_STORE), world_path(LAYOUT_STORE)));
        registryd_start(NULL);
}

/* It is of one moment: of what one writer writes, some, and nothing that is later. */
START_TEST(while_others_write)
{
        char bytes[65536];
        uint32_t i = 0;
        int fd;

        registryd_start(NULL);
        for (; i < 500; i++)
                set_number(world.bus, KEY, "N", i);
        _cleanup_message_ sd_bus_message *reply = answer_while_writing(world.bus, KEY, &i, "Backup", NULL);
        ck_assert_int_eq(sd_bus_message_is_method_error(reply, NULL), 0);
        ck_assert_int_gt(sd_bus_message_read(reply, "h", &fd), 0);
        /* It cannot be written, and nothing of it is left in the folder. */
        ck_assert_int_lt(write(fd, "x", 1), 0);
        ck_assert(!world_has(LAYOUT_STATE "/backup.new"));
        FILE *f = fopen(world_path("/copy"), "w");
        ck_assert_ptr_nonnull(f);
        for (ssize_t n; (n = read(fd, bytes, sizeof(bytes))) > 0;)
                ck_assert_uint_eq(fwrite(bytes, 1, (size_t)n, f), (size_t)n);
        ck_assert_int_eq(fclose(f), 0);
        restart_with(world_path("/copy"));
        _cleanup_message_ sd_bus_message *m = answer(world.bus, "Get", "ss", KEY, "N");
        uint32_t type, found;
        ck_assert_int_gt(sd_bus_message_read(m, "uv", &type, "u", &found), 0);
        ck_assert_uint_ge(found, 499);
        ck_assert_uint_lt(found, i);
}
END_TEST

START_TEST(the_program)
{
        char copy[256];

        registryd_start(NULL);
        set_string(world.bus, KEY, "V", "one");
        (void)snprintf(copy, sizeof(copy), "%s/copy.db", world.dir);
        shell_is(0, "reg backup copy.db; ls -l copy.db | cut -c1-10", "-rw-------\n");
        set_string(world.bus, KEY, "V", "two");
        SHELL_SAYS(5, "reg backup copy.db", "copy.db: File exists");
        SHELL_SAYS(5, "reg backup no/folder/copy.db", "no/folder/copy.db: No such file or directory");
        restart_with(copy);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "one base");
        /* Its history came with it. */
        SHELL_SAYS(0, "reg history /Test/Key V", "none -> REG_SZ one");
}
END_TEST

START_TEST(checked_while_others_write)
{
        uint32_t i = 0;

        registryd_start(NULL);
        for (; i < 200; i++)
                set_number(world.bus, KEY, "N", i);
        _cleanup_message_ sd_bus_message *reply = answer_while_writing(world.bus, KEY, &i, "Check", NULL);
        ck_assert_int_eq(sd_bus_message_is_method_error(reply, NULL), 0);
        ck_assert_int_gt(sd_bus_message_enter_container(reply, 'a', "s"), 0);
        ck_assert_int_gt(sd_bus_message_at_end(reply, 0), 0);
}
END_TEST

/* What nobody but another program can have done. */
#define SQL(file, text)                                                                                     \
        "python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])' " file   \
        " \"" text "\"; "
#define SPOIL(file) SQL(file, "UPDATE value SET type = 99 WHERE folded = 'v'")
#define FOUND                                                                                               \
        "\\Machine\\Test\\Key: value 'V' of layer base has type 99, expected 0 to 11, or 65535 for a mask\n"

START_TEST(the_program_checks)
{
        registryd_start(NULL);
        set_string(world.bus, KEY, "V", "one");
        shell_is(0, "reg check; reg check -q", "all is as it should be\n");
        shell_is(0, "reg check --json", "{\"findings\":[]}\n");
        /* What is no fault of the database is said beside it. */
        SHELL_SAYS(0,
                "reg set -f /System/Registry/Layers/x Precedence sz:high; reg check; reg del -r -y /System/Registry/Layers/x",
                "all is as it should be", "expected a REG_DWORD");
        /* Beside the provider that has it open, and a copy. */
        shell_is(0, "reg check root" LAYOUT_STORE, "all is as it should be\n");
        shell_is(0, "reg backup copy.db; reg check copy.db", "all is as it should be\n");
        (void)shell_output(0, SPOIL("copy.db"));
        shell_is(4, "reg check copy.db", FOUND "peios-reg: copy.db: 1 thing is not as it should be\n");
        SHELL_SAYS(
                4, "reg check --json copy.db", "{\"findings\":[\"\\\\Machine\\\\Test\\\\Key: value 'V' of");
        (void)shell_output(0, SPOIL("root" LAYOUT_STORE));
        shell_is(4, "reg check", FOUND "peios-reg: the registry: 1 thing is not as it should be\n");

        SHELL_SAYS(5, "reg check no.db", "no.db: No such file or directory");
        SHELL_SAYS(5, "mkfifo fifo; reg check fifo", "fifo: no regular file");
        SHELL_SAYS(5, "reg check .", ".: no regular file: Is a directory");
        SHELL_SAYS(4, "echo 'This is no database.' >bad; reg check bad", "bad: file is not a database");
        SHELL_SAYS(4, SQL("other.db", "CREATE TABLE a(b)") "reg check other.db",
                "other.db: this is another program's database, expected the registry's");
        SHELL_SAYS(4, SQL("copy.db", "PRAGMA user_version = 99") "reg check copy.db",
                "copy.db: the store has format 99, expected 3");
}
END_TEST

/* Beside a copy of the program that is where anybody may put something. */
START_TEST(what_is_planted_is_not_run)
{
        shell_is(1,
                "mkdir open; chmod 1777 open; cp $PEIOS_REG open; "
                "printf '#!/bin/sh\\necho planted\\n' >open/peios-reg-store; chmod 755 open/peios-reg-store; "
                "open/peios-reg check f 2>/dev/null | grep planted",
                "");
}
END_TEST

/* Nothing is done while the provider runs, and what it does then belongs to whom the folder belongs to. */
START_TEST(the_program_repairs)
{
        registryd_start(NULL);
        set_string(world.bus, KEY, "V", "one");
        SHELL_SAYS(5, "reg repair --root root", "peios-registryd uses this folder: stop it first");
        daemon_stop(&world.registryd);
        shell_is(0, "reg repair --root root", "all is as it should be\n");
        (void)shell_output(0, SQL("root" LAYOUT_STORE, "UPDATE value SET folded = 'x' WHERE folded = 'v'"));
        SHELL_SAYS(0, "reg repair --root root --dry-run",
                "value 'V' of layer base is stored as 'x', expected 'v'", "all of that would be mended");
        SHELL_SAYS(0, "reg repair --root root --json", "{\"outcome\":\"mended\",",
                "all of that is mended; registry.db.corrupt-1 is what it was", "stored as 'x'");
        (void)shell_output(0, SPOIL("root" LAYOUT_STORE));
        SHELL_SAYS(4, "reg repair --root root", "has type 99", "there is no good backup: nothing is done");
        SHELL_SAYS(0,
                SQL("root" LAYOUT_STORE,
                        "UPDATE value SET type = 1 WHERE folded = 'v'") "cd root" LAYOUT_STATE
                                                                        "; cp registry.db backup-00000000000000000001.db; cd - >/dev/null; " SPOIL(
                                                                                "root" LAYOUT_STORE) "reg repair --root root",
                "has type 99", "it was set aside as registry.db.corrupt-2", "was loaded");
        registryd_start(NULL);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "one base");
}
END_TEST

/* The folder is another user's, and a link in it leads to what only root's group may write. */
START_TEST(repair_has_nothing_of_root)
{
        registryd_start(NULL);
        daemon_stop(&world.registryd);
        SHELL_SAYS(5,
                "mv root" LAYOUT_STORE " secret; chown 0:0 secret; chmod 660 secret; chmod 755 .. . root; "
                "ln -s $PWD/secret root" LAYOUT_STORE "; chown -R -h 65534:65534 root" LAYOUT_STATE "; "
                "setpriv --groups 0 $PEIOS_REG repair --root root",
                "registry.db: ", "Permission denied");
}
END_TEST

START_TEST(who_may)
{
        registryd_start(NULL);
        _cleanup_bus_ sd_bus *other = world_connect(UID_NOBODY);
        refused(other, ERROR_ACCESS_DENIED, "only root may have the database checked", "Check", "");
        refused(other, ERROR_ACCESS_DENIED, "only root may have a copy", "Backup", "");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { while_others_write, the_program, checked_while_others_write,
                the_program_checks, the_program_repairs, what_is_planted_is_not_run };
        const TTest *const privileged[] = { who_may, repair_has_nothing_of_root };
        harness_add_privileged(privileged, ARRAY_SIZE(privileged),
                "that another user gets no copy, and that repair has nothing of root's");
        return harness_main(tests, ARRAY_SIZE(tests));
}
