/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log-lines.h"

#include <ctype.h>
#include <string.h>

#include "../../schema/base/macro.h"
#include "../../schema/values/value.h"

#define PREFIX_MAX 64u
#define BRACKET_MAX 64u   /* a time, or a task, in front of a line */
#define KERNEL_REACH 128u /* time and host in front of `kernel:` */
#define REPORT 1u
#define PLACE (REPORT | 2u)
#define ACTING 4u
#define WEAK 8u

static const struct {
        unsigned bit;
        const char *reason;
        unsigned flags;
        const char *pattern;
} lines[] = {
#define LOG_LINE(bit, reason, flags, pattern) { bit, reason, flags, pattern },
#include "log-lines.def"
#undef LOG_LINE
};

struct text {
        const char *p, *end;
};

static bool skip(struct text *t, size_t n)
{
        t->p += n;
        return n > 0;
}

static size_t span(const struct text *t, const char *accept)
{
        size_t n = 0;

        while (t->p + n < t->end && strchr(accept, t->p[n]) && t->p[n] != '\0')
                n++;
        return n;
}

/* `[ 12.3]`, `[Wed Dec 19 03:36:07 2018]`, `<4>`. */
static size_t bracket(const struct text *t)
{
        char close = t->p < t->end && *t->p == '<' ? '>' : ']';
        size_t left = (size_t)(t->end - t->p), limit = left < BRACKET_MAX ? left : BRACKET_MAX;
        const char *end = left > 2 && strchr("[<", *t->p) ? memchr(t->p, close, limit) : NULL;

        return end && (close == ']' || isdigit((unsigned char)t->p[1])) ? (size_t)(end + 1 - t->p) : 0;
}

/* A time, a date, a number of a line: a word that begins with a digit and is no word of a language; the name
 * of a day or a month. */
static size_t time_word(const struct text *t)
{
        static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDecMonTueWedThuFriSatSun";
        size_t n = span(t, "0123456789:.,-+TZ");

        if (n > 0 && isdigit((unsigned char)*t->p) && t->p + n < t->end && t->p[n] == ' ')
                return n;
        /* The rest of one that was cut off. */
        if (n > 0 && t->p + n + 1 < t->end && t->p[n] == ']' && t->p[n + 1] == ' ')
                return n + 1;
        for (const char *name = names; t->end - t->p > 3 && *name; name += 3)
                if (memcmp(t->p, name, 3) == 0 && t->p[3] == ' ')
                        return 3;
        return 0;
}

static void skip_front(struct text *t)
{
        while (skip(t, span(t, " \t>|-")) || skip(t, bracket(t)) || skip(t, time_word(t)))
                ;
}

/* `gunicorn[812]: `: the name of the program that wrote the line. NULL where none stands there. */
static const char *find_program(const struct text *t, const char **ret_behind)
{
        const char *colon = memmem(t->p, (size_t)(t->end - t->p), "]: ", 3), *word = colon;

        while (word && word > t->p && word[-1] != ' ')
                word--;
        const char *open = word ? memchr(word, '[', (size_t)(colon - word)) : NULL;
        if (!open || open + 1 == colon)
                return NULL;
        for (const char *p = open + 1; p < colon; p++)
                if (!isdigit((unsigned char)*p))
                        return NULL;
        *ret_behind = colon + 3;
        return word;
}

/* They pass on what the kernel wrote. */
static bool is_relay(const char *program)
{
        static const char *const relays[] = { "kernel[", "klogd[", "abrt-dump-", "kerneloops" };

        for (size_t i = 0; i < ARRAY_SIZE(relays); i++)
                if (strncmp(program, relays[i], strlen(relays[i])) == 0)
                        return true;
        return false;
}

const char *log_line_text(const char *line, size_t n)
{
        static const char kernel[] = "kernel: ";
        struct text t = { line, line + n };
        size_t reach = n < KERNEL_REACH ? n : KERNEL_REACH;
        const char *hit = memmem(line, reach, kernel, strlen(kernel)), *behind = NULL;

        if (hit) {
                t.p = hit + strlen(kernel);
                skip_front(&t);
                return t.p;
        }
        skip_front(&t);
        /* Behind the kernel's time only the kernel speaks. */
        bool behind_time = t.p > line && memchr(line, ']', (size_t)(t.p - line));
        const char *program = behind_time ? NULL : find_program(&t, &behind);
        if (program && !is_relay(program))
                return NULL;
        if (program)
                t.p = behind;
        skip_front(&t);
        return t.p;
}

