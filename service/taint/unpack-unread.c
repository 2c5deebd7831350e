/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../schema/base/macro.h"
#include "unpack.h"

const char *unpack_unread(const uint8_t *data, size_t n)
{
        static const struct {
                const char *name;
                char magic[6];
                size_t len;
                size_t least; /* a file of the kind is no shorter */
        } kinds[] = {
                { "bzip2", "BZh", 3, 8 },
                { "lzma", "\x5d\0\0", 3, 8 },
                { "lz4", "\x04\x22\x4d\x18", 4, 8 },
                { "compress", "\x1f\x9d", 2, 4 },
                { "zip", "PK\x03\x04", 4, 8 },
                { "7-Zip", "7z\xbc\xaf\x27\x1c", 6, 8 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (n >= kinds[i].least && memcmp(data, kinds[i].magic, kinds[i].len) == 0)
                        return kinds[i].name;
        return NULL;
}
