/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* edit: a subtree or a drop-in file in an editor, which is a script here: `ed`, once for each time that it
 * is run, `ed1`, `ed2` and so on. What it is shown is kept as `seen1`, `seen2` and so on. */
#include <string.h>

#include "client.h"
#include "dropin.h"
#include "shell.h"

#define SETUP                                                                                               \
        "export TMPDIR=$PWD EDITOR=\"sh $PWD/ed\"; unset VISUAL; "                                          \
        "ed() { n=1; rm -rf ed[0-9] seen[0-9] peios-reg-*; "                                                \
        "for i; do printf '%s\\n' \"$i\" >ed$n; n=$((n + 1)); done; }; "                                    \
        "printf 'n=1\\nwhile [ -e seen$n ]; do n=$((n + 1)); done\\ncp \"$1\" seen$n\\n. ./ed$n\\n' >ed; "
/* What `ed1`, `ed2` and so on do: a word of the shell each. */
#define WITH(scripts, line) SETUP "ed " scripts "; " line
#define SED(script) "'sed -i \"" script "\" \"$1\"'"
#define NOTHING_LEFT "; ! ls -d peios-reg-* 2>/dev/null"

static void begin(void)
{
        registryd_start(NULL);
        set_string(world.bus, "\\T", "A", "1");
        set_string(world.bus, "\\T", "B", "2");
        set_string(world.bus, "\\T\\Sub", "C", "3");
}

START_TEST(a_subtree_is_changed_at_once)
{
        begin();
        SHELL_SAYS(0,
                WITH(SED("s/A: .*/A: !dword 7/; /B:/d; /Sub:/d; s/C: /D: /"),
                        "reg edit /T; cat seen1" NOTHING_LEFT),
                "value-set  Machine\\T  A = REG_DWORD 7   (layer base)\n", "value-deleted  Machine\\T  B",
                "\\T: 5 changed in layer base (2 values set, 2 deleted; 0 keys made, 1 deleted)",
                "is withdrawn from layer base",
                "layer: base\nkeys:\n  Machine\\T:\n    A: !sz 1\n    B: !sz 2\n  Machine\\T\\Sub:\n    C: !sz 3\n");
        shell_is(0, "reg get /T", "A = REG_DWORD 7\nD = REG_SZ 3\n");
        SHELL_SAYS(2, "reg info /T/Sub", "no such key");
        /* One that nobody has, and what the schema knows there. */
        SHELL_SAYS(0,
                WITH(SED("$ a\\    TaintEvents: !sz disabled"),
                        "reg edit --yes /System/Audit/Modules; cat seen1" NOTHING_LEFT),
                "1 value set", "# TaintEvents   (not set, default REG_SZ enabled)\n",
                "keys:\n  Machine\\System\\Audit\\Modules:\n");
        ck_assert(value_is("disabled base"));
}
END_TEST

START_TEST(all_that_a_layer_can_say)
{
        begin();
        (void)shell_output(0,
                "reg layer new trial && reg mask --layer=trial /T A && reg hide --layer=trial /T/Sub && "
                "reg set --layer=trial /T @ text && reg set --layer=trial /T @@ text");
        SHELL_SAYS(0,
                WITH(SED("/@@/d; s/Sub: !hidden/Sub: !blanket/; s/A: .*/A: !multi [a, b]/"),
                        "reg edit -q --layer=trial /T; cat seen1; reg export --layer=trial Machine/T"),
                "    \"@\": !sz text\n    \"@@\": !sz text\n    A: !tombstone \"\"\n  Machine\\T\\Sub: !hidden\n",
                "keys:\n  Machine\\T:\n    \"@\": !sz text\n    A: !multi [a, b]\n  Machine\\T\\Sub: !blanket\n");
        SHELL_SAYS(0, "reg get /T; reg tree --values /T",
                "@ = REG_SZ text\nA = REG_MULTI_SZ a, b\nB = ", "Sub");
        SHELL_SAYS(2, "reg get /T/Sub C", "C");
        /* What is volatile stays so, and so does what is made in it. */
        (void)shell_output(0, "reg new --volatile /V; reg set /V A 1");
        SHELL_SAYS(0,
                WITH(SED("s/A: .*/A: !dword 2/; $ a\\  \\\\\\\\V\\\\\\\\New:"),
                        "reg edit -q /V; cat seen1; reg get /V; reg info /V/New; reg info /V"),
                "# volatile, and gone", "A = REG_DWORD 2", "Volatile:   yes", "Volatile:   yes");
}
END_TEST

