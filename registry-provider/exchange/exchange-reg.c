/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A .reg text, line by line: the header, keys, and the names of values. */
#include "exchange-reg.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../../schema/yaml/yaml.h"

#define HEADERS "`Windows Registry Editor Version 5.00` or `REGEDIT4`"

/* ---- The text, byte by byte ---- */

char exchange_reg_peek(const struct exchange_reg *r)
{
        return exchange_reg_at_line_end(r) ? '\0' : r->s[r->here.at];
}

bool exchange_reg_at_line_end(const struct exchange_reg *r)
{
        return exchange_reg_at_end(r) || r->s[r->here.at] == '\n' || r->s[r->here.at] == '\r';
}

void exchange_reg_skip_blanks(struct exchange_reg *r)
{
        while (exchange_reg_peek(r) == ' ' || exchange_reg_peek(r) == '\t')
                r->here.at++;
}

void exchange_reg_skip_to_line_end(struct exchange_reg *r)
{
        while (!exchange_reg_at_line_end(r))
                r->here.at++;
}

void exchange_reg_next_line(struct exchange_reg *r)
{
        const char *s = r->s + r->here.at;
        size_t left = r->size - r->here.at;

        r->here.at += left >= 3 && memcmp(s, "\r\r\n", 3) == 0 ? 3
                      : left >= 2 && memcmp(s, "\r\n", 2) == 0 ? 2
                                                               : 1;
        r->here.start = r->here.at;
        r->here.line++;
}

int exchange_reg_bad(struct exchange_reg *r, const struct exchange_reg_place *at, const char *format, ...)
{
        char text[sizeof(r->diag.text)];
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        return diag_set(&r->diag, EINVAL, "%s:%u:%zu: %s", r->name, at->line,
                utf8_count(r->s + at->start, at->at - at->start) + 1, text);
}

/* An escape, or a backslash that could be half of one. */
static int take_escape(struct exchange_reg *r)
{
        const struct exchange_reg_place start = r->here;

        r->here.at++;
        char c = exchange_reg_peek(r);
        if (c == '\\' || c == '"') {
                buf_putc(&r->word, c);
                r->here.at++;
                return 0;
        }
        return exchange_reg_bad(r, &start,
                "a single backslash in a text, expected `\\\\` for a "
                "backslash or `\\\"` for a quotation mark");
}

static bool is_plain(char c)
{
        return (uint8_t)c >= 0x20 && (uint8_t)c < 0x80 && c != '"' && c != '\\';
}

/* Those that are plain, or one. */
static int take_characters(struct exchange_reg *r)
{
        const char *s = r->s + r->here.at;
        size_t left = r->size - r->here.at, len = 0;
        uint32_t c = ' ';

        while (len < left && is_plain(s[len]))
                len++;
        if (len == 0)
                len = utf8_decode(s, left, &c);
        if (len > 0 && c != 0) {
                buf_add(&r->word, s, len);
                r->here.at += len;
                return 0;
        }
        int e = exchange_reg_bad(r, &r->here,
                len > 0 ? "a NUL in a text, expected none"
                        : "what is no character in a text, expected text");
        r->here.at++;
        return e;
}

int exchange_reg_quoted(struct exchange_reg *r)
{
        const struct exchange_reg_place start = r->here;
        struct diag said;
        int first = 0;

        buf_clear(&r->word);
        r->here.at++;
        while (!exchange_reg_at_end(r) && exchange_reg_peek(r) != '"') {
                int e = 0;
                size_t at = r->here.at;
                if (exchange_reg_at_line_end(r)) { /* Samba writes them raw */
                        exchange_reg_next_line(r);
                        buf_add(&r->word, r->s + at, r->here.at - at);
                        continue;
                }
                e = r->s[at] == '\\' ? take_escape(r) : take_characters(r);
                if (e < 0 && first == 0) {
                        first = e;
                        said = r->diag;
                }
        }
        if (exchange_reg_at_end(r)) {
                r->ran_away = true;
                return exchange_reg_bad(r, &start, "quotes that are not closed, expected a quotation mark");
        }
        r->here.at++;
        if (first < 0)
                r->diag = said;
        return first < 0 ? first : r->word.error;
}

/* ---- Keys ---- */

