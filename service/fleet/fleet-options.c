/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-options.h"

#include "../../schema/base/macro.h"

static const struct options_command commands[] = {
        [FLEET_VERIFY] = { "verify", 0, OPTIONS_UNLIMITED, "[FILE...]",
                "Is a policy signed, newer than the last, and good?", NULL, { OPTIONS_FILES } },
};

#define AT(member) offsetof(struct fleet_options, member)
#define ON(command) (UINT64_C(1) << FLEET_##command)

static const struct options_row rows[] = {
        { "install", .kind = OPTIONS_FLAG, .offset = AT(install), .commands = ON(VERIFY),
                .help = "Bring it into force where it is",
                .manual = "bring each file that is good into force; what is refused is recorded." },
        { "incoming", .kind = OPTIONS_FLAG, .offset = AT(incoming), .commands = ON(VERIFY),
                .help = "Install what came for this machine's groups",
                .manual =
                        "install what came for this machine's groups, see\n.Sx The incoming folder ;\nno\n.Ar file\nis "
                        "named." },
        { "settle", .kind = OPTIONS_NUMBER, .offset = AT(settle), .max = 3600, .commands = ON(VERIFY),
                .metavar = "SECONDS", .help = "--incoming: again, until nothing came for so long",
                .manual = "with\n.Fl -incoming :\nlook again, until nothing came or changed for so long." },
        { "json", .kind = OPTIONS_FLAG, .offset = AT(json), .commands = ON(VERIFY),
                .help = "One JSON document", .manual = "print one JSON document, an array of objects." },
        { "root", .kind = OPTIONS_ROOT, .offset = AT(root), .commands = OPTIONS_ALL, .metavar = "DIR",
                .help = "Keys, serials and installed policies are below DIR", .offered = OPTIONS_FOLDERS },
        { "help", 'h', .kind = OPTIONS_HELP, .commands = OPTIONS_ALL, .help = "Show this",
                .manual = "Show a summary, of one command if there is one, and exit." },
        { "version", .kind = OPTIONS_VERSION, .commands = OPTIONS_ALL, .help = "Show the version",
                .manual = "Show the version and exit." },
};

const struct options_program fleet_options_program = {
        .name = "peios-fleet",
        .purpose = "Policies for a fleet of machines: verifies them and brings them into force.",
        .notes = "Exit status as of peios-reg(1): 4 for a policy that is refused. See peios-fleet(8).",
        .commands = commands,
        .n_commands = ARRAY_SIZE(commands),
        .rows = rows,
        .n_rows = ARRAY_SIZE(rows),
};
