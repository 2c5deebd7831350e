/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the command line of peios-reg has. */

#include "../../schema/options/options.h"
#include "../../schema/values/value.h"

enum reg_command {
        REG_GET,
        REG_SET,
        REG_DEL,
        REG_LS,
        REG_TREE,
        REG_INFO,
        REG_NEW,
        REG_WATCH,
        REG_WHY,
        REG_MAN,
        REG_HISTORY,
        REG_COMPLETE,
        REG_UNDO,
        REG_BACKUP,
        REG_RESTORE,
        REG_CHECK,
        REG_REPAIR,
        REG_LAYER_LS,
        REG_LAYER_NEW,
        REG_LAYER_SET,
        REG_LAYER_DEL,
        REG_LINT,
        REG_APPLY,
        REG_IMPORT,
        REG_EDIT,
        REG_EXPORT,
        REG_DIFF,
        REG_ADD,
        REG_QUERY,
        REG_DELETE,
        REG_COPY,
        REG_COMPARE,
        REG_MASK,
        REG_UNMASK,
        REG_HIDE,
        REG_UNHIDE,
        REG_NEW_LINK,
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
