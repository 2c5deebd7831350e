/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../../../registry-provider/daemon/registryd.h"
#include "../../../registry-provider/reg/reg-options.h"
#include "../../../registry-provider/regedit/regedit-options.h"
#include "../../../schema/base/buf.h"
#include "../../../service/auditpol/auditpol-options.h"
#include "../../../service/daemon/policyd.h"
#include "suite.h"

#define WORDS_MAX 8

struct parsed {
        struct reg_options reg;
        struct auditpol_options auditpol;
        struct regedit_options regedit;
        struct registryd_options registryd;
        struct policyd_options policyd;
        struct options_line line;
};

static int parse_as(const struct options_program *program, const char *const words[static WORDS_MAX],
        char *argv[static WORDS_MAX + 2], struct parsed *ret, struct diag *d)
{
        void *members = program == &reg_options_program         ? (void *)&ret->reg
                        : program == &auditpol_options_program  ? (void *)&ret->auditpol
                        : program == &registryd_options_program ? (void *)&ret->registryd
                        : program == &regedit_options_program   ? (void *)&ret->regedit
                                                                : (void *)&ret->policyd;
        int argc = 1;

        ret->reg = REG_OPTIONS_INIT;
        ret->auditpol = (struct auditpol_options){ 0 };
        ret->regedit = (struct regedit_options){ 0 };
        ret->registryd = (struct registryd_options){ .value_max = 7 };
        ret->policyd = (struct policyd_options){ .recheck_seconds = 7 };
        argv[0] = (char *)program->name;
        for (; argc <= WORDS_MAX && words[argc - 1]; argc++)
                argv[argc] = (char *)words[argc - 1];
        argv[argc] = NULL;
        return options_parse(program, argc, argv, members, &ret->line, d);
}

static int parse(const char *const words[static WORDS_MAX], char *argv[static WORDS_MAX + 2],
        struct parsed *ret, struct diag *d)
{
        return parse_as(&reg_options_program, words, argv, ret, d);
}

TEST(words_and_options_in_any_order)
{
        static const struct {
                const char *words[WORDS_MAX];
                const char *command;
                const char *left[4];
        } rows[] = {
                { { "get", "K" }, "get", { "K" } },
                { { "get", "K", "V" }, "get", { "K", "V" } },
                { { "-q", "get", "--json", "K", "-v", "V" }, "get", { "K", "V" } },
                { { "set", "K", "--", "V", "-1" }, "set", { "K", "V", "-1" } },
                { { "set", "--layer", "base", "K", "--", "--json" }, "set", { "K", "--json" } },
                { { "set", "--layer=base", "K", "V", "--", "--" }, "set", { "K", "V", "--" } },
                { { "lint", "-", "a", "b", "c" }, "lint", { "-", "a", "b", "c" } },
                { { "set", "", "", "" }, "set", { "", "", "" } },
                { { "set", "--from=-", "K", "V" }, "set", { "K", "V" } },
                { { "set", "K\\V", "--from", "-" }, "set", { "K\\V" } },
                { { "del", "-ry", "K" }, "del", { "K" } },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char *argv[WORDS_MAX + 2];
                struct parsed args;
                struct diag d = { 0 };
                ck_assert_msg(parse(rows[i].words, argv, &args, &d) == 0, "row %zu: %s", i, d.text);
                ck_assert_str_eq(args.line.command->name, rows[i].command);
                for (size_t k = 0; k < args.line.n_words; k++)
                        ck_assert_str_eq(args.line.words[k], rows[i].left[k]);
                ck_assert(args.line.n_words == ARRAY_SIZE(rows[i].left) || !rows[i].left[args.line.n_words]);
        }
}

