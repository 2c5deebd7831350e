/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "registry-util.h"

struct view {
        const struct store *store;
        const struct layers *layers;
        bool persistent;
        bool foreign;
        struct dump *to;
};

static bool same(const char *a, const char *b)
{
        return fold_equal(a, strlen(a), b, strlen(b));
}

/* Who has something in a key names it, or it is a hive's root. */
static void check_named(const struct view *v, const struct store_key *key, const char *layer)
{
        if (v->foreign || guid_is_zero(&key->parent))
                return;
        const struct store_path_entry *e =
                store_lookup(v->store, &key->parent, key->name, strlen(key->name));
        while (e && !same(e->layer, layer))
                e = e->next;
        ck_assert_msg(
                e && guid_equal(&e->target, &key->guid), "%s is not named by layer %s", key->name, layer);
}

static const char *guid_text(const struct guid *guid)
{
        static char text[2][37];
        static unsigned next;
        char *at = text[next++ % 2];
        guid_format(guid, at);
        return at;
}

static void dump_entries(const struct view *v, const struct store_key *key, const char *path)
{
        size_t n;
        const struct store_path_entry *const *children = store_children(v->store, &key->guid, &n);

        for (size_t i = 0; i < n; i++)
                for (const struct store_path_entry *e = children[i]; e; e = e->next) {
                        const struct store_key *target = store_key(v->store, &e->target);
                        check_named(v, key, e->layer);
                        ck_assert(e->hidden || target);
                        if (v->persistent && target && target->is_volatile)
                                continue;
                        dump_line(v->to, "entry %s|%s %s #%" PRIu64 " %s", path, e->name, e->layer,
                                e->sequence, e->hidden ? "hidden" : guid_text(&e->target));
                }
}

static void dump_values(const struct view *v, const struct store_key *key, const char *path)
{
        size_t n;
        const struct store_value_entry *const *values = store_values(v->store, &key->guid, SIZE_MAX, &n);

        for (size_t i = 0; i < n; i++)
                for (const struct store_value_entry *e = values[i]; e; e = e->next) {
                        check_named(v, key, e->layer);
                        _cleanup_buf_ struct buf hex = BUF_INIT;
                        number_format_hex(&hex, e->data, e->size);
                        dump_line(v->to, "value %s|%s %s #%" PRIu64 " type %u %s", path, e->name, e->layer,
                                e->sequence, e->type, buf_str(&hex));
                }
        for (const struct store_blanket *b = store_blankets(v->store, &key->guid); b; b = b->next) {
                check_named(v, key, b->layer);
                dump_line(v->to, "blanket %s %s #%" PRIu64, path, b->layer, b->sequence);
        }
}

static void dump_key(const struct view *v, const struct store_key *key, const char *path)
{
        if (v->persistent && key->is_volatile)
                return;
        dump_line(v->to, "key %s %s%s time %" PRIu64, path, guid_text(&key->guid),
                key->is_volatile ? " volatile" : "", key->last_write);
        dump_entries(v, key, path);
        dump_values(v, key, path);
}

/* The key and all below it, whoever names them. */
static size_t visit(const struct view *v, const struct guid *guid, const char *above,
        void (*fn)(const struct view *v, const struct store_key *key, const char *path))
{
        const struct store_key *key = store_key(v->store, guid);
        _cleanup_buf_ struct buf path = BUF_INIT;
        size_t n, seen = 1;

        buf_printf(&path, "%s%s%s", above, above[0] ? "\\" : "", key->name);
        fn(v, key, buf_str(&path));
        const struct store_path_entry *const *children = store_children(v->store, guid, &n);
        for (size_t i = 0; i < n; i++) {
                /* Layers that name the same key share it. */
                const struct store_path_entry *e = children[i];
                while (e && e->hidden)
                        e = e->next;
                for (const struct store_path_entry *other = e; other; other = other->next)
                        ck_assert(other->hidden || guid_equal(&other->target, &e->target));
                if (e)
                        seen += visit(v, &e->target, buf_str(&path), fn);
        }
        return seen;
}

size_t world_keys(const struct world *w)
{
        return rows_of(registry_store(w->r), "key");
}

static void visit_all(const struct world *w, const struct view *v,
        void (*fn)(const struct view *v, const struct store_key *key, const char *path))
{
        size_t n, seen = 0;
        const struct store_key *const *roots = store_roots(v->store, &n);

        for (size_t i = 0; i < n; i++)
                seen += visit(v, &roots[i]->guid, "", fn);
        ck_assert_int_eq(store_error(v->store, NULL), 0);
        ck_assert_msg(seen == world_keys(w), "there are %zu keys, %zu of them named", world_keys(w), seen);
}

