/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../../../registry-provider/reg/args.h"
#include "../base/test-util.h"

#define WORDS_MAX 8

static const struct command table[] = {
        { "get", COMMAND_GET, 1, 2, "KEY [VALUE]", "", NULL, NULL },
        { "set", COMMAND_SET, 2, 3, "KEY VALUE DATA", "", NULL, NULL },
        { "del", COMMAND_DEL, 1, 2, "KEY [VALUE]", "", NULL, NULL },
        { "tree", COMMAND_TREE, 1, 1, "KEY", "", NULL, NULL },
        { "watch", COMMAND_WATCH, 1, 1, "KEY", "", NULL, NULL },
        { "lint", COMMAND_LINT, 1, WORDS_UNLIMITED, "FILE...", "", NULL, NULL },
        { 0 },
};

static int parse(const char *const words[static WORDS_MAX], char *argv[static WORDS_MAX + 2],
        struct args *ret, struct diag *d)
{
        int argc = 1;

        argv[0] = (char *)"peios-reg";
        for (; argc <= WORDS_MAX && words[argc - 1]; argc++)
                argv[argc] = (char *)words[argc - 1];
        argv[argc] = NULL;
        return args_parse(argc, argv, table, ret, d);
}

START_TEST(words_and_options_in_any_order)
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
                struct args args;
                struct diag d = { 0 };
                ck_assert_msg(parse(rows[i].words, argv, &args, &d) == 0, "row %zu: %s", i, d.text);
                ck_assert_str_eq(args.command->name, rows[i].command);
                for (size_t k = 0; k < args.n_words; k++)
                        ck_assert_str_eq(args.words[k], rows[i].left[k]);
                ck_assert(args.n_words == ARRAY_SIZE(rows[i].left) || !rows[i].left[args.n_words]);
        }
}
END_TEST

START_TEST(options_reach_their_members)
{
        char *argv[WORDS_MAX + 2];
        struct args args;

        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "set", "K", "V", "1" }, argv, &args, NULL), 0);
        ck_assert(!args.options.json && !args.options.dry_run && !args.options.quiet && !args.options.layer);
        ck_assert(!args.options.expected.given);
        ck_assert_uint_eq(args.options.depth, DEPTH_UNLIMITED);

        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "set", "K=V", "1", "--layer=a=b", "--expected-seq",
                                       "0x10", "--dry-run", "-qv" },
                                 argv, &args, NULL),
                0);
        ck_assert_str_eq(args.options.layer, "a=b");
        ck_assert(args.options.expected.given);
        ck_assert_uint_eq(args.options.expected.sequence, 16);
        ck_assert(args.options.dry_run && args.options.quiet && args.options.verbose && !args.options.yes);

        ck_assert_int_eq(
                parse((const char *[WORDS_MAX]){ "del", "K", "V", "--expected-seq=0" }, argv, &args, NULL),
                0);
        ck_assert(args.options.expected.given);
        ck_assert_uint_eq(args.options.expected.sequence, 0);

        ck_assert_int_eq(
                parse((const char *[WORDS_MAX]){ "tree", "K", "--depth=0", "--values" }, argv, &args, NULL),
                0);
        ck_assert_uint_eq(args.options.depth, 0);
        ck_assert(args.options.values && !args.options.subtree);

        ck_assert_int_eq(
                parse((const char *[WORDS_MAX]){ "watch", "-s", "K", "--count", "3", "--root", "/r" }, argv,
                        &args, NULL),
                0);
        ck_assert_uint_eq(args.options.count, 3);
        ck_assert(args.options.subtree && !args.options.values);
        ck_assert_str_eq(args.options.root, "/r");
}
END_TEST

