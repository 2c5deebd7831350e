/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listing.h"

#include <errno.h>

void listing_done(struct listing *l)
{
        for (char **k = l->subkeys; k && *k; k++)
                free(*k);
        free(l->subkeys);
        sd_bus_message_unref(l->reply);
        *l = (struct listing){ 0 };
}

static int read_reply(sd_bus_message *reply, struct listing *ret)
{
        int r = sd_bus_message_read_strv(reply, &ret->subkeys);
        if (r >= 0 && !ret->subkeys && !(ret->subkeys = calloc(1, sizeof(*ret->subkeys))))
                return -ENOMEM;
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(suvts)");
        return r < 0 ? r : 0;
}

int listing_get(struct session *s, const char *key, struct listing *ret)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_listing_ struct listing l = { 0 };

        int code = session_new_call(s, "List", key, NULL, &m);
        if (code == EXIT_CODE_OK)
                code = session_call(s, m, &reply);
        if (code != EXIT_CODE_OK)
                return code;
        int r = read_reply(reply, &l);
        if (r < 0)
                return session_bad_reply(s, r);
        ret->subkeys = STEAL_PTR(l.subkeys);
        ret->reply = STEAL_PTR(reply);
        return EXIT_CODE_OK;
}

int listing_values_to_json(struct session *s, struct listing *l, struct json *j)
{
        _cleanup_entry_ struct entry e = { 0 };
        int r;

        json_key(j, "values");
        json_begin_array(j);
        while ((r = entry_read_next(l->reply, &e)) > 0) {
                json_begin_object(j);
                entry_to_json(j, &e);
                json_end_object(j);
        }
        json_end_array(j);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

int listing_values_to_text(struct session *s, struct listing *l, size_t indent)
{
        _cleanup_entry_ struct entry e = { 0 };
        int r;

        while ((r = entry_read_next(l->reply, &e)) > 0) {
                buf_printf(&s->out, "%*s", (int)indent, "");
                format_entry(&s->out, &e, s->options.verbose);
        }
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}
