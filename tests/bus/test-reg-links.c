/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links as people make them and meet them, and their way through files. */
#include <string.h>

#include "client.h"
#include "dropin.h"
#include "shell.h"

#define output shell_output
#define is shell_is
#define SAYS SHELL_SAYS

static void begin(void)
{
        registryd_start(NULL);
        set_string(world.bus, "\\New", "V", "one");
        set_string(world.bus, "\\New\\In", "W", "two");
        SAYS(0, "reg link /Old /New", "link \\Old -> Machine\\New   (layer base, sequence ");
}

START_TEST(both_sides)
{
        begin();
        is(0, "reg get /Old/V", "one\n");
        is(0, "reg --sep=/ ls /Old", "In/\nV = REG_SZ one\n");
        is(0, "reg get --no-follow /Old @", "Machine\\New\n");
        SAYS(0, "reg info /Old", "Path:       Machine\\New\n", "Link:       no\n");
        SAYS(0, "reg info --no-follow /Old", "Path:       Machine\\Old\n",
                "Link:       yes\nTarget:     Machine\\New\n");
        SAYS(0, "reg --json info --no-follow /Old", "\"target\":\"Machine\\\\New\"");
        SAYS(0, "reg why /Old/In W", "New\\In  W = REG_SZ two\n",
                "link:       Machine\\Old -> Machine\\New\n");
        SAYS(0, "reg --json why /Old/In W",
                "\"links\":[{\"path\":\"Machine\\\\Old\",\"target\":\"Machine\\\\New\"}]");
        SAYS(0, "reg why --no-follow /Old @", "Old  @ = REG_LINK Machine\\New\n");

        SAYS(4, "reg link /Old /Other", "\\Old", "there already");
        SAYS(0, "reg set --no-follow /Old @ link:'Machine\\Other'", "set \\Old  @ = ");
        SAYS(2, "reg get /Old V", "Machine\\Old is a link to Machine\\Other");
        SAYS(0, "reg set /Old V 1", "set \\Old  V = ");
        is(0, "reg get /Other V", "1\n");
        SAYS(0, "reg del --no-follow /Old", "del \\Old ");
        is(0, "reg get /Other V", "1\n");
        SAYS(2, "reg get /Old V", "no such");

        SAYS(0,
                "reg -q link /A /B && reg -q link /B /A; reg watch --count=1 /A & "
                "sleep 0.3; reg set --no-follow /A @ link:'Machine\\New'; wait",
                "warning: ", "in a circle", "overflow");
}
END_TEST

START_TEST(trees)
{
        begin();
        (void)output(0, "reg -q link /New/Up '\\'Machine");
        is(0, "reg --sep='\\' tree /Old", "Machine\\Old\\\n  In\\\n  Up -> Machine\n");
        is(0, "reg --sep='\\' tree --no-follow /Old", "Machine\\Old -> Machine\\New\n");
        SAYS(0, "reg ls -l /New", "key ", "In\\\n", "link", "Up -> Machine\n");
        SAYS(0,
                "reg -q watch --no-follow --count=1 /New/Up & sleep 0.3; "
                "reg -q set --no-follow /New/Up @ link:'Machine\\In'; wait",
                "value-set", "New\\Up");
        SAYS(0, "reg watch --count=1 /Old & sleep 0.3; reg -q set /New V 3; wait",
                "Machine\\Old is a link to Machine\\New: what happens there is shown", "value-set", "New");
        /* All of it, and nothing of what its links stand for. */
        SAYS(0, "reg -q del -r /Old", "");
        SAYS(0, "reg ls /", "Machine");
        SAYS(2, "reg get /New V", "no such");
        SAYS(0, "reg info --no-follow /Old", "Link:       yes\n");
}
END_TEST

/* reg.exe's commands, and those of layers: what they ask, and whom they mean. */
START_TEST(other_commands)
{
        begin();
        (void)output(0, "reg -q link /New/Up '\\'New");
        SAYS(0, "reg query '\\Old' /s", "Old\\In\n", "W    REG_SZ    two\n", "Old\\Up\n", "REG_LINK");
        SAYS(0, "reg query --no-follow '\\Old'", "    (Default)    REG_LINK    Machine\\New");
        SAYS(4, "reg add --no-follow '\\Old' /v V /d 2", "a link, which has no value but its default one");
        SAYS(0, "reg -q copy '\\Old' '\\Copy' /s && reg tree --values /Copy", "Copy\\\n", "W = REG_SZ two",
                "Up -> Machine\\New");
        SAYS(0, "reg compare '\\Old' '\\Copy' /s", "dentical");

        /* What would be lost is the target's. */
        SAYS(1, "reg mask /Old V", "layer base itself has the value");
        SAYS(1, "reg hide /Old/In", "layer base itself has the key");
        SAYS(1, "reg hide --no-follow /Old", "\\Old", "layer base itself has the key");
        (void)output(0, "reg -q layer new top --precedence 5 && reg -q hide --no-follow --layer top /Old");
        SAYS(2, "reg get /Old V", "no such key");
        (void)output(0, "reg -q unhide --no-follow --layer top /Old && reg -q mask --layer top /Old V");
        SAYS(2, "reg get /New V", "no such value");
        (void)output(0, "reg -q unmask --layer top /Old V");
        SAYS(4, "reg -q mask --no-follow --layer top /Old @; reg get /Old V", "a link without a target");
        (void)output(0, "reg -q unmask --no-follow --layer top /Old @ && reg -q layer del top");

        SAYS(0, "reg delete '\\Old' /va /f", "del ");
        SAYS(0, "reg ls /Old", "In\\\n");
        SAYS(2, "reg get /New V", "no such value");
        SAYS(0, "reg delete --no-follow '\\Old' /f", "del ");
        SAYS(2, "reg info --no-follow /Old", "no such key");
        is(0, "reg get /New/In W", "two\n");
}
END_TEST

