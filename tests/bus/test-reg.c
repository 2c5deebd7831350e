/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-reg as people type it: each command is a line for the shell, with `reg` for the program. */
#include <string.h>

#include "client.h"
#include "dropin.h"
#include "shell.h"

#define output shell_output
#define is shell_is
#define SAYS SHELL_SAYS

START_TEST(tables)
{
        registryd_start(NULL);
        (void)set_number(world.bus, "\\System\\Registry\\Layers\\レイヤー", "Precedence", 0);
        set_string(world.bus, "\\T", "日本語", "a");
        set_string(world.bus, "\\T", "e\u0301", "b");
        set_in_layer(world.bus, "レイヤー", "\\T", "V", "in it");
        set_string(world.bus, "\\T", "V", "c");
        (void)output(0, "reg -q set /T Long 0x9:00ff");
        is(0, "reg ls -l /T | sed 's/base [0-9]* */base N  /'",
                "REG_SZ                        1  base N  e\u0301 = b\n"
                "REG_FULL_RESOURCE_DESCRIPTOR  2  base N  Long = 00ff\n"
                "REG_SZ                        1  base N  V = c\n"
                "REG_SZ                        1  base N  日本語 = a\n");
        SAYS(0, "reg why /T V | sed 's/sequence [0-9]*/sequence N/'",
                "\n* base      precedence 0  sequence N  REG_SZ c\n",
                "  レイヤー  precedence 0  sequence N  REG_SZ in it   (shadowed)\n");
}
END_TEST

/* A terminal gets headings, and a pipe does not. */
START_TEST(headings)
{
        registryd_start(NULL);
        set_string(world.bus, "\\T", "V", "c");
        SAYS(0, "script -qec \"$PEIOS_REG ls -l /T\" /dev/null", "TYPE    SIZE  FROM    NAME\r\n",
                "REG_SZ     1  base ", "  V = c\r\n");
        SAYS(0, "script -qec \"$PEIOS_REG why /T V\" /dev/null",
                "\n  LAYER  PRECEDENCE  SEQUENCE  VALUE\r\n", "* base   0           ", "REG_SZ c\r\n");
}
END_TEST

START_TEST(roots_of_regedit)
{
        registryd_start(NULL);
        SAYS(0, "reg set 'HKLM\\T' V 1", "set \\T  V = REG_DWORD 1 ");
        SAYS(0, "reg get 'Computer\\HKEY_LOCAL_MACHINE\\T\\V'", "1\n");
        SAYS(0, "reg --json get hklm/T V", "{\"path\":\"Machine\\\\T\",\"name\":\"V\"");
        SAYS(4, "reg set 'HKCU\\T' V 1", "HKCU: a root of regedit that has no counterpart here");
        SAYS(4, "reg get 'HKEY_CLASSES_ROOT\\x'", "no counterpart here");
        SAYS(4, "reg set 'HKU\\T' V 1", "HKU: means the hive Users, which is not there");
        SAYS(4, "reg watch 'HKEY_USERS\\T'", "HKEY_USERS: means the hive Users");
        is(0, "reg ls /", "Machine\\\n");
        dropin_write(
                "50-users.yaml", "peios-registry: 1\nlayer: 50-users\nhives: [Users]\nkeys:\n  HKU\\S:\n");
        WAIT(strstr(registry_property(world.bus, "Hives"), "Users"));
        SAYS(0, "reg set 'HKEY_USERS\\S' V 1", "set \\Users\\S  V = REG_DWORD 1 ");
        SAYS(0, "reg --json get 'Computer\\HKU\\S' V", "{\"path\":\"Users\\\\S\",\"name\":\"V\"");
        /* What is shown is taken again. */
        SAYS(0, "reg set 'Machine\\HKLM\\x' V 1", "set \\Machine\\HKLM\\x  V = ");
}
END_TEST

