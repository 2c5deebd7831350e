/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random changes, with restarts, crashes and failing disks in between, against a model. The events of
 * each transaction must turn what was visible before into what is visible after. */

#include <errno.h>
#include <string.h>

#include "suite.h"
#include "failing-disk.h"
#include "registry-model.h"
#include "registry-world.h"

#define TRANSACTIONS 300u

static struct model model, synced;
static uint64_t promised; /* the counter at the last sync */

static void setup(void)
{
        world_init(&w);
        model_init(&model);
        world_do(&w, "set - \\System\\Registry\\Layers\\one Precedence 5\n"
                     "set - \\System\\Registry\\Layers\\two Precedence 5\n"
                     "set - \\System\\Registry\\Layers\\low Precedence 0");
        synced = model;
}

static void change_layer(struct buf *script)
{
        unsigned layer = 1 + pick(MODEL_LAYERS - 1), number = pick(3);
        bool enabled = pick(2);

        if (enabled)
                model_set_enabled(&model, layer, number);
        else
                model_set_precedence(&model, layer, number);
        buf_printf(script, "set - \\System\\Registry\\Layers\\%s %s %u", model_layers[layer],
                enabled ? "Enabled" : "Precedence", number);
}

/* Any key, but a volatile one below a kept one only where that is there: it would be made volatile too. */
static unsigned pick_key(void)
{
        unsigned key = pick(MODEL_KEYS);
        int parent = model_keys[key].parent;
        if (model_keys[key].is_volatile && parent >= 0 && !model_keys[parent].is_volatile &&
                !model_is_there(&model, (unsigned)parent))
                return (unsigned)parent;
        return key;
}

/* One change for both; the value is what it must return. */
static int invent(struct buf *script)
{
        unsigned layer = pick(MODEL_LAYERS), key = pick_key(), name = pick(MODEL_NAMES), number = pick(4);
        unsigned what = pick(20);
        const char *v = model_keys[key].is_volatile ? "v" : "", *l = model_layers[layer],
                   *path = model_keys[key].path;

        if (what < 9) {
                buf_printf(script, "%sset %s %s %s ", v, l, path, model_names[name]);
                if (number)
                        buf_printf(script, "%u", number);
                else
                        buf_puts(script, "!");
                return model_set(&model, layer, key, name, number);
        }
        if (what < 13) {
                buf_printf(script, "del %s %s %s", l, path, model_names[name]);
                return model_delete(&model, layer, key, name);
        }
        if (what < 15) {
                buf_printf(script, "%smk %s %s", v, l, path);
                return model_create(&model, layer, key);
        }
        if (what < 19) {
                buf_printf(script, "rm%s %s %s", what < 17 ? "r" : "", l, path);
                return model_delete_key(&model, layer, key, what < 17);
        }
        change_layer(script);
        return 0;
}

static bool is_metadata(const char *line)
{
        return strncmp(line, "Machine\\System", 14) == 0;
}

/* The model does not have layers' metadata. */
static struct dump without_metadata(struct dump all)
{
        struct dump dump = { 0 };
        for (size_t i = 0; i < all.n; i++)
                if (!strstr(all.lines[i], "Machine\\System"))
                        dump_line(&dump, "%s", all.lines[i]);
        dump_done(&all);
        return dump;
}

static struct dump registry_dump(void)
{
        return without_metadata(world_effective(&w));
}

static void assert_equal(struct dump want, struct dump got, const char *what)
{
        dump_assert_equal(&want, &got, what);
        dump_done(&want);
        dump_done(&got);
}

static void compare(const char *what)
{
        struct dump all = world_dump(&w, false);
        dump_done(&all);
        assert_equal(model_contents(&model), without_metadata(world_contents(&w)), what);
        assert_equal(model_dump(&model), registry_dump(), what);
}

static void remove_lines(struct dump *d, const char *prefix, const char *ends)
{
        size_t len = strlen(prefix), kept = 0;
        for (size_t i = 0; i < d->n; i++) {
                const char *line = d->lines[i];
                if (strncmp(line, prefix, len) == 0 && strchr(ends, line[len]))
                        free(d->lines[i]);
                else
                        d->lines[kept++] = d->lines[i];
        }
        d->n = kept;
}

static bool has_line(const struct dump *d, const char *line)
{
        bool found = false;
        for (size_t i = 0; i < d->n; i++)
                found |= strcmp(d->lines[i], line) == 0;
        return found;
}

/* A key that nobody saw may hold something already: who is told of it reads it. */
static void read_key(struct dump *copy, const char *path)
{
        struct dump now = registry_dump();
        size_t len = strlen(path);

        remove_lines(copy, path, " \\");
        for (size_t i = 0; i < now.n; i++)
                if (strncmp(now.lines[i], path, len) == 0 && strchr(" \\", now.lines[i][len]) &&
                        now.lines[i][len] != '\0')
                        dump_line(copy, "%s", now.lines[i]);
        dump_done(&now);
}

