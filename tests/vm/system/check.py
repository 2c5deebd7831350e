#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges what both boots reported: check.py SOURCE KERNEL REPORT-1 REPORT-2. What proved right goes to the file that
PEIOS_PROVED names, one line a check."""

import json
import os
import re
import sys
import xml.etree.ElementTree as xml
from collections import Counter

import report

REG = "/usr/bin/peios-reg"
PEOPLE = {"root": ("root", "dave"), "alice": ("alice", "alice"), "bob": ("bob", "bob"), "carol": ("carol", "carol")}
# A setting that is answered later than this has waited for something; the kernel holds senders for a minute.
AT_ONCE = 30.0

# linux/capability.h
CAP_SYS_PTRACE, CAP_AUDIT_WRITE, CAP_AUDIT_CONTROL = 19, 29, 30

checks = []
problems = []


def check(what):
    def add(function):
        checks.append((what, function))
        return function
    return add


def expect(what, got, wanted):
    if got != wanted:
        problems.append(f"{what}: {got!r} instead of {wanted!r}")


def expect_true(what, so):
    if not so:
        problems.append(what)


def expect_one(what, records):
    """Exactly one; returns it, or an empty one."""
    if len(records) != 1:
        problems.append(f"{what}: {len(records)} records instead of one: {'; '.join(map(str, records))}")
    return records[0] if records else report.Record("")


def expect_actor(what, record, person, program, exe):
    uid, loginuid = PEOPLE[person]
    for name, value in (("suid", uid), ("sauid", loginuid), ("ocomm", program), ("cmd", exe)):
        expect(f"{what}: {name}", record.get(name), value)
    expect_true(f"{what}: spid", record.get("spid", "").isdigit())
    expect_true(f"{what}: oses", record.get("oses", "unset") != "unset")


def expect_set(step, person, value, control):
    expect("exit status", step.status["set"], [0])
    expect("control", step.facts["control"][-1], control)
    record = expect_one(f"to {value}", step.matching(op="changed-taint-audit-policy", new=value))
    expect("result", record.get("res"), "success")
    expect_actor(f"to {value}", record, person, "peios-reg", REG)


def usec(unit, name):
    return int(unit[name])


def expect_early(step):
    """The policy is in force before systemd or udev load a module."""
    units = step.units()
    applied = usec(units["peios-policy-apply"], "ExecMainExitTimestampMonotonic")
    expect("peios-policy-apply", units["peios-policy-apply"]["Result"], "success")
    expect_true("it has run", applied > 0)
    for name in ("systemd-modules-load", "systemd-udevd", "systemd-udev-trigger"):
        started = usec(units[name], "ExecMainStartTimestampMonotonic")
        expect_true(f"{name} began at {started}, the policy was applied at {applied}", applied < started)


def messages(step, name):
    return [json.loads(line)["MESSAGE"] for line in step.lines[name]]


@check("boot-time apply before the first module, the control built in")
def apply_first(one, two):
    step = one["boot"]
    expect_early(step)
    expect_true("what was written",
                "kernel.audit_taint_events: 3 (enabled), written" in messages(step, "apply"))
    expect("control", step.facts["control"], ["3"])
    # The initial RAM disk had left auditing off, so the kernel's own record shows that it was on by then.
    expect_one("the first module's taint", [r for r in step.records if r["type"] == "KERNEL_OTHER"
                                            and r.get("bit") == "40"])


@check("boot-time apply before the first module, the control's module later")
def apply_later(one, two):
    step = two["boot"]
    expect_early(step)
    expect_true("what was said",
                "kernel.audit_taint_events: 2 (failure-only), this kernel has no such control"
                in messages(step, "apply"))
    first = re.search(r"\[ *(\d+\.\d+)\] taint_test: loading out-of-tree module", step.text("dmesg"))
    applied = usec(step.units()["peios-policy-apply"], "ExecMainExitTimestampMonotonic")
    expect_true("the first module's line", first and applied < float(first[1]) * 1e6)
    late = two["control-late"]
    expect_one("control-appeared", late.matching(op="control-appeared"))
    expect("control", late.facts["control"], ["1"])


@check("set by root, with the login of who became root")
def set_root(one, two):
    expect_set(one["set-root"], "root", "success-only", "1")


@check("set by a member of the administrators' group")
def set_administrator(one, two):
    expect_set(one["set-administrator"], "alice", "failure-only", "2")


@check("set by whom polkit allows")
def set_polkit(one, two):
    expect_set(one["set-polkit"], "bob", "enabled", "3")


@check("set refused for anybody else, with the caller in the record")
def set_refused(one, two):
    step = one["set-refused"]
    expect("exit status", step.status["set"], [3])
    expect("control", step.facts["control"], ["3"])
    expect("changes", step.matching(op="changed-taint-audit-policy"), [])
    record = expect_one("refusal", step.matching(op="denied-registry-write"))
    expect("result", record.get("res"), "failed")
    expect_actor("refusal", record, "carol", "peios-reg", REG)


def expect_members(source, name, text):
    """What busctl introspect prints has every member of the interface's file, with its types."""
    shown = {}
    for line in text.splitlines():
        words = line.split()
        if words and words[0].startswith("."):
            shown[words[0][1:]] = words[1:]
    interface = xml.parse(f"{source}/schema/dbus/{name}.xml").getroot().find("interface")
    members = [m for m in interface if m.tag != "annotation"]
    expect_true(f"{name}: members in the file", len(members) > 5)
    for member in members:
        if member.tag == "property":
            wanted = ["property", member.get("type")]
        elif member.tag == "signal":
            wanted = ["signal", "".join(a.get("type") for a in member.findall("arg")) or "-"]
        else:
            wanted = ["method", "".join(a.get("type") for a in member.findall("arg")
                                        if a.get("direction") != "out") or "-"]
        expect(f"{name}.{member.get('name')}", shown.get(member.get("name"), [])[:2], wanted)


