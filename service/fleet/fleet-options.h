/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What peios-fleet takes on its command line. */

#include "../../schema/options/options.h"

enum fleet_command {
        FLEET_VERIFY,
};

struct fleet_options {
        const char *root;
        bool json;
        bool install;
        bool incoming;
        uint64_t settle;
};

extern const struct options_program fleet_options_program;
