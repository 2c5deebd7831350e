#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes what the last run proved on which kernel: proved.py DOCUMENT < proved.tsv

Rows stay in the order in which the document has them, so that a run that proves the same changes nothing."""

import os
import re
import sys

HEAD = """<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
# What was proved on which kernel

Written by the last whole run of [run.sh](run.sh) (suite `vm`), in virtual machines; each line is a check that passed. An
empty field was not tried. `taint-table.txt` in the build's `meson-logs` has a line for each taint bit.
"""
MARKS = {"audit=1": "yes", "systemd, two boots": "yes, under systemd"}


def version(release):
    return [int(number) for number in re.findall(r"\d+", release)]


def main():
    document = sys.argv[1]
    before = ""
    if os.path.exists(document):
        with open(document, encoding="utf-8") as file:
            before = file.read()
    rows = {}
    for line in sys.stdin:
        kernel, options, text = line.rstrip("\n").split("\t")
        rows.setdefault(text, {})[kernel] = MARKS.get(options, f"`{options}`")
    kernels = sorted({kernel for marks in rows.values() for kernel in marks}, key=version)
    order = {text: at for at, text in enumerate(re.findall(r"^\| (.*?) \|", before, re.M))}
    table = [["proved", *kernels], ["---"] * (1 + len(kernels))]
    for text in sorted(rows, key=lambda text: (order.get(text, len(order)), text)):
        table.append([text, *(rows[text].get(kernel, "") for kernel in kernels)])
    after = HEAD + "\n" + "".join(f"| {' | '.join(row)} |\n" for row in table)
    if after != before:
        with open(document, "w", encoding="utf-8") as file:
            file.write(after)


main()
