/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../schema/base/log.h"
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

static enum exit_code show(const struct taint_options *o, const struct scan *s)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        int r = o->json  ? taint_scan_json(s, &out)
                : o->csv ? taint_scan_csv(s, &out)
                         : taint_scan_text(s, &out);
        if (r < 0) {
                log_error("%s", strerror(-r));
                return EXIT_CODE_FAILURE;
        }
        return taint_print(&out);
}

static enum exit_code run(const struct taint_options *o, struct scan *s, char *const *paths)
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
        enum exit_code code = show(o, s);
        return code == EXIT_CODE_OK && (s->n_skipped_all > 0 || s->unreadable > 0) ? EXIT_CODE_FAILURE
                                                                                   : code;
}

enum exit_code taint_scan(const struct taint_options *o, int n, char *const *arguments)
{
        struct taint_kernel context;
        struct scan s;
        enum exit_code code = taint_context_of(o, &context);

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
        code = run(o, &s, arguments);
        scan_done(&s);
        return code;
}
