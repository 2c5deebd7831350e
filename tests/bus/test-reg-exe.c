/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands that are called as reg.exe's are, with its options. What query has to print is what reg.exe
 * prints for the same contents. */

#include "client.h"
#include "shell.h"

/* The questions that a terminal gets, answered. */
#define ON_TERMINAL(answer, words) "echo " answer " | script -qec \"$PEIOS_REG " words "\" /dev/null"

START_TEST(add_sets_values)
{
        SHELL_SAYS(0, "reg add 'HKLM\\T' /v Name /t REG_SZ /d 'some text' /f",
                "set \\T  Name = REG_SZ some text   (layer base, ");
        SHELL_SAYS(0, "reg add /T/Sub /V Name /D 5", "set \\T\\Sub  Name = REG_SZ 5 ");
        SHELL_SAYS(0, "reg add '\\T' /v N /t reg_dword /d 0x10", "N = REG_DWORD 16 ");
        SHELL_SAYS(0, "reg add '\\T' /v L /t REG_DWORD_LITTLE_ENDIAN /d 7", "L = REG_DWORD 7 ");
        SHELL_SAYS(0, "reg add '\\T' /v Q /t REG_QWORD /d 5000000000 /reg:64", "Q = REG_QWORD 5000000000 ");
        SHELL_SAYS(0, "reg add '\\T' /v B /t REG_BINARY /d 00ffA0", "B = REG_BINARY 00ffa0 ");
        SHELL_SAYS(0, "reg add '\\T' /v E /t REG_EXPAND_SZ /d '%PATH%'", "E = REG_EXPAND_SZ %PATH% ");
        SHELL_SAYS(0, "reg add '\\T' /v M /t REG_MULTI_SZ /d 'a,b\\0c\\d\\0'; reg get /T M",
                "M = REG_MULTI_SZ ", "\na,b\nc\\d\n");
        SHELL_SAYS(0, "reg add '\\T' /v M2 /t REG_MULTI_SZ /s '#' /d 'a#b'; reg get /T M2", "\na\nb\n");
        /* What begins with a slash or a dash is an argument where one is due. */
        SHELL_SAYS(0, "reg add '\\T' /v /x /d -5", "/x = REG_SZ -5 ");
        SHELL_SAYS(0, "reg add '\\T' /ve /d d", "set \\T  @ = REG_SZ d ");
        SHELL_SAYS(0, "reg add '\\T' /v @ /d at", "set \\T  @@ = REG_SZ at ");
        /* No data. */
        SHELL_SAYS(0, "reg add '\\T' /v None /t REG_DWORD", "None = REG_DWORD 0 ");
        SHELL_SAYS(0, "reg add '\\T' /v Empty", "Empty = REG_SZ ");
        SHELL_SAYS(0, "reg add '\\T' /v EmptyList /t REG_MULTI_SZ; reg get /T EmptyList | wc -c", "0\n");
        SHELL_SAYS(0, "reg add --layer=base --dry-run '\\T' /v Dry /d x", "dry run: nothing is written");
        ck_assert_str_eq(get_text(world.bus, "\\T", "Dry"), "-");
}
END_TEST

START_TEST(add_makes_keys)
{
        SHELL_SAYS(0, "reg add 'HKLM\\T\\Sub'", "new \\T\\Sub ");
        shell_is(0, "reg add 'HKLM\\T\\Sub' /f; reg get /T/Sub", "");
        SHELL_SAYS(0, "reg add '\\T' /d x", "set \\T  @ = REG_SZ x ");
}
END_TEST

