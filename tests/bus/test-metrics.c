/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The metrics file: where the registry says, in step with the service, gone when it is not wanted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../service/metrics/metrics.h"
#include "client.h"

#define METRICS "\\System\\Audit\\Metrics"
#define FILE_NAME "/metrics/peios.prom"
#define OTHER_NAME "/metrics/other.prom"
#define SETTING "{setting=\"\\\\System\\\\Audit\\\\Modules\\\\TaintEvents\"} "

static void begin(void)
{
        registryd_start(NULL);
        policyd_start("--recheck=1");
        WAIT(daemon_said(&world.policyd, "following the registry"));
}

static void begin_with_file(void)
{
        world_write("/metrics/keep", "");
        begin();
        set_string(world.bus, METRICS, "TextFile", FILE_NAME);
        WAIT(world_has(FILE_NAME));
}

static bool file_has(const char *path, const char *line)
{
        static char text[64 * 1024];

        FILE *f = fopen(world_path(path), "re");
        size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
        if (f)
                (void)fclose(f);
        text[n] = '\0';
        return strstr(text, line) != NULL;
}

START_TEST(off_by_default)
{
        world_write("/metrics/keep", "");
        begin();
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(policy_is("Changes", "1"));
        ck_assert(!world_has(FILE_NAME));
}
END_TEST

