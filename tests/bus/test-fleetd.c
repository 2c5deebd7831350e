/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole machine of a fleet, with a real etcd: it takes part when the registry says so, and what it reports
 * is how it stands. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "client.h"
#include "shell.h"

/* What systemd makes of the machine's id below. */
#define MACHINE_ID "44e52d33002f4b9aba88b52a627669a7"
#define FLEET "\\System\\Fleet"

static struct daemon fleetd = { .name = "fleetd", .notify_fd = -1 };
static pid_t etcd;
static char endpoint[64];

/* On a loopback address of this process. */
static void etcd_start(void)
{
        unsigned pid = (unsigned)getpid();
        char words[1024], host[32];

        (void)snprintf(
                host, sizeof(host), "http://127.%u.%u.%u", pid >> 16 & 0xff, pid >> 8 & 0xff, pid & 0xff);
        (void)snprintf(endpoint, sizeof(endpoint), "%s:13379", host);
        (void)snprintf(words, sizeof(words),
                "exec etcd --data-dir %s/etcd --listen-client-urls %s --advertise-client-urls %s"
                " --listen-peer-urls %s:13380 --unsafe-no-fsync --log-level error >%s/etcd.log 2>&1",
                world.dir, endpoint, endpoint, host, world.dir);
        etcd = fork();
        if (etcd == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)execl("/bin/sh", "sh", "-c", words, (char *)NULL);
                _exit(127);
        }
        ck_assert_int_eq(setenv("ETCDCTL_API", "3", 1), 0);
        ck_assert_int_eq(setenv("ETCDCTL_ENDPOINTS", endpoint, 1), 0);
        (void)shell_output(0, "until etcdctl endpoint health >/dev/null 2>&1; do sleep 0.1; done");
}

static void etcd_stop(void)
{
        (void)kill(etcd, SIGKILL);
        (void)waitpid(etcd, NULL, 0);
}

static const char *all_verdicts(void)
{
        return shell_output(0, "etcdctl get --prefix /peios/machines/");
}

static bool verdict_has(const char *text)
{
        return strstr(all_verdicts(), text) != NULL;
}

static void fleetd_start(void)
{
        static char log[4096];

        (void)snprintf(log, sizeof(log), "%s/fleetd.log", world.dir);
        fleetd.log = log;
        spawn_program(&fleetd, "PEIOS_FLEETD", NULL, NULL, NULL);
}

static void begin(void)
{
        etcd_start();
        world_write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        world_write("/proc/sys/kernel/tainted", "512\n");
        registryd_start(NULL);
        policyd_follow();
        fleetd_start();
}

static void join(const char *first, const char *second)
{
        (void)set_list(world.bus, FLEET, "Groups", first, second);
        (void)set_list(world.bus, FLEET, "Endpoints", endpoint, NULL);
}

static void end(void)
{
        daemon_stop(&fleetd);
        etcd_stop();
}

START_TEST(off_until_the_registry_says_where)
{
        begin();
        (void)set_list(world.bus, FLEET, "Groups", "web", NULL);
        (void)set_list(world.bus, FLEET, "Endpoints", "ftp://nowhere", NULL);
        WAIT(daemon_said(&fleetd, "`ftp://nowhere` is no endpoint"));
        (void)set_list(world.bus, FLEET, "Endpoints", "http://m:secret@127.0.0.1:2379", NULL);
        WAIT(daemon_said(
                &fleetd, "127.0.0.1:2379` is no endpoint, expected http:// or https://, and no user"));
        ck_assert_str_eq(all_verdicts(), "");
        join("web", "../etc");
        WAIT(daemon_said(&fleetd, "`../etc` is no group"));
        WAIT(verdict_has("/alive"));
        (void)delete_value(world.bus, FLEET, "Endpoints");
        daemon_stop(&fleetd);
        ck_assert(daemon_said(&fleetd, "of the fleet at"));
        etcd_stop();
}
END_TEST

START_TEST(policies_come_and_groups_change_live)
{
        begin();
        (void)shell_output(0, "etcdctl put /peios/policy/web one; etcdctl put /peios/policy/db two");
        join("web", NULL);
        WAIT(world_has(LAYOUT_FLEET_INCOMING "/web.yaml"));
        ck_assert(!world_has(LAYOUT_FLEET_INCOMING "/db.yaml"));
        (void)set_list(world.bus, FLEET, "Groups", "db", NULL);
        WAIT(world_has(LAYOUT_FLEET_INCOMING "/db.yaml"));
        ck_assert_str_eq(world_read(LAYOUT_FLEET_INCOMING "/db.yaml"), "two");
        (void)shell_output(0, "etcdctl put /elsewhere/policy/db three");
        (void)set_string(world.bus, FLEET, "Prefix", "/elsewhere");
        WAIT(strcmp(world_read(LAYOUT_FLEET_INCOMING "/db.yaml"), "three") == 0);
        end();
}
END_TEST

