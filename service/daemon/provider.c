/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "provider.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/bus/cleanup.h"
#include "../../schema/dbus/names.h"
#include "../metrics/metrics.h"

struct provider {
        sd_bus *bus;
        struct metrics *metrics;
        sd_bus_slot *asking;
        bool is_known;
        struct metrics_registry health;
};

static int read_buckets(sd_bus_message *m, struct metrics_registry *h)
{
        struct metrics_bucket bucket;
        int r = sd_bus_message_enter_container(m, 'v', "a(tt)");

        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(tt)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(tt)", &bucket.usec, &bucket.n)) > 0)
                if (h->n_buckets < METRICS_BUCKETS_MAX)
                        h->buckets[h->n_buckets++] = bucket;
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* What is not known here is passed over. */
static int read_member(sd_bus_message *m, const char *name, struct metrics_registry *h)
{
        const struct {
                const char *name;
                uint64_t *value;
        } numbers[] = {
                { "problems", &h->problems },
                { "refused", &h->refused },
                { "layers", &h->layers },
                { "layers-ending", &h->layers_ending },
                { "sequence", &h->sequence },
                { "subscriptions", &h->subscriptions },
                { "store-bytes", &h->store_bytes },
                { "backup-time", &h->backup_time },
                { "backup-sequence", &h->backup_sequence },
                { "commits", &h->commits },
                { "commit-usec", &h->commit_usec },
        };

        if (strcmp(name, "commits-within") == 0)
                return read_buckets(m, h);
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                if (strcmp(numbers[i].name, name) == 0)
                        return sd_bus_message_read(m, "v", "t", numbers[i].value);
        return sd_bus_message_skip(m, "v");
}

static int read_health(sd_bus_message *m, struct metrics_registry *ret)
{
        const char *name;
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        *ret = (struct metrics_registry){ .is_up = true };
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &name);
                if (r >= 0)
                        r = read_member(m, name, ret);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r;
}

static int on_health(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct provider *p = userdata;

        p->asking = sd_bus_slot_unref(p->asking);
        p->is_known = true;
        if (sd_bus_message_is_method_error(m, NULL) || read_health(m, &p->health) < 0)
                p->health = (struct metrics_registry){ 0 };
        metrics_changed(p->metrics);
        return 0;
}

/* It is not started for that. */
void provider_ask(struct provider *p)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        if (!p || !metrics_wanted(p->metrics) || p->asking)
                return;
        int r = sd_bus_message_new_method_call(
                p->bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Health");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, 0);
        if (r >= 0)
                r = sd_bus_call_async(p->bus, &p->asking, m, on_health, p, 0);
        if (r < 0)
                log_debug("the registry provider cannot be asked how it is: %s; ignoring", strerror(-r));
}

const struct metrics_registry *provider_health(const struct provider *p)
{
        return p && p->is_known ? &p->health : NULL;
}

int provider_new(sd_bus *bus, struct metrics *metrics, struct provider **ret)
{
        struct provider *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        *p = (struct provider){ .bus = bus, .metrics = metrics };
        *ret = p;
        return 0;
}

struct provider *provider_free(struct provider *p)
{
        if (p)
                sd_bus_slot_unref(p->asking);
        free(p);
        return NULL;
}
