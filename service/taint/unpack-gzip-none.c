/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unpack.h"

const struct unpack_format unpack_gzip = {
        .name = "gzip", .library = "zlib", .magic = "\x1f\x8b", .magic_len = 2
};