@check("busctl introspect, tree and monitor show what is documented")
def bus(one, two):
    step = one["bus"]
    expect_members(sys.argv[1], "org.peios.AuditPolicy1", step.text("introspect-policy"))
    expect_members(sys.argv[1], "org.peios.Registry1", step.text("introspect-registry"))
    expect_true("tree of the registry", "/org/peios/Registry1/Machine/System/Audit/Modules" in step.text("tree-registry"))
    expect_true("tree of the policy", "/org/peios/AuditPolicy1" in step.text("tree-policy"))
    signals = [json.loads(line) for line in step.lines.get("monitor", [])]
    seen = [s["payload"]["data"] for s in signals if s.get("member") == "PolicyChanged"]
    expect("signals", len(seen), 1)
    if seen:
        path, old, new, live, actor = seen[0]
        expect("signal", [path, old, new, live],
               [r"\System\Audit\Modules\TaintEvents", "enabled", "success-only", True])
        expect("signal's person", [actor["uid"]["data"], actor["loginuid"]["data"], actor["comm"]["data"],
                                   actor["exe"]["data"]], [0, 1003, "peios-reg", REG])


def expect_drift(step, found, known):
    expect("sysctl", step.status["sysctl"], [0])
    expect("control", step.facts["control"], ["1"])
    record = expect_one("drift", step.matching(op="control-drift"))
    expect("drift: fields", [record.get("old"), record.get("new"), record.get("reason")], ["1", found, "put-back"])
    if known:
        expect_actor("culprit", record, "root", "sysctl", "/usr/sbin/sysctl")
    else:
        expect("culprit", [record.get(n) for n in ("suid", "sauid", "ocomm", "cmd")], ["unset", "unset", "?", "?"])


for about, name, value, is_known in [
        ("a foreign sysctl -w put back, with its culprit (BPF)", "drift-bpf", "0", True),
        ("the same through a second procfs mount (BPF)", "drift-bpf-other-procfs", "2", True),
        ("the same after the dentry was reclaimed (BPF)", "drift-bpf-reclaimed", "3", True),
        ("a foreign sysctl -w put back without a culprit (hints)", "drift-hints", "0", False),
        ("the same through a second procfs mount (hints)", "drift-hints-other-procfs", "2", False),
        ("the same after the dentry was reclaimed (hints)", "drift-hints-reclaimed", "3", False)]:
    check(about)(lambda one, _, step=name, found=value, known=is_known: expect_drift(one[step], found, known))


