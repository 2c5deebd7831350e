/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies that come into the incoming folder: whose they may be is asked of the registry, and what is good
 * comes into force there. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "../unit/fleet/signer.h"
#include "dropin.h"
#include "shell.h"

#define FLEET "\\System\\Fleet"
#define INCOMING LAYOUT_FLEET_INCOMING "/web.yaml"
#define INSTALLED LAYOUT_DROPINS_FLEET "/fleet-web.yaml"
#define KEY_FILE LAYOUT_FLEET_KEYS "/1.pub"
#define REFUSED 4 /* as peios-reg(1) has it */
#define FAILURE 5

static struct daemon fleet = { .name = "fleet", .notify_fd = -1 };

static void put_key(void)
{
        const struct signer s = signer_new(1);
        _cleanup_buf_ struct buf text = BUF_INIT;

        signer_put_key(&s, &text);
        world_write(KEY_FILE, buf_str(&text));
}

static void put_policy(const char *path, const char *group, uint64_t serial, const char *value)
{
        const struct signer s = signer_new(1);
        _cleanup_buf_ struct buf text = BUF_INIT, keys = BUF_INIT;

        buf_printf(&keys, "keys:\n  \\System\\Audit\\Modules:\n    TaintEvents: !sz %s\n", value);
        signer_publish(&s, group, serial, buf_str(&keys), &text);
        world_write(path, buf_str(&text));
}

static void begin(void)
{
        ck_assert(asprintf(&fleet.log, "%s/fleet.log", world.dir) > 0);
        put_key();
        registryd_start(NULL);
}

static void end(void)
{
        free(STEAL_PTR(fleet.log));
}

/* It must say that; NULL: whatever it says. */
static void incoming(int code, const char *text)
{
        (void)unlink(fleet.log);
        spawn_program(&fleet, "PEIOS_FLEET", "verify", "--incoming", NULL);
        ck_assert_int_eq(daemon_end(&fleet), code);
        ck_assert_msg(!text || daemon_said(&fleet, text), "no '%s'", text);
}

static void incoming_is_silent(void)
{
        struct stat st;

        incoming(0, NULL);
        ck_assert_int_eq(stat(fleet.log, &st), 0);
        ck_assert_int_eq(st.st_size, 0);
}

START_TEST(into_force)
{
        put_policy(INCOMING, "web", 1, "disabled");
        incoming_is_silent();
        ck_assert(!world_has(INSTALLED));
        set_list(world.bus, FLEET, "Groups", "db", "web");
        incoming(0, INCOMING ": is good, group web, serial 1");
        WAIT(value_is("disabled fleet-web"));
        set_string(world.bus, MODULES, "TaintEvents", "enabled");
        ck_assert(value_is("disabled fleet-web"));
        incoming_is_silent();
        put_policy(INCOMING, "web", 2, "failure-only");
        incoming(0, "serial 2");
        WAIT(value_is("failure-only fleet-web"));
        /* The group that the file is of, not that of its name. */
        put_policy(LAYOUT_FLEET_INCOMING "/db.yaml", "web", 3, "disabled");
        incoming(REFUSED, "/db.yaml: is another group's, group web, serial 3");
        ck_assert(value_is("failure-only fleet-web"));
}
END_TEST

/* Whoever puts them there, nothing is followed, waited for or taken for a policy; the last good one stays.
 */
START_TEST(what_is_no_policy)
{
        set_list(world.bus, FLEET, "Groups", "web", "Web/..");
        put_policy("/elsewhere", "web", 9, "disabled");
        put_policy(INCOMING, "web", 2, "failure-only");
        incoming(0, "'Web/..' can be no group's name; ignoring");
        WAIT(value_is("failure-only fleet-web"));
        world_remove(INCOMING);
        ck_assert_int_eq(symlink(world_path("/elsewhere"), world_path(INCOMING)), 0);
        incoming(REFUSED, "is no regular file");
        world_remove(INCOMING);
        ck_assert_int_eq(mkfifo(world_path(INCOMING), 0644), 0);
        incoming(REFUSED, NULL);
        world_remove(INCOMING);
        put_policy(INCOMING, "web", 1, "disabled");
        incoming(REFUSED, "is older than what was accepted before");
        incoming(REFUSED, NULL);
        ck_assert(!daemon_said(&fleet, "older"));
        /* The folder itself. */
        world_remove(LAYOUT_FLEET_INCOMING);
        put_policy("/folder/web.yaml", "web", 9, "disabled");
        ck_assert_int_eq(symlink(world_path("/folder"), world_path(LAYOUT_FLEET_INCOMING)), 0);
        incoming(FAILURE, LAYOUT_FLEET_INCOMING ": ");
        ck_assert(value_is("failure-only fleet-web"));
}
END_TEST

