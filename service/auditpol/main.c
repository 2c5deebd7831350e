/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-auditpol: looks at the audit policy and sets it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "config.h"
#include "show.h"

static int help(void)
{
        (void)puts(
                "peios-auditpol [OPTION…] COMMAND\n\n"
                "Commands:\n"
                "  status              every setting: written, accepted, live, and why\n"
                "  get                 the value of TaintEvents in force\n"
                "  set VALUE           write TaintEvents to the registry; done when it is in force\n"
                "  explain             one sentence: why the policy is as it is\n\n"
                "Options:\n"
                "      --json          one JSON document\n"
                "      --root=DIR      accepted by all programs; here nothing is below it\n"
                "  -h, --help          show this\n"
                "      --version       show the version\n\n"
                "Values: enabled, success-only, failure-only (for taint events these three mean the same) and\n"
                "disabled. Exit codes as in peios-reg(1). See peios-auditpol(1).");
        return EXIT_CODE_OK;
}

static int run(const struct show_options *o, int argc, char **argv)
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
        };

        if (argc == 0) {
                log_error("no command; there are status, get, set and explain");
                return EXIT_CODE_USAGE;
        }
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                if (strcmp(argv[0], commands[i].name) != 0)
                        continue;
                if (argc - 1 != commands[i].arguments) {
                        log_error("%s takes %s", argv[0],
                                commands[i].arguments ? "one value" : "no arguments");
                        return EXIT_CODE_USAGE;
                }
                return (int)commands[i].run(o, argv[1]);
        }
        log_error("there is no command '%s'; there are status, get, set and explain", argv[0]);
        return EXIT_CODE_USAGE;
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                { "json", no_argument, NULL, 'j' },
                { "root", required_argument, NULL, 'r' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
                { 0 },
        };
        struct show_options o = { 0 };

        log_setup("peios-auditpol", LOG_INFO);
        for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) >= 0;)
                switch (c) {
                case 'j':
                        o.json = true;
                        break;
                case 'r':
                        break;
                case 'h':
                        return help();
                case 'V':
                        (void)puts("peios-auditpol " PROJECT_VERSION);
                        return EXIT_CODE_OK;
                default:
                        return EXIT_CODE_USAGE;
                }
        int code = run(&o, argc - optind, argv + optind);
        if (fflush(stdout) != 0 && code == EXIT_CODE_OK) {
                log_error("standard output: %s", strerror(errno));
                code = EXIT_CODE_FAILURE;
        }
        return code;
}