TEST(options_reach_their_members)
{
        char *argv[WORDS_MAX + 2];
        struct parsed args;

        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "set", "K", "V", "1" }, argv, &args, NULL), 0);
        ck_assert(!args.reg.json && !args.reg.dry_run && !args.reg.quiet && !args.reg.layer);
        ck_assert(!args.reg.expected.given);
        ck_assert_uint_eq(args.reg.depth, UINT64_MAX);

        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "set", "K=V", "1", "--layer=a=b", "--expected-seq",
                                       "0x10", "--dry-run", "-qv" },
                                 argv, &args, NULL),
                0);
        ck_assert_str_eq(args.reg.layer, "a=b");
        ck_assert(args.reg.expected.given);
        ck_assert_uint_eq(args.reg.expected.sequence, 16);
        ck_assert(args.reg.dry_run && args.reg.quiet && args.reg.verbose && !args.reg.yes);

        ck_assert_int_eq(
                parse((const char *[WORDS_MAX]){ "del", "K", "V", "--expected-seq=0" }, argv, &args, NULL),
                0);
        ck_assert(args.reg.expected.given);
        ck_assert_uint_eq(args.reg.expected.sequence, 0);

        ck_assert_int_eq(
                parse((const char *[WORDS_MAX]){ "tree", "K", "--depth=0", "--values" }, argv, &args, NULL),
                0);
        ck_assert_uint_eq(args.reg.depth, 0);
        ck_assert(args.reg.values && !args.reg.subtree);

        ck_assert_int_eq(
                parse((const char *[WORDS_MAX]){ "watch", "-s", "K", "--count", "3" }, argv, &args, NULL),
                0);
        ck_assert_uint_eq(args.reg.count, 3);
        ck_assert(args.reg.subtree && !args.reg.values);
        ck_assert_int_eq(
                parse((const char *[WORDS_MAX]){ "lint", "--root", "/", "F" }, argv, &args, NULL), 0);
        ck_assert_str_eq(args.reg.root, "/");

        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "apply", "--map=A=/B", "F", "--map", "C=/D" },
                                 argv, &args, NULL),
                0);
        ck_assert_uint_eq(args.reg.roots.n, 2);
        ck_assert_str_eq(args.reg.roots.list[0], "A=/B");
        ck_assert_str_eq(args.reg.roots.list[1], "C=/D");
}

/* As reg.exe's, in any case; elsewhere, and where it is more than a word, it is a path. */
TEST(slashes)
{
        char *argv[WORDS_MAX + 2];
        struct parsed args;
        struct diag d = { 0 };

        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "add", "/A/B", "/V", "/v", "/d", "--json", "/F" },
                                 argv, &args, &d),
                0);
        ck_assert_str_eq(args.reg.value, "/v");
        ck_assert_str_eq(args.reg.data, "--json");
        ck_assert(args.reg.yes && !args.reg.json && args.line.n_words == 1);
        ck_assert_str_eq(args.line.words[0], "/A/B");

        /* The same letter means something else to another command. */
        ck_assert_int_eq(
                parse((const char *[WORDS_MAX]){ "query", "K", "/f", "x", "/s", "/d" }, argv, &args, &d), 0);
        ck_assert_str_eq(args.reg.find, "x");
        ck_assert(args.reg.recursive && args.reg.in_data && !args.reg.yes && !args.reg.data);

        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "get", "/v", "/f" }, argv, &args, &d), 0);
        ck_assert(args.line.n_words == 2 && !args.reg.value);
        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "query", "--", "/s" }, argv, &args, &d), 0);
        ck_assert(args.line.n_words == 1 && !args.reg.recursive);
        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "/s", "query", "K" }, argv, &args, &d), -EINVAL);
        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "query", "/?" }, argv, &args, &d), 0);
        ck_assert(args.line.help);
}

/* Scripts give them to every command of reg.exe, where they chose a half of Windows' registry. */
TEST(slashes_without_meaning)
{
        static const char *const commands[] = { "add", "query", "delete", "copy", "compare", "import",
                "export" };
        static const char *const ignored[] = { "/reg:32", "/reg:64", "/REG:64" };
        struct parsed args, without;
        char *argv[WORDS_MAX + 2];
        struct diag d = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
                for (size_t k = 0; k < ARRAY_SIZE(ignored); k++) {
                        const char *words[WORDS_MAX] = { commands[i], "A", "B", NULL };
                        if (i < 3 || i == 5)
                                words[2] = NULL;
                        ck_assert_int_eq(parse(words, argv, &without, &d), 0);
                        words[words[2] ? 3 : 2] = ignored[k];
                        ck_assert_msg(parse(words, argv, &args, &d) == 0, "%s %s: %s", commands[i],
                                ignored[k], d.text);
                        ck_assert_uint_eq(args.line.n_words, without.line.n_words);
                        args.reg.no_effect = false;
                        ck_assert_mem_eq(&args.reg, &without.reg, sizeof(args.reg));
                }
}