START_TEST(nobody_to_ask)
{
        set_list(world.bus, FLEET, "Groups", "web", NULL);
        set_string(world.bus, FLEET, "OnExpiry", "drop");
        put_policy(INCOMING, "web", 1, "disabled");
        incoming(0, "installed");
        daemon_stop(&world.registryd);
        put_policy(INCOMING, "web", 2, "enabled");
        world_remove(KEY_FILE);
        incoming(FAILURE, "is not running");
        ck_assert(world_has(INSTALLED));
        put_key();
        registryd_start(NULL);
        incoming(0, "serial 2");
}
END_TEST

START_TEST(key_that_went)
{
        set_list(world.bus, FLEET, "Groups", "web", NULL);
        put_policy(INCOMING, "web", 1, "disabled");
        incoming(0, "installed");
        WAIT(value_is("disabled fleet-web"));
        world_remove(KEY_FILE);
        set_string(world.bus, FLEET, "OnExpiry", "keep");
        incoming(REFUSED, "is signed with a key that is not installed");
        ck_assert(world_has(INSTALLED));
        set_string(world.bus, FLEET, "OnExpiry", "nonsense");
        incoming(REFUSED, "expected `keep` or `drop`");
        ck_assert(world_has(INSTALLED));
        set_string(world.bus, FLEET, "OnExpiry", "drop");
        incoming(REFUSED,
                INSTALLED ": is signed with a key that is not installed; it is not in force any more");
        WAIT(value_is("enabled default"));
}
END_TEST

static bool is_waiting_for_the_lock(void)
{
        _cleanup_buf_ struct buf locks = BUF_INIT;

        ck_assert_int_eq(file_read(AT_FDCWD, "/proc/locks", 10000000, &locks, NULL, NULL), 0);
        return strstr(buf_str(&locks), textf("-> FLOCK  ADVISORY  WRITE %d ", (int)fleet.pid)) != NULL;
}

/* What comes while it runs is seen by nobody else. Each look says once more what is wrong with a key. */
START_TEST(looks_again)
{
        set_list(world.bus, FLEET, "Groups", "web", NULL);
        put_policy(INCOMING, "web", 1, "disabled");
        incoming(0, "installed");
        world_write(LAYOUT_FLEET_KEYS "/broken.pub", "no key\n");
        _cleanup_close_ int lock = open(world_path(LAYOUT_FLEET_LOCK), O_RDWR | O_CLOEXEC);
        ck_assert_int_eq(flock(lock, LOCK_EX), 0);
        (void)unlink(fleet.log);
        spawn_program(&fleet, "PEIOS_FLEET", "verify", "--incoming", "--settle=1");
        WAIT(is_waiting_for_the_lock());
        put_policy(LAYOUT_FLEET_INCOMING "/db.yaml", "db", 1, "disabled");
        ck_assert_int_eq(flock(lock, LOCK_UN), 0);
        ck_assert_int_eq(daemon_end(&fleet), 0);
        ck_assert_uint_eq(daemon_count(&fleet, "broken.pub: no public key"), 2);
}
END_TEST

#define SIGNER "0101010101010101"
#define WHY "reg why '" MODULES "' TaintEvents"
#define AUDITPOL "\"$PEIOS_AUDITPOL\" "

static void has_serial(const char *serial)
{
        char text[64];

        WAIT(policy_is("Serial", serial));
        ck_assert(policy_is("Signer", "'" SIGNER "'"));
        (void)snprintf(text, sizeof(text), "group web, serial %s, signed by " SIGNER, serial);
        SHELL_SAYS(0, WHY, "* fleet-web ", INSTALLED, text, "written by: ", "serial 7, signer " SIGNER);
        SHELL_SAYS(0, "reg layer ls", "fleet-web ", INSTALLED, text);
}

/* Whatever shows a value that the fleet brought says of which group and serial it is, and whose key signed
 * it: of what is in force, and of what was changed. */