/* A link is what it is, and not what it leads to. */
START_TEST(links)
{
        begin();
        (void)shell_output(0, "reg link -q /T/L /T/Sub; reg link -q /T/M /T/Sub");
        SHELL_SAYS(0,
                WITH(SED("/T\\\\\\\\L/,/@/s/T\\\\\\\\Sub$/U/; s/T\\\\\\\\M: !link/T\\\\\\\\M:/"),
                        "reg edit /T; cat seen1; reg export --layer=base Machine/T"),
                "changed in layer base", "  Machine\\T\\L: !link\n    \"@\": !link Machine\\T\\Sub\n",
                "  Machine\\T\\L: !link\n    \"@\": !link Machine\\U\n  Machine\\T\\M:\n    \"@\": !link Machine\\T\\Sub\n",
                "  Machine\\T\\Sub:\n    C: !sz 3\n");
}
END_TEST

START_TEST(nothing_to_do)
{
        begin();
        _cleanup_free_ char *sequence = strdup(registry_property(world.bus, "Sequence"));
        SHELL_SAYS(0, WITH("true", "reg edit /T" NOTHING_LEFT), "the text is unchanged: nothing is done\n");
        SHELL_SAYS(0, WITH("'echo >\"$1\"'", "reg edit /T" NOTHING_LEFT),
                "the text is empty: nothing is done\n");
        SHELL_SAYS(0, WITH(SED("s/A:/A:  /; 1d"), "reg edit /T" NOTHING_LEFT),
                "the layer has all that already: nothing is done\n");
        /* An editor that fails, or is killed: what it wrote is kept. */
        SHELL_SAYS(
                5, WITH("'exit 3'", "reg edit /T"), "the editor ended with exit status 3: nothing is done");
        SHELL_SAYS(2, "ls -d peios-reg-*", "No such file");
        SHELL_SAYS(5,
                WITH("'sed -i s/1/9/ \"$1\"; kill -9 $$'",
                        "reg edit /T || { cat peios-reg-*/*.yaml; exit 5; }"),
                "the text is kept as ", "nothing is done", "A: !sz 9");
        SHELL_SAYS(5, WITH("'rm \"$1\"'", "reg edit /T"), "No such file");
        /* Whose editor it is. */
        SHELL_SAYS(1, SETUP "EDITOR= reg edit /T </dev/null",
                "there is no terminal for an editor, and neither VISUAL nor EDITOR says what to run without one");
        SHELL_SAYS(0,
                WITH("true", "VISUAL=\"sed -i -e 's/A: .*/A: !sz visual/'\" reg edit -q /T; reg get /T A"),
                "visual");
        SHELL_SAYS(1, "EDITOR=true reg edit", "which key, or which --file?");
        set_string(world.bus, "\\T", "A", "1");
        ck_assert_str_ne(registry_property(world.bus, "Sequence"), sequence);
        SHELL_SAYS(1,
                WITH(SED("s/A: .*/A: !sz 5/"), "reg edit --dry-run /T; cat peios-reg-*/*.yaml; exit 1"),
                "dry run: nothing is written", "A = REG_SZ 5", "the text is kept as ", "A: !sz 5");
        shell_is(0, "reg get /T", "A = REG_SZ 1\nB = REG_SZ 2\n");
}
END_TEST

