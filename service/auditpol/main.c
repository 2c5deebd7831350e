/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-auditpol: looks at the audit policy and sets it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/fileio.h"
#include "../../schema/base/log.h"
#include "config.h"
#include "events.h"
#include "taint.h"

static int help(void)
{
        (void)puts(
                "peios-auditpol [OPTION…] COMMAND\n\n"
                "Commands:\n"
                "  status              every setting: written, accepted, live, and why\n"
                "  get                 the value of TaintEvents in force\n"
                "  set VALUE           write TaintEvents to the registry; done when it is in force\n"
                "  explain             one sentence: why the policy is as it is\n"
                "  events              taint transitions of this boot; with --follow also those to come\n"
                "  taint               this kernel's taints, and the modules that carry letters\n"
                "  taint decode ARG…   what a number, letters, or an oops say; - is standard input\n"
                "  taint scan PATH…    which taints a collection of reports has\n\n"
                "Options:\n"
                "      --json          one JSON document\n"
                "      --csv           taint scan: comma-separated\n"
                "      --era=VERSION   taint decode, scan: the kernel that the letters are of\n"
                "      --distro=NAME   upstream, debian, rhel, fedora, suse or ubuntu\n"
                "  -f, --follow        events: do not end\n"
                "      --root=DIR      taint: /proc and /sys are below DIR\n"
                "  -h, --help          show this\n"
                "      --version       show the version\n\n"
                "Values: enabled, success-only, failure-only (for taint events these three mean the same) and\n"
                "disabled. Exit codes as in peios-reg(1). See peios-auditpol(1).");
        return EXIT_CODE_OK;
}

struct options {
        struct show_options show;
        struct taint_options taint;
};

static const char commands_text[] =
        "there are status, get, set, explain, events, taint, taint decode and taint scan";

static int run_show(const struct options *o, int argc, char **argv)
{
        static const struct {
                const char *name;
                int arguments;
                enum exit_code (*run)(const struct show_options *o, const char *argument);
        } commands[] = {
                { "status", 0, show_status },
                { "get", 0, show_get },
                { "set", 1, show_set },
                { "explain", 0, show_explain },
                { "events", 0, show_events },
                { "taint", 0, show_taint },
        };

        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                if (strcmp(argv[0], commands[i].name) != 0)
                        continue;
                if (argc - 1 != commands[i].arguments) {
                        log_error("%s takes %s", argv[0],
                                commands[i].arguments ? "one value" : "no such arguments");
                        return EXIT_CODE_USAGE;
                }
                return (int)commands[i].run(&o->show, argv[1]);
        }
        log_error("there is no command '%s'; %s", argv[0], commands_text);
        return EXIT_CODE_USAGE;
}

static int run(const struct options *o, int argc, char **argv)
{
        if (argc == 0) {
                log_error("no command; %s", commands_text);
                return EXIT_CODE_USAGE;
        }
        if (argc > 1 && strcmp(argv[0], "taint") == 0) {
                if (strcmp(argv[1], "decode") == 0)
                        return (int)taint_decode(&o->taint, argc - 2, argv + 2);
                if (strcmp(argv[1], "scan") == 0)
                        return (int)taint_scan(&o->taint, argc - 2, argv + 2);
        }
        return run_show(o, argc, argv);
}

/* -1: go on; else the exit code. */
static int parse_arguments(int argc, char **argv, struct options *o)
{
        static const struct option options[] = {
                { "json", no_argument, NULL, 'j' },
                { "csv", no_argument, NULL, 'c' },
                { "era", required_argument, NULL, 'e' },
                { "distro", required_argument, NULL, 'd' },
                { "follow", no_argument, NULL, 'f' },
                { "root", required_argument, NULL, 'r' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
                { 0 },
        };

        struct diag d = { 0 };

        for (int c; (c = getopt_long(argc, argv, "fh", options, NULL)) >= 0;)
                switch (c) {
                case 'j':
                        o->show.json = o->taint.json = true;
                        break;
                case 'c':
                        o->taint.csv = true;
                        break;
                case 'e':
                        o->taint.era = optarg;
                        break;
                case 'd':
                        o->taint.distro = optarg;
                        break;
                case 'f':
                        o->show.follow = true;
                        break;
                case 'r':
                        if (root_check(optarg, &d) < 0) {
                                log_error("%s", d.text);
                                return EXIT_CODE_USAGE;
                        }
                        o->show.root = optarg;
                        break;
                case 'h':
                        return help();
                case 'V':
                        (void)puts("peios-auditpol " PROJECT_VERSION);
                        return EXIT_CODE_OK;
                default:
                        return EXIT_CODE_USAGE;
                }
        return -1;
}

int main(int argc, char **argv)
{
        struct options o = { 0 };

        log_setup("peios-auditpol", LOG_INFO);
        int code = parse_arguments(argc, argv, &o);
        if (code < 0)
                code = run(&o, argc - optind, argv + optind);
        if (fflush(stdout) != 0 && code == EXIT_CODE_OK) {
                log_error("standard output: %s", strerror(errno));
                code = EXIT_CODE_FAILURE;
        }
        return code;
}