START_TEST(a_verdict_says_how_the_machine_stands)
{
        begin();
        join("web", NULL);
        WAIT(verdict_has("/peios/machines/" MACHINE_ID "/verdict"));
        WAIT(verdict_has("\"value\":\"\\\\System\\\\Audit\\\\Modules\\\\TaintEvents\""));
        ck_assert(verdict_has("\"tainted\":512"));
        ck_assert(verdict_has("\"registry\":\""));
        ck_assert(verdict_has("\"groups\":[]"));
        (void)set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(verdict_has("\"written\":\"success-only\",\"layer\":\"base\",\"accepted\":\"success-only\""));
        daemon_stop(&world.policyd);
        WAIT(verdict_has("\"policy-service\":null"));
        policyd_start(NULL);
        WAIT(verdict_has("\"policy-service\":\""));
        end();
}
END_TEST

static bool can_sign(void)
{
        return system("command -v signify-openbsd >/dev/null") == 0;
}

/* A key's number stands behind the two bytes of its algorithm. */
static bool verdict_has_key(unsigned serial, const char *key)
{
        char line[128], text[128];

        (void)snprintf(
                line, sizeof(line), "sed 1d %s.pub | base64 -d | od -An -tx1 -j2 -N8 | tr -d ' \\n'", key);
        (void)snprintf(text, sizeof(text), "\"group\":\"web\",\"serial\":%u,\"key\":\"%.32s\"", serial,
                shell_output(0, line));
        return verdict_has(text);
}

/* With a line more, or "". It has to come, and is judged as the machine's own unit would. */
static void publish_next(const char *key, unsigned serial, const char *more)
{
        char line[1024];

        (void)snprintf(line, sizeof(line),
                "sed -i '/^percent/d; s/^serial:.*/serial: %u%s/' web.yaml &&"
                " signify-openbsd -S -e -s %s.sec -m web.yaml -x web.signed &&"
                " etcdctl put /peios/policy/web <web.signed &&"
                " until cmp -s web.signed root" LAYOUT_FLEET_INCOMING "/web.yaml; do sleep 0.1; done;"
                " \"$PEIOS_FLEET\" --root root verify --install root" LAYOUT_FLEET_INCOMING "/web.yaml",
                serial, more, key);
        (void)shell_output(0, line);
}

static void begin_with_keys(void)
{
        begin();
        join("web", NULL);
        WAIT(verdict_has("\"groups\":[]"));
        (void)shell_output(0,
                "for key in one two; do signify-openbsd -G -n -p $key.pub -s $key.sec || exit; done &&"
                " mkdir -p root/etc/peios/fleet-keys.d && cp one.pub two.pub root/etc/peios/fleet-keys.d &&"
                " printf 'peios-registry: 1\\nlayer: fleet-web\\nprecedence: 1000\\nserial: 7\\nkeys:\\n"
                "  \\\\System\\\\Audit\\\\Modules:\\n    TaintEvents: !sz failure-only\\n' >web.yaml");
}

START_TEST(a_policy_that_is_in_force_is_in_the_verdict)
{
        if (!can_sign())
                return;
        begin_with_keys();
        publish_next("one", 7, "");
        WAIT(verdict_has_key(7, "one"));
        WAIT(verdict_has("\"layer\":\"fleet-web\",\"accepted\":\"failure-only\""));
        WAIT(verdict_has(
                "\"layers\":[{\"layer\":\"fleet-web\",\"precedence\":1000,\"file\":\"" LAYOUT_DROPINS_FLEET));
        /* One that is refused. */
        (void)shell_output(0, "etcdctl put /peios/policy/web <web.yaml");
        WAIT(strncmp(world_read(LAYOUT_FLEET_INCOMING "/web.yaml"), "peios-registry", 14) == 0);
        (void)shell_output(4, "\"$PEIOS_FLEET\" --root root verify --incoming");
        WAIT(verdict_has("\"refused\":\"unsigned\""));
        ck_assert(verdict_has("\"serial\":7,"));
        /* One that is for others first. */
        publish_next("one", 8, "\\npercent: 1");
        WAIT(verdict_has("\"serial\":7,"));
        WAIT(verdict_has("\"staged\":8"));
        ck_assert(!verdict_has("\"refused\""));
        publish_next("two", 9, "");
        WAIT(verdict_has_key(9, "two"));
        ck_assert(!verdict_has("\"staged\""));
        end();
}
END_TEST