/* Below the line, the caret below the column, and gone from what comes back. */
START_TEST(errors_are_comments)
{
        begin();
        SHELL_SAYS(0,
                WITH(SED("s/A: .*/A: !dword x/; s/C: .*/C: !dword y/") " " SED(
                             "s/!dword x/!sz mended/; s/.*error/ &/") " " SED("s/!dword y/!sz 3/"),
                        "reg edit -q /T; cat seen2; echo; cat seen3; reg get /T A"),
                "    A: !dword x\n#      ^ error: `x` is not a number",
                "    C: !dword y\n#      ^ error: `y`", "    A: !sz mended\n    B: !sz 2\n",
                "    C: !dword y\n#      ^ error: `y`", "\nmended\n");
        ck_assert_str_eq(get_text(world.bus, "\\T\\Sub", "C"), "3 base");
        /* Who mends nothing gives up. The text is as it was meant, without what was put into it. */
        SHELL_SAYS(4,
                WITH(SED("s/A: .*/A: !dword x/") " true",
                        "reg edit -q /T; s=$?; cat seen2; "
                        "echo; cat peios-reg-*/*.yaml | grep -c '#'; exit $s"),
                "registry.yaml:", ": `x` is not a number", "the text is kept as ",
                "\\T: 1 bad entry; nothing is done", "# ", "^ error", "\n3\n");
        /* What is not the place's, or its reader would refuse. */
        SHELL_SAYS(4,
                WITH(SED("$ a\\  \\\\\\\\Elsewhere: {V: !sz x}\\n  \\\\\\\\Nowhere\\\\\\\\X:") " true",
                        "reg edit -q /T"),
                "is not below \\T, which is edited");
        SHELL_SAYS(4, WITH(SED("s/^layer:.*/layer: other/") " true", "reg edit -q /T"),
                "it is layer `base` that is edited");
        SHELL_SAYS(4,
                WITH(SED("$ a\\    TaintEvents: !sz no") " true",
                        "reg edit -q /System/Audit/Modules; s=$?; tail -n 2 seen2; exit $s"),
                "its reader would refuse it",
                "TaintEvents: !sz no\n#   ^ error: ", "TaintEvents: its reader");
        SHELL_SAYS(0, WITH(SED("$ a\\    TaintEvents: !sz no"), "reg edit -q --force /System/Audit/Modules"),
                "");
        ck_assert(value_is("no base"));
}
END_TEST

/* Inside a text of many lines, too: what is there is the text's. */
START_TEST(comments_never_become_text)
{
        begin();
        SHELL_SAYS(0,
                WITH(SED("s/A: .*/A: !dword |\\n      one\\n      # ^ error: mine/") " " SED(
                             "s/!dword |/!sz |/"),
                        "reg edit -q /T; cat seen2; reg get /T A"),
                "^ error: ", "\none\\x0a# ^ error: mine\\x0a\n");
        ck_assert_str_eq(get_text(world.bus, "\\T", "A"), "one\n# ^ error: mine\n base");
}
END_TEST

#define OTHERS_SET "\"$PEIOS_REG\" set -q /T B other"

START_TEST(others_write_meanwhile)
{
        begin();
        /* What is not edited, and another layer, are no matter. */
        SHELL_SAYS(0,
                WITH("'\"$PEIOS_REG\" set -q /U X 1; \"$PEIOS_REG\" layer new l; \"$PEIOS_REG\" set -q --layer=l "
                     "/T B 5; sed -i \"s/A: .*/A: !sz 4/\" \"$1\"'",
                        "reg edit /T"),
                "1 changed in layer base");
        SHELL_SAYS(6,
                WITH("'" OTHERS_SET "; sed -i \"s/A: .*/A: !sz 5/\" \"$1\"'",
                        "reg edit /T || { s=$?; cat peios-reg-*/*.yaml; exit $s; }"),
                "\\T was changed meanwhile:\n~ \\T  B = REG_SZ 2 -> REG_SZ other\n",
                "value-set  Machine\\T  B = REG_SZ 2 -> REG_SZ other   (layer base, ", ", comm peios-reg",
                "the text is kept as ", "\\T: was changed meanwhile; nothing is done\n", "    A: !sz 5\n");
        ck_assert_str_eq(get_text(world.bus, "\\T", "A"), "4 base");
}
END_TEST

