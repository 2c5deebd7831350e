/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apply, export and diff: documents of registry contents, to the registry and back. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "shell.h"

static void write_file(const char *name, const char *text)
{
        _cleanup_free_ char *path = NULL;

        ck_assert(asprintf(&path, "%s/%s", world.dir, name) > 0);
        FILE *f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(text, f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

static void trial_layer(void)
{
        (void)set_number(world.bus, "\\System\\Registry\\Layers\\trial", "Precedence", 5);
        (void)set_number(world.bus, "\\System\\Registry\\Layers\\trial", "Enabled", 1);
}

START_TEST(a_file_is_applied_once)
{
        write_file("a.yaml",
                "peios-registry: 1\nkeys:\n  \\T:\n    Text: !sz a\n    Number: !dword 7\n  \\T\\Empty:\n");
        shell_is(0, "reg apply a.yaml | sed 's/ (/\\n(/'",
                "a.yaml: 4 changed in layer base\n(2 values set, 0 deleted; 2 keys made, 0 deleted)\n");
        _cleanup_free_ char *sequence = strdup(registry_property(world.bus, "Sequence"));
        _cleanup_free_ char *history = strdup(shell_output(0, "reg history -s --json /T"));
        shell_is(0, "reg apply a.yaml", "a.yaml: 0 changed in layer base\n");
        shell_is(0, "reg apply - < a.yaml", "<stdin>: 0 changed in layer base\n");
        shell_is(0, "reg apply --json a.yaml",
                "{\"file\":\"a.yaml\",\"layer\":\"base\",\"changes\":0,\"values_set\":0,\"values_deleted\":0,"
                "\"keys_created\":0,\"keys_deleted\":0,\"masks\":0,\"effective\":false,\"sequence\":4,"
                "\"left_out\":0}\n");
        /* Nothing was written, and nothing recorded. */
        ck_assert_str_eq(registry_property(world.bus, "Sequence"), sequence);
        ck_assert_str_eq(shell_output(0, "reg history -s --json /T"), history);
        shell_is(0, "reg get /T", "Number = REG_DWORD 7\nText = REG_SZ a\n");
        shell_is(0, "reg ls /T", "Empty\\\nNumber = REG_DWORD 7\nText = REG_SZ a\n");
        SHELL_SAYS(2, "reg apply none.yaml", "none.yaml");
}
END_TEST

static unsigned long long last_record(void)
{
        return strtoull(world_read(SEQNO_FILE), NULL, 10);
}

/* The third run is there so that a record of the second would have come before its own. */
START_TEST(a_second_run_has_no_audit_record)
{
        _cleanup_free_ char *provider = strdup(world_read(LAYOUT_REGISTRY_RUN "/seqno"));
        world_write(LAYOUT_SYSCTL "/kernel/tainted", "0\n");
        policyd_follow();
        write_file("a.yaml",
                "peios-registry: 1\nkeys:\n  \\System\\Audit\\Modules: {TaintEvents: !sz failure-only}\n");
        write_file("b.yaml",
                "peios-registry: 1\nkeys:\n  \\System\\Audit\\Modules: {TaintEvents: !sz success-only}\n");
        SHELL_SAYS(0, "reg apply a.yaml", "4 changed");
        WAIT(strstr(world_read(CONTROL_FILE), "2"));
        WAIT(world_has(SEQNO_FILE) && last_record() > 0);
        const unsigned long long first = last_record();
        SHELL_SAYS(0, "reg apply a.yaml", "0 changed");
        SHELL_SAYS(0, "reg apply b.yaml", "1 changed");
        WAIT(last_record() > first);
        daemon_stop(&world.policyd);
        ck_assert_uint_eq(last_record(), first + 1);
        ck_assert_str_eq(world_read(LAYOUT_REGISTRY_RUN "/seqno"), provider);
        /* The records themselves. */
        if (records_are_logged()) {
                ck_assert_uint_eq(daemon_count(&world.policyd, "TaintEvents' changed from "), 2);
                ck_assert(daemon_said(&world.policyd, "changed from 'enabled' to 'failure-only'"));
                ck_assert(daemon_said(&world.policyd, "changed from 'failure-only' to 'success-only'"));
        }
}
END_TEST

START_TEST(a_dry_run_shows_what_would_change)
{
        set_string(world.bus, "\\T", "V", "1");
        write_file("a.yaml", "peios-registry: 1\nkeys:\n  \\T: {V: !sz 1, W: !sz 2}\n");
        shell_is(0, "reg apply --dry-run a.yaml",
                "dry run: nothing is written\n"
                "value-set  Machine\\T  W = REG_SZ 2   (layer base)\n"
                "  policy: the policy service (org.peios.AuditPolicy1) is not running: what it would do is not known\n"
                "a.yaml: 1 would be changed in layer base (1 value set, 0 deleted; 0 keys made, 0 deleted)\n");
        SHELL_SAYS(0, "reg apply --dry-run --json a.yaml", "\"dry_run\":true", "\"changes\":1,",
                "\"values_set\":1");
        shell_is(0, "reg get /T", "V = REG_SZ 1\n");

        /* Another layer's value stands before it. */
        trial_layer();
        shell_is(0, "reg set -q --layer=trial /T V 3", "");
        write_file("a.yaml", "peios-registry: 1\nkeys:\n  \\T: {V: !sz 2}\n");
        shell_is(0, "reg apply --dry-run a.yaml",
                "dry run: nothing is written\n"
                "there would be no effective change\n"
                "a.yaml: 1 would be changed in layer base (1 value set, 0 deleted; 0 keys made, 0 deleted)\n");
        SHELL_SAYS(0, "reg apply a.yaml", "1 changed in layer base");
        shell_is(0, "reg apply --dry-run a.yaml",
                "dry run: nothing is written\n"
                "there would be no effective change\n"
                "a.yaml: 0 would be changed in layer base\n");
}
END_TEST

START_TEST(bad_lines_change_nothing)
{
        write_file("a.yaml",
                "peios-registry: 1\nkeys:\n  \\T:\n    A: !sz a\n    B: !dword x\n    C: !sz c\n    D: !no d\n");
        SHELL_SAYS(4, "reg apply a.yaml", "a.yaml:5:", "`x` is not a number",
                "a.yaml:7:", "a.yaml: 2 bad entries; nothing is done (--keep-going takes the rest)");
        SHELL_SAYS(2, "reg get /T", "no such key");
        SHELL_SAYS(4, "reg apply --keep-going a.yaml",
                "a.yaml:5:", "a.yaml:7:", "a.yaml: 3 changed in layer base",
                "a.yaml: 2 bad entries were left out");
        shell_is(0, "reg get /T", "A = REG_SZ a\nC = REG_SZ c\n");
        /* What the provider refuses, refuses all. */
        write_file("b.yaml", "peios-registry: 1\nlayer: none\nkeys:\n  \\T: {X: !sz x}\n");
        SHELL_SAYS(2, "reg apply b.yaml", "none");
        SHELL_SAYS(0, "reg apply --layer=base b.yaml", "1 changed in layer base");
}
END_TEST

/* Left out, it would be what --prune takes away. */
START_TEST(volatile_keys_are_noted)
{
        (void)shell_output(
                0, "reg set /T V 1; reg new --volatile /T/Run/Deep; reg set /T/Run W 2; reg new /T/Z");
        shell_is(0, "reg export Machine/T | tail -n +3",
                "keys:\n  Machine\\T:\n    V: !dword 1  # base\n"
                "  # volatile, and gone when the provider stops: the next key, and what is below it\n"
                "  Machine\\T\\Run:\n    W: !dword 2  # base\n  Machine\\T\\Run\\Deep:\n  Machine\\T\\Z:\n");
        shell_is(0, "reg export --format=reg --layer=base /T/Run | grep -c '; volatile'", "1\n");
        SHELL_SAYS(0, "reg export Machine/T t.yaml; reg apply --prune t.yaml; reg info /T/Run",
                "t.yaml: 0 changed in layer base", "Volatile:   yes");
}
END_TEST

/* One transaction is promised, so it is not sent in several. */
START_TEST(too_large_for_a_transaction)
{
        SHELL_SAYS(4,
                "awk 'BEGIN { print \"REGEDIT4\\n[HKLM\\\\T]\"; for (i = 0; i <= 250000; i++) "
                "printf \"\\\"%d\\\"=dword:1\\n\", i }' >many.reg; reg apply many.reg",
                "many.reg: nothing is done: it comes to 250001 changes and ",
                "a transaction has 250000 and 30 MiB");
        SHELL_SAYS(4,
                "{ echo 'REGEDIT4'; echo '[HKLM\\T]'; for i in $(seq 32); do printf '\"%d\"=\"' $i; "
                "head -c 1000000 /dev/zero | tr '\\0' x; echo '\"'; done; } >large.reg; reg apply large.reg",
                "large.reg: nothing is done: it comes to 32 changes and 30.5 MiB");
        SHELL_SAYS(2, "reg get /T", "no such key");
}
END_TEST

/* What was left out has not been compared, and is not what the file does not have. */
START_TEST(what_is_left_out_is_no_answer)
{
        (void)shell_output(0, "reg set /T A sz:a; reg set /T B 7; reg set /T C 1");
        write_file("a.yaml",
                "peios-registry: 1\nkeys:\n  \\T:\n    A: !sz a\n    B: !dword x\n    C: !dword 1\n");
        SHELL_SAYS(4, "reg diff --keep-going a.yaml layer:base", "a.yaml:5:", "+ \\T  B = REG_DWORD 7\n",
                "diff: 1 bad entry was left out");
        write_file("b.yaml",
                "peios-registry: 1\nkeys:\n  \\T: {A: !sz a, B: !dword 7, C: !dword 1, D: !dword x}\n");
        SHELL_SAYS(4, "reg diff --keep-going b.yaml layer:base", "diff: 1 bad entry was left out");
        SHELL_SAYS(4, "reg apply --prune --keep-going a.yaml",
                "a.yaml: nothing is done: with --prune what the layer has of the 1 bad entry would go");
        shell_is(0, "reg get /T", "A = REG_SZ a\nB = REG_DWORD 7\nC = REG_DWORD 1\n");
}
END_TEST

/* Nothing of it may land below Machine. */
START_TEST(a_hive_that_is_not_there)
{
        write_file("a.yaml", "peios-registry: 1\nhives: [Users]\nkeys:\n  Users\\S: {V: !sz a}\n");
        SHELL_SAYS(4, "reg apply a.yaml", "a.yaml:4:", "there is no hive called Users");
        SHELL_SAYS(4, "reg diff a.yaml live", "there is no hive called Users");
        shell_is(0, "reg ls /", "Machine\\\n");
        SHELL_SAYS(2, "reg get '\\Machine\\Users'", "");
}
END_TEST

/* As a set. */
START_TEST(what_readers_would_refuse)
{
        write_file("a.yaml",
                "peios-registry: 1\nkeys:\n  \\System\\Audit\\Modules: {TaintEvents: !sz maybe, Other: !sz a}\n");
        SHELL_SAYS(4, "reg apply a.yaml",
                "a.yaml:3:", "\\System\\Audit\\Modules\\TaintEvents: its reader would refuse it:",
                "a.yaml: nothing is done (--force writes it)");
        SHELL_SAYS(2, "reg get /System/Audit/Modules Other", "no such key");
        SHELL_SAYS(4, "reg apply --keep-going a.yaml", "would refuse it", "(1 value set",
                "1 bad entry was left out");
        SHELL_SAYS(0, "reg get /System/Audit/Modules TaintEvents", "enabled");
        SHELL_SAYS(0, "reg apply --force a.yaml", "would refuse it", "1 value set");
        SHELL_SAYS(0, "reg get /System/Audit/Modules TaintEvents", "maybe");
}
END_TEST

START_TEST(what_goes)
{
        for (const char *const *key =
                        (const char *const[]){ "\\T", "\\T\\A", "\\T\\A\\B", "\\T\\C", "\\U", NULL };
                *key; key++) {
                set_string(world.bus, *key, "V", "1");
                set_string(world.bus, *key, "W", "1");
        }
        write_file("a.yaml", "peios-registry: 1\nkeys:\n  \\T: {V: !delete ''}\n  \\T\\A: !delete\n");
        SHELL_SAYS(0, "reg apply a.yaml",
                "7 changed in layer base (0 values set, 5 deleted; 0 keys made, 2 deleted)");
        SHELL_SAYS(0, "reg apply a.yaml", "0 changed");
        shell_is(0, "reg tree --values /T",
                "Machine\\T\\\n  W = REG_SZ 1\n  C\\\n    V = REG_SZ 1\n    W = REG_SZ 1\n");
        /* A key that replaces one. */
        write_file("b.yaml", "peios-registry: 1\nkeys:\n  \\T\\C: !replace {W: !sz 1, X: !sz 2}\n");
        SHELL_SAYS(0, "reg apply b.yaml",
                "2 changed in layer base (1 value set, 1 deleted; 0 keys made, 0 deleted)");
        SHELL_SAYS(0, "reg apply b.yaml", "0 changed");
        shell_is(0, "reg get /T/C", "W = REG_SZ 1\nX = REG_SZ 2\n");
}
END_TEST

/* At and below the file's topmost keys, in this layer, and nowhere else. */
START_TEST(pruned)
{
        trial_layer();
        for (const char *const *key =
                        (const char *const[]){ "\\T", "\\T\\A", "\\T\\A\\B", "\\T\\C\\D", "\\U", NULL };
                *key; key++) {
                set_string(world.bus, *key, "V", "1");
                set_in_layer(world.bus, "trial", *key, "L", "2");
        }
        write_file("a.yaml", "peios-registry: 1\nkeys:\n  \\T: {N: !sz 1}\n  \\T\\A: {L: !sz 2}\n");
        SHELL_SAYS(0, "reg apply --prune --layer=trial --dry-run a.yaml",
                "value-deleted  Machine\\T\\A\\B  L", "7 would be changed in layer trial");
        SHELL_SAYS(0, "reg apply --prune --layer=trial a.yaml",
                "7 changed in layer trial (1 value set, 3 deleted; 0 keys made, 3 deleted)");
        SHELL_SAYS(0, "reg apply --prune --layer=trial a.yaml", "0 changed");
        shell_is(0, "reg tree --values /T",
                "Machine\\T\\\n  N = REG_SZ 1\n  V = REG_SZ 1\n  A\\\n    L = REG_SZ 2\n    V = REG_SZ 1\n    B\\\n"
                "      V = REG_SZ 1\n  C\\\n    D\\\n      V = REG_SZ 1\n");
        shell_is(0, "reg get /U", "L = REG_SZ 2\nV = REG_SZ 1\n");
}
END_TEST

#define TOGETHER                                                                                                  \
        "peios-registry: 1\nlayer: trial\nkeys:\n  \\T:\n    '@': !sz default\n    Bytes: !hex 00ff\n"            \
        "    Gone: !tombstone ''\n    List: !multi [a, 'b c']\n  \\T\\Hidden: !hidden\n  \\T\\Masked: !blanket\n" \
        "    V: !qword 5\n  \\T\\Übung:\n    'a\\b': !expand '%X%'\n"

START_TEST(a_layer_to_a_file_and_back)
{
        trial_layer();
        set_string(world.bus, "\\T\\Hidden", "V", "1");
        set_string(world.bus, "\\T\\Masked", "W", "1");
        set_string(world.bus, "\\T", "Gone", "1");
        write_file("a.yaml", TOGETHER);
        SHELL_SAYS(0, "reg apply a.yaml", "changed in layer trial");
        SHELL_SAYS(0, "reg apply a.yaml", "0 changed in layer trial");
        SHELL_SAYS(2, "reg get /T Gone", "no such value");
        SHELL_SAYS(2, "reg get /T/Hidden", "is neither a key nor a value");
        (void)shell_output(0, "reg diff a.yaml layer:trial");
        (void)shell_output(0, "reg diff layer:trial a.yaml");
        SHELL_SAYS(0, "reg export --layer=trial Machine/T > b.yaml; cat b.yaml", "layer: trial\n",
                "!tombstone", "!hidden", "!blanket");
        (void)shell_output(0, "reg diff a.yaml b.yaml");
        /* Away with it, and back. */
        write_file("none.yaml", "peios-registry: 1\nlayer: trial\nkeys:\n  \\T: !delete\n");
        SHELL_SAYS(0, "reg apply none.yaml", "changed in layer trial");
        SHELL_SAYS(0, "reg get /T Gone", "1");
        SHELL_SAYS(1, "reg diff layer:trial b.yaml", "+ \\T\\\n", "+ \\T  Gone = masked\n",
                "+ \\T  List = REG_MULTI_SZ");
        SHELL_SAYS(0, "reg apply b.yaml", "changed in layer trial");
        (void)shell_output(0, "reg export --layer=trial Machine/T > c.yaml; cmp b.yaml c.yaml");
        /* Unmasked and shown by what replaces it. */
        write_file(
                "d.yaml", "peios-registry: 1\nlayer: trial\nkeys:\n  \\T:\n  \\T\\Masked: {V: !qword 5}\n");
        SHELL_SAYS(0, "reg apply --prune d.yaml", "changed in layer trial");
        SHELL_SAYS(0, "reg apply --prune d.yaml", "0 changed in layer trial");
        SHELL_SAYS(0, "reg get /T/Hidden V", "1");
        shell_is(0, "reg get /T/Masked", "V = REG_QWORD 5\nW = REG_SZ 1\n");
}
END_TEST

START_TEST(differences)
{
        trial_layer();
        set_string(world.bus, "\\T\\A", "V", "1");
        set_string(world.bus, "\\T", "W", "1");
        (void)shell_output(0, "reg export Machine/T > a.yaml; reg diff a.yaml live");
        shell_is(0, "reg diff live a.yaml", "");
        set_string(world.bus, "\\T\\A", "V", "2");
        set_string(world.bus, "\\T\\B", "X", "1");
        set_in_layer(world.bus, "trial", "\\T", "W", "over");
        shell_is(1, "reg diff a.yaml live",
                "~ \\T  W = REG_SZ 1 -> REG_SZ over\n~ \\T\\A  V = REG_SZ 1 -> REG_SZ 2\n+ \\T\\B\\\n"
                "+ \\T\\B  X = REG_SZ 1\n");
        shell_is(1, "reg diff live a.yaml",
                "~ \\T  W = REG_SZ over -> REG_SZ 1\n~ \\T\\A  V = REG_SZ 2 -> REG_SZ 1\n- \\T\\B\\\n"
                "- \\T\\B  X = REG_SZ 1\n");
        shell_is(1, "reg diff -q live a.yaml", "");
        shell_is(1, "reg diff a.yaml live /T/A", "~ \\T\\A  V = REG_SZ 1 -> REG_SZ 2\n");
        shell_is(1, "reg diff layer:base layer:trial /T",
                "~ \\T  W = REG_SZ 1 -> REG_SZ over\n- \\T\\A\\\n- \\T\\A  V = REG_SZ 2\n- \\T\\B\\\n"
                "- \\T\\B  X = REG_SZ 1\n");
        shell_is(0, "reg diff layer:base layer:base", "");
        shell_is(1, "reg diff --json a.yaml live /T/A",
                "{\"differences\":[{\"change\":\"value-changed\",\"path\":\"Machine\\\\T\\\\A\",\"name\":\"V\","
                "\"before\":{\"type\":\"sz\",\"data\":\"1\"},\"after\":{\"type\":\"sz\",\"data\":\"2\"}}]}\n");
        SHELL_SAYS(1, "reg diff --sep=/ --json a.yaml live /T/A", "\"path\":\"Machine/T/A\"");
        SHELL_SAYS(2, "reg diff layer:none live", "there is no layer called 'none'");
        SHELL_SAYS(2, "reg diff none.yaml live", "none.yaml");
        shell_is(0, "reg export 'HKLM\\T' a.reg /y && reg import a.reg /reg:64",
                "a.reg: 1 changed in layer base"
                " (1 value set, 0 deleted; 0 keys made, 0 deleted)\n");
        SHELL_SAYS(2, "reg export Machine/None", "no such key");
        SHELL_SAYS(2, "reg export --layer=trial /System/Audit", "layer trial has nothing here");
}
END_TEST

START_TEST(what_was)
{
        set_string(world.bus, "\\T\\A", "V", "1");
        uint64_t then = set_string(world.bus, "\\T\\B", "W", "1");
        set_string(world.bus, "\\T\\A", "V", "2");
        succeeds(world.bus, "DeleteKey", "sa{sv}", "\\T\\B", 0);
        char line[256];
        (void)snprintf(line, sizeof(line), "reg diff at:%" PRIu64 " live Machine/T", then);
        shell_is(1, line, "~ \\T\\A  V = REG_SZ 1 -> REG_SZ 2\n- \\T\\B\\\n- \\T\\B  W = REG_SZ 1\n");
        (void)snprintf(line, sizeof(line),
                "reg export --at=%" PRIu64 " Machine/T a.yaml && reg diff a.yaml at:%" PRIu64, then, then);
        shell_is(0, line, "");
        SHELL_SAYS(0, "reg apply a.yaml", "3 changed in layer base");
        (void)snprintf(line, sizeof(line), "reg diff live at:%" PRIu64 " Machine/T", then);
        shell_is(0, line, "");
        SHELL_SAYS(1, "reg diff at:never live",
                "peios-reg: at: 'never' is neither a change's number nor a time");
}
END_TEST

/* ---- Random contents ---- */

/* Any bytes in any type; `tidy`: bytes that their type promises, of the types that .reg can say. */
static size_t random_data(bool tidy, uint32_t *ret_type, char *ret, size_t size)
{
        static const uint32_t types[] = { REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD, REG_QWORD,
                REG_NONE };
        static const char *const texts[] = { "", "a", "\"q\" \\ x", "\303\234bung", "two\nlines",
                " ;#=@[x]" };

        *ret_type = tidy ? types[(size_t)random() % ARRAY_SIZE(types)] : (uint32_t)(random() % 12);
        if (tidy && (*ret_type == REG_SZ || *ret_type == REG_EXPAND_SZ)) {
                const char *text = texts[(size_t)random() % ARRAY_SIZE(texts)];
                return (size_t)(stpcpy(ret, text) - ret);
        }
        size_t n = !tidy                    ? (size_t)random() % size
                   : *ret_type == REG_DWORD ? 4
                   : *ret_type == REG_QWORD ? 8
                                            : (size_t)random() % size;
        for (size_t i = 0; i < n; i++)
                ret[i] = (char)random();
        return n;
}

static void put_random(sd_bus *bus, unsigned seed, bool tidy)
{
        static const char *const names[] = { "", "a", "B b", "\303\251", "@", "x\\y", "no", "1" };

        srandom(seed);
        for (unsigned i = 0; i < 60; i++) {
                char key[64] = "\\T", data[16];
                uint32_t type;
                for (long depth = random() % 4; depth > 0; depth--)
                        (void)snprintf(key + strlen(key), 8, "\\%c%s", (int)('A' + random() % 3),
                                random() % 3 ? "" : " x");
                const char *name = names[(size_t)random() % ARRAY_SIZE(names)];
                size_t n = random_data(tidy, &type, data, sizeof(data));
                _cleanup_message_ sd_bus_message *m = NULL;
                ck_assert_int_ge(sd_bus_message_new_method_call(bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                         REGISTRY_INTERFACE, "Set"),
                        0);
                ck_assert_int_ge(sd_bus_message_append(m, "ssu", key, name, type), 0);
                ck_assert_int_ge(sd_bus_message_open_container(m, 'v', "ay"), 0);
                ck_assert_int_ge(sd_bus_message_append_array(m, 'y', data, n), 0);
                ck_assert_int_ge(sd_bus_message_close_container(m), 0);
                ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 0), 0);
                ck_assert_int_ge(sd_bus_call(bus, m, 0, NULL, NULL), 0);
        }
}

