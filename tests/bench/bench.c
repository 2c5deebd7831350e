/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define STRIDE 7919u /* prime: comes past every value */

unsigned bench_pick(unsigned n_values, unsigned round)
{
        return (unsigned)((uint64_t)round * STRIDE % n_values);
}

/* Rounds begin anew with each row. */
static unsigned n_rows;

void bench_fresh_value(char *ret, size_t size, unsigned round)
{
        (void)snprintf(
                ret, size, "value %08u of row %u of the benchmark %u", round, n_rows, (unsigned)getpid());
}

double now_usec(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

void die(const char *what, int r)
{
        (void)fprintf(stderr, "registry-bench: %s: %s\n", what, strerror(-r));
        exit(EXIT_FAILURE);
}

char *text(const char *format, ...)
{
        va_list ap;
        char *s = NULL;

        va_start(ap, format);
        int n = vasprintf(&s, format, ap);
        va_end(ap);
        if (n < 0)
                abort();
        return s;
}

static int compare(const void *a, const void *b)
{
        const double x = *(const double *)a, y = *(const double *)b;
        return (x > y) - (x < y);
}

/* Of sorted samples. */
static double quantile(const double *sorted, size_t n, double q)
{
        double at = q * (double)(n - 1);
        size_t below = (size_t)at;

        if (below + 1 >= n)
                return sorted[n - 1];
        return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

static double *sorted_samples(const struct lane *lane)
{
        double *copy = malloc(lane->n * sizeof(*copy));
        if (!copy)
                abort();
        memcpy(copy, lane->samples, lane->n * sizeof(*copy));
        qsort(copy, lane->n, sizeof(*copy), compare);
        return copy;
}

static double lane_quantile(const struct lane *lane, double q)
{
        _cleanup_free_ double *sorted = sorted_samples(lane);
        return quantile(sorted, lane->n, q);
}

static void print_lane(const struct lane *lane)
{
        if (lane->absent) {
                (void)printf("  %-42s left out: %s\n", lane->name, lane->absent);
                return;
        }
        _cleanup_free_ double *s = sorted_samples(lane);
        (void)printf("  %-42s %10.1f %10.1f %10.1f %10.1f %6zu\n", lane->name, quantile(s, lane->n, 0.5),
                quantile(s, lane->n, 0.1), quantile(s, lane->n, 0.9), quantile(s, lane->n, 0.99), lane->n);
}

/* The spread of a ratio: the middle half of what tenths of the run, each with its own medians, say. */
#define PARTS 10u

static double part_median(const struct lane *lane, size_t part)
{
        size_t from = lane->n * part / PARTS, to = lane->n * (part + 1) / PARTS;
        const struct lane l = { .samples = lane->samples + from, .n = to - from };
        return lane_quantile(&l, 0.5);
}

static void print_spread(const struct target *t)
{
        double ratios[PARTS];

        if (t->ours->n < PARTS || t->theirs->n < PARTS) {
                (void)printf("%16s", "");
                return;
        }
        for (size_t i = 0; i < PARTS; i++)
                ratios[i] = part_median(t->ours, i) / part_median(t->theirs, i);
        qsort(ratios, PARTS, sizeof(*ratios), compare);
        (void)printf("  (%5.3f..%5.3f)", quantile(ratios, PARTS, 0.25), quantile(ratios, PARTS, 0.75));
}

static double sum(const struct lane *lane, size_t n)
{
        double all = 0;

        for (size_t i = 0; i < n; i++)
                all += lane->samples[i];
        return all;
}

static double measure(const struct target *t)
{
        const struct lane *ours = t->ours;

        switch (t->kind) {
        case TARGET_RATIO:
                return lane_quantile(ours, 0.5) / lane_quantile(t->theirs, 0.5);
        case TARGET_TAIL:
                return lane_quantile(ours, 0.99) / lane_quantile(ours, 0.5);
        case TARGET_USEC:
                return lane_quantile(ours, 0.5);
        case TARGET_MOST:
                return lane_quantile(ours, 1);
        case TARGET_TOTAL:
                return sum(ours, ours->n) / sum(t->theirs, t->theirs->n);
        case TARGET_SLOPE:
                return sum(ours, ours->n) / 10 / sum(ours, ours->n / 10);
        }
        return 0;
}

static void print_target(const struct target *t)
{
        static const char *const whats[] = { [TARGET_TAIL] = "p99 / p50",
                [TARGET_USEC] = "µs",
                [TARGET_MOST] = "the longest, µs",
                [TARGET_SLOPE] = "all / ten times the first tenth" };
        _cleanup_free_ char *what = text("%s%s%s%s", t->ours->name, t->theirs ? " / " : ", ",
                t->theirs ? t->theirs->name : whats[t->kind], t->kind == TARGET_TOTAL ? ", all" : "");
        const struct lane *base = t->theirs ? t->theirs : t->ours;

        if (t->ours->absent || base->absent) {
                (void)printf("  %-66s target <= %-6.4g not measured\n", what, t->most);
                return;
        }
        double found = measure(t);
        (void)printf("  %-66s target <= %-6.4g %8.3f  %-6s", what, t->most, found,
                found <= t->most ? "ok" : "MISSED");
        if (t->kind == TARGET_RATIO)
                print_spread(t);
        (void)printf("\n");
}

static void run_lane(struct lane *lane, unsigned round, bool counts)
{
        double usec = 0;

        if (lane->absent || (lane->every > 1 && round % lane->every != 0))
                return;
        int r = lane->run(lane, round, &usec);
        if (r < 0)
                die(lane->name, r);
        if (counts)
                lane->samples[lane->n++] = usec;
}

/* In another order each time: what a lane leaves behind, cold caches or a busy disk, is for each of the
 * others. */
static void shuffle(struct lane **lanes, size_t n)
{
        for (size_t i = n; i > 1; i--) {
                size_t k = (size_t)random() % i;
                struct lane *other = lanes[k];
                lanes[k] = lanes[i - 1];
                lanes[i - 1] = other;
        }
}

static void run_rounds(const struct row *row, unsigned warm_up, unsigned rounds)
{
        _cleanup_free_ struct lane **lanes = calloc(row->n_lanes, sizeof(*lanes));
        if (!lanes)
                abort();
        memcpy(lanes, row->lanes, row->n_lanes * sizeof(*lanes));
        for (unsigned round = 0; round < warm_up + rounds; round++) {
                shuffle(lanes, row->n_lanes);
                for (size_t i = 0; i < row->n_lanes; i++)
                        run_lane(lanes[i], round, round >= warm_up);
        }
}

void bench_row(const struct row *row, unsigned warm_up, unsigned rounds)
{
        for (size_t i = 0; i < row->n_lanes; i++) {
                row->lanes[i]->samples = calloc(rounds, sizeof(double));
                if (!row->lanes[i]->samples)
                        abort();
        }
        n_rows++;
        run_rounds(row, warm_up, rounds);
        (void)printf("\n%s\n  %-42s %10s %10s %10s %10s %6s\n", row->title, "µs", "median", "p10", "p90",
                "p99", "n");
        for (size_t i = 0; i < row->n_lanes; i++)
                print_lane(row->lanes[i]);
        for (size_t i = 0; i < row->n_targets; i++)
                print_target(&row->targets[i]);
        (void)fflush(stdout);
        for (size_t i = 0; i < row->n_lanes; i++)
                free(row->lanes[i]->samples);
}
