/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A place on the BPF file system where an array map outlives us. */

#include <stddef.h>
#include <stdint.h>

#include "../../../schema/base/macro.h"

/* The path for libbpf, malloc()ed; a map that lies there with another layout is removed. NULL, and 0, where
 * `folder` is NULL. Negative errno where nothing can be pinned. */
_must_check_ int pin_prepare(
        const char *folder, const char *name, size_t value_size, uint32_t entries, char **ret);