START_TEST(random_contents)
{
        static const char *const forms[] = { "yaml", "json", "reg", "--variant=utf8 reg" };

        for (unsigned seed = 1; seed <= 4; seed++)
                for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                        const char *ending = strchr(forms[i], ' ') ? strchr(forms[i], ' ') + 1 : forms[i];
                        bool is_reg = strcmp(ending, "reg") == 0;
                        char line[512];
                        put_random(world.bus, seed * 100 + (unsigned)i, is_reg);
                        (void)snprintf(line, sizeof(line),
                                "reg export %.*s Machine/T a.%s && reg diff a.%s live && reg del -r /T >&2 &&"
                                " reg -q apply a.%s && reg export %.*s Machine/T b.%s && cmp a.%s b.%s && reg apply a.%s &&"
                                " reg del -r /T",
                                (int)(ending - forms[i]), forms[i], ending, ending, ending,
                                (int)(ending - forms[i]), forms[i], ending, ending, ending, ending);
                        SHELL_SAYS(0, line, ": 0 changed");
                }
}
END_TEST

/* What is exported is from one moment: who writes two values together never gets them apart. Nor is anything
 * of a moment before left in the text; and there is none where the form cannot say its last value. */
START_TEST(read_while_others_write)
{
        _cleanup_free_ char *long_text = repeat("x", 20000);

        /* Many pages. */
        for (unsigned i = 0; i < 400; i++) {
                char key[32];
                (void)snprintf(key, sizeof(key), "\\T\\K%03u", i);
                set_string(world.bus, key, "V", long_text);
        }
        for (unsigned i = 0; i < 2; i++) {
                char name[8], text[128];
                (void)snprintf(name, sizeof(name), "%u.yaml", i);
                (void)snprintf(text, sizeof(text),
                        "peios-registry: 1\nkeys:\n  \\T\\A: {N: !dword %u}\n  \\T\\Z: {N: !dword %u}\n", i,
                        i);
                write_file(name, text);
        }
        (void)shell_output(0,
                "(while [ ! -e stop ]; do reg -q apply 0.yaml; reg -q apply 1.yaml; done) >/dev/null 2>&1 &"
                " for i in 1 2 3 4 5 6 7 8; do reg export Machine/T > $i.out || exit 9;"
                " [ \"$(grep -c 'N: !dword 0' $i.out)\" = 1 ] && exit 8;"
                " [ \"$(grep -c 'K000:' $i.out)\" = 1 ] || exit 7; done; touch stop; wait; exit 0");
        shell_is(4,
                "reg -q set '\\T\\ZZ' \"$(printf 'a\\tb')\" x && reg export --format=reg Machine/T 2>/dev/null",
                "");
}
END_TEST

