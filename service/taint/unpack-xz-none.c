/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unpack.h"

const struct unpack_format unpack_xz = { .name = "xz",
        .library = "liblzma",
        .magic = "\xfd"
                 "7zXZ\0",
        .magic_len = 6 };
