#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes C source that holds the given files: embed.py OUTPUT FILE..."""

import os
import sys


def main():
    output, inputs = sys.argv[1], sys.argv[2:]
    lines = ['/* Made by embed.py. */', '#include "definitions/builtin.h"', '']
    for number, path in enumerate(inputs):
        with open(path, 'rb') as f:
            data = f.read()
        lines.append(f'static const unsigned char data_{number}[] = {{')
        for at in range(0, len(data), 20):
            lines.append('        ' + ', '.join(str(b) for b in data[at:at + 20]) + ',')
        lines.append('};')
    lines += ['', 'const struct schema_builtin schema_builtins[] = {']
    for number, path in enumerate(inputs):
        name = os.path.basename(path)
        lines.append(f'        {{ "built-in/{name}", data_{number}, sizeof(data_{number}) }},')
    lines += ['};', f'const size_t schema_n_builtins = {len(inputs)};']
    with open(output, 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
