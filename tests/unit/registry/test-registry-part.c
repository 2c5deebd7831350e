/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the schema's values need of a store, copied: a registry over the copy says of them what one over the
 * whole says, and so it does when both have the drop-in files applied. */

#include <string.h>
#include <time.h>

#include "../../../schema/base/clock.h"
#include "suite.h"
#include "../../../registry-provider/registry/registry-part.h"
#include "registry-world.h"

#define ROUNDS 240u

static struct registry_part *part;
static struct dropins part_files;

static const char *const keys[] = { "Machine\\A", "Machine\\A\\B", "Machine\\A\\B\\C", "Machine\\E\\F",
        "Machine\\E\\G", "Machine\\E", "Users\\U", "Users\\U\\V" };
static const char *const names[] = { "@", "V", "W" };
static const char *const numbers[] = { "1", "2", "3", "!" };
static const char *const layers[] = { "base", "one", "two", "low", "site", "more", "ghost" };
static const char *const files[] = { "etc/peios/registry.d/50-site.yaml",
        "etc/peios/registry.d/60-more.yaml", "usr/lib/peios/registry.d/40-one.yaml" };

/* All names of the first keys; the others have something that is not in it, one of them above two that are.
 */
#define SCHEMA_KEYS 5u
static struct schema_control control;
static struct schema_value schema_values[SCHEMA_KEYS * ARRAY_SIZE(names)];
static struct schema schema = { .values = schema_values, .n = ARRAY_SIZE(schema_values) };

/* With both hives. */
static bool is_hive(const char *name, size_t len, _unused_ void *userdata)
{
        return (len == 7 && strncmp(name, "Machine", len) == 0) ||
               (len == 5 && strncmp(name, "Users", len) == 0);
}

static void path_of(const char *key, struct path *ret)
{
        ck_assert_int_eq(path_parse(key, strlen(key), is_hive, NULL, ret, NULL), 0);
}

static void setup(void)
{
        world_init(&w);
        for (size_t i = 0; i < ARRAY_SIZE(schema_values); i++) {
                const char *key = keys[i / ARRAY_SIZE(names)], *name = names[i % ARRAY_SIZE(names)];
                schema_values[i] =
                        (struct schema_value){ .name = (char *)(strcmp(name, "@") == 0 ? "" : name),
                                .type = REG_DWORD,
                                .control = &control };
                ck_assert_int_eq(path_parse(key, strlen(key), NULL, NULL, &schema_values[i].key, NULL), 0);
        }
        world_do(&w, "set - " LAYERS_KEY "\\one Precedence 5\nset - " LAYERS_KEY "\\two Precedence 5\n"
                     "set - " LAYERS_KEY "\\low Precedence 0");
        /* The hive Users stays. */
        world_write(
                &w, files[1], "peios-registry: 1\nlayer: more\nhives: [Users]\nkeys: { \\Users\\U: { } }\n");
        world_reload_well(&w);
}

static void teardown(void)
{
        for (size_t i = 0; i < ARRAY_SIZE(schema_values); i++)
                path_done(&schema_values[i].key);
        world_done(&w);
}

static void open_part(void)
{
        struct diag d = { 0 };

        int r = registry_part_new(registry_store(w.r), &schema, &part, &d);
        ck_assert_msg(r == 0, "%d %s", r, d.text);
}

static void close_part(void)
{
        part = registry_part_free(part);
        dropins_done(&part_files);
}

static void answer(struct dump *to, const struct schema_value *sv, int r, const struct value *v,
        const char *layer, uint64_t sequence)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        if (r == 0)
                value_text(&text, v->type, v->data, v->size);
        if (r != 0)
                dump_line(to, "%s %s: %s", sv->key.text, sv->name, error_name(r));
        else
                dump_line(to, "%s %s=%s@%s #%ju", sv->key.text, sv->name, buf_str(&text), layer,
                        (uintmax_t)sequence);
}

static size_t n_links; /* that were followed */