START_TEST(says_which_policy)
{
        policyd_follow();
        put_policy(INSTALLED, "web", 7, "disabled");
        WAIT(policy_is("TaintEvents", "'disabled'"));
        has_serial("7");
        if (records_are_logged())
                ck_assert(daemon_said(&world.policyd, "layer 'fleet-web', serial 7, signed by " SIGNER));
        SHELL_SAYS(0, WHY " --json", "\"group\":\"web\",\"serial\":7,\"signer\":\"" SIGNER "\"",
                "\"origin\":{", "\"serial\":7,\"signer\":\"" SIGNER "\"");
        SHELL_SAYS(0, "reg history '" MODULES "'", "-> REG_SZ disabled ", "layer fleet-web",
                "serial 7, signer " SIGNER);
        SHELL_SAYS(0, "reg set '" MODULES "' TaintEvents enabled",
                "written, but the fleet's policy for group web wins over layer base with ");
        SHELL_SAYS(0, AUDITPOL "status", "(layer fleet-web, serial 7, signed by " SIGNER ")");
        SHELL_SAYS(0, AUDITPOL "status --json", "\"serial\":7,\"signer\":\"" SIGNER "\"");
        /* The next one says the same of it. */
        _cleanup_free_ char *number = strdup(world_read(SEQNO_FILE));
        _cleanup_free_ char *before = strdup(registry_property(world.bus, "Sequence"));
        put_policy(INSTALLED, "web", 8, "disabled");
        has_serial("8");
        daemon_stop(&world.policyd);
        policyd_start(NULL);
        has_serial("8");
        ck_assert_str_eq(world_read(SEQNO_FILE), number);
        ck_assert_str_eq(registry_property(world.bus, "Sequence"), before);
        SHELL_SAYS(0, "reg history -s --json Machine", "\"file-set\"",
                "\"serial\":8,\"signer\":\"" SIGNER "\"", "\"file-set\"", "\"serial\":7,");
        world_remove(INSTALLED);
        WAIT(policy_is("TaintEvents", "'enabled'"));
        ck_assert(policy_is("Serial", "0"));
        ck_assert(policy_is("Signer", "''"));
        /* And what counts instead says whose that was. */
        if (records_are_logged())
                ck_assert(daemon_said(&world.policyd, "layer 'base', serial 8, signed by " SIGNER));
        SHELL_SAYS(0, "reg history -s --json Machine", "\"file-gone\"", "\"serial\":8,");
}
END_TEST

static bool are_watching(const char *n)
{
        return strcmp(registry_property(world.bus, "Subscriptions"), n) == 0;
}

/* With that option; both texts are of the change's line. */
static void watch_says(const char *option, void (*change)(void), const char *first, const char *second)
{
        char line[256];

        (void)snprintf(line, sizeof(line),
                "rm -f watched; \"$PEIOS_REG\" watch %s --filter=value --count=1 '" MODULES
                "' >watched 2>&1 &",
                option);
        WAIT(are_watching("0"));
        (void)shell_output(0, line);
        WAIT(are_watching("1"));
        change();
        (void)shell_output(0, "until grep -q . watched; do sleep 0.1; done");
        SHELL_SAYS(0, "cat watched", first, second);
}

static void put_seventh(void)
{
        put_policy(INSTALLED, "web", 7, "disabled");
}

static void put_above(void)
{
        dropin_write("50.yaml", dropin_text("above", 2000, "success-only"));
}

static void remove_above(void)
{
        world_remove(dropin_path("50.yaml"));
}

static void remove_installed(void)
{
        world_remove(INSTALLED);
}

#define SEAL_TEXT "group web, serial 7, signed by " SIGNER
#define SEAL_JSON "\"group\":\"web\",\"serial\":7,\"signer\":\"" SIGNER "\""

START_TEST(watch_says_which_policy)
{
        watch_says("", put_seventh, "(layer fleet-web, " SEAL_TEXT ", ", "serial 7, signer " SIGNER);
        watch_says("", put_above, "(layer above, sequence ", "/50.yaml");
        watch_says("--json", remove_above, SEAL_JSON, "/50.yaml\"");
        watch_says("", remove_installed, "(sequence ", "serial 7, signer " SIGNER);
        watch_says("--json", put_seventh, SEAL_JSON, "\"serial\":7,\"signer\":\"" SIGNER "\"");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { into_force, what_is_no_policy, nobody_to_ask, key_that_went,
                looks_again, says_which_policy, watch_says_which_policy };
        harness_around(begin, end);
        return harness_main(tests, ARRAY_SIZE(tests));
}
