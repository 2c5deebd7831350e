/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "why.h"

#include <errno.h>

#include "acceptance.h"
#include "commands.h"

static void why_done(struct why *w)
{
        problems_done(&w->problems);
        buf_done(&w->winner.bytes);
        table_done(&w->table);
        buf_done(&w->notes);
}
#define _cleanup_why_ _cleanup_(why_done)

static int not_known(struct why *w)
{
        (void)diag_set(&w->s->diag, ENOENT, "%s: no layer has a value '%s', and the schema does not know it",
                w->path, path_word_of_value_name(w->name));
        acceptance_hint(w->s, w->path, w->name);
        return EXIT_CODE_NOT_FOUND;
}

static int show(struct why *w, sd_bus_message *reply)
{
        bool json = w->s->options.json;

        if (json)
                json_begin_object(&w->j);
        int code = why_layers(w, reply);
        if (code == EXIT_CODE_OK)
                code = why_reader(w);
        if (code == EXIT_CODE_OK && w->n == 0 && !w->sv)
                return not_known(w);
        if (json) {
                json_end_object(&w->j);
                buf_putc(&w->s->out, '\n');
        }
        return code;
}

static int explain(struct session *s, const char *key, const char *name)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_why_ struct why w = {
                .s = s, .name = name, .terminal = isatty(STDOUT_FILENO), .j = json_on(&s->out)
        };

        int code = session_new_call(s, "Resolve", key, name, &m);
        if (code == EXIT_CODE_OK)
                code = session_call(s, m, &reply);
        if (code == EXIT_CODE_OK)
                code = problems_get(s, &w.problems);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_read(reply, "bs", &w.exists, &w.path);
        return r < 0 ? session_bad_reply(s, r) : show(&w, reply);
}

int command_why(struct session *s)
{
        _cleanup_free_ char *key = NULL, *name = NULL;

        int code = session_target(s, &key, &name);
        if (code != EXIT_CODE_OK)
                return code;
        if (name)
                return explain(s, key, name);
        (void)diag_set(&s->diag, EINVAL,
                "'%s' is a key: name one of its values too ('@' is the default value)", key);
        return EXIT_CODE_USAGE;
}
