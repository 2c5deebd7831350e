/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A million values: loading them, starting with them, and what others wait meanwhile. */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rows.h"

#define STORE "1m"
#define WAIT_MOST_USEC 50000.0
#define MEMORY_MOST_MB 32.0
#define SMALL_BATCH 1000u
#define STARTS 30u

void row_load(const struct bench *b)
{
        struct lane registry = { .name = "registry, Transact of 10,000" };
        struct lane sqlite = { .name = "SQLite in process, the same rows" };
        struct lane *lanes[] = { &registry, &sqlite };
        const struct target targets[] = {
                { TARGET_TOTAL, &registry, &sqlite, 3 },
                { TARGET_SLOPE, &registry, NULL, 1.2 },
        };
        const struct row row = { "row 8: 1M values are loaded", lanes, ARRAY_SIZE(lanes), targets,
                ARRAY_SIZE(targets) };

        lane_bus_load(&registry, bench_bus(b, STORE));
        lane_sqlite_load(&sqlite, bench_file(b, "load.db"));
        bench_row(&row, 0, LOAD_VALUES / LOAD_BATCH);
}

void row_start(const struct bench *b)
{
        struct lane large = { .name = "registry, 1M values" }, small = { .name = "registry, 10 values" };
        struct lane *lanes[] = { &large, &small };
        const struct target targets[] = { { TARGET_RATIO, &large, &small, 1.5 } };
        const char *program = bench_program(b, "registry-provider/daemon/peios-registryd");

        lane_start(&large, bench_bus(b, STORE),
                COMMAND((char *)program, text("--root=%s/" STORE "/root", b->scratch)));
        lane_start(
                &small, bench_bus(b, "10"), COMMAND((char *)program, text("--root=%s/10/root", b->scratch)));
        RUN_ROW("row 7: a start, until the name is on the bus", lanes, targets, STARTS);
        double more = lane_start_memory(&large) - lane_start_memory(&small);
        (void)printf("  %-66s target <= %-6.4g %8.3f  %s\n",
                "1M values - 10 values, RSS after 2,000 gets, MB", MEMORY_MOST_MB, more,
                more <= MEMORY_MOST_MB ? "ok" : "MISSED");
}

static void wait_while(const struct bench *b, const char *what, unsigned rounds)
{
        struct lane get = { .name = "registry, Get" }, page = { .name = "registry, History, a page" };
        /* What the machine itself makes one wait. */
        struct lane bus = { .name = "the bus, Ping" };
        struct lane *lanes[] = { &get, &page, &bus };
        const struct target targets[] = {
                { TARGET_MOST, &get, NULL, WAIT_MOST_USEC },
                { TARGET_MOST, &page, NULL, WAIT_MOST_USEC },
                { TARGET_MOST, &bus, NULL, WAIT_MOST_USEC },
        };
        _cleanup_free_ char *title = text("row 7: waits in a store of 1M values, %s", what);

        lane_bus_get(&get, bench_bus(b, STORE), 1);
        lane_bus_history(&page, bench_bus(b, STORE), "\\Load");
        lane_driver_ping(&bus, bench_bus(b, STORE));
        RUN_ROW(title, lanes, targets, rounds);
}

static pid_t start_load(const struct bench *b)
{
        pid_t pid = fork();

        if (pid < 0)
                die("fork", -1);
        if (pid > 0)
                return pid;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        load_for_ever(bench_bus(b, STORE), SMALL_BATCH);
        _exit(EXIT_FAILURE);
}

void row_wait_load(const struct bench *b)
{
        pid_t pid = start_load(b);
        wait_while(b, "while 1,000 at a time are loaded", b->rounds * 2);
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
}

/* Begins two seconds after the last change: a checkpoint, a check, and a backup, as there is none yet. */
void row_wait_upkeep(const struct bench *b)
{
        wait_while(b, "while it is checked, backed up and pruned", b->rounds * 4);
}
