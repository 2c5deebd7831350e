/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-bus-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/bus/wire.h"

static int get(struct registry_bus *rb, const char *key, const char *name, struct registry_value *ret,
        struct diag *d)
{
        _cleanup_path_ struct path path = { 0 };

        int r = registry_path(rb->config.registry, key, &path, d);
        if (r == 0)
                r = path_check_value_name(name, strlen(name), d);
        return r < 0 ? r : registry_get(rb->config.registry, &path, name, ret, d);
}

int read_failed(struct registry_bus *rb, int r, struct diag *d, sd_bus_error *error)
{
        r = registry_explain(rb->config.registry, r, d);
        registry_bus_failed(rb, r, d);
        return bus_fail(error, r, d);
}

static int append_value(sd_bus_message *m, const struct registry_value *v)
{
        int r = wire_append_value(m, &v->value);
        return r < 0 ? r : sd_bus_message_append(m, "ts", v->sequence, v->layer);
}

int method_get(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        _cleanup_store_scope_ struct store_scope scope = registry_scope(rb->config.registry);
        sd_bus_message *reply = NULL;
        struct registry_value v;
        struct diag d = { 0 };
        const char *key, *name;
        size_t taken = 0;

        int r = sd_bus_message_read(m, "ss", &key, &name);
        if (r < 0)
                return r;
        registry_bus_flush(rb);
        r = get(rb, key, name, &v, &d);
        if (r == 0)
                r = take_room(&taken, wire_bytes(&v.value, "", v.layer), &d);
        if (r == 0)
                r = gate_take(rb->gate, m, taken, &d);
        if (r < 0)
                return read_failed(rb, r, &d, error);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_value(reply, &v);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

static int append_one_of_many(struct registry_bus *rb, sd_bus_message *reply, const char *key,
        const char *name, size_t *taken, struct diag *d)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(rb->config.registry);
        struct registry_value v = { .value = { .type = REG_NONE }, .layer = "" };

        int found = get(rb, key, name, &v, d);
        if (found < 0 && found != -ENOENT)
                return found;
        int r = take_room(taken, wire_bytes(&v.value, "", v.layer), d);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'r', "buvts");
        if (r >= 0)
                r = sd_bus_message_append(reply, "b", found == 0);
        if (r >= 0)
                r = append_value(reply, &v);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int method_get_many(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        _cleanup_store_scope_ struct store_scope scope = registry_scope(rb->config.registry);
        sd_bus_message *reply = NULL;
        struct diag d = { 0 };
        const char *key, *name;
        size_t taken = 0;

        registry_bus_flush(rb);
        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(ss)");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(buvts)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(ss)", &key, &name)) > 0) {
                d.text[0] = '\0';
                r = append_one_of_many(rb, reply, key, name, &taken, &d);
                if (r < 0)
                        break;
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = gate_take(rb->gate, m, taken, &d);
        if (r < 0 && d.text[0])
                r = read_failed(rb, r, &d, error);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

static int measure_list(const struct store_path_entry *const *subkeys, size_t n_subkeys,
        const struct store_value_entry *const *values, size_t n_values, size_t *taken, struct diag *d)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < n_subkeys; i++)
                r = take_room(taken, strlen(subkeys[i]->name) + 8, d);
        for (size_t i = 0; r == 0 && i < n_values; i++) {
                const struct value v = { .type = values[i]->type, .size = values[i]->size };
                r = take_room(taken, wire_bytes(&v, values[i]->name, values[i]->layer), d);
        }
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

int find_key(
        struct registry_bus *rb, const char *key, struct path *ret_path, struct guid *ret, struct diag *d)
{
        registry_bus_flush(rb);
        int r = registry_path(rb->config.registry, key, ret_path, d);
        return r < 0 ? r : registry_find_key(rb->config.registry, ret_path, ret, d);
}

int method_list(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        _cleanup_store_scope_ struct store_scope scope = registry_scope(rb->config.registry);
        _cleanup_free_ const struct store_path_entry **subkeys = NULL;
        _cleanup_free_ const struct store_value_entry **values = NULL;
        _cleanup_path_ struct path path = { 0 };
        sd_bus_message *reply = NULL;
        size_t n_subkeys = 0, n_values = 0, taken = 0;
        struct diag d = { 0 };
        struct guid guid;
        const char *key;

        int r = sd_bus_message_read(m, "s", &key);
        if (r < 0)
                return r;
        const struct store *store = registry_store(rb->config.registry);
        const struct layers *layers = registry_layers(rb->config.registry);
        r = find_key(rb, key, &path, &guid, &d);
        if (r == 0)
                r = resolve_children(store, layers, &guid, &subkeys, &n_subkeys);
        if (r == 0)
                r = resolve_values(store, layers, &guid, false, &values, &n_values);
        if (r == 0)
                r = measure_list(subkeys, n_subkeys, values, n_values, &taken, &d);
        if (r == 0)
                r = gate_take(rb->gate, m, taken, &d);
        if (r == 0) {
                free(STEAL_PTR(values));
                r = resolve_values(store, layers, &guid, true, &values, &n_values);
        }
        if (r < 0)
                return read_failed(rb, r, &d, error);
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
        _cleanup_store_scope_ struct store_scope scope = registry_scope(rb->config.registry);
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
        r = find_key(rb, key, &path, &guid, &d);
        if (r == 0)
                r = resolve_children(store, layers, &guid, &subkeys, &n_subkeys);
        if (r == 0)
                r = resolve_values(store, layers, &guid, false, &values, &n_values);
        if (r < 0)
                return read_failed(rb, r, &d, error);
        const struct store_key *k = store_key(store, &guid);
        if (!k)
                return bus_fail(error, -EBADMSG, &d);
        guid_format(&guid, text);
        return sd_bus_reply_method_return(m, "a{sv}", 7, "Path", "s", path.text, "Guid", "s", text,
                "Subkeys", "u", (uint32_t)n_subkeys, "Values", "u", (uint32_t)n_values, "LastWriteUSec", "t",
                k->last_write / 1000, "Volatile", "b", (int)k->is_volatile, "Link", "b", (int)k->is_link);
}
