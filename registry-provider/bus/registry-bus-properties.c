/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-bus-internal.h"

#include "config.h"

int property_sequence(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        struct registry_bus *rb = userdata;

        registry_bus_flush(rb);
        return sd_bus_message_append(reply, "t", registry_sequence(rb->config.registry));
}

int property_subscriptions(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        return sd_bus_message_append(reply, "u", (uint32_t)subscriptions_count(rb->subscriptions));
}

int property_hives(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        struct registry_bus *rb = userdata;

        registry_bus_flush(rb);
        const struct hives *hives = registry_hives(rb->config.registry);
        int r = sd_bus_message_open_container(reply, 'a', "s");
        for (size_t i = 0; r >= 0 && i < hives->n; i++)
                r = sd_bus_message_append(reply, "s", hives->list[i].name);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int property_layers(sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        struct registry_bus *rb = userdata;

        registry_bus_flush(rb);
        const struct layers *layers = registry_layers(rb->config.registry);
        int r = sd_bus_message_open_container(reply, 'a', "(subs)");
        for (size_t i = 0; r >= 0 && i < layers->n; i++) {
                const struct layer *l = &layers->list[i];
                count_answer(rb, bus, wire_bytes(&(struct value){ 0 }, l->name, l->file ? l->file : ""));
                r = sd_bus_message_append(
                        reply, "(subs)", l->name, l->precedence, (int)l->enabled, l->file ? l->file : "");
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int property_problems(sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        const struct problems *p = rb->config.problems;

        int r = sd_bus_message_open_container(reply, 'a', "(ss)");
        for (size_t i = 0; r >= 0 && i < p->n; i++) {
                count_answer(rb, bus, wire_bytes(&(struct value){ 0 }, p->list[i].file, p->list[i].text));
                r = sd_bus_message_append(reply, "(ss)", p->list[i].file, p->list[i].text);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int property_version(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, _unused_ void *userdata,
        _unused_ sd_bus_error *error)
{
        return sd_bus_message_append(reply, "s", PROJECT_VERSION);
}
