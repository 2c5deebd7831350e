/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* query: what is in a key, as reg.exe prints it, so that scripts can parse it: a line a value, four blanks
 * before and between its three columns, and keys with the long names of their roots. */

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "listing.h"
#include "words.h"

#define COLUMN "    "
#define FLUSH_BYTES (64u * 1024u)

struct query {
        struct session *s;
        const char *name;   /* only this value; NULL: all */
        struct buf pattern; /* of fnmatch(3); empty: none */
        uint32_t type;
        bool has_type;
        struct reg_exe_style style;
        struct buf key;   /* the path of the key that is being shown */
        size_t n;         /* what was found: values, and keys for their names */
        bool begun, open; /* the empty line in front is there; the last line is a key's alone */
};

/* ---- Lines ---- */

static void put_list(struct buf *out, const struct value *v, const char *separator)
{
        const char *item;
        size_t at = 0, len, n = 0;

        while (value_next_string(v, &at, &item, &len) > 0) {
                buf_puts(out, n++ > 0 ? separator : "");
                utf8_put_safe(out, item, len);
        }
}

static void put_bytes(struct buf *out, const struct value *v)
{
        const uint8_t *bytes = v->data;

        for (size_t i = 0; i < v->size; i++)
                buf_printf(out, "%02X", bytes[i]);
}

static void put_data(struct buf *out, const struct value *v, const char *separator)
{
        const char *text;
        uint64_t number;
        size_t len;

        if (!value_decodes(v))
                put_bytes(out, v);
        else if (v->type == REG_MULTI_SZ)
                put_list(out, v, separator ? separator : "\\0");
        else if (value_get_string(v, &text, &len) == 0)
                utf8_put_safe(out, text, len);
        else if (value_get_u64(v, &number) == 0)
                buf_printf(out, "0x%" PRIx64, number);
        else
                put_bytes(out, v);
}

/* reg.exe calls the default value so. */
static const char *shown_name(const char *name)
{
        return name[0] ? name : "(Default)";
}

static void put_type(struct buf *out, const char *name, uint32_t type, const struct reg_exe_style *style)
{
        name = shown_name(name);
        utf8_put_safe(out, name, strlen(name));
        buf_printf(out, "%s%s", style->between, value_type_symbol(type));
        if (style->numbered)
                buf_printf(out, " (%" PRIu32 ")", type);
        buf_puts(out, style->between);
}

void reg_exe_put_value(
        struct buf *out, const char *name, const struct value *v, const struct reg_exe_style *style)
{
        put_type(out, name, v->type, style);
        put_data(out, v, style->separator);
}

void reg_exe_put_path(struct buf *out, const char *path)
{
        size_t hive = strcspn(path, "\\"), len = strlen(path);
        const char *root = path_root_of_hive(path, hive);

        if (root)
                buf_puts(out, root);
        utf8_put_safe(out, path + (root ? hive : 0), len - (root ? hive : 0));
}

static void put_key(struct query *q, const char *below)
{
        struct buf *out = &q->s->out;

        buf_puts(out, q->begun ? "" : "\n");
        reg_exe_put_path(out, q->key.data);
        if (below)
                utf8_put_between(out, "\\", below, "");
        buf_putc(out, '\n');
        q->begun = q->open = true;
}

/* ---- What is asked for ---- */

/* A text is looked for anywhere, unless the whole must be it; only `*` and `?` mean something. */
static void make_pattern(struct buf *out, const struct reg_options *o)
{
        buf_puts(out, o->exactly ? "" : "*");
        for (const char *c = o->find; *c; c++)
                if (*c == '[')
                        buf_puts(out, "[[]");
                else
                        buf_putc(out, *c);
        buf_puts(out, o->exactly ? "" : "*");
}

static bool is_found(const struct query *q, const char *text)
{
        int flags = FNM_NOESCAPE | (q->s->options.case_sensitive ? 0 : FNM_CASEFOLD);

        return fnmatch(buf_str(&q->pattern), text, flags) == 0;
}

static bool looks_everywhere(const struct query *q)
{
        return !q->s->options.in_keys && !q->s->options.in_data;
}

static bool key_is_found(const struct query *q, const char *name)
{
        return q->pattern.len > 0 && !q->name && !q->has_type &&
               (q->s->options.in_keys || looks_everywhere(q)) && is_found(q, name);
}

static bool value_is_wanted(const struct query *q, const char *name, uint32_t type, const char *data)
{
        if (q->name && !fold_same(q->name, name))
                return false;
        if (q->has_type && type != q->type)
                return false;
        if (q->pattern.len == 0)
                return true;
        return (looks_everywhere(q) && is_found(q, shown_name(name))) ||
               ((q->s->options.in_data || looks_everywhere(q)) && is_found(q, data));
}

static bool is_search(const struct query *q)
{
        return q->name || q->pattern.len > 0 || q->has_type;
}

/* ---- The way down ---- */

static int show_key(struct query *q, size_t level);

static int put_values(struct query *q, struct listing *l, struct buf *out)
{
        _cleanup_entry_ struct entry e = { 0 };
        _cleanup_buf_ struct buf data = BUF_INIT;
        int r;

        while ((r = listing_next(l, &e)) > 0) {
                const struct value v = entry_value(&e);
                buf_clear(&data);
                put_data(&data, &v, q->style.separator);
                if (!value_is_wanted(q, e.name, e.type, buf_str(&data)))
                        continue;
                buf_puts(out, COLUMN);
                reg_exe_put_value(out, e.name, &v, &q->style);
                buf_putc(out, '\n');
                q->n++;
        }
        return r < 0 ? session_bad_reply(q->s, r) : EXIT_CODE_OK;
}

