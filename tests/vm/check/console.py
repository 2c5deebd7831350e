# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a virtual machine printed at its end: `@file line` for each line of each file of its /out."""

import json
import os
import re
import sys

problems = []


def expect(what, got, wanted):
    if got != wanted:
        problems.append(f"{what}: {got!r} instead of {wanted!r}")


def expect_in(what, got, allowed):
    if got not in allowed:
        problems.append(f"{what}: {got!r} is none of {sorted(allowed)!r}")


class Console:
    def __init__(self, path):
        self.files = {}
        self.text = open(path, encoding="utf-8", errors="replace").read()
        for line in self.text.splitlines():
            if line.startswith("@"):
                name, _, rest = line[1:].partition(" ")
                self.files.setdefault(name, []).append(rest)
        if "end" not in self.files:
            sys.stdout.write(self.text[-6000:])
            sys.exit(f"{path}: the machine did not come to its end")
        problems.extend(self.lines("problems"))
        self.check_logs()

    def lines(self, name):
        return self.files.get(name, [])

    def first(self, name):
        return (self.lines(name) or [""])[0]

    def mask(self):
        return int(self.first("mask"))

    def json(self, name):
        return json.loads("\n".join(self.lines(name)) or "null")

    def events(self, world):
        return self.json(f"events-{world}") or []

    def properties(self, world):
        return dict(line.partition(" ")[::2] for line in self.lines(f"properties-{world}"))

    def check_logs(self):
        """No sanitizer had anything to report, whoever printed it."""
        for name, lines in self.files.items():
            for line in lines:
                if re.search(r"AddressSanitizer|LeakSanitizer|runtime error:", line):
                    problems.append(f"{name}: {line}")

    def said_once(self, world):
        """What a daemon says of its surroundings it says once."""
        lines = [line for line in self.lines(f"log-{world}") if "The kernel is tainted" not in line]
        for line in sorted(set(lines)):
            if lines.count(line) > 1:
                problems.append(f"{world}: said {lines.count(line)} times: {line}")
        return lines


def bits_of(mask):
    return [bit for bit in range(64) if mask >> bit & 1]


def prove(kernel, options, text):
    """A line for the table of what was proved on which kernel."""
    path = os.environ.get("PEIOS_PROVED")
    if path and not problems:
        with open(path, "a", encoding="utf-8") as out:
            out.write(f"{kernel}\t{options}\t{text}\n")


def finish():
    for problem in problems:
        print(f"WRONG {problem}")
    sys.exit(1 if problems else 0)
