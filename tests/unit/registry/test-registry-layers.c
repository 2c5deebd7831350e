/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of layers from metadata, and what a change of it tells. */

#include <string.h>

#include "suite.h"
#include "registry-world.h"

#define LAYERS "\\System\\Registry\\Layers\\"

static void setup(void)
{
        world_init(&w);
        world_do(&w, "set - " LAYERS "low Precedence 0\nset - " LAYERS "high Precedence 5");
        world_do(&w, "set - \\App V 1\nset - \\App W 1\nset - \\App Same 1");
        world_do(&w,
                "set high \\App V 2\nset high \\App Same 1\nset high \\App\\Own X 1\nset high \\Only Y 1");
}

/* The metadata's own event comes first and is not what is tested. */
static void expect_rest(const char *script, const char *expected)
{
        _cleanup_free_ char *text = world_run(&w, script);
        const char *rest = strchr(text, '\n');
        ck_assert_msg(rest && strstr(text, "Registry\\Layers") < rest, "%s: %s", script, text);
        assert_same_lines(rest + 1, expected, script);
}

#define HIGH_GOES                                                                                           \
        "value-set Machine\\App V=1@base (uncovered)\n"                                                     \
        "value-unchanged Machine\\App Same=1@base (uncovered)\n"                                            \
        "key-deleted Machine\\App\\Own\n"                                                                   \
        "subkey-deleted Machine\\App Own\n"                                                                 \
        "value-deleted Machine\\App\\Own X (uncovered)\n"                                                   \
        "key-deleted Machine\\Only\n"                                                                       \
        "subkey-deleted Machine Only\n"                                                                     \
        "value-deleted Machine\\Only Y (uncovered)\n"
#define HIGH_COMES                                                                                          \
        "value-set Machine\\App V=2@high (uncovered)\n"                                                     \
        "value-unchanged Machine\\App Same=1@high (uncovered)\n"                                            \
        "subkey-created Machine\\App Own\n"                                                                 \
        "value-set Machine\\App\\Own X=1@high (uncovered)\n"                                                \
        "subkey-created Machine Only\n"                                                                     \
        "value-set Machine\\Only Y=1@high (uncovered)\n"

TEST(disable_and_enable)
{
        world_expect(&w, "set - " LAYERS "high Precedence 5",
                "value-unchanged Machine\\System\\Registry\\Layers\\high Precedence=5@base\n");
        expect_rest("set - " LAYERS "high Enabled 0", HIGH_GOES);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "1@base");
        /* It can be written all the same. */
        world_expect(&w, "set high \\App V 3", "value-unchanged Machine\\App V=1@base\n");
        world_do(&w, "set high \\App V 2");
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "1@base");
        expect_rest("set - " LAYERS "high Enabled 1", HIGH_COMES);
        expect_rest("set - " LAYERS "high Enabled 7", "");
        expect_rest("set - " LAYERS "high Enabled 0", HIGH_GOES);
        expect_rest("del - " LAYERS "high Enabled", HIGH_COMES);
}

TEST(withdraw_from_a_disabled_layer)
{
        world_do(&w, "set - " LAYERS "high Enabled 0");
        world_expect(&w, "del high \\Only Y", "value-unchanged Machine\\Only Y\n");
        world_expect(&w, "rm high \\Only", "");
        world_expect(&w, "rmr high \\App",
                "value-unchanged Machine\\App\\Own X\n"
                "value-unchanged Machine\\App Same=1@base\n"
                "value-unchanged Machine\\App V=1@base\n");
        struct dump dump = world_dump(&w, false);
        dump_done(&dump);
}

