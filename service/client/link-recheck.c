/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads again, all at once, what is followed: nothing else would tell of a signal that never came. */

#include "link-internal.h"

#include <string.h>

#include "../../schema/bus/wire.h"
#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"

/* As Get() calls the layer of the schema's default, which Resolve() and signals call no value. */
#define LAYER_OF_DEFAULTS "default"

void link_tell(struct follow *f, const struct link_value *v)
{
        struct link *l = f->link;

        f->is_heard = v->value != NULL;
        buf_clear(&f->heard);
        if (v->value) {
                f->heard_type = v->value->type;
                buf_add(&f->heard, v->value->data, v->value->size);
        }
        l->config.told(v, l->config.userdata);
}

static bool was_heard(const struct follow *f, bool exists, uint32_t type, const struct buf *bytes)
{
        if (!exists || !f->is_heard)
                return exists == f->is_heard;
        return type == f->heard_type && bytes->len == f->heard.len &&
               (bytes->len == 0 || memcmp(buf_str(bytes), buf_str(&f->heard), bytes->len) == 0);
}

/* One of (buvts). */
static int compare_next(sd_bus_message *m, const struct follow *f, bool *ret_same)
{
        _cleanup_buf_ struct buf bytes = BUF_INIT;
        const char *layer;
        uint32_t type;
        int exists;

        int r = sd_bus_message_enter_container(m, 'r', "buvts");
        if (r >= 0)
                r = sd_bus_message_read(m, "b", &exists);
        if (r >= 0)
                r = wire_read_value(m, &bytes, &type, NULL);
        if (r >= 0)
                r = sd_bus_message_read(m, "ts", NULL, &layer);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        *ret_same = was_heard(f, exists && strcmp(layer, LAYER_OF_DEFAULTS) != 0, type, &bytes);
        return 0;
}

/* NULL where all is as it was told. */
static const struct follow *find_different(struct link *l, sd_bus_message *m)
{
        bool same = true;

        int r = sd_bus_message_enter_container(m, 'a', "(buvts)");
        for (size_t i = 0; r >= 0 && i < l->config.n; i++) {
                r = compare_next(m, &l->list[i], &same);
                if (r >= 0 && !same)
                        return &l->list[i];
        }
        if (r < 0)
                log_debug("what is followed cannot be read again: %s; ignoring", strerror(-r));
        return NULL;
}

static int on_values(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct link *l = userdata;

        l->rechecking = sd_bus_slot_unref(l->rechecking);
        if (sd_bus_message_is_method_error(m, NULL) || !link_is_settled(l))
                return 0;
        const struct follow *f = find_different(l, m);
        if (!f)
                return 0;
        log_warning("%s\\%s is not what the registry told of last; subscribing anew", f->key->text, f->name);
        l->missed = true;
        link_subscribe_anew(l);
        return 0;
}

void link_recheck(struct link *l)
{
        sd_bus_message *m = NULL;

        if (l->rechecking || !link_is_settled(l))
                return;
        int r = sd_bus_message_new_method_call(
                l->config.bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "GetMany");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(ss)");
        for (size_t i = 0; r >= 0 && i < l->config.n; i++)
                r = sd_bus_message_append(m, "(ss)", l->list[i].key->text, l->list[i].name);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_call_async(
                        l->config.bus, &l->rechecking, m, on_values, l, LINK_CALL_TIMEOUT_USEC);
        sd_bus_message_unref(m);
        if (r < 0)
                log_debug("what is followed cannot be read again: %s; ignoring", strerror(-r));
}
