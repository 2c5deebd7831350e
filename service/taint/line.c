/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "line.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* From the `ainted` of a task's name, which has 15 bytes, to the end of the kernel's own behind it. */
#define TASK_NAME_REACH 32

struct span {
        const char *p, *end;
};

static bool starts(struct span s, const char *what)
{
        size_t n = strlen(what);
        return (size_t)(s.end - s.p) >= n && memcmp(s.p, what, n) == 0;
}

static bool is_space(char c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

void taint_line_bounds(const char *text, size_t n, size_t at, const char **ret_start, const char **ret_end)
{
        size_t before = at < TAINT_LINE_BEFORE ? at : TAINT_LINE_BEFORE;
        size_t behind = n - at < TAINT_LINE_BEHIND ? n - at : TAINT_LINE_BEHIND;
        const char *start = memrchr(text + at - before, '\n', before);
        const char *end = memchr(text + at, '\n', behind);

        *ret_start = start ? start + 1 : text + at - before;
        *ret_end = end ? end : text + at + behind;
}

static struct span line_around(const char *text, size_t n, size_t at)
{
        struct span line;

        taint_line_bounds(text, n, at, &line.p, &line.end);
        return line;
}

/* The line behind, without the marks of a quoted mail. */
static struct span next_line(struct span line, const char *text_end)
{
        if (line.end >= text_end)
                return (struct span){ text_end, text_end };
        const char *p = line.end + 1;
        size_t limit =
                (size_t)(text_end - p) < TAINT_LINE_BEHIND ? (size_t)(text_end - p) : TAINT_LINE_BEHIND;
        const char *end = memchr(p, '\n', limit);
        struct span next = { p, end ? end : p + limit };
        while (next.p < next.end && *next.p == '>') {
                next.p++;
                if (next.p < next.end && *next.p == ' ')
                        next.p++;
        }
        return next;
}

/* A word up to a blank or what closes a bracket, a list or a quoted-printable line. */
static struct span next_word(struct span *rest)
{
        while (rest->p < rest->end && is_space(*rest->p))
                rest->p++;
        struct span word = { rest->p, rest->p };
        while (word.end < rest->end && !is_space(*word.end) && !strchr("),;]=\"'`", *word.end))
                word.end++;
        rest->p = word.end;
        return word;
}

/* Words behind the letters that are made of such letters. */
static bool is_stop_word(struct span w)
{
        static const char *const words[] = { "VLI", "SMP", "CPU", "PREEMPT", "NONE" };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if ((size_t)(w.end - w.p) == strlen(words[i]) && starts(w, words[i]))
                        return true;
        return false;
}

static bool is_letters_word(struct span w)
{
        if (w.p == w.end || is_stop_word(w) || (size_t)(w.end - w.p) > TAINT_UPSTREAM_BITS * 2)
                return false;
        for (const char *p = w.p; p < w.end; p++)
                if (*p != '-' && !isupper((unsigned char)*p) && !taint_is_letter(*p))
                        return false;
        return true;
}

/* Letters that something sticks to: an escape sequence of a terminal, a tag, an entity, a `\\n` of JSON, a
 * full stop. Empty where there are none. */
static struct span letters_in_front(struct span w)
{
        struct span letters = { w.p, w.p };

        while (letters.end < w.end && (*letters.end == '-' || isupper((unsigned char)*letters.end)))
                letters.end++;
        bool stop = letters.end + 1 == w.end && *letters.end == '.';
        if (letters.end == w.end || !(stop || strchr("\x1b<&\\|}", *letters.end)) ||
                !is_letters_word(letters))
                letters.end = letters.p;
        return letters;
}

static bool is_release_word(struct span w)
{
        if (w.p < w.end && *w.p == '(')
                w.p++;
        return taint_version_parse(w.p, (size_t)(w.end - w.p)) != 0;
}

static void set_release(struct taint_line *ret, struct span word, struct span line)
{
        if (word.p < word.end && *word.p == '(')
                word.p++;
        ret->release = word.p;
        ret->release_len = (size_t)(word.end - word.p);
        ret->tail_len = (size_t)(line.end - word.p);
}

/* How far the letters reach; *ret_next is the word that ended them. */
static const char *end_of_letters(struct span rest, struct span *ret_next)
{
        const char *end = rest.p;

        for (;;) {
                struct span word = next_word(&rest);
                if (!is_letters_word(word)) {
                        struct span front = letters_in_front(word);
                        *ret_next = front.end > front.p ? (struct span){ front.end, front.end } : word;
                        return front.end > front.p ? front.end : end;
                }
                end = word.end;
        }
}

static void add_field(struct taint_line *ret, const char *p, const char *end)
{
        size_t n = (size_t)(end - p);

        if (n > sizeof(ret->field) - ret->field_len)
                n = sizeof(ret->field) - ret->field_len;
        memcpy(ret->field + ret->field_len, p, n);
        ret->field_len += n;
}

/* Letters that a mail program wrapped: only where a release follows them, or other words would be taken for
 * letters. */
static void join_next(struct taint_line *ret, struct span line, const char *text_end)
{
        static const char blank[] = " ";
        struct span next = next_line(line, text_end), word;
        bool empty = ret->field_len == 0;
        const char *end = end_of_letters(next, &word);

        if (!is_release_word(word))
                return;
        set_release(ret, word, next);
        if (end == next.p)
                return;
        if (!empty)
                add_field(ret, blank, blank + 1);
        add_field(ret, next.p, end);
        ret->wrapped = !empty;
}

static bool at_line_end(struct span word, struct span line)
{
        return word.p == line.end || (word.p == word.end && *word.p == '=' && word.p + 1 == line.end);
}

static void parse_letters(struct taint_line *ret, struct span rest, struct span line, const char *text_end)
{
        struct span word;
        const char *end = end_of_letters(rest, &word);

        ret->kind = TAINT_LINE_LETTERS;
        add_field(ret, rest.p, end);
        if (is_release_word(word))
                set_release(ret, word, line);
        else if (at_line_end(word, line))
                join_next(ret, line, text_end);
        if (ret->field_len == 0)
                ret->kind = TAINT_LINE_NONE;
}

/* `, ` at the end of a line of names continues on the next. */
static void parse_names(struct taint_line *ret, struct span rest, struct span line, const char *text_end)
{
        ret->kind = TAINT_LINE_NAMES;
        ret->names = rest.p;
        for (int lines = 0; lines < 4; lines++) {
                const char *end = line.end;
                while (end > rest.p && (is_space(end[-1]) || end[-1] == '='))
                        end--;
                if (end == rest.p || end[-1] != ',')
                        break;
                line = next_line(line, text_end);
        }
        ret->names_len = (size_t)(line.end - ret->names);
}

/* "kernel.tainted = 4097", "kernel_tainted: 513", "tainted is 512", "tainted:4096". */
static bool parse_number(struct taint_line *ret, struct span rest)
{
        const char *p = rest.p;

        while (p < rest.end && (is_space(*p) || strchr(":='\"|`", *p)))
                p++;
        if (rest.end - p > 3 && memcmp(p, "is ", 3) == 0)
                p += 3;
        const char *digits = p;
        uint64_t v = 0;
        for (; p < rest.end && isdigit((unsigned char)*p); p++)
                if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
                        __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
                        return false;
        if (p == digits || (p < rest.end && (*p == '.' || *p == '-' || isalnum((unsigned char)*p))))
                return false;
        ret->kind = TAINT_LINE_NUMBER;
        ret->number = v;
        return true;
}

/* lockdep prints the release in front: "6.13.0-rc6+ #121 Tainted: G     U". */
static void release_in_front(struct taint_line *ret, struct span line, const char *word)
{
        const char *p = word;

        while (p > line.p && is_space(p[-1]))
                p--;
        const char *number = p;
        while (number > line.p && !is_space(number[-1]))
                number--;
        if (number == p || *number != '#')
                return;
        const char *end = number;
        while (end > line.p && is_space(end[-1]))
                end--;
        const char *start = end;
        while (start > line.p && !is_space(start[-1]))
                start--;
        struct span release = { start, end };
        if (is_release_word(release))
                set_release(ret, release, line);
}

/* i386 up to 2.6.24 had it on the line of the flags: "EFLAGS: 00010046   (2.6.16-mm1 #1)". */
static void release_behind(struct taint_line *ret, struct span line, const char *text_end)
{
        struct span next = next_line(line, text_end);
        const char *flags = memmem(next.p, (size_t)(next.end - next.p), "EFLAGS:", 7);
        const char *open = flags ? memchr(flags, '(', (size_t)(next.end - flags)) : NULL;

        if (!open)
                return;
        struct span rest = { open, next.end }, word = next_word(&rest);
        if (is_release_word(word))
                set_release(ret, word, next);
}

static void parse_word(struct taint_line *ret, struct span line, const char *ainted, const char *text_end)
{
        struct span rest = { ainted + 6, line.end };
        const char *word = ainted > line.p ? ainted - 1 : ainted;
        bool clean = word - line.p >= 4 && memcmp(word - 4, "Not ", 4) == 0;

        if (memmem(line.p, (size_t)(ainted - line.p), "Xen-", 4) && starts(rest, ":")) {
                ret->kind = TAINT_LINE_XEN;
                return;
        }
        if (clean) {
                struct span after = rest;
                struct span next = next_word(&after);
                ret->kind = TAINT_LINE_CLEAN;
                if (is_release_word(next))
                        set_release(ret, next, line);
                return;
        }
        if (parse_number(ret, rest) || !starts(rest, ":"))
                return;
        rest.p++;
        if (rest.p < rest.end && is_space(*rest.p))
                rest.p++;
        struct span peek = rest, first = next_word(&peek);
        if (starts(first, "["))
                parse_names(
                        ret, first.p < rest.end ? (struct span){ first.p, rest.end } : rest, line, text_end);
        else
                parse_letters(ret, rest, line, text_end);
}

static bool is_whole(enum taint_line_kind kind)
{
        return kind == TAINT_LINE_CLEAN || kind == TAINT_LINE_LETTERS || kind == TAINT_LINE_NAMES;
}

/* Another such word within the length of a task's name. */
static bool in_name(struct span line, const char *ainted, const char *text_end)
{
        const char *end = line.end - ainted > TASK_NAME_REACH ? ainted + TASK_NAME_REACH : line.end;

        for (const char *p = ainted + 6; p < end && (p = memmem(p, (size_t)(end - p), "ainted", 6));
                p += 6) {
                struct taint_line other = { 0 };
                parse_word(&other, line, p, text_end);
                if (is_whole(other.kind))
                        return true;
        }
        return false;
}

void taint_line_parse(const char *text, size_t n, size_t at, struct taint_line *ret)
{
        struct span line = line_around(text, n, at);

        *ret = (struct taint_line){ 0 };
        parse_word(ret, line, text + at, text + n);
        if (is_whole(ret->kind) && in_name(line, text + at, text + n))
                *ret = (struct taint_line){ 0 };
        if (ret->kind != TAINT_LINE_CLEAN && ret->kind != TAINT_LINE_LETTERS)
                return;
        if (ret->release_len == 0)
                release_in_front(ret, line, text + at - (at > 0 ? 1 : 0));
        if (ret->release_len == 0)
                release_behind(ret, line, text + n);
}