TEST(usage_errors_say_what_is_wrong)
{
        static const struct {
                const char *words[WORDS_MAX];
                const char *text;
        } rows[] = {
                { { NULL }, "a command is missing; there are get, set, del, " },
                { { "--json" }, "a command is missing" },
                { { "frob", "K" },
                        "no command 'frob'; there are get, set, del, ls, tree, info, new, watch, " },
                { { "get" }, "too few words, expected: get KEY [VALUE]" },
                { { "get", "K", "V", "x" }, "get: 'x' is one word too many, expected: get KEY [VALUE]" },
                { { "set", "K" }, "too few words" },
                { { "set", "--from=F" }, "too few words" },
                { { "set", "--from=F", "K", "V", "D" }, "set: 'D' is one word too many" },
                { { "get", "--from=F", "K" }, "--from has no meaning for 'get'" },
                { { "del", "-f", "K" }, "--force has no meaning for 'del'" },
                { { "get", "K", "--nope" }, "no option '--nope'" },
                { { "get", "K", "--laye=x" }, "no option '--laye'" },
                { { "get", "K", "-qz" }, "no option '-z'" },
                { { "set", "K", "-1" }, "no option '-1'" },
                { { "get", "K", "--json=yes" }, "--json takes no argument" },
                { { "set", "K", "1", "--layer" }, "--layer needs an argument: NAME" },
                { { "set", "K", "1", "--expected-seq", "-1" }, "'-1' is not a number from 0" },
                { { "tree", "K", "--depth=-1" }, "'-1' is not a number from 0" },
                { { "tree", "K", "--depth=" }, "'' is not a number from 0" },
                { { "watch", "K", "--count=0" }, "'0' is not a number from 1" },
                { { "watch", "K", "--count=18446744073709551616" }, "is not a number" },
                { { "get", "K", "--layer=x" }, "--layer has no meaning for 'get'" },
                { { "set", "K", "1", "--depth=1", "--layer=x" }, "--depth has no meaning for 'set'" },
                { { "-r", "get", "K" }, "--recursive has no meaning for 'get'" },
                { { "add", "K", "/v" }, "/v needs an argument: NAME" },
                { { "add", "K", "/x" }, "add: there is no option '/x'" },
                { { "add", "K", "/v", "a", "/V", "b" }, "add: /V is given twice" },
                { { "get", "K", "--v=x" }, "there is no option '--v'" },
                { { "query", "K", "--reg:64" }, "there is no option '--reg:64'" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char *argv[WORDS_MAX + 2];
                struct parsed args = { .line.n_words = 77 };
                struct diag d = { 0 };
                ck_assert_int_eq(parse(rows[i].words, argv, &args, &d), -EINVAL);
                ck_assert_msg(strstr(d.text, rows[i].text), "row %zu: %s", i, d.text);
                ck_assert_uint_eq(args.line.n_words, 77);
        }
}

TEST(commands_of_two_words)
{
        static const struct {
                const char *words[WORDS_MAX];
                const char *command; /* NULL: refused */
                const char *text;    /* the one word that is left, or the refusal */
        } rows[] = {
                { { "taint" }, "taint", NULL },
                { { "taint", "check", "--root=/" }, "taint check", NULL },
                { { "--json", "taint", "-h", "scan", "--by=bit", "F" }, "taint scan", "F" },
                { { "taint", "decode", "--era", "5.0", "-" }, "taint decode", "-" },
                { { "set", "enabled" }, "set", "enabled" },
                { { "check" }, NULL,
                        "no command 'check'; there are status, get, set, explain, events, taint, taint check, " },
                { { "taint", "bogus" }, NULL,
                        "there is no 'taint bogus'; there are taint check, taint decode and taint scan" },
                { { "taint", "check", "extra" }, NULL, "taint check: 'extra' is one word too many" },
                { { "status", "extra" }, NULL, "status: 'extra' is one word too many" },
                { { "set" }, NULL, "set: too few words, expected: set VALUE" },
                { { "status", "--csv" }, NULL, "--csv has no meaning for 'status'" },
                { { "taint", "check", "--era=5" }, NULL, "--era has no meaning for 'taint check'" },
                { { NULL }, NULL, "a command is missing" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char *argv[WORDS_MAX + 2];
                struct parsed args = { 0 };
                struct diag d = { 0 };
                int r = parse_as(&auditpol_options_program, rows[i].words, argv, &args, &d);
                ck_assert_msg((r == 0) == !!rows[i].command, "row %zu: %s", i, d.text);
                if (r < 0) {
                        ck_assert_msg(strstr(d.text, rows[i].text), "row %zu: %s", i, d.text);
                        continue;
                }
                ck_assert_str_eq(args.line.command->name, rows[i].command);
                ck_assert_uint_eq(args.line.n_words, rows[i].text ? 1 : 0);
                if (rows[i].text)
                        ck_assert_str_eq(args.line.words[0], rows[i].text);
                ck_assert_ptr_null(args.line.words[args.line.n_words]);
        }
}

TEST(daemons_take_no_words)
{
        char *argv[WORDS_MAX + 2];
        struct parsed args = { 0 };
        struct diag d = { 0 };

        ck_assert_int_eq(parse_as(&policyd_options_program,
                                 (const char *[WORDS_MAX]){ "--recheck=5", "-v", "--root", "/", "--no-bpf" },
                                 argv, &args, NULL),
                0);
        ck_assert_uint_eq(args.policyd.recheck_seconds, 5);
        ck_assert(args.policyd.verbose && args.policyd.no_bpf && !args.policyd.apply);
        ck_assert_str_eq(args.policyd.root, "/");
        ck_assert_ptr_null(args.line.command);

        static const struct {
                const struct options_program *program;
                const char *word, *text;
        } rows[] = {
                { &policyd_options_program, "word", "unexpected argument 'word'" },
                { &policyd_options_program, "--recheck=0",
                        "--recheck: '0' is not a number from 1 to 86400" },
                { &policyd_options_program, "--recheck=86401", "is not a number from 1 to 86400" },
                { &policyd_options_program, "--root=", "--root" },
                { &registryd_options_program, "--root=/no/such/folder", "/no/such/folder" },
                { &registryd_options_program, "--value-max=4095",
                        "'4095' is not a number from 4096 to 67108864" },
                { &registryd_options_program, "--value-max=x", "'x' is not a number" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ck_assert_int_eq(parse_as(rows[i].program, (const char *[WORDS_MAX]){ rows[i].word }, argv,
                                         &args, &d),
                        -EINVAL);
                ck_assert_msg(strstr(d.text, rows[i].text), "row %zu: %s", i, d.text);
        }
}

/* A word is no command where there are none. */
TEST(words_without_commands)
{
        static const struct options_program *const p = &regedit_options_program;
        _cleanup_buf_ struct buf help = BUF_INIT;
        char *argv[WORDS_MAX + 2];
        struct parsed args;
        struct diag d = { 0 };

        ck_assert_int_eq(parse_as(p, (const char *[WORDS_MAX]){ NULL }, argv, &args, &d), 0);
        ck_assert_ptr_null(args.line.words[0]);
        ck_assert_int_eq(parse_as(p, (const char *[WORDS_MAX]){ "\\App", "--layer=x" }, argv, &args, &d), 0);
        ck_assert_str_eq(args.line.words[0], "\\App");
        ck_assert_str_eq(args.regedit.layer, "x");
        ck_assert_int_eq(parse_as(p, (const char *[WORDS_MAX]){ "\\App", "two" }, argv, &args, &d), -EINVAL);
        ck_assert_str_eq(d.text, "unexpected argument 'two'");
        options_help(p, NULL, &help);
        ck_assert_int_eq(strncmp(buf_str(&help), "peios-regedit [OPTION...] [KEY]\n", 32), 0);
}

TEST(help_and_version_need_no_words)
{
        char *argv[WORDS_MAX + 2];
        struct parsed args;

        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "--version" }, argv, &args, NULL), 0);
        ck_assert(args.line.version && !args.line.command);
        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "set", "-h" }, argv, &args, NULL), 0);
        ck_assert(args.line.help);
        ck_assert_str_eq(args.line.command->name, "set");
        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "frob", "-h" }, argv, &args, NULL), -EINVAL);
}

