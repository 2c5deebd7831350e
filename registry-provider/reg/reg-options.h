/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the command line of peios-reg has. */

#include "../../schema/options/options.h"
#include "../../schema/values/value.h"

enum reg_command {
#define COMMAND(symbol, ...) REG_##symbol,
#include "commands.def"
#undef COMMAND
};

struct reg_options {
        const char *root;
        const char *layer;
        struct expected expected;
        uint64_t depth;      /* UINT64_MAX: no limit */
        uint64_t count;      /* 0: no limit */
        uint64_t precedence; /* UINT64_MAX: not said */
        const char *since, *until, *at;
        const char *length; /* --for */
        const char *file;   /* edit's drop-in file */
        const char *from;   /* in place of a DATA word */
        const char *type;
        const char *format, *variant, *encoding; /* of documents */
        struct options_list roots;               /* of .reg documents, NAME=KEY each */
        const char *value, *data, *separator;    /* /v, add's /d, and what is between the items of a list */
        const char *find;                        /* query's /f */
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
        bool no_follow;
        bool subtree;
        bool keyword;
        bool prune;
        bool keep_going;
        bool as_hex;
        bool default_value, all_values;                        /* /ve and /va */
        bool in_keys, in_data, case_sensitive, exactly;        /* where and how /f looks */
        bool numbered;                                         /* query's /z */
        bool show_all, show_differences, show_same, show_none; /* compare's /oa, /od, /os, /on */
        bool no_effect; /* what other tools mean something by: /reg:64, -p */
        const char *separator_shown, *filter;
        bool enable, disable, disabled, no_end; /* of a layer */
        bool layers, keys_only, values_only, all;
};

#define REG_OPTIONS_INIT ((struct reg_options){ .depth = UINT64_MAX, .precedence = UINT64_MAX })

extern const struct options_program reg_options_program;
