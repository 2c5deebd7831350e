/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "../base/buf.h"
#include "../base/file.h"
#include "../values/value.h"

struct parser {
        const struct options_program *program;
        char **argv;
        int argc, at;
        void *members;
        bool given[OPTIONS_ROWS_MAX];
        struct options_line line;
        struct diag *d;
};

static int store_number(
        struct parser *p, const struct options_row *row, const char *argument, uint64_t *member)
{
        const uint64_t max = row->max ? row->max : UINT64_MAX;
        _cleanup_buf_ struct buf limit = BUF_INIT;

        if (number_parse(argument, strlen(argument), max, member) == 0 && *member >= row->min)
                return 0;
        if (row->max)
                buf_printf(&limit, " to %llu", (unsigned long long)row->max);
        return diag_set(p->d, EINVAL, "--%s: '%s' is not a number from %llu%s", row->name, argument,
                (unsigned long long)row->min, buf_str(&limit));
}

static int store_item(
        struct parser *p, const struct options_row *row, const char *argument, struct options_list *member)
{
        if (member->n == OPTIONS_LIST_MAX)
                return diag_set(
                        p->d, EINVAL, "--%s is given more than %u times", row->name, OPTIONS_LIST_MAX);
        member->list[member->n++] = argument;
        return 0;
}

static int store(struct parser *p, const struct options_row *row, const char *argument)
{
        void *member = (char *)p->members + row->offset;
        struct expected *expected = member;

        p->given[row - p->program->rows] = true;
        switch (row->kind) {
        case OPTIONS_FLAG:
                *(bool *)member = true;
                return 0;
        case OPTIONS_ROOT:
                if (file_check_root(argument, p->d) < 0)
                        return -EINVAL;
                *(const char **)member = argument;
                return 0;
        case OPTIONS_TEXT:
                *(const char **)member = argument;
                return 0;
        case OPTIONS_LIST:
                return store_item(p, row, argument, member);
        case OPTIONS_NUMBER:
                return store_number(p, row, argument, member);
        case OPTIONS_EXPECTED:
                expected->given = true;
                return store_number(p, row, argument, &expected->sequence);
        case OPTIONS_HELP:
                p->line.help = true;
                return 0;
        case OPTIONS_VERSION:
                p->line.version = true;
                return 0;
        }
        return -EINVAL;
}

static const struct options_row *find_long(const struct options_program *p, const char *name, size_t len)
{
        for (size_t i = 0; i < p->n_rows; i++)
                if (!p->rows[i].is_slash && strlen(p->rows[i].name) == len &&
                        memcmp(p->rows[i].name, name, len) == 0)
                        return &p->rows[i];
        return NULL;
}

static uint64_t bit_of(const struct options_program *p, const struct options_command *c)
{
        return UINT64_C(1) << (c - p->commands);
}

static int take_argument(struct parser *p, const struct options_row *row, const char **ret)
{
        if (p->at == p->argc)
                return diag_set(p->d, EINVAL, "%s%s needs an argument: %s", row->is_slash ? "/" : "--",
                        row->name, row->metavar);
        *ret = p->argv[p->at++];
        return 0;
}

static int take_long(struct parser *p, const char *word)
{
        size_t len = strcspn(word, "=");
        const char *argument = word[len] ? word + len + 1 : NULL;
        const struct options_row *row = find_long(p->program, word, len);

        if (!row)
                return diag_set(p->d, EINVAL,
                        "there is no option '--%.*s' (put '--' before words that begin with a dash)",
                        (int)len, word);
        if (!row->metavar && argument)
                return diag_set(p->d, EINVAL, "--%s takes no argument", row->name);
        int r = row->metavar && !argument ? take_argument(p, row, &argument) : 0;
        return r == 0 ? store(p, row, argument) : r;
}

/* The command that the words so far begin with, where it takes slashes. */
static const struct options_command *slash_command(const struct parser *p)
{
        const struct options_program *program = p->program;

        for (size_t i = 0; p->line.n_words > 0 && i < program->n_commands; i++)
                if (program->commands[i].takes_slashes &&
                        strcmp(program->commands[i].name, p->line.words[0]) == 0)
                        return &program->commands[i];
        return NULL;
}

/* 1: it is a path. */
static int take_slash(struct parser *p, const struct options_command *c, const char *word)
{
        const struct options_program *program = p->program;
        const struct options_row *row = NULL;
        const char *argument = NULL;

        for (size_t i = 0; !row && i < program->n_rows; i++)
                if (program->rows[i].is_slash && (program->rows[i].commands & bit_of(program, c)) &&
                        strcasecmp(program->rows[i].name, word + 1) == 0)
                        row = &program->rows[i];
        if (!row && strpbrk(word + 1, "/\\"))
                return 1;
        if (!row)
                return diag_set(p->d, EINVAL,
                        "%s: there is no option '%s' (a path of one word is written with a backslash in front)",
                        c->name, word);
        if (p->given[row - program->rows])
                return diag_set(p->d, EINVAL, "%s: %s is given twice", c->name, word);
        int r = row->metavar ? take_argument(p, row, &argument) : 0;
        return r == 0 ? store(p, row, argument) : r;
}

