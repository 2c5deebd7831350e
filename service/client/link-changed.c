/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The provider's Changed signals. */

#include "link-internal.h"

#include <string.h>

#include "../../schema/bus/wire.h"
#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"
#include "link-read.h"

static struct follow *find(struct link *l, const char *key, const char *name)
{
        for (size_t i = 0; i < l->config.n; i++) {
                struct follow *f = &l->list[i];
                if (fold_equal(f->key->text, f->key->len, key, strlen(key)) &&
                        fold_equal(f->name, strlen(f->name), name, strlen(name)))
                        return f;
        }
        return NULL;
}

static bool is_ours(const struct link *l, uint64_t subscription, const struct path **ret)
{
        for (size_t i = 0; i < l->config.n; i++)
                if (l->list[i].subscription == subscription && subscription != 0) {
                        *ret = l->list[i].key;
                        return true;
                }
        return false;
}

/* One event (sssuvs). A value's event carries all there is to know; of any other the whole key is read
 * again. */
static int read_event(struct link *l, sd_bus_message *m, struct link_value *v, const struct path *key)
{
        _cleanup_buf_ struct buf bytes = BUF_INIT;
        const char *kind;
        uint32_t type;

        int r = sd_bus_message_read(m, "sss", &kind, &v->key, &v->name);
        if (r >= 0)
                r = wire_read_value(m, &bytes, &type, NULL);
        if (r >= 0)
                r = sd_bus_message_read(m, "s", &v->layer);
        if (r < 0)
                return r;
        if (strncmp(kind, "value-", strlen("value-")) != 0) {
                link_resolve_key(l, key);
                return 0;
        }
        struct follow *f = find(l, v->key, v->name);
        if (!f)
                return 0;
        const struct value value = { .type = type, .data = bytes.data, .size = bytes.len };
        v->key = f->key->text;
        v->name = f->name;
        v->value = v->layer[0] != '\0' ? &value : NULL;
        link_tell(f, v);
        return 0;
}

void link_end_subscription(struct link *l, uint64_t subscription)
{
        sd_bus_message *m = NULL;

        int r = sd_bus_message_new_method_call(
                l->config.bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Unsubscribe");
        if (r >= 0)
                r = sd_bus_message_append(m, "t", subscription);
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        sd_bus_message_unref(m);
        if (r < 0)
                log_debug("cannot end a subscription: %s; ignoring", strerror(-r));
}

int link_on_changed(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct link *l = userdata;
        struct link_value base = { .layer = "", .file_owner = AUDIT_ID_UNSET };
        const struct path *key = NULL;
        uint64_t subscription;
        struct actor actor;
        bool known = false;

        if (!peer_sent(l->provider, m))
                return 0;
        int r = sd_bus_message_read(m, "tt", &subscription, &base.sequence);
        if (r < 0)
                return 0;
        if (!is_ours(l, subscription, &key)) {
                /* From a question whose answer came too late: while the provider hangs there are many. */
                link_end_subscription(l, subscription);
                return 0;
        }
        r = link_read_origin(m, &actor, &known, &base.reason, &base.file, &base.file_owner);
        base.actor = known ? &actor : NULL;
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(sssuvs)");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "sssuvs")) > 0) {
                struct link_value v = base;
                r = read_event(l, m, &v, key);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r < 0) {
                log_warning("a change signal cannot be read: %s; reading everything again", strerror(-r));
                link_begin(l);
        }
        return 0;
}
