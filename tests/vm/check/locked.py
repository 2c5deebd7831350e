#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges guest/locked: locked.py CONSOLE. The kernel is locked down: hints are left, and are said to be all."""

import sys

import records
from console import Console, bits_of, expect, finish, prove

SET = [6, 9]


def main():
    console = Console(sys.argv[1])
    found = console.properties("main")
    expect("back end", found.get("Backend"), "hints")
    said = console.said_once("main")
    expect("said of BPF", sum("no BPF: " in line for line in said), 1)
    expect("mask", bits_of(console.mask()), SET)
    events = console.events("main")
    expect("bits", [e["bit"] for e in events], SET)
    for event in events:
        expect(f"bit {event['bit']}", (event["attribution"], event["reason"]), ("likely", "sysctl-write"))
    sent = [r.bit for r in records.read(console.lines("records")) if r.op == "tainted-kernel"]
    expect("records", sent, SET)
    prove(console.first("kernel"), "lockdown=confidentiality",
          "BPF is refused, which is said once; hints report each bit with one record")
    finish()


main()
