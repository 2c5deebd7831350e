/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "unpack.h"

const char *unpack_format(const uint8_t *data, size_t n, bool *ret_readable)
{
        static const struct {
                const char *name;
                char magic[6];
                size_t len, at;
                size_t least; /* a file of the kind is no shorter */
                bool readable;
        } formats[] = {
                { "gzip", "\x1f\x8b", 2, 0, 2, true },
                { "bzip2", "BZh", 3, 0, 8, true },
                { "xz",
                        "\xfd"
                        "7zXZ",
                        6, 0, 6, true },
                { "zstd", "\x28\xb5\x2f\xfd", 4, 0, 4, true },
                { "lz4", "\x04\x22\x4d\x18", 4, 0, 7, true },
                { "lzma", "\x5d\0\0", 3, 0, 8, true },
                { "zip", "PK\x03\x04", 4, 0, 8, true },
                { "cpio", "07070", 5, 0, 76, true },
                { "tar", "ustar", 5, 257, UNPACK_MAGIC, true },
                { "compress", "\x1f\x9d", 2, 0, 4, false },
                { "7-Zip", "7z\xbc\xaf\x27\x1c", 6, 0, 8, false },
                { "rar", "Rar!\x1a\x07", 6, 0, 8, false },
        };

        for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
                if (n >= formats[i].least && n >= formats[i].at + formats[i].len &&
                        memcmp(data + formats[i].at, formats[i].magic, formats[i].len) == 0) {
                        *ret_readable = formats[i].readable;
                        return formats[i].name;
                }
        return NULL;
}
