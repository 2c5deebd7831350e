/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an agent costs its machine while nothing happens: how often it wakes up, and its memory beside that
 * of a program that only holds a connection (floor.c). A whole machine, and a real etcd with TLS and users.
 *
 *     sudo meson test -C BUILD -t 0 -v fleet-idle --test-args=SECONDS      5 without it
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/lib/suite.h"
#include "load.h"
#include "whole.h"

#define GROUP "all"
/* It still looks at how the machine stands after it has joined: three seconds later, and then ever later. */
#define SETTLE_SECONDS 15u
#define USUAL_SECONDS 5u
/* For a report, and when etcd says that the watch lives: twice in ten minutes, whenever that begins. */
#define WAKE_SECONDS 300u

static pid_t start_floor(const struct whole_config *c)
{
        char line[16] = "";
        int fds[2];

        ck_assert_int_eq(pipe(fds), 0);
        const pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)dup2(fds[1], STDOUT_FILENO);
                const char *program = getenv("PEIOS_FLEET_FLOOR");
                (void)execl(program, program, c->endpoint, c->ca_file, (char *)NULL);
                _exit(127);
        }
        (void)close(fds[1]);
        ck_assert_int_gt(read(fds[0], line, sizeof(line)), 0);
        (void)close(fds[0]);
        return pid;
}

/* How often something had it wake up: a report is some answers, and one time. Each is printed when it was:
 * what it was for, strace says. */
static unsigned count_times(pid_t agent, unsigned seconds)
{
        unsigned long last = load_wakes(agent);
        unsigned times = 0, awake = 0;

        for (unsigned i = 1; i <= seconds; i++) {
                (void)sleep(1);
                const unsigned long now = load_wakes(agent);
                if (now == last)
                        continue;
                (void)printf("%u s: %lu\n", i, now - last);
                times += awake == 0 || i > awake + 1;
                awake = i;
                last = now;
        }
        return times;
}

TEST(an_agent_sleeps)
{
        const unsigned seconds =
                suite_argument ? (unsigned)strtoul(suite_argument, NULL, 10) : USUAL_SECONDS;
        struct whole_config c;
        struct etcd_world w = { 0 };
        struct whole m;

        whole_config_open(&c, &w, GROUP);
        whole_start(&m, 0, &c);
        whole_wait(&m);
        whole_join(&m);
        whole_wait(&m);
        (void)sleep(SETTLE_SECONDS);
        const pid_t agent = whole_agent(&m), floor = start_floor(&c);
        const unsigned times = count_times(agent, seconds);
        const unsigned long own = load_memory(agent, "VmRSS"), least = load_memory(floor, "VmRSS");
        (void)printf(
                "in %u s an idle agent woke up %u times; it has %lu kB, %lu of them its own; the floor is "
                "%lu kB, %lu of them its own: %.2f\n",
                seconds, times, own, load_memory(agent, "RssAnon"), least, load_memory(floor, "RssAnon"),
                (double)own / (double)least);
        ck_assert_uint_le(times, seconds / WAKE_SECONDS);
        ck_assert_uint_le(own, 2 * least);
        (void)kill(floor, SIGKILL);
        ck_assert_int_eq(waitpid(floor, NULL, 0), floor);
        whole_stop(&m);
        etcd_world_done(&w);
}

/* Each folder on the way to what counts is watched, and what others do beside it wakes the agent: here it
 * has that for itself, as on a machine. */
static bool has_own_folder(void)
{
        bool has = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                   mount("none", "/mnt", "tmpfs", 0, NULL) == 0 && setenv("TMPDIR", "/mnt", 1) == 0;

        if (!has)
                (void)fprintf(stderr, "no folder that nobody else has: %s: not measured\n", strerror(errno));
        return has;
}

Suite *test_suite(void)
{
        return etcd_world_can() && has_own_folder() ? suite_of("fleet-idle") : NULL;
}
