/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who loads or unloads a module, as its command line says. */

#include "../../schema/process/process.h"

/* The one that is loading or unloading a module: a privileged task by the name of the usual tools whose
 * command line names the module; else the only one there is that may load what its command line does not
 * say. `started_before` as in process.h. 0, -ESRCH or -ENOMEM. */
_must_check_ int loader_find(
        const char *root, const char *module, uint64_t started_before, struct process *ret);

/* Is `file` (with or without folder, suffixes, with - for _) the file of this module? */
bool module_file_matches(const char *file, const char *module);