START_TEST(add_refuses)
{
        set_string(world.bus, "\\T", "V", "old");
        SHELL_SAYS(1, "reg add '\\T' /v V /d new </dev/null",
                "replace \\T\\V: nothing is done: there is no terminal to ask on, and /f does it without asking\n");
        ck_assert_str_eq(get_text(world.bus, "\\T", "V"), "old base");
        SHELL_SAYS(1, ON_TERMINAL("n", "add HKLM\\\\\\\\T /v V /d new"), "replace \\T\\V? [y/N]",
                "nothing is done");
        ck_assert_str_eq(get_text(world.bus, "\\T", "V"), "old base");
        SHELL_SAYS(0, ON_TERMINAL("y", "add HKLM\\\\\\\\T /v V /d new"), "replace \\T\\V? [y/N]",
                "V = REG_SZ new ");
        SHELL_SAYS(0, "reg add '\\T' /v V /d newer /F", "V = REG_SZ newer ");
        SHELL_SAYS(0, "reg add '\\T' /v V /d newest -y", "V = REG_SZ newest ");
        SHELL_SAYS(1, "reg add '\\T' /v V /ve", "add: only one of /v, /ve can be given");
        SHELL_SAYS(1, "reg add '\\T' /v V /v W", "add: /v is given twice");
        SHELL_SAYS(1, "reg add '\\T' /v", "/v needs an argument: NAME");
        SHELL_SAYS(1, "reg add '\\T' /va", "add: there is no option '/va'");
        SHELL_SAYS(1, "reg add '\\T' /t REG_NOPE /d x", "peios-reg: /t: there is no type 'REG_NOPE'");
        SHELL_SAYS(1, "reg add '\\T' /v X /s , /d x", "/s is what is between the items of a REG_MULTI_SZ");
        SHELL_SAYS(4, "reg add '\\T' /v X /t REG_DWORD /d x", "x");
        /* What their reader would refuse is refused here, too; a default is no value that would be replaced.
         */
        SHELL_SAYS(4, "reg add '" MODULES "' /v TaintEvents /d on /f", "its reader would refuse it");
        SHELL_SAYS(0, "reg add '" MODULES "' /v TaintEvents /d disabled", "TaintEvents = REG_SZ disabled ");
        SHELL_SAYS(0, "reg add '" MODULES "' /v TaintEvents /d on /f --force", "its reader will refuse it");
}
END_TEST

START_TEST(query_prints_as_reg_exe)
{
        (void)shell_output(0,
                "reg add 'HKLM\\T' /v Test1 /d 'Hello, World'; reg add 'HKLM\\T' /v Test2 /t REG_DWORD /d 0x123");
        shell_is(0, "reg query 'HKLM\\T'",
                "\nHKEY_LOCAL_MACHINE\\T\n    Test1    REG_SZ    Hello, World\n    Test2    REG_DWORD    0x123\n\n");
        shell_is(0, "reg query '\\T' /v test1",
                "\nHKEY_LOCAL_MACHINE\\T\n    Test1    REG_SZ    Hello, World\n\n");
        (void)shell_output(0, "reg add 'HKLM\\T\\subkey' /v Test1 /d second");
        shell_is(0, "reg query 'HKLM\\T\\'",
                "\nHKEY_LOCAL_MACHINE\\T\n    Test1    REG_SZ    Hello, World\n    Test2    REG_DWORD    0x123\n\n"
                "HKEY_LOCAL_MACHINE\\T\\subkey\n");
        shell_is(0, "reg query 'HKLM\\T' /s",
                "\nHKEY_LOCAL_MACHINE\\T\n    Test1    REG_SZ    Hello, World\n    Test2    REG_DWORD    0x123\n\n"
                "HKEY_LOCAL_MACHINE\\T\\subkey\n    Test1    REG_SZ    second\n\n");
        shell_is(0, "reg query 'HKLM\\T' /v Test1 /s",
                "\nHKEY_LOCAL_MACHINE\\T\n    Test1    REG_SZ    Hello, World\n\n"
                "HKEY_LOCAL_MACHINE\\T\\subkey\n    Test1    REG_SZ    second\n\n"
                "End of search: 2 match(es) found.\n");
        (void)shell_output(0, "reg add 'HKLM\\K\\a'; reg add 'HKLM\\K\\b'");
        shell_is(0, "reg query 'HKLM\\K'", "\nHKEY_LOCAL_MACHINE\\K\\a\nHKEY_LOCAL_MACHINE\\K\\b\n");
        shell_is(0, "reg query 'HKLM\\K' /s", "\nHKEY_LOCAL_MACHINE\\K\\a\n\nHKEY_LOCAL_MACHINE\\K\\b\n\n");
        SHELL_SAYS(0, "reg query HKLM", "\nHKEY_LOCAL_MACHINE\\K\n");
}
END_TEST

