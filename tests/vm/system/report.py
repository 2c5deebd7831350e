# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a boot reported on its second serial line (guest/run says in which form)."""

import json
import re


class Record(dict):
    """A line that ausearch -i printed: its fields by their names, type and time beside them."""

    def __init__(self, line):
        super().__init__(re.findall(r"([\w-]+)=([^\s']*)", line.replace(" msg='", " ")))

    def __str__(self):
        return " ".join(f"{name}={value}" for name, value in self.items())


class Step:
    def __init__(self):
        self.status, self.seconds, self.lines, self.facts, self.records = {}, {}, {}, {}, []

    def text(self, name):
        return "\n".join(self.lines.get(name, []))

    def json(self, name):
        """What the last command of that name printed as JSON."""
        return json.loads(self.lines[name][-1])

    def units(self):
        """What systemctl show said, by unit."""
        units = {}
        for block in self.text("units").split("\n\n"):
            unit = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            units[unit.get("Id", "").removesuffix(".service")] = unit
        return units

    def matching(self, **wanted):
        return [r for r in self.records if all(r.get(name) == value for name, value in wanted.items())]


def read(path):
    """The steps of a boot by their names; the step end- is there when the guest came to its end."""
    steps = {}
    step = Step()
    for line in open(path, encoding="utf-8", errors="replace"):
        kind, _, rest = line.rstrip("\r\n").partition(" ")
        name, _, text = rest.partition(" ")
        if kind == "@step":
            step = steps.setdefault(name, Step())
        elif kind == "@end":
            steps["end-"] = Step()
        elif kind == "@ran":
            status, begin, end = text.split()
            step.status.setdefault(name, []).append(int(status))
            step.seconds.setdefault(name, []).append(float(end) - float(begin))
        elif kind == "@out":
            step.lines.setdefault(name, []).append(text)
        elif kind == "@is":
            step.facts.setdefault(name, []).append(text)
        elif kind == "@record":
            step.records.append(Record(rest))
        else:
            step.lines.setdefault("?", []).append(line.rstrip())
    return steps