/* Whatever our own listings print is taken. */
START_TEST(separators_behind_keys)
{
        registryd_start(NULL);
        set_string(world.bus, "\\T\\Sub", "V", "1");
        is(0, "reg ls \"$(reg ls /)\" | grep T", "T\\\n");
        is(0, "reg ls 'T\\'", "Sub\\\n");
        is(0, "reg get /T/Sub/", "V = REG_SZ 1\n");
        is(0, "reg get /T/Sub/ V", "1\n");
        is(0, "reg tree '\\T\\'", "Machine\\T\\\n  Sub\\\n");
        SAYS(0, "reg info '\\T\\Sub\\'", "Path:       Machine\\T\\Sub\n");
        SAYS(0, "reg why '\\T\\Sub\\' V", "= REG_SZ 1\n");
        SAYS(0, "reg set '\\T\\Sub\\' V 2", "set \\T\\Sub  V = REG_DWORD 2 ");
        SAYS(0, "reg new '\\T\\New\\'", "new \\T\\New ");
        SAYS(4, "reg set '\\T\\Sub\\' 2", "separator");
        SAYS(2, "reg get '\\T\\Sub\\V\\'", "no such key");
        SAYS(2, "reg del '\\T\\Sub\\V\\'", "no such key");
        SAYS(0, "reg del '\\T\\New\\'", "del \\T\\New ");
        SAYS(4, "reg ls '\\T\\\\'", "no doubled or trailing separator");
}
END_TEST

START_TEST(forgotten_data)
{
        registryd_start(NULL);
        /* Nobody wrote anything there yet: the schema knows the key. */
        SAYS(1, "reg set /System/Audit/Modules TaintEvents", "'\\System\\Audit\\Modules' is a key");
        SAYS(1, "reg set /System/Audit 1", "'\\System\\Audit' is a key");
        set_string(world.bus, MODULES, "Other", "1");
        SAYS(1, "reg set /System/Audit/Modules TaintEvents", "'\\System\\Audit\\Modules' is a key",
                "set '\\System\\Audit\\Modules' TaintEvents DATA",
                "set '\\System\\Audit' Modules TaintEvents");
        SAYS(1, "reg set --force --dry-run /System/Audit/Modules TaintEvents", "is a key");
        SAYS(1, "echo x | reg set --from=- /System/Audit/Modules", "is a key");
        ck_assert_str_eq(get_text(world.bus, "\\System\\Audit", "Modules"), "-");
        SAYS(0, "reg set /System/Audit Modules TaintEvents", "set \\System\\Audit  Modules = REG_SZ ");
        /* Both are there now. */
        SAYS(1, "reg del /System/Audit/Modules", "is a key, and a value in the key above");
        SAYS(0, "reg del /System/Audit Modules", "del \\System\\Audit  Modules ");
        SAYS(0, "reg del /System/Audit/Modules/", "del \\System\\Audit\\Modules ");
}
END_TEST

