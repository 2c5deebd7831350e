#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges guest/narrow: narrow.py CONSOLE. No auditing, no symbols, a bit at which the kernel panics."""

import sys

from console import Console, bits_of, expect, finish, problems, prove

SET = {6, 9, 12, 13, 32, 33, 34, 35}
OPTIONS = "audit=0 kernel.kptr_restrict=2 panic_on_taint=0x20"
CONTEXTS = {6: "task", 9: "task", 12: "task", 13: "task", 32: "task", 33: "soft-interrupt", 34: "interrupt",
            35: "kernel-thread"}
UNAUDITED = "audit records: cannot open the audit socket: the kernel has no audit support"


def check_world(console, world, backend):
    found = console.properties(world)
    expect(f"{world}: back end", found.get("Backend"), backend)
    # Nothing is lost silently: each event is kept for the day on which there is auditing.
    expect(f"{world}: sent, kept, lost", [found.get(f"Audit{x}") for x in ("Sent", "Kept", "Lost")],
           ["0", str(len(SET)), "0"])
    said = console.said_once(world)
    expect(f"{world}: said of auditing", sum(UNAUDITED in line for line in said), 1)
    events = console.events(world)
    expect(f"{world}: bits", sorted(e["bit"] for e in events), sorted(SET))
    return events


def main():
    console = Console(sys.argv[1])
    if not any("Protocol not supported" in line for line in console.lines("records")):
        problems.append("this kernel has auditing")
    for event in check_world(console, "main", "bpf"):
        expect(f"bit {event['bit']}", event["attribution"], "exact")
        expect(f"bit {event['bit']}: context", event["context"], CONTEXTS[event["bit"]])
    check_world(console, "other", "hints")
    expect("mask", bits_of(console.mask()), sorted(SET))
    prove(console.first("kernel"), OPTIONS, "events are exact all the same; records are kept, which is said once; "
          "the bit at which the kernel would panic is refused and not reported")
    finish()


main()
