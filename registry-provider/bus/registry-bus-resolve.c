/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a value is what it is. */
#include "registry-bus-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/bus/wire.h"
#include "../store/history.h"

static const char *state_name(enum why_state state)
{
        static const char *const names[] = {
                [WHY_WINS] = "wins",
                [WHY_SHADOWED] = "shadowed",
                [WHY_LAYER_DISABLED] = "layer-disabled",
                [WHY_LAYER_UNKNOWN] = "layer-unknown",
                [WHY_HIDES_KEY] = "hides-key",
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
                r = sd_bus_message_append(
                        reply, "sust", w->layer, w->precedence, w->file ? w->file : "", w->sequence);
        if (r >= 0)
                r = wire_append_value(reply, &v);
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", state_name(w->state));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* The schema's default competes below everything. */
static int append_default(
        struct registry_bus *rb, sd_bus_message *reply, const struct path *path, const char *name, bool wins)
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
        static const struct actor nobody = { .nobody = true };
        const struct store *store = registry_store(rb->config.registry);
        const struct history_row *row =
                winner && winner->entry ? history_writer(store, winner->sequence) : NULL;

        int r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0 && row)
                r = append_author(reply, row->author);
        if (r >= 0 && row)
                r = sd_bus_message_append(reply, "{sv}", "time", "t", row->time);
        else if (r >= 0)
                r = sd_bus_message_append(
                        reply, "{sv}", "actor", "s", actor_state(winner && winner->entry ? NULL : &nobody));
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

/* A key that is not there has no entries, which is an answer; where a layer hides it, its entry is why. */
static int why_no_key(
        const struct registry *r, const struct path *path, struct why_entry **ret, size_t *ret_n)
{
        size_t depth;
        const struct store_path_entry *hiding = registry_hiding(r, path, &depth);

        if (!hiding)
                return store_error(registry_store(r), NULL);
        const struct layer *layer = layers_find(registry_layers(r), hiding->layer);
        struct why_entry *entry = calloc(1, sizeof(*entry));
        if (!entry)
                return -ENOMEM;
        *entry = (struct why_entry){ .layer = hiding->layer,
                .file = layer ? layer->file : NULL,
                .precedence = layer ? layer->precedence : 0,
                .sequence = hiding->sequence,
                .blanket = true,
                .state = WHY_HIDES_KEY };
        *ret = entry;
        *ret_n = 1;
        return 0;
}

int method_resolve(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        _cleanup_store_scope_ struct store_scope scope = registry_scope(rb->config.registry);
        _cleanup_free_ struct why_entry *list = NULL;
        _cleanup_path_ struct path path = { 0 };
        struct diag d = { 0 };
        struct guid guid;
        const char *key, *name;
        size_t n = 0, taken = 0;

        int r = sd_bus_message_read(m, "ss", &key, &name);
        if (r < 0)
                return r;
        r = find_key(rb, key, &path, &guid, &d);
        if (r == 0)
                r = path_check_value_name(name, strlen(name), &d);
        if (r == 0)
                r = resolve_why(registry_store(rb->config.registry), registry_layers(rb->config.registry),
                        &guid, name, strlen(name), &list, &n);
        if (r == -ENOENT && path.text)
                r = why_no_key(rb->config.registry, &path, &list, &n);
        for (size_t i = 0; r == 0 && i < n; i++) {
                const struct store_value_entry *e = list[i].entry;
                const struct value v = { .type = e ? e->type : REG_TOMBSTONE, .size = e ? e->size : 0 };
                r = take_room(&taken, wire_bytes(&v, list[i].layer, list[i].file ? list[i].file : ""), &d);
        }
        if (r == 0)
                r = gate_take(rb->gate, m, taken, &d);
        if (r < 0)
                return read_failed(rb, r, &d, error);
        return reply_why(rb, m, &path, name, list, n);
}