static struct view view_of(const struct world *w, bool persistent, struct dump *to)
{
        return (struct view){ .store = registry_store(w->r),
                .layers = registry_layers(w->r),
                .persistent = persistent,
                .foreign = w->foreign,
                .to = to };
}

struct dump world_dump(const struct world *w, bool persistent)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(w->r);
        struct dump dump = { 0 };
        const struct view v = view_of(w, persistent, &dump);
        const struct hives *hives = registry_hives(w->r);

        visit_all(w, &v, dump_key);
        for (size_t i = 0; i < hives->n; i++)
                dump_line(&dump, "hive %s %s", hives->list[i].name, guid_text(&hives->list[i].root));
        for (size_t i = 0; i < v.layers->n; i++)
                dump_line(&dump, "layer %s %u %d %s", v.layers->list[i].name, v.layers->list[i].precedence,
                        v.layers->list[i].enabled, v.layers->list[i].file ? v.layers->list[i].file : "-");
        dump_sort(&dump);
        return dump;
}

void world_check(const struct world *w)
{
        struct dump dump = world_dump(w, false);
        dump_done(&dump);
}

static void dump_contents(const struct view *v, const struct store_key *key, const char *path)
{
        size_t n;
        const struct store_value_entry *const *values = store_values(v->store, &key->guid, SIZE_MAX, &n);

        for (size_t i = 0; i < n; i++)
                for (const struct store_value_entry *e = values[i]; e; e = e->next) {
                        _cleanup_buf_ struct buf text = BUF_INIT;
                        value_text(&text, e->type, e->data, e->size);
                        dump_line(v->to, "%s %s %s=%s", e->layer, path, e->name[0] ? e->name : "@",
                                buf_str(&text));
                }
        const struct store_path_entry *const *children = store_children(v->store, &key->guid, &n);
        for (size_t i = 0; i < n; i++)
                for (const struct store_path_entry *e = children[i]; e; e = e->next)
                        dump_line(v->to, "%s %s\\%s%s", e->layer, path, e->name,
                                e->hidden    ? " hidden"
                                : e->is_link ? " link"
                                             : "");
        for (const struct store_blanket *b = store_blankets(v->store, &key->guid); b; b = b->next)
                dump_line(v->to, "%s %s masked", b->layer, path);
}

struct dump world_contents(const struct world *w)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(w->r);
        struct dump dump = { 0 };
        const struct view v = view_of(w, false, &dump);

        for (size_t i = 0; i < v.layers->n; i++)
                dump_line(&dump, "%s %u %d", v.layers->list[i].name, v.layers->list[i].precedence,
                        v.layers->list[i].enabled);
        visit_all(w, &v, dump_contents);
        dump_sort(&dump);
        return dump;
}

static void dump_visible(const struct view *v, const struct guid *key, const char *path)
{
        _cleanup_free_ const struct store_path_entry **children = NULL;
        _cleanup_free_ const struct store_value_entry **values = NULL;
        size_t n_children, n_values;

        dump_line(v->to, "%s", path);
        ck_assert_int_eq(resolve_values(v->store, v->layers, key, SIZE_MAX, &values, &n_values), 0);
        for (size_t i = 0; i < n_values; i++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                value_text(&text, values[i]->type, values[i]->data, values[i]->size);
                dump_line(v->to, "%s %s=%s@%s", path, values[i]->name[0] ? values[i]->name : "@",
                        buf_str(&text), values[i]->layer);
        }
        ck_assert_int_eq(resolve_children(v->store, v->layers, key, &children, &n_children), 0);
        for (size_t i = 0; i < n_children; i++) {
                _cleanup_buf_ struct buf inner = BUF_INIT;
                buf_printf(&inner, "%s\\%s", path, children[i]->name);
                dump_visible(v, &children[i]->target, buf_str(&inner));
        }
}

struct dump world_effective(const struct world *w)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(w->r);
        struct dump dump = { 0 };
        const struct view v = view_of(w, false, &dump);
        const struct hives *hives = registry_hives(w->r);

        for (size_t i = 0; i < hives->n; i++)
                dump_visible(&v, &hives->list[i].root, hives->list[i].name);
        dump_sort(&dump);
        return dump;
}