def by_bit(events):
    return {e["bit"]: e for e in events}


@check("hardened units: exposure at most 2.5, BPF attached, nothing denied")
def hardened(one, two):
    for daemon in ("registryd", "policyd"):
        name = f"security-{daemon}"
        expect(f"{name}: exit status", one["security"].status[name], [0])
        level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", one["security"].text(name))
        expect_true(f"{name}: {level and level[1]}", level and float(level[1]) <= 2.5)
    expect("system", one["boot"].text("running"), "running")
    # inotify in another procfs is deaf.
    expect("the service's procfs", len(set(one["boot"].facts["procfs"][0].split())), 1)
    backend, hooks = one["boot"].lines["bpf"]
    expect("back end", backend, 's "bpf"')
    for hook in ("fentry/add_taint", "fexit/load_module", "fexit/proc_sys_call_handler", "kmsg", "uevent"):
        expect_true(f"{hook} is missing: {hooks}", hook in hooks)
    for boot in (one, two):
        for entry in map(json.loads, boot["end"].lines["journal"]):
            if entry.get("PEIOS_OP") != "denied-registry-write":
                expect_true(entry["MESSAGE"], not re.search(r"permission|not permitted|denied|read-only",
                                                              entry["MESSAGE"], re.I))


def capabilities(step, name):
    return {int(line.split()[1], 16) for line in step.lines[name] if re.match("Cap(Inh|Prm|Eff|Amb):", line)}


@check("what sees all memory is a process that opens nothing; what the kernel runs as root is read-only")
def confined(one, two):
    step = one["security"]
    expect("the provider's sets", capabilities(step, "provider"), {1 << CAP_AUDIT_WRITE | 1 << CAP_AUDIT_CONTROL})
    expect("the reader's sets", capabilities(step, "reader"), {1 << CAP_SYS_PTRACE})
    expect_true("the reader's name", "Name:\texe-reader" in step.lines["reader"])
    expect_true("the reader's filter", "Seccomp:\t2" in step.lines["reader"])
    expect("tunables", step.status["tunable"], [2] * 5)
    expect("read-only", [line.endswith("Read-only file system") for line in step.lines["tunable"][:4]], [True] * 4)


@check("without BPF the kernel log reports, and no forbidden system call is made")
def fallback(one, two):
    step = one["fallback"]
    expect("restart", step.status["restart"], [0])
    backend, hooks = step.lines["bpf"]
    expect("back end", backend, 's "hints"')
    expect_true(f"kmsg is missing: {hooks}", "kmsg" in hooks)
    event = by_bit(one["end"].json("events")).get(9, {})
    expect("the warning", [event.get("attribution"), event.get("reason")], ["likely", "warning"])
    unit = one["end"].units()["peios-audit-policyd"]
    expect("the daemon", [unit["ActiveState"], unit["NRestarts"]], ["active", "0"])


@check("the control unloaded and loaded again")
def unloaded(one, two):
    step = one["control-unloaded"]
    expect_one("control-vanished", step.matching(op="control-vanished"))
    expect_one("the service's record meanwhile", step.matching(op="tainted-kernel", bit="42", type="USYS_CONFIG"))
    expect_one("control-appeared", step.matching(op="control-appeared"))
    expect("control", step.facts["control"], ["1"])


@check("auditd stopped: nothing waits, the record comes later")
def auditd_stopped(one, two):
    expect_set(one["auditd-stopped"], "root", "enabled", "3")
    expect_true("answered at once", max(one["auditd-stopped"].seconds["set"]) < AT_ONCE)


def expect_all(step, values):
    """The record of each change, whenever it came. What the kernel may have thrown away comes again, with its number, and
    so may what was sent just before the step."""
    records = {int(r["seqno"]): r["new"] for r in step.matching(op="changed-taint-audit-policy")}
    expect("records", [records[n] for n in sorted(records)][-len(values):], values)