TEST(help_lists_what_is_there)
{
        _cleanup_buf_ struct buf all = BUF_INIT, set = BUF_INIT, query = BUF_INIT, add = BUF_INIT,
                                 status = BUF_INIT;

        options_help(&reg_options_program, NULL, &all);
        ck_assert_ptr_nonnull(
                strstr(buf_str(&all), "\n  get KEY [VALUE]      Show a value, or all values of a key\n"));
        ck_assert_ptr_nonnull(
                strstr(buf_str(&all), "\n  -q, --quiet           Say only what is surprising\n"));
        ck_assert_ptr_null(strstr(buf_str(&all), "--force"));
        options_help(&reg_options_program, &reg_options_program.commands[REG_SET], &set);
        ck_assert_ptr_nonnull(
                strstr(buf_str(&set), "peios-reg set [OPTION...] KEY VALUE DATA\n\nSet a value, "));
        ck_assert_ptr_nonnull(strstr(buf_str(&set), "\n      --layer=NAME      Write to this layer"));
        ck_assert_ptr_null(strstr(buf_str(&set), "--depth"));
        ck_assert_ptr_null(strstr(buf_str(&set), "/v"));
        options_help(&reg_options_program, &reg_options_program.commands[REG_QUERY], &query);
        ck_assert_ptr_nonnull(strstr(buf_str(&query), "\n      /v NAME "));
        ck_assert_ptr_null(strstr(buf_str(&query), "/f  "));
        options_help(&reg_options_program, &reg_options_program.commands[REG_ADD], &add);
        ck_assert_ptr_nonnull(strstr(buf_str(&add), "/f  "));
        options_help(
                &auditpol_options_program, &auditpol_options_program.commands[AUDITPOL_STATUS], &status);
        ck_assert_ptr_nonnull(
                strstr(buf_str(&status), "peios-auditpol status [OPTION...]\n\nEvery setting"));
}

