/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log-lines.h"

#include <string.h>

#include "../../schema/base/macro.h"
#include "../../schema/values/value.h"

#define PREFIX_MAX 64u
#define REPORT 1u
#define PLACE (REPORT | 2u)
#define ACTING 4u

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
