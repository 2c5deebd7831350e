/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits, expected sequences, and what a change costs. */

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "../../../schema/base/clock.h"
#include "suite.h"
#include "registry-world.h"

#define ANY ((struct expected){ 0 })
#define SEQUENCE(n) ((struct expected){ true, n })

static int set_bytes(const char *key, const char *name, const struct value *v, struct expected expected)
{
        _cleanup_path_ struct path path = { 0 };

        w.d = (struct diag){ 0 };
        int r = registry_path(w.r, key, &path, &w.d);
        if (r != 0)
                return r;
        return registry_change(w.r, CHANGE_SET,
                &(struct registry_write){ .path = &path, .name = name, .value = v, .expected = expected },
                &w.d);
}

TEST(limits)
{
        static char bytes[WORLD_VALUE_MAX + 1], name[NAME_BYTES_MAX + 2];
        struct value v = { .type = REG_BINARY, .data = bytes, .size = WORLD_VALUE_MAX };
        static const uint32_t no_types[] = { 12, 0xFFFE, UINT32_MAX, 0x10001 };
        const struct value tombstone = { .type = REG_TOMBSTONE, .data = "x", .size = 1 };

        memset(name, 'n', sizeof(name) - 1);
        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        ck_assert_int_eq(set_bytes("\\Big", "V", &v, ANY), 0);
        v.size++;
        ck_assert_int_eq(set_bytes("\\Big\\New", "V", &v, ANY), REGISTRY_TOO_LARGE);
        ck_assert_str_eq(w.d.text, "Machine\\Big\\New: value 'V' has 4097 bytes, at most 4096 are kept");
        ck_assert_int_eq(set_bytes("\\Big\\New", "V", &tombstone, ANY), REGISTRY_INVALID_VALUE);
        v.size = 1;
        ck_assert_int_eq(set_bytes("\\Big\\New", name, &v, ANY), REGISTRY_INVALID_NAME);
        ck_assert_int_eq(set_bytes("\\Big\\New", "a\xff", &v, ANY), REGISTRY_INVALID_NAME);
        for (size_t i = 0; i < ARRAY_SIZE(no_types); i++) {
                v.type = no_types[i];
                ck_assert_int_eq(set_bytes("\\Big\\New", "V", &v, ANY), REGISTRY_INVALID_VALUE);
        }
        ck_assert_str_eq(w.d.text, "Machine\\Big\\New: no value has type code 0x10001, expected 0 to 11");
        v.type = REG_BINARY;
        name[NAME_BYTES_MAX] = '\0';
        ck_assert_int_eq(set_bytes("\\Big", name, &v, ANY), 0);
        ck_assert_int_eq(set_bytes("\\Big", "a\\b/c", &v, ANY), 0);
        /* What failed has left nothing. */
        struct registry_events events;
        ck_assert_int_eq(registry_end(w.r, &events), 0);
        ck_assert_uint_eq(events.n, 4);
        registry_events_done(&events);
        ck_assert_int_eq(registry_sync(w.r, NULL), 0);
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\Big\\New", "V"), "NOT_FOUND");
        ck_assert_str_eq(world_get(&w, "\\Big", "a\\b/c"), "hex''@base");
}

/* `n` components in all, the hive's included. */
static char *deep_path(unsigned n, const char *component)
{
        struct buf b = BUF_INIT;
        char *text;

        buf_puts(&b, "Machine");
        for (unsigned i = 1; i < n; i++)
                buf_printf(&b, "\\%s", component);
        ck_assert_int_eq(buf_finish(&b, &text, NULL), 0);
        return text;
}

TEST(depth)
{
        _cleanup_free_ char *deepest = deep_path(PATH_DEPTH_MAX, "k"), *deeper = deep_path(600, "k");
        _cleanup_path_ struct path path = { 0 };
        struct buf script = BUF_INIT;

        ck_assert_int_eq(registry_path(w.r, deeper, &path, NULL), REGISTRY_INVALID_NAME);
        buf_printf(&script, "set - %s V 1", deepest);
        world_do(&w, buf_str(&script));
        world_crash(&w);
        ck_assert_str_eq(world_get(&w, deepest, "V"), "1@base");
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, deepest, "V"), "1@base");
        _cleanup_free_ char *text = world_run(&w, "rmr - \\k");
        size_t lines = 0;
        for (const char *at = text; *at; at++)
                lines += *at == '\n';
        ck_assert_uint_eq(lines, 1 + 2 * (PATH_DEPTH_MAX - 1));
        struct dump dump = world_dump(&w, false);
        dump_done(&dump);
        ck_assert_uint_eq(world_keys(&w), 1);
        buf_done(&script);
}

