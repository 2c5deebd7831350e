/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-auditpol: looks at the audit policy and sets it. */
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/fileio.h"
#include "../../schema/base/log.h"
#include "config.h"
#include "events.h"
#include "taint.h"

static int help(void)
{
        (void)puts(
                "peios-auditpol [OPTION…] COMMAND\n\n"
                "Commands:\n"
                "  status              every setting: written, accepted, live, and why\n"
                "  get                 the value of TaintEvents in force\n"
                "  set VALUE           write TaintEvents to the registry; done when it is in force\n"
                "  explain             a sentence each: why the policy and the other settings are as they are\n"
                "  events              taint transitions of this boot; with --follow also those to come\n"
                "  taint               this kernel's taints, and the modules that carry letters\n"
                "  taint check         what of these is not accepted (exit code 2), and the panic_on_taint= of it\n"
                "  taint decode ARG…   what a number, letters, or an oops say; - is standard input\n"
                "  taint scan PATH…    which taints a collection of reports has\n\n"
                "Options:\n"
                "      --json          one JSON document\n"
                "      --csv           taint scan: comma-separated\n"
                "      --era=VERSION   taint decode, scan: the kernel that the letters are of\n"
                "      --distro=NAME   upstream, debian, rhel, fedora, suse or ubuntu\n"
                "      --since=TIME    taint scan: reports from then on; 2026-01-31, '2026-01-31 10:00', 7d, 12h\n"
                "      --until=TIME    taint scan: reports before that\n"
                "      --by=WHAT       taint scan: arranged by bit, module, kernel or week alone\n"
                "      --max-bytes=N   taint scan: what one packed file may unpack to, 64G\n"
                "      --max-ratio=N   taint scan: and that by its size, 2000 (from 256M on)\n"
                "      --max-files=N   taint scan: files in one archive, 1000000\n"
                "      --max-depth=N   taint scan: how often it may be packed, 2 (up to 8)\n"
                "  -f, --follow        events: do not end\n"
                "      --root=DIR      taint: /proc and /sys are below DIR\n"
                "  -h, --help          show this\n"
                "      --version       show the version\n\n"
                "Values: enabled, success-only, failure-only (for taint events these three mean the same) and\n"
                "disabled. Exit codes as in peios-reg(1). See peios-auditpol(1).");
        return EXIT_CODE_OK;
}

/* Those that only some commands have. */
enum {
        OPTION_CSV = 1 << 0,
        OPTION_ERA = 1 << 1,
        OPTION_DISTRO = 1 << 2,
        OPTION_FOLLOW = 1 << 3,
        OPTION_SINCE = 1 << 4,
        OPTION_UNTIL = 1 << 5,
        OPTION_BY = 1 << 6,
        OPTION_MAX_BYTES = 1 << 7,
        OPTION_MAX_RATIO = 1 << 8,
        OPTION_MAX_FILES = 1 << 9,
        OPTION_MAX_DEPTH = 1 << 10,
        OPTIONS_SCAN = OPTION_ERA | OPTION_DISTRO | OPTION_CSV | OPTION_SINCE | OPTION_UNTIL | OPTION_BY |
                       OPTION_MAX_BYTES | OPTION_MAX_RATIO | OPTION_MAX_FILES | OPTION_MAX_DEPTH,
};

struct options {
        struct show_options show;
        struct taint_options taint;
        unsigned given;
};

static const char commands_text[] =
        "there are status, get, set, explain, events, taint, taint check, taint decode and taint scan";

/* What would have no effect is refused: somebody expects one. */
static bool allows(const char *command, unsigned allowed, const struct options *o)
{
        static const char *const names[] = { "csv", "era", "distro", "follow", "since", "until", "by",
                "max-bytes", "max-ratio", "max-files", "max-depth" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (o->given & ~allowed & 1u << i) {
                        log_error("--%s has no meaning for '%s'", names[i], command);
                        return false;
                }
        return true;
}

static int run_show(const struct options *o, int argc, char **argv)
{
        static const struct {
                const char *name;
                int arguments;
                unsigned options;
                enum exit_code (*run)(const struct show_options *o, const char *argument);
        } commands[] = {
                { "status", 0, 0, show_status },
                { "get", 0, 0, show_get },
                { "set", 1, 0, show_set },
                { "explain", 0, 0, show_explain },
                { "events", 0, OPTION_FOLLOW, show_events },
                { "taint", 0, 0, show_taint },
        };

        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                if (strcmp(argv[0], commands[i].name) != 0)
                        continue;
                if (argc - 1 > commands[i].arguments && commands[i].run == show_taint) {
                        log_error(
                                "there is no 'taint %s'; there are taint check, taint decode and taint scan",
                                argv[1]);
                        return EXIT_CODE_USAGE;
                }
                if (argc - 1 > commands[i].arguments) {
                        log_error("%s: '%s' is one word too many", argv[0], argv[1 + commands[i].arguments]);
                        return EXIT_CODE_USAGE;
                }
                if (argc - 1 < commands[i].arguments) {
                        log_error("%s takes a value", argv[0]);
                        return EXIT_CODE_USAGE;
                }
                if (!allows(argv[0], commands[i].options, o))
                        return EXIT_CODE_USAGE;
                return (int)commands[i].run(&o->show, argv[1]);
        }
        log_error("there is no command '%s'; %s", argv[0], commands_text);
        return EXIT_CODE_USAGE;
}

