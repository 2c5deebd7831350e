/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drop-in files while the provider runs: every way in which editors and packages change files, with the
 * kernel's own inotify. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "dropin.h"

#define BROKEN "peios-registry: 1\nlayer: site\nkeys: [\n"

static void rename_over(const char *name, const char *text)
{
        world_replace(dropin_path(name), text);
}

/* As editors do that keep the old file as a backup. */
static void rename_away_and_write(const char *name, const char *text)
{
        const char *from = world_path(dropin_path(name)), *to = world_path(dropin_path(textf("%s~", name)));
        ck_assert_int_eq(rename(from, to), 0);
        dropin_write(name, text);
}

static void append(const char *name, const char *text, size_t n)
{
        _cleanup_close_ int fd =
                open(world_path(dropin_path(name)), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, n), (ssize_t)n);
}

static void create_then_fill(const char *name, const char *text)
{
        size_t half = strlen(text) / 2;

        ck_assert_int_eq(unlink(world_path(dropin_path(name))), 0);
        append(name, "", 0);
        append(name, text, half);
        append(name, text + half, strlen(text) - half);
}

static void link_from_elsewhere(const char *name, const char *text)
{
        world_write("/srv/site.yaml", text);
        ck_assert_int_eq(unlink(world_path(dropin_path(name))), 0);
        const char *target = world_path("/srv/site.yaml"), *at = world_path(dropin_path(name));
        ck_assert_int_eq(symlink(target, at), 0);
}

START_TEST(editors)
{
        static const struct {
                void (*edit)(const char *name, const char *text);
                const char *value;
        } cases[] = {
                { dropin_write, "disabled" },
                { rename_over, "success-only" },
                { rename_away_and_write, "failure-only" },
                { create_then_fill, "disabled" },
                { rename_over, "enabled" },
                { dropin_write, "failure-only" },
                { link_from_elsewhere, "disabled" },
        };

        dropin_write("site.yaml", dropin_text("site", 5, "enabled"));
        registryd_start(NULL);
        ck_assert(value_is("enabled site"));
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                cases[i].edit("site.yaml", dropin_text("site", 5, cases[i].value));
                WAIT(value_is(textf("%s site", cases[i].value)));
        }
        ck_assert_int_eq(unlink(world_path(dropin_path("site.yaml"))), 0);
        WAIT(value_is("enabled default"));
        ck_assert(no_problems());
}
END_TEST

START_TEST(what_counts_for_nothing)
{
        static const char *const names[] = { "site.yaml~", ".site.yaml.swp", "#site.yaml#", "site.yaml.bak",
                "site.yml", ".site.yaml", "site.yaml.dpkg-new" };

        registryd_start(NULL);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                dropin_write(names[i], dropin_text("site", 5, "disabled"));
        /* What is written last is read last. */
        dropin_write("zz.yaml", dropin_text("zz", 1, "failure-only"));
        WAIT(value_is("failure-only zz"));
        ck_assert_str_eq(registry_property(world.bus, "Layers"),
                "[('base' 0 true '' 0 ''), ('zz' 1 true '/etc/peios/registry.d/zz.yaml' 0 '')]");
        ck_assert(no_problems());
}
END_TEST

START_TEST(administrator_over_vendor)
{
        world_write(LAYOUT_DROPINS_VENDOR "/10-site.yaml", dropin_text("site", 5, "success-only"));
        registryd_start(NULL);
        ck_assert(value_is("success-only site"));
        dropin_write("10-site.yaml", dropin_text("site", 5, "failure-only"));
        WAIT(value_is("failure-only site"));
        ck_assert_int_eq(unlink(world_path(dropin_path("10-site.yaml"))), 0);
        WAIT(value_is("success-only site"));
        ck_assert_int_eq(symlink("/dev/null", world_path(dropin_path("10-site.yaml"))), 0);
        WAIT(value_is("enabled default"));
        ck_assert_int_eq(unlink(world_path(dropin_path("10-site.yaml"))), 0);
        WAIT(value_is("success-only site"));
        ck_assert(no_problems());
}
END_TEST

