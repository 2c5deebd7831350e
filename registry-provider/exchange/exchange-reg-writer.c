/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Written as .reg, so that those read it for whom it is: a blank line before each key and at the end, eight
 * digits in a dword, nothing in a line but the value, and as hex whatever they would misread as a text. */
#include "exchange-writer.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define LINE_MAX_BYTES 77u /* of hex, as regedit breaks it */

/* ---- Text ---- */

static bool is_v4(const struct exchange_writer *w)
{
        return w->how.variant == EXCHANGE_REGEDIT4;
}

static const char *code_page(const struct exchange_writer *w)
{
        return w->how.encoding ? w->how.encoding : EXCHANGE_ANSI;
}

int exchange_reg_open(struct exchange_writer *w, struct diag *d)
{
        const char *to = is_v4(w) ? code_page(w) : EXCHANGE_UTF16;
        int r = exchange_codec_open(&w->codec, to, "UTF-8");
        if (r == -EINVAL)
                return diag_set(
                        d, EINVAL, "encoding `%s` is not known here, expected a name from `iconv -l`", to);
        return r;
}

void exchange_reg_close(struct exchange_writer *w)
{
        exchange_codec_close(&w->codec);
        buf_done(&w->line);
        buf_done(&w->data);
        buf_done(&w->comment);
        buf_done(&w->comment_text);
        buf_done(&w->last_text);
        free(w->last.ends);
}

/* That it can be converted was seen before. */
static void convert(struct exchange_writer *w, const struct buf *line, struct buf *out)
{
        if (w->how.variant == EXCHANGE_UTF8 || w->how.variant == EXCHANGE_ASCII)
                buf_add(out, buf_str(line), line->len);
        else
                (void)exchange_codec_convert(&w->codec, buf_str(line), line->len, out);
        if (line->error || w->data.error)
                out->error = -ENOMEM;
}

static const char *line_end(const struct exchange_writer *w)
{
        return w->how.variant == EXCHANGE_WINDOWS || is_v4(w) ? "\r\n" : "\n";
}

/* The line goes out, and is empty then. */
static void end_line(struct exchange_writer *w)
{
        buf_puts(&w->line, line_end(w));
        convert(w, &w->line, w->out);
        buf_clear(&w->line);
}

/* A failure of memory is kept until the line is written. */
static void clear_data(struct exchange_writer *w)
{
        int error = w->data.error;

        buf_clear(&w->data);
        w->data.error = error;
}

/* Whether it can stand in a text of this variant. */
static bool is_sayable(struct exchange_writer *w, const char *s, size_t n)
{
        const uint8_t max = w->how.variant == EXCHANGE_ASCII ? 0x7e : 0xff;
        uint8_t bad = 0;

        /* Without a way out, so that the compiler takes many at once. */
        for (size_t i = 0; i < n; i++) {
                const uint8_t c = (uint8_t)s[i];
                bad |= (uint8_t)((c < 0x20) | (c == 0x7f) | (c > max));
        }
        if (bad || !is_v4(w))
                return !bad;
        clear_data(w);
        return exchange_codec_convert(&w->codec, s, n, &w->data);
}

static int check_sayable(
        struct exchange_writer *w, const char *what, const char *s, size_t n, struct diag *d)
{
        _cleanup_buf_ struct buf shown = BUF_INIT;

        if (is_sayable(w, s, n))
                return 0;
        utf8_put_safe(&shown, s, n);
        return diag_set(d, EINVAL, "%s `%s`: has a character that this kind of .reg cannot hold in a name",
                what, buf_str(&shown));
}

void exchange_reg_begin(struct exchange_writer *w)
{
        if (w->how.variant == EXCHANGE_WINDOWS)
                buf_add(w->out, "\xff\xfe", 2);
        buf_puts(&w->line, is_v4(w) ? "REGEDIT4" : "Windows Registry Editor Version 5.00");
        end_line(w);
}

static void make_comment(struct exchange_writer *w, const char *text)
{
        _cleanup_buf_ struct buf line = BUF_INIT;

        buf_clear(&w->comment_text);
        buf_puts(&w->comment_text, text);
        buf_clear(&w->comment);
        buf_puts(&line, "; ");
        utf8_put_safe(&line, text, strlen(text));
        const bool plain = is_sayable(w, buf_str(&line), line.len);
        for (size_t i = 0; !plain && i < line.len; i++)
                if ((uint8_t)line.data[i] >= 0x80)
                        line.data[i] = '?';
        buf_puts(&line, line_end(w));
        convert(w, &line, &w->comment);
        if (w->comment_text.error)
                w->comment.error = w->comment_text.error;
}

