/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* .reg and JSON through peios-reg: in, out, and in again without a change. */

#include "client.h"
#include "shell.h"

/* One of everything that .reg can say. */
#define SAMPLE                                                                                                   \
        "printf 'Windows Registry Editor Version 5.00\\r\\n\\r\\n[HKEY_LOCAL_MACHINE\\\\T]\\r\\n"                \
        "@=\"default\"\\r\\n\"Text\"=\"C:\\\\\\\\dir \\\\\"x\\\\\"\"\\r\\n\"D\"=dword:0000001f\\r\\n"            \
        "\"E\"=hex(2):25,00,41,00,25,00,00,00\\r\\n\"M\"=hex(7):61,00,00,00,\\\\\\r\\n  62,00,00,00,00,00\\r\\n" \
        "\"Q\"=hex(b):01,00,00,00,00,00,00,00\\r\\n\"B\"=hex:00,ff\\r\\n\"N\"=hex(0):\\r\\n\\r\\n"               \
        "[HKLM\\\\T\\\\Sub]\\r\\n' >a.reg; "

START_TEST(reg_is_imported)
{
        registryd_start(NULL);
        SHELL_SAYS(0, SAMPLE "reg import a.reg", "a.reg: 10 changed in layer base");
        shell_is(0, "reg get /T",
                "@ = REG_SZ default\nB = REG_BINARY 00ff\nD = REG_DWORD 31\nE = REG_EXPAND_SZ %A%\n"
                "M = REG_MULTI_SZ a, b\nN = REG_NONE\nQ = REG_QWORD 1\nText = REG_SZ C:\\dir \"x\"\n");
        SHELL_SAYS(0,
                "printf 'REGEDIT4\\n[HKLM\\\\T]\\n\"D\"=-\\n\"U\"=\"\\204\"\\n[-HKLM\\\\T\\\\Sub]\\n' >b.reg;"
                "reg import --encoding=CP850 b.reg",
                "b.reg: 3 changed in layer base");
        shell_is(0, "reg get /T U; reg ls /T | grep -c -e '^D ' -e Sub || :", "\xc3\xa4\n0\n");
}
END_TEST

START_TEST(bad_lines_are_named)
{
        registryd_start(NULL);
        SHELL_SAYS(4,
                "printf 'REGEDIT4\\n[HKLM\\\\T]\\n\"a\"=\"C:\\\\new\"\\n\"b\"=\"ok\"\\n[HKCU\\\\X]\\n"
                "\"c\"=dword:zz\\n' >a.reg; reg import a.reg",
                "a.reg:3:8: a single backslash", "a.reg:5:1: HKCU has no counterpart",
                "a.reg:6:11: `dword:` without a number", "3 bad entries; nothing is done");
        SHELL_SAYS(2, "reg get /T", "no such key");
        SHELL_SAYS(4, "reg import --keep-going a.reg", "a.reg:3:8:", "3 bad entries were left out");
        shell_is(0, "reg get /T", "b = REG_SZ ok\n");
}
END_TEST

/* The long name and the short one are the same root. */
START_TEST(roots_are_mapped)
{
        registryd_start(NULL);
        (void)shell_output(0,
                "printf 'REGEDIT4\n\n[HKEY_CURRENT_USER\\T]\n\"a\"=\"1\"\n\n[Other\\T]\n\"b\"=\"2\"\n' >a.reg");
        SHELL_SAYS(4, "reg import a.reg", "a.reg:3:1: HKEY_CURRENT_USER has no counterpart",
                "a.reg:6:1: `Other` is no root");
        SHELL_SAYS(0, "reg import --map=hkcu=/U/me --map=Other='\\O=1' a.reg", "a.reg: 7 changed");
        shell_is(0, "reg get /U/me/T a; reg get '\\O=1\\T' b", "1\n2\n");
        shell_is(0, "reg export --format=reg --map HKCU=/U/me Machine/U | grep -v ';'",
                "Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\U]\n\n[HKEY_CURRENT_USER]\n\n"
                "[HKEY_CURRENT_USER\\T]\n\"a\"=\"1\"\n\n");
        shell_is(0, "reg diff --map=HKCU=/U/me --map=Other=/O=1 a.reg live", "");
        SHELL_SAYS(1, "reg import --map=HKCU a.reg", "--map: 'HKCU' is no ROOT=KEY");
        SHELL_SAYS(1, "reg import --map='A\\B=/U' a.reg", "is no ROOT=KEY");
        SHELL_SAYS(1, "reg import --map=HKCU=/U --map=HKEY_Current_User=/V a.reg",
                "--map: HKEY_CURRENT_USER is given twice");
        SHELL_SAYS(1, "reg import $(seq -f --map=A%g=/U 17) a.reg", "--map is given more than 16 times");
        SHELL_SAYS(4, "reg import --map=HKCU=HKCR/x a.reg", "HKCR: a root of regedit");
}
END_TEST

