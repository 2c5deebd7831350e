/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is there now. Every key is also an object below /org/peios/Registry1, its components escaped as in
 * sd_bus_path_encode(3), so that `busctl tree` shows the registry and `busctl introspect` a key's values. */
#include "reader.h"

#include <errno.h>
#include <string.h>

#include "../../schema/bus/cleanup.h"
#include "../../schema/dbus/names.h"
#include "../../schema/bus/wire.h"
#include "answer.h"

/* What one object may list: a browser cannot use more, and the reply must not be without limit. */
#define NODES_MAX 10000u
/* What an element takes beside the node's name. */
#define NODE_BYTES 32u

int reader_fail(
        struct reader *reader, const struct registry *of, int e, const struct diag *d, sd_bus_error *error)
{
        /* What one reader of an earlier moment cannot read keeps nothing else from working; damage does. */
        if (of == reader->registry || e == -EUCLEAN)
                writer_failed(reader->writer, e, d);
        return answer_fail(of, e, d, error);
}

void reader_place_done(struct reader_place *p)
{
        registry_way_done(&p->way);
        path_done(&p->given);
}

static int parse(
        const struct registry *of, const struct reader_question *q, struct path *ret, struct diag *d)
{
        int r = registry_path(of, q->key, ret, d);

        return r == 0 && q->name && path_check_value_name(q->name, strlen(q->name), d) < 0
                       ? REGISTRY_INVALID_NAME
                       : r;
}

int reader_find(
        const struct registry *of, const struct reader_question *q, struct reader_place *ret, struct diag *d)
{
        int r = parse(of, q, &ret->given, d);

        return r != 0 ? r : registry_follow(of, &ret->given, q->of_link, &ret->way, d);
}

int reader_find_any(
        const struct registry *of, const struct reader_question *q, struct reader_place *ret, struct diag *d)
{
        int r = parse(of, q, &ret->given, d);

        if (r == 0)
                r = registry_follow(of, &ret->given, q->of_link, &ret->way, NULL);
        return r == REGISTRY_BAD_LINK || r == REGISTRY_LINK_LOOP ? 0 : r;
}

static int get(
        struct registry *of, const struct reader_question *q, struct registry_value *ret, struct diag *d)
{
        _cleanup_place_ struct reader_place place = { 0 };

        int r = reader_find(of, q, &place, d);
        if (r == 0)
                r = registry_get(of, place.way.path, q->name, ret, d);
        return registry_explain_way(&place.way, r, d);
}

static int append_value(sd_bus_message *m, const struct registry_value *v)
{
        int r = wire_append_value(m, &v->value);
        return r < 0 ? r : sd_bus_message_append(m, "ts", v->sequence, v->layer);
}

int reader_answer_get(struct reader *reader, struct registry *of, sd_bus_message *m,
        const struct reader_question *q, sd_bus_error *error)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(of);
        _cleanup_message_ sd_bus_message *reply = NULL;
        struct registry_value v;
        struct diag d = { 0 };
        size_t taken = 0;

        int r = get(of, q, &v, &d);
        if (r != 0)
                return reader_fail(reader, of, r, &d, error);
        r = answer_take(&taken, answer_value_bytes(&v.value, "", v.layer), error);
        if (r >= 0)
                r = gate_take(reader->gate, m, taken, error);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_value(reply, &v);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

int reader_answer(
        struct reader *reader, sd_bus_message *m, bool of_value, reader_answer_t answer, sd_bus_error *error)
{
        struct reader_question q = { 0 };

        int r = sd_bus_message_read(m, "s", &q.key);
        if (r >= 0 && of_value)
                r = sd_bus_message_read(m, "s", &q.name);
        if (r < 0)
                return r;
        writer_flush(reader->writer);
        return answer(reader, reader->registry, m, &q, error);
}

int reader_get(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return reader_answer(userdata, m, true, reader_answer_get, error);
}