/* Above the vendor's, below the administrator's; it outlives a restart, and a set in base does not beat it.
 */
START_TEST(fleet_between)
{
        world_write(LAYOUT_DROPINS_VENDOR "/fleet-web.yaml", dropin_text("site", 5, "success-only"));
        registryd_start(NULL);
        ck_assert(value_is("success-only site"));
        dropin_write_signed("fleet-web", 1000, "failure-only");
        WAIT(value_is("failure-only fleet-web"));
        set_string(world.bus, MODULES, "TaintEvents", "enabled");
        daemon_stop(&world.registryd);
        registryd_start(NULL);
        ck_assert(value_is("failure-only fleet-web"));
        dropin_write("fleet-web.yaml", dropin_text("own", 5, "disabled"));
        WAIT(value_is("disabled own"));
        ck_assert_int_eq(unlink(world_path(dropin_path("fleet-web.yaml"))), 0);
        WAIT(value_is("failure-only fleet-web"));
        dropin_write_signed("own", 1000, "disabled");
        WAIT(has_problem(DROPIN_FLEET ":4:8: layer `own`"));
        ck_assert(value_is("failure-only fleet-web"));
        world_remove(LAYOUT_DROPINS_FLEET);
        WAIT(value_is("success-only site") && no_problems());
}
END_TEST

START_TEST(directories)
{
        world_remove("/etc");
        world_remove("/usr");
        registryd_start(NULL);
        ck_assert(value_is("enabled default"));
        for (unsigned round = 0; round < 2; round++) {
                dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
                WAIT(value_is("disabled site"));
                world_remove(LAYOUT_DROPINS_ADMIN);
                WAIT(value_is("enabled default"));
        }
        world_write(LAYOUT_DROPINS_VENDOR "/a.yaml", dropin_text("vendor", 5, "success-only"));
        WAIT(value_is("success-only vendor"));
        world_remove("/usr");
        WAIT(value_is("enabled default"));
        ck_assert(no_problems());
}
END_TEST

START_TEST(broken_files)
{
        static const char big_key[] = "peios-registry: 1\nlayer: site\nkeys:\n  a\\\\b:\n    x: !sz y\n";
        static const struct {
                const char *text, *problem;
        } cases[] = {
                { BROKEN, "site.yaml:" },
                { "\x01\x02\xff", "site.yaml:" },
                { "peios-registry: 2\nlayer: site\n",
                        "site.yaml:1:17: format version `2` is not known, expected 1" },
                { "layer: site\n", "no format version" },
                { "peios-registry: 1\n", "no `layer`" },
                { "peios-registry: 1\nlayer: base\n", "layer `base` is the registry's own" },
                { "peios-registry: 1\nlayer: &a site\nkeys: *a\n", "site.yaml:" },
                { "peios-registry: 1\nlayer: site\nkeys:\n\t\\A:\n", "site.yaml:4" },
                { big_key, "site.yaml:4" },
                { "peios-registry: 1\nlayer: site\nkeys:\n  \\A:\n    x: no\n", "site.yaml:5" },
        };
        _cleanup_ear_ struct ear ear = { 0 };

        dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
        dropin_write("other.yaml", "peios-registry: 1\nlayer: other\nkeys:\n  \\Other:\n    x: !sz \"1\"\n");
        registryd_start(NULL);
        ear_on(&ear, world.bus, REGISTRY_PATH, NULL, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                world_replace(dropin_path("site.yaml"), cases[i].text);
                WAIT(has_problem("('/etc/peios/registry.d/site.yaml' "));
                WAIT(ear_heard(&ear, "'Problems'=a(ss):[('/etc/peios/registry.d/site.yaml' "));
                const char *problems = registry_property(world.bus, "Problems");
                ck_assert_msg(
                        strstr(problems, cases[i].problem), "expected %s in %s", cases[i].problem, problems);
                /* The last good content stays in force, and nothing else is touched. */
                ck_assert(value_is("disabled site"));
                ck_assert_str_eq(get_text(world.bus, "\\Other", "x"), "1 other");
                ear_clear(&ear);
                world_replace(dropin_path("site.yaml"), dropin_text("site", 5, "disabled"));
                WAIT(no_problems());
                WAIT(ear_heard(&ear, "'Problems'=a(ss):[]"));
                ear_clear(&ear);
        }
        if (records_are_logged())
                ck_assert_uint_ge(daemon_count(&world.registryd, "Registry file"), ARRAY_SIZE(cases));
}
END_TEST