START_TEST(names_that_look_mistyped)
{
        registryd_start(NULL);
        SAYS(4, "reg set /System/Audit/Modules TaintEvent disabled",
                "\\System\\Audit\\Modules\\TaintEvent: ",
                "but \\System\\Audit\\Modules\\TaintEvents; nothing is written (--force writes it)");
        SAYS(4, "reg set --dry-run /System/Audit/Modules/TiantEvents disabled", "TaintEvents; nothing is");
        SAYS(4, "reg set /System/Audit/Module TaintEvents disabled", "\\Modules\\TaintEvents; nothing");
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvent"), "-");
        SAYS(2, "reg get /System/Audit/Modules TaintEvent",
                "the schema knows \\System\\Audit\\Modules\\Taint");
        SAYS(2, "reg get /System/Audit/Modules/TaintEvent",
                "the schema knows \\System\\Audit\\Modules\\Taint");
        SAYS(2, "reg del /System/Audit/Modules TaintEvent",
                "the schema knows \\System\\Audit\\Modules\\Taint");
        SAYS(2, "reg why /System/Audit/Modules TaintEvent",
                "the schema knows \\System\\Audit\\Modules\\Taint");
        SAYS(0, "reg set -f /System/Audit/Modules TaintEvent disabled", "TaintEvent = REG_SZ disabled ");
        /* It is there already. */
        SAYS(0, "reg set /System/Audit/Modules TaintEvent enabled", "TaintEvent = REG_SZ enabled ");
        /* A value that is taken for a key. */
        SAYS(4, "reg new /System/Audit/Modules/TaintEvents", "is a value in the schema");
        SAYS(4, "reg watch /System/Audit/Modules/TaintEvents", "is a value in the schema");
        SAYS(4, "reg set /System/Audit/Modules/TaintEvents x y", "is a value in the schema");
        SAYS(0, "reg new --force /System/Audit/Modules/TaintEvents", "new \\System\\Audit\\Modules\\Taint");
        SAYS(0, "reg set /System/Audit/Modules/TaintEvents x y", "= REG_SZ y ");
}
END_TEST

START_TEST(values_that_their_reader_refuses)
{
        registryd_start(NULL);
        SAYS(4, "reg set /System/Audit/Modules TaintEvents on",
                "\\System\\Audit\\Modules\\TaintEvents: its reader would refuse it: ",
                "one of enabled, success-only, failure-only, disabled",
                "; nothing is written (--force writes it)\n");
        SAYS(4, "reg set --dry-run /System/Audit/Modules TaintEvents on", "nothing is written");
        SAYS(4, "reg set /System/Audit/Modules TaintEvents 1", "(for a string write sz:1); nothing");
        SAYS(4, "reg set /System/Audit/Modules Accepted O",
                "type REG_SZ instead of REG_MULTI_SZ, expected items like ",
                "(for a list write multi:O); nothing");
        SAYS(4, "reg set /System/Audit/Modules Accepted multi:O",
                "would refuse it: acceptance 1: `O`: no reason is given, expected ");
        SAYS(4, "reg set /System/Process PidMax 5", "a number from 301 to ");
        SAYS(4, "reg set /System/Registry/Layers/x Enabled 2", "its reader would refuse it");
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "enabled default");
        SAYS(0, "reg set --force /System/Audit/Modules TaintEvents on", "TaintEvents = REG_SZ on ",
                "warning: \\System\\Audit\\Modules\\TaintEvents: stored, but its reader will refuse it: ",
                "disabled; the value so far, 'enabled', is the last good one\n");
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "on base");
        SAYS(0, "reg set --force /System/Audit/Modules TaintEvents 1",
                "(for a string write sz:1); what stays in force is not known\n");
        SAYS(0, "reg set --dry-run --force /System/Audit/Modules TaintEvents no",
                "dry run: nothing is written\n", "TaintEvents: it would be stored, but its reader will ");
        SAYS(0, "reg set --verbose /System/Audit/Modules TaintEvents disabled", "= REG_SZ disabled ",
                "bound to the control kernel.audit_taint_events, applied ");
}
END_TEST