START_TEST(files)
{
        begin();
        is(0, "reg export --no-follow '\\Old' | tail -n 3",
                "keys:\n  Machine\\Old: !link\n    \"@\": !link Machine\\New  # base\n");
        SAYS(0, "reg export '\\Old'", "  Machine\\New:\n    V: !sz one", "  Machine\\New\\In:\n");
        SAYS(0, "reg --json export --no-follow '\\Old'", "{\"link\":\"Machine\\\\Old\",\"values\":[\n",
                "{\"name\":\"@\",\"type\":\"link\",\"data\":\"Machine\\\\New\"");
        SAYS(4, "reg export --format=reg --no-follow '\\Old'",
                "key `Machine\\Old`: a link, for which .reg has no word");
        SAYS(0, "reg export --format=reg --as-hex --no-follow '\\Old'", "[HKEY_LOCAL_MACHINE\\Old]",
                "@=hex");
        (void)output(0,
                "reg -q export --no-follow '\\Old' a.yaml && reg -q --json export --no-follow '\\Old' a.json");
        for (unsigned i = 0; i < 2; i++) {
                const char *apply = i == 0 ? "reg apply a.yaml" : "reg apply a.json";
                SAYS(0, apply, "0 changed");
                (void)output(0, "reg -q del --no-follow /Old");
                (void)output(0, apply);
                SAYS(0, "reg info --no-follow /Old", "Link:       yes\nTarget:     Machine\\New\n");
                SAYS(0, apply, "0 changed");
        }
        /* What the layer has otherwise gives way only to --prune. */
        (void)output(0, "reg -q del --no-follow /Old && reg -q set /Old V 1");
        SAYS(4, "reg apply a.yaml", "there is a key that is no link");
        SAYS(1, "reg diff live a.yaml", "\\Old");
        (void)output(0, "reg apply --prune a.yaml");
        is(0, "reg get /Old/V", "one\n");
        SAYS(4, "printf 'peios-registry: 1\\nkeys:\\n  \\\\A: !link\\n    V: !sz x\\n' | reg apply -",
                "<stdin>:4:8: a link has no value but `@`, of type REG_LINK");
}
END_TEST

START_TEST(dropins)
{
        begin();
        dropin_write("50-site.yaml", "peios-registry: 1\nlayer: 50-site\nprecedence: 5\nkeys:\n"
                                     "  \\Alias: !link\n    \"@\": !link Machine\\New\n");
        WAIT(strcmp(get_text(world.bus, "\\Alias", "V"), "one base") == 0);
        /* It may become a key, and a link again. */
        dropin_write(
                "50-site.yaml", "peios-registry: 1\nlayer: 50-site\nkeys:\n  \\Alias: { V: !sz own }\n");
        WAIT(strcmp(get_text(world.bus, "\\Alias", "V"), "own 50-site") == 0);
        dropin_write("50-site.yaml", "peios-registry: 1\nlayer: 50-site\nkeys:\n"
                                     "  \\Alias: !link\n    \"@\": !link Machine\\New\\In\n");
        WAIT(strcmp(get_text(world.bus, "\\Alias", "W"), "two base") == 0);
        /* A file names keys, not what stands for them. */
        dropin_write(
                "60-more.yaml", "peios-registry: 1\nlayer: 60-more\nkeys:\n  \\Old\\In: { W: !sz no }\n");
        WAIT(has_problem("Machine\\Old: is a link, expected a key"));
        ck_assert_str_eq(get_text(world.bus, "\\New\\In", "W"), "two base");
        dropin_write("60-more.yaml", "peios-registry: 1\nlayer: 60-more\nkeys:\n"
                                     "  \\System\\Registry\\Layers\\x: !link\n");
        WAIT(has_problem("what layers are made of cannot be a link"));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { both_sides, trees, other_commands, files, dropins };
        return harness_main(tests, ARRAY_SIZE(tests));
}
