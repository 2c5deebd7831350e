/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state-util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../../schema/values/value.h"

struct guid test_guid(unsigned n)
{
        struct guid g = { { 0 } };
        g.bytes[0] = (uint8_t)(n * 37);
        g.bytes[14] = (uint8_t)(n >> 8);
        g.bytes[15] = (uint8_t)n;
        return g;
}

static void on_report(const char *kind, const char *file, const char *text, void *userdata)
{
        struct world *w = userdata;
        ck_assert_ptr_nonnull(strstr(text, file));
        ck_assert_uint_gt(strlen(text), strlen(file) + 10);
        buf_printf(&w->reports, "%s %s\n", kind, file);
}

static void on_fold_failed(const char *text, void *userdata)
{
        struct world *w = userdata;
        ck_assert_ptr_nonnull(strstr(text, "cannot be folded"));
        buf_puts(&w->reports, "fold-failed\n");
}

static void on_folded(void *userdata)
{
        struct world *w = userdata;
        w->folded++;
}

int world_open(struct world *w, const char *dir, bool read_only)
{
        *w = (struct world){ 0 };
        const struct state_events events = {
                .report = on_report, .fold_failed = on_fold_failed, .folded = on_folded, .userdata = w
        };
        int r = store_new(VALUE_BYTES_DEFAULT_MAX, &w->store);
        if (r == 0)
                r = layers_init(&w->layers);
        if (r == 0)
                r = state_open(dir, read_only, w->store, &w->hives, &w->layers, &events, &w->state, &w->d);
        return r;
}

void world_close(struct world *w)
{
        w->state = state_close(w->state);
        w->store = store_free(w->store);
        layers_done(&w->layers);
        state_hives_done(&w->hives);
        buf_done(&w->reports);
}

bool world_reported(const struct world *w, const char *kind)
{
        return strstr(buf_str(&w->reports), kind) != NULL;
}

static void add(struct world *w, const struct state_record *r)
{
        ck_assert_int_eq(state_add(w->state, r), 0);
}

void world_op(struct world *w, struct store_op op)
{
        ck_assert_int_eq(store_apply(w->store, &op), 0);
        add(w, &(struct state_record){ .kind = STATE_OP, .op = op });
}

static void make_hive(struct world *w, const char *name, unsigned guid)
{
        struct guid root = test_guid(guid);
        ck_assert_int_eq(state_hive_add(&w->hives, name, &root), 0);
        add(w, &(struct state_record){ .kind = STATE_HIVE, .name = name, .root = root });
        world_op(w, (struct store_op){ .code = STORE_CREATE_KEY, .guid = root, .name = name, .time = guid });
}

static void make_key(struct world *w, unsigned parent, const char *name, const char *layer, unsigned guid)
{
        world_op(w, (struct store_op){ .code = STORE_CREATE_ENTRY,
                            .guid = test_guid(parent),
                            .target = test_guid(guid),
                            .name = name,
                            .layer = layer,
                            .sequence = store_take_sequence(w->store) });
        world_op(w, (struct store_op){ .code = STORE_CREATE_KEY,
                            .guid = test_guid(guid),
                            .target = test_guid(parent),
                            .name = name,
                            .time = UINT64_C(1) << 62 });
}

static void set(struct world *w, unsigned key, const char *name, const char *layer, uint32_t type,
        const void *data, size_t size)
{
        world_op(w, (struct store_op){ .code = STORE_SET_VALUE,
                            .guid = test_guid(key),
                            .name = name,
                            .layer = layer,
                            .type = type,
                            .data = data,
                            .size = size,
                            .sequence = store_take_sequence(w->store),
                            .time = 77 });
}

static void layer(struct world *w, const char *name, uint32_t precedence, const char *file)
{
        ck_assert_int_eq(layers_set(&w->layers, name, precedence, precedence % 2 == 0, file), 0);
        add(w, &(struct state_record){ .kind = STATE_LAYER,
                       .name = name,
                       .precedence = precedence,
                       .enabled = precedence % 2 == 0,
                       .file = file });
}

static void script_make(struct world *w)
{
        make_hive(w, "Machine", 1);
        make_key(w, 1, "System", "base", 2);
        make_key(w, 2, "Audit", "base", 3);
        set(w, 3, "TaintEvents", "base", REG_SZ, "enabled", 7);
}

