/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines as scripts for Peios's own `reg` have them, of each of its commands that there is here. What is
 * compared is what such a script goes by: exit codes, the bare value, members of the JSON. */

#include "client.h"
#include "shell.h"

static void begin(void)
{
        registryd_start(NULL);
        (void)set_number(world.bus, "\\System\\Registry\\Layers\\policy", "Precedence", 100);
}

START_TEST(values)
{
        SHELL_SAYS(0, "reg set Machine/App Build 4096 -p", "Build = REG_DWORD 4096 ");
        shell_is(0, "reg get Machine/App Build; reg get 'Machine\\App' Build; reg get /Machine/App Build",
                "4096\n4096\n4096\n");
        shell_is(0, "reg set -q Machine/App @ dflt; reg get Machine/App @", "dflt\n");
        shell_is(0,
                "reg set -q Machine/App Blob hex:de:ad-be ef 2>/dev/null; reg set -q Machine/App Blob hex:de:ad-be; reg get --raw Machine/App Blob | od -An -tx1",
                " de ad be\n");
        /* A number that looks as if it were none is shown with its type all the same. */
        SHELL_SAYS(0, "reg set -q Machine/App Pin 007", "Pin = REG_DWORD 7 ");
        shell_is(0, "reg set -q Machine/App Text sz:dword:42; reg get Machine/App Text", "dword:42\n");
        shell_is(0, "reg set -q Machine/App Url http://host; reg get Machine/App Url", "http://host\n");
        shell_is(0, "reg set -q Machine/App List 'multi:a\\,b,c'; reg get Machine/App List", "a,b\nc\n");
        SHELL_SAYS(6, "reg set Machine/App Build 1 --expected-seq 1", "expected 1");
        SHELL_SAYS(2, "reg get Machine/Nowhere X", "no such key");
        SHELL_SAYS(4, "reg set Machine/App N dword:5000000000", "expected at most 4294967295");
        SHELL_SAYS(1, "reg set Machine/App", "too few words");
        SHELL_SAYS(0, "reg del Machine/App Build && reg delete Machine/App Pin", "del \\App  Build ",
                "del \\App  Pin ");
}
END_TEST

START_TEST(json)
{
        SHELL_SAYS(0, "reg set --json Machine/App Build 4096", "\"type\":\"dword\"", "\"data\":4096",
                "\"set\":\"Machine\\\\App\",\"value\":4096");
        SHELL_SAYS(0, "reg get --json Machine/App Build",
                "\"name\":\"Build\",\"type\":\"dword\",\"data\":4096,\"layer\":\"base\",\"sequence\":");
        SHELL_SAYS(0, "reg set --json Machine/App Blob hex:00ff", "\"type\":\"binary\",\"data\":\"00ff\"");
        SHELL_SAYS(
                0, "reg new --json Machine/App/Sub", "\"created\":true,\"key\":\"Machine\\\\App\\\\Sub\"");
        SHELL_SAYS(0, "reg info --json Machine/App", "\"path\":\"Machine\\\\App\",\"name\":\"App\"",
                "\"subkey_count\":1,\"value_count\":2,\"last_write_time\":", "\"symlink\":false}");
        SHELL_SAYS(0, "reg ls --json Machine/App", "\"subkeys\":[{\"name\":\"Sub\"}]",
                "\"values\":[{\"name\":\"Blob\"");
        SHELL_SAYS(0, "reg tree --json Machine", "{\"root\":\"Machine\"",
                "\"keys\":[\"Machine\\\\App\",\"Machine\\\\App\\\\Sub\",");
        SHELL_SAYS(0, "reg del --json Machine/App Build",
                "\"deleted_value\":\"Build\",\"key\":\"Machine\\\\App\"");
        SHELL_SAYS(0, "reg del --json -r Machine/App", "\"deleted_key\":\"Machine\\\\App\"");
}
END_TEST

START_TEST(listings)
{
        (void)shell_output(0,
                "reg set Machine/App V 1; reg new Machine/App/Sub; reg set --layer policy Machine/App V 2");
        shell_is(0, "reg ls Machine/App --keys-only", "Sub\\\n");
        shell_is(0, "reg ls Machine/App --values-only", "V = REG_DWORD 2\n");
        shell_is(0, "reg ls Machine/App --keys-only --sep=/; REG_SEP=/ reg ls Machine/App --keys-only",
                "Sub/\nSub/\n");
        shell_is(0, "reg ls --json --keys-only Machine/App | grep -o '\"subkeys.*'",
                "\"subkeys\":[{\"name\":\"Sub\"}],\"known_subkeys\":[],\"values\":[],\"known_values\":[]}\n");
        SHELL_SAYS(0, "reg tree Machine/App --depth 1 --sep /", "Machine/App/\n", "  Sub/\n");
        SHELL_SAYS(0, "reg --json info --sep=slash Machine/App", "\"path\":\"Machine/App\"");
        SHELL_SAYS(0, "reg set --sep=/ Machine/App/Sub W 1", "set /App/Sub  W ");
        SHELL_SAYS(1, "reg ls --sep=: Machine/App", "--sep: ':' is no separator, expected \\ or /");
        SHELL_SAYS(1, "REG_SEP=x reg ls Machine/App", "REG_SEP: 'x' is no separator");
        /* The winner with where it is from, and those below it. */
        SHELL_SAYS(0, "reg get Machine/App V -L", "V = REG_DWORD 2   (layer policy, sequence ",
                "\n* policy ", "\n  base ", "REG_DWORD 1   (shadowed)");
        SHELL_SAYS(0, "reg get --layers Machine/App", "V = REG_DWORD 2   (layer policy, sequence ");
        SHELL_SAYS(0, "reg get -L --json Machine/App V", "\"data\":2,\"layer\":\"policy\",\"sequence\":");
}
END_TEST

