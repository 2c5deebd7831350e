/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../schema/base/date.h"
#include "../../schema/base/log.h"
#include "../../schema/values/value.h"
#include "taint-internal.h"
#include "taint-scan-show.h"

#define BAR_WIDTH 40U

struct bar {
        uint64_t total; /* 0: not known */
        struct timespec last;
};

static void draw(void *userdata, uint64_t consumed)
{
        struct bar *bar = userdata;
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        if (now.tv_sec == bar->last.tv_sec && now.tv_nsec - bar->last.tv_nsec < 100000000)
                return;
        bar->last = now;
        if (bar->total == 0) {
                (void)fprintf(stderr, "\r%" PRIu64 " MB ", consumed / 1000000);
                return;
        }
        unsigned done = consumed >= bar->total ? BAR_WIDTH : (unsigned)(consumed * BAR_WIDTH / bar->total);
        (void)fprintf(stderr, "\r[%.*s%*s] %3" PRIu64 " %% ", (int)done,
                "########################################", (int)(BAR_WIDTH - done), "",
                consumed >= bar->total ? 100 : consumed * 100 / bar->total);
}

/* False, with the reason in the log, where it is none. */
static bool parse_time(const char *option, const char *text, int64_t *ret)
{
        if (!text || date_parse(text, (int64_t)time(NULL) * 1000000, ret))
                return true;
        log_error(
                "--%s takes a date, such as 2026-01-31 or '2026-01-31 10:00', or 7d, 12h: so long ago; not '%s'",
                option, text);
        return false;
}

static bool parse_by(const char *text, enum scan_by *ret)
{
        static const char *const names[] = { "all", "bit", "module", "kernel", "week" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (!text || strcmp(text, names[i]) == 0) {
                        *ret = (enum scan_by)i;
                        return true;
                }
        log_error("--by takes bit, module, kernel or week, not '%s'", text);
        return false;
}

/* "64G": times 2^30; *ret_n is what stands before that. */
static uint64_t unit_of(const char *text, size_t *ret_n)
{
        static const char units[] = "KMGT";
        size_t n = strlen(text);
        const char *unit = n > 0 ? strchr(units, text[n - 1]) : NULL;

        *ret_n = unit ? n - 1 : n;
        return unit ? UINT64_C(1) << 10 * (unit - units + 1) : 1;
}

static bool parse_limit(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *ret)
{
        size_t n;
        uint64_t v, unit = text ? unit_of(text, &n) : 1;

        if (!text)
                return true;
        if (number_parse(text, n, most / unit, &v) == 0 && v * unit >= least) {
                *ret = v * unit;
                return true;
        }
        log_error(
                "--%s takes a number from %" PRIu64 " to %" PRIu64 ", not '%s'", option, least, most, text);
        return false;
}

static bool parse_limits(const struct auditpol_options *o, struct source_limits *ret)
{
        return parse_limit("max-bytes", o->max_bytes, 1, INT64_MAX, &ret->bytes) &&
               parse_limit("max-ratio", o->max_ratio, 1, INT64_MAX, &ret->ratio) &&
               parse_limit("max-files", o->max_files, 1, INT64_MAX, &ret->members) &&
               parse_limit("max-depth", o->max_depth, 0, SOURCE_LEVELS_MAX, &ret->levels);
}

static enum exit_code show(const struct auditpol_options *o, enum scan_by by, const struct scan *s)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        int r = o->json  ? taint_scan_json(s, by, &out)
                : o->csv ? taint_scan_csv(s, by, &out)
                         : taint_scan_text(s, by, &out);
        if (r < 0) {
                log_error("%s", strerror(-r));
                return EXIT_CODE_FAILURE;
        }
        return taint_print(&out);
}

static enum exit_code run(
        const struct auditpol_options *o, enum scan_by by, struct scan *s, char *const *paths)
{
        bool on_terminal = isatty(STDERR_FILENO) == 1;
        struct bar bar = { 0 };

        if (on_terminal) {
                bar.total = scan_measure(paths);
                s->progress = draw;
                s->userdata = &bar;
        }
        int r = scan_paths(s, paths);
        if (on_terminal)
                (void)fprintf(stderr, "\r\033[K");
        if (r < 0) {
                log_error("%s", strerror(-r));
                return EXIT_CODE_FAILURE;
        }
        for (size_t i = 0; i < s->n_skipped; i++)
                log_warning("%s: skipped: %s", s->skipped[i].path, s->skipped[i].reason);
        enum exit_code code = show(o, by, s);
        return code == EXIT_CODE_OK && (s->n_skipped_all > 0 || s->unreadable > 0) ? EXIT_CODE_FAILURE
                                                                                   : code;
}

enum exit_code taint_scan(const struct auditpol_options *o, int n, char *const *arguments)
{
        struct taint_kernel context;
        struct scan s;
        enum scan_by by;
        enum exit_code code = taint_context_of(o, &context);

        if (code == EXIT_CODE_OK && !parse_by(o->by, &by))
                code = EXIT_CODE_USAGE;
        if (code != EXIT_CODE_OK)
                return code;
        if (n == 0 || (o->json && o->csv)) {
                log_error("%s", n == 0 ? "scan takes files and folders, or - for standard input"
                                       : "--json and --csv exclude each other");
                return EXIT_CODE_USAGE;
        }
        /* The list ends in NULL, as that of main() does. */
        if (scan_init(&s, &context) < 0) {
                log_error("%s", strerror(ENOMEM));
                return EXIT_CODE_FAILURE;
        }
        code = parse_time("since", o->since, &s.since) && parse_time("until", o->until, &s.until) &&
                               parse_limits(o, &s.limits)
                       ? run(o, by, &s, arguments)
                       : EXIT_CODE_USAGE;
        scan_done(&s);
        return code;
}
