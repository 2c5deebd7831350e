/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The boot-time apply: no bus, no daemon, what is on disk. Both programs that do it must agree. */

#include "apply.h"

#define OSTYPE_SCHEMA                                                                                       \
        "peios-schema: 1\n"                                                                                 \
        "keys:\n"                                                                                           \
        "  \\Test\\Text:\n"                                                                                 \
        "    Fixed:\n"                                                                                      \
        "      type: REG_SZ\n"                                                                              \
        "      apply: live\n"                                                                               \
        "      description: What cannot be written.\n"                                                      \
        "      control:\n"                                                                                  \
        "        name: real.ostype\n"                                                                       \
        "        encoding: string\n"

/* Leaves a state, and accepted values if `accepted`. */
static void with_daemons(const char *value, bool accepted)
{
        registryd_start(NULL);
        if (accepted)
                policyd_follow();
        set_string(world.bus, MODULES, "TaintEvents", value);
        if (accepted)
                WAIT(policy_is("Written", textf("'%s'", value)));
        daemon_stop(&world.policyd);
        daemon_stop(&world.registryd);
}

START_TEST(nothing_on_disk)
{
        apply(0, "3", NULL);
        world_remove(LAYOUT_DROPINS_ADMIN);
        world_remove(LAYOUT_DROPINS_VENDOR);
        apply(0, "3", NULL);
        /* It has made nothing. */
        ck_assert(!world_has("/var"));
        ck_assert(!world_has(LAYOUT_ACCEPTED_DIR));
        world_remove(CONTROL_FILE);
        apply(0, "", NULL);
        ck_assert(!world_has(CONTROL_FILE));
}
END_TEST

START_TEST(files)
{
        dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
        apply(0, "0", NULL);
        world_write(LAYOUT_DROPINS_VENDOR "/vendor.yaml", dropin_text("vendor", 9, "success-only"));
        apply(0, "1", NULL);
        dropin_write("pid.yaml",
                "peios-registry: 1\nlayer: pid\nkeys:\n  \\System\\Process:\n    PidMax: !dword 40000\n");
        apply(0, "1", NULL);
        ck_assert_str_eq(world_read(PID_MAX_FILE), "40000");
}
END_TEST

/* With the database, it is read; where /var is not there, what was accepted is the fleet's as well. */
START_TEST(fleet)
{
        dropin_write_signed("fleet-web", 1000, "failure-only");
        apply(0, "2", NULL);
        with_daemons("success-only", false);
        apply(0, "2", NULL);
        registryd_start(NULL);
        policyd_follow();
        WAIT(policy_is("TaintEvents", "'failure-only'"));
        daemon_stop(&world.policyd);
        daemon_stop(&world.registryd);
        world_remove("/var");
        apply(0, "2", NULL);
        world_remove(LAYOUT_ACCEPTED_DIR);
        apply(0, "3", NULL);
}
END_TEST

START_TEST(state)
{
        with_daemons("failure-only", false);
        world_remove(LAYOUT_ACCEPTED_DIR);
        apply(0, "2", NULL);
        dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
        apply(0, "0", NULL);
        dropin_write("site.yaml", dropin_text("site", 0, "disabled"));
        /* The same precedence: the file came later. */
        apply(0, "0", NULL);
}
END_TEST

#define LINK_TO(target)                                                                                     \
        "peios-registry: 1\nlayer: site\nprecedence: 5\nkeys:\n"                                            \
        "  \\System\\Audit\\Modules: !link { \"@\": !link " target " }\n"

/* What is bound is where links lead, in the store and in files, whichever of them has the link and which the
 * value; where they lead nowhere, what was in force last stays. */
START_TEST(behind_links)
{
        registryd_start(NULL);
        succeeds(world.bus, "Transact", "a(sssuv)a{sv}", 1, "create-link", "\\System\\Audit\\Modules", "",
                (uint32_t)REG_LINK, "s", "Machine\\Site", 0);
        set_string(world.bus, "\\Site", "TaintEvents", "disabled");
        set_string(world.bus, "\\Other", "TaintEvents", "success-only");
        policyd_follow();
        WAIT(policy_is("TaintEvents", "'disabled'"));
        daemon_stop(&world.policyd);
        daemon_stop(&world.registryd);
        apply(0, "0", NULL);
        dropin_write("site.yaml", LINK_TO("Machine\\Other"));
        apply(0, "1", NULL);
        dropin_write("more.yaml", "peios-registry: 1\nlayer: more\nprecedence: 6\nkeys:\n"
                                  "  \\Other: { TaintEvents: !sz failure-only }\n");
        apply(0, "2", NULL);
        world_remove(dropin_path("more.yaml"));
        dropin_write("site.yaml", LINK_TO("Machine\\System\\Audit\\Modules"));
        apply(1, "0", "more links, one behind the other, than are followed; disabled stays in force");
        dropin_write("site.yaml", LINK_TO("Nowhere\\X"));
        apply(1, "0", "a link that cannot be followed; disabled stays in force");
}
END_TEST

