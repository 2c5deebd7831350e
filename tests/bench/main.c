/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* registry-bench SCRATCH BUILD ROUNDS ROW…: the rows of the benchmark, in what run.sh has set up in SCRATCH.
 * registry-bench --fill ADDRESS VALUES: puts that many values into the registry on that bus. */
#include <stdio.h>
#include <string.h>

#include "rows.h"

static const struct {
        const char *name;
        void (*run)(const struct bench *b);
} rows[] = {
        { "2", row_set },
        { "3", row_notice },
        { "4", row_control },
        { "5", row_boot },
        { "6", row_get },
        { "7-load", row_wait_load },
        { "7-upkeep", row_wait_upkeep },
        { "7-start", row_start },
        { "8", row_load },
        { "8-import", row_import },
        { "9", row_export },
        { "13", row_crowd },
};

static int run_row(const struct bench *b, const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (strcmp(rows[i].name, name) == 0) {
                        rows[i].run(b);
                        return 0;
                }
        (void)fprintf(stderr, "registry-bench: there is no row '%s'\n", name);
        return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
        if (argc == 4 && strcmp(argv[1], "--fill") == 0) {
                fill_registry(argv[2], (unsigned)strtoul(argv[3], NULL, 10));
                return EXIT_SUCCESS;
        }
        if (argc < 5) {
                (void)fprintf(stderr, "registry-bench SCRATCH BUILD ROUNDS ROW…\n");
                return EXIT_FAILURE;
        }
        const struct bench b = {
                .scratch = argv[1], .build = argv[2], .rounds = (unsigned)strtoul(argv[3], NULL, 10)
        };
        int r = b.rounds > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
        for (int i = 4; i < argc && r == EXIT_SUCCESS; i++)
                r = run_row(&b, argv[i]);
        return r;
}
