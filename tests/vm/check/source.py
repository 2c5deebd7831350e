#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges what the BPF source reported: source.py CONSOLE. What the runs are is said in guest/source."""

import sys
from statistics import median

from console import expect, finish, problems, prove

# bit: (letter, reason, module, context, program); who set it in a task is somebody who logged in as 1000
SET = {
    12: ("O", "module-load", "taint_test", "task", "insmod"),
    13: ("E", "module-load", "taint_test", "task", "insmod"),
    40: ("", "module-code", "taint_test", "task", "insmod"),
    1: ("F", "module-load-forced", "taint_stay", "task", "force-load"),
    3: ("R", "module-unload-forced", "taint_stay", "task", "rmmod"),
    0: ("P", "module-load", "taint_fail", "task", "insmod"),
    10: ("C", "module-load", "taint_fail", "task", "insmod"),
    18: ("N", "module-load", "taint_fail", "task", "insmod"),
    6: ("U", "sysctl-write", "", "task", "sh"),
    9: ("W", "warning", "taint_test", "task", "sh"),
    32: ("", "module-code", "taint_test", "task", "sh"),
    33: ("", "module-code", "taint_test", "kernel-thread", ""),
    34: ("", "module-code", "taint_test", "soft-interrupt", ""),
    35: ("", "module-code", "taint_test", "interrupt", ""),
    36: ("", "module-code", "taint_test", "kernel-thread", ""),
    7: ("D", "oops", "taint_test", "kernel-thread", ""),
    37: ("", "module-code", "taint_test", "task", "sh"),
    38: ("", "module-code", "taint_test", "task", "sh"),
    41: ("", "module-code", "taint_test", "task", "sh"),
    42: ("", "module-code", "taint_test", "kernel-thread", ""),
    43: ("", "module-code", "taint_test", "soft-interrupt", ""),
    44: ("", "module-code", "taint_test", "interrupt", ""),
}
WATCHERS = ["fentry/add_taint#2", "fentry/add_taint"]
NAMERS = ["fexit/delete_module", "fexit/load_module", "fexit/proc_taint"]
SYSCTL = ["fexit/proc_sys_call_handler"]
HOOKS = {
    "full": {*WATCHERS, *NAMERS, *SYSCTL, "kprobe/add_taint"},
    "few": {*WATCHERS, *NAMERS, *SYSCTL},
    "one": {*WATCHERS, *NAMERS, "kprobe/add_taint"},
    "inlined": {*WATCHERS, *NAMERS, *SYSCTL, "kprobe/add_taint"},
}

def mask(bits):
    return sum(1 << bit for bit in bits)


def fields(text):
    """NAME=VALUE …; the last one may hold blanks."""
    found = {}
    for word in text.split(" "):
        name, equal, value = word.partition("=")
        if equal and "detail" not in found and "hooks" not in found:
            found[name] = value
        else:
            last = list(found)[-1]
            found[last] += " " + word
    return found


def read(path):
    """The lines of each run by their kind, and what the machine said at the end."""
    runs, end = {}, {}
    for line in open(path, encoding="utf-8", errors="replace"):
        if not line.startswith("@"):
            continue
        name, _, rest = line[1:].rstrip().partition(" ")
        if name == "problems":
            problems.append(rest)
        if name not in HOOKS:
            end[name] = rest
            continue
        run = runs.setdefault(name, {"ready": [], "event": [], "write": [], "status": [], "other": []})
        kind, _, rest = rest.partition(" ")
        if kind == "stack":
            run["event"][-1]["stack"].append(rest)
        elif kind in run and kind != "other":
            run[kind].append(fields(rest))
            if kind == "event":
                run[kind][-1]["stack"] = []
        elif kind not in ("restarted", "Killed"):
            run["other"].append(f"{kind} {rest}")
    return runs, end