START_TEST(what_a_write_comes_to)
{
        registryd_start(NULL);
        SAYS(0, "reg --json set /System/Audit/Modules TaintEvents disabled", ",\"changed\":true,",
                "\"effective\":true,\"effective_layer\":\"base\",\"accepted\":true}\n");
        SAYS(0, "reg --json set /System/Audit/Modules TaintEvents disabled", ",\"changed\":false,",
                "\"effective\":true,");
        SAYS(0, "reg --json set -f /System/Audit/Modules TaintEvents on 2>/dev/null",
                "\"accepted\":false}\n");
        SAYS(0, "reg --json set /System/Registry/Layers/top Precedence 5", "\"accepted\":true}\n");
        SAYS(0, "reg --json set --layer=top /T V 1", "\"effective_layer\":\"top\",\"accepted\":null}\n");
        SAYS(0, "reg --json set /T V 2 2>/dev/null", "\"changed\":false,\"effective\":false,",
                "\"effective_layer\":\"top\",\"accepted\":null}\n");
        SAYS(0, "reg set /T V 3", "warning: written, but layer top wins over base with REG_DWORD 1;");
        SAYS(0, "reg --json del --layer=top /T V",
                "\"changed\":true,\"effective\":false,\"effective_layer\":\"base\"}\n");
        SAYS(0, "reg --json del /T V", "\"changed\":true,\"effective\":false,\"effective_layer\":null}\n");
        SAYS(0, "reg --json new /T/New", "\"changed\":true}\n");
        SAYS(0, "reg --json del /T/New", "\"changed\":true}\n");
}
END_TEST

START_TEST(data_from_files)
{
        registryd_start(NULL);
        is(0, "echo 42 >n; reg set -q --from=n /T N; reg --json get /T N | grep -o '\"type\".*42'",
                "\"type\":\"dword\",\"data\":42\n");
        is(0, "echo multi:a,b | reg set -q --from=- /T M; reg get /T M", "a\nb\n");
        is(0, "echo 42 | reg set -q --type=sz --from=- /T/S; reg get /T",
                "M = REG_MULTI_SZ a, b\n"
                "N = REG_DWORD 42\n"
                "S = REG_SZ 42\n");
        /* One newline is the file's; the others are the data's. */
        is(0, "printf 'a\\nb\\n\\n' | reg set -q --from=- /T S; reg get --raw /T S | od -An -c",
                "   a  \\n   b  \\n\n");
        is(0, "printf 'a\\n' | reg set -q --raw --type=sz --from=- /T S; reg get --raw /T S | od -An -c",
                "   a  \\n\n");
        is(0, "reg get --raw /T M | reg set -q --raw --type=multi --from=- /T M2; reg get /T M2", "a\nb\n");
        is(0, "reg set -q --type=REG_SZ /T S dword:5; reg get /T S", "dword:5\n");
        /* Data that look like it are data. */
        is(0, "reg set -q /T S @n; reg get /T S; reg set -q /T S -; reg get /T S; reg set -q /T/S @; reg get /T S",
                "@n\n-\n@\n");
        SAYS(4, "printf 'a\\0b' | reg set --from=- /T S", "-: a NUL at byte 1, expected text (--raw");
        SAYS(4, "printf 'a\\377' | reg set --from=- /T S", "not valid UTF-8 at byte 1");
        SAYS(2, "reg set --from=none /T S", "none: No such file");
        SAYS(5, "mkfifo fifo; reg set --from=fifo /T S", "fifo: is not a regular file");
        SAYS(5, "reg set --from=/ /T S", "/: is a directory");
        SAYS(1, "reg set --from=n /T S x", "one word too many");
        SAYS(1, "reg set --from=n", "too few words");
        SAYS(1, "reg set --raw /T S x", "needs their --type");
        SAYS(1, "reg set --raw --from=n /T S", "needs their --type");
        SAYS(1, "reg set --type=nope /T S x", "there is no type 'nope'");
        SAYS(1, "reg get --from=n /T S", "--from has no meaning for 'get'");
}
END_TEST

/* One MiB is allowed, and no command line is that long. */
START_TEST(large_data)
{
        registryd_start(NULL);
        is(0,
                "head -c 1048576 /dev/urandom >big; reg set -q --raw --type=hex --from=big /T Big &&"
                "reg get --raw /T Big | cmp - big",
                "");
        is(0, "reg get /T Big | reg set -q --type=REG_BINARY --from=- /T Hex && reg get --raw /T Hex | cmp - big",
                "");
        SAYS(0, "reg set --raw --type=hex --from=big /T Big2",
                "set \\T  Big2 = REG_BINARY, 1048576 bytes   (");
        SAYS(4, "head -c 1048577 /dev/zero | reg set --raw --type=hex --from=- /T Big",
                "at most 1048576 are kept");
        SAYS(4, "truncate -s 65M large; reg set --raw --type=hex --from=large /T Big",
                "large: is 68157440 bytes large, at most 67108864 are read");
        SAYS(4, "reg set --raw --type=hex --from=- /T Big <large", "<stdin>: is larger than 67108864 bytes");
}
END_TEST

