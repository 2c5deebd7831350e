#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints what the last run proved on which kernel, as the table of README.md: proved.py < build-vm/proved.tsv"""

import sys


def main():
    rows = {}
    for line in sys.stdin:
        kernel, options, text = line.rstrip("\n").split("\t")
        where = f"{kernel}, {options}"
        if where not in rows.setdefault(text, []):
            rows[text].append(where)
    print("| proved | on |\n|---|---|")
    for text, where in rows.items():
        print(f"| {text} | {' · '.join(where)} |")


main()
