/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "problems.h"

#include <string.h>

#include "output.h"

void problems_done(struct problems *p)
{
        p->reply = sd_bus_message_unref(p->reply);
}

int problems_get(struct session *s, struct problems *ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int code = session_connect(s);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_new_method_call(
                s->bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, "org.freedesktop.DBus.Properties", "Get");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", REGISTRY_INTERFACE, "Problems");
        return r < 0 ? session_fail(s, r, NULL) : session_call(s, m, &ret->reply);
}

/* The next file and its text: 1, 0 at the end, or negative errno. */
static int next(sd_bus_message *m, const char **ret_file, const char **ret_text)
{
        return sd_bus_message_read(m, "(ss)", ret_file, ret_text);
}

static int enter(sd_bus_message *m)
{
        int r = sd_bus_message_rewind(m, true);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'v', "a(ss)");
        return r < 0 ? r : sd_bus_message_enter_container(m, 'a', "(ss)");
}

const char *problems_find(const struct problems *p, const char *file)
{
        const char *its_file, *text;

        if (!file[0] || enter(p->reply) < 0)
                return NULL;
        while (next(p->reply, &its_file, &text) > 0)
                if (strcmp(file, its_file) == 0)
                        return text;
        return NULL;
}

int problems_tell(struct session *s)
{
        _cleanup_problems_ struct problems p = { 0 };
        const char *file, *text;

        if (s->options.quiet)
                return EXIT_CODE_OK;
        int code = problems_get(s, &p);
        if (code != EXIT_CODE_OK)
                return code;
        int r = enter(p.reply);
        while (r >= 0 && (r = next(p.reply, &file, &text)) > 0)
                warn("%s", text);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}
