/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A writer whose program has a name that D-Bus does not take: what it wrote is read, told and followed all
 * the same. The writer is a copy of this program. */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "client.h"
#include "connect.h"

#define PROGRAM_MAX (256u * 1024u * 1024u)
/* No UTF-8, and U+FFFE. */
#define ODD_NAME "/odd\xFF_\xEF\xBF\xBE"
#define TOLD "/odd\xEF\xBF\xBD_\xEF\xBF\xBD'"

static int write_and_end(const char *address)
{
        sd_bus *bus = NULL;

        int r = connect_to_bus(address, &bus);
        if (r >= 0)
                r = sd_bus_call_method(bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Set",
                        NULL, NULL, "ssuva{sv}", MODULES, "TaintEvents", (uint32_t)REG_SZ, "s",
                        "success-only", 0);
        sd_bus_flush_close_unref(bus);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void write_by_odd_program(void)
{
        _cleanup_buf_ struct buf program = BUF_INIT;
        const char *path = world_path(ODD_NAME);
        int status;

        ck_assert_int_eq(file_read(AT_FDCWD, "/proc/self/exe", PROGRAM_MAX, &program, NULL, NULL), 0);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(file_write_all(fd, program.data, program.len), 0);
        (void)close(fd);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                (void)execl(path, path, world.address, NULL);
                _exit(EXIT_FAILURE);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
}

START_TEST(odd_program)
{
        _cleanup_ear_ struct ear changed = { 0 }, told = { 0 };

        registryd_start(NULL);
        policyd_follow();
        ear_on(&told, world.bus, POLICY_PATH, POLICY_INTERFACE, "PolicyChanged");
        ear_on_changes(&changed, world.bus);
        subscribe(world.bus, MODULES, false);
        write_by_odd_program();
        WAIT(changed.n == 1);
        WAIT(told.n == 1);
        ck_assert_msg(strstr(told.heard[0], TOLD), "%s", told.heard[0]);
        ck_assert_str_eq(policy_property(world.bus, "TaintEvents"), "'success-only'");
        _cleanup_message_ sd_bus_message *why = answer(world.bus, "Resolve", "ss", MODULES, "TaintEvents");
        const char *text = message_text(why);
        ck_assert_msg(strstr(text, TOLD), "%s", text);
}
END_TEST

int main(int argc, char **argv)
{
        const TTest *const tests[] = { odd_program };

        if (argc == 2)
                return write_and_end(argv[1]);
        return harness_main(tests, ARRAY_SIZE(tests));
}
