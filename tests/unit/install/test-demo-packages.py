#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The demonstration installs no service: no package of its list, nor any that one of them depends on, brings one that
Debian does not have anyway."""
import re
import subprocess
import sys

SERVICE = re.compile(r'^(/usr)?/lib/systemd/system/[^/]+\.(service|socket|timer)$|^/etc/init\.d/.')


def ask(*arguments):
    done = subprocess.run(['dpkg-query', *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
                          encoding='utf-8')
    return done.stdout


def listed(path):
    with open(path, encoding='utf-8') as text:
        return [line.split('#')[0].strip() for line in text if line.split('#')[0].strip()]


def needed_by(names):
    """All that NAMES depend on and that is here, with the priority of each."""
    found = {}
    names = list(names)
    while names:
        name = names.pop()
        state, priority, depends = (ask('-W', '-f=${db:Status-Status}\t${Priority}\t${Pre-Depends}, ${Depends}\n', name)
                                    .split('\n')[0] + '\t\t').split('\t')[:3]
        if state != 'installed' or name in found:
            continue
        found[name] = priority
        names += [word.split()[0].split(':')[0] for word in re.split('[,|]', depends) if word.strip()]
    return found


def main():
    wanted = listed(sys.argv[1])
    if not ask('-W', '-f=.', 'dpkg'):
        print('SKIP: dpkg knows of nothing here, so the packages of the demonstration were not looked at', file=sys.stderr)
        return 77
    packages = needed_by(wanted)
    missing = [name for name in wanted if name not in packages]
    if missing:
        print('SKIP: not installed, so not looked at:', *missing, file=sys.stderr)
        return 77
    failed = 0
    for name, priority in sorted(packages.items()):
        if priority in ('required', 'important'):
            continue
        for file in ask('-L', name).split('\n'):
            if SERVICE.match(file):
                print(f'{name} brings {file}', file=sys.stderr)
                failed = 1
    return failed


if __name__ == '__main__':
    sys.exit(main())