START_TEST(default_value_and_at)
{
        registryd_start(NULL);
        SAYS(0, "reg set /T @ d", "set \\T  @ = REG_SZ d ");
        SAYS(0, "reg set /T/@@ a", "set \\T  @@ = REG_SZ a ");
        SAYS(0, "reg set /T @@@ aa", "set \\T  @@@ = REG_SZ aa ");
        ck_assert_str_eq(get_text(world.bus, "\\T", ""), "d base");
        ck_assert_str_eq(get_text(world.bus, "\\T", "@"), "a base");
        ck_assert_str_eq(get_text(world.bus, "\\T", "@@"), "aa base");
        is(0, "reg get /T", "@ = REG_SZ d\n@@ = REG_SZ a\n@@@ = REG_SZ aa\n");
        is(0, "reg get /T/@; reg get /T @@; reg get /T/@@@", "d\na\naa\n");
        SAYS(0, "reg --json get /T", "\"name\":\"@\"", "\"d\"", "\"name\":\"@@\"", "\"a\"",
                "\"name\":\"@@@\"");
        SAYS(0, "reg why /T @@", "Machine\\T  @@ = REG_SZ a\n");
        SAYS(0, "reg del /T @@", "del \\T  @@ ");
        ck_assert_str_eq(get_text(world.bus, "\\T", ""), "d base");
        ck_assert_str_eq(get_text(world.bus, "\\T", "@"), "-");
}
END_TEST

START_TEST(lint)
{
        world_write("/a.yaml", "peios-registry: 1\nlayer: t\nkeys:\n"
                               "  HKEY_LOCAL_MACHINE\\System\\Audit\\Modules:\n"
                               "    TaintEvent: !sz disabled\n"
                               "    TaintEvents: !sz on\n"
                               "  \\System\\Audit\\Modules\\TaintEvents:\n"
                               "    x: !sz y\n");
        SAYS(0, "cd root; reg lint --root=. a.yaml",
                "warning: a.yaml:5:5: \\System\\Audit\\Modules\\TaintEvent: the schema does not know this value, "
                "but \\System\\Audit\\Modules\\TaintEvents\n",
                "warning: a.yaml:6:5: \\System\\Audit\\Modules\\TaintEvents: its reader will refuse this value: ",
                "warning: a.yaml:7:3: \\System\\Audit\\Modules\\TaintEvents: is a value in the schema");
        world_write("/b.yaml", "peios-registry: 1\nlayer: t\nkeys:\n  HKCU\\x:\n");
        SAYS(4, "cd root; reg lint --root=. b.yaml",
                "b.yaml:4:3: key: HKCU: a root of regedit that has no counterpart");
        SAYS(4, "cd root; reg lint --root=. - <b.yaml", "<stdin>:4:3: key: HKCU");
        SAYS(2, "cd root; reg lint --root=. none.yaml", "none.yaml: No such file");
        /* Files of the schema, too. */
        world_write("/c.yaml",
                "# a site's\n\npeios-schema: 1\nkeys:\n  \\A:\n"
                "    V: {type: sz, description: d, control: {name: kernel.core_pattern, encoding: string}}\n");
        SAYS(4, "cd root; reg lint --root=. c.yaml",
                "c.yaml:6:51: `kernel.core_pattern` says which programs the kernel runs as root");
        world_write("/d.yaml", "peios-schema: 1\nkeys:\n  \\A:\n    V: {type: sz, description: d}\n");
        is(0, "cd root; reg lint --root=. d.yaml", "");
}
END_TEST

