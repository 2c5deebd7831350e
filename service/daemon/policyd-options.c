/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policyd.h"

#include "../../schema/base/macro.h"
#include "config.h"

#define AT(member) offsetof(struct policyd_options, member)

static const struct options_row rows[] = {
        { "apply", .kind = OPTIONS_FLAG, .offset = AT(apply), .commands = OPTIONS_ALL,
                .help = "Apply what is on disk, without bus or daemon, and exit",
                .manual = "Apply what is on disk and exit, as\n.Nm peios-policy-apply ." },
        { "root", .kind = OPTIONS_ROOT, .offset = AT(root), .commands = OPTIONS_ALL, .metavar = "DIR",
                .help = "Every path is below DIR",
                .manual = "All paths are below\n.Ar dir ,\n.Pa /proc/sys\nincluded." },
        { "admin-group", .kind = OPTIONS_TEXT, .offset = AT(admin_group), .commands = OPTIONS_ALL,
                .metavar = "GROUP",
                .help = "Members' calls come before others' (default: " ADMIN_GROUP "; empty: nobody's)",
                .manual =
                        "Calls of this group's members come before those of others, and none of their limits holds for "
                        "them.\nThe default is\n.Ql " ADMIN_GROUP
                        " .\nIt is to be that of\n.Xr peios-registryd 8 ,\nwhich decides who may write." },
        { "recheck", .kind = OPTIONS_NUMBER, .offset = AT(recheck_seconds), .min = 1, .max = 86400,
                .commands = OPTIONS_ALL, .metavar = "SECONDS",
                .help = "Look at the controls this often without a hint (default: 60)",
                .manual =
                        "Look at the controls, and read what is followed from the registry, this often even if nothing "
                        "hints at a change, from 1 to 86400;\n60 by default.\nThe kernel does not report every "
                        "change; a value that differs from what the registry reported last is applied, with a line "
                        "in the\nlog and the reason\n.Ql signal-missed\nin the record." },
        { "no-bpf", .kind = OPTIONS_FLAG, .offset = AT(no_bpf), .commands = OPTIONS_ALL,
                .help = "Follow taints by hints alone" },
        { "verbose", 'v', .kind = OPTIONS_FLAG, .offset = AT(verbose), .commands = OPTIONS_ALL,
                .help = "With --apply: a line for each value; else log more",
                .manual =
                        "With\n.Fl -apply ,\nand always for\n.Nm peios-policy-apply ,\na line for each value; else "
                        "log more." },
        { "help", 'h', .kind = OPTIONS_HELP, .commands = OPTIONS_ALL, .help = "Show this",
                .manual = "Show a summary and exit." },
        { "version", .kind = OPTIONS_VERSION, .commands = OPTIONS_ALL, .help = "Show the version",
                .manual = "Show the version and exit." },
};

const struct options_program policyd_options_program = {
        .name = "peios-audit-policyd",
        .purpose =
                "Keeps the kernel's controls as the Peios registry says, and audits every change of the policy.",
        .notes = "See peios-audit-policyd(8).",
        .rows = rows,
        .n_rows = ARRAY_SIZE(rows),
};
