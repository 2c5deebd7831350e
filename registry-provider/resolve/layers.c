/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/schema.h"

static void layer_done(struct layer *l)
{
        free(l->name);
        free(l->file);
        *l = (struct layer){ 0 };
}

/* `of`: the file may be NULL. */
static int layer_init(struct layer *ret, const struct store_file *of)
{
        struct layer l = { .precedence = of->precedence, .enabled = of->enabled, .seal = of->seal };

        l.name = strdup(of->layer);
        l.file = of->file ? strdup(of->file) : NULL;
        if (!l.name || (of->file && !l.file)) {
                layer_done(&l);
                return -ENOMEM;
        }
        *ret = l;
        return 0;
}

int layers_init(struct layers *l)
{
        struct layer *list = malloc(sizeof(*list));
        if (!list || layer_init(list, &(struct store_file){ .layer = LAYER_BASE, .enabled = true }) < 0) {
                free(list);
                return -ENOMEM;
        }
        *l = (struct layers){ .list = list, .n = 1 };
        return 0;
}

void layers_done(struct layers *l)
{
        for (size_t i = 0; i < l->n; i++)
                layer_done(&l->list[i]);
        free(l->list);
        *l = (struct layers){ 0 };
}

static int compare_name(const void *layer, const void *name)
{
        return fold_order(((const struct layer *)layer)->name, name);
}

/* Where the name is, or would be put. */
static size_t position(const struct layers *l, const char *name, bool *ret_found)
{
        return array_place(l->list, l->n, sizeof(*l->list), name, compare_name, ret_found);
}

static struct layer *find(const struct layers *l, const char *name)
{
        bool found;
        size_t at = position(l, name, &found);
        return found ? &l->list[at] : NULL;
}

const struct layer *layers_find(const struct layers *l, const char *name)
{
        return find(l, name);
}

int layers_set(struct layers *l, const char *name, uint32_t precedence, bool enabled, const char *file)
{
        return layers_set_file(l, &(struct store_file){ name, file, precedence, enabled, { 0 } });
}

int layers_set_file(struct layers *l, const struct store_file *f)
{
        struct layer made;
        bool found;

        if (fold_same(f->layer, LAYER_BASE))
                return f->precedence == 0 && f->enabled && !f->file ? 0 : -EINVAL;

        size_t at = position(l, f->layer, &found);
        if (!found && l->n >= LAYERS_MAX)
                return -E2BIG;
        int r = layer_init(&made, f);
        if (r < 0)
                return r;
        if (found) {
                layer_done(&l->list[at]);
        } else {
                if (array_grow(&l->list, l->n, sizeof(*l->list)) < 0) {
                        layer_done(&made);
                        return -ENOMEM;
                }
                memmove(l->list + at + 1, l->list + at, (l->n - at) * sizeof(*l->list));
                l->n++;
        }
        l->list[at] = made;
        return 0;
}

bool layers_remove(struct layers *l, const char *name)
{
        bool found;
        size_t at = position(l, name, &found);

        if (!found || fold_same(name, LAYER_BASE))
                return false;
        layer_done(&l->list[at]);
        memmove(l->list + at, l->list + at + 1, (l->n - at - 1) * sizeof(*l->list));
        l->n--;
        return true;
}

/* ---- As the store says ---- */

static const char *const layers_components[] = { DEFAULT_HIVE, "System", "Registry", "Layers" };

bool layers_is_metadata(const struct path *path, bool above)
{
        if (path->n < ARRAY_SIZE(layers_components) && !above)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(layers_components) && i < path->n; i++) {
                size_t len;
                const char *name = path_component(path, i, &len);
                if (!fold_equal(name, len, layers_components[i], strlen(layers_components[i])))
                        return false;
        }
        return true;
}

bool layers_metadata_are_in(const struct path *path)
{
        return path->n <= ARRAY_SIZE(layers_components) && layers_is_metadata(path, true);
}

static bool is_reserved(const char *name, size_t len)
{
        return schema_layer_is_fixed(name, len) && !path_is_fleet_layer(name, len);
}

#define ENDS "Ends"

int layers_metadata_path(const char *layer, struct path *ret)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        for (size_t i = 0; i < ARRAY_SIZE(layers_components); i++)
                buf_printf(&text, "%s\\", layers_components[i]);
        buf_puts(&text, layer);
        return text.error ? text.error : path_parse(buf_str(&text), text.len, NULL, NULL, ret, NULL);
}

int layers_check_metadata(const struct path *path, struct diag *d)
{
        size_t len, at = ARRAY_SIZE(layers_components);
        if (path->n <= at || !layers_is_metadata(path, false))
                return 0;
        const char *name = path_component(path, at, &len);
        if (!schema_layer_is_fixed(name, len))
                return 0;
        return registry_fail(d, REGISTRY_INVALID_NAME,
                "%s: layer '%.*s' is the %s own and cannot be changed, expected another name", path->text,
                (int)len, name, is_reserved(name, len) ? "registry's" : "fleet's");
}

