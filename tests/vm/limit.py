#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""limit.py SECONDS COMMAND…: ends the command when it has had so many seconds, and then with 124.

Seconds in which it was ready to run and no processor was free do not count: on a machine that has other work a program
takes as long as that work lets it, and that is no reason to end it.
"""
import os
import signal
import subprocess
import sys
import time

LOOK_SECONDS = 0.5
END_SECONDS = 10


def look(pid):
    """For each thread: whether it is ready or runs, and the seconds that it ran and that it waited for a processor. What a
    thread waits is not in the last number before it runs again."""
    threads = {}
    for thread in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{thread}/stat', encoding='utf-8', errors='replace') as text:
            state = text.read().rpartition(')')[2].split()[0]
        with open(f'/proc/{pid}/task/{thread}/schedstat', encoding='ascii') as text:
            ran, waited = [int(n) / 1e9 for n in text.read().split()[:2]]
        threads[thread] = (state == 'R', ran, waited)
    return threads


def counted(before, after, seconds):
    """Of so many seconds those that the process had: what its busiest thread ran, where one is ready; else all but what the
    one that was held up longest waited."""
    both = [(before[thread], after[thread]) for thread in after if thread in before]
    if any(ready for ready, _, _ in after.values()):
        return max((now[1] - then[1] for then, now in both), default=0)
    return max(0, seconds - max((now[2] - then[2] for then, now in both), default=0))


def end(child):
    child.terminate()
    try:
        child.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def main():
    limit, command = float(sys.argv[1]), sys.argv[2:]
    had, then, threads = 0, time.monotonic(), {}
    with subprocess.Popen(command) as child:
        signal.signal(signal.SIGTERM, lambda *_: (end(child), sys.exit(143)))
        while had < limit:
            try:
                status = child.wait(LOOK_SECONDS)
                return status if status >= 0 else 128 - status
            except subprocess.TimeoutExpired:
                pass
            now = time.monotonic()
            try:
                before, threads = threads, look(child.pid)
                had += counted(before, threads, now - then)
            except OSError:
                had += now - then  # a thread ended meanwhile, or the kernel does not count
            then = now
        end(child)
        print(f'{command[0]} was ended: it had {had:.0f} s', file=sys.stderr)
    return 124


if __name__ == '__main__':
    sys.exit(main())