/* Of each value of the schema. What files wrote has other numbers. */
static void assert_same_answers(bool with_sequence, const char *what)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(w.r);
        struct dump whole = { 0 }, copy = { 0 };

        for (size_t i = 0; i < schema.n; i++) {
                const struct schema_value *sv = &schema.values[i];
                if (!sv->control)
                        continue;
                const struct registry_part_item *item = NULL;
                struct registry_value v = { 0 };
                _cleanup_way_ struct registry_way way = { 0 };
                int r = registry_follow(w.r, &sv->key, false, &way, NULL);
                n_links += way.n;
                if (r == 0)
                        r = registry_get(w.r, way.path, sv->name, &v, NULL);
                answer(&whole, sv, r, &v.value, v.layer, with_sequence ? v.sequence : 0);
                r = registry_part_get(part, &sv->key, sv->name, &item);
                answer(&copy, sv, r, item ? &item->value : NULL, item ? item->layer : NULL,
                        item && with_sequence ? item->sequence : 0);
        }
        dump_assert_equal(&whole, &copy, what);
        dump_done(&whole);
        dump_done(&copy);
}

/* ---- At random ---- */

#define PICK(list) ((list)[pick(ARRAY_SIZE(list))])

/* Keys that may be links, and where they lead: a file that names a key below another link is refused, of
 * which a part knows nothing. */
#define LINK_KEYS 6u

static void invent_link(struct buf *script, const char *layer)
{
        const char *key = keys[pick(LINK_KEYS)], *target = keys[pick(LINK_KEYS + 1)];

        switch (pick(6)) {
        case 0:
                buf_printf(script, "lset %s %s @ >%s", layer, key, target);
                return;
        case 1:
        case 2:
        case 3:
                buf_printf(script, "lrmr %s %s", layer, key);
                return;
        default:
                buf_printf(script, "ln %s %s %s", layer, key, target);
        }
}

static void invent_change(struct buf *script)
{
        const char *layer = PICK(layers), *key = PICK(keys);
        unsigned what = pick(32);

        if (what >= 20)
                invent_link(script, layer);
        else if (what < 9)
                buf_printf(script, "set %s %s %s %s", layer, key, PICK(names), PICK(numbers));
        else if (what < 11)
                buf_printf(script, "del %s %s %s", layer, key, PICK(names));
        else if (what < 13)
                buf_printf(script, "mk %s %s", layer, key);
        else if (what < 15)
                buf_printf(script, "rmr %s %s", layer, key);
        else if (what < 19)
                buf_printf(script, "set - " LAYERS_KEY "\\%s %s %u", layer,
                        pick(2) ? "Enabled" : "Precedence", pick(3));
        else
                buf_printf(script, "rm - " LAYERS_KEY "\\%s", layer);
}

/* What fails is no matter. */
static void change(void)
{
        _cleanup_buf_ struct buf script = BUF_INIT;

        invent_change(&script);
        free(world_run(&w, buf_str(&script)));
}

/* Links are made only where there is no key. */
static void begin_anew(void)
{
        static const char *const tops[] = { "Machine\\A", "Machine\\E" };

        for (size_t i = 0; i < ARRAY_SIZE(layers) * ARRAY_SIZE(tops); i++)
                free(world_run(
                        &w, textf("lrmr %s %s", layers[i / ARRAY_SIZE(tops)], tops[i % ARRAY_SIZE(tops)])));
}

static void invent_file(struct buf *text)
{
        buf_printf(text,
                "peios-registry: 1\nlayer: %s\nprecedence: %u\nenabled: %s\nhives: [Users]\nkeys:\n",
                PICK(layers), pick(7), pick(6) ? "true" : "false");
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                if (pick(2))
                        continue;
                if (pick(6) == 0)
                        buf_printf(text, "  \\%s: !hidden\n", keys[i]);
                else if (i < LINK_KEYS && pick(6) == 0)
                        buf_printf(text, "  \\%s: !link { \"@\": !link %s }\n", keys[i],
                                keys[pick(LINK_KEYS + 1)]);
                else
                        buf_printf(text, "  \\%s: %s { \"%s\": %s }\n", keys[i], pick(4) ? "" : "!blanket",
                                PICK(names), pick(4) ? "!dword 3" : "!tombstone \"\"");
        }
        if (pick(8) == 0)
                buf_puts(text, " broken");
}