/* What can be set is there before anybody sets it, and marked. */
START_TEST(known_and_not_set)
{
        registryd_start(NULL);
        is(0, "reg ls Machine", "System\\   (nothing set)\n");
        is(0, "reg ls /System",
                "Audit\\   (nothing set)\nFleet\\   (nothing set)\nProcess\\   (nothing set)\nRegistry\\   (nothing set)\n");
        is(0, "reg get /System/Process",
                "PidMax   (not set, REG_DWORD without a default)\n"
                "PidMaxOnDrift   (not set, default REG_SZ report)\n");
        SAYS(0, "reg ls -l /System/Audit", "key        -  (not set)  Modules\\\n",
                "REG_DWORD  -  (not set)  KallsymsRestrict\n");
        SAYS(0, "reg ls -l /System/Process", "REG_SZ     -  (not set)  PidMaxOnDrift, default report\n");
        is(0, "reg set -q /System/Process/pidmax 400; reg ls /System; reg ls /System/Process/",
                "Process\\\nAudit\\   (nothing set)\nFleet\\   (nothing set)\nRegistry\\   (nothing set)\n"
                "pidmax = REG_DWORD 400\nPidMaxOnDrift   (not set, default REG_SZ report)\n");
        is(0, "reg tree --values /System/Process",
                "Machine\\System\\Process\\\n  pidmax = REG_DWORD 400\n"
                "  PidMaxOnDrift   (not set, default REG_SZ report)\n");
        is(0, "reg tree --depth=1 /System",
                "Machine\\System\\\n  Process\\\n  Audit\\   (nothing set)\n"
                "  Fleet\\   (nothing set)\n  Registry\\   (nothing set)\n");
        SAYS(0, "reg tree /System",
                "  Audit\\   (nothing set)\n    Metrics\\   (nothing set)\n    Modules\\   (no",
                "  Registry\\   (nothing set)\n    Backups\\   (nothing set)\n");
        is(0, "reg ls --json /System | grep -o '\"known_subkeys.*'",
                "\"known_subkeys\":[{\"name\":\"Audit\"},{\"name\":\"Fleet\"},{\"name\":\"Registry\"}],\"values\":[],\"known_values\":[]}\n");
        SAYS(0, "reg get --json /System/Process", "\"values\":[{\"name\":\"pidmax\",",
                "],\"known_values\":[{\"name\":\"PidMaxOnDrift\",\"type\":\"sz\",",
                "\"default\":\"report\",");
        SAYS(0, "reg tree --json /System | python3 -m json.tool >/dev/null && reg tree --json --values /System",
                "\"known_subkeys\":[{\"path\":\"Machine\\\\System\\\\Audit\",\"values\":[],\"known_values\":[{\"name\":\"Kall");
        /* A value that is there comes before a key that is known only. */
        is(0, "reg set -qf /System Audit x; reg get /System/Audit; reg del -q /System Audit", "x\n");
        SAYS(0, "reg get /System/Audit", "KallsymsRestrict   (not set");
        SAYS(1, "reg get --raw /System/Audit", "is a key");
        SAYS(2, "reg info /System/Audit", "no such key");
        SAYS(2, "reg ls /System/Nothing", "no such key");
        SAYS(2, "reg get /System/Audit/KallsymsRestrict", "neither a key nor a value",
                "the schema knows it, without a default");
        is(0, "reg del /System/Process PidMaxOnDrift 2>&1 | grep -c 'without a default' || :", "0\n");
        is(0, "reg get /System/Process/PidMaxOnDrift", "report\n");
        /* Of a layer, what any layer can have; and one that is not there is not there. */
        is(0, "reg set -q /System/Registry/Layers/trial Enabled 1; reg ls /System/Registry/Layers/trial",
                "Enabled = REG_DWORD 1\nEnds   (not set, REG_SZ without a default)\n"
                "Precedence   (not set, REG_DWORD without a default)\n");
        SAYS(0, "reg ls --json /System/Registry/Layers/trial",
                "},{\"name\":\"Precedence\",\"type\":\"dword\",");
        SAYS(0, "reg man /System/Registry/Layers/trial", "Layers\\trial\\Enabled",
                "Layers\\trial\\Precedence");
        SAYS(2, "reg ls /System/Registry/Layers/none", "no such key");
        /* No layer's business. */
        dropin_write("hide.yaml",
                "peios-registry: 1\nlayer: hide\nprecedence: 9\nkeys:\n  \\System\\Process: !hidden\n");
        WAIT(strstr(registry_property(world.bus, "Layers"), "hide"));
        SAYS(0, "reg ls /System/Process", "PidMax   (not set");
}
END_TEST

