/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of layers that the resolver uses. A layer is known because a drop-in file declares it, or
 * because its metadata are registry values, Machine\System\Registry\Layers\<name>\{Precedence,Enabled}.
 * Metadata are read from the base layer's own entries alone: read effectively, a layer could raise or enable
 * itself. They override a file's. */

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "registry-internal.h"

static const char *const layers_components[] = { DEFAULT_HIVE, "System", "Registry", "Layers" };

bool registry_is_layer_metadata(const struct path *path, bool above)
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

bool layer_name_equal(const char *a, const char *b)
{
        /* Nearly always it is spelled alike. */
        return strcmp(a, b) == 0 || fold_equal(a, strlen(a), b, strlen(b));
}

/* Names that no key below Layers gives a meaning to. */
static bool is_reserved(const char *name, size_t len)
{
        return fold_equal(name, len, LAYER_BASE, strlen(LAYER_BASE)) ||
               fold_equal(name, len, LAYER_DEFAULT, strlen(LAYER_DEFAULT));
}

int registry_check_metadata(const struct path *path, struct diag *d)
{
        size_t len, at = ARRAY_SIZE(layers_components);
        if (path->n <= at || !registry_is_layer_metadata(path, false))
                return 0;
        const char *name = path_component(path, at, &len);
        if (!is_reserved(name, len))
                return 0;
        return diag_set(d, EINVAL,
                "%s: layer '%.*s' is the registry's own and cannot be changed, expected another name",
                path->text, (int)len, name);
}

static const struct store_path_entry *base_entry(const struct store_path_entry *chain)
{
        for (; chain; chain = chain->next)
                if (layer_name_equal(chain->layer, LAYER_BASE))
                        return chain->hidden ? NULL : chain;
        return NULL;
}

/* The number in the base layer's entry. -ENOENT where there is none; a value that is not a REG_DWORD is one
 * that this reader refuses: as if it were not there, and said. */
static int base_number(
        const struct registry *r, const struct guid *key, const char *layer, const char *name, uint32_t *ret)
{
        for (const struct store_value_entry *v = store_value(r->store, key, name, strlen(name)); v;
                v = v->next) {
                if (!layer_name_equal(v->layer, LAYER_BASE) || v->type == REG_TOMBSTONE)
                        continue;
                struct value value = { .type = v->type, .data = v->data, .size = v->size };
                if (value_get_u32(&value, ret) == 0)
                        return 0;
                log_warning("layer '%s': %s is a %s of %zu bytes, expected a REG_DWORD; ignoring", layer,
                        name, value_type_symbol(v->type), v->size);
        }
        return -ENOENT;
}

static int add_layer(const struct registry *r, const char *name, const struct guid *key, struct layers *ret)
{
        const struct layer *known = layers_find(ret, name);
        uint32_t precedence = known ? known->precedence : 0, enabled = known ? known->enabled : true;
        const char *file = known ? known->file : NULL;

        if (is_reserved(name, strlen(name)))
                return 0;
        (void)base_number(r, key, name, "Precedence", &precedence);
        (void)base_number(r, key, name, "Enabled", &enabled);
        return layers_set(ret, name, precedence, enabled != 0, file);
}

int registry_copy_layers(const struct layers *from, struct layers *to)
{
        struct layers copy;
        int e = layers_init(&copy);
        if (e < 0)
                return e;
        for (size_t i = 0; e == 0 && i < from->n; i++)
                if (strcmp(from->list[i].name, LAYER_BASE) != 0)
                        e = layers_set(&copy, from->list[i].name, from->list[i].precedence,
                                from->list[i].enabled, from->list[i].file);
        if (e < 0)
                layers_done(&copy);
        else
                *to = copy;
        return e;
}

bool registry_layer_changed(const struct layers *a, const struct layers *b, const char *name)
{
        const struct layer *x = layers_find(a, name), *y = layers_find(b, name);
        if (!x || !y)
                return x != y;
        return x->precedence != y->precedence || x->enabled != y->enabled;
}

static int find_layers_key(const struct registry *r, struct guid *ret)
{
        const struct hive_root *hive = state_hive_find(&r->hives, DEFAULT_HIVE, strlen(DEFAULT_HIVE));
        if (!hive)
                return -ENOENT;
        struct guid key = hive->root;
        for (size_t i = 1; i < ARRAY_SIZE(layers_components); i++) {
                const char *name = layers_components[i];
                const struct store_path_entry *entry =
                        base_entry(store_lookup(r->store, &key, name, strlen(name)));
                if (!entry)
                        return -ENOENT;
                key = entry->target;
        }
        *ret = key;
        return 0;
}

int registry_rebuild_layers(struct registry *r, struct layers *ret)
{
        struct layers layers = { 0 };
        struct guid key;

        int e = registry_copy_layers(&r->dropins, &layers);
        if (e < 0)
                return e;
        if (find_layers_key(r, &key) == 0) {
                const void *cursor = NULL;
                const struct store_path_entry *chain;
                while (e == 0 && (chain = store_next_child(r->store, &key, &cursor))) {
                        const struct store_path_entry *entry = base_entry(chain);
                        if (entry)
                                e = add_layer(r, entry->name, &entry->target, &layers);
                }
        }
        if (e < 0) {
                layers_done(&layers);
                return e;
        }
        *ret = layers;
        return 0;
}

int registry_check_writable(const struct registry *r, const char **layer, struct diag *d)
{
        const char *name = *layer ? *layer : LAYER_BASE;
        const struct layer *l = layers_find(&r->layers, name);

        if (!l && is_reserved(name, strlen(name)))
                return diag_set(
                        d, EINVAL, "'%s' stands for the schema's defaults, no layer can be called so", name);
        if (!l)
                return diag_set(d, ENOENT,
                        "there is no layer '%s'; make it by setting \\System\\Registry\\Layers\\%s, value "
                        "Precedence",
                        name, name);
        if (l->file)
                return diag_set(
                        d, EROFS, "layer '%s' is read-only: it is the contents of %s", l->name, l->file);
        *layer = l->name;
        return 0;
}
