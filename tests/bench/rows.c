/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets, notices and gets. */
#include "rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SMALL 10u
#define MIDDLE 10000u
/* dconf writes its whole file for each set. */
#define DCONF_EVERY 10u

bool bench_have(const struct bench *b, struct lane *lane, const char *name)
{
        _cleanup_free_ char *path = bench_file(b, name);

        if (access(path, F_OK) == 0)
                return true;
        lane->absent = "not installed";
        return false;
}

char *const *command_new(char *const *argv)
{
        size_t n = 0;

        while (argv[n])
                n++;
        char **copy = calloc(n + 1, sizeof(char *));
        if (!copy)
                abort();
        memcpy(copy, argv, n * sizeof(char *));
        return copy;
}

static unsigned etcd_port(const struct bench *b)
{
        _cleanup_free_ char *path = bench_file(b, "etcd-port");
        unsigned port = 0;
        FILE *f = fopen(path, "re");

        if (!f || fscanf(f, "%u", &port) != 1)
                die(path, -ENOENT);
        (void)fclose(f);
        return port;
}

void row_set(const struct bench *b)
{
        struct lane small = { .name = "registry, 10 values" }, middle = { .name = "registry, 10k values" };
        struct lane large = { .name = "registry, 1M values" }, proto = { .name = "proto" };
        struct lane append = { .name = "append 128 bytes + fdatasync" };
        struct lane sqlite = { .name = "SQLite in process, 10k rows" };
        struct lane dconf = { .name = "dconf, 10k values", .every = DCONF_EVERY }, etcd = { .name = "etcd" };
        struct lane *lanes[] = { &small, &proto, &middle, &append, &large, &sqlite, &etcd, &dconf };
        const struct target targets[] = {
                { TARGET_RATIO, &middle, &proto, 1.4 },
                { TARGET_RATIO, &middle, &sqlite, 1.5 },
                { TARGET_RATIO, &middle, &dconf, 0.015 },
                { TARGET_RATIO, &large, &small, 1.2 },
        };

        lane_bus_set(&small, &registry_server, bench_bus(b, "10"), SMALL);
        lane_bus_set(&middle, &registry_server, bench_bus(b, "10k"), MIDDLE);
        lane_bus_set(&large, &load_server, bench_bus(b, "1m"), LOAD_VALUES);
        lane_bus_set(&proto, &proto_server, bench_bus(b, "10k"), 1);
        lane_append(&append, bench_file(b, "append"));
        if (bench_have(b, &sqlite, "values.db"))
                lane_sqlite_set(&sqlite, bench_file(b, "values.db"), MIDDLE);
        if (bench_have(b, &etcd, "etcd-port"))
                lane_etcd_set(&etcd, etcd_port(b));
        if (bench_have(b, &dconf, "10k/dconf"))
                lane_bus_set(&dconf, &dconf_server, bench_bus(b, "10k"), MIDDLE);
        RUN_ROW("row 2: a durable set over D-Bus, until its reply", lanes, targets, b->rounds);
}

void row_notice(const struct bench *b)
{
        struct lane registry = { .name = "registry, 10k values" }, proto = { .name = "proto" };
        struct lane dconf = { .name = "dconf, 10k values", .every = DCONF_EVERY }, etcd = { .name = "etcd" };
        struct lane *lanes[] = { &registry, &proto, &etcd, &dconf };
        const struct target targets[] = {
                { TARGET_RATIO, &registry, &proto, 1.4 },
                { TARGET_RATIO, &registry, &etcd, 0.5 },
                { TARGET_RATIO, &registry, &dconf, 0.015 },
                { TARGET_TAIL, &registry, NULL, 3 },
                /* What the disk and the other processes do to the tail. */
                { TARGET_TAIL, &proto, NULL, 3 },
        };

        lane_bus_notice(&registry, &registry_server, bench_bus(b, "10k"), MIDDLE);
        lane_bus_notice(&proto, &proto_server, bench_bus(b, "10k"), 1);
        if (bench_have(b, &etcd, "etcd-port"))
                lane_etcd_notice(&etcd, etcd_port(b));
        if (bench_have(b, &dconf, "10k/dconf"))
                lane_bus_notice(&dconf, &dconf_server, bench_bus(b, "10k"), MIDDLE);
        RUN_ROW("row 3: a durable set, until another connection has the signal", lanes, targets, b->rounds);
}

static void row_get_bus(const struct bench *b)
{
        struct lane get = { .name = "registry, Get" }, ping = { .name = "registry, Ping" };
        struct lane *lanes[] = { &get, &ping };
        const struct target targets[] = { { TARGET_RATIO, &get, &ping, 1.4 } };

        lane_bus_get(&get, bench_bus(b, "10k"), MIDDLE);
        lane_bus_ping(&ping, bench_bus(b, "10k"));
        RUN_ROW("row 6: a get over D-Bus", lanes, targets, b->rounds * 2);
}

static void row_get_command(const struct bench *b)
{
        struct lane reg = { .name = "peios-reg get" }, bare = { .name = "a process that does nothing" };
        struct lane sqlite = { .name = "sqlite3" }, dconf = { .name = "dconf read" };
        struct lane reglookup = { .name = "reglookup" };
        struct lane floor = { .name = "libsystemd, one call" };
        struct lane *lanes[] = { &reg, &floor, &bare, &sqlite, &dconf, &reglookup };
        const struct target targets[] = {
                { TARGET_RATIO, &reg, &sqlite, 0.9 },
                { TARGET_RATIO, &reg, &dconf, 0.75 },
                { TARGET_RATIO, &reg, &reglookup, 1.0 },
                { TARGET_RATIO, &reg, &floor, 1.1 },
                /* Where this is missed, so is the one before. */
                { TARGET_RATIO, &floor, &reglookup, 1.0 },
        };

        lane_process(&reg, COMMAND(bench_program(b, "registry-provider/reg/peios-reg"), "get",
                                   "\\Bench\\K00042", "V07"));
        lane_process(&floor, COMMAND(bench_program(b, "tests/bench/floor"), "\\Bench\\K00042", "V07"));
        lane_process(&bare, COMMAND("true"));
        if (bench_have(b, &sqlite, "values.db"))
                lane_process(&sqlite, COMMAND("sqlite3", bench_file(b, "values.db"),
                                              "select data from value where name='\\Bench\\K00042\\V07'"));
        if (bench_have(b, &dconf, "10k/dconf"))
                lane_process(&dconf, COMMAND("dconf", "read", "/bench/k00042/v07"));
        if (bench_have(b, &reglookup, "values.regf"))
                lane_process(&reglookup,
                        COMMAND("reglookup", "-p", "/Bench/K00042/V07", bench_file(b, "values.regf")));
        RUN_ROW("row 6: a get by command, 10k values", lanes, targets, b->rounds);
}

void row_get(const struct bench *b)
{
        row_get_bus(b);
        row_get_command(b);
}