START_TEST(query_shows_data)
{
        (void)shell_output(0,
                "reg set /T @ d; reg set /T b hex:00ffa0; reg set /T c multi:a,b; reg set /T e qword:5000000000;"
                "reg set /T f dword-be:16; reg set /T g 'expand:%X%'; reg set /T h none:; reg set /T i 0x1:ff");
        shell_is(0, "reg query '\\T'",
                "\nHKEY_LOCAL_MACHINE\\T\n"
                "    (Default)    REG_SZ    d\n"
                "    b    REG_BINARY    00FFA0\n"
                "    c    REG_MULTI_SZ    a\\0b\n"
                "    e    REG_QWORD    0x12a05f200\n"
                "    f    REG_DWORD_BIG_ENDIAN    0x10\n"
                "    g    REG_EXPAND_SZ    %X%\n"
                "    h    REG_NONE    \n"
                "    i    REG_SZ    FF\n\n");
        SHELL_SAYS(0, "reg query '\\T' /v c /se '; '", "    c    REG_MULTI_SZ    a; b\n");
        SHELL_SAYS(0, "reg query '\\T' /ve", "    (Default)    REG_SZ    d\n");
        SHELL_SAYS(0, "reg query '\\T' /t REG_BINARY", "\\T\n    b    REG_BINARY    00FFA0\n\n");
        SHELL_SAYS(0, "reg add '\\U'; reg query '\\U' /ve",
                "\\U\n    (Default)    REG_SZ    (value not set)\n\n");
        shell_is(0, "reg query '\\T' /v e /Z; reg query '\\U' /ve /z",
                "\nHKEY_LOCAL_MACHINE\\T\n    e    REG_QWORD (11)    0x12a05f200\n\n"
                "\nHKEY_LOCAL_MACHINE\\U\n    (Default)    REG_SZ (1)    (value not set)\n\n");
        /* A default of the schema is no value. */
        SHELL_SAYS(0, "reg set /System/Audit/Modules Other x; reg query '" MODULES "'",
                "\n    Other    REG_SZ    x\n\n");
        SHELL_SAYS(2, "reg query '" MODULES "' /v TaintEvents",
                "\\System\\Audit\\Modules: no value 'TaintEvents' is set\n");
        SHELL_SAYS(2, "reg query '\\None'", "no such key");
        SHELL_SAYS(0, "reg query --json '\\T' /v c", "\"name\":\"c\"", "[\"a\",\"b\"]");
        SHELL_SAYS(0, "reg query --json '\\T'", "\"path\":\"Machine\\\\T\"", "\"values\":[{\"name\":\"@\"");
        SHELL_SAYS(1, "reg query --json '\\T' /f x", "--json is for a key");
}
END_TEST

START_TEST(query_finds)
{
        (void)shell_output(0,
                "reg add '\\T\\Color' /v Shade /d red; reg add '\\T\\x' /v color /d blue;"
                "reg add '\\T\\y' /v z /d 'the colour [a]'; reg add '\\T\\y' /v n /t REG_DWORD /d 5");
        shell_is(0, "reg query '\\T' /s /f colo",
                "\nHKEY_LOCAL_MACHINE\\T\\Color\n"
                "HKEY_LOCAL_MACHINE\\T\\x\n    color    REG_SZ    blue\n\n"
                "HKEY_LOCAL_MACHINE\\T\\y\n    z    REG_SZ    the colour [a]\n\n"
                "End of search: 3 match(es) found.\n");
        shell_is(0, "reg query '\\T' /s /f COLOR /k",
                "\nHKEY_LOCAL_MACHINE\\T\\Color\n\nEnd of search: 1 match(es) found.\n");
        SHELL_SAYS(0, "reg query '\\T' /s /f colo /d", "\\T\\y\n    z ", "End of search: 1 match");
        SHELL_SAYS(0, "reg query '\\T' /s /f color /c", "\\T\\x\n    color ", "End of search: 1 match");
        SHELL_SAYS(0, "reg query '\\T' /s /f '[a]' /d", "the colour [a]\n", "End of search: 1 match");
        SHELL_SAYS(0, "reg query '\\T' /s /f 'c*r' /e", "\\T\\Color\n", "\\T\\x\n    color ",
                "End of search: 2 match");
        SHELL_SAYS(0, "reg query '\\T' /s /f 0x5 /t REG_DWORD", "    n    REG_DWORD    0x5\n",
                "End of search: 1 match");
        /* Without /s: of the key's own values, and the names of its subkeys. */
        shell_is(0, "reg query '\\T' /f color",
                "\nHKEY_LOCAL_MACHINE\\T\\Color\n\nEnd of search: 1 match(es) found.\n");
        shell_is(2, "reg query '\\T' /s /f nothing", "\nEnd of search: 0 match(es) found.\n");
        SHELL_SAYS(1, "reg query '\\T' /k", "say how /f looks, which is missing");
}
END_TEST

