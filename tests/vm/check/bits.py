#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges two daemons in one machine (guest/bits): bits.py CONSOLE TABLE. One with BPF, `exact`, and one without,
`hints`; one of them is on the machine's own bus and under the control."""

import json
import os
import subprocess
import sys

import records
from console import Console, bits_of, expect, expect_in, finish, problems, prove

LOADED = {("likely", "module-load")}
UNKNOWN = {("unknown", "unknown")}
BY_MODULE = ("test module", "module-code", "taint_test")
# bit: letter, set by, (BPF: reason, module), context, program, hints: (attribution, reason)
SET = {
    0: ("P", "proprietary module", "module-load", "taint_own", "task", "insmod", LOADED),
    1: ("F", "module loaded by force", "module-load-forced", "taint_stay", "task", "force-load",
        {("likely", "module-load-forced")}),
    2: ("S", *BY_MODULE, "task", "sh", UNKNOWN),
    # The module may have come and gone between two looks.
    3: ("R", "module unloaded by force", "module-unload-forced", "taint_stay", "task", "rmmod",
        {("likely", "module-unload-forced"), *UNKNOWN}),
    4: ("M", *BY_MODULE, "interrupt", "", UNKNOWN),
    5: ("B", *BY_MODULE, "soft-interrupt", "", UNKNOWN),
    6: ("U", "write to the sysctl", "sysctl-write", None, "task", "sh", {("likely", "sysctl-write")}),
    7: ("D", "oops", "oops", "taint_test", "kernel-thread", "", {("likely", "oops")}),
    8: ("A", *BY_MODULE, "kernel-thread", "", UNKNOWN),
    9: ("W", "WARN", "warning", "taint_test", "task", "sh", {("likely", "warning")}),
    10: ("C", "staging module", "module-load", "taint_staging", "task", "insmod", LOADED),
    11: ("I", *BY_MODULE, "task", "sh", UNKNOWN),
    12: ("O", "out-of-tree module", "module-load", "taint_test", "task", "insmod", LOADED),
    13: ("E", "unsigned module", "module-load", "taint_test", "task", "insmod", LOADED),
    14: ("L", "soft lockup", "soft-lockup", None, "interrupt", "", {("likely", "soft-lockup")}),
    15: ("K", "live patch module", "livepatch", "taint_patch", "task", "insmod",
         {("likely", "livepatch"), *LOADED}),
    16: ("X", *BY_MODULE, "task", "sh", UNKNOWN),
    17: ("T", *BY_MODULE, "kernel-thread", "", UNKNOWN),
    18: ("N", "test module's own mark", "module-load", "taint_kunit", "task", "insmod", LOADED),
    19: ("J", *BY_MODULE, "task", "sh", UNKNOWN),
    20: ("", *BY_MODULE, "soft-interrupt", "", UNKNOWN),
    21: ("", *BY_MODULE, "task", "sh", None),
    31: ("", *BY_MODULE, "interrupt", "", UNKNOWN),
    32: ("", "eight threads at once", *BY_MODULE[1:], "kernel-thread", "", UNKNOWN),
    63: ("", *BY_MODULE, "kernel-thread", "", UNKNOWN),
}
BURST = range(33, 40)
KILLED, ABSENT, ENDED, AFTER = 40, 41, 42, 43
EARLY = {*SET, *BURST, KILLED, ABSENT, ENDED, AFTER}
LIVE, DISABLED, ENABLED, GONE, BACK = 44, 45, 46, 47, 48
LATE = {LIVE, DISABLED, ENABLED, GONE, BACK}
# In a machine that is emulated, where a second is soon over.
CLOCK_SECONDS = 5.0


def task_of(event):
    return event["comm"] or ""


def check_exact(event):
    letter, _, reason, module, context, program, _ = SET[event["bit"]]
    what = f"BPF: bit {event['bit']}"
    expect(f"{what}: attribution", event["attribution"], "exact")
    expect(f"{what}: reason", event["reason"], reason)
    if event["bit"] != 14:
        expect(f"{what}: module", event["module"], module)
    expect(f"{what}: context", event["context"], context)
    expect(f"{what}: program", task_of(event), program)
    expect(f"{what}: loginuid", event["loginuid"], 1000 if program else None)
    if reason.startswith("module-load"):
        expect(f"{what}: letter {letter}", letter in (event["module_taints"] or ""), True)


def check_long_path(event):
    """It loses its beginning, and nothing else."""
    names = [f"a-folder-with-a-name-of-fifty-bytes-to-make-it-long-{i}" for i in range(1, 10)]
    path = "/" + "/".join(["tmp", *names, "sh"])
    found = event["exe"] or ""
    expect("BPF: a long path: its beginning", found[:3], "...")
    expect("BPF: a long path: its end", path.endswith(found[3:]) and len(found) > 200, True)


def check_hints(event):
    _, _, _, module, _, program, allowed = SET[event["bit"]]
    what = f"hints: bit {event['bit']}"
    verdict = (event["attribution"], event["reason"])
    if allowed:
        expect_in(what, verdict, allowed)
    if event["attribution"] == "likely" and event["module"]:
        expect(f"{what}: module", event["module"], module or "taint_test")
    if task_of(event) and event["bit"] != 7:
        expect(f"{what}: program", task_of(event), program)