TEST(precedence)
{
        expect_rest("set - " LAYERS "high Precedence 6", "");
        /* Equal to base: the later write wins. */
        expect_rest("set - " LAYERS "high Precedence 0", "");
        world_expect(&w, "set - \\App V 4", "value-set Machine\\App V=4@base\n");
        world_expect(&w, "set low \\App V 5", "value-set Machine\\App V=5@low\n");
        expect_rest("set - " LAYERS "high Precedence 1", "value-set Machine\\App V=2@high (uncovered)\n");
        world_expect(&w, "set low \\App V 6", "value-unchanged Machine\\App V=2@high\n");
        expect_rest("del - " LAYERS "high Precedence", "value-set Machine\\App V=6@low (uncovered)\n");
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "6@low");
}

/* Same bytes, but with the new precedence they do not count any more unless written anew. */
TEST(no_op_looks_at_the_new_table)
{
        world_do(&w, "set - \\App V 4");
        world_do(&w, "set - " LAYERS "high Precedence 0\nset high \\App V 2");
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@high");
}

TEST(refused_metadata_values)
{
        /* The registry keeps them, the reader does not take them. */
        expect_rest("set - " LAYERS "high Precedence lots", "");
        ck_assert_uint_eq(layers_find(registry_layers(w.r), "high")->precedence, 5);
        ck_assert_str_eq(world_get(&w, LAYERS "high", "Precedence"), "'lots'@base");
        world_do(&w, "set - " LAYERS "high Precedence 5\nset - " LAYERS "high Enabled !");
        ck_assert(layers_find(registry_layers(w.r), "high")->enabled);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@high");
}

/* A REG_DWORD, and for Enabled 0 or 1. */
TEST(exact_metadata)
{
        static const struct {
                const char *name;
                uint32_t type;
                size_t size;
                const char *bytes;
                uint32_t in_force; /* 99: the value itself is refused, and 5 or 1 is */
        } cases[] = {
                { "Precedence", REG_DWORD, 4, "\7\0\0\0", 7 },
                { "Precedence", REG_DWORD, 4, "\xff\xff\xff\xff", UINT32_MAX },
                { "Precedence", REG_DWORD_BIG_ENDIAN, 4, "\0\0\0\7", 99 },
                { "Precedence", REG_QWORD, 8, "\7\0\0\0\0\0\0\0", 99 },
                { "Precedence", REG_BINARY, 4, "\7\0\0\0", 99 },
                { "Precedence", REG_DWORD, 3, "\7\0\0", 99 },
                { "Precedence", REG_SZ, 1, "7", 99 },
                { "Enabled", REG_DWORD, 4, "\1\0\0\0", 1 },
                { "Enabled", REG_DWORD, 4, "\0\0\0\0", 0 },
                { "Enabled", REG_DWORD, 4, "\2\0\0\0", 99 },
                { "Enabled", REG_DWORD, 4, "\0\1\0\0", 99 },
                { "Enabled", REG_DWORD_BIG_ENDIAN, 4, "\0\0\0\0", 99 },
                { "Enabled", REG_QWORD, 8, "\0\0\0\0\0\0\0\0", 99 },
                { "Enabled", REG_DWORD, 0, "", 99 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                bool switched = strcmp(cases[i].name, "Enabled") == 0;
                const struct value v = {
                        .type = cases[i].type, .size = cases[i].size, .data = cases[i].bytes
                };
                _cleanup_path_ struct path path = { 0 };
                struct registry_events events;
                world_do(&w, "set - " LAYERS "high Precedence 5\nset - " LAYERS "high Enabled 1");
                ck_assert_int_eq(registry_path(w.r, LAYERS "high", &path, NULL), 0);
                ck_assert_int_eq(registry_begin(w.r, NULL), 0);
                ck_assert_int_eq(registry_change(w.r, CHANGE_SET,
                                         &(struct registry_write){
                                                 .path = &path, .name = cases[i].name, .value = &v },
                                         NULL),
                        0);
                ck_assert_int_eq(registry_end(w.r, &events), 0);
                registry_events_done(&events);
                ck_assert_int_eq(registry_sync(w.r, NULL), 0);
                const struct layer *l = layers_find(registry_layers(w.r), "high");
                uint32_t expected = cases[i].in_force != 99 ? cases[i].in_force : switched ? 1 : 5;
                ck_assert_msg((switched ? l->enabled : l->precedence) == expected, "case %zu", i);
        }
}

/* Metadata in another layer than base do not count: a layer could raise itself. */
TEST(only_base_says)
{
        world_do(&w, "set low " LAYERS "low Precedence 9\nset low " LAYERS "new Precedence 9");
        world_do(&w, "set low \\App V 3");
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@high");
        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        ck_assert_int_eq(world_change(&w, "set new \\App V 1"), REGISTRY_NOT_FOUND);
        registry_abort(w.r);
}

TEST(reserved_names)
{
        static const char *const scripts[] = { "set - " LAYERS "base Precedence 1",
                "set - " LAYERS "BASE Enabled 0", "set - " LAYERS "Default Precedence 1",
                "mk - " LAYERS "bAse", "set - " LAYERS "base\\In V 1", "mk - " LAYERS "default\\In" };
        for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
                _cleanup_free_ char *text = world_run(&w, scripts[i]);
                ck_assert_msg(strncmp(text, "INVALID_NAME", 12) == 0, "%s: %s", scripts[i], text);
        }
        ck_assert_uint_eq(registry_layers(w.r)->n, 3);
        world_do(
                &w, "set - \\Base V 1\nset - \\System\\Registry base 1\nset - \\System\\Registry\\base V 1");
}

