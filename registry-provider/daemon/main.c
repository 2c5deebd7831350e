/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/fileio.h"
#include "../../schema/base/log.h"
#include "../../schema/events/loop.h"
#include "../../schema/base/privileges.h"
#include "../../schema/names/fold.h"
#include "../../schema/values/value.h"
#include "config.h"
#include "manager.h"

#define VALUE_MAX_LEAST (4u * 1024u)
#define VALUE_MAX_MOST (64u * 1024u * 1024u)

static int help(void)
{
        (void)printf("peios-registryd [OPTION…]\n\n"
                     "Holds the Peios registry and serves it as org.peios.Registry1 on the system bus.\n\n"
                     "      --root=DIR            every path is below DIR\n"
                     "      --admin-group=GROUP   members may write (default: %s; empty: nobody)\n"
                     "      --value-max=BYTES     largest value, %u to %u (default: %u)\n"
                     "      --debug               log more\n"
                     "  -h, --help                show this\n"
                     "      --version             show versions\n\n"
                     "See peios-registryd(8).\n",
                ADMIN_GROUP, VALUE_MAX_LEAST, VALUE_MAX_MOST, VALUE_BYTES_DEFAULT_MAX);
        return EXIT_SUCCESS;
}

static int version(void)
{
        (void)printf("peios-registryd %s (Unicode %s)\n", PROJECT_VERSION, fold_unicode_version);
        return EXIT_SUCCESS;
}

/* -1: go on; else the exit code. */
static int parse_arguments(int argc, char **argv, struct manager_config *config)
{
        enum {
                OPT_ROOT = 0x100,
                OPT_GROUP,
                OPT_VALUE_MAX,
                OPT_DEBUG,
                OPT_VERSION,
        };
        static const struct option options[] = {
                { "root", required_argument, NULL, OPT_ROOT },
                { "admin-group", required_argument, NULL, OPT_GROUP },
                { "value-max", required_argument, NULL, OPT_VALUE_MAX },
                { "debug", no_argument, NULL, OPT_DEBUG },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, OPT_VERSION },
                { 0 },
        };
        struct diag d = { 0 };
        uint64_t n;

        for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) >= 0;)
                switch (c) {
                case OPT_ROOT:
                        if (root_check(optarg, &d) < 0) {
                                log_error("%s", d.text);
                                return EXIT_FAILURE;
                        }
                        config->root = optarg;
                        break;
                case OPT_GROUP:
                        config->admin_group = optarg;
                        break;
                case OPT_VALUE_MAX:
                        if (number_parse(optarg, strlen(optarg), VALUE_MAX_MOST, &n) < 0 ||
                                n < VALUE_MAX_LEAST) {
                                log_error("--value-max=%s: expected a number of bytes from %u to %u", optarg,
                                        VALUE_MAX_LEAST, VALUE_MAX_MOST);
                                return EXIT_FAILURE;
                        }
                        config->value_max = n;
                        break;
                case OPT_DEBUG:
                        log_setup("peios-registryd", LOG_DEBUG);
                        break;
                case 'h':
                        return help();
                case OPT_VERSION:
                        return version();
                default:
                        return EXIT_FAILURE;
                }
        if (optind < argc) {
                log_error("unexpected argument '%s'", argv[optind]);
                return EXIT_FAILURE;
        }
        return -1;
}

/* First of all: that process has nothing of ours, and we keep nothing of what it needs. */
static int start_exe_reader(struct exe_reader **ret)
{
        int r = exe_reader_new(ret);
        if (r < 0)
                log_warning(
                        "the process that reads which program a caller runs cannot be started (%s): that is "
                        "not known",
                        strerror(-r));
        return privileges_drop(PRIVILEGE(CAP_SYS_PTRACE));
}

int main(int argc, char **argv)
{
        struct manager_config config = { .admin_group = ADMIN_GROUP, .value_max = VALUE_BYTES_DEFAULT_MAX };
        _cleanup_(manager_freep) struct manager *m = NULL;
        struct diag d = { 0 };

        log_setup("peios-registryd", LOG_INFO);
        int r = parse_arguments(argc, argv, &config);
        if (r >= 0)
                return r;
        r = start_exe_reader(&config.exe_reader);
        if (r == 0)
                r = loop_hold_signals();
        if (r == 0)
                r = manager_new(&config, &m, &d);
        if (r == 0)
                r = manager_run(m);
        if (r < 0) {
                log_error("%s", d.text[0] ? d.text : strerror(-r));
                return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}
