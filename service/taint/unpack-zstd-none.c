/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unpack.h"

const struct unpack_format unpack_zstd = {
        .name = "zstd", .library = "libzstd", .magic = "\x28\xb5\x2f\xfd", .magic_len = 4
};