START_TEST(follows_the_service)
{
        struct stat st;

        world_write("/proc/sys/kernel/tainted", "0\n");
        begin_with_file();
        ck_assert_int_eq(stat(world_path(FILE_NAME), &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0644);
        WAIT(file_has(FILE_NAME, "peios_taint_events_policy{value=\"enabled\"} 1\n"));
        ck_assert(file_has(FILE_NAME, "peios_policy_changes_total" SETTING "0\n"));
        ck_assert(file_has(FILE_NAME, "peios_taint_capture{value=\"standard\"} 1\n"));
        ck_assert(file_has(FILE_NAME, "peios_taint_monitor_backend{value=\"hints\"} 1\n"));

        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        WAIT(file_has(FILE_NAME, "peios_taint_events_policy{value=\"disabled\"} 1\n"));
        ck_assert(file_has(FILE_NAME, "peios_taint_events_policy{value=\"enabled\"} 0\n"));
        WAIT(file_has(FILE_NAME, "peios_policy_changes_total" SETTING "1\n"));
        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        WAIT(file_has(FILE_NAME, "peios_policy_no_op_writes_total" SETTING "1\n"));
        set_string(world.bus, MODULES, "TaintEvents", "nonsense");
        WAIT(file_has(FILE_NAME, "peios_policy_refusals_total" SETTING "1\n"));
        world_poke(CONTROL_FILE, "3\n");
        WAIT(file_has(FILE_NAME, "peios_policy_drifts_total" SETTING "1\n"));
        world_remove(CONTROL_FILE);
        WAIT(file_has(FILE_NAME, "\",control=\"kernel.audit_taint_events\"} 0\n"));
        world_replace("/proc/sys/kernel/tainted", "4096\n");
        WAIT(file_has(FILE_NAME, "peios_kernel_taint_set{bit=\"12\",flag=\"TAINT_OOT_MODULE\"} 1\n"));
        WAIT(file_has(FILE_NAME, "peios_kernel_taint_first_set_time_seconds{bit=\"12\""));
        ck_assert(file_has(
                FILE_NAME, "peios_kernel_taint_set{bit=\"13\",flag=\"TAINT_UNSIGNED_MODULE\"} 0\n"));
        ck_assert(file_has(
                FILE_NAME, "peios_kernel_taint_accepted{bit=\"12\",flag=\"TAINT_OOT_MODULE\"} 0\n"));
        set_list(world.bus, MODULES, "Accepted", "O reason=r", NULL);
        WAIT(file_has(FILE_NAME, "peios_kernel_taint_accepted{bit=\"12\",flag=\"TAINT_OOT_MODULE\"} 1\n"));
        set_string(world.bus, MODULES, "TaintCapture", "forensic");
        WAIT(file_has(FILE_NAME, "peios_taint_capture{value=\"forensic\"} 1\n"));
        ck_assert(!world_has("/metrics/.peios.prom.tmp"));
}
END_TEST

/* What the provider says of itself stands beside it, also that it says nothing. */
START_TEST(of_the_provider)
{
        registryd_start(NULL);
        set_number(world.bus, "\\System\\Registry\\Layers\\lab", "Precedence", 1);
        set_string(world.bus, "\\System\\Registry\\Layers\\lab", "Ends", "2999-01-31T00:00:00Z");
        set_string(world.bus, "\\System\\Registry\\Layers\\lab", "Enabled", "no");
        WAIT(strstr(registry_property(world.bus, "Problems"), "Enabled") != NULL);
        _cleanup_message_ sd_bus_message *m = answer(world.bus, "Health", "");
        const char *before = message_text(m);
        static const char *const has[] = {
                "'problems'=t:1, 'refused'=t:1, 'layers'=t:2, 'layers-ending'=t:1", "'backup-time'=t:0",
                "'commits'=t:", "'commits-within'=a(tt):[(500 "
        };
        for (size_t i = 0; i < ARRAY_SIZE(has); i++)
                ck_assert_msg(strstr(before, has[i]) != NULL, "no %s in %s", has[i], before);
        const unsigned long commits = strtoul(strstr(before, "'commits'=t:") + 12, NULL, 10);
        set_string(world.bus, "\\App", "V", "x");
        _cleanup_message_ sd_bus_message *again = answer(world.bus, "Health", "");
        ck_assert_uint_eq(strtoul(strstr(message_text(again), "'commits'=t:") + 12, NULL, 10), commits + 1);

        world_write("/metrics/keep", "");
        policyd_start("--recheck=1");
        set_string(world.bus, METRICS, "TextFile", FILE_NAME);
        WAIT(file_has(FILE_NAME, "peios_registry_up 1\n"));
        ck_assert(file_has(FILE_NAME, "peios_registry_refused_values 1\n"));
        ck_assert(file_has(FILE_NAME, "peios_registry_layers_ending 1\n"));
        ck_assert(file_has(FILE_NAME, "peios_registry_commit_seconds_bucket{le=\"2.500000\"} "));
        daemon_kill(&world.registryd);
        WAIT(file_has(FILE_NAME, "peios_registry_up 0\n"));
        ck_assert(!file_has(FILE_NAME, "peios_registry_layers "));
        registryd_start(NULL);
        WAIT(file_has(FILE_NAME, "peios_registry_up 1\n"));
}
END_TEST

START_TEST(moves_and_goes)
{
        _cleanup_ear_ struct ear changed = { 0 };

        begin_with_file();
        ear_on(&changed, world.bus, POLICY_PATH, POLICY_INTERFACE, "PolicyChanged");
        set_string(world.bus, METRICS, "TextFile", OTHER_NAME);
        WAIT(world_has(OTHER_NAME));
        ck_assert(!world_has(FILE_NAME));
        WAIT(ear_heard(&changed, "'\\System\\Audit\\Metrics\\TextFile' '" FILE_NAME "' '" OTHER_NAME
                                 "' true ['actor'=s:'known', 'pid'=u:"));
        set_string(world.bus, METRICS, "TextFile", "");
        WAIT(!world_has(OTHER_NAME));
        WAIT(ear_heard(&changed, "'" OTHER_NAME "' 'unset' true"));
        delete_value(world.bus, METRICS, "TextFile");
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(ear_heard(&changed, "'success-only'"));
        ck_assert_uint_eq(changed.n, 3);
        ck_assert(!world_has(OTHER_NAME));
}
END_TEST

START_TEST(bad_paths)
{
        static const struct {
                const char *path, *why;
        } cases[] = {
                { "peios.prom", "is no absolute path" },
                { "/metrics/peios.txt", "does not end in" },
                { "/metrics/.prom", "does not end in" },
                { "/metrics/peios.prom/", "does not end in" },
                { "/metrics/a\nb.prom", "a control character" },
        };
        _cleanup_ear_ struct ear refusals = { 0 };

        begin_with_file();
        ear_on(&refusals, world.bus, POLICY_PATH, POLICY_INTERFACE, "PolicyRefused");
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                set_string(world.bus, METRICS, "TextFile", cases[i].path);
                WAIT(refusals.n == i + 1);
                ck_assert_msg(ear_heard(&refusals, cases[i].why), "%s", refusals.heard[i]);
                ck_assert_ptr_nonnull(strstr(refusals.heard[i], "' '" FILE_NAME "' '"));
        }
        set_number(world.bus, METRICS, "TextFile", 1);
        WAIT(ear_heard(&refusals, "REG_DWORD"));
        /* The old one is in force: it goes on. */
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(file_has(FILE_NAME, "{value=\"success-only\"} 1\n"));
}
END_TEST

