/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registry becomes what a copy has: Restore() and peios-reg restore. What is handed over may be
 * anything. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "client.h"
#include "shell.h"

#define KEY "\\Test\\Key"
#define LAYERS "\\System\\Registry\\Layers"

static int open_file(const char *name)
{
        _cleanup_buf_ struct buf path = BUF_INIT;

        buf_printf(&path, "%s/%s", world.dir, name);
        int fd = open(buf_str(&path), O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        return fd;
}

static int on_reply(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        *(sd_bus_message **)userdata = sd_bus_message_ref(m);
        return 1;
}

static const char *problems(void)
{
        return registry_property(world.bus, "Problems");
}

static void start_with_copy(void)
{
        registryd_start(NULL);
        set_string(world.bus, KEY, "V", "one");
        succeeds(world.bus, "CreateKey", "sa{sv}", KEY "\\Sub", 0);
        (void)shell_output(0, "reg backup copy.db");
}

START_TEST(the_program)
{
        start_with_copy();
        shell_is(0, "reg restore copy.db | grep -v sequence", "there would be no effective change\n");
        (void)shell_output(
                0, "reg set /Test/Key V two; reg set /Test/Key/New W w; reg del -r -y /Test/Key/Sub");
        SHELL_SAYS(0, "reg restore --dry-run copy.db", "dry run: nothing is written",
                "Machine\\Test\\Key  V = REG_SZ one");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "two base");
        SHELL_SAYS(0, "reg restore copy.db </dev/null; reg tree --values /Test", "V = REG_SZ one",
                "restored: ", "Machine\\Test\\\n  Key\\\n    V = REG_SZ one\n    Sub\\\n");
        /* Again there is nothing to do, and nothing is recorded. */
        SHELL_SAYS(0,
                "reg history --json /Test -s >before; reg restore --json copy.db; "
                "reg history --json /Test -s | cmp before - && echo same",
                "\"changes\":0", "same");
        /* It is a change as any other: its history has a row, and it can be taken back. */
        SHELL_SAYS(0,
                "n=$(reg history --json --count=1 /Test/Key V | sed 's/.*\"sequence\":\\([0-9]*\\),.*/\\1/'); "
                "reg undo -q $n; reg get /Test/Key V; reg get /Test/Key/New W",
                "two", "w");
        ck_assert(!world_has(LAYOUT_STATE "/restore.new"));
        ck_assert_str_eq(problems(), "[]");
        /* What changes nothing that is seen is done, and not told of. */
        (void)shell_output(0,
                "reg set /System/Registry/Layers/site Precedence 5; reg set /Test/Key V old; "
                "reg set --layer site /Test/Key V new; reg backup two.db; reg set /Test/Key V other");
        shell_is(0, "reg restore two.db | grep -v sequence", "there would be no effective change\n");
        (void)shell_output(0, "reg del --layer site /Test/Key V");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "old base");
}
END_TEST

/* A layer of the copy is there again, with what it had; one that came since is gone. */
START_TEST(layers)
{
        registryd_start(NULL);
        set_number(world.bus, LAYERS "\\site", "Precedence", 5);
        (void)shell_output(0,
                "reg set --layer site /Test/Key V site; reg set /Test/Key V one; reg backup copy.db; "
                "reg del -r -y /System/Registry/Layers/site; "
                "reg set /System/Registry/Layers/new Precedence 7; "
                "reg set --layer new /Test/Key V new");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "new new");
        (void)shell_output(0, "reg restore -q copy.db");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "site site");
        ck_assert_ptr_null(strstr(registry_property(world.bus, "Layers"), "new"));
}
END_TEST

/* As Peios's own `reg` has them: a key and all below it, over a file that is there. */
START_TEST(a_key)
{
        start_with_copy();
        shell_is(0, "echo old >f; reg backup Machine/Test/Key f", "backed up \\Test\\Key -> f\n");
        shell_is(0, "reg backup --json Machine/Test/Key f",
                "{\"backup\":\"Machine\\\\Test\\\\Key\",\"file\":\"f\"}\n");
        SHELL_SAYS(2, "reg backup Machine/Test/None f", "no such key");
        (void)shell_output(0, "reg set /Test/Key V two; reg set /Test/Key/New W w; reg set /Test/Other V o");
        SHELL_SAYS(0, "reg restore -y Machine/Test/Key f", "V = REG_SZ one", "restored: ");
        SHELL_SAYS(0, "reg restore --json Machine/Test/Key f",
                "{\"restore\":\"Machine\\\\Test\\\\Key\",\"file\":\"f\",");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "one base");
        ck_assert_str_eq(get_text(world.bus, KEY "\\New", "W"), "-");
        ck_assert_str_eq(get_text(world.bus, "\\Test\\Other", "V"), "o base");
        shell_is(0, "reg restore -q /Test/Key f; reg set -q /Test/Key V two; reg restore -q /Test/Key/Sub f",
                "");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "two base");
}
END_TEST

