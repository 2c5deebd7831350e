# SPDX-License-Identifier: LGPL-2.1-or-later
"""Audit records as audit-listen printed them, with the marks that the machine put between them."""

import re

RECORD = re.compile(r"type=(\w+) msg=audit\([0-9.:]*\): (.*)")
FIELD = re.compile(r"(\w+)=(\"[^\"]*\"|'|[^ ']+)")


class Record:
    def __init__(self, kind, text, mark):
        self.kind = kind
        self.mark = mark
        self.sender = int(re.match(r"pid=(\d+)", text).group(1)) if text.startswith("pid=") else None
        self.fields = {}
        for name, value in FIELD.findall(text.partition("msg='")[2] or text):
            self.fields.setdefault(name, value.strip('"'))
        self.op = self.fields.get("op", "")
        self.bit = int(self.fields.get("bit", -1))

    def __getitem__(self, name):
        return self.fields.get(name)

    def __repr__(self):
        return f"{self.kind} {self.fields}"


def read(lines):
    records, mark = [], "bits"
    for line in lines:
        found = RECORD.match(line)
        if line.startswith("mark "):
            mark = line[5:]
        elif found:
            records.append(Record(found.group(1), found.group(2), mark))
    return records
