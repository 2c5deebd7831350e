/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "schema-layer.h"

#include <string.h>

#include "base/ending.h"

static const char layers_key[] = DEFAULT_HIVE LAYERS_KEY;

/* How many components it has. */
#define LAYERS_KEY_N 4u

static struct schema_choice enabled[] = {
        { .value = "0", .meaning = "The layer is kept, and nothing in it counts." },
        { .value = "1", .meaning = "What is in the layer counts, by its precedence." },
};

static const struct schema_value values[SCHEMA_LAYER_N] = {
        { .name = "Enabled",
                .type = REG_DWORD,
                .choices = enabled,
                .n_choices = ARRAY_SIZE(enabled),
                .description = "Whether the layer counts. Not set, what its file says does, else 1.",
                .source = "the registry's layers" },
        { .name = "Ends",
                .type = REG_SZ,
                .description = "When the layer is deleted, with all that is in it: " ENDING_EXPECTED
                               ". Not set, never.",
                .source = "the registry's layers" },
        { .name = "Precedence",
                .type = REG_DWORD,
                .description =
                        "The layer with the highest wins, among equals the later write. Not set, what "
                        "the layer's file says counts, else 0.",
                .source = "the registry's layers" },
};

bool schema_layer_is_fixed(const char *name, size_t len)
{
        return fold_equal(name, len, LAYER_BASE, strlen(LAYER_BASE)) ||
               fold_equal(name, len, LAYER_DEFAULT, strlen(LAYER_DEFAULT)) || path_is_fleet_layer(name, len);
}

const struct schema_value *schema_layer_values(const struct path *key)
{
        size_t len, above = strlen(layers_key);

        if (key->n != LAYERS_KEY_N + 1)
                return NULL;
        const char *name = path_component(key, LAYERS_KEY_N, &len);
        bool is_layer =
                (size_t)(name - key->text) == above + 1 && fold_equal(key->text, above, layers_key, above);
        return is_layer && !schema_layer_is_fixed(name, len) ? values : NULL;
}

const struct schema_value *schema_layer_find(const struct path *key, const char *name)
{
        const struct schema_value *list = schema_layer_values(key);

        for (size_t i = 0; list && i < SCHEMA_LAYER_N; i++)
                if (fold_same(list[i].name, name))
                        return &list[i];
        return NULL;
}
