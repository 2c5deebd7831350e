/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command line: `peios-reg [OPTION…] COMMAND [OPTION…] WORD…`, options anywhere up to `--`. What exists
 * is in two tables, the commands' and the options', which --help prints and the completion is made for.
 * Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "../../schema/base/diag.h"
#include "../../schema/values/expected.h"

struct session;

enum command_id {
        COMMAND_GET = 1u << 0,
        COMMAND_SET = 1u << 1,
        COMMAND_DEL = 1u << 2,
        COMMAND_LS = 1u << 3,
        COMMAND_TREE = 1u << 4,
        COMMAND_INFO = 1u << 5,
        COMMAND_NEW = 1u << 6,
        COMMAND_WATCH = 1u << 7,
        COMMAND_WHY = 1u << 8,
        COMMAND_LINT = 1u << 9,
        COMMAND_HISTORY = 1u << 10,
};

#define COMMANDS_WRITING (COMMAND_SET | COMMAND_DEL | COMMAND_NEW)
#define COMMANDS_LISTING (COMMAND_LS | COMMAND_TREE | COMMAND_INFO)
#define COMMANDS_ALL UINT32_MAX

struct command {
        const char *name;
        enum command_id id;
        size_t min_words, max_words;   /* after the command */
        const char *synopsis;          /* the words, for people */
        const char *summary;           /* one line */
        const char *details;           /* paragraphs for `COMMAND --help` */
        int (*run)(struct session *s); /* returns an enum exit_code; what went wrong is told already */
};

#define WORDS_UNLIMITED SIZE_MAX
#define DEPTH_UNLIMITED UINT64_MAX

struct options {
        const char *root;
        const char *layer;
        struct expected expected;
        uint64_t depth; /* DEPTH_UNLIMITED */
        uint64_t count; /* 0: no limit */
        const char *since, *until;
        const char *from; /* in place of a DATA word */
        const char *type;
        bool json;
        bool dry_run;
        bool quiet;
        bool verbose;
        bool yes;
        bool force;
        bool recursive;
        bool long_form;
        bool raw;
        bool values;
        bool is_volatile;
        bool subtree;
        bool version;
        bool help;
};

enum option_kind {
        OPTION_FLAG,
        OPTION_TEXT,
        OPTION_NUMBER,
        OPTION_EXPECTED,
};

struct option_row {
        const char *name; /* without the dashes */
        char letter;      /* 0: none */
        enum option_kind kind;
        size_t offset;     /* in struct options: bool, const char *, uint64_t or struct expected */
        uint64_t min;      /* of a number */
        uint32_t commands; /* mask: where it has a meaning */
        const char *metavar;
        const char *help;
};

extern const struct option_row option_rows[];
extern const size_t n_option_rows;

struct args {
        const struct command *command; /* NULL only with help or version */
        struct options options;
        char **words; /* the command's, in argv, which is put into another order */
        size_t n_words;
};

/* How many of the words name a key (the first), or a key and a value; the rest are data or files. A single
 * word of `set` has both. */
size_t args_n_names(const struct args *a);

/* `commands` ends with a row whose name is NULL. 0, or -EINVAL with d set: a usage error. */
_must_check_ int args_parse(
        int argc, char **argv, const struct command *commands, struct args *ret, struct diag *d);

const struct command *command_find(const struct command *commands, const char *name);