START_TEST(cannot_be_written)
{
        begin();
        set_string(world.bus, METRICS, "TextFile", FILE_NAME);
        WAIT(daemon_said(&world.policyd, "the metrics cannot be written: No such file or directory"));
        WAIT(settings_have("'" METRICS "\\TextFile' '" FILE_NAME "' 'base' '" FILE_NAME
                           "' '' '' false '' 'No such file or directory' '" FILE_NAME
                           " is in force, from layer base; not live: No such file or directory.'"));
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(policy_is("Changes", "1"));
        world_write("/metrics/keep", "");
        WAIT(file_has(FILE_NAME, "{value=\"success-only\"} 1\n"));
        ck_assert_uint_eq(daemon_count(&world.policyd, "cannot be written"), 1);
        ck_assert(daemon_said(&world.policyd, "the metrics are written again"));
        WAIT(settings_have("' '' '' true '' '' '" FILE_NAME " is in force, from layer base.'"));
        ck_assert(file_has(
                FILE_NAME, "peios_policy_live{setting=\"\\\\System\\\\Audit\\\\Metrics\\\\TextFile\"} "));
        /* Somebody removes it. */
        world_remove(FILE_NAME);
        WAIT(world_has(FILE_NAME));
}
END_TEST

START_TEST(of_another_collector)
{
        begin_with_file();
        world_write(OTHER_NAME, "# HELP apt_upgrades_pending Packages.\n");
        set_string(world.bus, METRICS, "TextFile", OTHER_NAME);
        WAIT(daemon_said(&world.policyd, "the metrics cannot be written: the file is not this"));
        ck_assert(!world_has(FILE_NAME));
        set_string(world.bus, METRICS, "TextFile", FILE_NAME);
        WAIT(world_has(FILE_NAME));
        ck_assert(file_has(OTHER_NAME, "# HELP apt_upgrades_pending Packages.\n"));
}
END_TEST

START_TEST(over_a_restart)
{
        begin_with_file();
        WAIT(file_has(FILE_NAME, "peios_policy_live"));
        daemon_stop(&world.policyd);
        ck_assert(world_has(FILE_NAME));
        world_write(FILE_NAME, METRICS_MARK "old\n");
        /* Before the registry is heard. */
        daemon_stop(&world.registryd);
        policyd_start("--recheck=1");
        WAIT(file_has(FILE_NAME, "peios_policy_live"));
        registryd_start(NULL);
        WAIT(daemon_said(&world.policyd, "following the registry"));
        delete_value(world.bus, METRICS, "TextFile");
        WAIT(!world_has(FILE_NAME));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { off_by_default, follows_the_service, of_the_provider, moves_and_goes,
                bad_paths, cannot_be_written, of_another_collector, over_a_restart };
        return harness_main(tests, ARRAY_SIZE(tests));
}