/* What the registry itself refuses: metadata of the layer `base`. */
static void write_base_metadata(const struct guid *layers)
{
        const struct guid key = guid_of(0x77);
        const struct store_op ops[] = {
                { .code = STORE_CREATE_KEY, .guid = key, .target = *layers, .name = "Base" },
                { .code = STORE_CREATE_ENTRY,
                        .guid = *layers,
                        .name = "Base",
                        .layer = LAYER_BASE,
                        .target = key,
                        .sequence = 1000 },
                { .code = STORE_SET_VALUE,
                        .guid = key,
                        .name = "Precedence",
                        .layer = LAYER_BASE,
                        .type = REG_DWORD,
                        .data = "\11\0\0\0",
                        .size = 4,
                        .sequence = 1001 },
        };
        world_apply(&w, ops, ARRAY_SIZE(ops));
}

TEST(foreign_base_metadata)
{
        _cleanup_path_ struct path path = { 0 };
        struct guid layers;

        ck_assert_int_eq(registry_path(w.r, "\\System\\Registry\\Layers", &path, NULL), 0);
        ck_assert_int_eq(registry_find_key(w.r, &path, &layers, NULL), 0);
        write_base_metadata(&layers);
        ck_assert_uint_eq(registry_layers(w.r)->n, 3);
        ck_assert_uint_eq(layers_find(registry_layers(w.r), LAYER_BASE)->precedence, 0);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@high");
        world_do(&w, "rm - " LAYERS "base");
}

/* Deleting a layer removes its entries: it is empty when it comes back. */
TEST(delete_a_layer)
{
        expect_rest("rm - " LAYERS "high", "key-deleted Machine\\System\\Registry\\Layers\\high\n"
                                           "subkey-deleted Machine\\System\\Registry\\Layers high\n"
                                           "value-set Machine\\App V=1@base\n"
                                           "value-unchanged Machine\\App Same=1@base\n"
                                           "value-deleted Machine\\App\\Own X\n"
                                           "key-deleted Machine\\App\\Own\n"
                                           "subkey-deleted Machine\\App Own\n"
                                           "value-deleted Machine\\Only Y\n"
                                           "key-deleted Machine\\Only\n"
                                           "subkey-deleted Machine Only\n");
}