static bool is_hive(const char *name, size_t len, void *userdata)
{
        const struct exchange_reg *r = userdata;
        for (const char *const *h = r->how->hives; h && *h; h++)
                if (fold_equal(name, len, *h, strlen(*h)))
                        return true;
        return false;
}

/* By the name that the file has, or regedit's long one for it. */
static const char *find_root(const struct exchange_reg *r, const char *name, size_t len)
{
        const char *full = path_root_name(name, len);

        for (size_t i = 0; i < r->how->n_roots; i++) {
                const struct exchange_root *root = &r->how->roots[i];
                if (fold_equal(name, len, root->name, strlen(root->name)) ||
                        (full && strcasecmp(full, root->name) == 0))
                        return root->path;
        }
        return NULL;
}

/* The key that the first component means, into r->word; *ret_taken is how long
 * it is there. */
static int read_root(struct exchange_reg *r, const char *s, size_t n, size_t *ret_taken)
{
        const char *end = memchr(s, '\\', n);
        size_t len = end ? (size_t)(end - s) : n;
        const char *path = find_root(r, s, len);

        *ret_taken = len;
        buf_clear(&r->word);
        if (!path && path_is_root(s, len)) {
                _cleanup_free_ char *copy = strndup(s, len);
                size_t taken;
                if (!copy)
                        return -ENOMEM;
                path = path_root_hive(copy, &taken);
                if (!path)
                        return exchange_reg_bad(r, &r->here,
                                "%s has no counterpart here, expected "
                                "HKEY_LOCAL_MACHINE, HKEY_USERS, or that it is "
                                "said what it means",
                                copy);
                if (strcmp(path, DEFAULT_HIVE) != 0 && !is_hive(path, strlen(path), r))
                        return exchange_reg_bad(r, &r->here,
                                "%s means the hive %s, which is not there, "
                                "expected HKEY_LOCAL_MACHINE",
                                copy, path);
        }
        bool is_own = !path && !fold_equal(s, len, DEFAULT_HIVE, strlen(DEFAULT_HIVE)) &&
                      !fold_equal(s, len, "Users", strlen("Users")) && is_hive(s, len, r);
        if (!path && !is_own)
                return exchange_reg_bad(r, &r->here,
                        "`%s` is no root, expected HKEY_LOCAL_MACHINE or HKEY_USERS first",
                        yaml_show(s, len).text);
        if (path)
                buf_puts(&r->word, path);
        else
                buf_add(&r->word, s, len);
        return 0;
}

static int read_path(struct exchange_reg *r, const char *s, size_t n, struct path *ret)
{
        const char *slash = memchr(s, '/', n);
        size_t taken;

        if (slash)
                return exchange_reg_bad(r, &r->here,
                        "key `%s`: `/` separates keys here and cannot be "
                        "in a name, expected a name without",
                        yaml_show(s, n).text);
        int e = read_root(r, s, n, &taken);
        if (e < 0)
                return e;
        size_t root = r->word.len;
        for (size_t i = taken; i < n;) {
                const char *end = memchr(s + i, '\\', n - i);
                size_t len = end ? (size_t)(end - s) - i : n - i;
                if (len > 0 && r->word.len == root && path_is_root(s + i, len))
                        return exchange_reg_bad(r, &r->here,
                                "the root `%s` inside a path, expected it first, or not at all",
                                yaml_show(s + i, len).text);
                if (len > 0) { /* a separator that is doubled or at the end is forgiven */
                        buf_putc(&r->word, '\\');
                        buf_add(&r->word, s + i, len);
                }
                i += len + 1;
        }
        if (r->word.error)
                return r->word.error;
        struct diag d = { 0 };
        e = path_parse(r->word.data, r->word.len, is_hive, r, ret, &d);
        return e == -ENOMEM || e == 0 ? e : exchange_reg_bad(r, &r->here, "key: %s", d.text);
}

/* Where the key ends in its line: at the last `]`, before a comment. -EINVAL:
 * nowhere, or at two places. */
