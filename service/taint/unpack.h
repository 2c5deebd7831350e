/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Archives and compressed files, by libarchive, which is loaded when the first one is met: linked, it would
 * cost each start of the program two milliseconds. Only what is named here is read, and no filter that runs
 * a program. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../schema/base/diag.h"
#include "../../schema/base/macro.h"

struct unpack;

/* The next packed bytes, which stay ours until it is called again: how many, 0 at the end, or negative
 * errno. */
typedef ssize_t (*unpack_read_fn)(void *userdata, const void **ret);

/* 0; -EOPNOTSUPP with d set where libarchive, or a part of it, is not there; -ENOMEM. */
_must_check_ int unpack_open(unpack_read_fn read, void *userdata, struct unpack **ret, struct diag *d);
struct unpack *unpack_close(struct unpack *u);

/* The next regular file in it: 1 with its name, borrowed until the next call; "" where a single file is
 * compressed. 0 at the end; -EBADMSG with d set where it is damaged or cut off; -ENOMEM. */
_must_check_ int unpack_next(struct unpack *u, const char **ret_name, struct diag *d);
/* When it was changed last, µs since 1970. False: the archive does not say. */
bool unpack_time(const struct unpack *u, int64_t *ret);

/* Up to n bytes of that file, 0 at its end; errors as above. */
_must_check_ ssize_t unpack_data(struct unpack *u, void *buf, size_t n, struct diag *d);