/* What a watcher that keeps a copy does. (strchr() finds the end of a line too.) */
static void replay(struct dump *copy, const struct registry_event *e)
{
        _cleanup_buf_ struct buf at = BUF_INIT;
        const char *path = e->path;
        const struct value v = { e->type, e->size, e->data };
        uint32_t number = 0;

        if (is_metadata(path) || (e->name && strcmp(e->name, "System") == 0))
                return;
        bool is_key = e->kind == EVENT_SUBKEY_CREATED || e->kind == EVENT_SUBKEY_DELETED;
        buf_printf(&at, "%s%s%s", path, is_key ? "\\" : " ", e->name[0] ? e->name : "@");
        if (e->kind == EVENT_KEY_DELETED)
                remove_lines(copy, path, " \\");
        else if (e->kind == EVENT_SUBKEY_DELETED)
                ck_assert_msg(!has_line(copy, buf_str(&at)), "%s is still there", buf_str(&at));
        else if (e->kind == EVENT_SUBKEY_CREATED) {
                if (w.foreign)
                        read_key(copy, buf_str(&at));
                if (!has_line(copy, buf_str(&at)))
                        dump_line(copy, "%s", buf_str(&at));
        } else
                remove_lines(copy, buf_str(&at), "=");
        if (e->kind != EVENT_VALUE_SET && (e->kind != EVENT_VALUE_UNCHANGED || e->type == REG_TOMBSTONE))
                return;
        ck_assert_int_eq(value_get_u32(&v, &number), 0);
        dump_line(copy, "%s=%u@%s", buf_str(&at), number, e->layer);
}

static void check_events(struct dump *before, const struct registry_events *events, const char *script)
{
        for (size_t i = 0; i < events->n; i++)
                replay(before, &events->list[i]);
        dump_sort(before);
        struct dump after = registry_dump();
        _cleanup_free_ char *text = events_text(events);
        _cleanup_buf_ struct buf what = BUF_INIT;
        buf_printf(&what, "%s gives the events:\n%s", script, text);
        dump_assert_equal(&after, before, buf_str(&what));
        dump_done(&after);
}

static void transaction(void)
{
        struct model begun = model;
        struct registry_events events = { 0 };
        struct dump before = registry_dump();
        _cleanup_buf_ struct buf script = BUF_INIT;
        unsigned n = 1 + pick(5), end = pick(10);
        bool preview = end == 1 && !registry_pending(w.r);

        model_begin(&model);
        if (preview)
                ck_assert_int_eq(registry_begin_preview(w.r, SIZE_MAX), 0);
        else
                ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        for (unsigned i = 0; i < n; i++) {
                size_t start = script.len;
                int expected = invent(&script);
                int r = world_change(&w, buf_str(&script) + start);
                ck_assert_msg(r == expected, "%s\ngives %d, expected %d: %s", buf_str(&script), r, expected,
                        w.d.text);
                buf_putc(&script, '\n');
        }
        if (end == 0)
                registry_abort(w.r);
        else if (preview)
                ck_assert_int_eq(registry_end_preview(w.r, &events), 0);
        else
                ck_assert_int_eq(registry_end(w.r, &events), 0);
        if (end == 0 || preview) {
                model = begun;
        } else {
                model_end(&model);
                check_events(&before, &events, buf_str(&script));
        }
        compare(buf_str(&script));
        registry_events_done(&events);
        dump_done(&before);
}

/* What a sync has failed to store may be in the log until something else is written. */
static void heal(void)
{
        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        registry_abort(w.r);
}

static void sync_registry(bool fails)
{
        bool pending = registry_pending(w.r);
        disk_failing_syncs = fails ? 1 + pick(2) : 0;
        int r = registry_sync(w.r, NULL);
        disk_failing_syncs = 0;
        ck_assert(r == 0 || (fails && pending && r == -EIO));
        if (r == 0 && !fails)
                promised = registry_sequence(w.r);
        if (r == 0)
                synced = model;
        else
                model = synced;
        compare(fails ? "a failing sync" : "a sync");
        if (r < 0)
                heal();
}

static void restart(void (*how)(struct world *))
{
        struct dump before, after;

        model = synced;
        bool forgotten = model_restart(&model);
        synced = model;
        bool pending = registry_pending(w.r);
        before = world_dump(&w, true);
        if (how == world_restart && !pending)
                promised = registry_sequence(w.r);
        how(&w);
        after = world_dump(&w, false);
        if (!pending && !forgotten)
                dump_assert_equal(&before, &after, "a restart");
        ck_assert_uint_ge(registry_sequence(w.r), promised);
        if (how == world_restart && !pending)
                ck_assert_uint_eq(registry_sequence(w.r), promised);
        dump_done(&before);
        dump_done(&after);
        compare("a restart");
}

/* As where layers that write below a key do not name it. */
static void unname(void)
{
        unsigned layer = pick(MODEL_LAYERS), key = pick(MODEL_KEYS);

        sync_registry(false);
        restart(world_restart);
        if (!model_unname(&model, layer, key))
                return;
        world_unname(&w, model_layers[layer], model_keys[key].path);
        synced = model;
        promised = registry_sequence(w.r);
        compare("a layer that does not name a key");
}

TEST_EACH(random_changes, 4)
{
        srandom((unsigned)_i + 1);
        w.forgets = _i % 2;
        restart(world_restart);
        for (unsigned i = 0; i < TRANSACTIONS; i++) {
                transaction();
                unsigned then = pick(60);
                if (then < 30)
                        sync_registry(false);
                else if (then < 33)
                        sync_registry(true);
                else if (then < 35)
                        restart(world_restart);
                else if (then < 37)
                        restart(world_crash);
                else if (then < 45)
                        unname();
        }
}

Suite *test_suite(void)
{
        return suite_with("registry-model", setup, world_teardown);
}
