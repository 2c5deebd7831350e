/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the command line of peios-auditpol has. */

#include "../../schema/options/options.h"

enum auditpol_command {
        AUDITPOL_STATUS,
        AUDITPOL_GET,
        AUDITPOL_SET,
        AUDITPOL_EXPLAIN,
        AUDITPOL_EVENTS,
        AUDITPOL_TAINT,
        AUDITPOL_TAINT_CHECK,
        AUDITPOL_TAINT_DECODE,
        AUDITPOL_TAINT_SCAN,
};

/* NULL: not given. */
struct auditpol_options {
        bool json;
        bool follow;                    /* events: go on */
        const char *root;               /* of the running kernel's files */
        bool csv;                       /* scan only */
        const char *era;                /* a kernel version */
        const char *distro;             /* its name */
        const char *since, *until, *by; /* scan only; as the next, of what is packed */
        const char *max_bytes, *max_ratio, *max_files, *max_depth;
};

extern const struct options_program auditpol_options_program;
