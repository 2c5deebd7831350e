#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints what guest/bench measured: bench.py CONSOLE. Nothing is asserted."""

import sys

from console import Console, finish


def main():
    console = Console(sys.argv[1])
    n, ours, floor, ratio = console.first("row12").split()
    print(f"row 12: a bit until its record is out {ours} µs, write and one send {floor} µs "
          f"(medians of {n}): {ratio}, target 3")
    for before, after in zip(console.lines("idle-before"), console.lines("idle-after")):
        world, *then = before.split()
        _, *now = after.split()
        ticks, switches = (int(b) - int(a) for a, b in zip(then[:2], now[:2]))
        name = {"main": "BPF", "other": "hints"}[world]
        print(f"idle for 60 s, {name}: {ticks * 10} ms of CPU, {switches} wake-ups, RSS {now[2]} KiB, PSS {now[3]} KiB")
    finish()


main()