static void reg_says(const char *command, const char *word, const char *text)
{
        struct daemon reg = { .name = "reg", .notify_fd = -1 };
        _cleanup_buf_ struct buf out = BUF_INIT;

        ck_assert(asprintf(&reg.log, "%s/reg.log", world.dir) > 0);
        (void)unlink(reg.log);
        spawn_program(&reg, "PEIOS_REG", command, word, NULL);
        ck_assert_int_eq(daemon_end(&reg), 0);
        ck_assert_int_eq(file_read(AT_FDCWD, reg.log, 100000, &out, NULL, NULL), 0);
        ck_assert_msg(text ? strstr(buf_str(&out), text) != NULL : !strstr(buf_str(&out), "broken"),
                "%s: %s", command, buf_str(&out));
        free(reg.log);
}

/* Whoever looks at a value sees that it is what the file said before. */
START_TEST(broken_is_shown)
{
        dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
        registryd_start(NULL);
        WAIT(value_is("disabled site"));
        reg_says("why", MODULES "\\TaintEvents", NULL);
        dropin_write("site.yaml", BROKEN);
        WAIT(has_problem("/etc/peios/registry.d/site.yaml:"));
        reg_says("why", MODULES "\\TaintEvents",
                "\n  the file is broken, this is what it said before: /etc/peios/registry.d/site.yaml:");
        reg_says("get", MODULES "\\TaintEvents", "warning: /etc/peios/registry.d/site.yaml:");
        reg_says("ls", MODULES, "warning: /etc/peios/registry.d/site.yaml:");
}
END_TEST

START_TEST(broken_over_a_restart)
{
        registryd_start(NULL);
        dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
        WAIT(value_is("disabled site"));
        daemon_kill(&world.registryd);
        dropin_write("site.yaml", BROKEN);
        registryd_start(NULL);
        ck_assert(value_is("disabled site"));
        ck_assert(has_problem("/etc/peios/registry.d/site.yaml:"));
        ck_assert_int_eq(unlink(world_path(dropin_path("site.yaml"))), 0);
        WAIT(value_is("enabled default"));
        ck_assert(no_problems());
}
END_TEST

START_TEST(odd_files)
{
        registryd_start(NULL);
        ck_assert_int_eq(mkfifo(world_path(dropin_path("a-fifo.yaml")), 0644), 0);
        ck_assert_int_eq(mkdir(world_path(dropin_path("b-directory.yaml")), 0755), 0);
        ck_assert_int_eq(symlink("nowhere", world_path(dropin_path("c-dangling.yaml"))), 0);
        ck_assert_int_eq(symlink("d-loop.yaml", world_path(dropin_path("d-loop.yaml"))), 0);
        dropin_write("e-bom.yaml",
                "\xef\xbb\xbfpeios-registry: 1\r\nlayer: bom\r\nkeys:\r\n  \\B:\r\n    x: !sz y\r\n");
        dropin_write("f-empty.yaml", "");
        dropin_write("g-huge.yaml", "#");
        ck_assert_int_eq(truncate(world_path(dropin_path("g-huge.yaml")), INT64_C(1) << 32), 0);
        dropin_write("z-last.yaml", dropin_text("last", 5, "disabled"));
        WAIT(value_is("disabled last"));
        ck_assert_str_eq(get_text(world.bus, "\\B", "x"), "y bom");
        WAIT(has_problem("g-huge.yaml"));
        ck_assert(has_problem("a-fifo.yaml"));
        ck_assert(has_problem("b-directory.yaml"));
        ck_assert(has_problem("c-dangling.yaml"));
        ck_assert(has_problem("d-loop.yaml"));
        ck_assert(has_problem("f-empty.yaml"));
}
END_TEST

