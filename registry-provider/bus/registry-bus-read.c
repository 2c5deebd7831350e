/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-bus-internal.h"

#include <errno.h>
#include <string.h>

#include "../client/wire.h"

static int get(struct registry_bus *rb, const char *key, const char *name, struct registry_value *ret, struct diag *d)
{
        _cleanup_path_ struct path path = { 0 };

        int r = registry_path(rb->config.registry, key, &path, d);
        if (r == 0)
                r = value_name_check(name, strlen(name), d);
        return r < 0 ? r : registry_get(rb->config.registry, &path, name, ret, d);
}

static int append_value(sd_bus_message *m, const struct registry_value *v)
{
        int r = wire_append_value(m, &v->value);
        return r < 0 ? r : sd_bus_message_append(m, "ts", v->sequence, v->layer);
}

int method_get(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        sd_bus_message *reply = NULL;
        struct registry_value v;
        struct diag d = { 0 };
        const char *key, *name;

        int r = sd_bus_message_read(m, "ss", &key, &name);
        if (r < 0)
                return r;
        registry_bus_flush(rb);
        r = get(rb, key, name, &v, &d);
        if (r < 0)
                return bus_fail(error, r, &d);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_value(reply, &v);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

static int append_one_of_many(struct registry_bus *rb, sd_bus_message *reply, const char *key, const char *name,
        struct diag *d)
{
        struct registry_value v = { .value = { .type = REG_NONE }, .layer = "" };

        int found = get(rb, key, name, &v, d);
        if (found < 0 && found != -ENOENT)
                return found;
        int r = sd_bus_message_open_container(reply, 'r', "buvts");
        if (r >= 0)
                r = sd_bus_message_append(reply, "b", found == 0);
        if (r >= 0)
                r = append_value(reply, &v);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int method_get_many(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        sd_bus_message *reply = NULL;
        struct diag d = { 0 };
        const char *key, *name;

        registry_bus_flush(rb);
        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(ss)");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(buvts)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(ss)", &key, &name)) > 0) {
                d.text[0] = '\0';
                r = append_one_of_many(rb, reply, key, name, &d);
                if (r < 0 && d.text[0]) {
                        sd_bus_message_unref(reply);
                        return bus_fail(error, r, &d);
                }
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

static int append_subkeys(sd_bus_message *reply, const struct store_path_entry *const *list, size_t n)
{
        int r = sd_bus_message_open_container(reply, 'a', "s");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = sd_bus_message_append(reply, "s", list[i]->name);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_values(sd_bus_message *reply, const struct store_value_entry *const *list, size_t n)
{
        int r = sd_bus_message_open_container(reply, 'a', "(suvts)");
        for (size_t i = 0; r >= 0 && i < n; i++) {
                const struct registry_value v = {
                        .value = { .type = list[i]->type, .data = list[i]->data, .size = list[i]->size },
                        .sequence = list[i]->sequence,
                        .layer = list[i]->layer,
                };
                r = sd_bus_message_open_container(reply, 'r', "suvts");
                if (r >= 0)
                        r = sd_bus_message_append(reply, "s", list[i]->name);
                if (r >= 0)
                        r = append_value(reply, &v);
                if (r >= 0)
                        r = sd_bus_message_close_container(reply);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int find(struct registry_bus *rb, const char *key, struct path *ret_path, struct guid *ret, struct diag *d)
{
        registry_bus_flush(rb);
        int r = registry_path(rb->config.registry, key, ret_path, d);
        return r < 0 ? r : registry_find_key(rb->config.registry, ret_path, ret, d);
}

int method_list(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        _cleanup_free_ const struct store_path_entry **subkeys = NULL;
        _cleanup_free_ const struct store_value_entry **values = NULL;
        _cleanup_path_ struct path path = { 0 };
        sd_bus_message *reply = NULL;
        size_t n_subkeys = 0, n_values = 0;
        struct diag d = { 0 };
        struct guid guid;
        const char *key;

        int r = sd_bus_message_read(m, "s", &key);
        if (r < 0)
                return r;
        const struct store *store = registry_store(rb->config.registry);
        const struct layers *layers = registry_layers(rb->config.registry);
        r = find(rb, key, &path, &guid, &d);
        if (r == 0)
                r = resolve_children(store, layers, &guid, &subkeys, &n_subkeys);
        if (r == 0)
                r = resolve_values(store, layers, &guid, &values, &n_values);
        if (r < 0)
                return bus_fail(error, r, &d);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_subkeys(reply, subkeys, n_subkeys);
        if (r >= 0)
                r = append_values(reply, values, n_values);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

int method_info(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        _cleanup_free_ const struct store_path_entry **subkeys = NULL;
        _cleanup_free_ const struct store_value_entry **values = NULL;
        _cleanup_path_ struct path path = { 0 };
        size_t n_subkeys = 0, n_values = 0;
        struct diag d = { 0 };
        struct guid guid;
        char text[37];
        const char *key;

        int r = sd_bus_message_read(m, "s", &key);
        if (r < 0)
                return r;
        const struct store *store = registry_store(rb->config.registry);
        const struct layers *layers = registry_layers(rb->config.registry);
        r = find(rb, key, &path, &guid, &d);
        if (r == 0)
                r = resolve_children(store, layers, &guid, &subkeys, &n_subkeys);
        if (r == 0)
                r = resolve_values(store, layers, &guid, &values, &n_values);
        if (r < 0)
                return bus_fail(error, r, &d);
        const struct store_key *k = store_key(store, &guid);
        if (!k)
                return bus_fail(error, -EBADMSG, &d);
        guid_format(&guid, text);
        return sd_bus_reply_method_return(m, "a{sv}", 7, "Path", "s", path.text, "Guid", "s", text, "Subkeys", "u",
                (uint32_t)n_subkeys, "Values", "u", (uint32_t)n_values, "LastWriteUSec", "t", k->last_write / 1000,
                "Volatile", "b", (int)k->is_volatile, "Link", "b", (int)k->is_link);
}

static const char *state_name(enum why_state state)
{
        static const char *const names[] = {
                [WHY_WINS] = "wins",
                [WHY_SHADOWED] = "shadowed",
                [WHY_LAYER_DISABLED] = "layer-disabled",
                [WHY_LAYER_UNKNOWN] = "layer-unknown",
        };
        return names[state];
}

static int append_why(sd_bus_message *reply, const struct why_entry *w)
{
        struct value v = { .type = REG_TOMBSTONE }; /* what a blanket is */
        if (w->entry)
                v = (struct value){ .type = w->entry->type, .data = w->entry->data, .size = w->entry->size };

        int r = sd_bus_message_open_container(reply, 'r', "sustuvs");
        if (r >= 0)
                r = sd_bus_message_append(reply, "sust", w->layer, w->precedence, w->file ? w->file : "", w->sequence);
        if (r >= 0)
                r = wire_append_value(reply, &v);
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", state_name(w->state));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* The schema's default competes below everything. */
static int append_default(struct registry_bus *rb, sd_bus_message *reply, const struct path *path, const char *name,
        bool wins)
{
        const struct schema_value *sv = schema_find(registry_schema(rb->config.registry), path, name);
        uint8_t scratch[8];
        struct value v;
        if (!sv || schema_default_value(sv, scratch, &v) < 0)
                return 0;
        int r = sd_bus_message_open_container(reply, 'r', "sustuvs");
        if (r >= 0)
                r = sd_bus_message_append(reply, "sust", LAYER_DEFAULT, 0u, "", UINT64_C(0));
        if (r >= 0)
                r = wire_append_value(reply, &v);
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", wins ? "wins" : "shadowed");
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_origin(struct registry_bus *rb, sd_bus_message *reply, const struct why_entry *winner)
{
        const struct actor *a = winner && winner->entry ? origin_of(rb, winner->sequence) : NULL;

        int r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0 && a)
                r = append_actor(reply, a);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int reply_why(struct registry_bus *rb, sd_bus_message *m, const struct path *path, const char *name,
        const struct why_entry *list, size_t n)
{
        sd_bus_message *reply = NULL;
        const struct why_entry *winner = n > 0 && list[0].state == WHY_WINS ? list : NULL;
        bool exists = winner && winner->entry && winner->entry->type != REG_TOMBSTONE;

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "bs", (int)exists, path->text);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sustuvs)");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_why(reply, &list[i]);
        if (r >= 0)
                r = append_default(rb, reply, path, name, !exists);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = append_origin(rb, reply, winner);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

int method_resolve(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        _cleanup_free_ struct why_entry *list = NULL;
        _cleanup_path_ struct path path = { 0 };
        struct diag d = { 0 };
        struct guid guid;
        const char *key, *name;
        size_t n = 0;

        int r = sd_bus_message_read(m, "ss", &key, &name);
        if (r < 0)
                return r;
        r = find(rb, key, &path, &guid, &d);
        if (r == 0)
                r = value_name_check(name, strlen(name), &d);
        if (r == 0)
                r = resolve_why(registry_store(rb->config.registry), registry_layers(rb->config.registry), &guid, name,
                        strlen(name), &list, &n);
        /* A key that is not there has no entries, which is an answer. */
        if (r < 0 && !(r == -ENOENT && path.text))
                return bus_fail(error, r, &d);
        return reply_why(rb, m, &path, name, list, n);
}
