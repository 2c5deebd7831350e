/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rows of a comparison. A row has lanes, each of which does the same work in its own way. The lanes take
 * turns, one piece of work each, so that whatever the machine does meanwhile hits all of them; what counts
 * are ratios. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../schema/base/macro.h"

struct lane {
        const char *name;
        /* One piece of work with a value that was not there before (`round` never repeats in a run).
         * Negative errno ends the whole run. */
        int (*run)(struct lane *lane, unsigned round, double *ret_usec);
        void *context;
        const char *absent; /* why the lane is left out; NULL: it takes part */
        unsigned every;     /* takes part in each n-th round only; 0: in each */
        double *samples;
        size_t n;
};

enum target_kind {
        TARGET_RATIO, /* median of `ours` / median of `theirs` */
        TARGET_TAIL,  /* p99 / p50 of `ours` */
        TARGET_USEC,  /* median of `ours` in µs */
        TARGET_MOST,  /* the longest of `ours` in µs */
        TARGET_TOTAL, /* all of `ours` / all of `theirs`, which did as many */
        TARGET_SLOPE, /* of `ours`: all / ten times the first tenth */
};

struct target {
        enum target_kind kind;
        const struct lane *ours, *theirs;
        double most;
};

struct row {
        const char *title;
        struct lane **lanes;
        size_t n_lanes;
        const struct target *targets;
        size_t n_targets;
};

/* Runs and prints the row: `warm_up` rounds that are not counted, then `rounds`. Exits when a lane fails. */
void bench_row(const struct row *row, unsigned warm_up, unsigned rounds);

/* Which of a store's values is the round's turn: jumps about, so that no cache has it. */
unsigned bench_pick(unsigned n_values, unsigned round);
/* What no run has set before. */
void bench_fresh_value(char *ret, size_t size, unsigned round);

double now_usec(void);
__attribute__((noreturn)) void die(const char *what, int r);

/* Exits when memory is short or the text cannot be made; the caller owns it. */
_printf_(1, 2) char *text(const char *format, ...);
