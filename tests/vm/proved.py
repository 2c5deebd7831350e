#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints what the last run proved on which kernel, as the table of README.md: proved.py < build-vm/proved.tsv"""

import sys


def main():
    rows = {}
    for line in sys.stdin:
        kernel, options, text = line.rstrip("\n").split("\t")
        texts = rows.setdefault((kernel, options), [])
        if text not in texts:
            texts.append(text)
    print("| kernel | booted with | proved |\n|---|---|---|")
    for (kernel, options), texts in sorted(rows.items()):
        print(f"| {kernel} | `{options}` | {' · '.join(texts)} |")


main()