def expect_at_once(step, name):
    expect(f"{name}: exit status", set(step.status[name]), {0})
    expect_true(f"{name}: answered at once", max(step.seconds[name]) < AT_ONCE)


@check("auditing disabled: the record is kept, counted and sent later")
def audit_disabled(one, two):
    step = one["audit-disabled"]
    expect_at_once(step, "set")
    expect("control", step.facts["control"], ["1", "2"])
    expect("kept", step.json("status")["audit_kept"], 1)
    expect_all(step, ["success-only", "failure-only"])
    arrived = step.matching(op="changed-taint-audit-policy")[-2:]
    expect("in their order", [r["new"] for r in arrived], ["success-only", "failure-only"])
    expect_true("the kept one says so", "late" in arrived[0])
    expect_true("and when it was", float(arrived[0]["when"]) <= float(arrived[1]["when"]))


@check("rate limit: what was thrown away is kept, counted and sent later")
def rate_limited(one, two):
    step = one["rate-limited"]
    expect_at_once(step, "set")
    expect("control", step.facts["control"], ["3"])
    expect_true("kept", step.json("status")["audit_kept"] > 0)
    expect_all(step, ["enabled", "success-only", "failure-only", "enabled", "success-only"])


@check("full backlog: nothing waits, the records come later")
def backlog(one, two):
    step = one["backlog"]
    expect("the filler", step.facts["filler"], ["D"])
    for name in ("set-1", "set-2", "set-3"):
        expect_at_once(step, name)
    expect("control", step.facts["control"], ["3", "0", "2", "1"])
    expect_all(step, ["enabled", "disabled", "failure-only", "success-only"])
    status = step.json("status")
    expect("lost", status["audit_lost"], 0)
    expect_true("noticed", status["audit_kept"] > 0)


@check("auditing locked: records are still sent")
def locked(one, two):
    step = one["locked"]
    expect_true("locked", step.status["unlock"] != [0])
    expect_set(step, "root", "failure-only", "2")
    status = one["end"].json("status")
    expect("kept and lost", [status["audit_kept"], status["audit_lost"]], [0, 0])


# None is given by both.
FIRST_NUMBER = {"peios-audit-policyd": 1, "peios-registryd": 1000000000000001}


def expect_numbers(boot):
    """No number twice, but of what the kernel may or may not have taken; none is missing."""
    records = [report.Record(line) for line in boot["end"].lines["all"] if line.startswith("type=USYS_CONFIG")]
    for daemon in ("peios-audit-policyd", "peios-registryd"):
        mine = [r for r in records if r.get("exe", "").endswith(f"/{daemon}")]
        numbers = Counter(int(r["seqno"]) for r in mine)
        expect_true(f"{daemon}: no records", numbers or daemon == "peios-registryd")
        first = FIRST_NUMBER[daemon]
        if numbers:
            expect(f"{daemon}: missing", sorted(set(range(first, max(numbers) + 1)) - set(numbers)), [])
        for number, n in numbers.items():
            same = {str({k: v for k, v in r.items() if k not in ("msg", "late")}) for r in mine if int(r["seqno"]) == number}
            expect(f"{daemon}: different records number {number}", len(same), 1)
        expect_true(f"{daemon}: {numbers}", max(numbers.values(), default=1) <= 2)
    expect("boots", len({r["boot"] for r in records}), 1)
    return records


@check("no record is missing, and none has another one's number")
def numbers(one, two):
    expect_numbers(one)
    taints = Counter(r["bit"] for r in expect_numbers(two) if r.get("op") == "tainted-kernel")
    # Out-of-tree and unsigned, the boot-time module's own, and what the steps set.
    expect("second boot: records of taints", dict(taints), dict.fromkeys(["12", "13", "40", "41", "42", "43"], 1))