static void change_files(void)
{
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                unsigned what = pick(6);
                if (what < 3)
                        continue;
                invent_file(&text);
                world_write(&w, files[i], buf_str(&text));
        }
}

static bool find(const char *key, struct guid *ret_parent, struct guid *ret, const char **ret_name)
{
        const struct store *s = registry_store(w.r);
        _cleanup_store_scope_ struct store_scope scope = registry_scope(w.r);
        _cleanup_path_ struct path path = { 0 };

        ck_assert_int_eq(path_parse(key, strlen(key), NULL, NULL, &path, NULL), 0);
        *ret_parent = *ret = (struct guid){ 0 };
        for (size_t i = 0; i < path.n; i++) {
                size_t len;
                const char *name = path_component(&path, i, &len);
                const struct store_key *root = i == 0 ? store_root(s, name, len) : NULL;
                const struct store_path_entry *e = i > 0 ? store_lookup(s, ret, name, len) : NULL;
                /* The one or the other of two. */
                while (e && (e->hidden || (e->next && pick(3) == 0)))
                        e = e->next;
                if (i > 0 && !e)
                        return false;
                *ret_parent = *ret;
                *ret = root ? root->guid : e->target;
        }
        *ret_name = strrchr(key, '\\') + 1;
        return store_key(s, ret) != NULL;
}

/* What the registry does not write: entries of layers that do not exist, keys that they hide, another key of
 * the same name, one that is not there, a blanket, a value where the layer does not name the key. */
static void apply_foreign(void)
{
        const uint64_t sequence = registry_sequence(w.r) + 1;
        const char *layer = PICK(layers), *name;
        struct guid parent, key, made;

        if (!find(PICK(keys), &parent, &key, &name))
                return;
        ck_assert_int_eq(guid_new(&made), 0);
        const struct store_op list[] = {
                { .code = STORE_HIDE_ENTRY,
                        .guid = parent,
                        .name = name,
                        .layer = layer,
                        .sequence = sequence },
                { .code = STORE_SET_BLANKET,
                        .guid = key,
                        .layer = layer,
                        .set = true,
                        .sequence = sequence },
                { .code = STORE_SET_VALUE,
                        .guid = key,
                        .name = "V",
                        .layer = layer,
                        .type = REG_SZ,
                        .data = "foreign",
                        .size = 7,
                        .sequence = sequence },
                { .code = STORE_CREATE_KEY, .guid = made, .target = parent, .name = name },
                { .code = STORE_CREATE_ENTRY,
                        .guid = parent,
                        .name = name,
                        .layer = layer,
                        .target = made,
                        .sequence = sequence },
        };
        unsigned what = pick(5);
        if (what < 3)
                world_apply(&w, &list[what], 1);
        else
                world_apply(&w, &list[what == 3 ? 3 : 4], what == 3 ? 2 : 1);
        w.foreign = true;
}

static void list_errors(const struct dropins *from, struct dump *ret)
{
        for (size_t i = 0; i < from->n; i++)
                if (from->list[i].error)
                        dump_line(ret, "%s", from->list[i].error);
}

/* The part first: the store that it reads is as it was. */
static void apply_files(size_t n_errors)
{
        struct dump whole = { 0 }, copy = { 0 };
        struct registry_events events = { 0 };
        struct diag d = { 0 };

        ck_assert_int_eq(dropins_load(w.root.root, WORLD_VALUE_MAX, &part_files), 0);
        int r = registry_part_apply(part, &part_files, &d);
        ck_assert_msg(r == 0, "%s", d.text);
        list_errors(&part_files, &copy);
        dropins_done(&w.files);
        ck_assert_int_eq(dropins_load(w.root.root, WORLD_VALUE_MAX, &w.files), 0);
        r = registry_apply_dropins(w.r, &w.files, &events, &d);
        ck_assert_msg(r == 0, "%s", d.text);
        registry_events_done(&events);
        list_errors(&w.files, &whole);
        dump_assert_equal(&whole, &copy, "errors of files");
        ck_assert(n_errors == SIZE_MAX || n_errors == copy.n);
        dump_done(&whole);
        dump_done(&copy);
        assert_same_answers(false, "after the files");
}

