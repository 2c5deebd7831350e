/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/buf.h"
#include "../../schema/base/fileio.h"
#include "../../schema/base/log.h"
#include "../../schema/events/loop.h"
#include "../../schema/values/value.h"
#include "config.h"
#include "policyd.h"

#define APPLY_NAME "peios-policy-apply"
#define RECHECK_MOST_SECONDS 86400u

struct arguments {
        struct policyd_config config;
        bool apply;
        bool verbose;
};

static int help(void)
{
        (void)printf(
                "peios-audit-policyd [OPTION…]\n\n"
                "Keeps the kernel's controls as the Peios registry says, and audits every change of the policy.\n\n"
                "      --apply               apply what is on disk, without bus or daemon, and exit\n"
                "      --root=DIR            every path is below DIR\n"
                "      --recheck=SECONDS     look at the controls this often without a hint (default: %u)\n"
                "      --no-bpf              follow taints by hints alone\n"
                "  -v, --verbose             with --apply: a line for each value; else log more\n"
                "  -h, --help                show this\n"
                "      --version             show the version\n\n"
                "See peios-audit-policyd(8).\n",
                (unsigned)(RECHECK_DEFAULT_USEC / 1000000));
        return EXIT_SUCCESS;
}

static int set_recheck(const char *text, struct policyd_config *config)
{
        uint64_t n;

        if (number_parse(text, strlen(text), RECHECK_MOST_SECONDS, &n) < 0 || n == 0) {
                log_error("--recheck=%s: expected a number of seconds from 1 to %u", text,
                        RECHECK_MOST_SECONDS);
                return -1;
        }
        config->recheck_usec = n * 1000000;
        return 0;
}

/* -1: go on; else the exit code. */
static int parse_arguments(int argc, char **argv, struct arguments *a)
{
        enum {
                OPT_APPLY = 0x100,
                OPT_ROOT,
                OPT_RECHECK,
                OPT_NO_BPF,
                OPT_VERSION,
        };
        static const struct option options[] = {
                { "apply", no_argument, NULL, OPT_APPLY },
                { "root", required_argument, NULL, OPT_ROOT },
                { "recheck", required_argument, NULL, OPT_RECHECK },
                { "no-bpf", no_argument, NULL, OPT_NO_BPF },
                { "verbose", no_argument, NULL, 'v' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, OPT_VERSION },
                { 0 },
        };
        struct diag d = { 0 };

        for (int c; (c = getopt_long(argc, argv, "hv", options, NULL)) >= 0;)
                switch (c) {
                case OPT_APPLY:
                        a->apply = true;
                        break;
                case OPT_ROOT:
                        if (root_check(optarg, &d) < 0) {
                                log_error("%s", d.text);
                                return EXIT_FAILURE;
                        }
                        a->config.root = optarg;
                        break;
                case OPT_RECHECK:
                        if (set_recheck(optarg, &a->config) < 0)
                                return EXIT_FAILURE;
                        break;
                case OPT_NO_BPF:
                        a->config.use_bpf = false;
                        break;
                case 'v':
                        a->verbose = true;
                        break;
                case 'h':
                        return help();
                case OPT_VERSION:
                        (void)puts("peios-audit-policyd " PROJECT_VERSION);
                        return EXIT_SUCCESS;
                default:
                        return EXIT_FAILURE;
                }
        if (optind < argc) {
                log_error("unexpected argument '%s'", argv[optind]);
                return EXIT_FAILURE;
        }
        return -1;
}

/* Runs the program beside this one, which alone reads the registry's store. Returns where it cannot. */
static int apply(const struct arguments *a)
{
        char self[4096];
        _cleanup_buf_ struct buf program = BUF_INIT, root = BUF_INIT;
        const char *arguments[4] = { APPLY_NAME }, **next = arguments + 1;

        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        self[n > 0 ? n : 0] = '\0';
        const char *name = strrchr(self, '/');
        buf_printf(&program, "%.*s/" APPLY_NAME, name ? (int)(name - self) : 0, self);
        if (a->config.root) {
                buf_printf(&root, "--root=%s", a->config.root);
                *next++ = buf_str(&root);
        }
        if (a->verbose)
                *next++ = "--verbose";
        int r = program.error ? program.error : root.error;
        if (r == 0) {
                (void)execv(buf_str(&program), (char *const *)arguments);
                r = -errno;
        }
        log_error("%s: cannot be run: %s", buf_str(&program), strerror(-r));
        return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
        struct arguments a = { .config = { .recheck_usec = RECHECK_DEFAULT_USEC, .use_bpf = true } };
        _cleanup_(policyd_freep) struct policyd *p = NULL;
        struct diag d = { 0 };

        log_setup("peios-audit-policyd", LOG_INFO);
        int r = parse_arguments(argc, argv, &a);
        if (r >= 0)
                return r;
        if (a.apply)
                return apply(&a);
        if (a.verbose)
                log_setup("peios-audit-policyd", LOG_DEBUG);
        r = loop_hold_signals();
        if (r == 0)
                r = policyd_new(&a.config, &p, &d);
        if (r == 0)
                r = policyd_run(p);
        if (r < 0) {
                log_error("%s", d.text[0] ? d.text : strerror(-r));
                return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}
