/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 100,000 values come from a file and go into one, by command; exchange.sh has what each lane does. */

#include "rows.h"

#define ROUNDS 10u
/* Some take seconds. */
#define SLOW_EVERY 5u

static void script(const struct bench *b, struct lane *lane, const char *direction, const char *name)
{
        lane_script(lane, COMMAND(bench_file(b, "exchange.sh"), (char *)b->scratch,
                                  bench_program(b, "registry-provider/reg/peios-reg"), (char *)direction,
                                  (char *)name));
}

static void peer(const struct bench *b, struct lane *lane, const char *direction)
{
        _cleanup_free_ char *file = text("exchange/have-%s", lane->name);

        if (bench_have(b, lane, file))
                script(b, lane, direction, lane->name);
}

/* The first lanes are the registry's, the others its peers'. */
static void run(const struct bench *b, const struct row *row, const char *direction)
{
        static const char *const forms[] = { "reg", "yaml", "json" };

        for (size_t i = 0; i < row->n_lanes; i++)
                if (i < ARRAY_SIZE(forms))
                        script(b, row->lanes[i], direction, forms[i]);
                else
                        peer(b, row->lanes[i], direction);
        bench_row(row, 1, ROUNDS);
}

void row_import(const struct bench *b)
{
        struct lane reg = { .name = "registry, .reg" }, yaml = { .name = "registry, YAML" };
        struct lane json = { .name = "registry, JSON" }, sqlite = { .name = "sqlite3" };
        struct lane hivex = { .name = "hivexregedit", .every = SLOW_EVERY };
        struct lane net = { .name = "net", .every = SLOW_EVERY };
        struct lane dconf = { .name = "dconf", .every = SLOW_EVERY };
        struct lane *lanes[] = { &reg, &yaml, &json, &hivex, &net, &dconf, &sqlite };
        const struct target targets[] = {
                { TARGET_RATIO, &reg, &hivex, 0.4 },
                { TARGET_RATIO, &reg, &net, 0.25 },
                { TARGET_SLOPE, &reg, NULL, 1.2 },
        };
        const struct row row = { "row 8: 100k values are imported, 1M in the end", lanes, ARRAY_SIZE(lanes),
                targets, ARRAY_SIZE(targets) };

        run(b, &row, "import");
}

void row_export(const struct bench *b)
{
        struct lane reg = { .name = "registry, .reg" }, yaml = { .name = "registry, YAML" };
        struct lane json = { .name = "registry, JSON" }, sqlite = { .name = "sqlite3" };
        struct lane hivex = { .name = "hivexregedit", .every = SLOW_EVERY };
        struct lane net = { .name = "net", .every = SLOW_EVERY }, dconf = { .name = "dconf" };
        struct lane *lanes[] = { &reg, &yaml, &json, &hivex, &net, &dconf, &sqlite };
        const struct target targets[] = {
                { TARGET_RATIO, &reg, &dconf, 0.7 },
                { TARGET_RATIO, &reg, &hivex, 0.2 },
                { TARGET_RATIO, &reg, &sqlite, 1.0 },
        };
        const struct row row = { "row 9: 100k values are exported", lanes, ARRAY_SIZE(lanes), targets,
                ARRAY_SIZE(targets) };

        run(b, &row, "export");
}
