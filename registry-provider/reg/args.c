/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "args.h"

#include <errno.h>
#include <string.h>

#include "../../schema/values/value.h"

#define AT(member) offsetof(struct options, member)

const struct option_row option_rows[] = {
        { "layer", 0, OPTION_TEXT, AT(layer), 0, COMMANDS_WRITING, "NAME",
                "Write to this layer (default: $PEIOS_REG_LAYER, else base)" },
        { "expected-seq", 0, OPTION_EXPECTED, AT(expected), 0, COMMAND_SET | COMMAND_DEL, "N",
                "Only if the layer's entry has this sequence (0: there is none yet), else exit status 6" },
        { "from", 0, OPTION_TEXT, AT(from), 0, COMMAND_SET, "FILE",
                "Take the data from there (-: standard input); no DATA word then" },
        { "type", 0, OPTION_TEXT, AT(type), 0, COMMAND_SET, "TYPE",
                "What the data are; they are taken to have no prefix then" },
        { "force", 'f', OPTION_FLAG, AT(force), 0, COMMAND_SET | COMMAND_NEW, NULL,
                "Write also what its reader would refuse, and names that look mistyped" },
        { "dry-run", 0, OPTION_FLAG, AT(dry_run), 0, COMMANDS_ALL, NULL,
                "Write nothing; show what would change" },
        { "volatile", 0, OPTION_FLAG, AT(is_volatile), 0, COMMAND_NEW, NULL,
                "The key lives in memory only, until the provider stops" },
        { "recursive", 'r', OPTION_FLAG, AT(recursive), 0, COMMAND_DEL, NULL,
                "Also all keys below, in one transaction" },
        { "long", 'l', OPTION_FLAG, AT(long_form), 0, COMMAND_LS, NULL,
                "With types, sizes, layers and times" },
        { "raw", 0, OPTION_FLAG, AT(raw), 0, COMMAND_GET | COMMAND_SET, NULL,
                "The value's bytes as they are stored, nothing added (set: those of --from)" },
        { "depth", 0, OPTION_NUMBER, AT(depth), 0, COMMAND_TREE, "N",
                "Show only this many levels below KEY" },
        { "values", 0, OPTION_FLAG, AT(values), 0, COMMAND_TREE, NULL, "Show the keys' values too" },
        { "subtree", 's', OPTION_FLAG, AT(subtree), 0, COMMAND_WATCH | COMMAND_HISTORY, NULL,
                "Also what happens below KEY" },
        { "count", 0, OPTION_NUMBER, AT(count), 1, COMMAND_WATCH | COMMAND_HISTORY, "N",
                "End after N events" },
        { "since", 0, OPTION_TEXT, AT(since), 0, COMMAND_HISTORY, "TIME",
                "From then on: 2026-01-31, '2026-01-31 10:00', 7d, 12h, 30m, @SECONDS" },
        { "until", 0, OPTION_TEXT, AT(until), 0, COMMAND_HISTORY, "TIME", "Until then" },
        { "json", 0, OPTION_FLAG, AT(json), 0, COMMANDS_ALL, NULL,
                "Print JSON (watch, history: one object a line)" },
        { "root", 0, OPTION_TEXT, AT(root), 0, COMMANDS_ALL, "DIR",
                "Look for schema files below this directory" },
        { "quiet", 'q', OPTION_FLAG, AT(quiet), 0, COMMANDS_ALL, NULL, "Say only what is surprising" },
        { "verbose", 'v', OPTION_FLAG, AT(verbose), 0, COMMANDS_ALL, NULL, "Say more" },
        { "yes", 'y', OPTION_FLAG, AT(yes), 0, COMMANDS_ALL, NULL, "Do not ask before a recursive delete" },
        { "help", 'h', OPTION_FLAG, AT(help), 0, COMMANDS_ALL, NULL, "Show this text" },
        { "version", 0, OPTION_FLAG, AT(version), 0, COMMANDS_ALL, NULL,
                "Show the versions of the program and of Unicode" },
};
const size_t n_option_rows = ARRAY_SIZE(option_rows);

const struct command *command_find(const struct command *commands, const char *name)
{
        for (const struct command *c = commands; c->name; c++)
                if (strcmp(c->name, name) == 0)
                        return c;
        return NULL;
}

static const struct option_row *find_long(const char *name, size_t len)
{
        for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++)
                if (strlen(option_rows[i].name) == len && memcmp(option_rows[i].name, name, len) == 0)
                        return &option_rows[i];
        return NULL;
}

static const struct option_row *find_letter(char letter)
{
        for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++)
                if (option_rows[i].letter == letter)
                        return &option_rows[i];
        return NULL;
}

