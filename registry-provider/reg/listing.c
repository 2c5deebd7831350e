/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listing.h"

#include <errno.h>
#include <string.h>

void listing_done(struct listing *l)
{
        free(l->subkeys);
        sd_bus_message_unref(l->names);
        sd_bus_message_unref(l->reply);
        known_list_done(&l->known);
}

int listing_read(struct session *s, const char *key, struct listing *ret)
{
        _cleanup_message_ sd_bus_message *reply = NULL;

        int code = session_ask(s, "List", key, NULL, &reply);
        if (code != EXIT_CODE_OK)
                return code;
        size_t n;
        int r = wire_read_names(reply, &ret->subkeys, &n);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(suvts)");
        ret->names = sd_bus_message_ref(reply);
        ret->reply = STEAL_PTR(reply);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

int listing_add_known(struct session *s, const char *key, int code, struct listing *ret)
{
        const struct diag said = s->diag;

        if (code != EXIT_CODE_OK && code != EXIT_CODE_NOT_FOUND)
                return code;
        s->diag = (struct diag){ 0 };
        int known = known_list_get(s, key, false, &ret->known);
        if (known != EXIT_CODE_OK)
                return known;
        if (!ret->subkeys && !(ret->subkeys = calloc(1, sizeof(*ret->subkeys))))
                return session_fail(s, -ENOMEM, NULL);
        if (code == EXIT_CODE_OK || known_list_is_of_key(&ret->known))
                return EXIT_CODE_OK;
        s->diag = said;
        return code;
}

int listing_get(struct session *s, const char *key, struct listing *ret)
{
        return listing_add_known(s, key, listing_read(s, key, ret), ret);
}

static void forget(const char **names)
{
        if (names)
                names[0] = NULL;
}

void listing_leave_out(struct listing *l, bool subkeys, bool values)
{
        if (subkeys) {
                forget(l->subkeys);
                forget(l->known.subkeys);
        }
        for (size_t i = 0; values && i < l->known.n; i++)
                l->known.list[i].is_set = true;
        if (values)
                l->reply = sd_bus_message_unref(l->reply);
}

int listing_next(struct listing *l, struct entry *ret)
{
        int r = l->reply ? entry_read_next(l->reply, ret) : 0;

        if (r > 0)
                known_list_mark(&l->known, ret->name);
        return r;
}

static bool contains(const char *const *names, const char *name)
{
        for (; names && *names; names++)
                if (fold_same(*names, name))
                        return true;
        return false;
}

const char *listing_next_known(const struct listing *l, size_t *at)
{
        while (l->known.subkeys && l->known.subkeys[*at]) {
                const char *name = l->known.subkeys[(*at)++];
                if (!contains(l->subkeys, name))
                        return name;
        }
        return NULL;
}

bool listing_knows_subkey(const struct listing *l, const char *name)
{
        return contains(l->known.subkeys, name);
}

void listing_known_name_to_text(const char *name, struct buf *out)
{
        utf8_put_safe(out, name, strlen(name));
        words_put_separator(out);
        buf_puts(out, "   (nothing set)\n");
}

int listing_values_to_json(struct session *s, struct listing *l, struct json *j)
{
        _cleanup_entry_ struct entry e = { 0 };
        int r;

        json_open_array(j, "values");
        while ((r = listing_next(l, &e)) > 0) {
                json_begin_object(j);
                entry_to_json(j, &e);
                json_end_object(j);
        }
        json_end_array(j);
        known_list_to_json(&l->known, j);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

int listing_values_to_text(struct session *s, struct listing *l, size_t indent)
{
        _cleanup_entry_ struct entry e = { 0 };
        int r;

        while ((r = listing_next(l, &e)) > 0) {
                buf_printf(&s->out, "%*s", (int)indent, "");
                entry_format(&s->out, &e, s->options.verbose || s->options.layers);
        }
        known_list_to_text(&l->known, indent, &s->out);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}
