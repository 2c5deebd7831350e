/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-options.h"

#include "../../schema/base/macro.h"

static const struct options_command commands[] = {
        [FLEET_PUBLISH] = { "publish", 1, 1, "FILE --group GROUP --key SECRET",
                "Sign a policy with the next serial, and put it into etcd", NULL,
                .offered = { OPTIONS_FILES } },
        [FLEET_WITHDRAW] = { "withdraw", 0, 0, "--group GROUP --key SECRET",
                "Publish a policy that says nothing", NULL, .offered = { NULL } },
        [FLEET_DIFF] = { "diff", 1, 1, "FILE --group GROUP", "What would the file change for the group?",
                NULL, .offered = { OPTIONS_FILES } },
        [FLEET_STATUS] = { "status", 0, 0, "", "How the machines stand, the worst first", NULL,
                .offered = { NULL } },
        [FLEET_SHOW] = { "show", 1, 1, "MACHINE", "All that a machine says", NULL, .offered = { NULL } },
        [FLEET_FORGET] = { "forget", 1, 1, "MACHINE", "Remove a machine that is gone from etcd", NULL,
                .offered = { NULL } },
        [FLEET_VERIFY] = { "verify", 0, OPTIONS_UNLIMITED, "[FILE...]",
                "Is a policy signed, newer than the last, and good?", NULL, .offered = { OPTIONS_FILES } },
};

#define AT(member) offsetof(struct fleet_options, member)
#define ON(command) (UINT64_C(1) << FLEET_##command)
#define ON_ETCD (ON(PUBLISH) | ON(WITHDRAW) | ON(DIFF) | ON(STATUS) | ON(SHOW) | ON(FORGET))

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
        { "json", .kind = OPTIONS_FLAG, .offset = AT(json), .commands = OPTIONS_ALL,
                .help = "One JSON document",
                .manual =
                        "print one JSON document; of\n.Cm verify , diff\nand\n.Cm status\nan array of objects." },
        { "group", .kind = OPTIONS_TEXT, .offset = AT(group),
                .commands = ON(PUBLISH) | ON(WITHDRAW) | ON(DIFF) | ON(STATUS), .metavar = "GROUP",
                .help = "The group; of status: its machines alone",
                .manual = "the group; of\n.Cm status :\nits machines alone." },
        { "key", .kind = OPTIONS_TEXT, .offset = AT(key), .commands = ON(PUBLISH) | ON(WITHDRAW),
                .metavar = "SECRET", .help = "Sign with this secret key of signify",
                .manual = "sign with this secret key of\n.Xr signify 1 ,\nwhich asks for its passphrase.",
                .offered = OPTIONS_FILES },
        { "percent", .kind = OPTIONS_NUMBER, .offset = AT(percent), .min = 1, .max = 99,
                .commands = ON(PUBLISH) | ON(WITHDRAW), .metavar = "N",
                .help = "For so many of a hundred machines; without it, for all",
                .manual = "for so many of a hundred machines, see\n.Sx Stages ;\nwithout it, for all." },
        { "serial", .kind = OPTIONS_NUMBER, .offset = AT(serial), .min = 1, .max = INT64_MAX,
                .commands = ON(PUBLISH) | ON(WITHDRAW), .metavar = "NUMBER",
                .help = "This serial instead of the next one" },
        { "all", .kind = OPTIONS_FLAG, .offset = AT(all), .commands = ON(STATUS),
                .help = "A line for each machine that is not well, however many there are" },
        { "endpoint", .kind = OPTIONS_LIST, .offset = AT(endpoints), .commands = ON_ETCD, .metavar = "URL",
                .help = "Where etcd is (default: http://127.0.0.1:2379); may be given more than once",
                .manual =
                        "where etcd is,\n.Ql http://127.0.0.1:2379\nby default; may be given more than once." },
        { "prefix", .kind = OPTIONS_TEXT, .offset = AT(prefix), .commands = ON_ETCD, .metavar = "TEXT",
                .help = "What all keys begin with (default: /peios)" },
        { "ca-file", .kind = OPTIONS_TEXT, .offset = AT(ca_file), .commands = ON_ETCD, .metavar = "FILE",
                .help = "Certificates that etcd's is verified with", .offered = OPTIONS_FILES },
        { "cert-file", .kind = OPTIONS_TEXT, .offset = AT(cert_file), .commands = ON_ETCD, .metavar = "FILE",
                .help = "A certificate for etcd", .offered = OPTIONS_FILES },
        { "cert-key-file", .kind = OPTIONS_TEXT, .offset = AT(key_file), .commands = ON_ETCD,
                .metavar = "FILE", .help = "Its key", .offered = OPTIONS_FILES },
        { "user", .kind = OPTIONS_TEXT, .offset = AT(user), .commands = ON_ETCD, .metavar = "NAME",
                .help = "A user of etcd's" },
        { "password-file", .kind = OPTIONS_TEXT, .offset = AT(password_file), .commands = ON_ETCD,
                .metavar = "FILE", .help = "Its first line is the user's password",
                .offered = OPTIONS_FILES },
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