START_TEST(delete_asks)
{
        set_string(world.bus, "\\T\\Sub", "V", "1");
        set_string(world.bus, "\\T", "V", "1");
        set_string(world.bus, "\\T", "", "d");
        SHELL_SAYS(1, "reg delete 'HKLM\\T' </dev/null",
                "delete with all below it \\T: nothing is done: there is no terminal to ask on, and /f does it");
        SHELL_SAYS(1, "reg delete 'HKLM\\T' /v V </dev/null", "delete \\T\\V: nothing is done");
        SHELL_SAYS(1, ON_TERMINAL("n", "delete HKLM\\\\\\\\T"), "delete with all below it \\T? [y/N]",
                "nothing is done");
        ck_assert_str_eq(get_text(world.bus, "\\T\\Sub", "V"), "1 base");
        SHELL_SAYS(0, "reg delete 'HKLM\\T' /ve /f", "del \\T  @ ");
        ck_assert_str_eq(get_text(world.bus, "\\T", ""), "-");
        ck_assert_str_eq(get_text(world.bus, "\\T", "V"), "1 base");
        SHELL_SAYS(0, ON_TERMINAL("y", "delete HKLM\\\\\\\\T /v v"), "delete \\T\\v? [y/N]", "del \\T  v ");
        SHELL_SAYS(0, "reg delete 'HKLM\\T' /F", "del \\T ");
        SHELL_SAYS(2, "reg get '\\T\\Sub'", "neither");
        SHELL_SAYS(2, "reg delete 'HKLM\\T' /f", "no such key");
        SHELL_SAYS(2, "reg delete 'HKLM\\T'", "no such key");
        SHELL_SAYS(1, "reg delete '\\T' /v V /ve /f", "only one of /v, /ve and /va");
        SHELL_SAYS(1, "reg delete '\\T' W /v V /f", "W has no meaning beside /v");
        SHELL_SAYS(1, "reg delete '\\T' /x", "delete: there is no option '/x'");
}
END_TEST

START_TEST(delete_all_values)
{
        (void)set_number(world.bus, "\\System\\Registry\\Layers\\top", "Precedence", 5);
        set_string(world.bus, "\\T\\Sub", "V", "1");
        set_string(world.bus, "\\T", "V", "1");
        set_string(world.bus, "\\T", "", "d");
        set_string(world.bus, "\\T", "Shadowed", "below");
        set_in_layer(world.bus, "top", "\\T", "Shadowed", "above");
        SHELL_SAYS(1, "reg delete 'HKLM\\T' /va </dev/null", "delete all values of \\T: nothing is done");
        SHELL_SAYS(0, "reg delete 'HKLM\\T' /va --dry-run", "value-deleted  Machine\\T  V");
        ck_assert_str_eq(get_text(world.bus, "\\T", "V"), "1 base");
        SHELL_SAYS(0, "reg delete 'HKLM\\T' /va /f", "del \\T   (3 changed, layer base)\n");
        shell_is(0, "reg get /T", "Shadowed = REG_SZ above\n");
        SHELL_SAYS(0, "reg delete 'HKLM\\T' /va /f --layer=top", "del \\T   (1 changed, layer top)\n");
        shell_is(0, "reg get /T; reg get /T/Sub V", "1\n");
        SHELL_SAYS(0, "reg delete 'HKLM\\T' /va /f", "(0 changed, layer base)\n");
        SHELL_SAYS(2, "reg delete 'HKLM\\None' /va /f", "no such key");
}
END_TEST

