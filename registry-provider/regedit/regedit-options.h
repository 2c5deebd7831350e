/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the command line of peios-regedit has. */

#include "../../schema/options/options.h"

struct regedit_options {
        const char *layer;
        bool keys;
};

extern const struct options_program regedit_options_program;