def check_events(console, world, who):
    found = {}
    for event in console.events(world):
        if event["bit"] in found:
            problems.append(f"{who}: bit {event['bit']} is reported twice")
        found[event["bit"]] = event
    wanted = EARLY | (LATE if world == "main" else set())
    expect(f"{who}: bits", sorted(found), sorted(wanted))
    for bit in set(SET) & set(found):
        (check_exact if who == "BPF" else check_hints)(found[bit])
    swapped = (who == "BPF") != (world == "main")
    for bit in ({ABSENT} if swapped else {ABSENT, ENDED}) & set(found):
        expect(f"{who}: bit {bit}, set while nobody looked", found[bit]["reason"], "present-at-start")
    if who == "BPF" and 21 in found:
        check_long_path(found[21])
    for bit in ({*BURST, AFTER} | LATE) & set(found) if who == "BPF" else ():
        expect(f"BPF: bit {bit}: attribution", found[bit]["attribution"], "exact")
        expect(f"BPF: bit {bit}: loginuid", found[bit]["loginuid"], 1000)
    return found


def same_but_late(one, other):
    return all(one[name] == other[name] for name in {*one.fields, *other.fields} - {"late"})


def sent_by(console, world):
    """All but what the kill made to be sent again: where it hits between the kernel's yes and the mark, the next start
    cannot know of that yes. It sends the same record, late, under its old number."""
    pids = {int(pid) for pid in console.lines(f"pids-{world}")}
    sent = [r for r in records.read(console.lines("records")) if r.sender in pids]
    return [r for i, r in enumerate(sent) if not (
        r["late"] and any(o.sender != r.sender and same_but_late(o, r) for o in sent[:i]))]


def check_numbers(who, sent):
    """What was waiting to be sent at a kill is sent by the next start: no number is missing, and none is there twice."""
    numbers = sorted(int(r["seqno"]) for r in sent)
    expect(f"{who}: numbers of records", numbers, list(range(1, max(numbers) + 1)))


def check_records(console, world, who, events):
    """Exactly one for each bit, and its masks follow from the last one's."""
    sent = sent_by(console, world)
    taints = [r for r in sent if r.op == "tainted-kernel"]
    wanted = EARLY | ({GONE} if world == "main" else set())
    expect(f"{who}: records", sorted(r.bit for r in taints), sorted(wanted))
    before = set()
    # Those without records, and the one whose report was interrupted, which may come late.
    loose = {KILLED, ABSENT, LIVE, DISABLED, ENABLED}
    for r in taints:
        old, new = set(bits_of(int(r["old"], 16))), set(bits_of(int(r["new"], 16)))
        expect(f"{who}: record of bit {r.bit}: mask before", sorted(old - loose), sorted(before - loose))
        expect(f"{who}: record of bit {r.bit}: mask", sorted(new - old), [r.bit])
        before.add(r.bit)
        event = events.get(r.bit, {})
        for name in ("attribution", "reason", "context"):
            expect(f"{who}: record of bit {r.bit}: {name}", r[name], event.get(name))
    check_numbers(who, sent)


def check_journal(console, world, who):
    """The line that goes to the journal too. Killed between it and the note of it, the next start writes it again."""
    lines = "\n".join(console.lines(f"log-{world}"))
    for bit in EARLY:
        if bit not in SET or bit > 19:
            n = lines.count(f"The kernel is tainted: 'bit {bit}'")
            expect_in(f"{who}: lines of bit {bit}", n, {1, 2} if bit == KILLED else {1})


def check_counters(console, world, who):
    found = console.properties(world)
    expect(f"{who}: back end", found.get("Backend"), "bpf" if who == "BPF" else "hints")
    for name in ("Misses", "Drops", "AuditKept", "AuditLost"):
        expect(f"{who}: {name}", found.get(name), "0")
    hooks = set(found.get("Hooks", "").split())
    wanted = {"kmsg", "uevent", "inotify", "timer"}
    if who == "BPF":
        wanted |= {"fentry/add_taint", "fentry/add_taint#2", "kprobe/add_taint", "fexit/load_module",
                   "fexit/delete_module", "fexit/proc_sys_call_handler"}
    expect(f"{who}: hooks that are missing", sorted(wanted - hooks), [])


