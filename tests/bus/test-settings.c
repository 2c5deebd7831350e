/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings that are entries of the schema, not code: a number that is left alone until somebody sets it, and
 * strings of a schema file that the administrator adds. */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "../../schema/base/file.h"
#include "client.h"

#define PROCESS "\\System\\Process"
#define REAL_KPTR "/proc/sys/kernel/kptr_restrict"
#define TEST_FILE LAYOUT_SYSCTL "/kernel/test_text"

static const char schema[] = "peios-schema: 1\n"
                             "keys:\n"
                             "  \\Test\\Text:\n"
                             "    Pattern:\n"
                             "      type: REG_SZ\n"
                             "      apply: live\n"
                             "      description: A text.\n"
                             "      control:\n"
                             "        name: kernel.test_text\n"
                             "        encoding: string\n"
                             "        drift-value: PatternOnDrift\n"
                             "        drift: reapply\n"
                             "    PatternOnDrift:\n"
                             "      type: REG_SZ\n"
                             "      default: reapply\n"
                             "      apply: live\n"
                             "      description: What happens on drift.\n"
                             "      choices:\n"
                             "        reapply:\n"
                             "          meaning: Put back.\n"
                             "        report:\n"
                             "          meaning: Left.\n"
                             "    Fixed:\n"
                             "      type: REG_SZ\n"
                             "      apply: live\n"
                             "      description: What cannot be written.\n"
                             "      control:\n"
                             "        name: real.ostype\n"
                             "        encoding: string\n";

static void begin(void)
{
        registryd_start(NULL);
        policyd_follow();
}

static bool file_is(const char *path, const char *text)
{
        return strcmp(world_read(path), text) == 0;
}

START_TEST(number)
{
        _cleanup_ear_ struct ear refusals = { 0 };

        begin();
        ear_on(&refusals, world.bus, POLICY_PATH, POLICY_INTERFACE, "PolicyRefused");
        ck_assert(settings_have(
                "('\\System\\Process\\PidMax' '' 'default' '' '' 'kernel.pid_max' false '32768' '' "
                "'Nothing is written; nothing is in force; kernel.pid_max is left alone.' 0 '')"));
        /* Nobody set it: whatever it holds is right. */
        world_write(PID_MAX_FILE, "30000\n");
        WAIT(settings_have("'kernel.pid_max' false '30000'"));
        ck_assert(file_is(PID_MAX_FILE, "30000"));

        set_number(world.bus, PROCESS, "PidMax", 40000);
        WAIT(file_is(PID_MAX_FILE, "40000"));
        WAIT(settings_have(
                "('\\System\\Process\\PidMax' '40000' 'base' '40000' '' 'kernel.pid_max' true '40000' ''"));
        if (records_are_logged())
                WAIT(daemon_said(&world.policyd,
                        "Policy '\\System\\Process\\PidMax' changed from 'unset' to '40000'"));
        set_number(world.bus, PROCESS, "PidMax", 300);
        WAIT(ear_heard(
                &refusals, "'300' '40000' '300 is not allowed, expected a number from 301 to 4194304'"));
        set_string(world.bus, PROCESS, "PidMax", "50000");
        WAIT(ear_heard(&refusals, "type REG_SZ"));
        ck_assert(file_is(PID_MAX_FILE, "40000"));
        /* Not set any more: it stays as it is, and nothing is in force. */
        delete_value(world.bus, PROCESS, "PidMax");
        WAIT(settings_have(
                "('\\System\\Process\\PidMax' '' 'default' '' '' 'kernel.pid_max' false '40000'"));
        ck_assert(file_is(PID_MAX_FILE, "40000"));
        ck_assert(policy_is("Changes", "0"));
}
END_TEST

START_TEST(number_over_a_restart)
{
        begin();
        set_number(world.bus, PROCESS, "PidMax", 40000);
        WAIT(file_is(PID_MAX_FILE, "40000"));
        daemon_stop(&world.policyd);
        daemon_stop(&world.registryd);
        world_write(PID_MAX_FILE, "32768\n");
        policyd_start(NULL);
        ck_assert(file_is(PID_MAX_FILE, "40000"));
}
END_TEST