static void compare(const char *what)
{
        open_part();
        assert_same_answers(true, what);
        change_files();
        apply_files(SIZE_MAX);
        close_part();
        ck_assert_int_eq(registry_sync(w.r, NULL), 0);
}

TEST_EACH(random_stores, 30)
{
        srandom((unsigned)_i + 1);
        for (unsigned i = 0; i < ROUNDS; i++) {
                for (unsigned n = pick(6); n > 0; n--)
                        change();
                if (pick(8) == 0)
                        begin_anew();
                if (pick(4) == 0)
                        apply_foreign();
                /* What was in force before a value that is refused a start does not know. */
                world_restart(&w);
                compare("a copy");
        }
        ck_assert_uint_gt(n_links, 5);
}

/* ---- One by one ---- */

/* Whoever has written to the layer has nothing to do with the schema. */
TEST(a_layer_that_is_taken)
{
        world_do(&w, "set one Users\\U\\Other V 1");
        world_write(&w, files[0], "peios-registry: 1\nlayer: one\nkeys: { \\A: { V: !dword 4 } }\n");
        world_restart(&w);
        open_part();
        apply_files(1);
        close_part();
}

/* Each key is copied once, however many layers name it. */
TEST(many_layers_name_a_key)
{
        _cleanup_buf_ struct buf script = BUF_INIT;

        for (unsigned i = 0; i < 100; i++)
                buf_printf(&script, "set - " LAYERS_KEY "\\l%u Precedence %u\n", i, i);
        world_do(&w, buf_str(&script));
        buf_clear(&script);
        for (unsigned i = 0; i < 100; i++)
                buf_printf(&script, "set l%u \\A\\B\\C V %u\n", i, i);
        world_do(&w, buf_str(&script));
        const uint64_t begun = clock_of(CLOCK_PROCESS_CPUTIME_ID);
        open_part();
        ck_assert_uint_lt(clock_of(CLOCK_PROCESS_CPUTIME_ID) - begun, 2000000);
        assert_same_answers(true, "100 layers");
        close_part();
}

static void unbind(const char *key)
{
        for (size_t i = 0; i < ARRAY_SIZE(schema_values); i++)
                if (strcmp(keys[i / ARRAY_SIZE(names)], key) == 0)
                        schema_values[i].control = NULL;
}

static void assert_absent(const char *key, const char *name)
{
        _cleanup_path_ struct path path = { 0 };
        const struct registry_part_item *item;

        path_of(key, &path);
        ck_assert_int_eq(registry_part_get(part, &path, name, &item), REGISTRY_NOT_FOUND);
}

/* Only what is needed. */
TEST(the_rest_stays)
{
        world_do(&w,
                "set - \\A V 1\nset - \\E V 1\nset - \\A Other 1\nset - \\Other V 1\nset - \\A\\Other V 1\nset - Users\\U\\V V 1");
        unbind("Machine\\E");
        open_part();
        static const char *const elsewhere[] = { "Machine\\Other", "Machine\\A\\Other", "Users\\U\\V" };
        for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
                assert_absent(elsewhere[i], "V");
        assert_absent("Machine\\A", "Other");
        assert_absent("Machine\\E", "V");
        assert_same_answers(true, "what is needed");
        close_part();
}

/* As many links as may be, and one more. */
TEST(a_chain_of_links)
{
        world_do(&w, "set - \\L0 V 1\nset - \\L0\\F V 2");
        for (unsigned i = 1; i <= REGISTRY_LINKS_MAX; i++)
                world_do(&w, textf("ln - \\L%u Machine\\L%u", i, i - 1));
        world_do(&w, "ln - \\A Machine\\L15\nln - \\E Machine\\L16");
        open_part();
        assert_same_answers(true, "a chain");
        close_part();
}

Suite *test_suite(void)
{
        return suite_with("registry-part", setup, teardown);
}