/* As a set; where they do not count they are what they are. */
START_TEST(values_of_layers)
{
        write_file("a.yaml", "peios-registry: 1\nkeys:\n  \\System\\Registry\\Layers\\trial:\n"
                             "    Enabled: !dword 2\n    Precedence: !sz x\n    Other: !sz x\n");
        SHELL_SAYS(4, "reg apply a.yaml",
                "a.yaml:4:", "Layers\\trial\\Enabled: its reader would refuse it: ", "expected one of 0, 1",
                "a.yaml:5:", "nothing is done (--force writes them)");
        SHELL_SAYS(0,
                "printf '{\"keys\": [{\"path\": \"Machine/System/Registry/Layers/trial\", \"values\": [{\"name\": "
                "\"Enabled\", \"type\": \"dword\", \"data\": 2}]}]}' | reg lint --root=root -",
                "Layers\\trial\\Enabled: its reader will refuse this value: 2 is not allowed");
        SHELL_SAYS(4, "reg apply --keep-going a.yaml", "2 bad entries were left out");
        SHELL_SAYS(0, "reg layer new other; reg apply --layer=other a.yaml", "changed in layer other");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { a_file_is_applied_once, a_dry_run_shows_what_would_change,
                bad_lines_change_nothing, too_large_for_a_transaction, volatile_keys_are_noted,
                a_hive_that_is_not_there, what_readers_would_refuse, what_goes, pruned,
                a_layer_to_a_file_and_back, differences, what_was, random_contents, read_while_others_write,
                what_is_left_out_is_no_answer, values_of_layers, a_second_run_has_no_audit_record };
        harness_around(harness_registry, NULL);
        return harness_main(tests, ARRAY_SIZE(tests));
}