static void script_values(struct world *w)
{
        static const char control[] = "a\nb\t\x01\x7f\xc2\x85\xe2\x80\xa8\"\\'#: ";
        static char large[70000];

        make_key(w, 3, "Odd: name\n\xc3\xa9\xe2\x80\xa9", "50-site", 4);
        set(w, 4, "", "base", REG_EXPAND_SZ, "%X%", 3);
        set(w, 4, "<<", "base", REG_SZ, control, sizeof(control) - 1);
        set(w, 4, "\xef\xbf\xbe, as it was allowed once", "base", REG_SZ, "", 0);
        make_key(w, 4, "\xef\xb7\x90", "base", 40);
        set(w, 4, "null", "base", REG_SZ, "", 0);
        set(w, 4, "--- a\\b/c", "base", REG_DWORD, "\x01\x02\x03\x04", 4);
        set(w, 4, "short", "base", REG_DWORD, "\x01\x02\x03", 3);
        set(w, 4, "not UTF-8", "base", REG_SZ, "\xff\xfe", 2);
        set(w, 4, "NUL", "50-site", REG_SZ, "a\0b", 3);
        set(w, 4, "big", "50-site", REG_DWORD_BIG_ENDIAN, "\x01\x02\x03\x04", 4);
        set(w, 4, "q", "50-site", REG_QWORD, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
        set(w, 4, "list", "50-site", REG_MULTI_SZ, "a\0\0c, d\0", 8);
        set(w, 4, "no list", "50-site", REG_MULTI_SZ, NULL, 0);
        set(w, 4, "torn list", "50-site", REG_MULTI_SZ, "a\0b", 3);
        set(w, 4, "large list", "50-site", REG_MULTI_SZ, large, sizeof(large));
        set(w, 4, "none", "base", REG_NONE, "", 0);
        set(w, 4, "resource", "base", REG_RESOURCE_LIST, "\0\1", 2);
        set(w, 4, "other", "base", REG_FULL_RESOURCE_DESCRIPTOR, "x", 1);
        set(w, 4, "gone", "base", REG_TOMBSTONE, NULL, 0);
        set(w, 4, "GONE", "50-site", REG_BINARY, "\0", 1);
}

static void script_names(struct world *w)
{
        char name[256], value[256];

        memset(name, '"', 255); /* becomes twice as long in quotes */
        name[255] = '\0';
        memset(value, 'v', 255);
        value[255] = '\0';
        make_key(w, 2, name, name, 5);
        set(w, 5, value, name, REG_SZ, "long", 4);
        memset(name, 1, 255); /* and four times */
        set(w, 5, value, name, REG_SZ, "longer", 6);
        set(w, 5, name, name, REG_LINK, "\\Machine", 8);
        make_hive(w, "Users", 6);
        world_op(w, (struct store_op){ .code = STORE_SET_BLANKET,
                            .guid = test_guid(5),
                            .layer = name,
                            .set = true,
                            .sequence = store_take_sequence(w->store) });
}

static void script_layers(struct world *w)
{
        layer(w, "50-site", 50, "/etc/peios/registry.d/50 \"site\".yaml");
        layer(w, "60-off", 61, "/etc/peios/registry.d/60.yaml");
        layer(w, "70-gone", 70, "/x");
        ck_assert(layers_remove(&w->layers, "70-gone"));
        add(w, &(struct state_record){ .kind = STATE_LAYER_GONE, .name = "70-gone" });
        /* Hidden, under another spelling, before its key exists, and in two layers. */
        world_op(w, (struct store_op){ .code = STORE_HIDE_ENTRY,
                            .guid = test_guid(2),
                            .name = "audit",
                            .layer = "60-off",
                            .sequence = store_take_sequence(w->store) });
        world_op(w, (struct store_op){ .code = STORE_CREATE_ENTRY,
                            .guid = test_guid(2),
                            .name = "AUDIT",
                            .target = test_guid(3),
                            .layer = "50-site",
                            .sequence = store_take_sequence(w->store) });
        world_op(w, (struct store_op){ .code = STORE_CREATE_ENTRY,
                            .guid = test_guid(6),
                            .name = "later",
                            .target = test_guid(9),
                            .layer = "base",
                            .sequence = store_take_sequence(w->store) });
        world_op(w, (struct store_op){ .code = STORE_CREATE_ENTRY,
                            .guid = test_guid(2),
                            .name = "Audit",
                            .target = test_guid(3),
                            .layer = "80-latent",
                            .sequence = store_take_sequence(w->store) });
}

static void script_changes(struct world *w)
{
        world_op(w, (struct store_op){ .code = STORE_WRITE_KEY,
                            .guid = test_guid(3),
                            .data = "\1\0\4",
                            .size = 3,
                            .mask = STORE_MASK_SD | STORE_MASK_TIME,
                            .time = 4711 });
        world_op(w, (struct store_op){ .code = STORE_CREATE_KEY,
                            .guid = test_guid(7),
                            .target = test_guid(3),
                            .name = "Link",
                            .is_link = true,
                            .data = "sd",
                            .size = 2 });
        world_op(w, (struct store_op){ .code = STORE_DELETE_VALUE,
                            .guid = test_guid(4),
                            .name = "SHORT",
                            .layer = "base",
                            .time = 5 });
        world_op(w, (struct store_op){ .code = STORE_DELETE_LAYER, .layer = "80-latent" });
        world_op(w, (struct store_op){ .code = STORE_SET_BLANKET,
                            .guid = test_guid(3),
                            .layer = "50-site",
                            .set = true,
                            .sequence = store_take_sequence(w->store) });
        world_op(w, (struct store_op){ .code = STORE_DROP_KEY, .guid = test_guid(7) });
}

static void script_end(struct world *w)
{
        world_op(
                w, (struct store_op){ .code = STORE_SET_BLANKET, .guid = test_guid(3), .layer = "50-site" });
        world_op(w, (struct store_op){ .code = STORE_DELETE_ENTRY,
                            .guid = test_guid(2),
                            .name = "AUDIT",
                            .layer = "50-site" });
        (void)store_take_sequence(w->store); /* of a write that failed: a gap */
        set(w, 3, "TaintEvents", "base", REG_SZ, "disabled", 8);
}

void world_script(struct world *w, unsigned i)
{
        static void (*const batches[SCRIPT_BATCHES])(struct world *) = { script_make, script_values,
                script_names, script_layers, script_changes, script_end };
        batches[i](w);
}

void world_run(struct world *w, unsigned first, unsigned end)
{
        for (unsigned i = first; i < end; i++) {
                world_script(w, i);
                ck_assert_int_eq(state_sync(w->state, &w->d), 0);
        }
}

void world_three_generations(struct world *w, const char *dir)
{
        ck_assert_int_eq(world_open(w, dir, false), 0);
        for (unsigned i = 0; i < 6; i += 2) {
                world_run(w, i, i + 2);
                if (i < 4)
                        ck_assert_int_eq(world_fold(w), 0);
        }
}

int world_fold(struct world *w)
{
        return state_fold(w->state, w->store, &w->hives, &w->layers, &w->d);
}

int world_try(struct world *w, unsigned i)
{
        /* Only batches without hives and layers: these are the registry's to undo. */
        ck_assert(i == 1 || i == 4 || i == 5);
        ck_assert_int_eq(store_begin(w->store), 0);
        world_script(w, i);
        int r = state_sync(w->state, &w->d);
        ck_assert_uint_eq(state_pending(w->state), 0);
        if (r < 0)
                store_rollback(w->store);
        else
                store_commit(w->store);
        return r;
}

int world_try_large(struct world *w)
{
        static char data[1 << 20];

        ck_assert_int_eq(store_begin(w->store), 0);
        state_allow_large(w->state, true);
        for (unsigned i = 0; i < 65; i++)
                world_op(w, (struct store_op){ .code = STORE_SET_VALUE,
                                    .guid = test_guid(3),
                                    .name = "large",
                                    .layer = "base",
                                    .data = data,
                                    .size = i < 64 ? sizeof(data) : 1,
                                    .sequence = store_take_sequence(w->store) });
        state_allow_large(w->state, false);
        int r = state_sync(w->state, &w->d);
        if (r < 0)
                store_rollback(w->store);
        else
                store_commit(w->store);
        return r;
}

char *script_contents(unsigned n)
{
        char *scratch = scratch_make();
        struct world w;
        ck_assert_int_eq(world_open(&w, scratch, false), 0);
        for (unsigned i = 0; i < n; i++)
                world_script(&w, i);
        char *text = world_contents(&w);
        world_close(&w);
        scratch_remove(scratch);
        return text;
}
