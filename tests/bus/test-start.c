/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the policy service starts: from what was accepted last, and where nothing was, with the registry's
 * first word, or without it after a while. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "../../schema/base/buf.h"
#include "../../schema/base/clock.h"
#include "../../schema/base/file.h"
#include "dropin.h"

#define ACCEPTED LAYOUT_ACCEPTED_DIR "/" LAYOUT_ACCEPTED_NAME
#define WAIT_USEC UINT64_C(10000000)

/* Writes to the control are seen from now on. */
static int watch(void)
{
        int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_ge(inotify_add_watch(fd, world_path(CONTROL_FILE), IN_MODIFY | IN_CLOSE_WRITE), 0);
        return fd;
}

static bool was_written(int fd)
{
        char events[4096];

        return read(fd, events, sizeof(events)) > 0;
}

/* A registry that says `value`, and a service that has accepted nothing yet. */
static void registry_says(const char *value)
{
        registryd_start(NULL);
        set_string(world.bus, MODULES, "TaintEvents", value);
}

START_TEST(accepted_without_a_registry)
{
        registry_says("failure-only");
        policyd_follow();
        ck_assert(control_is("2"));
        daemon_stop(&world.policyd);
        daemon_stop(&world.registryd);
        world_write(CONTROL_FILE, "3\n");
        _cleanup_free_ char *number = strdup(world_read(SEQNO_FILE));
        /* The registry's own files are none of its business. */
        world_write(LAYOUT_STORE, "This is no database.\n");
        policyd_start(NULL);
        ck_assert(control_is("2"));
        ck_assert(policy_is("TaintEvents", "'failure-only'"));
        ck_assert(policy_is("Changes", "0"));
        ck_assert(explained("What is written is not known yet; failure-only is in force"));
        ck_assert_str_eq(world_read(SEQNO_FILE), number);
        ck_assert(!daemon_said(&world.policyd, LAYOUT_STATE));
}
END_TEST

START_TEST(nobody_answers)
{
        world_write(CONTROL_FILE, "0\n");
        _cleanup_close_ int fd = watch();
        uint64_t before = clock_usec();
        policyd_start(NULL);
        ck_assert(policy_is("TaintEvents", "''"));
        ck_assert(explained(
                "What is written is not known yet; nothing is in force; "
                "kernel.audit_taint_events is left alone until the registry answers, for 10 seconds "
                "at most; the registry does not answer: "));
        if (geteuid() == 0) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
                ck_assert_int_lt(sd_bus_call_method(world.bus, POLICY_BUS_NAME, POLICY_PATH,
                                         POLICY_INTERFACE, "Apply", &error, NULL, ""),
                        0);
                ck_assert_str_eq(error.name, ERROR_NOT_LIVE);
                ck_assert_str_eq(error.message, "nothing is in force: the registry has not answered yet");
        }
        ck_assert(!was_written(fd));
        WAIT(was_written(fd));
        ck_assert_uint_ge(clock_usec() - before, WAIT_USEC - 100000);
        WAIT(control_is("3"));
        WAIT(policy_is("TaintEvents", "'enabled'"));
        ck_assert(explained("What is written is not known yet; enabled is in force"));
        /* Nobody had looked before: it is no change. What the registry says later is one. */
        ck_assert(policy_is("Changes", "0"));
        registryd_start(NULL);
        WAIT(is_connected(1));
        ck_assert(explained("Nothing is written; enabled is in force, the default of the schema"));
        ck_assert(policy_is("Changes", "0"));
        /* It was accepted. */
        daemon_stop(&world.policyd);
        daemon_stop(&world.registryd);
        world_write(CONTROL_FILE, "0\n");
        policyd_start(NULL);
        ck_assert(control_is("3"));
}
END_TEST