static int show_subkey(struct query *q, const char *name, size_t level)
{
        size_t len = q->key.len;
        bool found = key_is_found(q, name);

        if (found || (!is_search(q) && !q->s->options.recursive))
                put_key(q, name);
        q->n += found;
        if (!q->s->options.recursive)
                return EXIT_CODE_OK;
        buf_printf(&q->key, "\\%s", name);
        if (q->key.error)
                return session_fail(q->s, q->key.error, NULL);
        int code = show_key(q, level + 1);
        q->key.len = len;
        q->key.data[len] = '\0';
        /* Gone since its parent was listed. */
        return code == EXIT_CODE_NOT_FOUND ? EXIT_CODE_OK : code;
}

/* As deep as a path may be: PATH_DEPTH_MAX calls. */
static int show_key(struct query *q, size_t level)
{
        _cleanup_listing_ struct listing l = { 0 };
        _cleanup_buf_ struct buf values = BUF_INIT;

        int code = listing_read(q->s, q->key.data, &l);
        if (code == EXIT_CODE_OK)
                code = put_values(q, &l, &values);
        if (code == EXIT_CODE_OK && (values.len > 0 || (level > 0 && !is_search(q)))) {
                put_key(q, NULL);
                buf_add(&q->s->out, values.data, values.len);
                buf_putc(&q->s->out, '\n');
                q->open = false;
        }
        /* A link leads anywhere, be it up. */
        q->s->options.no_follow = true;
        for (const char **name = l.subkeys; code == EXIT_CODE_OK && *name; name++)
                code = show_subkey(q, *name, level);
        return code == EXIT_CODE_OK && q->s->out.len > FLUSH_BYTES ? session_flush(q->s) : code;
}

/* ---- The command ---- */

/* Only where it was asked for alone; keys that have none are no find. */
static bool shows_unset(const struct query *q)
{
        const struct reg_options *o = &q->s->options;

        return q->n == 0 && o->default_value && !o->recursive && q->pattern.len == 0 && !q->has_type;
}

static int end_search(struct query *q)
{
        const struct reg_options *o = &q->s->options;
        _cleanup_buf_ struct buf path = BUF_INIT;

        if (shows_unset(q)) {
                put_key(q, NULL);
                buf_puts(&q->s->out, COLUMN);
                put_type(&q->s->out, "", REG_SZ, &q->style);
                buf_puts(&q->s->out, "(value not set)\n\n");
                return EXIT_CODE_OK;
        }
        if (o->find || (q->name && o->recursive)) {
                if (q->open || !q->begun)
                        buf_putc(&q->s->out, '\n');
                buf_printf(&q->s->out, "End of search: %zu match(es) found.\n", q->n);
                int code = session_flush(q->s);
                return code == EXIT_CODE_OK && q->n == 0 ? EXIT_CODE_NOT_FOUND : code;
        }
        if (q->n > 0 || !q->name)
                return EXIT_CODE_OK;
        words_format_key(&path, q->key.data);
        return session_error(q->s, EXIT_CODE_NOT_FOUND, "%s: no value '%s' is set", buf_str(&path),
                path_word_of_value_name(q->name));
}

/* The same, as the other commands have it. */
static int query_json(struct session *s, const char *name)
{
        struct reg_options *o = &s->options;

        if (o->find || o->type || o->numbered || (name && o->recursive))
                return session_error(s, EXIT_CODE_USAGE,
                        "query: --json is for a key, with or without /s, or for one value: tree --json has all");
        if (name)
                return read_value(s, s->line.words[0], name);
        o->values = true;
        return o->recursive ? command_tree(s) : command_ls(s);
}

static int read_options(struct query *q)
{
        const struct reg_options *o = &q->s->options;

        if (o->type && value_type_parse(o->type, strlen(o->type), &q->type) < 0)
                return session_error(q->s, EXIT_CODE_USAGE,
                        "/t: there is no type '%s', expected one like REG_SZ", o->type);
        q->has_type = o->type;
        if (!o->find && (o->in_keys || o->in_data || o->case_sensitive || o->exactly))
                return session_error(q->s, EXIT_CODE_USAGE,
                        "query: /k, /d, /c and /e say how /f looks, which is missing");
        if (o->find)
                make_pattern(&q->pattern, o);
        return q->pattern.error ? session_fail(q->s, q->pattern.error, NULL) : EXIT_CODE_OK;
}

int command_query(struct session *s)
{
        _cleanup_path_ struct path path = { 0 };
        struct query q = { .s = s, .style = { COLUMN, s->options.separator, s->options.numbered } };

        int code = reg_exe_value(s, &q.name);
        if (code == EXIT_CODE_OK && s->options.json)
                return query_json(s, q.name);
        if (code == EXIT_CODE_OK)
                code = read_options(&q);
        if (code == EXIT_CODE_OK)
                code = session_path(s, s->line.words[0], &path);
        if (code == EXIT_CODE_OK) {
                buf_add(&q.key, path.text, path.len);
                code = q.key.error ? session_fail(s, q.key.error, NULL) : show_key(&q, 0);
        }
        if (code == EXIT_CODE_OK)
                code = end_search(&q);
        buf_done(&q.key);
        buf_done(&q.pattern);
        return code;
}