/* A letter or name that is there twice would shadow the second for ever. */
static void check_row(const struct options_program *p, size_t i)
{
        const struct options_row *row = &p->rows[i];
        bool takes_argument = row->kind == OPTIONS_TEXT || row->kind == OPTIONS_LIST ||
                              row->kind == OPTIONS_NUMBER || row->kind == OPTIONS_EXPECTED ||
                              row->kind == OPTIONS_ROOT;

        ck_assert(row->commands != 0 && row->help);
        ck_assert_msg(takes_argument == !!row->metavar, "--%s", row->name);
        ck_assert_msg(row->letter == 0 || !row->metavar, "--%s", row->name);
        for (size_t k = i + 1; k < p->n_rows; k++) {
                const struct options_row *other = &p->rows[k];
                ck_assert_msg(row->is_slash != other->is_slash || !(row->commands & other->commands) ||
                                      strcmp(row->name, other->name) != 0,
                        "%s", row->name);
                ck_assert_msg(row->is_slash || other->is_slash || strcmp(row->name, other->name) != 0, "%s",
                        row->name);
                ck_assert_msg(row->letter == 0 || row->letter != other->letter, "--%s", row->name);
                /* What reg.exe writes with a slash can be what we write with a dash. */
                if (other->kind != OPTIONS_HELP && other->kind != OPTIONS_VERSION && !row->is_slash &&
                        !other->is_slash)
                        ck_assert_uint_ne(row->offset, other->offset);
        }
}

TEST(tables_are_sound)
{
        static const struct options_program *const programs[] = { &reg_options_program,
                &auditpol_options_program, &regedit_options_program, &registryd_options_program,
                &policyd_options_program };

        for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
                /* A bit a command, and one more that none has; and the parser's room for rows. */
                ck_assert_uint_lt(programs[i]->n_commands, OPTIONS_COMMANDS_MAX);
                ck_assert_uint_le(programs[i]->n_rows, OPTIONS_ROWS_MAX);
                for (size_t k = 0; k < programs[i]->n_rows; k++)
                        check_row(programs[i], k);
        }
}

Suite *test_suite(void)
{
        return suite_of("options");
}