START_TEST(text)
{
        world_write(LAYOUT_SCHEMA_ADMIN "/test.yaml", schema);
        world_write(TEST_FILE, "core\n");
        begin();
        ck_assert(settings_have(
                "('\\Test\\Text\\Pattern' '' 'default' '' '' 'kernel.test_text' false 'core'"));
        set_string(world.bus, "\\Test\\Text", "Pattern", "|/bin/a  b %p");
        WAIT(file_is(TEST_FILE, "|/bin/a  b %p"));
        WAIT(settings_have("'kernel.test_text' true '|/bin/a b %p'"));
        world_poke(TEST_FILE, "foreign------\n");
        WAIT(file_is(TEST_FILE, "|/bin/a  b %p"));
        set_string(world.bus, "\\Test\\Text", "PatternOnDrift", "REPORT");
        WAIT(daemon_said(&world.policyd, "holds 'foreign------'"));
        set_string(world.bus, "\\Test\\Text", "Pattern", "two\nlines");
        WAIT(settings_have("is refused: "));
        ck_assert(file_is(TEST_FILE, "|/bin/a  b %p"));
        /* The policy of TaintEvents has nothing to do with it. */
        ck_assert(policy_is("Drifts", "0"));
        ck_assert(policy_is("Changes", "0"));
}
END_TEST

/* A control that takes nothing: the kernel's own, reached through a link in the scratch root. That is a
 * failure, which is said once; it is no drift. */
START_TEST(control_that_cannot_be_written)
{
        _cleanup_ear_ struct ear drifts = { 0 };

        ck_assert_int_eq(symlink("/proc/sys/kernel", world_path(LAYOUT_SYSCTL "/real")), 0);
        world_write(LAYOUT_SCHEMA_ADMIN "/test.yaml", schema);
        world_write(TEST_FILE, "core\n");
        begin();
        ear_on(&drifts, world.bus, POLICY_PATH, POLICY_INTERFACE, "DriftDetected");
        set_string(world.bus, "\\Test\\Text", "Fixed", "Other");
        WAIT(settings_have("('\\Test\\Text\\Fixed' 'Other' 'base' 'Other' '' 'real.ostype' false 'Linux' "
                           "'real.ostype: "));
        ck_assert(settings_have("'Other is in force, from layer base; not live: real.ostype: "));
        unsigned records = daemon_count(&world.policyd, "Control 'real.ostype'");
        set_string(world.bus, "\\Test\\Text", "Pattern", "mine");
        /* A few looks later: another inode in a control's place is seen by the timer alone. */
        for (unsigned i = 0; i < 3; i++) {
                WAIT(file_is(TEST_FILE, "mine"));
                world_replace(TEST_FILE, "foreign\n");
        }
        WAIT(file_is(TEST_FILE, "mine"));
        ck_assert(!ear_heard(&drifts, "real.ostype"));
        if (records_are_logged()) {
                ck_assert_uint_eq(records, 1);
                ck_assert_uint_eq(daemon_count(&world.policyd, "Control 'real.ostype'"), 1);
                ck_assert(daemon_said(&world.policyd, "Control 'real.ostype' could not be set to 'Other'"));
        }
        /* A value that it holds anyway is live. */
        set_string(world.bus, "\\Test\\Text", "Fixed", "Linux");
        WAIT(settings_have("'real.ostype' true 'Linux'"));
}
END_TEST

START_TEST(broken_schema)
{
        world_write(LAYOUT_SCHEMA_ADMIN "/test.yaml", "peios-schema: 1\nkeys: [\n");
        begin();
        ck_assert(daemon_said(&world.policyd, "/etc/peios/schema.d/test.yaml:"));
        ck_assert(daemon_said(&world.registryd, "/etc/peios/schema.d/test.yaml:"));
        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        WAIT(file_is(CONTROL_FILE, "0"));
}
END_TEST

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_FILE LAYOUT_SYSCTL "/kernel/test_boot"

static const char boot_schema[] = "peios-schema: 1\n"
                                  "keys:\n"
                                  "  \\Test\\Text:\n"
                                  "    Boot:\n"
                                  "      type: REG_DWORD\n"
                                  "      apply: reboot\n"
                                  "      description: A number.\n"
                                  "      control:\n"
                                  "        name: kernel.test_boot\n"
                                  "        encoding: number\n"
                                  "        drift: reapply\n";

static void restart(void)
{
        daemon_stop(&world.policyd);
        policyd_follow();
}

static void tool_says(const char *program, const char *first, const char *second, const char *line)
{
        static struct daemon tool = { .name = "tool" };

        ck_assert(asprintf(&tool.log, "%s/tool.log", world.dir) > 0);
        (void)unlink(tool.log);
        spawn_program(&tool, program, first, second, NULL);
        ck_assert_int_eq(daemon_end(&tool), 0);
        ck_assert_msg(daemon_said(&tool, line), "%s %s: not %s", program, first, line);
        free(STEAL_PTR(tool.log));
}

