/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Single changes and what they tell; reading. */

#include <string.h>

#include "suite.h"
#include "registry-world.h"

struct step {
        const char *script, *expected;
};

static void run_steps(const struct step *steps, size_t n)
{
        for (size_t i = 0; i < n; i++)
                world_expect(&w, steps[i].script, steps[i].expected);
}

TEST(values)
{
        static const struct step steps[] = {
                { "set - \\App V 1", "subkey-created Machine App\n"
                                     "value-set Machine\\App V=1@base\n" },
                { "set - \\App V 1", "value-unchanged Machine\\App V=1@base\n" },
                { "set base \\APP v 2", "value-set Machine\\App v=2@base\n" },
                { "set BASE \\App V x", "value-set Machine\\App V='x'@base\n" },
                { "set - \\App @ two words", "value-set Machine\\App @='two words'@base\n" },
                { "set - \\App V !", "value-deleted Machine\\App V\n" },
                { "set - \\App V !", "value-unchanged Machine\\App V\n" },
                { "set - \\App Never !", "value-unchanged Machine\\App Never\n" },
                { "del - \\App V", "value-unchanged Machine\\App V\n" },
                { "del - \\App V", "NOT_FOUND Machine\\App: layer base has no value 'V'" },
                { "del - \\App @", "value-deleted Machine\\App @\n" },
                { "del - \\App @", "NOT_FOUND Machine\\App: layer base has no value '@'" },
                { "del - \\App\\In V",
                        "NOT_FOUND Machine\\App\\In: no such key: there is no 'In' in Machine\\App" },
                { "set - \\App A 1\nset - \\App B 2\nset - \\App A 3", "value-set Machine\\App A=3@base\n"
                                                                       "value-set Machine\\App B=2@base\n" },
                { "set - \\App A 4\nset - \\App A 3", "value-unchanged Machine\\App A=3@base\n" },
                { "set - \\App C 4\ndel - \\App C", "value-unchanged Machine\\App C\n" },
                { "set - Machine Root 1", "value-set Machine Root=1@base\n" },
                { "set no \\App A 1",
                        "NOT_FOUND there is no layer 'no'; make it by setting \\System\\Registry\\Layers\\no, value "
                        "Precedence" },
                { "set default \\App A 1",
                        "INVALID_NAME 'default' stands for the schema's defaults, no layer can have that "
                        "name" },
        };
        run_steps(steps, ARRAY_SIZE(steps));
}

TEST(keys)
{
        static const struct step steps[] = {
                { "mk - \\A\\B", "subkey-created Machine A\n"
                                 "subkey-created Machine\\A B\n" },
                { "mk - \\a\\b", "EXISTS Machine\\a\\b: the key is there already, in layer base" },
                { "mk - Machine", "EXISTS Machine: the key is there already, in layer base" },
                { "set - \\A\\B V 1\nset - \\A W 2", "value-set Machine\\A\\B V=1@base\n"
                                                     "value-set Machine\\A W=2@base\n" },
                { "rm - \\A",
                        "NOT_EMPTY Machine\\A: the key has the subkey 'B'; delete that first, or the key recursively" },
                { "mk - \\A\\C", "subkey-created Machine\\A C\n" },
                { "rm - \\A",
                        "NOT_EMPTY Machine\\A: the key has 2 subkeys, 'B' among them; delete those first, or "
                        "the key recursively" },
                { "rm - \\A\\C", "key-deleted Machine\\A\\C\nsubkey-deleted Machine\\A C\n" },
                { "rm - Machine", "INVALID_NAME Machine: a hive cannot be deleted" },
                { "rmr - Machine", "INVALID_NAME Machine: a hive cannot be deleted" },
                { "rm - \\No", "NOT_FOUND Machine\\No: no such key: there is no 'No' in Machine" },
                { "rm - \\No\\Inner",
                        "NOT_FOUND Machine\\No\\Inner: no such key: there is no 'No' in Machine" },
                { "rmr - \\a", "value-deleted Machine\\A\\B V\n"
                               "key-deleted Machine\\A\\B\n"
                               "subkey-deleted Machine\\A B\n"
                               "value-deleted Machine\\A W\n"
                               "key-deleted Machine\\A\n"
                               "subkey-deleted Machine A\n" },
                { "mk - \\A\nrm - \\A", "" },
                { "mk - \\A", "subkey-created Machine A\n" },
                /* Another key of the same name. */
                { "rm - \\A\nmk - \\A", "key-deleted Machine\\A\n"
                                        "subkey-deleted Machine A\n"
                                        "subkey-created Machine A\n" },
        };
        run_steps(steps, ARRAY_SIZE(steps));
        struct dump dump = world_dump(&w, false);
        dump_done(&dump);
}