START_TEST(manual)
{
        registryd_start(NULL);
        is(0, "reg man /system/process/pidmax | sed '/^$/q; s/a/a/'", "\\System\\Process\\PidMax\n\n");
        SAYS(0, "reg man /system/process pidmax", "\\System\\Process\\PidMax\n", "type:       REG_DWORD\n",
                "default:    none", "allowed:    a number from 301 to 4194304\n", "applies:    at once\n",
                "bound to:   the control kernel.pid_max\n",
                "drift:      left, and recorded, unless PidMaxOnDrift says otherwise\n",
                "known from: built-in/process.yaml\n", "PidMax is not set\n", "live: ");
        SAYS(0, "reg set -q /System/Audit/Modules TaintEvents disabled; reg man /System/Audit/Modules/TaintEvents",
                "default:    enabled\n", "allowed:    enabled       Taint events are audited, whatever",
                "\n            disabled      Taint events are not audited.\n",
                "TaintEvents = REG_SZ disabled\n", "written by: pid ");
        SAYS(0, "reg man /System/Audit/Modules Accepted", "default:    empty\n", "allowed:    items like ");
        is(0, "reg man /System/Process",
                "\\System\\Process\\PidMax         none    The process number at which numbering begins anew. Not "
                "touched while the value is not set.\n"
                "\\System\\Process\\PidMaxOnDrift  report  What happens when somebody else changes the control of "
                "PidMax.\n");
        SAYS(0, "reg man '\\'", "\\System\\Audit\\KallsymsRestrict            none ",
                "\\System\\Registry\\History\\Rows  ");
        /* Each word, in whatever is said, in any case. */
        SAYS(0, "reg man -k KPTR", "\\System\\Audit\\KallsymsRestrict ");
        SAYS(0, "reg man -k forensic | grep -c .", "1\n");
        is(0, "reg man --keyword Drift pid | cut -d' ' -f1", "\\System\\Process\\PidMaxOnDrift\n");
        SAYS(0, "reg man -k Modules CAPTURED", "\\System\\Audit\\Modules\\TaintCapture  standard ");
        SAYS(2, "reg man -k drift nothing-like-it", "of no value the schema says anything with 'drift'");
        SAYS(1, "reg man -k ''", "a word to look for is empty");
        SAYS(2, "reg man /System/Nothing/", "the schema knows no values in this key or below it");
        SAYS(2, "reg man /T V", "\\T\\V: the schema does not know this value\n");
        SAYS(2, "reg man /System/Audit/Modules/TaintEvent",
                "the schema knows \\System\\Audit\\Modules\\TaintEv");
        SAYS(0, "reg man /System/Registry/Layers/trial Enabled",
                "\\System\\Registry\\Layers\\trial\\Enabled\n",
                "allowed:    0  The layer is kept, and nothing in it counts.\n",
                "            1  What is in");
        SAYS(4, "reg man 'HKCU\\x'", "a root of regedit");
        SAYS(0, "reg man --json /System/Process/PidMax", "{\"path\":\"Machine\\\\System\\\\Process\",",
                "\"schema\":{\"type\":\"dword\",", "\"least\":301,\"most\":4194304,",
                "\"control\":\"kernel.pid_max\"");
        SAYS(0, "reg man --json -k forensic | python3 -m json.tool", "\"name\": \"TaintCapture\"",
                "\"value\": \"forensic\"");
}
END_TEST

