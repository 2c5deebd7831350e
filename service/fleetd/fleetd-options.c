/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleetd.h"

#define AT(member) offsetof(struct fleetd_options, member)

static const struct options_row rows[] = {
        { "root", .kind = OPTIONS_ROOT, .offset = AT(root), .commands = OPTIONS_ALL, .metavar = "DIR",
                .help = "Every path is below DIR", .manual = "All paths are below\n.Ar dir ." },
        { "verbose", 'v', .kind = OPTIONS_FLAG, .offset = AT(verbose), .commands = OPTIONS_ALL,
                .help = "Log more", .manual = "Log more." },
        { "help", 'h', .kind = OPTIONS_HELP, .commands = OPTIONS_ALL, .help = "Show this",
                .manual = "Show a summary and exit." },
        { "version", .kind = OPTIONS_VERSION, .commands = OPTIONS_ALL, .help = "Show the version",
                .manual = "Show the version and exit." },
};

const struct options_program fleetd_options_program = {
        .name = "peios-fleetd",
        .purpose = "Fetches the fleet's policies from etcd, and reports there how this machine stands.",
        .notes = "See peios-fleetd(8).",
        .rows = rows,
        .n_rows = ARRAY_SIZE(rows),
};
