/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../../registry-provider/state/snapshot.h"
#include "../../../schema/base/crc32c.h"
#include "../../../schema/values/value.h"
#include "../base/test-util.h"
#include "state-util.h"

static char *scratch;

static void setup(void)
{
        scratch = scratch_make();
}

static void teardown(void)
{
        scratch_remove(scratch);
}

static int to_buf(const void *data, size_t n, void *userdata)
{
        buf_add(userdata, data, n);
        return 0;
}

static void write_text(const struct world *w, uint64_t generation, struct buf *ret)
{
        uint32_t crc, again;
        ck_assert_int_eq(snapshot_write(w->store, &w->hives, &w->layers, generation, to_buf, ret, &crc), 0);
        ck_assert_int_eq(snapshot_check(ret->data, ret->len, &again, NULL), 0);
        ck_assert_uint_eq(crc, again);
}

/* A store that nothing was loaded into. */
static void world_empty(struct world *w)
{
        *w = (struct world){ 0 };
        ck_assert_int_eq(store_new(VALUE_BYTES_DEFAULT_MAX, &w->store), 0);
        ck_assert_int_eq(layers_init(&w->layers), 0);
}

static size_t left_out;

static int read_text(struct world *w, const struct buf *text, uint64_t generation)
{
        struct replay to = { w->store, &w->hives, &w->layers, 0 };
        int r = snapshot_read("snapshot", text->data, text->len, generation, &to, &w->d);
        left_out = to.left_out;
        return r;
}

static void assert_round_trip(struct world *w, struct buf *text)
{
        _cleanup_buf_ struct buf again = BUF_INIT;
        struct world copy;
        write_text(w, 7, text);
        world_empty(&copy);
        ck_assert_msg(read_text(&copy, text, 7) == 0, "%s", copy.d.text);
        char *a = world_contents(w), *b = world_contents(&copy);
        ck_assert_str_eq(a, b);
        ck_assert_uint_eq(store_last_sequence(w->store), store_last_sequence(copy.store));
        write_text(&copy, 7, &again);
        free(a);
        free(b);
        world_close(&copy);
}

static void open_script(struct world *w, unsigned n)
{
        ck_assert_int_eq(world_open(w, scratch, false), 0);
        for (unsigned i = 0; i < n; i++)
                world_script(w, i);
}

START_TEST(every_kind)
{
        struct world w;
        for (unsigned n = 0; n <= SCRIPT_BATCHES; n++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                open_script(&w, n);
                assert_round_trip(&w, &text);
                world_close(&w);
                scratch_remove(scratch);
                scratch = scratch_make();
        }
}
END_TEST

START_TEST(reads_well)
{
        static const char head[] = "peios-registry-snapshot: 1\ngeneration: 7\nsequence: 3\n"
                                   "hives:\n  Machine: 25000000-0000-0000-0000-000000000001\n---\n";
        static const char key[] = "# Machine\\System\\Audit\n- key: Audit\n"
                                  "  guid: 6f000000-0000-0000-0000-000000000003\n"
                                  "  parent: 4a000000-0000-0000-0000-000000000002\n"
                                  "  written: 77\n  in:\n    base: 2\n"
                                  "  values:\n    base:\n    - 3\n    - TaintEvents: !sz \"enabled\"\n";
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct world w;
        open_script(&w, 1);
        write_text(&w, 7, &text);
        ck_assert_msg(strstr(text.data, head) && strstr(text.data, key), "%s", text.data);
        world_close(&w);
}
END_TEST

static void add_value(struct world *w, unsigned key, unsigned i, const void *data, size_t size)
{
        char name[16];
        (void)snprintf(name, sizeof(name), "value %u", i);
        const struct store_op op = { .code = STORE_SET_VALUE,
                .guid = test_guid(key),
                .name = name,
                .layer = i % 3 == 0 ? "base" : "50-site",
                .type = REG_BINARY,
                .data = data,
                .size = size,
                .sequence = store_take_sequence(w->store) };
        ck_assert_int_eq(store_apply(w->store, &op), 0);
}

