#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes a Windows hive for reglookup: regf.py FILE KEYS VALUES-A-KEY. Its keys are Bench\\K00000 and so on, each with
string values V00 and so on."""

import struct
import sys

NONE = 0xFFFFFFFF
BLOCK = 4096


class Hive:
    def __init__(self):
        self.cells = bytearray(32)  # room for the header of the one block

    def add(self, data):
        size = (len(data) + 4 + 7) // 8 * 8
        at = len(self.cells)
        self.cells += struct.pack('<i', -size) + data.ljust(size - 4, b'\0')
        return at

    def put(self, at, data):
        self.cells[at + 4:at + 4 + len(data)] = data

    def save(self, path, root):
        free = len(self.cells)
        self.cells = self.cells.ljust((free + BLOCK) // BLOCK * BLOCK, b'\0')
        struct.pack_into('<i', self.cells, free, len(self.cells) - free)
        struct.pack_into('<4sIIQQI', self.cells, 0, b'hbin', 0, len(self.cells), 0, 0, 0)
        header = bytearray(BLOCK)
        struct.pack_into('<4sIIQIIIIIII', header, 0, b'regf', 1, 1, 0, 1, 3, 0, 1, root, len(self.cells), 1)
        check = 0
        for (word,) in struct.iter_unpack('<I', header[:508]):
            check ^= word
        struct.pack_into('<I', header, 508, check)
        with open(path, 'wb') as f:
            f.write(header + self.cells)


def key(name, flags, parent, security, subkeys=(0, NONE), values=(0, NONE)):
    return struct.pack('<2sHQIIIIIIIIIIIIIIIHH', b'nk', flags, 0, 0, parent, subkeys[0], 0, subkeys[1], NONE, values[0],
                       values[1], security, NONE, 64, 0, 64, 64, 0, len(name), 0) + name.encode()


def value(hive, name, text):
    data = (text + '\0').encode('utf-16-le')
    at = hive.add(data)
    return hive.add(struct.pack('<2sHIIIHH', b'vk', len(name), len(data), at, 1, 1, 0) + name.encode())


def main():
    path, keys, each = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    hive = Hive()
    descriptor = struct.pack('<BBHIIII', 1, 0, 0x8000, 0, 0, 0, 0)
    security = hive.add(struct.pack('<2sHIIII', b'sk', 0, 0, 0, 1, len(descriptor)) + descriptor)
    hive.put(security, struct.pack('<2sHII', b'sk', 0, security, security))
    top = hive.add(key('Machine', 0x2C, 0, security))
    bench = hive.add(key('Bench', 0x20, top, security))
    names = []
    for k in range(keys):
        name = f'K{k:05}'
        values = [value(hive, f'V{v:02}', f'the first value of {k} {v}') for v in range(each)]
        at = hive.add(struct.pack(f'<{each}I', *values))
        names.append((hive.add(key(name, 0x20, bench, security, values=(each, at))), name))
    several = hive.add(struct.pack('<2sH', b'lf', keys) +
                       b''.join(struct.pack('<I4s', at, name[:4].encode()) for at, name in names))
    one = hive.add(struct.pack('<2sHI4s', b'lf', 1, bench, b'Benc'))
    hive.put(bench, key('Bench', 0x20, top, security, subkeys=(keys, several)))
    hive.put(top, key('Machine', 0x2C, 0, security, subkeys=(1, one)))
    hive.save(path, top)


if __name__ == '__main__':
    main()
