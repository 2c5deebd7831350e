/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "change.h"

#include "../resolve/layers.h"

const char *change_layer(const struct session *s)
{
        return s->options.layer ? s->options.layer : LAYER_BASE;
}

int change_append_options(const struct session *s, sd_bus_message *m)
{
        const struct reg_options *o = &s->options;

        return client_append_options(m, &(struct wire_options){
                                                .layer = o->layer,
                                                .expected = o->expected,
                                                .is_volatile = o->is_volatile,
                                                .recursive = o->recursive,
                                        });
}

void outcome_done(struct outcome *o)
{
        o->reply = sd_bus_message_unref(o->reply);
}

int change_send(struct session *s, const struct change *c, struct outcome *ret)
{
        static const char *const methods[] = {
                [CHANGE_SET] = "Set",
                [CHANGE_DELETE] = "Delete",
                [CHANGE_CREATE_KEY] = "CreateKey",
                [CHANGE_DELETE_KEY] = "DeleteKey",
        };
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        struct outcome o = { 0 };

        int code = session_new_call(s, methods[c->kind], c->key, c->name, &m);
        if (code != EXIT_CODE_OK)
                return code;
        int r = c->value ? wire_append_value(m, c->value) : 0;
        if (r >= 0)
                r = change_append_options(s, m);
        if (r < 0)
                return session_fail(s, r, NULL);
        code = session_call(s, m, &reply);
        if (code != EXIT_CODE_OK)
                return code;
        r = sd_bus_message_read(reply, "tb", &o.sequence, &o.changed);
        if (r >= 0 && c->name)
                r = sd_bus_message_read(reply, "s", &o.layer);
        if (r < 0)
                return session_bad_reply(s, r);
        o.reply = STEAL_PTR(reply);
        *ret = o;
        return EXIT_CODE_OK;
}
