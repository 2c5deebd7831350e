/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inside of schema/yaml: what libyaml found wrong, in the words of this project. */

#include <yaml.h>

#include "../base/diag.h"

/* After yaml_parser_parse() failed on these bytes, before which `skipped` others stand in the file: -ENOMEM,
 * or -EINVAL with d set. */
_must_check_ int yaml_problem(const yaml_parser_t *parser, const char *name, const char *data, size_t size,
        size_t skipped, struct diag *d);