START_TEST(environment)
{
        SHELL_SAYS(0, "REG_LAYER=policy reg set Machine/App V 2", "(layer policy, ");
        SHELL_SAYS(0, "REG_LAYER=policy PEIOS_REG_LAYER=base reg set Machine/App V 1", "(layer base, ");
        SHELL_SAYS(0, "REG_LAYER=policy reg set --layer base Machine/App V 1", "(layer base, ");
        SHELL_SAYS(0, "REG_JSON=1 reg get Machine/App V", "\"data\":2");
        shell_is(0, "REG_JSON=0 reg get Machine/App V", "2\n");
        SHELL_SAYS(0, "REG_VERBOSE=yes reg get Machine/App V", "layer policy, sequence ");
        SHELL_SAYS(0, "REG_ASSUME_YES=true reg delete Machine/App", "del \\App ");
}
END_TEST

START_TEST(masks)
{
        (void)shell_output(0, "reg set Machine/App Theme light; reg set Machine/App Other 1");
        SHELL_SAYS(0, "reg mask Machine/App Theme --layer policy",
                "mask \\App  Theme   (layer policy, sequence ");
        SHELL_SAYS(2, "reg get Machine/App Theme", "Theme");
        shell_is(0, "reg get Machine/App Other", "1\n");
        SHELL_SAYS(0, "reg unmask --json Machine/App Theme --layer policy",
                "\"value\":\"Theme\",\"masked\":false,\"key\":\"Machine\\\\App\"");
        shell_is(0, "reg get Machine/App Theme", "light\n");
        SHELL_SAYS(0, "reg mask --json Machine/App --all --layer policy", "\"blanket\":true,\"key\":");
        SHELL_SAYS(2, "reg get Machine/App Other", "Other");
        SHELL_SAYS(2, "reg unmask Machine/App Other --layer policy",
                "layer policy does not mask value 'Other'");
        SHELL_SAYS(0, "reg unmask Machine/App --all --layer policy", "unmask \\App   (layer policy, ");
        shell_is(0, "reg get Machine/App Other", "1\n");
        SHELL_SAYS(2, "reg unmask Machine/App --all --layer policy", "does not mask the values");
        SHELL_SAYS(0, "reg mask --dry-run Machine/App Theme --layer policy", "dry run",
                "value-deleted  Machine\\App  Theme");
        /* Neither a slip nor a script without a terminal loses what the layer itself has. */
        SHELL_SAYS(1, "reg mask Machine/App Theme </dev/null",
                "nothing is done: layer base itself has the value");
        SHELL_SAYS(2, "reg unmask Machine/App Theme", "but has it: `del` withdraws it");
        SHELL_SAYS(2, "reg mask Machine/Nowhere V --layer policy", "no such key");
        SHELL_SAYS(2, "reg get Machine/Nowhere V", "no such key");
        SHELL_SAYS(1, "reg mask Machine/App", "expected the name of a value, or --all");
        SHELL_SAYS(1, "reg mask Machine/App V --all", "expected the name of a value, or --all");
        shell_is(0, "reg get Machine/App Theme", "light\n");
        SHELL_SAYS(0, "reg mask -y Machine/App Theme", "mask \\App  Theme   (layer base, ");
        SHELL_SAYS(2, "reg get Machine/App Theme", "Theme");
}
END_TEST

START_TEST(hidden_keys)
{
        (void)shell_output(0, "reg set Machine/App/Sub V 1; reg set Machine/App W 1");
        SHELL_SAYS(0, "reg hide Machine/App/Sub --layer policy", "hide \\App\\Sub   (layer policy, ");
        SHELL_SAYS(2, "reg get Machine/App/Sub V", "layer policy hides 'Sub'");
        shell_is(0, "reg ls Machine/App --keys-only", "");
        SHELL_SAYS(0, "reg unhide --json Machine/App/Sub --layer policy",
                "\"hidden\":false,\"key\":\"Machine\\\\App\\\\Sub\"");
        shell_is(0, "reg get Machine/App/Sub V", "1\n");
        SHELL_SAYS(2, "reg unhide Machine/App/Sub --layer policy", "layer policy does not hide the key");
        SHELL_SAYS(
                1, "reg hide Machine/App/Sub </dev/null", "nothing is done: layer base itself has the key");
        SHELL_SAYS(2, "reg hide Machine/App/None --layer policy", "no such key");
        shell_is(0, "reg get Machine/App/Sub V", "1\n");
}
END_TEST

/* What is not asked for is not counted, either. */
START_TEST(filter)
{
        SHELL_SAYS(0,
                "reg watch Machine/App --subtree --filter value --count 1 --json >w & p=$!;"
                "until [ -s w ]; do reg new -q Machine/App/Sub; reg del -q Machine/App/Sub; reg set -q Machine/App V $((i = i + 1)); done;"
                "wait $p; cat w",
                "\"event\":\"value-set\"");
        SHELL_SAYS(0,
                "rm w; reg watch Machine/App --subtree --filter=sd,subkey --count 1 >w & p=$!;"
                "until [ -s w ]; do reg set -q Machine/App V $((i = i + 1)); reg new -q Machine/App/Sub$i; done;"
                "wait $p; cat w",
                "subkey-created ");
        SHELL_SAYS(1, "reg watch Machine/App --filter nope", "--filter: there are no events 'nope'");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { values, json, listings, environment, masks, hidden_keys, filter };
        harness_around(begin, NULL);
        return harness_main(tests, ARRAY_SIZE(tests));
}
