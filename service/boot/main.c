/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-policy-apply: a program of its own, because at boot every library that is linked costs time; also
 * run by `peios-audit-policyd --apply`. */
#include <getopt.h>
#include <stdio.h>

#include "../../schema/base/fileio.h"
#include "../../schema/base/log.h"
#include "apply.h"
#include "config.h"

int main(int argc, char **argv)
{
        static const struct option options[] = {
                { "root", required_argument, NULL, 'r' },
                { "verbose", no_argument, NULL, 'v' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
                { 0 },
        };
        const char *root = NULL;
        struct diag d = { 0 };
        int verbose = 0;

        log_setup("peios-policy-apply", LOG_INFO);
        for (int c; (c = getopt_long(argc, argv, "hv", options, NULL)) >= 0;)
                switch (c) {
                case 'r':
                        if (root_check(optarg, &d) < 0) {
                                log_error("%s", d.text);
                                return EXIT_FAILURE;
                        }
                        root = optarg;
                        break;
                case 'v':
                        verbose = 1;
                        break;
                case 'h':
                        (void)puts(
                                "peios-policy-apply [--root=DIR] [--verbose]\n\n"
                                "Applies the registry's policy to the kernel's controls, from what is on disk.\n"
                                "See peios-audit-policyd(8), --apply.");
                        return EXIT_SUCCESS;
                case 'V':
                        (void)puts("peios-policy-apply " PROJECT_VERSION);
                        return EXIT_SUCCESS;
                default:
                        return EXIT_FAILURE;
                }
        if (optind < argc) {
                log_error("unexpected argument '%s'", argv[optind]);
                return EXIT_FAILURE;
        }
        return boot_apply(root, verbose);
}