/* A key whose values do not fit into one document, and one with more hidden names than that. */
START_TEST(large)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        static char data[300000];
        struct world w;
        open_script(&w, 3);
        for (unsigned i = 0; i < 20000; i++)
                add_value(&w, 5, i, data, 40);
        for (unsigned i = 20000; i < 20010; i++)
                add_value(&w, 3, i, data, sizeof(data));
        for (unsigned i = 0; i < 20000; i++) {
                char name[16];
                (void)snprintf(name, sizeof(name), "hidden %u", i);
                const struct store_op op = { .code = STORE_HIDE_ENTRY,
                        .guid = test_guid(6),
                        .name = name,
                        .layer = "base",
                        .sequence = store_take_sequence(w.store) };
                ck_assert_int_eq(store_apply(w.store, &op), 0);
        }
        assert_round_trip(&w, &text);

        size_t documents = 1, longest = 0;
        const char *at = text.data, *next;
        for (; (next = strstr(at, "\n---\n")); at = next + 5, documents++)
                longest = (size_t)(next - at) > longest ? (size_t)(next - at) : longest;
        ck_assert_uint_ge(documents, 8);
        ck_assert_uint_le(longest, 3u << 20);
        world_close(&w);
}
END_TEST

START_TEST(volatile_keys_are_left_out)
{
        _cleanup_buf_ struct buf with = BUF_INIT, without = BUF_INIT;
        struct world w;
        open_script(&w, 1);
        write_text(&w, 7, &without);
        const struct store_op ops[] = {
                { .code = STORE_CREATE_ENTRY,
                        .guid = test_guid(3),
                        .target = test_guid(20),
                        .name = "Volatile",
                        .layer = "base",
                        .sequence = 1000 },
                { .code = STORE_CREATE_KEY,
                        .guid = test_guid(20),
                        .target = test_guid(3),
                        .name = "Volatile",
                        .is_volatile = true },
                { .code = STORE_SET_VALUE,
                        .guid = test_guid(20),
                        .name = "secret",
                        .layer = "base",
                        .sequence = 1001 },
                { .code = STORE_HIDE_ENTRY,
                        .guid = test_guid(20),
                        .name = "hidden",
                        .layer = "base",
                        .sequence = 1002 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
                ck_assert_int_eq(store_apply(w.store, &ops[i]), 0);
        assert_round_trip(&w, &with);
        ck_assert_ptr_null(strstr(with.data, "Volatile"));
        ck_assert_ptr_null(strstr(with.data, "secret"));
        ck_assert_ptr_null(strstr(with.data, "hidden"));
        world_close(&w);
}
END_TEST

/* A key without a name whose parent is gone: nothing can reach it, and the store would not take it back. */
START_TEST(lost_keys_are_left_out)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct world w, copy;
        open_script(&w, 1);
        const struct store_op ops[] = {
                { .code = STORE_CREATE_KEY, .guid = test_guid(30), .target = test_guid(3), .name = "a" },
                { .code = STORE_CREATE_KEY, .guid = test_guid(31), .target = test_guid(30), .name = "b" },
                { .code = STORE_DROP_KEY, .guid = test_guid(30) },
        };
        for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
                ck_assert_int_eq(store_apply(w.store, &ops[i]), 0);
        write_text(&w, 7, &text);
        world_empty(&copy);
        ck_assert_msg(read_text(&copy, &text, 7) == 0, "%s", copy.d.text);
        ck_assert_uint_eq(store_counts(copy.store).keys, store_counts(w.store).keys - 1);
        world_close(&copy);
        world_close(&w);
}
END_TEST

START_TEST(checksum)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct world w;
        uint32_t crc;
        open_script(&w, 4);
        write_text(&w, 7, &text);
        for (size_t i = 0; i < text.len; i += i < text.len - 200 ? 97 : 1) {
                text.data[i] ^= 1;
                ck_assert_int_eq(snapshot_check(text.data, text.len, &crc, &w.d), -EBADMSG);
                text.data[i] ^= 1;
                ck_assert_int_eq(snapshot_check(text.data, i, &crc, &w.d), -EBADMSG);
        }
        world_close(&w);
}
END_TEST