static int find_key_end(struct exchange_reg *r, const char *s, size_t n, size_t *ret)
{
        const char *last = memrchr(s, ']', n);
        if (!last)
                return exchange_reg_bad(r, &r->here, "a key without its end, expected `]`");
        for (const char *at = memchr(s, ']', n); at != last; at = memchr(at + 1, ']', (size_t)(last - at))) {
                const char *next = at + 1;
                while (*next == ' ' || *next == '\t')
                        next++;
                if (*next == ';')
                        return exchange_reg_bad(r, &r->here,
                                "`]` and `;` before another `]`: a comment, or "
                                "part of the name; expected one `]`");
        }
        *ret = (size_t)(last - s);
        for (size_t i = *ret + 1; i < n && s[i] != ';'; i++)
                if (s[i] != ' ' && s[i] != '\t')
                        return exchange_reg_bad(
                                r, &r->here, "text behind the key, expected the end of the line");
        return 0;
}

static int read_key(struct exchange_reg *r)
{
        const struct exchange_reg_place start = r->here;
        _cleanup_path_ struct path path = { 0 };
        const char *s = r->s + r->here.at + 1;
        size_t n = 0;

        exchange_reg_skip_to_line_end(r);
        size_t len = r->here.at - start.at - 1;
        r->here = start;
        int e = find_key_end(r, s, len, &n);
        bool deleted = n > 0 && e == 0 && s[0] == '-';
        if (e == 0)
                e = read_path(r, s + deleted, n - deleted, &path);
        if (e == 0 && deleted && path.n == 1)
                e = exchange_reg_bad(r, &start, "a hive itself cannot be deleted, expected a key below it");
        r->state = e < 0 ? EXCHANGE_REG_BAD_KEY : deleted ? EXCHANGE_REG_DELETED : EXCHANGE_REG_KEY;
        if (e == 0)
                e = exchange_build_key(&r->build, &path, deleted, start.line,
                        (uint32_t)utf8_count(r->s + start.start, start.at - start.start) + 1);
        exchange_reg_skip_to_line_end(r);
        return e;
}

/* ---- Values ---- */

static int read_name(struct exchange_reg *r)
{
        const struct exchange_reg_place start = r->here;
        struct buf *name = &r->value_name;
        int e = 0;

        buf_clear(name);
        if (exchange_reg_peek(r) == '@')
                r->here.at++;
        else {
                e = exchange_reg_quoted(r);
                buf_add(name, buf_str(&r->word), r->word.len);
        }
        if (e < 0)
                return e;
        exchange_reg_skip_blanks(r);
        if (exchange_reg_peek(r) != '=') {
                r->ran_away = r->here.line != start.line;
                return exchange_reg_bad(
                        r, r->ran_away ? &start : &r->here, "a name without `=`, expected \"name\"=data");
        }
        r->here.at++;
        exchange_reg_skip_blanks(r);
        struct diag d;
        e = path_check_value_name(buf_str(name), name->len, &d);
        return e < 0 ? exchange_reg_bad(r, &start, "%s", d.text) : name->error;
}

static int check_state(struct exchange_reg *r, const struct exchange_reg_place *start)
{
        if (r->state == EXCHANGE_REG_NO_KEY)
                return exchange_reg_bad(r, start, "a value before the first key, expected [key]");
        if (r->state == EXCHANGE_REG_DELETED)
                return exchange_reg_bad(
                        r, start, "a value in a key that is deleted, expected [key] again before it");
        return 0;
}

static int read_value(struct exchange_reg *r)
{
        const struct exchange_reg_place start = r->here;
        uint32_t type;
        bool deleted;

        int e = read_name(r);
        if (e == 0)
                e = exchange_reg_data(r, &type, &deleted);
        if (e == 0)
                e = check_state(r, &start);
        if (e < 0 || r->state == EXCHANGE_REG_BAD_KEY)
                return e;
        return exchange_build_value(&r->build,
                &(struct hive_value){ .name = buf_str(&r->value_name),
                        .value = { .type = type, .data = r->data.data, .size = r->data.len },
                        .deleted = deleted,
                        .line = start.line,
                        .column = (uint32_t)utf8_count(r->s + start.start, start.at - start.start) + 1 });
}

/* ---- Lines ---- */

/* Behind a bad value: what follows of it is skipped, but nothing that can be a
 * line of its own. */