def check_event(name, event):
    bit = int(event["bit"])
    if bit not in SET:
        return
    _, reason, module, context, program = SET[bit]
    what = f"{name}: bit {bit}"
    expect(f"{what}: reason", event["reason"], reason)
    expect(f"{what}: module", event["module"], module)
    expect(f"{what}: context", event["context"], context)
    expect(f"{what}: exact", event["exact"], "1")
    expect(f"{what}: program", event["comm"], program)
    expect(f"{what}: loginuid", event["loginuid"], "1000" if program else "-1")
    expect(f"{what}: uid", event["uid"], "0" if program else "-1")
    expect(f"{what}: path", event["exe"],
           {"": "", "force-load": "/bin/force-load"}.get(program, "/bin/busybox"))
    expect(f"{what}: new mask", int(event["new"], 16), int(event["old"], 16) | 1 << bit)
    if not event["stack"]:
        problems.append(f"{what}: no stack")
    if context == "soft-interrupt" and " in a soft interrupt that came in while " not in event["detail"]:
        problems.append(f"{what}: who was interrupted is not reported: {event['detail']}")


def check_run(name, run, bits):
    expect(f"{name}: other output", run["other"], [])
    expect(f"{name}: bits", sorted(int(e["bit"]) for e in run["event"]), sorted(bits))
    for ready in run["ready"]:
        expect(f"{name}: hooks", set(ready["hooks"].split()), HOOKS[name])
    for event in run["event"]:
        check_event(name, event)


def check_old_masks(run):
    """Bits come in the order in which they were set, each mask following from the last."""
    last = 0
    for event in run["event"]:
        if int(event["old"], 16) & last != last:
            problems.append(f"bit {event['bit']}: {event['old']} lost bits of {last:x}")
        last = int(event["new"], 16)


def check_writes(run):
    wrote = [w for w in run["write"] if w["name"] == "kernel.tainted"]
    expect("writes of 64: results", [w["result"] for w in wrote[:2]], ["3", "-22"])
    for write in wrote:
        expect("a write: loginuid", write["loginuid"], "1000")
    if not 20 < len(wrote) < 152:
        problems.append(f"{len(wrote)} writes were reported; the ring should have been full")


def table(runs):
    print(f"{'bit':>3} {'':1}  {'reason':20} {'module':11} {'context':15} {'loginuid':8} {'program':11} reported by")
    for bit, (letter, reason, module, context, program) in SET.items():
        names = " ".join(f"{name}:{n}" for name, run in runs.items()
                         if (n := sum(int(e["bit"]) == bit for e in run["event"])))
        print(f"{bit:3} {letter:1}  {reason:20} {module or '-':11} {context:15} "
              f"{'1000' if program else '-':8} {program or '-':11} {names}")
    load = [int(r["usec"]) / 1e6 for run in runs.values() for r in run["ready"]]
    late = sorted(int(e["latency"]) / 1e3 for run in runs.values() for e in run["event"]
                  if int(e["bit"]) not in (37, 38))
    print(f"loaded and attached: {min(load):.2f} to {max(load):.2f} s (four at a time)")
    print(f"event to user space: {late[0]:.2f} / {median(late):.2f} / {late[-1]:.2f} ms (min, median, max)")
    for event in runs["full"]["event"]:
        if event["bit"] == "36":
            print(f"eight at once: {event['detail']}")


def main():
    runs, end = read(sys.argv[1])
    if "end" not in end or set(runs) != set(HOOKS):
        sys.stdout.write(open(sys.argv[1], encoding="utf-8", errors="replace").read()[-4000:])
        sys.exit("source.py: the machine did not come to its end")
    early = [bit for bit in SET if bit < 41]
    check_run("full", runs["full"], SET)
    check_run("few", runs["few"], SET)
    check_run("one", runs["one"], SET)
    check_run("inlined", runs["inlined"], [6])
    check_old_masks(runs["few"])
    check_writes(runs["few"])
    expect("mask", int(end["mask"]), mask(SET))
    for name in ("few", "one"):
        expect(f"{name}: claimed", [int(s["claimed"], 16) for s in runs[name]["status"]], [mask(SET)])
    expect("full, restarted: pinned", [r["pinned"] for r in runs["full"]["ready"]], ["1", "1"])
    expect("full, restarted: set before", int(runs["full"]["ready"][-1]["set"], 16), mask(early))
    expect("full, restarted: claimed", [int(s["claimed"], 16) for s in runs["full"]["status"]],
           [mask([38, 41, 42, 43, 44])])
    if int(runs["few"]["status"][0]["drops"]) == 0:
        problems.append("few: no drops, though the ring was full")
    table(runs)
    prove(end["kernel"], "audit=1", "BPF programs alone: late and killed readers, a full ring, hooks that are missing, "
          "few capabilities")
    finish()


main()
