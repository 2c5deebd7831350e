/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SHA-256 of a file. One header and two sources, chosen by Meson (sha256-nettle.c, sha256-none.c). Not the
 * kernel's AF_ALG: to use it may load modules, which is what the caller watches. */

#include <stdint.h>

#include "../../schema/base/macro.h"

#define SHA256_TEXT_MAX 65u /* hex digits and the NUL */

/* From the file's beginning. 0; -EOPNOTSUPP: built without; -EFBIG: more than `limit` bytes; or another
 * negative errno. */
_must_check_ int sha256_fd(int fd, uint64_t limit, char ret[static SHA256_TEXT_MAX]);