static int run_decode(const struct options *o, int n, char **words)
{
        return allows("taint decode", OPTION_ERA | OPTION_DISTRO, o) ? (int)taint_decode(&o->taint, n, words)
                                                                     : EXIT_CODE_USAGE;
}

static int run_scan(const struct options *o, int n, char **words)
{
        return allows("taint scan", OPTIONS_SCAN, o) ? (int)taint_scan(&o->taint, n, words)
                                                     : EXIT_CODE_USAGE;
}

static int run_check(const struct options *o, int n, char **words)
{
        if (n > 0) {
                log_error("taint check: '%s' is one word too many", words[0]);
                return EXIT_CODE_USAGE;
        }
        return allows("taint check", 0, o) ? (int)show_taint_check(&o->show, NULL) : EXIT_CODE_USAGE;
}

static int run(const struct options *o, int argc, char **argv)
{
        if (argc == 0) {
                log_error("no command; %s", commands_text);
                return EXIT_CODE_USAGE;
        }
        if (argc > 1 && strcmp(argv[0], "taint") == 0) {
                if (strcmp(argv[1], "check") == 0)
                        return run_check(o, argc - 2, argv + 2);
                if (strcmp(argv[1], "decode") == 0)
                        return run_decode(o, argc - 2, argv + 2);
                if (strcmp(argv[1], "scan") == 0)
                        return run_scan(o, argc - 2, argv + 2);
        }
        return run_show(o, argc, argv);
}

/* Options of the taint commands that have a text. */
static const struct {
        const char *name;
        unsigned given;
        size_t at;
} texts[] = {
#define TEXT(name, given, member)                                                                           \
        {                                                                                                   \
                name, given, offsetof(struct taint_options, member)                                         \
        }
        TEXT("era", OPTION_ERA, era),
        TEXT("distro", OPTION_DISTRO, distro),
        TEXT("since", OPTION_SINCE, since),
        TEXT("until", OPTION_UNTIL, until),
        TEXT("by", OPTION_BY, by),
        TEXT("max-bytes", OPTION_MAX_BYTES, max_bytes),
        TEXT("max-ratio", OPTION_MAX_RATIO, max_ratio),
        TEXT("max-files", OPTION_MAX_FILES, max_files),
        TEXT("max-depth", OPTION_MAX_DEPTH, max_depth),
#undef TEXT
};
#define FIRST_TEXT 256 /* behind all characters */

static int next_option(int argc, char **argv)
{
        static const struct option flags[] = {
                { "json", no_argument, NULL, 'j' },
                { "csv", no_argument, NULL, 'c' },
                { "follow", no_argument, NULL, 'f' },
                { "root", required_argument, NULL, 'r' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
        };
        struct option all[ARRAY_SIZE(flags) + ARRAY_SIZE(texts) + 1] = { 0 };

        (void)memcpy(all, flags, sizeof(flags));
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                all[ARRAY_SIZE(flags) + i] =
                        (struct option){ texts[i].name, required_argument, NULL, FIRST_TEXT + (int)i };
        return getopt_long(argc, argv, "fh", all, NULL);
}

static void take_text(struct options *o, size_t i)
{
        o->given |= texts[i].given;
        (void)memcpy((char *)&o->taint + texts[i].at, &optarg, sizeof(optarg));
}

/* -1: go on; else the exit code. */
static int parse_arguments(int argc, char **argv, struct options *o)
{
        struct diag d = { 0 };

        for (int c; (c = next_option(argc, argv)) >= 0;)
                switch (c) {
                case 'j':
                        o->show.json = o->taint.json = true;
                        break;
                case 'c':
                        o->taint.csv = true;
                        o->given |= OPTION_CSV;
                        break;
                case 'f':
                        o->show.follow = true;
                        o->given |= OPTION_FOLLOW;
                        break;
                case 'r':
                        if (root_check(optarg, &d) < 0) {
                                log_error("%s", d.text);
                                return EXIT_CODE_USAGE;
                        }
                        o->show.root = optarg;
                        break;
                case 'h':
                        return help();
                case 'V':
                        (void)puts("peios-auditpol " PROJECT_VERSION);
                        return EXIT_CODE_OK;
                default:
                        if (c < FIRST_TEXT)
                                return EXIT_CODE_USAGE;
                        take_text(o, (size_t)(c - FIRST_TEXT));
                }
        return -1;
}

int main(int argc, char **argv)
{
        struct options o = { 0 };

        log_setup("peios-auditpol", LOG_INFO);
        int code = parse_arguments(argc, argv, &o);
        if (code < 0)
                code = run(&o, argc - optind, argv + optind);
        if (fflush(stdout) != 0 && code == EXIT_CODE_OK) {
                log_error("standard output: %s", strerror(errno));
                code = EXIT_CODE_FAILURE;
        }
        return code;
}