START_TEST(copies)
{
        (void)set_number(world.bus, "\\System\\Registry\\Layers\\top", "Precedence", 5);
        (void)shell_output(0,
                "reg set /A V 1; reg set /A @ d; reg set --layer=top /A V 2; reg set /A/B/C W multi:x,y; reg new /A/Empty");
        SHELL_SAYS(0, "reg copy 'HKLM\\A' 'HKLM\\K\\'", "copy \\K   (");
        shell_is(0, "reg get /K; reg ls --keys-only /K", "@ = REG_SZ d\nV = REG_DWORD 2\n");
        SHELL_SAYS(1, "reg copy /A/B /A/Empty /s </dev/null",
                "replace what has the same name in \\A\\Empty: nothing is done");
        SHELL_SAYS(0, "reg copy '\\A' '\\K' /s /f", "copy \\K   (");
        shell_is(0, "reg tree --values '\\K'",
                "Machine\\K\\\n  @ = REG_SZ d\n  V = REG_DWORD 2\n  B\\\n    C\\\n      W = REG_MULTI_SZ x, y\n  Empty\\\n");
        SHELL_SAYS(0, "reg copy '\\A' '\\K' /s /f", "(0 changed, layer base)");
        /* Below itself, too: it is read before anything is written. */
        SHELL_SAYS(0, "reg copy '\\A' '\\A\\Again' /s", "copy \\A\\Again ");
        SHELL_SAYS(0, "reg --json copy '\\A\\B' '\\New' /s", "\"action\":\"copy\"", "\"values_set\":1");
        SHELL_SAYS(0, "reg copy --dry-run '\\A' '\\Dry'", "dry run: nothing is written");
        SHELL_SAYS(2, "reg copy '\\None' '\\K' /f", "no such key");
        SHELL_SAYS(4, "reg copy '\\A' 'HKCU\\K' /f", "no counterpart here");
        SHELL_SAYS(1, "reg copy '\\A'", "too few words, expected: copy KEY1 KEY2");
}
END_TEST