START_TEST(usage_errors_say_what_is_wrong)
{
        static const struct {
                const char *words[WORDS_MAX];
                const char *text;
        } rows[] = {
                { { NULL }, "a command is missing" },
                { { "--json" }, "a command is missing" },
                { { "frob", "K" }, "no command 'frob'" },
                { { "get" }, "too few words, expected: get KEY [VALUE]" },
                { { "get", "K", "V", "x" }, "too many words" },
                { { "set", "K" }, "too few words" },
                { { "set", "--from=F" }, "too few words" },
                { { "set", "--from=F", "K", "V", "D" }, "too many words" },
                { { "get", "--from=F", "K" }, "--from has no meaning for 'get'" },
                { { "del", "-f", "K" }, "--force has no meaning for 'del'" },
                { { "get", "K", "--nope" }, "no option '--nope'" },
                { { "get", "K", "--laye=x" }, "no option '--laye'" },
                { { "get", "K", "-qz" }, "no option '-z'" },
                { { "set", "K", "-1" }, "no option '-1'" },
                { { "get", "K", "--json=yes" }, "--json takes no argument" },
                { { "set", "K", "1", "--layer" }, "--layer wants an argument: NAME" },
                { { "set", "K", "1", "--expected-seq", "-1" }, "'-1' is not a number from 0" },
                { { "tree", "K", "--depth=-1" }, "'-1' is not a number from 0" },
                { { "tree", "K", "--depth=" }, "'' is not a number from 0" },
                { { "watch", "K", "--count=0" }, "'0' is not a number from 1" },
                { { "watch", "K", "--count=18446744073709551616" }, "is not a number" },
                { { "get", "K", "--layer=x" }, "--layer has no meaning for 'get'" },
                { { "set", "K", "1", "--depth=1", "--layer=x" }, "--depth has no meaning for 'set'" },
                { { "-r", "get", "K" }, "--recursive has no meaning for 'get'" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char *argv[WORDS_MAX + 2];
                struct args args = { .n_words = 77 };
                struct diag d = { 0 };
                ck_assert_int_eq(parse(rows[i].words, argv, &args, &d), -EINVAL);
                ck_assert_msg(strstr(d.text, rows[i].text), "row %zu: %s", i, d.text);
                ck_assert_uint_eq(args.n_words, 77);
        }
}
END_TEST

/* Of the words: which are a key's and a value's. */
START_TEST(words_that_name_something)
{
        static const struct {
                const char *words[WORDS_MAX];
                size_t n;
        } rows[] = {
                { { "get", "K" }, 1 },
                { { "get", "K", "V" }, 2 },
                { { "set", "K\\V", "D" }, 1 },
                { { "set", "K", "V", "D" }, 2 },
                { { "set", "--from=F", "K\\V" }, 1 },
                { { "set", "--from=F", "K", "V" }, 2 },
                { { "lint", "a", "b" }, 0 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char *argv[WORDS_MAX + 2];
                struct args args;
                ck_assert_int_eq(parse(rows[i].words, argv, &args, NULL), 0);
                ck_assert_uint_eq(args_n_names(&args), rows[i].n);
        }
}
END_TEST

START_TEST(help_and_version_need_no_words)
{
        char *argv[WORDS_MAX + 2];
        struct args args;

        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "--version" }, argv, &args, NULL), 0);
        ck_assert(args.options.version && !args.command);
        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "set", "-h" }, argv, &args, NULL), 0);
        ck_assert(args.options.help);
        ck_assert_str_eq(args.command->name, "set");
        ck_assert_int_eq(parse((const char *[WORDS_MAX]){ "frob", "-h" }, argv, &args, NULL), -EINVAL);
}
END_TEST

/* A letter or name that is there twice would shadow the second for ever. */
START_TEST(option_table_is_sound)
{
        for (size_t i = 0; i < n_option_rows; i++) {
                const struct option_row *row = &option_rows[i];
                ck_assert(row->commands != 0);
                ck_assert_msg((row->kind == OPTION_FLAG) == !row->metavar, "--%s", row->name);
                ck_assert_msg(row->letter == 0 || row->kind == OPTION_FLAG, "--%s", row->name);
                for (size_t k = i + 1; k < n_option_rows; k++) {
                        ck_assert_str_ne(row->name, option_rows[k].name);
                        ck_assert_msg(
                                row->letter == 0 || row->letter != option_rows[k].letter, "--%s", row->name);
                        ck_assert_uint_ne(row->offset, option_rows[k].offset);
                }
        }
}
END_TEST

int main(void)
{
        const TTest *const tests[] = {
                words_and_options_in_any_order,
                options_reach_their_members,
                usage_errors_say_what_is_wrong,
                words_that_name_something,
                help_and_version_need_no_words,
                option_table_is_sound,
        };
        return run_tests("reg-args", tests, ARRAY_SIZE(tests));
}
