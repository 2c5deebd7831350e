#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Row 10, what idle services cost: idle.py SECONDS NAME=PID…

A wake-up is a voluntary context switch of one of the process's threads. Names with a slash are compared: the part
behind it is the size of the store."""

import os
import sys
import time

SERVICE = 'peios-registryd'
TARGETS = {'10': 0.65, '100k': 0.25}


def field(path, name):
    with open(path, encoding='ascii', errors='replace') as f:
        for line in f:
            if line.startswith(name + ':'):
                return int(line.split()[1])
    raise KeyError(name)


def switches(pid):
    return {task: field(f'/proc/{pid}/task/{task}/status', 'voluntary_ctxt_switches')
            for task in os.listdir(f'/proc/{pid}/task')}


def wakeups(before, after):
    """A thread that has ended meanwhile is left out."""
    return sum(count - before.get(task, 0) for task, count in after.items())


def cpu_ms(pid):
    with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as f:
        fields = f.read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf('SC_CLK_TCK')


def memory(pid):
    path = f'/proc/{pid}/smaps_rollup'
    return field(path, 'Rss') / 1024, field(path, 'Pss') / 1024


def main():
    seconds = int(sys.argv[1])
    services = dict(argument.split('=') for argument in sys.argv[2:])
    before = {name: (switches(pid), cpu_ms(pid)) for name, pid in services.items()}
    time.sleep(seconds)
    found = {}
    print(f'\nrow 10: idle for {seconds} s\n  {"":42} {"wake-ups":>10} {"CPU ms":>10} {"RSS MB":>10} {"PSS MB":>10}')
    for name, pid in services.items():
        found[name] = (wakeups(before[name][0], switches(pid)), cpu_ms(pid) - before[name][1], *memory(pid))
        print('  {:42} {:10} {:10.0f} {:10.1f} {:10.1f}'.format(name, *found[name]))

    def show(what, most, value):
        print(f'  {what:66} target <= {most:<6.4g} {value:8.3f}  {"ok" if value <= most else "MISSED"}')

    for size, most in TARGETS.items():
        ours = found.get(f'{SERVICE}/{size}')
        if not ours:
            continue
        show(f'{SERVICE}/{size}, wake-ups', 0, ours[0])
        for peer in 'dconf-service', 'xfconfd':
            theirs = found.get(f'{peer}/{size}')
            if theirs:
                show(f'{SERVICE}/{size} / {peer}/{size}, RSS', most, ours[2] / theirs[2])
                show(f'{SERVICE}/{size} / {peer}/{size}, PSS', most, ours[3] / theirs[3])
            else:
                print(f'  {peer}/{size}: left out, not installed')


if __name__ == '__main__':
    main()
