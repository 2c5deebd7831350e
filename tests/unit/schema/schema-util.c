/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "schema-util.h"

#include <check.h>
#include <string.h>

const struct schema_value *schema_util_find(const struct schema *s, const char *key, const char *name)
{
        _cleanup_path_ struct path path = { 0 };
        ck_assert_int_eq(path_parse(key, strlen(key), NULL, NULL, &path, NULL), 0);
        return schema_find(s, &path, name);
}

const struct schema_value *schema_util_need(const struct schema *s, const char *key, const char *name)
{
        const struct schema_value *sv = schema_util_find(s, key, name);
        if (!sv)
                ck_abort_msg("no %s %s", key, name);
        return sv;
}

struct schema *schema_util_load(const char *text)
{
        struct diag d = { 0 };
        struct schema *s = calloc(1, sizeof(*s));
        ck_assert_ptr_nonnull(s);
        int r = schema_add(s, "t", text, strlen(text), &d);
        ck_assert_msg(r == 0, "%s", d.text);
        return s;
}

const char schema_util_types[] = SCHEMA_HEAD
        "  \\T:\n"
        "    String: {type: REG_SZ, description: d}\n"
        "    Line: {type: sz, description: d, control: {name: a.b, encoding: string}}\n"
        "    Expand: {type: REG_EXPAND_SZ, default: '%X%', description: d, apply: restart}\n"
        "    Dword: {type: REG_DWORD, description: d, default: 0x10, apply: reboot}\n"
        "    Big: {type: dword-be, description: d, default: 258, range: [0, 300]}\n"
        "    Qword: {type: qword, description: d, default: 18446744073709551615,\n"
        "      control: {name: net.ipv4.conf.eth0/1.x, encoding: number, audit-off: 0x0}}\n"
        "    Switch: {type: dword, description: d, default: 1, choices: {0x0: {meaning: off}, 1: {meaning: on}}}\n"
        "    Word: {type: sz, description: d, control: {name: a.c, encoding: choice},\n"
        "      choices: {'Ja': {control: y, meaning: m}, nein: {control: n, meaning: m}}}\n"
        "    Known: {type: multi, description: d, default: '', items: accepted-taint}\n"
        "    Words: {type: multi, description: d, default: '', items: word}\n"
        "    \"@\": {type: sz, description: d}\n";
