#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rules of the tree's layout, checked by reading the sources. Each breach is a line that says which rule it is.

    up        includes point down only: schema < registry-provider < service
    private   a private header (*-internal.h) has at most two includers
    short     no .c file has less than 60 lines, but *-none.c, main.c, what is generated, and what SHORT names
    long      no file has more than 600 lines
    name      what a .c file defines for others begins with the first word of the file's name, or with its folder's
              name, or with that of a header beside it that declares it or of a struct in there; a plural counts as
              its singular
    twice     no two folders have files of one base name, but main

Usage: house.py [--numbers] [ROOT]. It first tries itself on a scratch tree, where each rule is broken once."""

import collections
import os
import re
import sys
import tempfile

FLOORS = ['schema', 'registry-provider', 'service']
SHORT_LINES, LONG_LINES, PRIVATE_INCLUDERS = 60, 600, 2

# Short files with a reason to be files.
SHORT = {
    'find-memmem.c': 'one of two ways to search; the machine decides',
    'find-sse2.c': 'one of two ways to search; the machine decides',
    'policyd-options.c': 'a table, which the program that makes files of it links',
    'registryd-options.c': 'a table, which the program that makes files of it links',
    'privileges.c': 'two calls that the C library lacks',
    'sha256-nettle.c': 'one half of an option',
}

# Breaches that are known and not mended yet, a rule each: "what" of the breach.
KNOWN = {
    'up': set(),
    'private': {
        'manager-internal.h', 'registry-bus-internal.h', 'registry-internal.h', 'store-internal.h',
        'subscriptions-internal.h',
    },
    'short': {
        'change.c', 'clock.c', 'crc32c.c', 'guid.c', 'privileges.c', 'report.c', 'running.c',
    },
    'long': set(),
    'name': set("""
        append_actor append_author append_event_list bind_data bind_guid bind_text bind_u64 check_metadata
        clear_problem column_guid column_u64 complain count_answer find_key flush_overflows follow_layers
        format_entry format_event format_key format_nuls utf8_put_safe format_time format_typed
        format_value_path inference_surprises is_oversized_number is_regedit_number key_word_check
        key_word_trim keys_register load_dropins looks_typed method_get method_get_many method_history
        method_info method_list method_preview method_resolve method_write property_hives property_layers
        property_problems property_sequence property_subscriptions property_version read_failed rows_delete
        rows_delete_file rows_have_value_of_sequence rows_put_blanket rows_put_entry rows_put_file
        rows_put_key rows_put_sd rows_put_time rows_put_value rows_run rows_take_layer rows_was_file
        split_value_word take_event_room take_room warn wire_bytes
        """.split()),
    'twice': {
        'history', 'layers', 'names', 'policy', 'problems', 'report',
    },
}

INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
# A function or object that begins at the line's start and is not static.
FUNCTION = re.compile(r'^(?!static|typedef|extern|DEFINE_)((?:[A-Za-z_]\w*[ *]+)(?:[A-Za-z_]\w*(?:\([^()]*\))?[ *]+)*)(\w+)'
                      r'\([^;{}]*\)\n?\s*\{', re.M)
OBJECT = re.compile(r'^(?!static|typedef|extern|return|goto|SEC)(?:const |_Thread_local |volatile )*(?:struct \w+|enum \w+|[a-z_]\w*)'
                    r'[ *]+(?:const )?(\w+)(?:\[[^\]]*\])*(?: = [^;]*|);', re.M)


STRUCT = re.compile(r'^struct (\w+)(?: \{|;)', re.M)


class Tree:
    def __init__(self, root):
        self.text = {}
        for floor in FLOORS:
            for folder, _, names in os.walk(os.path.join(root, floor)):
                for name in names:
                    if name.endswith(('.c', '.h')):
                        path = os.path.join(folder, name)
                        with open(path, encoding='utf-8') as f:
                            self.text[os.path.relpath(path, root)] = f.read()

    def lines(self, path):
        return self.text[path].count('\n')

    def files(self, *endings):
        return sorted(f for f in self.text if f.endswith(endings))

    def included(self, path):
        """The files of the tree that this one includes; a path is from the file's folder or from the root."""
        for name in INCLUDE.findall(self.text[path]):
            for there in os.path.normpath(os.path.join(os.path.dirname(path), name)), name:
                if there in self.text:
                    yield there
                    break


def floor_of(path):
    return FLOORS.index(path.split('/')[0])


def breaches_up(tree):
    for f in tree.files('.c', '.h'):
        for h in tree.included(f):
            if floor_of(h) > floor_of(f):
                yield os.path.basename(h), f'{f} includes {h}'


def includers(tree):
    result = {h: set() for h in tree.files('-internal.h')}
    for f in tree.files('.c', '.h'):
        for h in tree.included(f):
            if h in result:
                result[h].add(f)
    return result


def breaches_private(tree):
    for h, by in includers(tree).items():
        if len(by) > PRIVATE_INCLUDERS:
            yield os.path.basename(h), f'{h} is included by {len(by)} files'


def breaches_short(tree):
    for f in tree.files('.c'):
        base = os.path.basename(f)
        if base == 'main.c' or base.endswith('-none.c') or base in SHORT or 'Generated by' in tree.text[f][:400]:
            continue
        if tree.lines(f) < SHORT_LINES:
            yield base, f'{f} has {tree.lines(f)} lines'


