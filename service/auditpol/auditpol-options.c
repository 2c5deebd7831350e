/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auditpol-options.h"

#include "../../schema/base/macro.h"

static const struct options_command commands[] = {
        [AUDITPOL_STATUS] = { "status", 0, 0, "", "Every setting: written, accepted, live, and why", NULL,
                .offered = { 0 } },
        [AUDITPOL_GET] = { "get", 0, 0, "", "The value of TaintEvents in force", NULL, .offered = { 0 } },
        [AUDITPOL_SET] = { "set", 1, 1, "VALUE",
                "Write TaintEvents to the registry; done when it is in force", NULL,
                .offered = { "enabled success-only failure-only disabled" } },
        [AUDITPOL_EXPLAIN] = { "explain", 0, 0, "",
                "A sentence each: why the policy and the other settings are as they are", NULL,
                .offered = { 0 } },
        [AUDITPOL_EVENTS] = { "events", 0, 0, "",
                "Taint transitions of this boot; with --follow also those to come", NULL, .offered = { 0 } },
        [AUDITPOL_TAINT] = { "taint", 0, 0, "", "This kernel's taints, and the modules that carry letters",
                NULL, .offered = { 0 } },
        [AUDITPOL_TAINT_CHECK] = { "taint check", 0, 0, "",
                "What of these is not accepted (exit status 2), and the panic_on_taint= of it", NULL,
                .offered = { 0 } },
        [AUDITPOL_TAINT_DECODE] = { "taint decode", 0, OPTIONS_UNLIMITED, "ARG...",
                "What a number, letters, or an oops say; - is standard input", NULL, .offered = { 0 } },
        [AUDITPOL_TAINT_SCAN] = { "taint scan", 0, OPTIONS_UNLIMITED, "PATH...",
                "Which taints a collection of reports has", NULL, .offered = { OPTIONS_FILES } },
};

#define AT(member) offsetof(struct auditpol_options, member)
#define ON(command) (UINT64_C(1) << AUDITPOL_##command)

static const struct options_row rows[] = {
        { "json", .kind = OPTIONS_FLAG, .offset = AT(json), .commands = OPTIONS_ALL,
                .help = "One JSON document", .manual = "Print one JSON document, see\n.Sx JSON ." },
        { "csv", .kind = OPTIONS_FLAG, .offset = AT(csv), .commands = ON(TAINT_SCAN),
                .help = "Comma-separated" },
        { "era", .kind = OPTIONS_TEXT, .offset = AT(era), .commands = ON(TAINT_DECODE) | ON(TAINT_SCAN),
                .metavar = "VERSION", .help = "The kernel that the letters are of",
                .manual = "the kernel that the letters are of, to settle ambiguous ones." },
        { "distro", .kind = OPTIONS_TEXT, .offset = AT(distro),
                .commands = ON(TAINT_DECODE) | ON(TAINT_SCAN), .metavar = "NAME",
                .help = "Whose kernel: upstream, debian, rhel, fedora, suse or ubuntu",
                .offered = "upstream debian rhel fedora suse ubuntu" },
        { "since", .kind = OPTIONS_TEXT, .offset = AT(since), .commands = ON(TAINT_SCAN), .metavar = "TIME",
                .help = "Reports from then on; 2026-01-31, '2026-01-31 10:00', 7d, 12h",
                .manual =
                        "only reports from then on.\nA time is\n.Ql 2026-01-31 ,\n.Ql 2026-01-31 10:00\n.Pq local "
                        "time, or with a zone ,\n.Ql 7d\nor\n.Ql 12h\n.Pq so long ago ,\nor\n.Ql @\nand "
                        "seconds since 1970." },
        { "until", .kind = OPTIONS_TEXT, .offset = AT(until), .commands = ON(TAINT_SCAN), .metavar = "TIME",
                .help = "Reports before that" },
        { "by", .kind = OPTIONS_TEXT, .offset = AT(by), .commands = ON(TAINT_SCAN), .metavar = "WHAT",
                .help = "Arranged by bit, module, kernel or week alone",
                .offered = "bit module kernel week" },
        { "max-bytes", .kind = OPTIONS_TEXT, .offset = AT(max_bytes), .commands = ON(TAINT_SCAN),
                .metavar = "N", .help = "What one packed file may unpack to, 64G",
                .manual =
                        "bytes that one packed file may come to\n.Pq 64G .\n.Ql K , M , G\nand\n.Ql T\nbehind this and "
                        "the next three numbers are powers of 1024.\nThe rest of a file that comes to more "
                        "is left out, which is reported." },
        { "max-ratio", .kind = OPTIONS_TEXT, .offset = AT(max_ratio), .commands = ON(TAINT_SCAN),
                .metavar = "N", .help = "How many times its own size, 2000 (from 256M on)",
                .manual = "how many times its own size\n.Pq 2000, from 256 MiB on ." },
        { "max-files", .kind = OPTIONS_TEXT, .offset = AT(max_files), .commands = ON(TAINT_SCAN),
                .metavar = "N", .help = "Files in one archive, 1000000",
                .manual = "files in one archive\n.Pq 1000000 ." },
        { "max-depth", .kind = OPTIONS_TEXT, .offset = AT(max_depth), .commands = ON(TAINT_SCAN),
                .metavar = "N", .help = "How often it may be packed, 2 (up to 8)",
                .manual =
                        "how often a file may be packed\n.Pq 2, at most 8; 0 for nothing that is packed ." },
        { "follow", 'f', .kind = OPTIONS_FLAG, .offset = AT(follow), .commands = ON(EVENTS),
                .help = "Do not end", .manual = "do not end, print each transition as it comes." },
        { "root", .kind = OPTIONS_ROOT, .offset = AT(root), .commands = OPTIONS_ALL, .metavar = "DIR",
                .help = "taint: /proc and /sys are below DIR", .offered = OPTIONS_FOLDERS,
                .manual = ".Cm taint , taint check :\n.Pa /proc\nand\n.Pa /sys\nare below\n.Ar dir ." },
        { "help", 'h', .kind = OPTIONS_HELP, .commands = OPTIONS_ALL, .help = "Show this",
                .manual = "Show a summary, of one command if there is one, and exit." },
        { "version", .kind = OPTIONS_VERSION, .commands = OPTIONS_ALL, .help = "Show the version",
                .manual = "Show the version and exit." },
};

const struct options_program auditpol_options_program = {
        .name = "peios-auditpol",
        .purpose = "Shows the audit policy on kernel taint events, and sets it.",
        .notes =
                "Values: enabled, success-only, failure-only (for taint events these three mean the same) and\n"
                "disabled. Exit status as of peios-reg(1). See peios-auditpol(1).",
        .commands = commands,
        .n_commands = ARRAY_SIZE(commands),
        .rows = rows,
        .n_rows = ARRAY_SIZE(rows),
};