/* Of one that was killed amid it. */
START_TEST(left_behind)
{
        world_write(LAYOUT_STATE "/restore.new", "half a copy");
        registryd_start(NULL);
        ck_assert(!world_has(LAYOUT_STATE "/restore.new"));
}
END_TEST

START_TEST(while_others_write)
{
        registryd_start(NULL);
        for (uint32_t i = 0; i < 300; i++)
                set_number(world.bus, KEY, textf("N%u", i), i);
        (void)shell_output(0, "reg backup copy.db; reg del -r -y /Test/Key; reg set /Test/Key Mine 1");
        _cleanup_close_ int fd = open_file("copy.db");
        uint32_t i = 0;
        _cleanup_message_ sd_bus_message *reply =
                answer_while_writing(world.bus, "\\Test\\Busy", &i, "Restore", "ha{sv}", fd, 0);
        ck_assert_msg(!sd_bus_message_is_method_error(reply, NULL), "%s",
                sd_bus_message_get_error(reply) ? sd_bus_message_get_error(reply)->message : "");
        _cleanup_message_ sd_bus_message *last = answer(world.bus, "Get", "ss", KEY, "N299");
        ck_assert_ptr_nonnull(strstr(message_text(last), "4 u:299 "));
        ck_assert_str_eq(get_text(world.bus, KEY, "Mine"), "-");
}
END_TEST

/* ---- What is handed over ---- */

static void refuses(int fd, const char *name, const char *text)
{
        refused(world.bus, name, text, "Restore", "ha{sv}", fd, 0);
        refused(world.bus, name, text, "PreviewRestore", "ha{sv}", fd, 0);
        (void)close(fd);
        ck_assert(!world_has(LAYOUT_STATE "/restore.new"));
        /* That is no fault of the registry's own database. */
        ck_assert_str_eq(problems(), "[]");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "two base");
}

