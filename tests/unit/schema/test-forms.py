#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-forms.py SCHEMA REGMAN DEFINITIONS…: what is made of the definitions. The JSON Schema is one, takes the hive files that
are good, whether or not whoever reads them knows the tags, and refuses the others; each definition has its regman record."""
import json
import re
import sys

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f'SKIP: {missing}: python3-jsonschema and python3-yaml are needed', file=sys.stderr)
    sys.exit(77)


class Texts(yaml.BaseLoader):
    """All scalars are texts, as a reader that knows the tags has them."""


class Typed(yaml.SafeLoader):
    """A number is a number, as an editor without the tags may have it."""


def construct(loader, _suffix, node):
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(loader, Typed):
        plain = yaml.ScalarNode(loader.resolve(yaml.ScalarNode, node.value, (node.style is None, False)), node.value)
        return loader.construct_object(plain)
    return node.value


for loader_class in Texts, Typed:
    loader_class.add_multi_constructor('!', construct)

HEAD = 'peios-registry: 1\nlayer: 50-site\n'
GOOD = [
    HEAD,
    HEAD + 'precedence: 10\nenabled: false\nhives: [Users]\nkeys:\n',
    HEAD + 'keys:\n  \\System\\Process:\n    PidMax: !dword 400\n',
    HEAD + 'keys:\n  machine/system/PROCESS:\n    pidmax: !dword 0x190\n    Other: !multi [a, 2]\n',
    HEAD + 'keys:\n  \\System\\Audit\\Modules:\n    TaintEvents: !sz Success-Only\n    Accepted: !multi ["O reason=x"]\n',
    HEAD + 'keys:\n  \\System\\Audit\\Modules: !blanket\n    TaintEvents: !tombstone ""\n  \\System\\Old: !hidden\n',
    HEAD + 'keys:\n  \\System\\Audit:\n    KallsymsRestrict: !dword 2\n    "@": !sz 5\n  Users\\x:\n',
    HEAD + 'keys:\n  \\System\\Audit\\Metrics:\n    TextFile: !sz /run/x.prom\n',
    HEAD + 'keys:\n  \\System\\Old: !link\n    "@": !link Machine\\System\\New\n',
    HEAD + 'serial: 7\nexpires: "2026-01-31T10:00:00Z"\npercent: 10\n',
]
BAD = [
    '{}', 'peios-registry: 1\n', 'layer: x\n', HEAD + 'keyz: {}\n', 'peios-registry: 2\nlayer: x\n',
    'peios-registry: 1\nlayer: Base\n', HEAD + 'enabled: maybe\n', HEAD + 'precedence: high\n', HEAD + 'precedence: -1\n',
    HEAD + 'hives: Users\n', HEAD + 'expires: soon\n', HEAD + 'percent: most\n', HEAD + 'keys: [a]\n',
    HEAD + 'keys:\n  \\System\\Process:\n    PidMax: !dword many\n',
    HEAD + 'keys:\n  \\system/Process:\n    PIDMAX: !sz many\n',
    HEAD + 'keys:\n  \\System\\Audit\\Modules:\n    TaintEvents: !sz sometimes\n',
    HEAD + 'keys:\n  HKLM_no\\x: [1]\n  Machine\\System\\Audit\\Modules:\n    taintevents: !sz sometimes\n',
    HEAD + 'keys:\n  \\System\\Audit\\Modules:\n    Accepted: !sz O\n',
    HEAD + 'keys:\n  \\System\\Audit:\n    KallsymsRestrict: !dword 3\n',
    HEAD + 'keys:\n  \\System\\Audit: [a]\n',
]
# Of what a text cannot say: too small a number, or too large a one.
BAD_TYPED = [HEAD + 'keys:\n  \\System\\Process:\n    PidMax: !dword 300\n', HEAD + 'percent: 100\n', HEAD + 'percent: 0\n']


def check(schema, loader, texts, good):
    for text in texts:
        wrong = list(schema.iter_errors(yaml.load(text, loader)))
        if bool(wrong) == good:
            sys.exit(f'FAIL: {loader.__name__}: expected {"good" if good else "bad"}: {text}\n{wrong}')


def check_schema(path):
    with open(path, encoding='utf-8') as f:
        document = json.load(f)
    validator = jsonschema.validators.validator_for(document)
    assert document['$schema'] == validator.META_SCHEMA['$schema'], document['$schema']
    validator.check_schema(document)
    schema = validator(document)
    for loader in Texts, Typed:
        check(schema, loader, GOOD, True)
        check(schema, loader, BAD, False)
    check(schema, Typed, BAD_TYPED, False)
    return document


def check_regman(path, definitions):
    with open(path, encoding='utf-8') as f:
        records = re.split(r'^--- ', f.read(), flags=re.M)
    assert records[0] == '', 'nothing stands before the first record'
    found = {}
    for record in records[1:]:
        head, _, rest = record.partition('\n')
        fields, _, prose = rest.partition('\n\n')
        names = [line.partition(': ')[0] for line in fields.split('\n')]
        assert names == ['canonical', 'type', 'default', 'valid', 'applies'], (head, names)
        canonical = fields.split('\n')[0].partition(': ')[2]
        assert head == canonical.lower(), (head, canonical)
        found[canonical] = (dict(line.split(': ', 1) for line in fields.split('\n')), prose)
    n = 0
    for path in definitions:
        with open(path, encoding='utf-8') as f:
            keys = yaml.load(f, Texts)['keys']
        for key, values in keys.items():
            for name, entry in values.items():
                fields, prose = found[f'Machine{key} {name}']
                n += 1
                assert fields['type'] == entry['type'], (name, fields)
                assert fields['default'] == (entry.get('default', '(none)') or '(empty)'), (name, fields)
                assert fields['applies'] == entry.get('apply', 'live'), (name, fields)
                assert prose.startswith(entry['description']), (name, prose)
                for choice, what in entry.get('choices', {}).items():
                    assert f'\n{choice}: {what["meaning"]}\n' in prose, (name, choice)
    assert n == len(found), (n, len(found))


check_schema(sys.argv[1])
check_regman(sys.argv[2], sys.argv[3:])
