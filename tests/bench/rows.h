/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "lanes.h"

struct bench {
        const char *scratch, *build;
        unsigned rounds;
};

void row_set(const struct bench *b);
void row_notice(const struct bench *b);
void row_control(const struct bench *b);
void row_boot(const struct bench *b);
void row_get(const struct bench *b);
void row_wait_load(const struct bench *b);
void row_wait_upkeep(const struct bench *b);
void row_start(const struct bench *b);
void row_load(const struct bench *b);
void row_import(const struct bench *b);
void row_export(const struct bench *b);
void row_crowd(const struct bench *b);

/* Peers that run.sh could not set up have left no file of this name in the scratch directory; then the lane
 * is absent. */
bool bench_have(const struct bench *b, struct lane *lane, const char *name);

#define bench_file(b, name) text("%s/%s", (b)->scratch, name)
#define bench_program(b, name) text("%s/%s", (b)->build, name)
#define bench_bus(b, name) text("unix:path=%s/%s/bus", (b)->scratch, name)

/* Arguments of a command; kept to the end of the run. */
#define COMMAND(...) command_new((char *const[]){ __VA_ARGS__, NULL })
char *const *command_new(char *const *argv);

#define RUN_ROW(title, lanes, targets, rounds)                                                              \
        bench_row(                                                                                          \
                &(const struct row){ (title), (lanes), ARRAY_SIZE(lanes), (targets), ARRAY_SIZE(targets) }, \
                (rounds) / 10 + 3, (rounds))
