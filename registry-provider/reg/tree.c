/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tree: one List call a key, and one of ListKnown where the schema knows something. */

#include <string.h>

#include "commands.h"
#include "listing.h"

#define INDENT 2
#define FLUSH_BYTES (64u * 1024u)

struct walk {
        struct session *s;
        struct json j;
        struct buf key;  /* the path of the key that is being shown */
        struct buf keys; /* JSON: the paths of those below the first, as Peios's own `reg` has them */
        struct json keys_json;
};

enum part {
        PART_THERE = 1 << 0, /* the key is there, as far as is known */
        PART_KNOWN = 1 << 1, /* the schema knows something in it or below */
};

static int show_key(struct walk *w, unsigned parts, size_t level);

static int show_subkey(struct walk *w, const char *name, unsigned parts, size_t level)
{
        size_t len = w->key.len;

        buf_printf(&w->key, "\\%s", name);
        if (w->key.error)
                return session_fail(w->s, w->key.error, NULL);
        int code = show_key(w, parts, level);
        w->key.len = len;
        w->key.data[len] = '\0';
        /* Gone since its parent was listed. */
        return code == EXIT_CODE_NOT_FOUND ? EXIT_CODE_OK : code;
}

static int show_subkeys(struct walk *w, const struct listing *l, size_t level)
{
        int code = EXIT_CODE_OK;

        for (const char **name = l->subkeys; *name && code == EXIT_CODE_OK; name++)
                code = show_subkey(
                        w, *name, PART_THERE | (listing_knows_subkey(l, *name) ? PART_KNOWN : 0), level);
        return code;
}

static int show_known_subkeys(struct walk *w, const struct listing *l, size_t level)
{
        int code = EXIT_CODE_OK;
        const char *name;

        for (size_t at = 0; code == EXIT_CODE_OK && (name = listing_next_known(l, &at));)
                code = show_subkey(w, name, PART_KNOWN, level);
        return code;
}

static int show_listing(struct walk *w, struct listing *l, size_t level)
{
        const struct reg_options *o = &w->s->options;
        const char *name = level == 0 ? w->key.data : strrchr(w->key.data, '\\') + 1;
        _cleanup_buf_ struct buf link = BUF_INIT;

        int code = l->reply && !l->subkeys[0] ? read_link(w->s, w->key.data, &link) : EXIT_CODE_OK;
        if (code != EXIT_CODE_OK)
                return code;

        if (o->json) {
                json_begin_object(&w->j);
                words_path_to_json(&w->j, level == 0 ? "root" : "path", w->key.data);
                if (level == 0)
                        words_path_to_json(&w->j, "path", w->key.data);
                else if (l->reply)
                        words_path_to_json(&w->keys_json, NULL, w->key.data);
                if (link.len > 0)
                        json_add_string(&w->j, "target", buf_str(&link) + strlen(" -> "));
        } else {
                buf_printf(&w->s->out, "%*s", (int)(level * INDENT), "");
                if (l->reply) {
                        words_put_path(&w->s->out, name);
                        if (link.len == 0)
                                words_put_separator(&w->s->out);
                        utf8_put_safe(&w->s->out, buf_str(&link), link.len);
                        buf_putc(&w->s->out, '\n');
                } else
                        listing_known_name_to_text(name, &w->s->out);
        }
        if (o->values)
                code = o->json ? listing_values_to_json(w->s, l, &w->j)
                               : listing_values_to_text(w->s, l, (level + 1) * INDENT);
        if (code != EXIT_CODE_OK || level >= o->depth)
                return code;
        if (o->json)
                json_open_array(&w->j, "subkeys");
        /* A link leads anywhere, be it up. */
        w->s->options.no_follow = true;
        code = show_subkeys(w, l, level + 1);
        if (o->json) {
                json_end_array(&w->j);
                json_open_array(&w->j, "known_subkeys");
        }
        if (code == EXIT_CODE_OK)
                code = show_known_subkeys(w, l, level + 1);
        if (o->json)
                json_end_array(&w->j);
        return code;
}

/* As deep as a path may be: PATH_DEPTH_MAX calls. */
static int show_key(struct walk *w, unsigned parts, size_t level)
{
        _cleanup_listing_ struct listing l = { 0 };

        int code = parts & PART_THERE ? listing_read(w->s, w->key.data, &l) : EXIT_CODE_NOT_FOUND;
        if (parts & PART_KNOWN)
                code = listing_add_known(w->s, w->key.data, code, &l);
        if (code != EXIT_CODE_OK)
                return code;
        code = show_listing(w, &l, level);
        if (w->s->options.json && level == 0) {
                json_end_array(&w->keys_json);
                json_key(&w->j, "keys");
                buf_puts(&w->s->out, buf_str(&w->keys));
        }
        if (w->s->options.json)
                json_end_object(&w->j);
        if (code == EXIT_CODE_OK && w->s->out.len > FLUSH_BYTES)
                code = session_flush(w->s);
        return code;
}

int command_tree(struct session *s)
{
        _cleanup_path_ struct path path = { 0 };
        struct walk w = { .s = s, .j = json_on(&s->out) };

        int code = session_path(s, s->line.words[0], &path);
        if (code != EXIT_CODE_OK)
                return code;
        buf_add(&w.key, path.text, path.len);
        w.keys_json = json_on(&w.keys);
        json_begin_array(&w.keys_json);
        code = w.key.error ? session_fail(s, w.key.error, NULL) : show_key(&w, PART_THERE | PART_KNOWN, 0);
        if (code == EXIT_CODE_OK && s->options.json)
                buf_putc(&s->out, '\n');
        if (code == EXIT_CODE_OK && w.keys.error)
                code = session_fail(s, w.keys.error, NULL);
        buf_done(&w.key);
        buf_done(&w.keys);
        return code;
}
