/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the command line of peios-registryd has. */

#include "../../schema/options/options.h"

struct registryd_options {
        const char *root;
        const char *admin_group;
        uint64_t value_max;
        bool debug;
};

#define REGISTRYD_OPTIONS_INIT                                                                              \
        ((struct registryd_options){ .admin_group = ADMIN_GROUP, .value_max = 1048576 })

extern const struct options_program registryd_options_program;