def breaches_long(tree):
    for f in tree.files('.c', '.h'):
        if tree.lines(f) > LONG_LINES:
            yield os.path.basename(f), f'{f} has {tree.lines(f)} lines'


def singular(word):
    return word[:-1] if word.endswith('s') else word


def first_word(path):
    return singular(re.split(r'[-._]', os.path.basename(path))[0])


def definitions(tree, path):
    """Names that a .c file defines for others."""
    text = re.sub(r'/\*.*?\*/', '', tree.text[path], flags=re.S)
    for m in FUNCTION.finditer(text):
        if m.group(2) not in ('main', 'if', 'for', 'while', 'switch') and 'static' not in m.group(1).split():
            yield m.group(2)
    for m in OBJECT.finditer(text):
        yield m.group(1)


def breaches_name(tree):
    beside = collections.defaultdict(list)
    for h in tree.files('.h'):
        beside[os.path.dirname(h)].append(h)
    for f in tree.files('.c'):
        if f.endswith('.bpf.c'):
            continue
        folder = os.path.dirname(f)
        for name in definitions(tree, f):
            words = {first_word(f), singular(os.path.basename(folder))}
            for h in beside[folder]:
                if re.search(rf'\b{name}\b', tree.text[h]):
                    words |= {first_word(h), *(first_word(s) for s in STRUCT.findall(tree.text[h]))}
            if singular(name.split('_')[0]) not in words:
                yield name, f'{f} defines {name}'


def breaches_twice(tree):
    folders = collections.defaultdict(set)
    for f in tree.files('.c', '.h'):
        folders[os.path.basename(f).rsplit('.', 1)[0]].add(os.path.dirname(f))
    for base, where in sorted(folders.items()):
        if len(where) > 1 and base != 'main':
            yield base, f'{base} is in {", ".join(sorted(where))}'


RULES = {
    'up': breaches_up, 'private': breaches_private, 'short': breaches_short,
    'long': breaches_long, 'name': breaches_name, 'twice': breaches_twice,
}


def check(tree, known):
    return [f'{rule}: {text}' for rule, find in RULES.items() for what, text in find(tree) if what not in known[rule]]


def try_itself():
    """On a tree in which every rule is broken once, and on one in which none is."""
    body = '\n' * SHORT_LINES
    good = {
        'schema/base/buf.h': 'void buf_done(void);\n',
        'schema/base/buf.c': '#include "buf.h"\nvoid buf_done(void)\n{\n}\nstatic int any(void)\n{\n}\n' + body,
        'schema/values/number.c': 'const int value_max = 1;\n' + body,
        'service/main.c': '#include "../schema/base/buf.h"\n',
        'service/x/bpf-none.c': '',
        'service/x/x-internal.h': '',
        'service/x/x.c': '#include "x-internal.h"\n' + body,
    }
    bad = {
        'up': {'schema/base/up.h': '#include "../../service/x/x-internal.h"\n'},
        'private': {f'service/x/x{i}.c': '#include "x-internal.h"\n' + body for i in range(2)},
        'short': {'service/x/x-short.c': '\n'},
        'long': {'service/x/x-long.h': '\n' * (LONG_LINES + 1)},
        'name': {'service/x/x-name.c': '_must_check_ int other(int a,\n        int b)\n{\n}\n' + body},
        'twice': {'service/y/buf.h': ''},
    }
    bad_object = {'service/x/x-name.c': 'struct a *const other[2] = { 0 };\n' + body}
    nothing = {rule: set() for rule in RULES}
    for rule, more in [(None, {}), *bad.items(), ('name', bad_object)]:
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**good, **more}.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), 'w', encoding='utf-8') as f:
                    f.write(text)
            found = check(Tree(root), nothing)
        if [f.split(':')[0] for f in found] != ([rule] if rule else []):
            sys.exit(f'house.py: on a tree that breaks {rule or "no rule"} it found {found}')


def function_lengths(tree):
    for f in tree.files('.c'):
        begin = None
        lines = tree.text[f].split('\n')
        for i, line in enumerate(lines):
            if line == '{' or re.match(r'^[A-Za-z_].*\) ?\{$', line):
                begin = i
            elif line == '}' and begin is not None:
                yield i - begin + 1
                begin = None


def spread(values):
    values = sorted(values)
    return f'{len(values)}: median {values[len(values) // 2]}, p90 {values[len(values) * 9 // 10]}, max {values[-1]}'


def numbers(tree):
    files = tree.files('.c', '.h')
    print('files', len(files), 'lines', sum(map(tree.lines, files)))
    for floor in FLOORS:
        there = [f for f in files if f.startswith(floor + '/')]
        print(f'  {floor}: {len(there)} files, {sum(map(tree.lines, there))} lines')
    print('lines of .c files', spread(map(tree.lines, tree.files('.c'))))
    print('lines of functions', spread(function_lengths(tree)))
    print('includes that point up', len(list(breaches_up(tree))))
    for h, by in includers(tree).items():
        print(f'private header {h}: {len(by)} includers')
    defined = [n for f in tree.files('.c') for n in definitions(tree, f)]
    odd = sorted({name for name, _ in breaches_name(tree)})
    print(f'names for others: {len(defined)}, without their module\'s: {len(odd)}', *odd)


def main():
    arguments = [a for a in sys.argv[1:] if a != '--numbers']
    tree = Tree(arguments[0] if arguments else os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
    if '--numbers' in sys.argv:
        numbers(tree)
        return
    try_itself()
    found = check(tree, KNOWN)
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


main()