static void recover(struct exchange_reg *r, const struct exchange_reg_place *start)
{
        if (r->ran_away)
                r->here = *start;
        r->ran_away = false;
        if (r->here.line != start->line) {
                struct exchange_reg_place line = r->here;
                line.at = line.start;
                while (line.at < r->size && (r->s[line.at] == ' ' || r->s[line.at] == '\t'))
                        line.at++;
                if (line.at < r->size && strchr("[\"@;#", r->s[line.at]) && r->s[line.at] != '\0') {
                        r->here.at = r->here.start;
                        return;
                }
        }
        for (;;) {
                exchange_reg_skip_to_line_end(r);
                size_t end = r->here.at;
                while (end > r->here.start && (r->s[end - 1] == ' ' || r->s[end - 1] == '\t'))
                        end--;
                bool goes_on = end > r->here.start && r->s[end - 1] == '\\' && !exchange_reg_at_end(r);
                if (!exchange_reg_at_end(r))
                        exchange_reg_next_line(r);
                struct exchange_reg_place line = r->here;
                exchange_reg_skip_blanks(r);
                char c = exchange_reg_peek(r);
                r->here = line;
                if (!goes_on || c == '\0' || strchr("[\"@;#", c))
                        return;
        }
}

static int read_line(struct exchange_reg *r)
{
        const struct exchange_reg_place start = r->here;

        exchange_reg_skip_blanks(r);
        char c = exchange_reg_peek(r);
        int e = 0;
        if (c == ';' || (c == '#' && r->here.at == start.at))
                exchange_reg_skip_to_line_end(r);
        else if (c == '[')
                e = read_key(r);
        else if (c == '"' || c == '@')
                e = read_value(r);
        else if (!exchange_reg_at_line_end(r))
                e = exchange_reg_bad(r, &r->here,
                        "not a line of .reg, expected [key], \"name\"=data, "
                        "@=data or ; comment");
        if (e == -EINVAL) {
                recover(r, &start);
                return diags_add(r->problems, &r->diag);
        }
        if (e == 0) {
                exchange_reg_skip_to_line_end(r);
                if (!exchange_reg_at_end(r))
                        exchange_reg_next_line(r);
        }
        return e;
}

static int read_header(struct exchange_reg *r)
{
        size_t at;
        enum exchange_version version = exchange_version_of(r->s, r->size, &at);

        while (r->here.at < at && !exchange_reg_at_end(r)) {
                if (exchange_reg_at_line_end(r))
                        exchange_reg_next_line(r);
                else
                        r->here.at++;
        }
        if (version == EXCHANGE_NO_HEADER)
                return exchange_reg_bad(r, &r->here, "no header of .reg, expected " HEADERS " first");
        if (version == EXCHANGE_OTHER_VERSION)
                return exchange_reg_bad(r, &r->here, "a version that is not read here, expected " HEADERS);
        r->is_v4 = version == EXCHANGE_V4;
        exchange_reg_skip_to_line_end(r);
        int e = exchange_codec_open(&r->codec, "UTF-8", r->is_v4 ? r->text.code_page : EXCHANGE_UTF16);
        return e == -EINVAL
                       ? exchange_reg_bad(r, &r->here, "encoding `%s` is not known here", r->text.code_page)
                       : e;
}

static int read_text(struct exchange_reg *r, const void *data, size_t size)
{
        int e = exchange_text_decode(r->name, data, size, r->how->encoding, &r->text, &r->diag);
        if (e < 0)
                return e;
        r->s = buf_str(&r->text.text);
        r->size = r->text.text.len;
        e = read_header(r);
        while (e == 0 && !exchange_reg_at_end(r))
                e = read_line(r);
        return e;
}

static void reader_done(struct exchange_reg *r)
{
        exchange_text_done(&r->text);
        exchange_codec_close(&r->codec);
        buf_done(&r->word);
        buf_done(&r->value_name);
        buf_done(&r->bytes);
        buf_done(&r->data);
        exchange_build_done(&r->build);
}

int exchange_reg_read(const char *name, const void *data, size_t size, const struct exchange_reading *how,
        struct hive_file **ret, struct diags *problems)
{
        _cleanup_(reader_done) struct exchange_reg r = {
                .name = name, .how = how, .here = { .line = 1 }, .problems = problems
        };
        size_t before = problems->n_all;
        int e = read_text(&r, data, size);

        if (e == -EINVAL) {
                int added = diags_add(problems, &r.diag);
                return added < 0 ? added : e;
        }
        if (e == 0 && problems->n_all > before && !how->keep_going)
                e = -EINVAL;
        return e < 0 ? e : exchange_build_finish(&r.build, ret);
}
