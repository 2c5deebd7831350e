#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Takes the ELF kernel out of a bzImage: vmlinux.py BZIMAGE VMLINUX. Where it lies the image's header says (Linux,
Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length)."""

import lzma
import struct
import subprocess
import sys


def unpacked(payload):
    # The last four bytes are the length of what was packed.
    packed = payload[:-4]
    if packed.startswith(b"\xfd7zXZ\0"):
        return lzma.decompress(packed)
    if packed.startswith(b"\x28\xb5\x2f\xfd"):
        return subprocess.run(["zstd", "-dc"], input=packed, stdout=subprocess.PIPE, check=True).stdout
    sys.exit(f"packed in a way that begins with {packed[:4].hex()}, neither xz nor zstd")


def main():
    with open(sys.argv[1], "rb") as file:
        image = file.read()
    offset, length = struct.unpack_from("<II", image, 0x248)
    begin = (image[0x1F1] + 1) * 512 + offset
    elf = unpacked(image[begin : begin + length])
    if not elf.startswith(b"\x7fELF"):
        sys.exit("what is packed in it is no ELF file")
    with open(sys.argv[2], "wb") as file:
        file.write(elf)


main()
