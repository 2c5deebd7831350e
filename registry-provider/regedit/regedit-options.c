/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "regedit-options.h"

#include "../../schema/base/macro.h"

#define AT(member) offsetof(struct regedit_options, member)

static const struct options_row rows[] = {
        { "layer", .kind = OPTIONS_TEXT, .offset = AT(layer), .commands = OPTIONS_ALL, .metavar = "NAME",
                .help = "Write to this layer (default: base)",
                .manual = "Write to this layer.\nThe default is\n.Ql base .", .offered = "<layer>" },
        { "keys", .kind = OPTIONS_FLAG, .offset = AT(keys), .commands = OPTIONS_ALL,
                .help = "List all keys and what they do",
                .manual = "List all keys and what they do, and exit." },
        { "help", 'h', .kind = OPTIONS_HELP, .commands = OPTIONS_ALL, .help = "Show this",
                .manual = "Show a summary and exit." },
        { "version", .kind = OPTIONS_VERSION, .commands = OPTIONS_ALL, .help = "Show the version",
                .manual = "Show the version and exit." },
};

const struct options_program regedit_options_program = {
        .name = "peios-regedit",
        .purpose = "Shows and edits the Peios registry, on a terminal, from KEY on.",
        .notes = "See peios-regedit(8).",
        .rows = rows,
        .n_rows = ARRAY_SIZE(rows),
        .synopsis = "[KEY]",
        .max_words = 1,
        .offered = "<key>",
};
