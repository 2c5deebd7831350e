/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What root waits while others keep the provider busy. */
#include <stdio.h>
#include <unistd.h>

#include "crowd.h"
#include "rows.h"

#define CROWD 4u
#define MIDDLE 10000u
#define GET_MOST_USEC 50000.0
#define SET_MOST_USEC 100000.0
/* Until all of them are at work. */
#define SETTLE_USEC 500000u

static void row_with(const struct bench *b, enum crowd_work work)
{
        _cleanup_free_ char *title =
                text("row 13: root's calls beside four of nobody's: %s", crowd_name(work));
        struct lane get = { .name = "registry, Get" }, set = { .name = "registry, Set" };
        /* What the bus alone takes: nobody can be answered sooner. */
        struct lane bus = { .name = "the bus, Ping" };
        struct lane *lanes[] = { &get, &set, &bus };
        const struct target targets[] = {
                { TARGET_MOST, &get, NULL, GET_MOST_USEC },
                { TARGET_MOST, &set, NULL, SET_MOST_USEC },
        };
        pid_t pids[CROWD];

        lane_bus_get(&get, bench_bus(b, "10k"), MIDDLE);
        lane_bus_set(&set, &registry_server, bench_bus(b, "10k"), MIDDLE);
        lane_driver_ping(&bus, bench_bus(b, "10k"));
        crowd_start(work, bench_bus(b, "10k"), CROWD, pids);
        (void)usleep(SETTLE_USEC);
        RUN_ROW(title, lanes, targets, b->rounds / 2);
        crowd_end(pids, CROWD);
}

void row_crowd(const struct bench *b)
{
        if (!crowd_can_start()) {
                (void)printf("\nrow 13: left out: only root can be somebody else\n");
                return;
        }
        for (enum crowd_work work = 0; work < CROWD_WORKS_N; work++)
                row_with(b, work);
}