START_TEST(text_that_ends_with_nul)
{
        dropin_write("nul.yaml", "peios-registry: 1\nlayer: nul\nkeys:\n  \\System\\Audit\\Modules:\n"
                                 "    TaintEvents: !0x1 \"64697361626c656400\"\n");
        apply(0, "0", NULL);
}
END_TEST

START_TEST(state_and_accepted)
{
        with_daemons("failure-only", true);
        ck_assert(world_has(ACCEPTED));
        apply(0, "2", NULL);
        /* /var is not mounted: not there, or the empty mount point. */
        world_remove("/var");
        apply(0, "2", NULL);
        world_write(LAYOUT_STATE "/x", "");
        world_remove(LAYOUT_STATE "/x");
        apply(0, "2", NULL);
        world_remove(LAYOUT_ACCEPTED_DIR);
        apply(0, "3", NULL);
}
END_TEST

START_TEST(refused_values)
{
        static const char line[] =
                "`nonsense` is not allowed, expected one of enabled, success-only, failure-only";

        with_daemons("success-only", true);
        with_daemons("nonsense", true);
        apply(1, "1", line);
        ck_assert(daemon_said(&world.policyd, "success-only stays in force"));
        world_remove(LAYOUT_ACCEPTED_DIR);
        apply(1, "3", line);
}
END_TEST

START_TEST(broken_files)
{
        dropin_write("site.yaml", dropin_text("site", 5, "success-only"));
        dropin_write("broken.yaml", "peios-registry: 1\nkeys: [\n");
        apply(1, "1", "/etc/peios/registry.d/broken.yaml:");
        world_remove(dropin_path("broken.yaml"));
        world_write(LAYOUT_SCHEMA_ADMIN "/broken.yaml", "peios-schema: 1\nkeys: [\n");
        apply(1, "1", "/etc/peios/schema.d/broken.yaml:");
        world_remove(LAYOUT_SCHEMA_ADMIN);
        /* Each time anew: it is set aside. */
        apply_with("peios-accepted: 1\nvalues: [\n", 1, "1", ACCEPTED);
}
END_TEST

START_TEST(broken_state)
{
        with_daemons("failure-only", true);
        world_write(LAYOUT_STORE, "This is no store.\n");
        /* What was in force last. */
        apply(1, "2", LAYOUT_STORE);
        ck_assert_str_eq(world_read(LAYOUT_STORE), "This is no store.");
}
END_TEST

START_TEST(failing_control)
{
        ck_assert_int_eq(symlink("/proc/sys/kernel", world_path(LAYOUT_SYSCTL "/real")), 0);
        world_write(LAYOUT_SCHEMA_ADMIN "/test.yaml", OSTYPE_SCHEMA);
        apply(0, "3", NULL);
        dropin_write("site.yaml",
                "peios-registry: 1\nlayer: site\nkeys:\n  \\Test\\Text:\n    Fixed: !sz Other\n");
        apply(1, "3", "real.ostype: Other (Other) could not be written to ");
        dropin_write("site.yaml",
                "peios-registry: 1\nlayer: site\nkeys:\n  \\Test\\Text:\n    Fixed: !sz Linux\n");
        apply(0, "3", NULL);
}
END_TEST

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

static void taint_events_apply(const char *when)
{
        world_write(LAYOUT_SCHEMA_ADMIN "/test.yaml",
                textf("peios-schema: 1\nkeys:\n  \\System\\Audit\\Modules:\n    TaintEvents:\n      type: REG_SZ\n"
                      "      default: enabled\n      apply: %s\n      description: d\n      choices:\n"
                      "        enabled: {control: 3, meaning: m}\n        disabled: {control: 0, meaning: m}\n"
                      "      control: {name: kernel.audit_taint_events, encoding: choice}\n",
                        when));
}

/* Run in the boot in which another value is in force, it applies that; at the next boot, what waits. */
START_TEST(what_waits)
{
        static const char *const moments[] = { "reboot", "restart" };

        for (size_t i = 0; i < ARRAY_SIZE(moments); i++) {
                taint_events_apply(moments[i]);
                world_write(BOOT_ID_FILE, "00000000-1111-2222-3333-444455556666\n");
                world_write(CONTROL_FILE, "3\n");
                with_daemons("enabled", true);
                world_write(CONTROL_FILE, "3\n");
                registryd_start(NULL);
                policyd_follow();
                set_string(world.bus, MODULES, "TaintEvents", "disabled");
                WAIT(policy_is("Pending", "'disabled'"));
                ck_assert_str_eq(world_read(CONTROL_FILE), "3");
                daemon_stop(&world.policyd);
                daemon_stop(&world.registryd);
                apply(0, "3", NULL);
                world_write(BOOT_ID_FILE, "00000001-1111-2222-3333-444455556666\n");
                apply(0, "0", NULL);
                /* Without the registry's state the kept one says so. */
                world_remove("/var");
                apply(0, "0", NULL);
                world_remove(LAYOUT_ACCEPTED_DIR);
        }
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { nothing_on_disk, files, fleet, state, behind_links,
                text_that_ends_with_nul, state_and_accepted, refused_values, broken_files, broken_state,
                failing_control, what_waits };
        return harness_main(tests, ARRAY_SIZE(tests));
}