/* Answers each question when it is asked, after a command; what it says is in `log`. */
#define ON_TERMINAL(scripts, words, steps)                                                                  \
        WITH(scripts,                                                                                       \
                "mkfifo in; n=0; ask() { n=$((n + 1)); t=0; "                                               \
                "until [ \"$(grep -o '\\[y/[^]]*\\]' log 2>/dev/null | wc -l)\" -ge $n ]; do sleep 0.05; "  \
                "t=$((t + 1)); [ $t -lt 600 ] || exit 9; done; eval \"$1\"; echo \"$2\" >&3; }; "           \
                "{ script -qec \"$PEIOS_REG " words                                                         \
                "\" /dev/null <in >log; echo \"ended with $?\" >>log; } & "                                 \
                "exec 3>in; " steps                                                                         \
                "; exec 3>&-; wait; rm in; tr -d '\\r' <log; rm log; cat seen2 2>/dev/null")

START_TEST(a_person_is_asked)
{
        begin();
        SHELL_SAYS(1, ON_TERMINAL(SED("s/A: .*/A: !sz 5/"), "edit /T", "ask true n"), "A = REG_SZ 5",
                "do that? (e: edit again) [y/n/e] ", "nothing is done", "the text is kept as ",
                "ended with 0\n");
        ck_assert_str_eq(get_text(world.bus, "\\T", "A"), "1 base");
        SHELL_SAYS(0,
                ON_TERMINAL(SED("s/A: .*/A: !sz 5/") " " SED("s/5/6/"), "edit /T", "ask true e; ask true y"),
                "A = REG_SZ 5", "A = REG_SZ 6", "1 changed in layer base", "ended with 0\n", "A: !sz 5");
        ck_assert_str_eq(get_text(world.bus, "\\T", "A"), "6 base");
}
END_TEST

/* Between the question and the answer. */
START_TEST(others_write_while_a_person_thinks)
{
        begin();
        SHELL_SAYS(1, ON_TERMINAL(SED("s/A: .*/A: !sz 5/"), "edit /T", "ask 'reg set -q /Elsewhere X 1' y"),
                "1 changed in layer base", "ended with 0\n");
        ck_assert_str_eq(get_text(world.bus, "\\T", "A"), "5 base");
        SHELL_SAYS(0,
                ON_TERMINAL(SED("s/A: .*/A: !sz 6/") " true", "edit /T",
                        "ask 'reg set -q /T B other; reg set -q /T New 1' y; ask true y; ask true y"),
                "A = REG_SZ 6",
                "\\T was changed meanwhile:\n~ \\T  B = REG_SZ 2 -> REG_SZ other\n+ \\T  New = ",
                "comm peios-reg", "edit the text again, with that as comments? [y/N] ",
                "value-deleted  Machine\\T  New", "3 changed in layer base", "ended with 0\n",
                "    B: !sz 2\n#   ^ meanwhile: ~ \\T  B = REG_SZ 2 -> REG_SZ other\n");
        shell_is(0, "reg get /T", "A = REG_SZ 6\nB = REG_SZ 2\n");
        SHELL_SAYS(1, ON_TERMINAL(SED("s/A: .*/A: !sz 7/"), "edit /T", "ask 'reg del /T B' y; ask true n"),
                "- \\T  B = REG_SZ 2\n", "the text is kept as ", "ended with 6\n");
        shell_is(0, "reg get /T", "A = REG_SZ 6\n");
}
END_TEST

/* ---- Drop-in files ---- */