/* What a full disk leaves, and the first of an editor's two steps. */
START_TEST(emptied)
{
        dropin_write("base.yaml", dropin_text("base-of-site", 1, "disabled"));
        dropin_write("site.yaml", dropin_text("site", 5, "enabled"));
        registryd_start(NULL);
        ck_assert(value_is("enabled site"));
        dropin_write("site.yaml", "");
        WAIT(has_problem("site.yaml:1:1: an empty file"));
        ck_assert(value_is("enabled site"));
        dropin_write("site.yaml", dropin_text("site", 5, "failure-only"));
        WAIT(value_is("failure-only site"));
        ck_assert(no_problems());
}
END_TEST

START_TEST(sequences)
{
        _cleanup_message_ sd_bus_message *before = NULL, *after = NULL, *again = NULL;

        dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
        dropin_write("other.yaml", "peios-registry: 1\nlayer: other\nkeys:\n  \\Other:\n    x: !sz \"1\"\n");
        registryd_start(NULL);
        before = answer(world.bus, "Get", "ss", "\\Other", "x");
        dropin_write("site.yaml", dropin_text("site", 5, "enabled"));
        WAIT(value_is("enabled site"));
        after = answer(world.bus, "Get", "ss", "\\Other", "x");
        ck_assert_str_eq(message_text(before), message_text(after));
        char *last = strdupa(registry_property(world.bus, "Sequence"));
        daemon_stop(&world.registryd);
        registryd_start(NULL);
        again = answer(world.bus, "Get", "ss", "\\Other", "x");
        (void)sd_bus_message_rewind(before, true);
        ck_assert_str_eq(message_text(before), message_text(again));
        ck_assert_str_eq(registry_property(world.bus, "Sequence"), last);
}
END_TEST

START_TEST(writes_to_a_file)
{
        dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
        registryd_start(NULL);
        refused(world.bus, ERROR_READ_ONLY,
                "layer 'site' is read-only: it is the contents of "
                "/etc/peios/registry.d/site.yaml",
                "Set", "ssuva{sv}", MODULES, "TaintEvents", (uint32_t)REG_SZ, "s", "enabled", 1, "layer",
                "s", "SITE");
        refused(world.bus, ERROR_READ_ONLY, "/etc/peios/registry.d/site.yaml", "Delete", "ssa{sv}", MODULES,
                "TaintEvents", 1, "layer", "s", "site");
        refused(world.bus, ERROR_READ_ONLY, "/etc/peios/registry.d/site.yaml", "CreateKey", "sa{sv}",
                "\\New", 1, "layer", "s", "site");
        refused(world.bus, ERROR_READ_ONLY, "/etc/peios/registry.d/site.yaml", "DeleteKey", "sa{sv}",
                MODULES, 1, "layer", "s", "site");
        ck_assert(value_is("disabled site"));
        if (records_are_logged())
                WAIT(daemon_said(
                        &world.registryd, "Write to '\\System\\Audit\\Modules\\TaintEvents' denied"));
        /* A write below it is stored, and is what counts once the file is gone. */
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        ck_assert(value_is("disabled site"));
        ck_assert_int_eq(unlink(world_path(dropin_path("site.yaml"))), 0);
        WAIT(value_is("success-only base"));
}
END_TEST

START_TEST(read_again)
{
        registryd_start(NULL);
        /* Read before it answers, whether inotify told of it or not. */
        dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
        succeeds(world.bus, "Reload", "");
        ck_assert(value_is("disabled site"));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { editors, what_counts_for_nothing, administrator_over_vendor,
                fleet_between, directories, broken_files, broken_is_shown, broken_over_a_restart, odd_files,
                emptied, sequences, writes_to_a_file };
        const TTest *const privileged[] = { read_again };
        harness_add_privileged(
                privileged, ARRAY_SIZE(privileged), "that root may have the files read again");
        return harness_main(tests, ARRAY_SIZE(tests));
}
