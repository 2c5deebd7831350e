#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Row 11: `taint scan` against `grep -F` over the same bytes, in turn; the median of each and their ratio.

    row11.py [--size MiB] [--rounds N] [--limit RATIO] [--dir DIR] PEIOS_AUDITPOL

The log is made of lines as the kernel writes them, one report in about 1,300 lines. Both programs write into a pipe:
grep stops at the first hit where its output is /dev/null. The exit status is 1 where the ratio is over the limit."""
import argparse
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

ORDINARY = """usb 1-1: new high-speed USB device number 32 using xhci_hcd
EXT4-fs (sda1): mounted filesystem with ordered data mode. Opts: (null)
audit: type=1400 audit(1600000000.123:45): apparmor="STATUS" operation="profile_load" profile="unconfined" pid=612
e1000e 0000:00:1f.6 eth0: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx
nf_conntrack version 0.5.0 (65536 buckets, 262144 max)
CPU0: Core temperature above threshold, cpu clock throttled (total events = 1234)
docker0: port 1(vethab12) entered forwarding state
ata1.00: status: { DRDY }
RIP: 0010:__list_add_valid+0x64/0x70
 ? __alloc_pages_nodemask+0x14c/0x2a0
 do_syscall_64+0x5b/0x1a0
RAX: 0000000000000075 RBX: ffff8881045e7c00 RCX: 0000000000000000
Out of memory: Killed process 4711 (java) total-vm:12345678kB, anon-rss:2345678kB
perf: interrupt took too long (2501 > 2500), lowering kernel.perf_event_max_sample_rate to 79750
TCP: request_sock_TCP: Possible SYN flooding on port 443. Sending cookies.
nvidia: module license 'NVIDIA' taints kernel.""".split("\n")
REPORTS = [
    "Modules linked in: nvidia(POE) vboxdrv(OE) ext4 btrfs xfs\n"
    "[%12.6f] CPU: 3 PID: 4711 Comm: kworker/3:1 Tainted: P        W  OE     5.15.0-56-generic #62-Ubuntu",
    "Modules linked in: zfs(PO) spl(O) ext4\n[%12.6f] CPU: 0 UID: 0 PID: 1 Comm: init Tainted: P           O       "
    "6.12.35 #1-NixOS",
    "CPU: 1 PID: 42 Comm: bash Not tainted 6.1.0-13-amd64 #1\n[%12.6f] Hardware name: QEMU",
    "CPU: 2 PID: 77 Comm: java Tainted: G           OE    --------- -  - 4.18.0-348.el8.x86_64 #1\n"
    "[%12.6f] Call Trace:",
]


def write_log(path, size):
    """Writes the same log each time."""
    rng = random.Random(11)
    stamp = 0.0
    lines = []
    for _ in range(200_000):
        stamp += rng.random() / 100
        if rng.random() < 1 / 1300:
            lines.append("[%12.6f] " % stamp + rng.choice(REPORTS) % (stamp + 0.000001))
        else:
            lines.append("[%12.6f] " % stamp + rng.choice(ORDINARY))
    part = ("\n".join(lines) + "\n").encode()
    with open(path, "wb") as log:
        while log.tell() < size:
            log.write(part[:size - log.tell()])


def run(command):
    """Wall-clock seconds; the output is read to its end."""
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    taken = time.perf_counter() - start
    if done.returncode != 0 or not done.stdout:
        sys.exit(f"{command[0]}: exit status {done.returncode}")
    return taken


def main():
    """Prints one line for each program, and the row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--limit", type=float, default=0.5)
    parser.add_argument("--dir")
    parser.add_argument("program")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.dir) as folder:
        log = str(pathlib.Path(folder) / "kern.log")
        write_log(log, arguments.size << 20)
        lanes = {
            "peios-auditpol": [arguments.program, "taint", "scan", "--json", log],
            "grep -F": ["grep", "-cF", "taint", log],
        }
        times = {name: [] for name in lanes}
        for turn in range(arguments.rounds + 1):
            for name, command in lanes.items():
                taken = run(command)
                if turn > 0:  # the first fills the page cache
                    times[name].append(taken)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    for name, taken in medians.items():
        print(f"11  scan {arguments.size} MiB  {name:16} {taken:8.3f} s  {arguments.size / taken:8.0f} MiB/s")
    ratio = medians["peios-auditpol"] / medians["grep -F"]
    print(f"11  ratio {ratio:.2f} (at most {arguments.limit}): grep's speed times {1 / ratio:.2f}")
    return 0 if ratio <= arguments.limit else 1


if __name__ == "__main__":
    sys.exit(main())