#define SITE "root" LAYOUT_DROPINS_ADMIN "/50-site.yaml"
#define EDIT_SITE "reg edit --root=root --file=50-site.yaml"

/* Its last line has no end. */
static void begin_with_file(void)
{
        registryd_start(NULL);
        dropin_write("50-site.yaml", "# mine\npeios-registry: 1   # one\nlayer: site\n\nkeys:\n  # why\n"
                                     "  \\System\\Audit\\Modules:\n    TaintEvents: !sz disabled # because");
        WAIT(value_is("disabled site"));
}

START_TEST(a_file_keeps_its_comments)
{
        begin_with_file();
        SHELL_SAYS(0,
                WITH(SED("s/disabled/success-only/"),
                        "chmod 640 " SITE "; umask 077; " EDIT_SITE "; stat -c '%a' " SITE
                        "; sed s/disabled/success-only/ seen1 | cmp - " SITE NOTHING_LEFT),
                "~ \\System\\Audit\\Modules  TaintEvents = REG_SZ disabled -> REG_SZ success-only\n",
                "/etc/peios/registry.d/50-site.yaml: is in place\n640\n");
        WAIT(value_is("success-only site"));
        SHELL_SAYS(0,
                WITH(SED("s/# mine/# ours/"),
                        "reg edit --root=root --layer=site; sed 's/mine/ours/' seen1 | cmp - " SITE),
                "only what is for people");
        SHELL_SAYS(0, WITH(SED("3a precedence: 7"), EDIT_SITE), "~ precedence  0 -> 7\n");
        SHELL_SAYS(0, WITH("true", EDIT_SITE NOTHING_LEFT), "the text is unchanged: nothing is done");
        SHELL_SAYS(0, WITH("':>\"$1\"'", EDIT_SITE "; test -s " SITE), "the text is empty: nothing is done");
        /* A file that is linked to stays linked to. */
        SHELL_SAYS(0,
                WITH(SED("s/success-only/failure-only/"),
                        "mv " SITE " site; ln -s \"$PWD/site\" " SITE "; " EDIT_SITE "; test -L " SITE
                        "; grep failure-only site"),
                "failure-only # because");
        WAIT(value_is("failure-only site"));
}
END_TEST

/* Also below a last line that has no end, which gets none. */
START_TEST(a_broken_file_is_never_in_place)
{
        begin_with_file();
        SHELL_SAYS(0,
                WITH(SED("s/!sz/!no/") " " SED("s/!no/!sz/; s/mine/ours/"),
                        EDIT_SITE "; cat seen2; sed 's/mine/ours/' seen1 | cmp - " SITE),
                "is in place", "    TaintEvents: !no disabled # because\n#", "^ error: ");
        SHELL_SAYS(4,
                WITH(SED("s/disabled/bad/") " true",
                        EDIT_SITE "; s=$?; cat seen1 | cmp - " SITE " && exit $s"),
                "its reader will refuse this value", "the text is kept as ", "1 bad entry; nothing is done");
        SHELL_SAYS(0, WITH(SED("s/disabled/bad/"), EDIT_SITE " --force"), "is in place");
        WAIT(value_is("bad site"));
        dropin_write("60-other.yaml", dropin_text("other", 5, "enabled"));
        SHELL_SAYS(4, WITH(SED("s/^layer:.*/layer: Other/") " true", EDIT_SITE " --force"),
                "layer `Other` belongs to /etc/peios/registry.d/60-other.yaml, expected another name");
        SHELL_SAYS(4, WITH(SED("s/^layer:.*/layer: fleet-x/") " true", EDIT_SITE " --force"),
                "layer `fleet-x` belongs to the fleet");
        /* It is what one that is broken is edited for. */
        dropin_write("60-other.yaml", "peios-registry: 1\nlayer: other\nkeys: [\n");
        SHELL_SAYS(0, WITH(SED("s/keys: .*/keys: {}/"), "reg edit --root=root --file=60-other.yaml"),
                "60-other.yaml: is in place");
        WAIT(no_problems());
}
END_TEST

