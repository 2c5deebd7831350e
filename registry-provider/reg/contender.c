/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "contender.h"

#include <string.h>

#include "../../schema/base/array.h"

int contender_read_next(sd_bus_message *m, struct contender *ret)
{
        const char *signer;
        uint64_t serial;

        int r = sd_bus_message_enter_container(m, 'r', "sustuvsts");
        if (r <= 0)
                return r;
        buf_clear(&ret->entry.bytes);
        r = sd_bus_message_read(
                m, "sust", &ret->entry.layer, &ret->precedence, &ret->file, &ret->entry.sequence);
        if (r >= 0)
                r = wire_read_value(m, &ret->entry.bytes, &ret->entry.type, NULL);
        if (r >= 0)
                r = sd_bus_message_read(m, "sts", &ret->state, &serial, &signer);
        if (r >= 0)
                ret->seal = seal_of(serial, signer);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 1;
}

bool contender_wins(const struct contender *c)
{
        return strcmp(c->state, "wins") == 0;
}

bool contender_is_tombstone(const struct contender *c)
{
        return c->entry.type == REG_TOMBSTONE;
}

void contender_format(struct buf *out, const struct contender *c)
{
        const struct value v = entry_value(&c->entry);
        bool hides = strcmp(c->state, "hides-key") == 0;

        if (hides)
                buf_puts(out, "hides the key, or one above it");
        else if (contender_is_tombstone(c))
                buf_puts(out, "tombstone: masks what is below");
        else {
                entry_format_typed(out, &v);
                entry_format_nuls(out, &v);
        }
        if (!contender_wins(c) && !hides)
                buf_printf(out, "   (%s)", c->state);
}

void contenders_done(struct contenders *c)
{
        for (size_t i = 0; i < c->n; i++)
                entry_done(&c->list[i].entry);
        free(c->list);
        sd_bus_message_unref(c->reply);
        *c = (struct contenders){ 0 };
}

static int add(struct contenders *c, struct contender *one)
{
        int r = array_grow(&c->list, c->n, sizeof(*c->list));

        if (r < 0)
                return r;
        c->list[c->n++] = *one;
        one->entry.bytes = BUF_INIT;
        return 0;
}

int contenders_read(sd_bus_message *reply, struct contenders *ret)
{
        struct contender one = { 0 };
        int r = sd_bus_message_enter_container(reply, 'a', "(sustuvsts)");

        ret->reply = sd_bus_message_ref(reply);
        while (r >= 0 && (r = contender_read_next(reply, &one)) > 0)
                r = add(ret, &one);
        entry_done(&one.entry);
        return r < 0 ? r : sd_bus_message_exit_container(reply);
}