START_TEST(completion)
{
        registryd_start(NULL);
        is(0, "reg complete key '/system/audit/m'", "/system/audit/Metrics/\n/system/audit/Modules/\n");
        is(0, "reg complete key '\\System\\Audit\\mo'", "\\System\\Audit\\Modules\n");
        is(0, "reg complete path '\\System\\Audit\\mo'", "\\System\\Audit\\Modules\\\n");
        is(0, "reg complete value /System/Process ''", "PidMax\nPidMaxOnDrift\n");
        is(0, "reg complete data /System/Process PidMaxOnDrift REA", "reapply\n");
        is(0, "reg complete data /T V dword-", "dword-be:\n");
        is(0, "reg complete operand /System/Process/PidMaxOnDrift ''", "reapply\nreport\n");
        is(0, "reg complete layer ''", "base\n");
        is(0, "reg complete value /System/Registry/Layers/new ''", "Enabled\nEnds\nPrecedence\n");
        is(0, "reg complete operand /System/Registry/Layers/new/Enabled ''", "0\n1\n");
        is(2, "reg complete value /T '' 2>/dev/null", "");
        is(0, "reg complete value /System/Process $(printf '%0300d' 0)", "");
        SAYS(1, "reg complete value ''", "expected `key` or `path` and a word");
        SAYS(1, "reg complete nothing ''", "expected `key` or `path` and a word");
        SAYS(4, "reg complete path 'HKCU\\x\\y'", "a root of regedit");
}
END_TEST

START_TEST(words_that_look_like_types)
{
        registryd_start(NULL);
        SAYS(0, "reg set /T N REG_DWORD:5", "N = REG_SZ REG_DWORD:5 ",
                "warning: REG_DWORD:5 is stored as this text");
        SAYS(0, "reg set /T N 'hex(2):00,ff'", "warning: hex(2):00,ff is stored as this text");
        SAYS(0, "reg set /T N dword:00000010", "N = REG_DWORD 10 ", "warning: dword:00000010 is decimal");
        is(0, "reg set -q /T N http://x", "");
}
END_TEST

/* Three answers, in words and for scripts. */
START_TEST(who_wrote)
{
        registryd_start(NULL);
        SAYS(0, "reg set '\\T' V a; reg why '\\T' V", "written by: pid ", ", uid ", ", comm peios-reg, 20",
                "Z\n");
        SAYS(0, "reg why --json '\\T' V", "\"origin\":{\"actor\":\"known\",");
        SAYS(0, "reg why '\\System\\Audit\\Modules' TaintEvents", "written by: nobody\n");
        SAYS(0, "reg why --json '\\System\\Audit\\Modules' TaintEvents", "\"origin\":{\"actor\":\"none\"}");
        daemon_stop(&world.registryd);
        registryd_start(NULL);
        SAYS(0, "reg why '\\T' V", "written by: pid ", ", uid ", ", comm peios-reg, 20", "Z\n");
        SAYS(0, "reg why --json '\\T' V", "\"origin\":{\"actor\":\"known\",", "\"time_usec\":1");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { tables, headings, roots_of_regedit, separators_behind_keys,
                forgotten_data, names_that_look_mistyped, values_that_their_reader_refuses,
                what_a_write_comes_to, data_from_files, large_data, default_value_and_at, completion,
                known_and_not_set, manual, lint, words_that_look_like_types, who_wrote };
        return harness_main(tests, ARRAY_SIZE(tests));
}