@check("each taint recorded once a boot, and of this boot only")
def rearmed(one, two):
    first = one["end"].json("events")
    second = two["end"].json("events")
    expect("first boot", sorted(e["bit"] for e in first), [9, 12, 13, 40, 41, 42])
    expect("second boot, begin", sorted(e["bit"] for e in two["boot"].json("events")), [12, 13, 40])
    expect("second boot", sorted(e["bit"] for e in second), [12, 13, 40, 41, 42, 43])
    expect_one("bit 40 again", two["boot"].matching(op="tainted-kernel", bit="40", type="USYS_CONFIG"))
    record = expect_one("bit 41 again", two["taint"].matching(op="tainted-kernel", bit="41"))
    expect("bit 41: attribution", record.get("attribution"), "exact")
    expect("bit 41: who", [record.get("suid"), record.get("sauid")], ["root", "dave"])


@check("kill -9 of the policy service: healed, no change lost, no taint doubled")
def kill_policyd(one, two):
    step = two["kill-policyd"]
    for bit in ("42", "43"):
        expect_one(f"bit {bit}", step.matching(op="tainted-kernel", bit=bit))
    record = expect_one("change", step.matching(op="changed-taint-audit-policy"))
    expect("change", [record.get("old"), record.get("new")], ["failure-only", "enabled"])
    expect("in force", step.json("status")["taint_events"], "enabled")
    expect("restarts", two["end"].units()["peios-audit-policyd"]["Result"], "success")


@check("kill -9 of the registry provider: healed, no change lost")
def kill_registryd(one, two):
    step = two["kill-registryd"]
    expect("set", step.status["set"], [0])
    expect_true("get", "success-only" in step.text("get"))
    record = expect_one("change", step.matching(op="changed-taint-audit-policy", new="success-only"))
    expect_actor("change", record, "root", "peios-reg", REG)
    expect("in force", step.json("status")["taint_events"], "success-only")


@check("the package upgraded over itself: services restarted, nothing lost")
def upgraded(one, two):
    step = two["upgrade"]
    expect("dpkg", step.status["dpkg"], [0])
    pids = step.facts["pids"][0].split()
    expect("services", len(pids), 4)
    expect_true(f"restarted: {pids}", len(set(pids)) == 4 and "0" not in pids)
    expect("control", step.facts["control"], ["1", "2"])
    record = expect_one("change", step.records)
    expect("change", [record.get("old"), record.get("new")], ["success-only", "failure-only"])


@check("the package purged without a trace")
def purged(one, two):
    step = two["purge"]
    expect("dpkg", step.status["dpkg"], [0])
    expect("control", step.facts["control"], ["2"])
    expect("files", step.text("left"), "")
    expect("files in /run", step.text("run"), "")
    expect("units", step.text("units"), "")
    # The group has a member.
    expect("people", [line.split(":")[0] for line in step.lines.get("users", [])], ["peios-admin"])


@check("the package installed on the running system")
def installed(one, two):
    step = two["install"]
    expect("dpkg", step.status["dpkg"], [0])
    expect("services", step.lines["active"], ["active"] * 2)
    expect("control", step.facts["control"], ["3", "0"])
    expect_one("change", step.matching(op="changed-taint-audit-policy", new="disabled"))


def main():
    kernel, one, two = sys.argv[2], report.read(sys.argv[3]), report.read(sys.argv[4])
    failed = 0
    for n, boot in ((1, one), (2, two)):
        if "end-" not in boot:
            print(f"WRONG boot {n} did not come to its end; its last step was '{list(boot)[-1] if boot else 'none'}'")
            failed += 1
    for what, function in checks:
        problems.clear()
        try:
            function(one, two)
        except (KeyError, IndexError, ValueError) as error:
            problems.append(f"it was not reported: {error!r}")
        print(f"{'WRONG' if problems else 'ok   '} {what}")
        for problem in problems:
            print(f"      {problem}")
        failed += bool(problems)
        if not problems and "PEIOS_PROVED" in os.environ:
            with open(os.environ["PEIOS_PROVED"], "a", encoding="utf-8") as proved:
                proved.write(f"{kernel}\tsystemd, two boots\t{what}\n")
    sys.exit(1 if failed else 0)


main()