/* Replaces the first `from` with `to` and makes the checksum right again. */
static void edit(const struct buf *text, const char *from, const char *to, struct buf *ret)
{
        const char *at = strstr(text->data, from);
        ck_assert_msg(at != NULL, "%s", from);
        const char *end = strstr(at, "# crc32c: ");
        buf_add(ret, text->data, (size_t)(at - text->data));
        buf_puts(ret, to);
        buf_add(ret, at + strlen(from), (size_t)(end - at) - strlen(from));
        buf_printf(ret, "# crc32c: %08" PRIx32 "\n", crc32c(0, ret->data, ret->len));
}

START_TEST(wrong_contents)
{
        static const struct {
                const char *from, *to;
                int error;
        } cases[] = {
                { "snapshot: 1", "snapshot: 2", -EPROTONOSUPPORT },
                { "snapshot: 1", "snapshot: x", -EBADMSG },
                { "peios-registry-snapshot: 1\n", "", -EBADMSG },
                { "generation: 7", "generation: 8", -EBADMSG },
                { "generation: 7\n", "", -EBADMSG },
                { "\nsequence: ", "\nsequence: -", -EBADMSG },
                { "hives:", "hive:", -EBADMSG },
                { "  Machine: 25", "  Machine: 2", -EBADMSG },
                { "  Users: ", "  MACHINE: ", -EBADMSG },
                { "precedence: 50", "precedence: 4294967296", -EBADMSG },
                { "enabled: true", "enabled: yes", -EBADMSG },
                { "    file: \"/etc/peios/registry.d/60.yaml\"\n", "", -EBADMSG },
                { "\n---\n", "\n---\nkey: value\n---\n", -EBADMSG },
                { "\n---\n", "\n---\n- text\n---\n", -EBADMSG },
                { "- key: System\n", "- key: System\n  more: 25000000-0000-0000-0000-000000000001\n",
                        -EBADMSG },
                { "- key: System\n", "- key:\n  - System\n", -EBADMSG },
                { "  parent: 25", "  parent: 26", -EBADMSG },
                { "  guid: 4a000000-0000-0000-0000-000000000002\n", "", -EBADMSG },
                { "  written: 77\n", "  written: soon\n", -EBADMSG },
                { "  written: 77\n", "  written: 77\n  sd: \"0\"\n", -EBADMSG },
                { "  written: 77\n", "  written: 77\n  link: maybe\n", -EBADMSG },
                { "    base: 1\n", "    base: 0\n", -EBADMSG },
                { "    base: 1\n", "    base: [1]\n", -EBADMSG },
                { "    - 3\n", "    - 3-4\n", -EBADMSG },
                { "    - 3\n", "    - 3 4\n", -EBADMSG },
                { "    - 3\n", "    - \"\"\n", -EBADMSG },
                { "    - 3\n", "    - 4-3\n", -EBADMSG },
                { "    - 3\n", "    - 3\n    - 4\n", -EBADMSG },
                { "    - 3\n", "", -EBADMSG },
                { "!sz \"enabled\"", "!dword enabled", -EBADMSG },
                { "!sz \"enabled\"", "\"enabled\"", -EBADMSG },
                { "  hides: true\n", "", -EBADMSG },
                { "  hides: true\n", "  hides: true\n  shows: true\n", -EBADMSG },
                { "  layer: 60-off\n", "", -EBADMSG },
                { "generation: 7", "generation: *x", -EBADMSG },
        };
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct world w, copy;
        open_script(&w, 4);
        write_text(&w, 7, &text);
        world_empty(&copy);
        char *before = world_contents(&copy);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_buf_ struct buf edited = BUF_INIT;
                uint32_t crc;
                edit(&text, cases[i].from, cases[i].to, &edited);
                ck_assert_int_eq(snapshot_check(edited.data, edited.len, &crc, NULL), 0);
                copy.d.text[0] = '\0';
                int r = read_text(&copy, &edited, 7);
                ck_assert_msg(r == cases[i].error && copy.d.text[0] != '\0', "case %zu (%s): %d, %s", i,
                        cases[i].to, r, copy.d.text);
                char *after = world_contents(&copy);
                ck_assert_str_eq(before, after);
                free(after);
        }
        /* And the same store takes the right one. */
        ck_assert_int_eq(read_text(&copy, &text, 7), 0);
        free(before);
        world_close(&copy);
        world_close(&w);
}
END_TEST