/* For hivexregedit a comment ends the values of a key. */
void exchange_reg_comment(struct exchange_writer *w, const char *text)
{
        if (w->how.variant == EXCHANGE_ASCII && w->any)
                return;
        if (w->comment.len == 0 || strcmp(buf_str(&w->comment_text), text) != 0)
                make_comment(w, text);
        buf_add(w->out, buf_str(&w->comment), w->comment.len);
        if (w->comment.error)
                w->out->error = w->comment.error;
}

/* ---- Keys ---- */

static const struct exchange_root known_roots[] = {
        { "HKEY_LOCAL_MACHINE", DEFAULT_HIVE },
        { "HKEY_USERS", "Users" },
};

static const char *find_root(
        const struct exchange_root *roots, size_t n, const struct path *path, size_t *ret_taken)
{
        for (size_t i = 0; i < n; i++) {
                size_t len = strlen(roots[i].path);
                bool ends = path->len >= len && (path->text[len] == '\\' || path->text[len] == '\0');
                if (!ends || !fold_equal(path->text, len, roots[i].path, len))
                        continue;
                *ret_taken = len;
                return roots[i].name;
        }
        return NULL;
}

static void put_path(struct exchange_writer *w, const struct path *path)
{
        size_t taken = 0;
        const char *root = find_root(w->how.roots, w->how.n_roots, path, &taken);

        if (!root)
                root = find_root(known_roots, ARRAY_SIZE(known_roots), path, &taken);
        if (root)
                buf_puts(&w->line, root);
        buf_puts(&w->line, path->text + taken);
}

static void put_key(struct exchange_writer *w, const char *bracket, const struct path *path)
{
        end_line(w);
        buf_puts(&w->line, bracket);
        put_path(w, path);
        buf_putc(&w->line, ']');
        end_line(w);
}

/* `] ;` would be the end of the key and a comment, or part of the name. */
static bool has_end(const char *s)
{
        for (const char *at = strchr(s, ']'); at; at = strchr(at + 1, ']'))
                if (at[1 + strspn(at + 1, " \t")] == ';')
                        return true;
        return false;
}

static int check_path(struct exchange_writer *w, const struct path *path, struct diag *d)
{
        size_t len;
        const char *second = path->n > 1 ? path_component(path, 1, &len) : NULL;

        if (second && path_is_root(second, len))
                return diag_set(d, EINVAL,
                        "key `%s`: the name of a root inside a path is always taken for a mistake",
                        path->text);
        if (has_end(path->text))
                return diag_set(d, EINVAL,
                        "key `%s`: `]` and `;` in a name, which .reg readers take for its end", path->text);
        return check_sayable(w, "key", path->text, path->len, d);
}

static int remember(struct exchange_writer *w, const struct path *path)
{
        uint16_t *ends = reallocarray(w->last.ends, path->n, sizeof(*ends));
        if (!ends)
                return -ENOMEM;
        w->last.ends = ends;
        memcpy(ends, path->ends, path->n * sizeof(*ends));
        buf_clear(&w->last_text);
        buf_add(&w->last_text, path->text, path->len);
        w->last.text = w->last_text.data;
        w->last.len = path->len;
        w->last.n = path->n;
        return w->last_text.error;
}

/* hivexregedit makes no keys on the way. */
static int put_parents(struct exchange_writer *w, const struct path *path)
{
        for (size_t i = 1; i + 1 < path->n; i++) {
                struct path up = { .n = i + 1, .len = path->ends[i], .ends = path->ends };
                if (w->last.n > 0 && w->last.n > i &&
                        fold_equal(path->text, up.len, w->last.text, w->last.ends[i]))
                        continue;
                _cleanup_free_ char *text = strndup(path->text, up.len);
                if (!text)
                        return -ENOMEM;
                up.text = text;
                put_key(w, "[", &up);
        }
        return remember(w, path);
}

int exchange_reg_key(struct exchange_writer *w, const struct hive_key *key, struct diag *d)
{
        if (key->hidden || key->blanket || (key->is_link && !w->how.as_hex))
                return diag_set(d, EINVAL, "key `%s`: %s, for which .reg has no word", key->path.text,
                        key->hidden    ? "hidden"
                        : key->blanket ? "has a blanket"
                                       : "a link");
        int r = check_path(w, &key->path, d);
        if (r == 0 && w->how.variant == EXCHANGE_ASCII && key->made)
                r = put_parents(w, &key->path);
        if (r < 0)
                return r;
        if (key->deleted)
                put_key(w, "[-", &key->path);
        if (key->made)
                put_key(w, "[", &key->path);
        return 0;
}

/* ---- Values ---- */

static void put_quoted(struct exchange_writer *w, const char *s, size_t n)
{
        size_t from = 0; /* what goes out in one piece */
        const bool is_plain = !memchr(s, '"', n) && !memchr(s, '\\', n);

        buf_putc(&w->line, '"');
        for (size_t i = 0; !is_plain && i < n; i++)
                if (s[i] == '"' || s[i] == '\\') {
                        buf_add(&w->line, s + from, i - from);
                        buf_putc(&w->line, '\\');
                        from = i;
                }
        buf_add(&w->line, s + from, n - from);
        buf_putc(&w->line, '"');
}