TEST(compare_and_swap)
{
        const struct value one = { .type = REG_SZ, .data = "1", .size = 1 };

        world_do(&w, "set - \\App V 1");
        uint64_t sequence = world_sequence_of(&w, "\\App", "V");
        struct dump before = world_dump(&w, false);
        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        ck_assert_int_eq(set_bytes("\\App", "V", &one, SEQUENCE(sequence + 1)), REGISTRY_CONFLICT);
        ck_assert_int_eq(set_bytes("\\App", "W", &one, SEQUENCE(1)), REGISTRY_CONFLICT);
        /* The keys on the way are not made either. */
        ck_assert_int_eq(set_bytes("\\App\\A\\B", "V", &one, SEQUENCE(1)), REGISTRY_CONFLICT);
        struct registry_events events;
        ck_assert_int_eq(registry_end(w.r, &events), 0);
        ck_assert_uint_eq(events.n, 0);
        ck_assert_int_eq(registry_sync(w.r, NULL), 0);
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after failing writes");
        dump_done(&before);
        dump_done(&after);

        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        ck_assert_int_eq(set_bytes("\\App", "V", &one, SEQUENCE(sequence)), 0);
        ck_assert_int_eq(set_bytes("\\App", "V", &one, SEQUENCE(sequence)), REGISTRY_CONFLICT);
        registry_abort(w.r);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "1@base");
}

/* 0 is no wildcard: it is what a reader gets where nothing is written. */
TEST(compare_and_swap_with_nothing)
{
        const struct value one = { .type = REG_SZ, .data = "1", .size = 1 };
        _cleanup_path_ struct path path = { 0 };

        world_do(&w, "set - \\System\\Registry\\Layers\\high Precedence 5");
        world_do(&w, "set high \\App V 2");
        ck_assert_int_eq(registry_path(w.r, "\\App", &path, NULL), 0);
        const struct registry_write write = { .path = &path, .name = "V", .expected = SEQUENCE(0) };
        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        /* The layer's own entry counts, not what is effective. */
        ck_assert_int_eq(set_bytes("\\App", "V", &one, SEQUENCE(0)), 0);
        ck_assert_int_eq(set_bytes("\\App", "V", &one, SEQUENCE(0)), REGISTRY_CONFLICT);
        ck_assert_ptr_nonnull(strstr(w.d.text, "in layer base, expected 0"));
        ck_assert_int_eq(set_bytes("\\New\\Key", "V", &one, SEQUENCE(0)), 0);
        ck_assert_int_eq(registry_change(w.r, CHANGE_DELETE, &write, NULL), REGISTRY_CONFLICT);
        ck_assert_int_eq(registry_change(w.r, CHANGE_DELETE_KEY, &write, NULL), REGISTRY_CONFLICT);
        ck_assert_int_eq(set_bytes("\\App", "V", &one, ANY), 0);
        registry_abort(w.r);
}

TEST(compare_and_swap_delete)
{
        _cleanup_path_ struct path path = { 0 };
        struct guid key;

        world_do(&w, "set - \\App V 1");
        ck_assert_int_eq(registry_path(w.r, "\\App", &path, NULL), 0);
        ck_assert_int_eq(registry_find_key(w.r, &path, &key, NULL), 0);
        uint64_t value = world_sequence_of(&w, "\\App", "V");
        struct registry_write write = { .path = &path, .name = "V", .expected = SEQUENCE(value + 1) };
        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        ck_assert_int_eq(registry_change(w.r, CHANGE_DELETE, &write, NULL), REGISTRY_CONFLICT);
        ck_assert_int_eq(registry_change(w.r, CHANGE_DELETE_KEY, &write, NULL), REGISTRY_CONFLICT);
        ck_assert_int_eq(registry_change(w.r, CHANGE_CREATE_KEY, &write, NULL), REGISTRY_EXISTS);
        write.expected.sequence = value;
        ck_assert_int_eq(registry_change(w.r, CHANGE_DELETE, &write, NULL), 0);
        /* The path entry was written right before the value. */
        write.expected.sequence = value - 1;
        ck_assert_int_eq(registry_change(w.r, CHANGE_DELETE_KEY, &write, NULL), 0);
        ck_assert_int_eq(registry_change(w.r, CHANGE_CREATE_KEY, &write, NULL), REGISTRY_CONFLICT);
        registry_abort(w.r);
}

static uint64_t fill_and_measure(unsigned n)
{
        struct buf script = BUF_INIT;

        for (unsigned i = 0; i < n; i++) {
                buf_printf(&script, "set - \\Fill\\K%u V%u 1\n", i % (n / 10), i);
                if (script.len > 60000 || i == n - 1) {
                        world_do(&w, buf_str(&script));
                        buf_clear(&script);
                }
        }
        buf_done(&script);
        const uint64_t start = clock_of(CLOCK_PROCESS_CPUTIME_ID);
        for (unsigned i = 0; i < 300; i++)
                world_do(&w, i % 2 ? "set - \\Fill\\K1 V1 2" : "set - \\Fill\\K1 V1 3");
        return clock_of(CLOCK_PROCESS_CPUTIME_ID) - start;
}