static bool status_has(const char *state, const char *why)
{
        const char *text = shell_output(0, "\"$PEIOS_FLEET\" status --json --endpoint $ETCDCTL_ENDPOINTS");

        return strstr(text, state) && strstr(text, why);
}

/* A file that is good for whoever verifies it, and too much for the registry, or in another's way there. */
START_TEST(what_the_registry_leaves_out_is_not_in_force)
{
        if (!can_sign())
                return;
        begin_with_keys();
        (void)shell_output(0,
                "{ printf 'peios-registry: 1\\nkeys:\\n'; for i in $(seq 1023); do"
                " printf '  \\\\System\\\\Registry\\\\Layers\\\\l%u: {}\\n' $i; done; } >many.yaml &&"
                " reg apply many.yaml");
        publish_next("one", 7, "");
        WAIT(status_has("\"refused\"", "layer 'fleet-web' is one too many"));
        (void)shell_output(0, "reg layer del l1");
        WAIT(status_has("\"tainted\"", "0x200"));
        (void)shell_output(0, "reg link '\\App\\Here' '\\System\\Audit' && cp web.yaml before.yaml &&"
                              " printf '  \\\\App\\\\Here:\\n    A: !sz b\\n' >>web.yaml");
        publish_next("one", 8, "");
        WAIT(verdict_has_key(8, "one"));
        WAIT(status_has("\"refused\"", LAYOUT_DROPINS_FLEET "/fleet-web.yaml: "));
        ck_assert(verdict_has("fleet-web.yaml\",\"serial\":7}"));
        (void)shell_output(0, "mv before.yaml web.yaml");
        publish_next("one", 9, "");
        WAIT(status_has("\"tainted\"", "0x200"));
        ck_assert(verdict_has("fleet-web.yaml\",\"serial\":9}"));
        /* It may say that it is not to count, and is in force all the same. */
        (void)shell_output(0, "echo 'enabled: false' >>web.yaml");
        publish_next("one", 10, "");
        WAIT(verdict_has("\"serial\":10,\"enabled\":false}"));
        WAIT(status_has("\"tainted\"", "0x200"));
        end();
}
END_TEST

START_TEST(the_registry_may_come_later_and_go)
{
        etcd_start();
        world_write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        fleetd_start();
        WAIT(daemon_said(&fleetd, "trying again"));
        registryd_start(NULL);
        join("web", NULL);
        WAIT(verdict_has("/alive"));
        daemon_stop(&world.registryd);
        WAIT(verdict_has("\"registry\":null"));
        registryd_start(NULL);
        WAIT(verdict_has("\"registry\":\""));
        (void)shell_output(0, "etcdctl put /peios/policy/db two");
        (void)set_list(world.bus, FLEET, "Groups", "db", NULL);
        WAIT(world_has(LAYOUT_FLEET_INCOMING "/db.yaml"));
        end();
}
END_TEST

/* And one that comes, or is another one, is taken at once. */
START_TEST(a_password_that_is_missing_is_said)
{
        begin();
        (void)set_string(world.bus, FLEET, "PasswordFile", "/etc/peios/fleet-password");
        join("web", NULL);
        WAIT(daemon_said(&fleetd, "/etc/peios/fleet-password: there is no such file"));
        world_write("/etc/peios/fleet-password", "secret\n");
        WAIT(verdict_has("/alive"));
        ck_assert_uint_eq(daemon_count(&fleetd, "of the fleet at"), 1);
        world_replace("/etc/peios/fleet-password", "another\n");
        WAIT(daemon_count(&fleetd, "of the fleet at") == 2);
        /* What it was stays, as long as it is no other. */
        world_remove("/etc/peios/fleet-password");
        world_write("/etc/peios/fleet-password", "another\n");
        world_write("/etc/peios/elsewhere", "third\n");
        world_write("/etc/peios/fleet-password", "third\n");
        WAIT(daemon_count(&fleetd, "of the fleet at") == 3);
        end();
}
END_TEST

int main(void)
{
        const TTest *const tests[] = {
                off_until_the_registry_says_where,
                policies_come_and_groups_change_live,
                a_verdict_says_how_the_machine_stands,
                a_policy_that_is_in_force_is_in_the_verdict,
                what_the_registry_leaves_out_is_not_in_force,
                the_registry_may_come_later_and_go,
                a_password_that_is_missing_is_said,
        };

        if (system("command -v etcd etcdctl >/dev/null") != 0) {
                (void)fprintf(stderr, "etcd or etcdctl is missing\n");
                return 77;
        }
        return harness_main(tests, ARRAY_SIZE(tests));
}
