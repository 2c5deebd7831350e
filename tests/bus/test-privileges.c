/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the running daemons may still do: each thread's capabilities, as the kernel shows them. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "client.h"

#define BIT(capability) (UINT64_C(1) << (capability))
#define START_ONLY (BIT(CAP_BPF) | BIT(CAP_PERFMON) | BIT(CAP_SYSLOG))
#define SENDING (BIT(CAP_AUDIT_WRITE) | BIT(CAP_AUDIT_CONTROL))

struct thread {
        char name[32];
        uint64_t inheritable, permitted, effective, ambient;
};

static void read_status(const char *path, struct thread *ret)
{
        FILE *f = fopen(path, "re");
        char line[256];
        unsigned n = 0;

        ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
        while (fgets(line, sizeof(line), f)) {
                n += sscanf(line, "Name: %31s", ret->name) == 1;
                n += sscanf(line, "CapInh: %" SCNx64, &ret->inheritable) == 1;
                n += sscanf(line, "CapPrm: %" SCNx64, &ret->permitted) == 1;
                n += sscanf(line, "CapEff: %" SCNx64, &ret->effective) == 1;
                n += sscanf(line, "CapAmb: %" SCNx64, &ret->ambient) == 1;
        }
        ck_assert_uint_eq(n, 5);
        (void)fclose(f);
}

static void check_thread(const struct thread *t, const struct thread *own, uint64_t kept)
{
        ck_assert_msg(
                t->effective == (own->effective & kept), "%s: effective %" PRIx64, t->name, t->effective);
        ck_assert_msg(
                t->permitted == (own->permitted & kept), "%s: permitted %" PRIx64, t->name, t->permitted);
        ck_assert_uint_eq(t->inheritable, own->inheritable & kept);
        ck_assert_uint_eq(t->ambient, own->ambient & kept);
}

/* The sending thread gives up what it does not need before it takes its name. */
static bool sender_runs(void)
{
        char path[300];
        struct thread t = { 0 };
        bool found = false;

        (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)world.policyd.pid);
        DIR *dir = opendir(path);
        ck_assert_ptr_nonnull(dir);
        for (struct dirent *e; (e = readdir(dir));) {
                if (e->d_name[0] == '.')
                        continue;
                (void)snprintf(
                        path, sizeof(path), "/proc/%d/task/%.20s/status", (int)world.policyd.pid, e->d_name);
                read_status(path, &t);
                found |= strcmp(t.name, "audit-sender") == 0;
        }
        (void)closedir(dir);
        return found;
}

START_TEST(threads)
{
        struct thread own = { 0 };
        char path[300];
        unsigned n = 0, senders = 0;

        read_status("/proc/self/status", &own);
        if ((own.permitted & (START_ONLY | SENDING)) != (START_ONLY | SENDING))
                (void)fprintf(stderr, "SKIP: this process lacks some of what the service is to drop or to "
                                      "keep, so that was not seen\n");
        policyd_start(NULL);
        WAIT(sender_runs());
        (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)world.policyd.pid);
        DIR *dir = opendir(path);
        ck_assert_ptr_nonnull(dir);
        for (struct dirent *e; (e = readdir(dir));) {
                struct thread t = { 0 };
                if (e->d_name[0] == '.')
                        continue;
                (void)snprintf(
                        path, sizeof(path), "/proc/%d/task/%.20s/status", (int)world.policyd.pid, e->d_name);
                read_status(path, &t);
                bool sender = strcmp(t.name, "audit-sender") == 0;
                check_thread(&t, &own, sender ? SENDING : ~START_ONLY);
                senders += sender;
                n++;
        }
        (void)closedir(dir);
        ck_assert_uint_eq(n, 2);
        ck_assert_uint_eq(senders, 1);
}
END_TEST

/* What was dropped is not missed: values are applied, and records are made. */
START_TEST(work_goes_on)
{
        registryd_start(NULL);
        policyd_follow();
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(strcmp(world_read(CONTROL_FILE), "1") == 0);
        ck_assert(!daemon_said(&world.policyd, "capabilities"));
}
END_TEST

static int child_of(pid_t pid)
{
        char path[64];
        int child = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
        FILE *f = fopen(path, "re");
        ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
        ck_assert_int_eq(fscanf(f, "%d", &child), 1);
        (void)fclose(f);
        return child;
}

/* What sees every file and all memory is with a process that does nothing but name programs, and no thread
 * of the provider has it. */
START_TEST(provider)
{
        struct thread own = { 0 }, t = { 0 };
        char path[300];
        unsigned n = 0;

        read_status("/proc/self/status", &own);
        if (!(own.permitted & BIT(CAP_SYS_PTRACE)))
                (void)fprintf(
                        stderr, "SKIP: this process has no CAP_SYS_PTRACE to give, so that was not seen\n");
        registryd_start(NULL);
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        (void)snprintf(path, sizeof(path), "/proc/%d/status", child_of(world.registryd.pid));
        read_status(path, &t);
        ck_assert_str_eq(t.name, "exe-reader");
        check_thread(&t, &own, BIT(CAP_SYS_PTRACE));
        (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)world.registryd.pid);
        DIR *dir = opendir(path);
        ck_assert_ptr_nonnull(dir);
        for (struct dirent *e; (e = readdir(dir));) {
                if (e->d_name[0] == '.')
                        continue;
                (void)snprintf(path, sizeof(path), "/proc/%d/task/%.20s/status", (int)world.registryd.pid,
                        e->d_name);
                read_status(path, &t);
                ck_assert_msg(
                        !((t.effective | t.permitted | t.inheritable | t.ambient) & BIT(CAP_SYS_PTRACE)),
                        "%s has it", t.name);
                n++;
        }
        (void)closedir(dir);
        ck_assert_uint_ge(n, 1);
}
END_TEST

/* When that process is killed, this is said once, and all else goes on. */
START_TEST(without_the_reader)
{
        static const char said[] = "which program a caller runs has ended";

        registryd_start(NULL);
        (void)kill(child_of(world.registryd.pid), SIGKILL);
        WAIT(daemon_said(&world.registryd, said));
        for (unsigned i = 0; i < 3; i++) {
                _cleanup_bus_ sd_bus *bus = world_connect(getuid());
                set_number(bus, "\\Test", "V", i);
        }
        ck_assert_uint_eq(daemon_count(&world.registryd, said), 1);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { work_goes_on, without_the_reader };
        const TTest *const privileged[] = { threads, provider };
        harness_add_privileged(privileged, ARRAY_SIZE(privileged), "which capabilities the daemons keep");
        return harness_main(tests, ARRAY_SIZE(tests));
}
