/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a line that was found means, and the modules of a list. */
#include <ctype.h>
#include <string.h>

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