/* What is wrong with one is said of that one; of a store that cannot be read, the call fails. */
static int append_one_of_many(struct reader *reader, sd_bus_message *reply, const char *key,
        const char *name, size_t *taken, sd_bus_error *error)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(reader->registry);
        _cleanup_bus_error_ sd_bus_error own = SD_BUS_ERROR_NULL;
        struct registry_value v = { .value = { .type = REG_NONE }, .layer = "" };
        struct diag d = { 0 };

        int found = get(reader->registry, &(struct reader_question){ .key = key, .name = name }, &v, &d);
        if (found < 0)
                return reader_fail(reader, reader->registry, found, &d, error);
        if (found > 0)
                (void)answer_fail(reader->registry, found, &d, &own);
        const char *called = found ? own.name : "", *text = found ? own.message : "";
        int r = answer_take(taken, answer_value_bytes(&v.value, text, v.layer) + strlen(called), error);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'r', "ssuvts");
        if (r >= 0)
                r = sd_bus_message_append(reply, "ss", called, text);
        if (r >= 0)
                r = append_value(reply, &v);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int reader_get_many(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct reader *reader = userdata;
        _cleanup_store_scope_ struct store_scope scope = registry_scope(reader->registry);
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *key, *name;
        size_t taken = 0;

        writer_flush(reader->writer);
        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(ss)");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssuvts)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(ss)", &key, &name)) > 0)
                r = append_one_of_many(reader, reply, key, name, &taken, error);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = gate_take(reader->gate, m, taken, error);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* ---- A key ---- */

/* What is in a key; the lists are the caller's, what they point to is the store's. */
struct contents {
        const struct store_path_entry **subkeys;
        const struct store_value_entry **values;
        size_t n_subkeys, n_values;
};

static void contents_done(struct contents *c)
{
        free(c->subkeys);
        free(c->values);
}
#define _cleanup_contents_ _cleanup_(contents_done)

/* The values, with the bytes of small ones. */
static int resolve_small(const struct registry *of, const struct guid *guid, struct contents *ret)
{
        return resolve_values(registry_store(of), registry_layers(of), guid, RESOLVE_SMALL_DATA,
                &ret->values, &ret->n_values);
}

static int resolve_contents(const struct registry *of, const struct guid *guid, struct contents *ret)
{
        int r = resolve_children(
                registry_store(of), registry_layers(of), guid, &ret->subkeys, &ret->n_subkeys);
        return r < 0 ? r : resolve_small(of, guid, ret);
}

/* With the bytes of all: once it is known that there is room for them. */
static int resolve_bytes(const struct registry *of, const struct guid *guid, struct contents *ret)
{
        if (!resolve_lacks_data(ret->values, ret->n_values))
                return 0;
        free(STEAL_PTR(ret->values));
        return resolve_values(
                registry_store(of), registry_layers(of), guid, SIZE_MAX, &ret->values, &ret->n_values);
}

/* The key that is called so, and what is in it, without the bytes of what is large. */
static int find_contents(struct registry *of, const struct reader_question *q,
        struct reader_place *ret_place, struct guid *ret_guid, struct contents *ret, struct diag *d)
{
        int r = reader_find(of, q, ret_place, d);
        if (r == 0)
                r = registry_find_key(of, ret_place->way.path, ret_guid, d);
        if (r == 0)
                r = resolve_contents(of, ret_guid, ret);
        return registry_explain_way(&ret_place->way, r, d);
}

static int take_contents(
        struct reader *reader, sd_bus_message *m, const struct contents *c, sd_bus_error *error)
{
        size_t taken = 0;
        int r = 0;

        for (size_t i = 0; r == 0 && i < c->n_subkeys; i++)
                r = answer_take(&taken, strlen(c->subkeys[i]->name) + 8, error);
        for (size_t i = 0; r == 0 && i < c->n_values; i++) {
                const struct store_value_entry *e = c->values[i];
                const struct value v = { .type = e->type, .size = e->size };
                r = answer_take(&taken, answer_value_bytes(&v, e->name, e->layer), error);
        }
        return r < 0 ? r : gate_take(reader->gate, m, taken, error);
}

