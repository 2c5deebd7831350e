/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is read as text: a file, or the files in an archive, which may be packed again: a report in a
 * .tar.xz, a rotated log in it that is a .gz. UTF-16 comes as UTF-8. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../schema/base/diag.h"
#include "../../schema/base/macro.h"

/* Archives and compressed files, by libarchive, which is loaded when the first one is met: linked, it would
 * cost each start of the program two milliseconds. Only what is named here is read, and no filter that runs
 * a program. */

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

/* UTF-16, as PowerShell's `>` and other programs of Windows write it, to UTF-8. No I/O, no allocation. */

struct utf16 {
        bool big_endian;
        bool has_byte; /* half a unit is left from before */
        uint8_t byte;
        uint16_t high; /* the first half of a pair, 0 for none */
};

/* From the first bytes of a text, eight or all: a byte order mark, or a NUL in every second place. */
bool utf16_detect(const uint8_t *data, size_t n, struct utf16 *ret);

/* Converts n bytes; `out` has room for n / 2 * 3 + 3. Returns how many bytes it wrote. What is no character
 * becomes U+FFFD. */
size_t utf16_convert(struct utf16 *u, const uint8_t *data, size_t n, char *out);

#define SOURCE_LEVELS_MAX 8u /* of packing */

/* A small file may unpack to a very large one: what is beyond is left out, and that is said. */
struct source_limits {
        uint64_t bytes; /* that one named file may unpack to */
        uint64_t ratio; /* of what was unpacked to what was read, from SOURCE_RATIO_FROM on */
        uint64_t members;
        uint64_t levels; /* of packing, at most SOURCE_LEVELS_MAX */
};

#define SOURCE_LIMITS ((struct source_limits){ UINT64_C(64) << 30, 2000, UINT64_C(1000000), 2 })
#define SOURCE_RATIO_FROM (UINT64_C(256) << 20)

struct source;

/* Takes over nothing: fd stays the caller's. 0, or negative errno with d set. */
_must_check_ int source_open(
        int fd, const struct source_limits *limits, struct source **ret, struct diag *d);
struct source *source_close(struct source *s);

/* The next text: 1 with its name below the file's, "" for the file itself, borrowed until the next call; 0:
 * there are no more. -EOPNOTSUPP: it is packed in a way that is not read; -EBADMSG: damaged or cut off;
 * -EFBIG: over the limits; each with d set; the name is set, and the next call goes on behind it where
 * *ret_goes_on. Another negative errno ends it. */
_must_check_ int source_next(struct source *s, const char **ret_name, bool *ret_goes_on, struct diag *d);

/* When that text was changed last, µs since 1970, where an archive says it; else `otherwise`. */
int64_t source_time(const struct source *s, int64_t otherwise);

/* Up to n bytes of the text, at least eight; 0 at its end. Errors as above. */
_must_check_ ssize_t source_read(struct source *s, void *buf, size_t n, struct diag *d);

/* Bytes read of the file, for the progress. */
uint64_t source_consumed(const struct source *s);