#define LAYER(name, precedence) "set - \\System\\Registry\\Layers\\" name " Precedence " precedence "\n"

/* Written again, and what is the counter then? */
static uint64_t again(const char *script)
{
        world_do(&w, script);
        return registry_sequence(w.r);
}

TEST(the_same_again)
{
        world_do(&w, LAYER("high", "5") LAYER("equal", "0"));
        world_do(&w, LAYER("off", "0") "set - \\System\\Registry\\Layers\\off Enabled 0");
        world_do(&w, "set - \\App V 1\nset high \\App V 2");
        uint64_t last = registry_sequence(w.r);
        ck_assert_uint_eq(again("set - \\App V 1"), last);
        ck_assert_uint_eq(again("set - \\App V 1"), last);
        ck_assert_uint_eq(again("set high \\App V 2"), last);
        last = again("set off \\App V 4");
        ck_assert_uint_eq(again("set - \\App V 1"), last);
        ck_assert_uint_eq(again("set off \\App V 4"), last);

        /* Below, another layer of the same precedence comes in between: the last one to write is in front.
         */
        last = again("set equal \\App V 3");
        ck_assert_uint_gt(again("set - \\App V 1"), last);
        last = registry_sequence(w.r);
        ck_assert_uint_eq(again("set - \\App V 1"), last);
        world_do(&w, "del high \\App V");
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "1@base");
        world_do(&w, "set equal \\App V 3");
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "3@equal");
        world_do(&w, "set - \\App V 1");
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "1@base");
}

TEST(two_layers)
{
        static const struct step steps[] = {
                { "set - \\App V 1\nset high \\App V 2", "value-set Machine\\App V=2@high\n" },
                /* Written, but not what counts. */
                { "set - \\App V 3", "value-unchanged Machine\\App V=2@high\n" },
                { "set - \\App V 3", "value-unchanged Machine\\App V=2@high\n" },
                /* What lies below shows again. */
                { "del high \\App V", "value-set Machine\\App V=3@base\n" },
                { "set high \\App V 3", "value-unchanged Machine\\App V=3@high\n" },
                { "set high \\App V !", "value-deleted Machine\\App V\n" },
                { "del - \\App V", "value-unchanged Machine\\App V\n" },
                { "del - \\App V", "NOT_FOUND Machine\\App: layer base has no value 'V'" },
                { "set - \\App Other 1", "value-set Machine\\App Other=1@base\n" },
                { "del high \\App Other",
                        "NOT_FOUND Machine\\App: layer high has no value 'Other'; it comes from layer base" },
                /* The key is still named by the other layer. */
                { "rm - \\App", "value-deleted Machine\\App Other\n" },
                { "rm - \\App",
                        "NOT_FOUND Machine\\App: layer base has no such key; it comes from another layer" },
                { "mk - \\app", "" },
                { "rm high \\App", "value-unchanged Machine\\App V\n" },
                { "rm - \\App", "key-deleted Machine\\app\nsubkey-deleted Machine app\n" },
        };
        world_do(&w, LAYER("high", "5") "mk - \\App");
        world_do(&w, "mk high \\App");
        run_steps(steps, ARRAY_SIZE(steps));
        struct dump dump = world_dump(&w, false);
        dump_done(&dump);
}

TEST(recursive_delete_leaves_other_layers)
{
        world_do(&w, LAYER("high", "5"));
        world_do(&w, "set - \\A\\B\\C V 1\nset high \\A\\B V 2\nset high \\A\\D V 3");
        world_expect(&w, "rm - \\A\\B",
                "NOT_EMPTY Machine\\A\\B: the key has the subkey 'C'; delete that first, or the key recursively");
        world_expect(&w, "rmr - \\A",
                "value-deleted Machine\\A\\B\\C V\n"
                "key-deleted Machine\\A\\B\\C\n"
                "subkey-deleted Machine\\A\\B C\n");
        ck_assert_str_eq(world_get(&w, "\\A\\B", "V"), "2@high");
        ck_assert_str_eq(world_get(&w, "\\A\\D", "V"), "3@high");
        struct dump dump = world_dump(&w, false);
        dump_done(&dump);
        world_do(&w, "rmr high \\A");
        dump = world_effective(&w);
        for (size_t i = 0; i < dump.n; i++)
                ck_assert_msg(strncmp(dump.lines[i], "Machine\\A", 9) != 0, "%s", dump.lines[i]);
        dump_done(&dump);
        dump = world_dump(&w, false);
        dump_done(&dump);
}