static int append_contents(sd_bus_message *reply, const struct contents *c)
{
        int r = sd_bus_message_open_container(reply, 'a', "s");
        for (size_t i = 0; r >= 0 && i < c->n_subkeys; i++)
                r = sd_bus_message_append(reply, "s", c->subkeys[i]->name);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(suvts)");
        for (size_t i = 0; r >= 0 && i < c->n_values; i++) {
                const struct store_value_entry *e = c->values[i];
                const struct registry_value v = {
                        .value = { .type = e->type, .data = e->data, .size = e->size },
                        .sequence = e->sequence,
                        .layer = e->layer,
                };
                r = sd_bus_message_open_container(reply, 'r', "suvts");
                if (r >= 0)
                        r = sd_bus_message_append(reply, "s", e->name);
                if (r >= 0)
                        r = append_value(reply, &v);
                if (r >= 0)
                        r = sd_bus_message_close_container(reply);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int reader_answer_list(struct reader *reader, struct registry *of, sd_bus_message *m,
        const struct reader_question *q, sd_bus_error *error)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(of);
        _cleanup_contents_ struct contents contents = { 0 };
        _cleanup_place_ struct reader_place place = { 0 };
        _cleanup_message_ sd_bus_message *reply = NULL;
        struct diag d = { 0 };
        struct guid guid;

        int r = find_contents(of, q, &place, &guid, &contents, &d);
        if (r != 0)
                return reader_fail(reader, of, r, &d, error);
        r = take_contents(reader, m, &contents, error);
        if (r < 0)
                return r;
        r = resolve_bytes(of, &guid, &contents);
        if (r != 0)
                return reader_fail(reader, of, r, &d, error);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_contents(reply, &contents);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

int reader_answer_info(struct reader *reader, struct registry *of, sd_bus_message *m,
        const struct reader_question *q, sd_bus_error *error)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(of);
        _cleanup_contents_ struct contents contents = { 0 };
        _cleanup_place_ struct reader_place place = { 0 };
        struct diag d = { 0 };
        struct guid guid;
        char text[37];

        int r = find_contents(of, q, &place, &guid, &contents, &d);
        if (r != 0)
                return reader_fail(reader, of, r, &d, error);
        const struct store_key *k = store_key(registry_store(of), &guid);
        if (!k)
                return reader_fail(reader, of, REGISTRY_CORRUPT, &d, error);
        guid_format(&guid, text);
        return sd_bus_reply_method_return(m, "a{sv}", 7, "Path", "s", place.way.path->text, "Guid", "s",
                text, "Subkeys", "u", (uint32_t)contents.n_subkeys, "Values", "u",
                (uint32_t)contents.n_values, "LastWriteUSec", "t", k->last_write / 1000, "Volatile", "b",
                (int)k->is_volatile, "Link", "b", (int)k->is_link);
}

int reader_list(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return reader_answer(userdata, m, false, reader_answer_list, error);
}

int reader_info(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return reader_answer(userdata, m, false, reader_answer_info, error);
}

/* ---- Keys as objects. A link is one like others: followed, it could be without end. ---- */

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

/* 1; 0: there is no such object; or negative errno. */
static int find_object(struct reader *reader, const char *object, struct path *ret_path, struct guid *ret)
{
        _cleanup_buf_ struct buf key = BUF_INIT;
        size_t len;

        writer_flush(reader->writer);
        int r = object_to_key(object, &key);
        if (r <= 0)
                return r;
        r = registry_path(reader->registry, buf_str(&key), ret_path, NULL);
        if (r < 0)
                return r;
        /* An object's first component is a hive; a path without one must not become Machine's. */
        const char *hive = r == 0 ? path_component(ret_path, 0, &len) : NULL;
        if (!hive || !fold_equal(hive, len, buf_str(&key), strcspn(buf_str(&key), "\\")))
                return 0;
        r = registry_find_key(reader->registry, ret_path, ret, NULL);
        return r == REGISTRY_NOT_FOUND ? 0 : r == 0 ? 1 : r < 0 ? r : -EBADMSG;
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

static int key_path(_unused_ sd_bus *bus, const char *object, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        _cleanup_path_ struct path path = { 0 };
        struct guid guid;

        int r = find_object(userdata, object, &path, &guid);
        return r <= 0 ? -ENOENT : sd_bus_message_append(reply, "s", path.text);
}

static int key_last_write(_unused_ sd_bus *bus, const char *object, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        struct reader *reader = userdata;
        _cleanup_store_scope_ struct store_scope scope = registry_scope(reader->registry);
        _cleanup_path_ struct path path = { 0 };
        struct guid guid;

        int r = find_object(reader, object, &path, &guid);
        const struct store_key *key = r > 0 ? store_key(registry_store(reader->registry), &guid) : NULL;
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

static int key_values(sd_bus *bus, const char *object, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct reader *reader = userdata;
        _cleanup_store_scope_ struct store_scope scope = registry_scope(reader->registry);
        _cleanup_contents_ struct contents contents = { 0 };
        _cleanup_path_ struct path path = { 0 };
        struct diag d = { 0 };
        struct guid guid;

        int r = find_object(reader, object, &path, &guid);
        if (r <= 0)
                return -ENOENT;
        r = resolve_small(reader->registry, &guid, &contents);
        if (r < 0)
                return reader_fail(reader, reader->registry, r, &d, error);
        r = take_contents(reader, sd_bus_get_current_message(bus), &contents, error);
        if (r < 0)
                return r;
        r = resolve_bytes(reader->registry, &guid, &contents);
        if (r < 0)
                return reader_fail(reader, reader->registry, r, &d, error);
        r = sd_bus_message_open_container(reply, 'a', "{s(uv)}");
        for (size_t i = 0; r >= 0 && i < contents.n_values; i++)
                r = append_named_value(reply, contents.values[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static char **nodes_free(char **nodes)
{
        for (char **at = nodes; at && *at; at++)
                free(*at);
        free(nodes);
        return NULL;
}

static int key_enumerate(
        sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes, _unused_ sd_bus_error *error)
{
        struct reader *reader = userdata;
        _cleanup_store_scope_ struct store_scope scope = registry_scope(reader->registry);
        _cleanup_free_ const struct store_path_entry **list = NULL;
        _cleanup_path_ struct path path = { 0 };
        const struct hives *hives = registry_hives(reader->registry);
        sd_bus_message *m = sd_bus_get_current_message(bus);
        bool is_top = strcmp(prefix, REGISTRY_PATH) == 0;
        struct guid guid;
        size_t n = hives->n;

        int r = is_top ? 1 : find_object(reader, prefix, &path, &guid);
        if (r > 0 && !is_top)
                r = resolve_children(registry_store(reader->registry), registry_layers(reader->registry),
                        &guid, &list, &n);
        if (r < 0 || (!is_top && !list))
                return r;
        if (n > NODES_MAX)
                n = NODES_MAX;
        char **nodes = calloc(n + 1, sizeof(*nodes));
        if (!nodes)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < n; i++) {
                r = sd_bus_path_encode(prefix, is_top ? hives->list[i].name : list[i]->name, &nodes[i]);
                if (r >= 0 && m && !is_top)
                        gate_answered(reader->gate, m, strlen(nodes[i]) + NODE_BYTES);
        }
        *ret_nodes = r < 0 ? nodes_free(nodes) : nodes;
        return r;
}

static const sd_bus_vtable key_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Path", "s", key_path, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("LastWriteUSec", "t", key_last_write, 0, 0),
        SD_BUS_PROPERTY("Values", "a{s(uv)}", key_values, 0, 0),
        SD_BUS_VTABLE_END,
};

int reader_register(struct reader *reader, sd_bus *bus)
{
        int r = sd_bus_add_fallback_vtable(
                bus, NULL, REGISTRY_PATH, REGISTRY_KEY_INTERFACE, key_vtable, key_find, reader);
        return r < 0 ? r : sd_bus_add_node_enumerator(bus, NULL, REGISTRY_PATH, key_enumerate, reader);
}