static const struct options_row *find_letter(const struct options_program *p, char letter)
{
        for (size_t i = 0; i < p->n_rows; i++)
                if (p->rows[i].letter == letter)
                        return &p->rows[i];
        return NULL;
}

static int take_letters(struct parser *p, const char *letters)
{
        for (const char *c = letters; *c; c++) {
                const struct options_row *row = find_letter(p->program, *c);
                if (!row)
                        return diag_set(p->d, EINVAL,
                                "there is no option '-%c' (put '--' before words that begin with a dash)",
                                *c);
                int r = store(p, row, NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Options are taken out, the other words move up to the front. */
static int take_words(struct parser *p)
{
        bool options_over = false;

        p->line.words = p->argv + 1;
        while (p->at < p->argc) {
                char *word = p->argv[p->at++];
                const struct options_command *c = word[0] == '/' ? slash_command(p) : NULL;
                int r = 0;
                if (!options_over && c)
                        r = take_slash(p, c, word);
                else if (options_over || word[0] != '-' || word[1] == '\0')
                        r = 1;
                else if (strcmp(word, "--") == 0)
                        options_over = true;
                else if (word[1] == '-')
                        r = take_long(p, word + 2);
                else
                        r = take_letters(p, word + 1);
                if (r < 0)
                        return r;
                if (r > 0)
                        p->line.words[p->line.n_words++] = word;
        }
        if (p->argc > 0)
                p->line.words[p->line.n_words] = NULL;
        return 0;
}

/* ---- The command ---- */

/* How many of the words are the command's name; 0: none of them. */
static size_t match(const char *name, char *const *words, size_t n)
{
        size_t len = strcspn(name, " ");

        if (n == 0 || strlen(words[0]) != len || memcmp(name, words[0], len) != 0)
                return 0;
        if (!name[len])
                return 1;
        return n > 1 && strcmp(words[1], name + len + 1) == 0 ? 2 : 0;
}

/* "get, set and del": those whose names begin so. */
static void list_commands(const struct options_program *p, const char *begin, struct buf *out)
{
        size_t n = 0, at = 0;

        for (size_t i = 0; i < p->n_commands; i++)
                n += strncmp(p->commands[i].name, begin, strlen(begin)) == 0;
        for (size_t i = 0; i < p->n_commands; i++)
                if (strncmp(p->commands[i].name, begin, strlen(begin)) == 0) {
                        buf_printf(out, "%s%s",
                                at == 0       ? ""
                                : at + 1 == n ? " and "
                                              : ", ",
                                p->commands[i].name);
                        at++;
                }
}

static int find_command(struct parser *p)
{
        const struct options_program *program = p->program;
        struct options_line *line = &p->line;
        _cleanup_buf_ struct buf list = BUF_INIT;
        size_t taken = 0;

        for (size_t i = 0; i < program->n_commands; i++) {
                size_t n = match(program->commands[i].name, line->words, line->n_words);
                if (n > taken) {
                        line->command = &program->commands[i];
                        taken = n;
                }
        }
        if (line->command) {
                line->words += taken;
                line->n_words -= taken;
                return 0;
        }
        list_commands(program, "", &list);
        return line->n_words == 0
                       ? diag_set(p->d, EINVAL, "a command is missing; there are %s", buf_str(&list))
                       : diag_set(p->d, EINVAL, "there is no command '%s'; there are %s", line->words[0],
                                 buf_str(&list));
}

static int refuse_word(const struct parser *p, const struct options_command *c, const char *word)
{
        _cleanup_buf_ struct buf begin = BUF_INIT, list = BUF_INIT;

        buf_printf(&begin, "%s ", c->name);
        list_commands(p->program, buf_str(&begin), &list);
        if (list.len > 0)
                return diag_set(
                        p->d, EINVAL, "there is no '%s %s'; there are %s", c->name, word, buf_str(&list));
        if (c->max_words == 0)
                return diag_set(p->d, EINVAL, "%s: '%s' is one word too many", c->name, word);
        return diag_set(p->d, EINVAL,
                "%s: '%s' is one word too many, expected: %s %s (quote words with blanks)", c->name, word,
                c->name, c->synopsis);
}

static int check_words(const struct parser *p)
{
        const struct options_program *program = p->program;
        const struct options_command *c = p->line.command;
        const uint64_t bit = bit_of(program, c);
        size_t n = p->line.n_words, stand_ins = 0;

        for (size_t i = 0; i < program->n_rows; i++) {
                if (p->given[i] && !(program->rows[i].commands & bit))
                        return diag_set(p->d, EINVAL, "--%s has no meaning for '%s'", program->rows[i].name,
                                c->name);
                stand_ins += p->given[i] && program->rows[i].is_word;
        }
        if (n + stand_ins < c->min_words)
                return diag_set(
                        p->d, EINVAL, "%s: too few words, expected: %s %s", c->name, c->name, c->synopsis);
        if (n > c->max_words - stand_ins)
                return refuse_word(p, c, p->line.words[c->max_words - stand_ins]);
        return 0;
}

int options_parse(const struct options_program *program, int argc, char **argv, void *members,
        struct options_line *ret, struct diag *d)
{
        struct parser p = {
                .program = program, .argv = argv, .argc = argc, .at = 1, .members = members, .d = d
        };

        int r = take_words(&p);
        bool asks = p.line.help || p.line.version;
        if (r == 0 && program->n_commands == 0 && p.line.n_words > program->max_words)
                r = diag_set(d, EINVAL, "unexpected argument '%s'", p.line.words[program->max_words]);
        if (r == 0 && program->n_commands > 0 && (p.line.n_words > 0 || !asks))
                r = find_command(&p);
        if (r == 0 && p.line.command && !asks)
                r = check_words(&p);
        if (r == 0)
                *ret = p.line;
        return r;
}

/* ---- Help ---- */

static void format_label(const struct options_row *row, struct buf *out)
{
        const char letter[] = { '-', row->letter, ',', '\0' };

        buf_printf(out, "%-3s %s%s%s%s", row->letter ? letter : "", row->is_slash ? "/" : "--", row->name,
                !row->metavar   ? ""
                : row->is_slash ? " "
                                : "=",
                row->metavar ? row->metavar : "");
}

static void format_rows(const struct options_program *p, uint64_t of_commands, uint64_t not_of,
        const char *title, struct buf *out)
{
        size_t width = 0;

        for (size_t i = 0; i < p->n_rows; i++) {
                _cleanup_buf_ struct buf label = BUF_INIT;
                format_label(&p->rows[i], &label);
                width = label.len > width ? label.len : width;
        }
        for (size_t i = 0; i < p->n_rows; i++) {
                const struct options_row *row = &p->rows[i];
                _cleanup_buf_ struct buf label = BUF_INIT;
                if (!(row->commands & of_commands) || (row->commands & not_of))
                        continue;
                format_label(row, &label);
                buf_printf(out, "%s  %-*s  %s\n", title, (int)width, buf_str(&label), row->help);
                title = "";
        }
}

/* A bit that no command has: only what all commands take has it. */
#define OF_ALL (UINT64_C(1) << OPTIONS_COMMANDS_MAX)

static void format_commands(const struct options_program *p, struct buf *out)
{
        size_t width = 0;

        for (size_t i = 0; i < p->n_commands; i++) {
                size_t len = strlen(p->commands[i].name) + 1 + strlen(p->commands[i].synopsis);
                width = len > width ? len : width;
        }
        buf_puts(out, "\nCommands:\n");
        for (size_t i = 0; i < p->n_commands; i++) {
                const struct options_command *c = &p->commands[i];
                buf_printf(out, "  %s %-*s  %s\n", c->name, (int)(width - strlen(c->name) - 1), c->synopsis,
                        c->summary);
        }
}

void options_help(const struct options_program *p, const struct options_command *c, struct buf *out)
{
        const char *title = p->n_commands > 0 ? "\nOptions of all commands:\n" : "\nOptions:\n";

        if (c) {
                buf_printf(out, "%s %s [OPTION...]%s%s\n\n%s.\n", p->name, c->name,
                        c->synopsis[0] ? " " : "", c->synopsis, c->summary);
                buf_printf(out, "%s%s", c->details ? c->details : "", c->details ? "\n" : "");
                format_rows(p, bit_of(p, c), OF_ALL, "\nOptions:\n", out);
                format_rows(p, OF_ALL, 0, title, out);
                return;
        }
        const char *words = p->n_commands > 0 ? "COMMAND WORD..." : p->synopsis;
        buf_printf(out, "%s [OPTION...]%s%s\n\n%s\n", p->name, words ? " " : "", words ? words : "",
                p->purpose);
        if (p->n_commands > 0)
                format_commands(p, out);
        format_rows(p, OF_ALL, 0, title, out);
        if (p->n_commands > 0)
                buf_printf(out, "\n`%s COMMAND --help` shows a command's own options.\n", p->name);
        buf_printf(out, "\n%s\n", p->notes);
}

int options_answer(const struct options_program *p, const struct options_line *line, const char *version)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        if (line->help)
                options_help(p, line->command, &out);
        else
                buf_printf(&out, "%s %s\n", p->name, version);
        return out.error == 0 && file_write_all(STDOUT_FILENO, buf_str(&out), out.len) == 0 ? EXIT_SUCCESS
                                                                                            : EXIT_FAILURE;
}
