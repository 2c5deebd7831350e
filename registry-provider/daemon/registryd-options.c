/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registryd.h"

#include "../../schema/base/macro.h"
#include "config.h"

#define AT(member) offsetof(struct registryd_options, member)

static const struct options_row rows[] = {
        { "root", .kind = OPTIONS_ROOT, .offset = AT(root), .commands = OPTIONS_ALL, .metavar = "DIR",
                .help = "Every path is below DIR",
                .manual =
                        "All paths are below\n.Ar dir .\nFor tests and for looking at another system's registry." },
        { "admin-group", .kind = OPTIONS_TEXT, .offset = AT(admin_group), .commands = OPTIONS_ALL,
                .metavar = "GROUP", .help = "Members may write (default: " ADMIN_GROUP "; empty: nobody)",
                .manual = "Members of this group may write.\nThe default is\n.Ql " ADMIN_GROUP
                          " ;\nwith an empty one, no group may." },
        { "value-max", .kind = OPTIONS_NUMBER, .offset = AT(value_max), .min = 4096, .max = 67108864,
                .commands = OPTIONS_ALL, .metavar = "BYTES",
                .help = "The largest value, from 4096 to 67108864 (default: 1048576)" },
        { "debug", .kind = OPTIONS_FLAG, .offset = AT(debug), .commands = OPTIONS_ALL, .help = "Log more" },
        { "help", 'h', .kind = OPTIONS_HELP, .commands = OPTIONS_ALL, .help = "Show this",
                .manual = "Show a summary and exit." },
        { "version", .kind = OPTIONS_VERSION, .commands = OPTIONS_ALL, .help = "Show versions",
                .manual =
                        "Show the versions of the program and of Unicode, by which names are compared, and exit." },
};

const struct options_program registryd_options_program = {
        .name = "peios-registryd",
        .purpose = "Holds the Peios registry and serves it as org.peios.Registry1 on the system bus.",
        .notes = "See peios-registryd(8).",
        .rows = rows,
        .n_rows = ARRAY_SIZE(rows),
};