/* A value that no registry holds costs no other. */
START_TEST(values_that_cannot_be)
{
        char name[300] = "- ";
        memset(name + 2, 'n', 256);
        (void)stpcpy(name + 258, ": !sz");
        const struct {
                const char *from, *to;
        } cases[] = {
                { "!sz \"enabled\"", "!0xc \"00\"" },
                { "!sz \"enabled\"", "!0xffffffff \"\"" },
                { "- TaintEvents: !sz", name },
        };
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct world w;
        open_script(&w, 4);
        write_text(&w, 7, &text);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_buf_ struct buf edited = BUF_INIT;
                struct world copy;
                edit(&text, cases[i].from, cases[i].to, &edited);
                world_empty(&copy);
                ck_assert_msg(read_text(&copy, &edited, 7) == 0, "%zu: %s", i, copy.d.text);
                ck_assert_uint_eq(left_out, 1);
                struct store_counts now = store_counts(copy.store), was = store_counts(w.store);
                ck_assert_uint_eq(now.values, was.values - 1);
                ck_assert_uint_eq(now.keys, was.keys);
                ck_assert_uint_eq(now.path_entries, was.path_entries);
                ck_assert_uint_eq(now.blankets, was.blankets);
                world_close(&copy);
        }
        world_close(&w);
}
END_TEST

START_TEST(value_above_the_limit)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct world w, copy;
        open_script(&w, 2);
        write_text(&w, 7, &text);
        copy = (struct world){ 0 };
        ck_assert_int_eq(store_new(1000, &copy.store), 0);
        ck_assert_int_eq(layers_init(&copy.layers), 0);
        ck_assert_int_eq(read_text(&copy, &text, 7), -EFBIG);
        ck_assert_ptr_nonnull(strstr(copy.d.text, "configured limit"));
        ck_assert_uint_eq(store_counts(copy.store).keys, 0);
        world_close(&copy);
        world_close(&w);
}
END_TEST

static int failing_sink(const void *data, size_t n, void *userdata)
{
        (void)data;
        (void)n;
        return *(unsigned *)userdata == 0 ? -ENOSPC : ((*(unsigned *)userdata)--, 0);
}

START_TEST(sink_that_fails)
{
        struct world w;
        unsigned calls;
        uint32_t crc = 1;
        open_script(&w, 3);
        for (unsigned n = 0; n < 2; n++) {
                calls = n;
                ck_assert_int_eq(snapshot_write(w.store, &w.hives, &w.layers, 7, failing_sink, &calls, &crc),
                        -ENOSPC);
        }
        ck_assert_uint_eq(crc, 1);
        world_close(&w);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { every_kind, reads_well, large, volatile_keys_are_left_out,
                lost_keys_are_left_out, checksum, wrong_contents, values_that_cannot_be,
                value_above_the_limit, sink_that_fails };
        return run_tests_with("state-snapshot", tests, ARRAY_SIZE(tests), setup, teardown);
}