/* Told by their contents, and no provider is there. */
START_TEST(documents_are_checked)
{
        SHELL_SAYS(4,
                "printf 'REGEDIT4\n[HKLM\\System\\Audit\\Modules]\n\"TaintEvents\"=\"on\"\n\"a\"=\"C:\\\\new\"\n"
                "[HKCU\\X]\n\"TaintEvent\"=-\n[HKU\\X]\n' >a; reg lint --root=root a",
                "a:4:8: a single backslash", "a:5:1: HKCU has no counterpart",
                "warning: a:3:1: \\System\\Audit\\Modules\\TaintEvents: its reader will refuse");
        SHELL_SAYS(4, "reg lint --root=root --json a",
                "[{\"file\":\"a\",\"ok\":false,\"errors\":[\"a:4:8: a single",
                "\",\"a:5:1:", "],\"warnings\":[\"a:3:1:");
        shell_is(0,
                "printf 'REGEDIT4\n[HKCU\\X]\n\"a\"=\"\204\"\n' >b; reg lint --root=root --map=HKCU=/U "
                "--encoding=CP850 b",
                "");
        SHELL_SAYS(1, "reg lint --root=root --map=HKCU b", "is no ROOT=KEY");
        SHELL_SAYS(4,
                "printf '{\"keys\": [\n{\"path\": \"Machine/T\", \"values\": [\n{\"name\": \"A\", \"type\": \"dword\", "
                "\"data\": \"x\"},\n{\"name\": \"B\", \"type\": \"no\", \"data\": 1}]}]}' >c; reg lint --root=root c",
                "c:3:", "c:4:");
        shell_is(0,
                "printf '{\"keys\": [{\"path\": \"Users/T\", \"values\": []}]}' | reg lint --root=root -",
                "");
        SHELL_SAYS(4,
                "{ printf 'REGEDIT4\\n[HKLM\\\\T]\\n'; yes x | head -n 1002; } >d; reg lint --root=root d",
                "d:3:1: not a line", "d:1002:1: not a line", "d: … and 2 more\n");
        /* In braces, and a drop-in file all the same. */
        SHELL_SAYS(4, "echo '{peios-registry: 1, keys: {}}' | reg lint --root=root -", "no `layer`");
}
END_TEST

/* In each form, for each reader. */
START_TEST(what_is_exported_changes_nothing)
{
        static const char *const ways[] = { "json", "reg --variant=windows", "reg --variant=utf8",
                "reg --variant=ascii", "reg --variant=regedit4", "yaml" };

        registryd_start(NULL);
        (void)shell_output(0, SAMPLE "reg import a.reg");
        for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
                SHELL_SAYS(0,
                        textf("reg export --format=%s Machine/T x && reg apply x && reg del -r /T >&2 && reg -q apply x && "
                              "reg export --format=%s Machine/T y && cmp x y",
                                ways[i], ways[i]),
                        "x: 0 changed in layer base");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { reg_is_imported, bad_lines_are_named, roots_are_mapped,
                documents_are_checked, what_is_exported_changes_nothing };
        return harness_main(tests, ARRAY_SIZE(tests));
}