START_TEST(compares)
{
        (void)shell_output(0, "reg set /A V 1; reg set /A @ d; reg set /A/B W x; reg copy '\\A' '\\K' /s");
        shell_is(0, "reg compare 'HKLM\\A' 'HKLM\\K\\' /s", "Result Compared: Identical\n");
        (void)shell_output(0, "reg set /K V 2; reg del /K @; reg set /K New multi:a,b; reg set /K/B W y");
        shell_is(2, "reg compare '\\A' '\\K'",
                "< Value: HKEY_LOCAL_MACHINE\\A  (Default)  REG_SZ  d\n"
                "> Value: HKEY_LOCAL_MACHINE\\K  New  REG_MULTI_SZ  a\\0b\n"
                "< Value: HKEY_LOCAL_MACHINE\\A  V  REG_DWORD  0x1\n"
                "> Value: HKEY_LOCAL_MACHINE\\K  V  REG_DWORD  0x2\n"
                "Result Compared: Different\n");
        SHELL_SAYS(2, "reg compare '\\A' '\\K' /s", "< Value: HKEY_LOCAL_MACHINE\\A\\B  W  REG_SZ  x\n",
                "> Value: HKEY_LOCAL_MACHINE\\K\\B  W  REG_SZ  y\n");
        shell_is(0, "reg compare '\\A\\B' '\\A\\B'", "Result Compared: Identical\n");
        shell_is(2, "reg compare -q '\\A' '\\K' /v v", "Result Compared: Different\n");
        shell_is(0, "reg compare '\\A' '\\K' /v other", "Result Compared: Identical\n");
        shell_is(2, "reg compare '\\A' '\\K' /v v --json",
                "{\"differences\":[{\"change\":\"value-changed\",\"path\":\"Machine\\\\A\",\"name\":\"V\","
                "\"before\":{\"type\":\"dword\",\"data\":1},\"after\":{\"type\":\"dword\",\"data\":2}}]}\n");
        shell_is(0, "reg compare '\\A\\B' '\\A\\B' --json", "{\"differences\":[]}\n");
        shell_is(2, "reg compare '\\A' '\\K' /s /oA",
                "< Value: HKEY_LOCAL_MACHINE\\A  (Default)  REG_SZ  d\n"
                "> Value: HKEY_LOCAL_MACHINE\\K  New  REG_MULTI_SZ  a\\0b\n"
                "< Value: HKEY_LOCAL_MACHINE\\A  V  REG_DWORD  0x1\n"
                "> Value: HKEY_LOCAL_MACHINE\\K  V  REG_DWORD  0x2\n"
                "= Key: HKEY_LOCAL_MACHINE\\A\\B\n"
                "< Value: HKEY_LOCAL_MACHINE\\A\\B  W  REG_SZ  x\n"
                "> Value: HKEY_LOCAL_MACHINE\\K\\B  W  REG_SZ  y\n"
                "Result Compared: Different\n");
        (void)shell_output(0, "reg set /K V 1");
        shell_is(2, "reg compare '\\A' '\\K' /os",
                "= Value: HKEY_LOCAL_MACHINE\\A  V  REG_DWORD  0x1\nResult Compared: Different\n");
        shell_is(0, "reg compare '\\A' '\\K' /v V /oa",
                "= Value: HKEY_LOCAL_MACHINE\\A  V  REG_DWORD  0x1\nResult Compared: Identical\n");
        shell_is(2, "reg compare '\\A' '\\K' /on", "Result Compared: Different\n");
        SHELL_SAYS(2, "reg compare '\\A' '\\K' /od", "< Value: HKEY_LOCAL_MACHINE\\A  (Default) ");
        SHELL_SAYS(1, "reg compare '\\A' '\\K' /od /oa", "only one of /oa, /od, /os and /on");
        SHELL_SAYS(1, "reg compare '\\A' '\\K' /os --json", "--json is of differences");
        (void)shell_output(0, "reg new /K/Only");
        shell_is(0, "reg compare '\\A' '\\K' /s /v other", "Result Compared: Identical\n");
        SHELL_SAYS(2, "reg compare '\\A' '\\K' /s", "> Key: HKEY_LOCAL_MACHINE\\K\\Only\n");
        SHELL_SAYS(1, "reg compare '\\A' '\\None'", "there is no key \\None");
}
END_TEST

/* Peios's own tool has the word for `del`. */
START_TEST(delete_as_del)
{
        set_string(world.bus, "\\T\\Sub", "V", "1");
        SHELL_SAYS(0, "reg delete /T/Sub V", "del \\T\\Sub  V ");
        SHELL_SAYS(0, "reg delete -r /Machine/T", "del \\T ");
        SHELL_SAYS(2, "reg delete -r /Machine/T", "no such key");
}
END_TEST

/* Elsewhere a path may begin with one. */
START_TEST(slashes_elsewhere)
{
        SHELL_SAYS(0, "reg set /v f 1; reg get /v/f; reg get /v f; reg query '\\v'", "1\n1\n",
                "    f    REG_DWORD    0x1\n");
        SHELL_SAYS(0, "reg query '/?'; reg add --help", "peios-reg query [OPTION...] KEY\n",
                "\n      /v NAME ", "peios-reg add [OPTION...] KEY\n", "\n      /d DATA ");
        SHELL_SAYS(1, "reg query -- /v/f /s", "query: '/s' is one word too many");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { add_sets_values, add_makes_keys, add_refuses, query_prints_as_reg_exe,
                query_shows_data, query_finds, delete_asks, delete_all_values, copies, compares,
                delete_as_del, slashes_elsewhere };
        harness_around(harness_registry, NULL);
        return harness_main(tests, ARRAY_SIZE(tests));
}