static bool has_layer(const char *layer)
{
        struct dump dump = world_dump(&w, false);
        bool found = false;
        for (size_t i = 0; i < dump.n; i++)
                found |= strstr(dump.lines[i], layer) != NULL;
        dump_done(&dump);
        return found;
}

TEST(deleted_layers_are_empty)
{
        static const char *const scripts[] = { "rm - " LAYERS "HIGH", "rmr - \\System\\Registry\\Layers",
                "rmr - \\System\\Registry", "rmr - \\System" };
        for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
                ck_assert(has_layer(" high "));
                world_do(&w, scripts[i]);
                ck_assert_str_eq(world_get(&w, "\\App", "V"), "1@base");
                ck_assert_str_eq(world_get(&w, "\\Only", "Y"), "NOT_FOUND");
                ck_assert(!has_layer(" high "));
                struct dump before = world_dump(&w, false);
                world_crash(&w);
                struct dump after = world_dump(&w, false);
                dump_assert_equal(&before, &after, scripts[i]);
                dump_done(&before);
                dump_done(&after);
                world_do(&w, "set - " LAYERS "high Precedence 5");
                ck_assert_str_eq(world_get(&w, "\\App", "V"), "1@base");
                world_teardown();
                setup();
        }
}

/* Gone and back in one transaction: the same layer. */
TEST(recreated_in_one_transaction)
{
        world_do(&w, "rm - " LAYERS "high\nset - " LAYERS "high Precedence 6");
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@high");
}

/* Volatile metadata: after a restart the layer's entries wait for it. */
TEST(latent_entries)
{
        world_do(&w, "vset - " LAYERS "brief Precedence 9");
        world_expect(&w, "set brief \\App V 9\nset brief \\Brief Z 1",
                "value-set Machine\\App V=9@brief\n"
                "subkey-created Machine Brief\n"
                "value-set Machine\\Brief Z=1@brief\n");
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@high");
        ck_assert_str_eq(world_get(&w, "\\Brief", "Z"), "NOT_FOUND");
        _cleanup_free_ char *error = world_run(&w, "set brief \\App V 8");
        ck_assert_int_eq(strncmp(error, "NOT_FOUND", 9), 0);
        expect_rest("mk - " LAYERS "brief", "subkey-created Machine Brief\n"
                                            "value-set Machine\\Brief Z=1@brief (uncovered)\n");
        world_do(&w, "set - " LAYERS "brief Precedence 9");
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "9@brief");
}

/* Whoever may write comes first, and what is said of layers is not forgotten for that. */
TEST(kept_in_volatile_keys)
{
        world_do(&w, "rmr - \\System\nvset - \\System\\Registry\\Own V 1");
        world_do(&w, "vmk - " LAYERS "brief\nset - " LAYERS "lasting Precedence 9");
        world_restart(&w);
        ck_assert_ptr_nonnull(layers_find(registry_layers(w.r), "lasting"));
        ck_assert_ptr_null(layers_find(registry_layers(w.r), "brief"));
        ck_assert_str_eq(world_get(&w, "\\System\\Registry\\Own", "V"), "NOT_FOUND");
}

TEST(too_many)
{
        struct buf script = BUF_INIT;

        for (unsigned i = 0; i < LAYERS_MAX - 3; i++)
                buf_printf(&script, "mk - " LAYERS "l%u\n", i);
        world_do(&w, buf_str(&script));
        ck_assert_uint_eq(registry_layers(w.r)->n, LAYERS_MAX);
        _cleanup_free_ char *text = world_run(&w, "mk - " LAYERS "more");
        ck_assert_msg(strncmp(text, "LIMIT", 5) == 0, "%s", text);
        ck_assert_uint_eq(registry_layers(w.r)->n, LAYERS_MAX);
        world_restart(&w);
        ck_assert_uint_eq(registry_layers(w.r)->n, LAYERS_MAX);
        buf_done(&script);
}

Suite *test_suite(void)
{
        return suite_with("registry-layers", setup, world_teardown);
}