START_TEST(late_registry)
{
        _cleanup_ear_ struct ear properties = { 0 };

        world_write(CONTROL_FILE, "0\n");
        dropin_write("site.yaml", dropin_text("site", 5, "failure-only"));
        policyd_start(NULL);
        ck_assert(control_is("0"));
        ear_on(&properties, world.bus, POLICY_PATH, NULL, NULL);
        registryd_start(NULL);
        WAIT(control_is("2"));
        WAIT(ear_heard(&properties, "'TaintEvents'=s:'failure-only'"));
        WAIT(is_connected(1));
        ck_assert(policy_is("Source", "'site'"));
        ck_assert(policy_is("Changes", "0"));
        ck_assert(world_has(ACCEPTED));
}
END_TEST

/* The default is what somebody decided against: it is never in force. */
START_TEST(disabled_already)
{
        world_write(CONTROL_FILE, "0\n");
        registry_says("disabled");
        _cleanup_close_ int fd = watch();
        policyd_follow();
        ck_assert(policy_is("TaintEvents", "'disabled'"));
        ck_assert(policy_is("Live", "true"));
        ck_assert(policy_is("Changes", "0"));
        ck_assert(!was_written(fd));
        daemon_stop(&world.policyd);
        policyd_follow();
        ck_assert(!was_written(fd));
}
END_TEST

/* Auditing goes off: that is recorded, also where nobody had looked before. */
START_TEST(disabled_and_not_yet)
{
        world_write(CONTROL_FILE, "1\n");
        registry_says("disabled");
        policyd_start(NULL);
        for (uint64_t end = deadline(); !control_is("0"); bus_turn(world.bus)) {
                ck_assert(!is_past(end));
                ck_assert(!control_is("3"));
        }
        WAIT(policy_is("TaintEvents", "'disabled'"));
        ck_assert(policy_is("Changes", "1"));
        if (records_are_logged())
                ck_assert(daemon_said(&world.policyd, "TaintEvents' changed from 'unset' to 'disabled'"));
}
END_TEST

/* What is refused from the beginning leaves the default in force. */
START_TEST(refused_from_the_beginning)
{
        world_write(CONTROL_FILE, "0\n");
        registry_says("nonsense");
        policyd_follow();
        ck_assert(control_is("3"));
        ck_assert(policy_is("TaintEvents", "'enabled'"));
        ck_assert(policy_is("Refused", "1"));
        ck_assert(policy_is("Changes", "0"));
}
END_TEST

/* What is found before the registry is heard is audited as the default says. */
START_TEST(taints_meanwhile)
{
        world_remove(CONTROL_FILE);
        world_write("/proc/sys/kernel/tainted", "4096\n");
        policyd_start(NULL);
        WAIT(policy_is("Tainted", "4096"));
        ck_assert(policy_is("TaintEvents", "''"));
        WAIT(!records_are_logged() || daemon_said(&world.policyd, "OOT_MODULE"));
}
END_TEST

/* Without the program beside it, it says so. */
START_TEST(apply_alone)
{
        struct daemon d = world.policyd;
        _cleanup_buf_ struct buf program = BUF_INIT;
        const char *alone = world_path("/policyd");

        ck_assert_int_eq(file_read(AT_FDCWD, getenv("PEIOS_POLICYD"), 64 << 20, &program, NULL, NULL), 0);
        _cleanup_close_ int fd = open(alone, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
        ck_assert_int_eq(file_write_all(fd, program.data, program.len), 0);
        closep(&fd);
        fd = -1;
        ck_assert_int_eq(setenv("PEIOS_ALONE", alone, 1), 0);
        ck_assert_int_eq(run_program(&d, "PEIOS_ALONE", "--apply"), EXIT_FAILURE);
        ck_assert(daemon_said(&d, "peios-policy-apply: cannot be run: No such file or directory"));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { accepted_without_a_registry, nobody_answers, late_registry,
                disabled_already, disabled_and_not_yet, refused_from_the_beginning, taints_meanwhile,
                apply_alone };
        return harness_main(tests, ARRAY_SIZE(tests));
}