static bool take_name(const char *s, size_t n, bool blanks, char ret[static LOG_NAME_MAX])
{
        if (n == 0 || n >= LOG_NAME_MAX)
                return false;
        for (size_t i = 0; i < n && !blanks; i++)
                if ((unsigned char)s[i] <= ' ' || s[i] == ':' || s[i] == '/')
                        return false;
        *(char *)mempcpy(ret, s, n) = '\0';
        return true;
}

static bool take_pid(const char *s, size_t n, uint32_t *ret)
{
        uint64_t number;

        if (number_parse(s, n, INT32_MAX, &number) < 0)
                return false;
        *ret = (uint32_t)number;
        return true;
}

static bool take_comm(const char *s, size_t n, struct log_line *ret)
{
        ret->comm_at = s;
        return take_name(s, n, true, ret->comm);
}

/* `kworker/0:1/123`: the last slash counts, as a name may have its own. */
static bool take_task(const char *s, size_t n, struct log_line *ret)
{
        const char *slash = memrchr(s, '/', n);

        return slash && take_comm(s, (size_t)(slash - s), ret) &&
               take_pid(slash + 1, n - (size_t)(slash + 1 - s), &ret->pid);
}

static bool take(char kind, const char *s, size_t n, struct log_line *ret)
{
        switch (kind) {
        case 'm':
                return take_name(s, n, false, ret->module);
        case 'c':
                return take_comm(s, n, ret);
        case 'd':
                return take_pid(s, n, &ret->pid);
        case 't':
                return take_task(s, n, ret);
        case 'p':
                return n == 0 || (n <= PREFIX_MAX && n >= 2 && s[n - 1] == ' ' && strchr(":]", s[n - 2]));
        default:
                return true;
        }
}

/* Where the wildcard before this literal ends. A task's name may hold anything, so behind it the last place
 * counts: the name cannot pretend to be the rest of the line. */
static const char *find_end(char kind, const char *text, const char *literal, size_t n, bool last)
{
        size_t left = strlen(text);

        if (last) {
                const char *end = left >= n ? text + left - n : NULL;
                return end && memcmp(end, literal, n) == 0 ? end : NULL;
        }
        const char *found = memmem(text, left, literal, n);
        if (kind != 'c' && kind != 't')
                return found;
        for (const char *next = found; next; next = memmem(next, strlen(next), literal, n))
                found = next++;
        return found;
}

bool log_pattern_match(const char *pattern, const char *text, struct log_line *ret)
{
        for (;;) {
                size_t n = strcspn(pattern, "%");
                if (strncmp(pattern, text, n) != 0)
                        return false;
                pattern += n;
                text += n;
                if (*pattern == '\0')
                        return *text == '\0';

                char kind = pattern[1];
                pattern += 2;
                n = strcspn(pattern, "%");
                const char *end = find_end(kind, text, pattern, n, pattern[n] == '\0');
                if (!end || !take(kind, text, (size_t)(end - text), ret))
                        return false;
                text = end;
        }
}

/* A task's name behind it may look like one, too. */
static void take_symbol(const char *text, struct log_line *line)
{
        size_t n = line->comm_at ? (size_t)(line->comm_at - text) : strlen(text);

        (void)log_symbol_module(text, n, line->module);
}

bool log_line_match(const char *text, struct log_line *ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                struct log_line line = { .bit = lines[i].bit,
                        .reason = lines[i].reason,
                        .report = (lines[i].flags & REPORT) != 0,
                        .acting = lines[i].flags & ACTING,
                        .weak = lines[i].flags & WEAK,
                        .pid = UINT32_MAX };
                if (!log_pattern_match(lines[i].pattern, text, &line))
                        continue;
                if ((lines[i].flags & PLACE) == PLACE)
                        take_symbol(text, &line);
                *ret = line;
                return true;
        }
        return false;
}

bool log_symbol_module(const char *text, size_t n, char ret[static LOG_NAME_MAX])
{
        static const char hex[] = "0123456789abcdef";

        for (const char *at = strstr(text, "+0x"); at && at < text + n; at = strstr(at, "+0x")) {
                at += 3;
                at += strspn(at, hex);
                if (strncmp(at, "/0x", 3) != 0)
                        continue;
                at += 3;
                at += strspn(at, hex);
                if (strncmp(at, " [", 2) != 0)
                        continue;
                /* Letters or a build id may follow the name. */
                size_t length = strcspn(at + 2, "]( ");
                return at[2 + length] != '\0' && take_name(at + 2, length, false, ret);
        }
        return false;
}
