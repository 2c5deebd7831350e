/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the command line of peios-audit-policyd has. */

#include "../../schema/options/options.h"

struct policyd_options {
        const char *root;
        uint64_t recheck_seconds;
        bool apply;
        bool no_bpf;
        bool verbose;
};

extern const struct options_program policyd_options_program;