START_TEST(others_write_the_file_meanwhile)
{
        begin_with_file();
        SHELL_SAYS(6,
                WITH("'sed -i s/disabled/enabled/ " SITE "; sed -i s/mine/ours/ \"$1\"'",
                        EDIT_SITE " || { s=$?; sed s/disabled/enabled/ seen1 | cmp - " SITE
                                  "; cat peios-reg-*/*; exit $s; }"),
                "50-site.yaml was changed meanwhile:\n~ \\System\\Audit\\Modules  TaintEvents = REG_SZ disabled -> "
                "REG_SZ enabled\n",
                "the text is kept as ", "was changed meanwhile; nothing is done\n# ours\n");
        /* While somebody thinks, and comments alone. */
        SHELL_SAYS(0,
                ON_TERMINAL(SED("s/enabled/success-only/") " true", "edit --root=root --file=50-site.yaml",
                        "ask 'sed -i 1d " SITE "' y; ask true y; ask true y") "; echo; head -n 1 " SITE,
                "do that? (e: edit again)", "was changed meanwhile:\n", "edit the text again", "is in place",
                "ended with 0\n", "\n# mine\n");
}
END_TEST

START_TEST(files_that_are_not_there)
{
        registryd_start(NULL);
        SHELL_SAYS(0,
                WITH(SED("s/^# /  /; s/\\\\\\\\Example/&s/; s/^#  /  /"),
                        "reg edit --root=root --file=70-new.yaml; cat root/etc/peios/registry.d/70-new.yaml"),
                "70-new.yaml: is in place", "layer: 70-new\nprecedence: 10\nkeys:\n");
        world_write(LAYOUT_DROPINS_VENDOR "/vendor.yaml", dropin_text("vendor", 9, "success-only"));
        WAIT(value_is("success-only vendor"));
        SHELL_SAYS(0, WITH(SED("s/success-only/disabled/"), "reg edit --root=root --layer=vendor"),
                "TaintEvents = REG_SZ success-only -> REG_SZ disabled",
                "/etc/peios/registry.d/vendor.yaml: is in place");
        WAIT(value_is("disabled vendor"));
        dropin_write_signed("fleet-web", 1000, "failure-only");
        WAIT(value_is("failure-only fleet-web"));
        SHELL_SAYS(3, WITH("true", "reg edit --root=root --layer=fleet-web"), "is the fleet's, and signed");
        SHELL_SAYS(1, WITH("true", "reg edit --root=root --file=x"), "'x' is no name of a drop-in file");
        SHELL_SAYS(1, WITH("true", "reg edit --root=root --file=../x.yaml"), "is no name of a drop-in file");
        SHELL_SAYS(3,
                WITH("true",
                        "chmod 555 root/etc/peios/registry.d; [ $(id -u) = 0 ] && as='setpriv --reuid 65534'; "
                        "$as \"$PEIOS_REG\" edit --root=root --file=x.yaml; s=$?; "
                        "chmod 755 root/etc/peios/registry.d; exit $s"),
                "/etc/peios/registry.d/x.yaml: Permission denied");
        /* No provider is needed to mend what it reads. */
        daemon_stop(&world.registryd);
        SHELL_SAYS(0, WITH(SED("s/disabled/enabled/"), "reg edit --root=root --file=vendor.yaml"),
                "is in place\n", "the file is read when the provider starts");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { a_subtree_is_changed_at_once, all_that_a_layer_can_say, links,
                nothing_to_do, errors_are_comments, comments_never_become_text, others_write_meanwhile,
                a_person_is_asked, others_write_while_a_person_thinks, a_file_keeps_its_comments,
                a_broken_file_is_never_in_place, others_write_the_file_meanwhile, files_that_are_not_there };
        return harness_main(tests, ARRAY_SIZE(tests));
}