/* Without a disk: a set looks at its own value only. */
TEST(cost_of_a_set)
{
        world_close(&w);
        w.in_memory = true;
        ck_assert_int_eq(world_open(&w), 0);
        const uint64_t small = fill_and_measure(20);
        const uint64_t large = fill_and_measure(20000);
        ck_assert_msg(large < 10 * small, "%" PRIu64 " µs in a store of 20, %" PRIu64 " in one of 20000",
                small, large);
}

/* One transaction that makes DEEP_KEYS keys, in trees of that depth without branches. */
#define DEEP_KEYS 8192u
static uint64_t make_deep_and_measure(unsigned levels)
{
        _cleanup_free_ char *below = deep_path(levels, "k");
        struct buf script = BUF_INIT;

        for (unsigned i = 0; i < DEEP_KEYS / levels; i++)
                buf_printf(&script, "mk - \\Deep%u-%u/%s\n", levels, i, below);
        const uint64_t start = clock_of(CLOCK_PROCESS_CPUTIME_ID);
        world_do(&w, buf_str(&script));
        buf_done(&script);
        return clock_of(CLOCK_PROCESS_CPUTIME_ID) - start;
}

TEST(cost_of_deep_keys)
{
        world_close(&w);
        w.in_memory = true;
        ck_assert_int_eq(world_open(&w), 0);
        const uint64_t flat = make_deep_and_measure(8);
        const uint64_t deep = make_deep_and_measure(256);
        ck_assert_msg(
                deep < 4 * flat, "%" PRIu64 " µs for keys of depth 8, %" PRIu64 " of depth 256", flat, deep);
}

/* About 40 MB. */
static void write_large_file(const char *path, const char *layer)
{
        struct buf text = BUF_INIT;
        char value[WORLD_VALUE_MAX + 1];

        memset(value, 'x', WORLD_VALUE_MAX);
        value[WORLD_VALUE_MAX] = '\0';
        buf_printf(&text, "peios-registry: 1\nlayer: %s\nkeys:\n  \\%s:\n", layer, layer);
        for (unsigned i = 0; i < 10000; i++)
                buf_printf(&text, "    v%u: !sz %s\n", i, value);
        world_write(&w, path, buf_str(&text));
        buf_done(&text);
}

TEST(large_files)
{
        write_large_file("etc/peios/registry.d/10.yaml", "one");
        write_large_file("etc/peios/registry.d/20.yaml", "two");
        world_write(&w, "etc/peios/registry.d/30.yaml",
                "peios-registry: 1\nlayer: three\nkeys: { \\App: { A: !dword 1 } }\n");
        _cleanup_free_ char *text = world_reload(&w);
        ck_assert_msg(!strstr(text, "10.yaml") && !strstr(text, "20.yaml"), "refused");
        world_crash(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "1@three");
        ck_assert(strncmp(world_get(&w, "\\one", "v9999"), "'xxx", 4) == 0);
        ck_assert(strncmp(world_get(&w, "\\two", "v9999"), "'xxx", 4) == 0);
        world_do(&w, "set - \\App B 2");
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "B"), "2@base");
}

static void many_layers(unsigned n)
{
        _cleanup_buf_ struct buf script = BUF_INIT;

        for (unsigned i = 1; i <= n; i++)
                buf_printf(&script, "set - \\System\\Registry\\Layers\\l%u Precedence %u\n", i, i);
        world_do(&w, buf_str(&script));
        buf_clear(&script);
        for (unsigned i = 1; i <= n; i++)
                buf_printf(&script, "set l%u \\App V %u\n", i, i);
        world_do(&w, buf_str(&script));
}

/* Files' layers and base count as well. */
TEST(layers_of_a_value)
{
        world_write(&w, "etc/peios/registry.d/10.yaml",
                "peios-registry: 1\nlayer: first\nkeys: { \\App: { V: !dword 1 } }\n");
        world_reload_well(&w);
        many_layers(126);
        world_do(&w, "set - \\App V 1");
        world_do(&w, "set - \\System\\Registry\\Layers\\more Precedence 500");
        world_do(&w, "set more \\App W 1");
        world_expect(&w, "set more \\App V 1",
                "LIMIT Machine\\App: 128 layers have value 'V' already, which is the most");
        world_expect(&w, "set more \\App V !",
                "LIMIT Machine\\App: 128 layers have value 'V' already, which is the most");
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "126@l126");
        world_write(&w, "etc/peios/registry.d/20.yaml",
                "peios-registry: 1\nlayer: second\nkeys: { \\App: { V: !dword 1, X: !dword 2 } }\n");
        _cleanup_free_ char *text = world_reload(&w);
        ck_assert_msg(
                strstr(text, "20.yaml: cannot be applied: Machine\\App: 128 layers have value 'V' already, "
                             "which is the most"),
                "%s", text);
        ck_assert_str_eq(world_get(&w, "\\App", "X"), "NOT_FOUND");
        world_crash(&w);
        world_do(&w, "set l126 \\App V 7\ndel l1 \\App V\nset more \\App V 9");
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "9@more");
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "9@more");
}

Suite *test_suite(void)
{
        return suite_with("registry-limits", world_setup, world_teardown);
}
