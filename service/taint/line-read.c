/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a line that was found means, and the modules of a list. */

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "../../schema/base/macro.h"
#include "line.h"

struct taint_kernel taint_line_context(const struct taint_line *line, const struct taint_kernel *context)
{
        struct taint_kernel c = *context;

        if (line->release_len == 0)
                return c;
        if (c.version == 0)
                c.version = taint_version_parse(line->release, line->release_len);
        if (c.distro == TAINT_ANY)
                c.distro = taint_distro_of_release(line->release, line->tail_len);
        return c;
}

/* One `[W]=WARN`. Returns where the next may start. */
static const char *read_name(
        const char *p, const char *end, const struct taint_kernel *context, struct taint_reading *r)
{
        const char *open = memchr(p, '[', (size_t)(end - p));

        if (!open || end - open < 4)
                return end;
        if (open[2] != ']' || open[3] != '=' || !isalpha((unsigned char)open[1]))
                return open + 1;
        const char *name = open + 4;
        p = name;
        while (p < end && (isupper((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '_'))
                p++;
        taint_read_symbol(open[1], name, (size_t)(p - name), context, r);
        return p;
}

bool taint_line_read(
        const struct taint_line *line, const struct taint_kernel *context, struct taint_reading *r)
{
        struct taint_kernel c = taint_line_context(line, context);

        switch (line->kind) {
        case TAINT_LINE_LETTERS:
                taint_read_letters(line->field, line->field_len, &c, line->wrapped, r);
                return true;
        case TAINT_LINE_NAMES:
                for (const char *p = line->names, *end = p + line->names_len; p < end;)
                        p = read_name(p, end, &c, r);
                return true;
        case TAINT_LINE_NUMBER:
                taint_read_mask(line->number, &c, r);
                return true;
        case TAINT_LINE_CLEAN:
                return true;
        case TAINT_LINE_NONE:
        case TAINT_LINE_XEN:
        case TAINT_LINE_UNREADABLE:
                break;
        }
        return false;
}

static bool is_name_char(char c)
{
        return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* `(OE)`, `(PO+)`: letters, then at most the mark of a module that comes or goes. */
static size_t letters_in(const char *p, const char *end)
{
        size_t n = 0;

        while (p + n < end && n < TAINT_UPSTREAM_BITS && isalpha((unsigned char)p[n]))
                n++;
        const char *close = p + n;
        if (close < end && (*close == '+' || *close == '-'))
                close++;
        return close < end && *close == ')' ? n : 0;
}

static bool all_letters_known(const char *s, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!isupper((unsigned char)s[i]) && !taint_is_letter(s[i]))
                        return false;
        return n > 0;
}

/* What a terminal was sent with the name, `ESC[0;31m`, would be a part of it. Returns where the name itself
 * begins. */
static const char *behind_escape(const char *start, const char *name, const char *end)
{
        const char *begin = name, *p = name;

        while (begin > start && (isdigit((unsigned char)begin[-1]) || begin[-1] == ';'))
                begin--;
        if (begin - start < 2 || memcmp(begin - 2, "\x1b[", 2) != 0)
                return name;
        while (p < end && isdigit((unsigned char)*p))
                p++;
        return p + 1 < end && isalpha((unsigned char)*p) ? p + 1 : name;
}

bool taint_module_next(const char *text, size_t n, size_t *at, struct taint_module *ret)
{
        const char *end = text + n, *p = text + *at;

        for (const char *open; (open = memchr(p, '(', (size_t)(end - p))); p = open + 1) {
                const char *name = open;
                while (name > text + *at && is_name_char(name[-1]))
                        name--;
                size_t letters = letters_in(open + 1, end);
                if (name == open || !all_letters_known(open + 1, letters))
                        continue;
                name = behind_escape(text + *at, name, open);
                *ret = (struct taint_module){ name, (size_t)(open - name), open + 1, letters };
                *at = (size_t)(open + 1 + letters - text);
                return true;
        }
        *at = n;
        return false;
}

bool taint_module_names(const char *line, size_t n)
{
        const char *mark = memmem(line, n, "] ", 2), *end = line + n;

        if (!mark)
                mark = memmem(line, n, "l: ", 3);
        for (const char *p = mark ? mark + 2 : line; p < end; p++)
                if (!isalnum((unsigned char)*p) && !strchr("_()+-> ", *p))
                        return false;
        return true;
}

/* name size references users state address (letters) */
static bool proc_modules_line(const char *line, size_t n, struct taint_module *ret)
{
        static const char *const states[] = { " Live 0x", " Loading 0x", " Unloading 0x" };
        const char *state = NULL, *end = line + n;

        for (size_t i = 0; i < ARRAY_SIZE(states) && !state; i++)
                state = memmem(line, n, states[i], strlen(states[i]));
        if (!state)
                return false;
        const char *open = memchr(state, '(', (size_t)(end - state)), *name = line;
        while (name < state && !is_name_char(*name))
                name++;
        size_t length = 0, letters = open ? letters_in(open + 1, end) : 0;
        while (name + length < state && is_name_char(name[length]))
                length++;
        if (length == 0 || letters == 0)
                return false;
        *ret = (struct taint_module){ name, length, open + 1, letters };
        return true;
}

/* /sys/module/nvidia/taint:POE */
static bool sysfs_line(const char *line, size_t n, struct taint_module *ret)
{
        static const char prefix[] = "/sys/module/", middle[] = "/taint:";
        const char *p = memmem(line, n, prefix, sizeof(prefix) - 1), *end = line + n;

        if (!p)
                return false;
        const char *name = p + sizeof(prefix) - 1;
        const char *m = memmem(name, (size_t)(end - name), middle, sizeof(middle) - 1);
        if (!m)
                return false;
        const char *letters = m + sizeof(middle) - 1;
        size_t count = 0;
        while (letters + count < end && isalpha((unsigned char)letters[count]))
                count++;
        if (!all_letters_known(letters, count))
                return false;
        *ret = (struct taint_module){ name, (size_t)(m - name), letters, count };
        return true;
}

/* The kernel's own kernel-chktaint: " * dump_test (OE)". */
static bool chktaint_line(const char *line, size_t n, struct taint_module *ret)
{
        const char *end = line + n, *name = line;

        if (n < 2 || line[0] != '*' || line[1] != ' ')
                return false;
        for (name += 2, n = 0; name + n < end && is_name_char(name[n]); n++)
                ;
        const char *open = name + n + 1;
        size_t letters = open < end && open[-1] == ' ' && *open == '(' ? letters_in(open + 1, end) : 0;
        if (n == 0 || letters == 0 || open + letters + 2 != end)
                return false;
        *ret = (struct taint_module){ name, n, open + 1, letters };
        return true;
}

bool taint_module_line(const char *line, size_t n, struct taint_module *ret)
{
        return proc_modules_line(line, n, ret) || sysfs_line(line, n, ret) || chktaint_line(line, n, ret);
}

#define NOTHING '\0' /* what is left out */

/* Of a thing that stands for one character. */
struct meaning {
        size_t n; /* its bytes in the text; 0: it stands for itself */
        char c;
};

static bool begins(const char *p, const char *end, const char *what)
{
        size_t n = strlen(what);
        return (size_t)(end - p) >= n && memcmp(p, what, n) == 0;
}

static int hex_of(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One byte of the text below quoted-printable, which is written `=C2`. Returns how many bytes it takes; 0:
 * the end. */
static size_t byte_at(const char *p, const char *end, bool quoted, uint8_t *ret)
{
        if (p == end)
                return 0;
        *ret = (uint8_t)*p;
        if (!quoted || *p != '=' || end - p < 3)
                return 1;
        int high = hex_of(p[1]), low = hex_of(p[2]);
        if (high < 0 || low < 0)
                return 1;
        *ret = (uint8_t)(high << 4 | low);
        return 3;
}

/* Some mail programs break a line in the middle of such a character. */
static const char *behind_soft_break(const char *p, const char *end)
{
        if (begins(p, end, "=\n"))
                return p + 2;
        return begins(p, end, "=\r\n") ? p + 3 : p;
}

/* Up to three bytes. */
struct sequence {
        uint8_t bytes[3];
        size_t sizes[3]; /* in the text, soft breaks in front included */
        size_t n;
};

static struct sequence sequence_at(const char *p, const char *end, bool quoted)
{
        struct sequence s = { 0 };

        while (s.n < ARRAY_SIZE(s.bytes)) {
                const char *from = quoted && s.n > 0 ? behind_soft_break(p, end) : p;
                size_t n = byte_at(from, end, quoted, &s.bytes[s.n]);
                if (n == 0)
                        break;
                s.sizes[s.n++] = (size_t)(from + n - p);
                p = from + n;
        }
        return s;
}

/* White space of Unicode that has a width, and what has none; Latin-1's no-break space where it is no part
 * of UTF-8. */
static struct meaning space_of(const struct sequence *s)
{
        static const struct {
                uint8_t bytes[3], n, until; /* the last byte may be up to `until` */
                char c;
        } spaces[] = {
                { { 0xc2, 0xa0 }, 2, 0xa0, ' ' },           /* no-break space */
                { { 0xc2, 0xad }, 2, 0xad, NOTHING },       /* soft hyphen */
                { { 0xe2, 0x80, 0x80 }, 3, 0x8a, ' ' },     /* en quad … hair space */
                { { 0xe2, 0x80, 0x8b }, 3, 0x8f, NOTHING }, /* zero width, and marks of direction */
                { { 0xe2, 0x80, 0xaf }, 3, 0xaf, ' ' },     /* narrow no-break space */
                { { 0xe2, 0x81, 0x9f }, 3, 0x9f, ' ' },     /* mathematical space */
                { { 0xe2, 0x81, 0xa0 }, 3, 0xa0, NOTHING }, /* word joiner */
                { { 0xe3, 0x80, 0x80 }, 3, 0x80, ' ' },     /* ideographic space */
                { { 0xef, 0xbb, 0xbf }, 3, 0xbf, NOTHING }, /* byte order mark */
                { { 0xa0 }, 1, 0xa0, ' ' },
        };

        for (size_t i = 0; i < ARRAY_SIZE(spaces); i++) {
                size_t n = spaces[i].n, size = 0;
                if (s->n < n || memcmp(s->bytes, spaces[i].bytes, n - 1) != 0 ||
                        s->bytes[n - 1] < spaces[i].bytes[n - 1] || s->bytes[n - 1] > spaces[i].until)
                        continue;
                for (size_t k = 0; k < n; k++)
                        size += s->sizes[k];
                return (struct meaning){ size, spaces[i].c };
        }
        return (struct meaning){ 0, NOTHING };
}

/* How many bytes the character of UTF-8 has that begins here; 1 where it is none. */
static size_t character_length(const char *p, const char *end)
{
        uint8_t c = (uint8_t)*p;
        size_t n = c >= 0xf0 && c < 0xf5 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc2 && c < 0xe0 ? 2 : 1;

        for (size_t i = 1; i < n; i++)
                if (p + i >= end || ((uint8_t)p[i] & 0xc0) != 0x80)
                        return 1;
        return n;
}

/* `&nbsp;`, `&#160;`, `&#xA0;`, `&gt;`. */
static struct meaning entity_at(const char *p, const char *end)
{
        static const struct {
                const char *text;
                char c;
        } entities[] = { { "&nbsp;", ' ' }, { "&#160;", ' ' }, { "&#xa0;", ' ' }, { "&#xA0;", ' ' },
                { "&ensp;", ' ' }, { "&emsp;", ' ' }, { "&thinsp;", ' ' }, { "&#32;", ' ' }, { "&lt;", '<' },
                { "&gt;", '>' }, { "&amp;", '&' }, { "&quot;", '"' }, { "&apos;", '\'' }, { "&#39;", '\'' },
                { "&#43;", '+' }, { "&#61;", '=' }, { "&#45;", '-' }, { "&#8203;", NOTHING },
                { "&shy;", NOTHING } };

        for (size_t i = 0; i < ARRAY_SIZE(entities); i++)
                if (begins(p, end, entities[i].text))
                        return (struct meaning){ strlen(entities[i].text), entities[i].c };
        return (struct meaning){ 0, NOTHING };
}

/* Of a web page. The kernel's own words in such brackets are others: `<4>`, `<IRQ>`, `<TASK>`, an address.
 */
static struct meaning tag_at(const char *p, const char *end)
{
        static const char *const tags[] = { "br", "p", "pre", "span", "div", "font", "b", "i", "tt", "code",
                "a", "td", "tr" };
        const char *name = p + 1 < end && p[1] == '/' ? p + 2 : p + 1;

        for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
                const char *behind = name + strlen(tags[i]);
                if (!begins(name, end, tags[i]) || behind == end || !strchr(" />", *behind))
                        continue;
                const char *close = memchr(behind, '>', (size_t)(end - behind));
                if (close)
                        return (struct meaning){ (size_t)(close + 1 - p), NOTHING };
        }
        return (struct meaning){ 0, NOTHING };
}

/* Extended netconsole sends a long line in pieces, each under the head of the first:
 * `6,416,1758426,-,ncfrag=16/33;`. Returns how long the head of a further piece is; 0 where none begins
 * here. */
static size_t fragment_at(const char *p, const char *end)
{
        static const char mark[] = "ncfrag=";
        const char *begin = p;

        while (p < end && (isdigit((unsigned char)*p) || *p == ',' || *p == '-' || *p == 'c'))
                p++;
        if (!begins(p, end, mark) || p == begin || p[strlen(mark)] == '0')
                return 0;
        for (p += strlen(mark); p < end && (isdigit((unsigned char)*p) || *p == '/'); p++)
                ;
        return p < end && *p == ';' ? (size_t)(p + 1 - begin) : 0;
}

static struct meaning meaning_of(const char *p, const char *end, bool quoted)
{
        if (*p == '&')
                return entity_at(p, end);
        if (*p == '<')
                return tag_at(p, end);
        if (*p == '\n' && fragment_at(p + 1, end) > 0)
                return (struct meaning){ 1 + fragment_at(p + 1, end), NOTHING };
        if (*p == '\f' || *p == '\v')
                return (struct meaning){ 1, ' ' };
        if ((uint8_t)*p < 0x80 && (!quoted || *p != '='))
                return (struct meaning){ 0, NOTHING };
        if (quoted && behind_soft_break(p, end) != p)
                return (struct meaning){ (size_t)(behind_soft_break(p, end) - p), NOTHING };
        struct sequence s = sequence_at(p, end, quoted);
        struct meaning m = space_of(&s);
        if (m.n == 0 && s.n > 0 && s.sizes[0] == 3)
                m = (struct meaning){ 3, (char)s.bytes[0] };
        return m;
}

/* Whether the text there is quoted-printable: a kernel's line has no `=20`, and no `=` at its end. */
static bool is_quoted(const char *p, const char *end)
{
        static const char *const marks[] = { "=C2=A0", "=20", "=3D", "=09", "=A0", "=E2=80" };

        for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
                if (memmem(p, (size_t)(end - p), marks[i], strlen(marks[i])))
                        return true;
        return false;
}

static const char *line_start(const char *text, const char *at)
{
        size_t before = (size_t)(at - text) < TAINT_PLAIN_BEFORE ? (size_t)(at - text) : TAINT_PLAIN_BEFORE;
        const char *newline = memrchr(at - before, '\n', before);

        return newline ? newline + 1 : at - before;
}

/* The end of the last line that is looked at. */
static const char *text_end(const char *text, size_t n, const char *at)
{
        size_t left = (size_t)(text + n - at);
        const char *limit = at + (left < TAINT_PLAIN_BEHIND ? left : TAINT_PLAIN_BEHIND);

        for (unsigned lines = 0; at < limit && lines < TAINT_PLAIN_LINES; lines++) {
                const char *newline = memchr(at, '\n', (size_t)(limit - at));
                at = newline ? newline + 1 : limit;
        }
        return at;
}

static bool ends_softly(const char *text, const char *line)
{
        return line - text >= 3 && line[-1] == '\n' && line[-2] == '=' && line[-3] != '=';
}

static void put(struct taint_plain *ret, const char *p, size_t n)
{
        if (n > sizeof(ret->text) - ret->n)
                n = sizeof(ret->text) - ret->n;
        memcpy(ret->text + ret->n, p, n);
        ret->n += n;
}

void taint_plain_read(const char *text, size_t n, size_t at, struct taint_plain *ret)
{
        const char *here = text + at, *end = text_end(text, n, here), *p = line_start(text, here);
        bool quoted = is_quoted(p, end);

        if ((quoted && ends_softly(text, p)) || (p > text && p[-1] == '\n' && fragment_at(p, end) > 0))
                p = line_start(text, p - 1);
        ret->n = ret->at = 0;
        while (p < end && ret->n < sizeof(ret->text)) {
                if (p <= here)
                        ret->at = ret->n;
                struct meaning m = meaning_of(p, end, quoted);
                size_t length = m.n > 0 ? m.n : character_length(p, end);
                if (m.n == 0)
                        put(ret, p, length);
                else if (m.c != NOTHING)
                        put(ret, &m.c, 1);
                p += length;
        }
}