def check_control(console, who):
    """Who audits while the control is there, is off, and is gone."""
    sent = sent_by(console, "main")
    kernel = [r for r in records.read(console.lines("records")) if r.kind == "KERNEL_OTHER"]
    expect("the kernel's records", sorted(r.bit for r in kernel), [LIVE, ENABLED, BACK])
    expect("the control", console.lines("control"), list("3033333"))
    story = [(r.mark, r.op) for r in sent if r.mark not in ("bits", "clock")]
    expect("what the service recorded meanwhile", story, [
        ("insmod", "control-appeared"),
        ("disable", "changed-taint-audit-policy"),
        ("enable", "changed-taint-audit-policy"),
        ("foreign", "control-drift"),
        ("foreign", "control-drift"),
        ("rmmod", "control-vanished"),
        ("rmmod", "tainted-kernel"),
        ("again", "control-appeared"),
    ])
    changes = {r["new"]: r for r in sent if r.op == "changed-taint-audit-policy" and r.mark != "clock"}
    for new, r in changes.items():
        expect(f"{new}: who", (r["ocomm"], r["sauid"], r["suid"]), ("peios-reg", "1000", "0"))
    if "enabled" in changes:
        mask = int(changes["enabled"]["tainted"] or "0", 16)
        expect("the mask of re-enabling", mask, sum(1 << bit for bit in EARLY | {LIVE, DISABLED}))
    drifts = [r for r in sent if r.op == "control-drift"]
    expect("drift", [(r["old"], r["new"], r["reason"]) for r in drifts],
           [("3", "1", "put-back"), ("3", "0", "put-back")])
    for r in drifts:
        culprit = ("sh", "1000") if who == "BPF" else ("?", "4294967295")
        expect("drift: culprit", (r["ocomm"], r["sauid"]), culprit)
    followed = [json.loads(line)["bit"] for line in console.lines("follow")]
    expect("bits on the bus", sorted(followed), sorted(EARLY | LATE))


def check_clock(console):
    """Set beyond a layer's end, and before its beginning: it ends at once, and not when its hour is over."""
    steps = [line.split() for line in console.lines("clock")]
    expect("the clock was set", [step for step, _, _ in steps], ["7200", "-7200"])
    for step, begun, ended in steps:
        took = float(ended) - float(begun)
        print(f"the clock set by {step} s: the layer's value was withdrawn after {took:.2f} s")
        expect(f"the clock set by {step} s: withdrawn within {CLOCK_SECONDS} s", took < CLOCK_SECONDS, True)
    layers = [(r.mark, r["reason"]) for r in records.read(console.lines("records")) if r.op == "ended-registry-layer"]
    expect("layers that ended", layers, [("clock", "time")] * 2)
    policy = [(r["old"], r["new"]) for r in sent_by(console, "main")
              if r.op == "changed-taint-audit-policy" and r.mark == "clock"]
    expect("the policy", policy, [("enabled", "disabled"), ("disabled", "enabled")] * 2)


def check_scan(path):
    """What the kernel itself printed: an oops, a soft lockup and a warning, each with its list of modules."""
    done = subprocess.run([os.environ["PEIOS_AUDITPOL"], "--json", "taint", "scan", path],
                          stdout=subprocess.PIPE, check=True)
    scan = json.loads(done.stdout)
    bit = next(b for b in scan["bits"] if b["bit"] == 12)
    module = next((m for m in scan["modules"] if m["module"] == "taint_test"), {"reports": 0})
    expect("the console: reports with the module, at least 3", module["reports"] >= 3, True)
    expect("the console: the oops has its modules", module.get("first"), bit["first"])


def table(console, events, out):
    lines = [f"{console.first('kernel')}: each bit, how it was set, and what the two daemons said of it",
             f"{'bit':>3} {'':1} {'symbol':28} {'set by':26} {'context':15} {'with BPF':28} without"]
    for bit in sorted(SET):
        exact, hints = events["BPF"].get(bit), events["hints"].get(bit)
        if exact and hints:
            said = [f"{e['attribution']} {e['reason']}" for e in (exact, hints)]
            lines.append(f"{bit:3} {SET[bit][0]:1} {exact['taint']:28} {SET[bit][1]:26} {exact['context']:15} "
                         f"{said[0]:28} {said[1]}")
    print("\n".join(lines))
    with open(out, "a", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n\n")


def main():
    console = Console(sys.argv[1])
    main_is_bpf = console.properties("main").get("Backend") == "bpf"
    worlds = {"BPF": "main", "hints": "other"} if main_is_bpf else {"BPF": "other", "hints": "main"}
    events = {}
    for who, world in worlds.items():
        events[who] = check_events(console, world, who)
        check_records(console, world, who, events[who])
        check_journal(console, world, who)
        check_counters(console, world, who)
    expect("mask", bits_of(console.mask()), sorted(EARLY | LATE))
    check_control(console, "BPF" if main_is_bpf else "hints")
    check_clock(console)
    check_scan(sys.argv[1])
    table(console, events, sys.argv[2])
    kernel = console.first("kernel")
    prove(kernel, "audit=1", f"each bit from 0 to 19 and {len(EARLY) - 20} more: one record each, with BPF and without")
    prove(kernel, "audit=1", "daemons killed and ended: nothing twice, nothing lost")
    prove(kernel, "audit=1", "a control that comes, goes and comes again: live, the kernel audits alone; disabled, "
          "nobody; gone, the service; a foreign write is put back and recorded, "
          + ("with its culprit (BPF)" if main_is_bpf else "its culprit unknown (no BPF)"))
    prove(kernel, "audit=1", "a wall clock that is set ends a layer at once, forth beyond its end or back before its "
          "beginning")
    finish()


main()