/* A layer that does not name a key has nothing in it. */
TEST(a_deleted_key_hides_nothing)
{
        world_do(&w, LAYER("high", "5"));
        world_do(&w, "set - \\A V 1\nmask high \\A\nhide high \\A\\B");
        ck_assert_str_eq(world_get(&w, "\\A", "V"), "NOT_FOUND");
        world_expect(&w, "rm high \\A", "value-set Machine\\A V=1@base (uncovered)\n");
        world_check(&w);
        world_do(&w, "set - \\A\\B W 2");
        ck_assert_str_eq(world_get(&w, "\\A\\B", "W"), "2@base");
}

TEST(names_that_differ_in_case)
{
        world_do(&w, LAYER("High", "5"));
        world_expect(&w, "set - \\Größe Wert 1",
                "subkey-created Machine Größe\n"
                "value-set Machine\\Größe Wert=1@base\n");
        world_expect(&w, "set HIGH \\GRÖßE WERT 2", "value-set Machine\\Größe WERT=2@High\n");
        ck_assert_str_eq(world_get(&w, "\\größe", "wert"), "2@High");
        world_expect(&w, "rm - \\größE", "value-unchanged Machine\\Größe WERT=2@High\n");
        world_expect(&w, "del high \\größe wert", "value-deleted Machine\\Größe WERT\n");
        world_expect(&w, "rm high \\größe",
                "key-deleted Machine\\GRÖßE\n"
                "subkey-deleted Machine GRÖßE\n");
}

TEST(schema_defaults)
{
        ck_assert_str_eq(world_get(&w, "\\System\\Audit\\Modules", "TaintEvents"), "'enabled'@default");
        ck_assert_str_eq(world_get(&w, "machine/system/audit/modules", "taintevents"), "'enabled'@default");
        ck_assert_str_eq(world_get(&w, "\\System\\Process", "PidMax"), "NOT_FOUND");
        ck_assert_str_eq(world_get(&w, "\\System\\Audit\\Modules", "Other"), "NOT_FOUND");
        world_do(&w, "set - \\System\\Audit\\Modules TaintEvents disabled");
        ck_assert_str_eq(world_get(&w, "\\System\\Audit\\Modules", "TaintEvents"), "'disabled'@base");
        ck_assert_str_eq(
                world_get(&w, "\\System\\Audit\\Modules", "TaintEventsOnDrift"), "'reapply'@default");
        world_do(&w, "set - \\System\\Audit\\Modules TaintEvents !");
        ck_assert_str_eq(world_get(&w, "\\System\\Audit\\Modules", "TaintEvents"), "'enabled'@default");
        ck_assert_uint_eq(world_sequence_of(&w, "\\System\\Audit\\Modules", "TaintEvents"), 0);
}

TEST(numeric_default)
{
        static const char text[] =
                "peios-schema: 1\n"
                "keys:\n"
                "  \\Numbers:\n"
                "    Ten: { type: REG_QWORD, default: 10, apply: live, description: Ten. }\n";
        struct registry_value v;
        _cleanup_path_ struct path path = { 0 };
        struct diag d = { 0 };

        int r = schema_add(w.schema, "numbers.yaml", text, strlen(text), &d);
        ck_assert_msg(r == 0, "%s", d.text);
        ck_assert_int_eq(registry_path(w.r, "\\Numbers", &path, NULL), 0);
        ck_assert_int_eq(registry_get(w.r, &path, "Ten", &v, NULL), 0);
        ck_assert_uint_eq(v.value.type, REG_QWORD);
        ck_assert_uint_eq(v.value.size, 8);
        ck_assert_mem_eq(v.value.data, "\x0a\0\0\0\0\0\0\0", 8);
}

TEST(hives)
{
        _cleanup_path_ struct path path = { 0 };
        ck_assert_int_eq(registry_path(w.r, "Users\\x", &path, NULL), 0);
        ck_assert_str_eq(path.text, "Machine\\Users\\x");
        ck_assert_str_eq(world_get(&w, "Users\\x", "V"), "NOT_FOUND");
}

Suite *test_suite(void)
{
        return suite_with("registry", world_setup, world_teardown);
}
