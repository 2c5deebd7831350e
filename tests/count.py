#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads Meson's testlog.json files; ends with one line `N passed, N failed, N skipped`.

A skipped test is named with what it said. With --no-skips a skip is a failure.
"""
import json
import sys


def main():
    strict = '--no-skips' in sys.argv[1:]
    counts = {'OK': 0, 'SKIP': 0}
    failed = 0
    for name in [a for a in sys.argv[1:] if not a.startswith('--')]:
        with open(name, encoding='utf-8') as log:
            for line in log:
                test = json.loads(line)
                result = test['result']
                if result in counts:
                    counts[result] += 1
                else:
                    failed += 1
                    print(f"failed: {test['name']} ({result})")
                if result == 'SKIP':
                    said = (test.get('stdout') or '') + (test.get('stderr') or '')
                    print(f"skipped: {test['name']}: {said.strip() or 'no reason given'}")
    print(f"{counts['OK']} passed, {failed} failed, {counts['SKIP']} skipped")
    return 1 if failed or (strict and counts['SKIP']) or not counts['OK'] else 0


if __name__ == '__main__':
    sys.exit(main())
