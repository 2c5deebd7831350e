#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Settings for a boot-time apply: settings.py DIRECTORY NUMBER

Finds so many controls of this network namespace (run.sh has made one of its own), and writes the same settings for
each program that applies some:
  root/etc/peios/    schema entries and a drop-in hive file
  sysctl.conf        for sysctl and systemd-sysctl
  bare               path=value
  reset              path=value, with what differs from the settings
"""

import os
import sys

TOP = '/proc/sys/net/ipv4', '/proc/sys/net/ipv6'
# Controls of others' at the same time, by another name too, or what the other rows write.
LEFT_OUT = ('/all/', 'forward', '_ms', '_bytes', 'flush', 'tcp_max_tw_buckets', 'tcp_max_syn_backlog',
            'igmp_max_memberships')


def write(path, text):
    with open(path, 'w', encoding='ascii') as f:
        f.write(text)


def read(path):
    with open(path, encoding='ascii') as f:
        return f.read().strip()


def takes(path):
    """The number to set, or None when the control does not simply hold what is written."""
    try:
        old = int(read(path))
        write(path, f'{old + 1}\n')
        held = int(read(path))
        write(path, f'{old}\n')
        return old + 1 if held == old + 1 and int(read(path)) == old else None
    except (OSError, ValueError):
        return None


def find(number):
    found = []
    for folder, _, files in sorted(entry for top in TOP for entry in os.walk(top)):
        for name in sorted(files):
            path = os.path.join(folder, name)
            if any(part in path for part in LEFT_OUT) or '.' in path:
                continue
            value = takes(path)
            if value is not None:
                found.append((path, value))
            if len(found) == number:
                return found
    sys.exit(f'settings.py: only {len(found)} of {number} controls were found')


ENTRY = '''    S{n:03}:
      type: REG_DWORD
      range: [0, 4294967295]
      apply: live
      description: Setting {n} of the benchmark.
      control:
        name: {name}
        encoding: number
        drift: report
        audit-op: changed-kernel-setting
'''


def main():
    where, number = sys.argv[1], int(sys.argv[2])
    settings = [(path, os.path.relpath(path, '/proc/sys').replace('/', '.'), value) for path, value in find(number)]

    for name in 'schema.d', 'registry.d':
        os.makedirs(f'{where}/root/etc/peios/{name}')
    write(f'{where}/root/etc/peios/schema.d/50-bench.yaml', 'peios-schema: 1\nkeys:\n  \\Bench:\n' + ''.join(
        ENTRY.format(n=n, name=name) for n, (_, name, _) in enumerate(settings)))
    write(f'{where}/root/etc/peios/registry.d/50-bench.yaml',
          'peios-registry: 1\nlayer: 50-bench\nprecedence: 10\nkeys:\n  \\Bench:\n' + ''.join(
              f'    S{n:03}: !dword {value}\n' for n, (_, _, value) in enumerate(settings)))
    write(f'{where}/sysctl.conf', ''.join(f'{name} = {value}\n' for _, name, value in settings))
    write(f'{where}/bare', ''.join(f'{path}={value}\n' for path, _, value in settings))
    write(f'{where}/reset', ''.join(f'{path}={value - 1}\n' for path, _, value in settings))


if __name__ == '__main__':
    main()