static int open_path(const char *path, int flags)
{
        int fd = open(path, flags | O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        return fd;
}

#define PYTHON(text) "python3 -c 'import sqlite3; " text "'"

START_TEST(anything_else)
{
        int ends[2];

        start_with_copy();
        set_string(world.bus, KEY, "V", "two");
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        refuses(ends[0], ERROR_INVALID_VALUE, "no regular file");
        (void)close(ends[1]);
        refuses(open_path("/", O_RDONLY | O_DIRECTORY), ERROR_INVALID_VALUE, "no regular file");
        refuses(open_path("/dev/zero", O_RDONLY), ERROR_INVALID_VALUE, "no regular file");
        (void)shell_output(0, "mkfifo fifo");
        _cleanup_buf_ struct buf fifo = BUF_INIT;
        buf_printf(&fifo, "%s/fifo", world.dir);
        refuses(open_path(buf_str(&fifo), O_RDWR), ERROR_INVALID_VALUE, "no regular file");
        (void)shell_output(0,
                ": >empty; echo 'This is no database.' >text; head -c 3000 copy.db >cut; "
                "truncate -s 1000T sparse || truncate -s 7T sparse; cp copy.db larger; truncate -s +1M larger");
        refuses(open_file("empty"), ERROR_INVALID_VALUE,
                "the copy is not as it should be: nothing is in it yet");
        refuses(open_file("text"), ERROR_INVALID_VALUE,
                "the copy is not as it should be: file is not a database");
        refuses(open_file("cut"), ERROR_INVALID_VALUE, "the copy is not as it should be: ");
        refuses(open_file("sparse"), ERROR_STORAGE, "would leave less than that free");
        refuses(open_path(world_path("/../text"), O_WRONLY), ERROR_STORAGE, "the copy cannot be read");
        (void)shell_output(0,
                PYTHON("sqlite3.connect(\"other\").execute(\"CREATE TABLE a(b)\")") "; cp copy.db newer; cp copy.db bad; " PYTHON(
                        "sqlite3.connect(\"newer\").execute(\"PRAGMA user_version = 99\")") "; " PYTHON("c = sqlite3.connect(\"bad\"); c.execute(\"UPDATE value SET type = 99\"); c.commit()"));
        refuses(open_file("other"), ERROR_INVALID_VALUE, "another program's database");
        refuses(open_file("newer"), ERROR_INVALID_VALUE, "the store has format 99, expected 3");
        refuses(open_file("bad"), ERROR_INVALID_VALUE, "has type 99");
        /* Options that nobody knows. */
        _cleanup_close_ int fd = open_file("copy.db");
        refused(world.bus, ERROR_INVALID_VALUE, "", "Restore", "ha{sv}", fd, 1, "layer", "s", "x");
        refused(world.bus, ERROR_INVALID_NAME, "", "Restore", "ha{sv}", fd, 1, "key", "s", "a\\\\b");
        (void)shell_output(0,
                "cp copy.db huge; " PYTHON(
                        "c = sqlite3.connect(\"huge\"); c.execute(\"UPDATE value SET data = zeroblob(140000000)\"); c.commit()"));
        refuses(open_file("huge"), ERROR_INVALID_VALUE, "something in it is larger than");
        SHELL_SAYS(5, "reg restore none.db", "none.db: No such file or directory");
        SHELL_SAYS(5, "reg restore fifo", "fifo");
        SHELL_SAYS(4, "reg restore bad", "the copy is not as it should be: ", "has type 99");
}
END_TEST

/* From memory, where it can neither grow nor change; read from its begin, wherever its reader stands. */
START_TEST(sealed)
{
        _cleanup_buf_ struct buf bytes = BUF_INIT;
        _cleanup_close_ int memory = memfd_create("copy", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        start_with_copy();
        set_string(world.bus, KEY, "V", "two");
        _cleanup_close_ int fd = open_file("copy.db");
        ck_assert_int_eq(file_read_fd(fd, SIZE_MAX, &bytes), 0);
        ck_assert_int_eq(file_write_all(memory, bytes.data, bytes.len), 0);
        ck_assert_int_eq(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
        succeeds(world.bus, "Restore", "ha{sv}", memory, 0);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "one base");
}
END_TEST

/* What is written to it while it is read makes it a bad one or a good one, and nothing else. */
START_TEST(changing)
{
        start_with_copy();
        set_string(world.bus, KEY, "V", "two");
        _cleanup_buf_ struct buf path = BUF_INIT, bytes = BUF_INIT;
        buf_printf(&path, "%s/copy.db", world.dir);
        _cleanup_close_ int fd = open_path(buf_str(&path), O_RDWR);
        ck_assert_int_eq(file_read_fd(fd, SIZE_MAX, &bytes), 0);
        for (unsigned i = 0; i < 20; i++) {
                _cleanup_message_ sd_bus_message *reply = NULL;
                ck_assert_int_ge(
                        sd_bus_call_method_async(world.bus, NULL, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                REGISTRY_INTERFACE, "PreviewRestore", on_reply, &reply, "ha{sv}", fd, 0),
                        0);
                unsigned n = 0;
                while (!reply) {
                        const off_t at = (off_t)((n * 7919u) % (bytes.len - 1024));
                        ck_assert_int_gt(pwrite(fd, n % 2 ? bytes.data + at : "garbage", 7, at), 0);
                        if (n % 5 == 0)
                                ck_assert_int_gt(pwrite(fd, "more", 4, (off_t)bytes.len + (off_t)n), 0);
                        n++;
                        bus_turn(world.bus);
                }
        }
        ck_assert_str_eq(problems(), "[]");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "two base");
}
END_TEST

/* Nobody but root may even send a descriptor. */
START_TEST(who_may)
{
        start_with_copy();
        _cleanup_bus_ sd_bus *other = world_connect(UID_NOBODY);
        _cleanup_close_ int fd = open_file("copy.db");
        refused(other, SD_BUS_ERROR_ACCESS_DENIED, "", "Restore", "ha{sv}", fd, 0);
        refused(other, SD_BUS_ERROR_ACCESS_DENIED, "", "PreviewRestore", "ha{sv}", fd, 0);
        /* Root may for these, and for nothing else. */
        refused(world.bus, SD_BUS_ERROR_ACCESS_DENIED, "", "Get", "h", fd);
        succeeds(world.bus, "PreviewRestore", "ha{sv}", fd, 0);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { the_program, layers, a_key, while_others_write, anything_else, sealed,
                changing, left_behind };
        const TTest *const privileged[] = { who_may };
        harness_add_privileged(privileged, ARRAY_SIZE(privileged), "that another user restores nothing");
        return harness_main(tests, ARRAY_SIZE(tests));
}