START_TEST(at_the_next_boot)
{
        _cleanup_ear_ struct ear changed = { 0 };

        world_write(LAYOUT_SCHEMA_ADMIN "/test.yaml", boot_schema);
        world_write(BOOT_ID_FILE, "00000000-1111-2222-3333-444455556666\n");
        world_write(BOOT_FILE, "1\n");
        begin();
        ear_on(&changed, world.bus, POLICY_PATH, POLICY_INTERFACE, "PolicyChanged");
        set_number(world.bus, "\\Test\\Text", "Boot", 5);
        WAIT(settings_have("('\\Test\\Text\\Boot' '5' 'base' '' '5' 'kernel.test_boot' false '1' ''"));
        tool_says("PEIOS_AUDITPOL", "status", NULL,
                "\n  accepted  nothing\n  pending   5\n  live      left alone: ");
        tool_says("PEIOS_AUDITPOL", "--json", "status", "\"accepted\":\"\",\"pending\":\"5\",");
        tool_says(
                "PEIOS_REG", "why", "/Test/Text/Boot", "accepted:   (none)\npending:    5\nlive:       no");
        restart();
        WAIT(settings_have("'5' 'base' '' '5' 'kernel.test_boot' false '1' ''"));
        if (records_are_logged())
                ck_assert_uint_eq(
                        daemon_count(&world.policyd, "Text\\Boot' is '5' after the next restart or reboot"),
                        1);
        ck_assert_str_eq(world_read(BOOT_FILE), "1");
        world_replace(BOOT_ID_FILE, "00000001-1111-2222-3333-444455556666\n");
        restart();
        ck_assert_str_eq(world_read(BOOT_FILE), "5");
        WAIT(settings_have("'5' 'base' '5' '' 'kernel.test_boot' true '5' ''"));
        /* It is kept so, whatever waits. */
        set_number(world.bus, "\\Test\\Text", "Boot", 6);
        WAIT(settings_have("'6' 'base' '5' '6' 'kernel.test_boot' true '5' ''"));
        world_poke(BOOT_FILE, "6\n");
        WAIT(file_is(BOOT_FILE, "5"));
        ck_assert_uint_eq(changed.n, 0);
        /* The value that is no entry of a file is the same. */
        ck_assert(policy_is("Pending", "''"));
}
END_TEST

static const char real_kptr_restrict[] = "peios-schema: 1\n"
                                         "keys:\n"
                                         "  \\System\\Audit:\n"
                                         "    KallsymsRestrict:\n"
                                         "      type: REG_DWORD\n"
                                         "      description: The machine's own.\n"
                                         "      range: [0, 2]\n"
                                         "      control:\n"
                                         "        name: real.kptr_restrict\n"
                                         "        encoding: number\n";

/* The machine's kernel asks for CAP_SYS_ADMIN, which root does not have here. */
START_TEST(capability_that_is_missing)
{
        static const char why[] =
                "Operation not permitted: the kernel asks for a capability that this service was "
                "not given, see SECURITY in peios-audit-policyd(8)";
        struct daemon d = { .name = "apply", .log = world.policyd.log, .notify_fd = -1 };
        _cleanup_buf_ struct buf before = BUF_INIT, after = BUF_INIT;
        char want[16], line[256];

        ck_assert_int_eq(file_read(AT_FDCWD, REAL_KPTR, 64, &before, NULL, NULL), 0);
        unsigned other = (unsigned)(strtoul(buf_str(&before), NULL, 10) + 1) % 3;
        (void)snprintf(want, sizeof(want), "%u", other);
        ck_assert_int_eq(prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN), 0);
        ck_assert_int_eq(symlink("/proc/sys/kernel", world_path(LAYOUT_SYSCTL "/real")), 0);
        world_write(LAYOUT_SCHEMA_ADMIN "/test.yaml", real_kptr_restrict);
        begin();
        set_number(world.bus, "\\System\\Audit", "KallsymsRestrict", other);
        (void)snprintf(line, sizeof(line), "'real.kptr_restrict' false '%.1s' 'real.kptr_restrict: %s'",
                buf_str(&before), why);
        WAIT(settings_have(line));
        (void)snprintf(line, sizeof(line), "not live: real.kptr_restrict: %s", why);
        ck_assert(settings_have(line));
        daemon_stop(&world.policyd);
        daemon_stop(&world.registryd);
        /* Boot says the same. */
        ck_assert_int_eq(run_program(&d, "PEIOS_POLICY_APPLY", NULL), 1);
        ck_assert(daemon_said(&d, why));
        ck_assert_int_eq(file_read(AT_FDCWD, REAL_KPTR, 64, &after, NULL, NULL), 0);
        ck_assert_str_eq(buf_str(&after), buf_str(&before));
}
END_TEST

int main(void)
{
        const TTest *const privileged[] = { capability_that_is_missing };
        const TTest *const tests[] = { number, number_over_a_restart, text, control_that_cannot_be_written,
                broken_schema, at_the_next_boot };
        harness_add_privileged(
                privileged, ARRAY_SIZE(privileged), "to write a control without the capability for it");
        return harness_main(tests, ARRAY_SIZE(tests));
}
