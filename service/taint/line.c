/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "line.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* From the `ainted` of a task's name, which has 15 bytes, to the end of the kernel's own behind it. */
#define TASK_NAME_REACH 32
#define LOST_WORDS_MAX 20U /* of letters that cannot be read */

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

static int digit_of(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)tolower((unsigned char)c);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

static int parse_base(const char *s, size_t n, int base, uint64_t *ret)
{
        uint64_t v = 0;

        if (n == 0)
                return -EINVAL;
        for (size_t i = 0; i < n; i++)
                if (digit_of(s[i]) >= base)
                        return -EINVAL;
        for (size_t i = 0; i < n; i++)
                if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
                        __builtin_add_overflow(v, (uint64_t)digit_of(s[i]), &v))
                        return -ERANGE;
        *ret = v;
        return 0;
}

int taint_number_parse(const char *s, size_t n, int base, uint64_t *ret)
{
        if (base > 0)
                return parse_base(s, n, base, ret);
        if (n > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
                return parse_base(s + 2, n - 2, 16, ret);
        if (n > 2 && s[0] == '0' && (s[1] == 'o' || s[1] == 'O'))
                return parse_base(s + 2, n - 2, 8, ret);
        return parse_base(s, n, 10, ret);
}

uint64_t taint_text_hash(const char *start, const char *end)
{
        uint64_t h = UINT64_C(14695981039346656037);

        for (; start < end; start++)
                h = (h ^ (unsigned char)*start) * UINT64_C(1099511628211);
        return h;
}

const char *taint_line_end(const struct taint_line *line)
{
        const struct taint_plain *plain = &line->plain;
        const char *end = memchr(plain->text + plain->at, '\n', plain->n - plain->at);

        return end ? end : plain->text + plain->n;
}

/* The line behind, without the marks of a quoted mail. */
static struct span next_line(struct span line, const char *text_end)
{
        if (line.end >= text_end)
                return (struct span){ text_end, text_end };
        const char *p = line.end + 1;
        const char *end = memchr(p, '\n', (size_t)(text_end - p));
        struct span next = { p, end ? end : text_end };
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

/* Decimal, or hexadecimal behind 0x; no part of a release or of a word. */
static bool take_number(const char *p, const char *end, uint64_t *ret)
{
        bool hex = end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
        const char *digits = hex ? p + 2 : p;
        size_t n = 0;

        while (digits + n < end &&
                (hex ? isxdigit((unsigned char)digits[n]) : isdigit((unsigned char)digits[n])))
                n++;
        const char *behind = digits + n;
        if (behind < end &&
                (*behind == '.' || *behind == '-' || *behind == '_' || isalnum((unsigned char)*behind)) &&
                !(*behind == '.' && (behind + 1 == end || !isdigit((unsigned char)behind[1]))))
                return false;
        return taint_number_parse(p, (size_t)(behind - p), 0, ret) == 0;
}

/* "kernel.tainted = 4097", "kernel_tainted: 513", "tainted is 512", "tainted (0x1201)", "tainted:
 * flags=512". */
static bool parse_number(struct taint_line *ret, struct span rest)
{
        static const char *const words[] = { "is ", "flags=", "flags:", "mask " };
        const char *p = rest.p;

        for (;;) {
                while (p < rest.end && (is_space(*p) || strchr(":='\"|`(", *p)))
                        p++;
                size_t i = 0;
                while (i < ARRAY_SIZE(words) && !starts((struct span){ p, rest.end }, words[i]))
                        i++;
                if (i == ARRAY_SIZE(words))
                        break;
                p += strlen(words[i]);
        }
        if (!take_number(p, rest.end, &ret->number))
                return false;
        ret->kind = TAINT_LINE_NUMBER;
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

/* What stands in front says that it is a line of the kernel's. */
static bool is_report(struct span before)
{
        static const char *const marks[] = { "CPU:", "PID:", "Pid:", "omm:", "EIP:", "RIP:", "TSTATE:",
                "PSW:", "psr ", "ps = ", "REGS:", "pc : [" };

        for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
                if (memmem(before.p, (size_t)(before.end - before.p), marks[i], strlen(marks[i])))
                        return true;
        return false;
}

/* There is nothing in front but a time. */
static bool stands_alone(struct span before)
{
        while (before.end > before.p && (is_space(before.end[-1]) || before.end[-1] == '>'))
                before.end--;
        return before.end == before.p || before.end[-1] == ']';
}

/* The hypervisor reports its own taints in the kernel's words: "----[ Xen-4.17  x86_64  Not tainted ]----".
 */
static bool is_xen(struct span before, struct span rest, const char *text_end)
{
        static const char close[] = "]----";
        struct span next = next_line(rest, text_end);

        return memmem(before.p, (size_t)(before.end - before.p), "[ Xen-", 6) ||
               memmem(before.p, (size_t)(before.end - before.p), "(XEN)", 5) ||
               memmem(rest.p, (size_t)(rest.end - rest.p), close, sizeof(close) - 1) ||
               (next.p < next.end && *next.p == ']' && starts(next, close));
}

static void parse_clean(struct taint_line *ret, struct span rest, struct span line, const char *text_end)
{
        struct span after = rest, word = next_word(&after);

        /* A sentence about these words goes on otherwise. */
        if (rest.p < rest.end && !is_space(*rest.p) && !strchr(")=\\<\x1b", *rest.p))
                return;
        ret->kind = TAINT_LINE_CLEAN;
        if (starts(word, "#") && word.end < line.end) /* the build's number in front of the release */
                word = next_word(&after);
        struct span next = next_line(line, text_end);
        if (at_line_end(word, line) && next.p < next.end) {
                line = next;
                word = next_word(&next);
        }
        if (is_release_word(word))
                set_release(ret, word, line);
}

/* Letters as the kernel prints them: each once, in the order of the columns, and not in the middle of a
 * sentence. */
static bool is_field(const struct taint_line *ret, bool capital, struct span behind, struct span line)
{
        if (!taint_letters_plausible(ret->field, ret->field_len))
                return false;
        return capital || ret->release_len > 0 || at_line_end(behind, line);
}

/* G alone says that something is set, and not what. */
static bool says_nothing(const struct taint_line *ret)
{
        for (size_t i = 0; i < ret->field_len; i++)
                if (!strchr("G -\t", ret->field[i]))
                        return false;
        return true;
}

/* Behind what became of the letters. */
static void find_release(struct taint_line *ret, struct span word, struct span line)
{
        struct span rest = { word.end, line.end };

        for (unsigned i = 0; i < LOST_WORDS_MAX && word.p < word.end && !is_release_word(word); i++)
                word = next_word(&rest);
        if (is_release_word(word))
                set_release(ret, word, line);
}

static void parse_letters(
        struct taint_line *ret, struct span before, struct span rest, struct span line, const char *text_end)
{
        bool capital = *before.end == 'T';
        struct span word;
        const char *end = end_of_letters(rest, &word);

        add_field(ret, rest.p, end);
        if (is_release_word(word))
                set_release(ret, word, line);
        else if (at_line_end(word, line))
                join_next(ret, line, text_end);
        else if (says_nothing(ret))
                find_release(ret, word, line);
        if (says_nothing(ret))
                ret->kind = capital && (ret->field_len > 0 || ret->release_len > 0 || is_report(before))
                                    ? TAINT_LINE_UNREADABLE
                                    : TAINT_LINE_NONE;
        else if (is_report(before) || stands_alone(before) || is_field(ret, capital, word, line))
                ret->kind = TAINT_LINE_LETTERS;
}

static void parse_word(struct taint_line *ret, struct span line, const char *ainted, const char *text_end)
{
        struct span rest = { ainted + 6, line.end };
        struct span before = { line.p, ainted > line.p ? ainted - 1 : ainted };
        bool clean = before.end - line.p >= 4 && memcmp(before.end - 4, "Not ", 4) == 0;

        ret->is_listing = memmem(line.p, (size_t)(before.end - line.p), "Used by", 7);
        if ((clean || starts(rest, ":")) && is_xen(before, rest, text_end)) {
                ret->kind = TAINT_LINE_XEN;
                return;
        }
        if (clean) {
                parse_clean(ret, rest, line, text_end);
                return;
        }
        if (parse_number(ret, rest) || !starts(rest, ":"))
                return;
        rest.p++;
        struct span peek = rest, first = next_word(&peek);
        if (starts(first, "[")) {
                parse_names(
                        ret, first.p < rest.end ? (struct span){ first.p, rest.end } : rest, line, text_end);
                return;
        }
        if (rest.p < rest.end && is_space(*rest.p))
                rest.p++;
        parse_letters(ret, before, rest, line, text_end);
}

static bool is_whole(enum taint_line_kind kind)
{
        return kind == TAINT_LINE_CLEAN || kind == TAINT_LINE_LETTERS || kind == TAINT_LINE_NAMES ||
               kind == TAINT_LINE_UNREADABLE;
}

/* Another such word within the length of a task's name. */
static bool in_name(struct span line, const char *ainted, const char *text_end)
{
        const char *end = line.end - ainted > TASK_NAME_REACH ? ainted + TASK_NAME_REACH : line.end;

        for (const char *p = ainted + 6; p < end && (p = memmem(p, (size_t)(end - p), "ainted", 6));
                p += 6) {
                struct taint_line other;
                other.kind = TAINT_LINE_NONE;
                other.field_len = other.release_len = 0;
                parse_word(&other, line, p, text_end);
                if (is_whole(other.kind))
                        return true;
        }
        return false;
}

static void clear(struct taint_line *ret)
{
        memset(ret, 0, offsetof(struct taint_line, plain));
}

void taint_line_parse(const char *text, size_t n, size_t at, struct taint_line *ret)
{
        clear(ret);
        taint_plain_read(text, n, at, &ret->plain);
        const char *ainted = ret->plain.text + ret->plain.at, *end = ret->plain.text + ret->plain.n;
        struct span line = { ret->plain.text, taint_line_end(ret) };

        parse_word(ret, line, ainted, end);
        if (is_whole(ret->kind) && in_name(line, ainted, end))
                clear(ret);
        if (ret->kind == TAINT_LINE_NONE || ret->kind == TAINT_LINE_XEN || ret->release_len > 0)
                return;
        const char *word = ainted > line.p ? ainted - 1 : ainted;
        release_in_front(ret, line, ret->kind == TAINT_LINE_CLEAN ? word - 4 : word);
        if (ret->release_len == 0)
                release_behind(ret, line, end);
}

#ifdef __SSE2__
/* Two letters of the needle, apart from each other, at 16 positions at once. In logs these two seldom meet.
 */
#define FIRST 1
#define SECOND 5

/* One bit a position at which both letters fit. */
static unsigned candidates(const char *p, __m128i first, __m128i second)
{
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(p + FIRST));
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(p + SECOND));

        return (unsigned)_mm_movemask_epi8(
                _mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, second)));
}

/* Looks at blocks of 32 positions. Where there is none, *p is how far it came. */
static const char *find_in_blocks(const char **p, const char *end)
{
        const __m128i first = _mm_set1_epi8(TAINT_NEEDLE[FIRST]),
                      second = _mm_set1_epi8(TAINT_NEEDLE[SECOND]);

        for (; (size_t)(end - *p) >= 32 + SECOND; *p += 32)
                for (unsigned bits = candidates(*p, first, second) | candidates(*p + 16, first, second)
                                                                             << 16;
                        bits != 0; bits &= bits - 1) {
                        const char *at = *p + __builtin_ctz(bits);
                        if (memcmp(at, TAINT_NEEDLE, TAINT_NEEDLE_LEN) == 0)
                                return at;
                }
        return NULL;
}
#else
static const char *find_in_blocks(_unused_ const char **p, _unused_ const char *end)
{
        return NULL;
}
#endif

const char *taint_find(const char *text, size_t n)
{
        const char *p = text, *end = text + n, *found = find_in_blocks(&p, end);

        return found ? found : memmem(p, (size_t)(end - p), TAINT_NEEDLE, TAINT_NEEDLE_LEN);
}
