/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every key is an object below /org/peios/Registry1, its components escaped as in sd_bus_path_encode(3), so
 * that `busctl tree` shows the registry and `busctl introspect` a key's values. */

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"
#include "../../schema/bus/wire.h"
#include "registry-bus-internal.h"

/* What one object may list: a browser cannot use more, and the reply must not be without limit. */
#define NODES_MAX 10000u

/* Object path to registry path. 1, 0 (not below our path or not an encoded one), or -ENOMEM. */
static int object_to_key(const char *object, struct buf *ret)
{
        const char *rest = object + strlen(REGISTRY_PATH);

        while (*rest == '/') {
                const char *end = strchrnul(rest + 1, '/');
                _cleanup_buf_ struct buf label = BUF_INIT;
                _cleanup_free_ char *component = NULL;
                buf_puts(&label, "/c");
                buf_add(&label, rest, (size_t)(end - rest));
                if (label.error)
                        return label.error;
                int r = sd_bus_path_decode(buf_str(&label), "/c", &component);
                if (r <= 0)
                        return r;
                /* An escaped separator would make two components of one. */
                if (path_check_component(component, strlen(component), NULL) < 0)
                        return 0;
                if (ret->len > 0)
                        buf_putc(ret, '\\');
                buf_puts(ret, component);
                rest = end;
        }
        return ret->error ? ret->error : ret->len > 0;
}

static int find_object(struct registry_bus *rb, const char *object, struct path *ret_path, struct guid *ret)
{
        _cleanup_buf_ struct buf key = BUF_INIT;
        size_t len;

        registry_bus_flush(rb);
        int r = object_to_key(object, &key);
        if (r <= 0)
                return r;
        r = registry_path(rb->config.registry, buf_str(&key), ret_path, NULL);
        if (r == -ENOMEM)
                return r;
        /* An object's first component is a hive; a path without one must not become Machine's. */
        const char *hive = r == 0 ? path_component(ret_path, 0, &len) : NULL;
        if (!hive || !fold_equal(hive, len, buf_str(&key), strcspn(buf_str(&key), "\\")))
                return 0;
        r = registry_find_key(rb->config.registry, ret_path, ret, NULL);
        return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

static int key_find(_unused_ sd_bus *bus, const char *object, _unused_ const char *interface, void *userdata,
        void **ret_found, _unused_ sd_bus_error *error)
{
        _cleanup_path_ struct path path = { 0 };
        struct guid guid;

        int r = find_object(userdata, object, &path, &guid);
        if (r > 0)
                *ret_found = userdata;
        return r;
}

static int get_path(_unused_ sd_bus *bus, const char *object, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        _cleanup_path_ struct path path = { 0 };
        struct guid guid;

        int r = find_object(userdata, object, &path, &guid);
        return r <= 0 ? -ENOENT : sd_bus_message_append(reply, "s", path.text);
}

static int get_last_write(_unused_ sd_bus *bus, const char *object, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        _cleanup_store_scope_ struct store_scope scope = registry_scope(rb->config.registry);
        _cleanup_path_ struct path path = { 0 };
        struct guid guid;

        int r = find_object(rb, object, &path, &guid);
        const struct store_key *key = r > 0 ? store_key(registry_store(rb->config.registry), &guid) : NULL;
        return key ? sd_bus_message_append(reply, "t", key->last_write / 1000) : -ENOENT;
}

static int append_named_value(sd_bus_message *reply, const struct store_value_entry *entry)
{
        const struct value v = { .type = entry->type, .data = entry->data, .size = entry->size };

        int r = sd_bus_message_open_container(reply, 'e', "s(uv)");
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", entry->name);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'r', "uv");
        if (r >= 0)
                r = wire_append_value(reply, &v);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_values(sd_bus *bus, const char *object, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        _cleanup_store_scope_ struct store_scope scope = registry_scope(rb->config.registry);
        _cleanup_free_ const struct store_value_entry **list = NULL;
        _cleanup_path_ struct path path = { 0 };
        struct diag d = { 0 };
        struct guid guid;
        size_t n = 0, taken = 0;

        int r = find_object(rb, object, &path, &guid);
        if (r <= 0)
                return -ENOENT;
        r = resolve_values(registry_store(rb->config.registry), registry_layers(rb->config.registry), &guid,
                true, &list, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                const struct value v = { .type = list[i]->type, .size = list[i]->size };
                r = take_room(&taken, wire_bytes(&v, list[i]->name, ""), &d);
        }
        if (r == 0)
                r = gate_take(rb->gate, sd_bus_get_current_message(bus), taken, &d);
        if (r < 0 && d.text[0])
                return bus_fail(error, r, &d);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{s(uv)}");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_named_value(reply, list[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static char **nodes_free(char **nodes)
{
        for (char **at = nodes; at && *at; at++)
                free(*at);
        free(nodes);
        return NULL;
}

static int enumerate_key(struct registry_bus *rb, const char *prefix, const struct guid *guid, char ***ret)
{
        _cleanup_free_ const struct store_path_entry **list = NULL;
        size_t n = 0;

        int r = resolve_children(
                registry_store(rb->config.registry), registry_layers(rb->config.registry), guid, &list, &n);
        if (r < 0)
                return r;
        if (n > NODES_MAX)
                n = NODES_MAX;
        char **nodes = calloc(n + 1, sizeof(*nodes));
        if (!nodes)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = sd_bus_path_encode(prefix, list[i]->name, &nodes[i]);
        *ret = r < 0 ? nodes_free(nodes) : nodes;
        return r;
}

static int enumerate_hives(struct registry_bus *rb, const char *prefix, char ***ret)
{
        const struct hives *hives = registry_hives(rb->config.registry);
        char **nodes = calloc(hives->n + 1, sizeof(*nodes));
        int r = nodes ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < hives->n; i++)
                r = sd_bus_path_encode(prefix, hives->list[i].name, &nodes[i]);
        *ret = r < 0 ? nodes_free(nodes) : nodes;
        return r;
}

/* What an element takes beside the node's name. */
#define NODE_BYTES 32u

static int key_enumerate(
        sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes, _unused_ sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        _cleanup_store_scope_ struct store_scope scope = registry_scope(rb->config.registry);
        _cleanup_path_ struct path path = { 0 };
        struct guid guid;

        if (strcmp(prefix, REGISTRY_PATH) == 0)
                return enumerate_hives(rb, prefix, ret_nodes);
        int r = find_object(rb, prefix, &path, &guid);
        if (r <= 0)
                return r;
        r = enumerate_key(rb, prefix, &guid, ret_nodes);
        for (char **node = r >= 0 ? *ret_nodes : NULL; node && *node; node++)
                count_answer(rb, bus, strlen(*node) + NODE_BYTES);
        return r;
}

static const sd_bus_vtable key_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Path", "s", get_path, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("LastWriteUSec", "t", get_last_write, 0, 0),
        SD_BUS_PROPERTY("Values", "a{s(uv)}", get_values, 0, 0),
        SD_BUS_VTABLE_END,
};

int keys_register(struct registry_bus *rb)
{
        int r = sd_bus_add_fallback_vtable(
                rb->config.bus, NULL, REGISTRY_PATH, REGISTRY_KEY_INTERFACE, key_vtable, key_find, rb);
        return r < 0 ? r
                     : sd_bus_add_node_enumerator(rb->config.bus, NULL, REGISTRY_PATH, key_enumerate, rb);
}
