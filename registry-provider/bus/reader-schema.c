/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the schema says of values, written or not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../schema/bus/cleanup.h"
#include "../../schema/bus/description.h"
#include "../../schema/schema.h"
#include "answer.h"
#include "reader.h"

/* ---- Describe ---- */

/* Path and name, as the schema spells them, if it knows the value. */
static int reply_description(struct reader *reader, sd_bus_message *m, const char *path,
        const struct schema_value *sv, const struct description_hints *hints, sd_bus_error *error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        size_t taken = 0;

        int r = answer_take(&taken, description_bytes(sv, hints) + strlen(path), error);
        if (r >= 0)
                r = gate_take(reader->gate, m, taken, error);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "bs", (int)(sv != NULL), path);
        if (r >= 0)
                r = description_append(reply, sv, hints);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static bool is_known_subkey(const struct schema *schema, const struct path *key, const char *name)
{
        size_t len;

        for (size_t i = 0; i < schema->n; i++) {
                const char *below = schema_below(&schema->values[i], key, &len);
                if (below && fold_equal(below, len, name, strlen(name)))
                        return true;
        }
        return false;
}

/* They count in base alone. */
static const struct description_hints metadata_hints = { .layer = LAYER_BASE };

static const struct description_hints *hints_of(const struct schema_value *sv)
{
        return sv->key.text ? NULL : &metadata_hints;
}

int reader_describe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct reader *reader = userdata;
        const struct schema *schema = registry_schema(reader->registry);
        _cleanup_place_ struct reader_place place = { 0 };
        struct description_hints hints = { 0 };
        struct reader_question q = { 0 };
        struct diag d = { 0 };

        int r = sd_bus_message_read(m, "ss", &q.key, &q.name);
        if (r < 0)
                return r;
        r = reader_find_any(reader->registry, &q, &place, &d);
        if (r != 0)
                return reader_fail(reader, reader->registry, r, &d, error);
        const struct path *path = place.way.path;
        const char *name = q.name;
        const struct schema_value *known = schema_find(schema, path, name);
        const struct schema_value *sv = known ? known : schema_layer_find(path, name);
        const struct schema_value *near = sv ? NULL : schema_suggest(schema, path, name);
        if (sv && !known)
                hints = metadata_hints;
        if (near) {
                hints.meant_key = near->key.text;
                hints.meant_name = near->name;
        }
        hints.key_is_value = schema_find_value_at(schema, path) != NULL;
        hints.is_key = is_known_subkey(schema, path, name);
        return reply_description(reader, m, known ? known->key.text : path->text, sv, &hints, error);
}

/* ---- ListKnown ---- */

struct name {
        const char *text;
        size_t len;
};

/* What is known in a key, or with all below it. */
struct known {
        struct name *subkeys; /* sorted, each once */
        const struct schema_value **values;
        const char *path; /* of the values that have no key of their own: they are a layer's */
        size_t n_subkeys, n_values;
};

static void known_done(struct known *k)
{
        free(k->subkeys);
        free(k->values);
}
#define _cleanup_known_ _cleanup_(known_done)

static int compare_names(const void *a, const void *b)
{
        const struct name *x = a, *y = b;

        return fold_compare(x->text, x->len, y->text, y->len);
}

static void sort_subkeys(struct known *k)
{
        size_t n = 0;

        if (k->n_subkeys > 1)
                qsort(k->subkeys, k->n_subkeys, sizeof(*k->subkeys), compare_names);
        for (size_t i = 0; i < k->n_subkeys; i++)
                if (n == 0 || compare_names(&k->subkeys[n - 1], &k->subkeys[i]) != 0)
                        k->subkeys[n++] = k->subkeys[i];
        k->n_subkeys = n;
}

static int find_known(const struct schema *schema, const struct path *key, bool subtree, struct known *ret)
{
        ret->subkeys = calloc(schema->n + 1, sizeof(*ret->subkeys));
        ret->values = calloc(schema->n + SCHEMA_LAYER_N, sizeof(const struct schema_value *));
        if (!ret->subkeys || !ret->values)
                return -ENOMEM;
        for (size_t i = 0; i < schema->n; i++) {
                const struct schema_value *sv = &schema->values[i];
                struct name name;
                name.text = schema_below(sv, key, &name.len);
                if (name.text)
                        ret->subkeys[ret->n_subkeys++] = name;
                if (name.text ? subtree : path_equal(&sv->key, key))
                        ret->values[ret->n_values++] = sv;
        }
        const struct schema_value *metadata = schema_layer_values(key);
        for (size_t i = 0; metadata && i < SCHEMA_LAYER_N; i++)
                ret->values[ret->n_values++] = &metadata[i];
        ret->path = key->text;
        sort_subkeys(ret);
        return 0;
}

static const char *path_of(const struct known *k, size_t i)
{
        return k->values[i]->key.text ? k->values[i]->key.text : k->path;
}

static int take_known(struct reader *reader, sd_bus_message *m, const struct known *k, sd_bus_error *error)
{
        size_t taken = 0;
        int r = 0;

        for (size_t i = 0; r == 0 && i < k->n_subkeys; i++)
                r = answer_take(&taken, k->subkeys[i].len + 8, error);
        for (size_t i = 0; r == 0 && i < k->n_values; i++)
                r = answer_take(&taken,
                        description_bytes(k->values[i], hints_of(k->values[i])) + strlen(path_of(k, i)),
                        error);
        return r < 0 ? r : gate_take(reader->gate, m, taken, error);
}

static int append_subkeys(sd_bus_message *reply, const struct known *k)
{
        char name[NAME_BYTES_MAX + 1];

        int r = sd_bus_message_open_container(reply, 'a', "s");
        for (size_t i = 0; r >= 0 && i < k->n_subkeys; i++) {
                memcpy(name, k->subkeys[i].text, k->subkeys[i].len);
                name[k->subkeys[i].len] = '\0';
                r = sd_bus_message_append(reply, "s", name);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_values(sd_bus_message *reply, const struct known *k)
{
        int r = sd_bus_message_open_container(reply, 'a', "(sa{sv}a(sss))");
        for (size_t i = 0; r >= 0 && i < k->n_values; i++) {
                r = sd_bus_message_open_container(reply, 'r', "sa{sv}a(sss)");
                if (r >= 0)
                        r = sd_bus_message_append(reply, "s", path_of(k, i));
                if (r >= 0)
                        r = description_append(reply, k->values[i], hints_of(k->values[i]));
                if (r >= 0)
                        r = sd_bus_message_close_container(reply);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int reader_list_known(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct reader *reader = userdata;
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_place_ struct reader_place place = { 0 };
        _cleanup_known_ struct known known = { 0 };
        struct reader_question q = { 0 };
        struct diag d = { 0 };
        int subtree;

        int r = sd_bus_message_read(m, "sb", &q.key, &subtree);
        if (r < 0)
                return r;
        r = reader_find_any(reader->registry, &q, &place, &d);
        if (r == 0)
                r = find_known(registry_schema(reader->registry), place.way.path, subtree != 0, &known);
        if (r != 0)
                return reader_fail(reader, reader->registry, r, &d, error);
        r = take_known(reader, m, &known, error);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_subkeys(reply, &known);
        if (r >= 0)
                r = append_values(reply, &known);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