static const struct store_path_entry *base_entry(const struct store_path_entry *chain)
{
        for (; chain; chain = chain->next)
                if (fold_same(chain->layer, LAYER_BASE))
                        return chain->hidden ? NULL : chain;
        return NULL;
}

static const struct store_value_entry *base_value(
        const struct store *s, const struct guid *key, const char *name)
{
        const struct store_value_entry *v = store_value(s, key, name, strlen(name));
        while (v && !fold_same(v->layer, LAYER_BASE))
                v = v->next;
        return v && v->type != REG_TOMBSTONE ? v : NULL;
}

/* A REG_DWORD and nothing else. */
static const struct metadata {
        const char *name;
        uint32_t max;
        const char *expected;
} metadata_precedence = { "Precedence", UINT32_MAX, "a REG_DWORD" },
  metadata_enabled = { "Enabled", 1, "a REG_DWORD of 0 or 1" };

static bool is_good(const struct metadata *m, const struct store_value_entry *v, uint32_t *ret)
{
        const struct value value = { .type = v->type, .data = v->data, .size = v->size };
        return v->type == REG_DWORD && value_get_u32(&value, ret) == 0 && *ret <= m->max;
}

/* What the base layer's entry says. */
static uint32_t base_number(const struct store *s, const struct guid *key, const struct metadata *m,
        uint32_t unset, uint32_t refused)
{
        const struct store_value_entry *v = base_value(s, key, m->name);
        uint32_t number;

        if (!v)
                return unset;
        return is_good(m, v, &number) ? number : refused;
}

static bool is_good_end(const struct store_value_entry *v, const char *file, struct ending *ret)
{
        const struct value value = { .type = v->type, .data = v->data, .size = v->size };
        const char *text;
        size_t n;

        return !file && v->type == REG_SZ && value_get_string(&value, &text, &n) == 0 &&
               ending_parse(text, n, ret);
}

/* With what time it is, asked for once, where anything has an end. */
struct loading {
        const struct store *store;
        const struct layers *before;
        bool is_past;
        struct ending_clocks *now; /* NULL: not asked for yet */
        struct ending_clocks clocks;
};

static bool is_over(struct loading *g, const struct ending *end)
{
        if (g->is_past)
                return false;
        if (!g->now) {
                g->now = &g->clocks;
                ending_read_clocks(g->now);
        }
        return ending_is_over(end, g->now);
}

/* A refused one leaves the one that was in force. After a start that is not known, and the layer may have
 * ended. */
static void take_end(struct loading *g, const struct guid *key, const struct layer *was, struct layer *layer)
{
        const struct store_value_entry *v = base_value(g->store, key, ENDS);
        struct ending end;

        if (!v || layer->file)
                return;
        if (is_good_end(v, NULL, &end)) {
                layer->has_end = true;
                layer->end = end;
                layer->is_over = was && was->has_end && ending_equal(&was->end, &end) ? was->is_over
                                                                                      : is_over(g, &end);
        } else if (was && !was->file) {
                layer->has_end = was->has_end;
                layer->end = was->end;
                layer->is_over = was->is_over;
        } else
                layer->is_over = true;
        layer->enabled &= !layer->is_over;
}

/* A refused value leaves what was in force. After a start that is not known, and a layer that may have been
 * switched off stays off, one that may have been low stays low. */
static int add_layer(struct loading *g, const char *name, const struct guid *key, struct layers *l)
{
        const struct store *s = g->store;
        const struct layers *before = g->before;
        const struct layer *known = layers_find(l, name), *was = before ? layers_find(before, name) : NULL;
        const char *file = known ? known->file : NULL;

        if (schema_layer_is_fixed(name, strlen(name)))
                return 0;
        uint32_t precedence = base_number(
                s, key, &metadata_precedence, known ? known->precedence : 0, was ? was->precedence : 0);
        uint32_t enabled =
                base_number(s, key, &metadata_enabled, !known || known->enabled, was && was->enabled);
        int e = layers_set(l, name, precedence, enabled != 0, file);
        if (e == 0)
                take_end(g, key, was, find(l, name));
        return e;
}

int layers_of_files(const struct store *s, struct layers *ret)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        struct layers layers;
        size_t n;
        const struct store_file *files = store_files(s, &n);
        int e = layers_init(&layers);

        if (e < 0)
                return e;
        for (size_t i = 0; e == 0 && i < n; i++)
                e = layers_set_file(&layers, &files[i]);
        if (e == 0)
                e = store_error(s, NULL);
        if (e < 0)
                layers_done(&layers);
        else
                *ret = layers;
        return e;
}

bool layers_changed(const struct layers *a, const struct layers *b, const char *name)
{
        const struct layer *x = layers_find(a, name), *y = layers_find(b, name);
        if (!x || !y)
                return x != y;
        return x->precedence != y->precedence || x->enabled != y->enabled;
}

static int find_metadata(const struct store *s, struct guid *ret)
{
        const struct store_key *root = store_root(s, DEFAULT_HIVE, strlen(DEFAULT_HIVE));

        if (!root)
                return -ENOENT;
        struct guid key = root->guid;
        for (size_t i = 1; i < ARRAY_SIZE(layers_components); i++) {
                const char *name = layers_components[i];
                const struct store_path_entry *entry = base_entry(store_lookup(s, &key, name, strlen(name)));
                if (!entry)
                        return -ENOENT;
                key = entry->target;
        }
        *ret = key;
        return 0;
}

