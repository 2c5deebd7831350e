/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tree: a key and all below it, one List call a key. */

#include <string.h>

#include "commands.h"
#include "listing.h"

#define INDENT 2
#define FLUSH_BYTES (64u * 1024u)

struct walk {
        struct session *s;
        struct json j;
        struct buf key; /* the path of the key that is being shown */
};

static int show_key(struct walk *w, size_t level);

static int show_subkeys(struct walk *w, char **names, size_t level)
{
        size_t len = w->key.len;
        int code = EXIT_CODE_OK;

        for (char **name = names; *name && code == EXIT_CODE_OK; name++) {
                buf_printf(&w->key, "\\%s", *name);
                if (w->key.error)
                        return session_fail(w->s, w->key.error, NULL);
                code = show_key(w, level);
                /* Gone since its parent was listed. */
                if (code == EXIT_CODE_NOT_FOUND)
                        code = EXIT_CODE_OK;
                w->key.len = len;
                w->key.data[len] = '\0';
        }
        return code;
}

static void begin_text(struct walk *w, size_t level)
{
        const char *name = level == 0 ? w->key.data : strrchr(w->key.data, '\\') + 1;

        buf_printf(&w->s->out, "%*s", (int)(level * INDENT), "");
        format_safe(&w->s->out, name, strlen(name));
        buf_puts(&w->s->out, "\\\n");
}

static void begin_json(struct walk *w)
{
        json_begin_object(&w->j);
        json_key(&w->j, "path");
        json_string(&w->j, w->key.data);
}

static int show_listing(struct walk *w, struct listing *l, size_t level)
{
        const struct reg_options *o = &w->s->options;
        int code = EXIT_CODE_OK;

        if (o->json)
                begin_json(w);
        else
                begin_text(w, level);
        if (o->values)
                code = o->json ? listing_values_to_json(w->s, l, &w->j)
                               : listing_values_to_text(w->s, l, (level + 1) * INDENT);
        if (code != EXIT_CODE_OK || level >= o->depth)
                return code;
        if (o->json) {
                json_key(&w->j, "subkeys");
                json_begin_array(&w->j);
        }
        code = show_subkeys(w, l->subkeys, level + 1);
        if (o->json)
                json_end_array(&w->j);
        return code;
}

/* As deep as a path may be: PATH_DEPTH_MAX calls. */
static int show_key(struct walk *w, size_t level)
{
        _cleanup_listing_ struct listing l = { 0 };

        int code = listing_get(w->s, w->key.data, &l);
        if (code == EXIT_CODE_OK)
                code = show_listing(w, &l, level);
        else
                return code;
        if (w->s->options.json)
                json_end_object(&w->j);
        if (code == EXIT_CODE_OK && w->s->out.len > FLUSH_BYTES)
                code = session_flush(w->s);
        return code;
}

int command_tree(struct session *s)
{
        _cleanup_path_ struct path path = { 0 };
        struct walk w = { .s = s, .j = json_on(&s->out), .key = BUF_INIT };

        int code = session_path(s, s->line.words[0], &path);
        if (code != EXIT_CODE_OK)
                return code;
        buf_add(&w.key, path.text, path.len);
        code = w.key.error ? session_fail(s, w.key.error, NULL) : show_key(&w, 0);
        if (code == EXIT_CODE_OK && s->options.json)
                buf_putc(&s->out, '\n');
        buf_done(&w.key);
        return code;
}
