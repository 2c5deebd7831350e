#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints what the last run proved on which kernel, as the table of README.md: proved.py < build-vm/proved.tsv"""

import sys


def main():
    rows, kernels = {}, []
    for line in sys.stdin:
        kernel, options, text = line.rstrip("\n").split("\t")
        if kernel not in kernels:
            kernels.append(kernel)
        mark = {"audit=1": "yes", "systemd, two boots": "yes, under systemd"}.get(options, f"`{options}`")
        rows.setdefault(text, {})[kernel] = mark
    print(f"| proved | {' | '.join(kernels)} |\n|---|{'---|' * len(kernels)}")
    for text, marks in rows.items():
        print(f"| {text} | {' | '.join(marks.get(kernel, '') for kernel in kernels)} |")


main()