static int add_metadata(struct loading *g, struct layers *l)
{
        const struct store *s = g->store;
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        struct guid key;
        size_t n = 0;
        int e = 0;

        const struct store_path_entry *const *children =
                find_metadata(s, &key) == 0 ? store_children(s, &key, &n) : NULL;
        for (size_t i = 0; e == 0 && i < n; i++) {
                const struct store_path_entry *entry = base_entry(children[i]);
                if (entry)
                        e = add_layer(g, entry->name, &entry->target, l);
        }
        return e == 0 ? store_error(s, NULL) : e;
}

int layers_add_metadata(const struct store *s, const struct layers *before, struct layers *l)
{
        return add_metadata(&(struct loading){ .store = s, .before = before }, l);
}

static int load(struct loading *g, struct layers *ret)
{
        struct layers layers;

        int e = layers_of_files(g->store, &layers);
        if (e < 0)
                return e;
        e = add_metadata(g, &layers);
        if (e < 0)
                layers_done(&layers);
        else
                *ret = layers;
        return e;
}

int layers_load(const struct store *s, const struct layers *before, struct layers *ret)
{
        return load(&(struct loading){ .store = s, .before = before }, ret);
}

int layers_load_past(const struct store *s, struct layers *ret)
{
        return load(&(struct loading){ .store = s, .is_past = true }, ret);
}

/* What a layer's metadata key has that is refused. */
struct refusals_of {
        const struct store *store;
        const struct store_path_entry *entry;
        const struct layer *layer; /* as it counts; NULL: not at all */
        layers_refused_t fn;
        void *userdata;
};

static void report(const struct refusals_of *r, const char *name, const struct store_value_entry *v,
        const char *expected, const char *in_force)
{
        const struct layers_refused refused = {
                .layer = r->entry->name,
                .name = name,
                .value = { .type = v->type, .data = v->data, .size = v->size },
                .expected = expected,
                .in_force = in_force,
        };
        r->fn(&refused, r->userdata);
}

static void check_number(const struct refusals_of *r, const struct metadata *m, uint32_t in_force)
{
        const struct store_value_entry *v = base_value(r->store, &r->entry->target, m->name);
        char text[16];
        uint32_t number;

        if (!v || is_good(m, v, &number))
                return;
        (void)snprintf(text, sizeof(text), "%" PRIu32, in_force);
        report(r, m->name, v, m->expected, text);
}

static void check_end(const struct refusals_of *r)
{
        const struct store_value_entry *v = base_value(r->store, &r->entry->target, ENDS);
        const struct layer *l = r->layer;
        char text[ENDING_TEXT_MAX] = "no end";
        struct ending end;

        if (!v || is_good_end(v, l ? l->file : NULL, &end))
                return;
        if (l && l->has_end)
                (void)ending_format(&l->end, text);
        report(r, ENDS, v,
                l && l->file ? "none, as the layer ends with its file" : "a REG_SZ with " ENDING_EXPECTED,
                l && l->is_over && !l->has_end ? "that the layer does not count" : text);
}

int layers_each_refused(
        const struct store *s, const struct layers *in_force, layers_refused_t fn, void *userdata)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        struct guid key;
        size_t n = 0;

        const struct store_path_entry *const *children =
                find_metadata(s, &key) == 0 ? store_children(s, &key, &n) : NULL;
        for (size_t i = 0; i < n; i++) {
                const struct store_path_entry *entry = base_entry(children[i]);
                const struct layer *l = entry ? layers_find(in_force, entry->name) : NULL;
                const struct refusals_of r = { s, entry, l, fn, userdata };
                if (!entry)
                        continue;
                check_number(&r, &metadata_precedence, l ? l->precedence : 0);
                check_number(&r, &metadata_enabled, l && l->enabled);
                check_end(&r);
        }
        return store_error(s, NULL);
}

int layers_check_writable(const struct layers *list, const char **layer, struct diag *d)
{
        const char *name = *layer ? *layer : LAYER_BASE;
        const struct layer *l = layers_find(list, name);

        if (!l && is_reserved(name, strlen(name)))
                return registry_fail(d, REGISTRY_INVALID_NAME,
                        "'%s' stands for the schema's defaults, no layer can have that name", name);
        if (!l && schema_layer_is_fixed(name, strlen(name)))
                return registry_fail(d, REGISTRY_NOT_FOUND,
                        "there is no layer '%s'; it would be the fleet's, whose policies are signed files",
                        name);
        if (!l)
                return registry_fail(d, REGISTRY_NOT_FOUND,
                        "there is no layer '%s'; make it by setting " LAYERS_KEY "\\%s, value Precedence",
                        name, name);
        if (l->file)
                return registry_fail(d, REGISTRY_READ_ONLY,
                        "layer '%s' is read-only: it is the contents of %s", l->name, l->file);
        *layer = l->name;
        return 0;
}