static void put_hex(struct exchange_writer *w, uint32_t type, const char *data, size_t n)
{
        buf_puts(&w->line, "hex");
        if (type != REG_BINARY)
                buf_printf(&w->line, "(%" PRIx32 ")", type);
        buf_putc(&w->line, ':');
        size_t column = w->line.len;
        for (size_t i = 0; i < n; i++) {
                if (column > LINE_MAX_BYTES - 3 && i > 0) {
                        buf_printf(&w->line, "\\%s  ", line_end(w));
                        column = 2;
                }
                number_format_hex(&w->line, data + i, 1);
                if (i + 1 < n)
                        buf_putc(&w->line, ',');
                column += 3;
        }
}

/* Into w->data, in the encoding that the version of the text prescribes. False: it has none. */
static bool encode(struct exchange_writer *w, const char *s, size_t n, size_t nuls)
{
        bool good = exchange_codec_convert(&w->codec, s, n, &w->data);
        for (size_t i = 0; i < nuls; i++)
                good = exchange_codec_convert(&w->codec, "", 1, &w->data) && good;
        return good;
}

/* False where it is no text, or one that the code page lacks. */
static bool put_text(struct exchange_writer *w, const struct value *v)
{
        const char *s;
        size_t len;

        if (value_get_string(v, &s, &len) < 0)
                return false;
        if (v->type == REG_SZ && len == v->size && is_sayable(w, s, len)) {
                put_quoted(w, s, len);
                return true;
        }
        clear_data(w);
        if (!encode(w, s, len, v->size - len + 1))
                return false;
        put_hex(w, v->type, w->data.data, w->data.len);
        return true;
}

static bool put_list(struct exchange_writer *w, const struct value *v)
{
        const char *s;
        size_t i = 0, len;
        int r;

        clear_data(w);
        while ((r = value_next_string(v, &i, &s, &len)) > 0)
                if (!encode(w, s, len, 1))
                        return false;
        if (r < 0 || !encode(w, "", 0, 1))
                return false;
        put_hex(w, v->type, w->data.data, w->data.len);
        return true;
}

static bool put_data(struct exchange_writer *w, const struct value *v)
{
        uint32_t n;

        switch (v->type) {
        case REG_SZ:
        case REG_EXPAND_SZ:
                return put_text(w, v);
        case REG_MULTI_SZ:
                return put_list(w, v);
        case REG_DWORD:
                if (value_get_u32(v, &n) < 0)
                        return false;
                buf_printf(&w->line, "dword:%08" PRIx32, n);
                return true;
        case REG_DWORD_BIG_ENDIAN:
        case REG_QWORD:
                if (!value_decodes(v))
                        return false;
                break;
        case REG_LINK:
        case REG_TOMBSTONE:
                return false;
        default:
                break;
        }
        put_hex(w, v->type, v->data, v->size);
        return true;
}

static void put_name(struct exchange_writer *w, const char *name)
{
        if (name[0] == '\0')
                buf_putc(&w->line, '@');
        else
                put_quoted(w, name, strlen(name));
        buf_putc(&w->line, '=');
}

static int refuse(const struct hive_value *value, struct diag *d)
{
        uint32_t type = value->value.type;
        const char *why = type == REG_TOMBSTONE ? "a tombstone, for which .reg has no word"
                          : type == REG_LINK    ? "a link, for which .reg has no word"
                          : value_is_text(type)
                                  ? "is not text that this kind of .reg can hold, expected REG_BINARY"
                                  : "has not the length of its type, expected REG_BINARY";

        return diag_set(d, EINVAL, "value `%s` of type %s: %s", path_word_of_value_name(value->name),
                value->value.type == REG_TOMBSTONE ? "REG_TOMBSTONE" : value_type_symbol(type), why);
}

int exchange_reg_value(
        struct exchange_writer *w, const struct hive_value *value, const char *from, struct diag *d)
{
        const struct value *v = &value->value;
        int r = check_sayable(w, "value", value->name, strlen(value->name), d);
        if (r < 0)
                return r;
        put_name(w, value->name);
        if (value->deleted)
                buf_putc(&w->line, '-');
        else if (!put_data(w, v)) {
                buf_clear(&w->line);
                if (!w->how.as_hex || v->type == REG_TOMBSTONE)
                        return refuse(value, d);
                put_name(w, value->name);
                put_hex(w, REG_BINARY, v->data, v->size);
        }
        if (from)
                exchange_reg_comment(w, from);
        end_line(w);
        return 0;
}

void exchange_reg_end(struct exchange_writer *w)
{
        end_line(w);
}