struct parser {
        char **argv;
        int argc, at;
        bool given[ARRAY_SIZE(option_rows)];
        struct args args;
        struct diag *d;
};

static int store_number(
        struct parser *p, const struct option_row *row, const char *argument, uint64_t *member)
{
        if (number_parse(argument, strlen(argument), UINT64_MAX, member) < 0 || *member < row->min)
                return diag_set(p->d, EINVAL, "--%s: '%s' is not a number from %llu", row->name, argument,
                        (unsigned long long)row->min);
        return 0;
}

static int store(struct parser *p, const struct option_row *row, const char *argument)
{
        void *member = (char *)&p->args.options + row->offset;
        struct expected *expected = member;

        p->given[row - option_rows] = true;
        switch (row->kind) {
        case OPTION_FLAG:
                *(bool *)member = true;
                return 0;
        case OPTION_TEXT:
                *(const char **)member = argument;
                return 0;
        case OPTION_NUMBER:
                return store_number(p, row, argument, member);
        case OPTION_EXPECTED:
                expected->given = true;
                return store_number(p, row, argument, &expected->sequence);
        }
        return -EINVAL;
}

static int take_long(struct parser *p, const char *word)
{
        size_t len = strcspn(word, "=");
        const char *argument = word[len] ? word + len + 1 : NULL;
        const struct option_row *row = find_long(word, len);

        if (!row)
                return diag_set(p->d, EINVAL,
                        "there is no option '--%.*s' (put '--' before words that begin with a dash)",
                        (int)len, word);
        if (row->kind == OPTION_FLAG && argument)
                return diag_set(p->d, EINVAL, "--%s takes no argument", row->name);
        if (row->kind != OPTION_FLAG && !argument) {
                if (p->at == p->argc)
                        return diag_set(p->d, EINVAL, "--%s wants an argument: %s", row->name, row->metavar);
                argument = p->argv[p->at++];
        }
        return store(p, row, argument);
}

static int take_letters(struct parser *p, const char *letters)
{
        for (const char *c = letters; *c; c++) {
                const struct option_row *row = find_letter(*c);
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
        size_t n = 0;

        while (p->at < p->argc) {
                char *word = p->argv[p->at++];
                int r = 0;
                if (options_over || word[0] != '-' || word[1] == '\0')
                        p->argv[1 + n++] = word;
                else if (strcmp(word, "--") == 0)
                        options_over = true;
                else if (word[1] == '-')
                        r = take_long(p, word + 2);
                else
                        r = take_letters(p, word + 1);
                if (r < 0)
                        return r;
        }
        p->args.words = p->argv + 2;
        p->args.n_words = n > 0 ? n - 1 : 0;
        return n > 0;
}

size_t args_n_names(const struct args *a)
{
        switch (a->command->id) {
        case COMMAND_LINT:
                return 0;
        case COMMAND_SET:
                return a->n_words - !a->options.from;
        default:
                return a->n_words;
        }
}

static int check_words(const struct parser *p, const struct command *c)
{
        /* --from stands for a word. */
        size_t n = p->args.n_words + (p->args.options.from != NULL);

        for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++)
                if (p->given[i] && !(option_rows[i].commands & c->id))
                        return diag_set(
                                p->d, EINVAL, "--%s has no meaning for '%s'", option_rows[i].name, c->name);
        if (n < c->min_words)
                return diag_set(
                        p->d, EINVAL, "%s: too few words, expected: %s %s", c->name, c->name, c->synopsis);
        if (n > c->max_words)
                return diag_set(p->d, EINVAL,
                        "%s: too many words, expected: %s %s (quote words with blanks)", c->name, c->name,
                        c->synopsis);
        return 0;
}

int args_parse(int argc, char **argv, const struct command *commands, struct args *ret, struct diag *d)
{
        struct parser p = { .argv = argv, .argc = argc, .at = 1, .d = d };

        p.args.options.depth = DEPTH_UNLIMITED;
        int r = take_words(&p);
        if (r < 0)
                return r;
        bool asks = p.args.options.help || p.args.options.version;
        if (r == 0 && !asks)
                return diag_set(d, EINVAL, "a command is missing; `peios-reg --help` lists them");
        if (r > 0) {
                p.args.command = command_find(commands, argv[1]);
                if (!p.args.command)
                        return diag_set(d, EINVAL, "there is no command '%s'; `peios-reg --help` lists them",
                                argv[1]);
        }
        r = asks ? 0 : check_words(&p, p.args.command);
        if (r == 0)
                *ret = p.args;
        return r;
}
