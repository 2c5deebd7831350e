/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command line of all programs: `PROGRAM [OPTION…] [COMMAND WORD…]`, options anywhere up to `--`. What
 * exists is data, in one table a program; --help, the shells' completion and the manual's lists of options
 * are made from the same table. A program without commands may have words: `PROGRAM [OPTION…] [WORD…]`. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/diag.h"

enum options_kind {
        OPTIONS_FLAG,     /* bool */
        OPTIONS_TEXT,     /* const char * */
        OPTIONS_LIST,     /* struct options_list: given more than once, each is kept */
        OPTIONS_NUMBER,   /* uint64_t */
        OPTIONS_EXPECTED, /* struct expected: a number that may be any, also 0 */
        OPTIONS_ROOT,     /* const char *, of a folder that is there */
        OPTIONS_HELP,     /* no member: the parser notes it */
        OPTIONS_VERSION,
};

/* What completion offers: words with blanks between them, or one of these; anything else in angle brackets
 * is a function of the program's own completion. NULL: nothing. */
#define OPTIONS_FILES "<file>"
#define OPTIONS_FOLDERS "<dir>"

#define OPTIONS_WORDS_MAX 3
#define OPTIONS_UNLIMITED SIZE_MAX
#define OPTIONS_ALL UINT64_MAX
#define OPTIONS_COMMANDS_MAX 63 /* a bit each, and one more that none has */
#define OPTIONS_ROWS_MAX 96

struct options_command {
        const char *name;                       /* "taint scan": two words */
        size_t min_words, max_words;            /* after the command */
        const char *synopsis;                   /* the words, for people; "": none */
        const char *summary;                    /* one line */
        const char *details;                    /* paragraphs for `COMMAND --help`, or NULL */
        const char *offered[OPTIONS_WORDS_MAX]; /* for each word; the last one that is there for all that
                                                   follow */
        bool takes_slashes; /* behind it, `/NAME` is an option where a row is called so, else a path */
};

struct options_row {
        const char *name; /* without the dashes or the slash */
        char letter;      /* 0: none; only what takes no argument has one */
        bool is_word;     /* its argument stands for one of the command's words */
        bool is_slash;    /* it is written `/NAME ARGUMENT`, in any case, as reg.exe's are, and given once;
                             another command's may have the same name and another meaning */
        enum options_kind kind;
        size_t offset;       /* in the program's struct */
        uint64_t min, max;   /* of a number; max 0: no limit */
        uint64_t commands;   /* where it has a meaning: a bit for each command's place in the table */
        const char *metavar; /* NULL: takes no argument */
        const char *help;
        const char *manual;  /* mdoc(7) in place of `help`, or NULL */
        const char *offered; /* for its argument */
};

struct options_program {
        const char *name;
        const char *purpose;                    /* one sentence */
        const char *notes;                      /* the end of --help */
        const struct options_command *commands; /* NULL: there are none */
        size_t n_commands;
        const char *synopsis; /* without commands: the words, for people; NULL: it takes none */
        size_t max_words;     /* of those */
        const char *offered;  /* for each */
        const struct options_row *rows;
        size_t n_rows;
};

#define OPTIONS_LIST_MAX 16
struct options_list {
        const char *list[OPTIONS_LIST_MAX];
        size_t n;
};

struct options_line {
        const struct options_command
                *command; /* NULL: there are none, or only help or version is asked for */
        bool help, version;
        char **words; /* the command's, in argv, which is put into another order; NULL behind them */
        size_t n_words;
};

/* Fills in `members`, the program's struct, which holds the defaults. 0, or -EINVAL with d set: a usage
 * error; then some members may have been set. */
_must_check_ int options_parse(const struct options_program *p, int argc, char **argv, void *members,
        struct options_line *ret, struct diag *d);

struct buf;
/* `c` may be NULL: the whole program. */
void options_help(const struct options_program *p, const struct options_command *c, struct buf *out);

/* Where help or version is asked for: prints it, the version being this text. EXIT_SUCCESS or EXIT_FAILURE.
 */
_must_check_ int options_answer(
        const struct options_program *p, const struct options_line *line, const char *version);
