/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan.h"

#include <ctype.h>
#include <string.h>

#include "../../schema/base/macro.h"

/* A report says the same again within this many bytes and this time; another one is further away. */
#define REPORT_BYTES ((uint64_t)64 * 1024)
#define REPORT_NEAR ((uint64_t)4 * 1024)
#define REPORT_USEC (INT64_C(30) * 1000000)
#define REPEATED_USEC (INT64_C(10) * 1000000)
#define DAY_USEC (INT64_C(86400) * 1000000)

static const char *const marks[] = {
#define REPORT_MARK(text) text,
#include "report-marks.def"
#undef REPORT_MARK
};

static bool has(const char *p, const char *end, const char *what)
{
        return p < end && memmem(p, (size_t)(end - p), what, strlen(what));
}

static const char *take_digits(const char *p, const char *end, int64_t *ret)
{
        int64_t v = 0;

        for (; p < end && isdigit((unsigned char)*p) && v < INT64_C(1000000000000); p++)
                v = v * 10 + (*p - '0');
        *ret = v;
        return p;
}

static int64_t fraction(const char *p, const char *end)
{
        int64_t v = 0;

        for (int i = 0; i < 6; i++)
                v = v * 10 + (p < end && isdigit((unsigned char)*p) ? *p++ - '0' : 0);
        return v;
}

/* `[ 6141.921740]`, also with a letter behind or a CPU in front of the bracket's end. */
static bool kernel_time(const char *p, const char *end, int64_t *ret)
{
        for (; (p = memchr(p, '[', (size_t)(end - p))); p++) {
                const char *digits = p + 1;
                while (digits < end && *digits == ' ')
                        digits++;
                const char *dot = take_digits(digits, end, ret);
                if (dot == digits || dot + 1 >= end || *dot != '.' || !isdigit((unsigned char)dot[1]))
                        continue;
                *ret = *ret * 1000000 + fraction(dot + 1, end);
                return true;
        }
        return false;
}

static bool is_clock(const char *p)
{
        return isdigit((unsigned char)p[0]) && isdigit((unsigned char)p[1]) && p[2] == ':' &&
               isdigit((unsigned char)p[3]) && isdigit((unsigned char)p[4]) && p[5] == ':' &&
               isdigit((unsigned char)p[6]) && isdigit((unsigned char)p[7]);
}

/* Of the day. */
static bool clock_time(const char *p, const char *end, int64_t *ret)
{
        for (; end - p >= 8; p++) {
                if (!is_clock(p))
                        continue;
                int64_t h = (p[0] - '0') * 10 + p[1] - '0', m = (p[3] - '0') * 10 + p[4] - '0',
                        s = (p[6] - '0') * 10 + p[7] - '0';
                *ret = ((h * 60 + m) * 60 + s) * 1000000;
                if (end - p > 9 && (p[8] == '.' || p[8] == ','))
                        *ret += fraction(p + 9, end);
                return true;
        }
        return false;
}

static struct scan_time time_of(const char *line, const char *word)
{
        struct scan_time t = { SCAN_TIME_NONE, 0 };

        if (kernel_time(line, word, &t.usec))
                t.kind = SCAN_TIME_KERNEL;
        else if (clock_time(line, word, &t.usec))
                t.kind = SCAN_TIME_CLOCK;
        return t;
}

/* 0 where it is not known. */
static int64_t time_between(const struct scan_time *a, const struct scan_time *b)
{
        if (a->kind != b->kind || a->kind == SCAN_TIME_NONE)
                return 0;
        int64_t d = b->usec - a->usec;
        if (a->kind == SCAN_TIME_CLOCK && d < -DAY_USEC / 2)
                d += DAY_USEC;
        return d < 0 ? -d : d;
}

static enum scan_role role_of(const struct taint_line *line, const char *start, const char *word)
{
        static const char *const registers[] = { "REGS:", "TSTATE:", "PSW:", "PSR:", "psr :", "psr:" };

        if (line->kind == TAINT_LINE_NAMES)
                return SCAN_ROLE_NAMES;
        for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
                if (has(start, word, registers[i]))
                        return SCAN_ROLE_REGISTERS;
        if (has(start, word, "omm:") || has(start, word, "CPU:") || has(start, word, "EIP:"))
                return SCAN_ROLE_TASK;
        if (has(start, word, "BUG ") || (line->release_len > 0 && line->release < word))
                return SCAN_ROLE_HEAD;
        return line->release_len > 0 ? SCAN_ROLE_OTHER : SCAN_ROLE_BARE;
}

/* Where the kernel's own text begins, behind the time: "CPU:", "Pid:" or the like. */
static const char *behind_time(const char *start, const char *word)
{
        for (const char *p = word; p > start; p--)
                if (p[-1] == ']' || (p[-1] == ':' && p - start > 7 && memcmp(p - 7, "kernel:", 7) == 0))
                        return p;
        return start;
}

/* Where "Tainted:" or "Not tainted" begins. */
static const char *before_taints(const struct taint_line *line, const char *start)
{
        size_t n = line->kind == TAINT_LINE_CLEAN ? strlen("Not t") : strlen("T");
        const char *word = line->plain.text + line->plain.at;

        return (size_t)(word - start) < n ? start : word - n;
}

struct scan_hit scan_hit_of(const struct taint_line *line, uint64_t mask, uint64_t offset)
{
        const char *start = line->plain.text, *word = start + line->plain.at, *end = taint_line_end(line);
        const char *text = behind_time(start, word);

        return (struct scan_hit){
                .any = true,
                .role = role_of(line, start, word),
                .offset = offset,
                .mask = mask,
                .line_hash = taint_text_hash(start, end),
                .text_hash = taint_text_hash(text, end),
                .task_hash = taint_text_hash(text, before_taints(line, text)),
                .time = time_of(start, word),
                .is_hung = has(start, word, "khungtaskd"),
        };
}

static bool has_mark(const char *p, const char *end)
{
        for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
                if (has(p, end, marks[i]))
                        return true;
        return false;
}

/* What a panic says of the task was said by the report that it ends. */
static bool ends_in_panic(
        const struct scan_hit *last, const struct scan_hit *hit, const char *p, const char *end)
{
        const char *panic = memmem(p, (size_t)(end - p), "Kernel panic", strlen("Kernel panic"));

        if (!panic || has(p, end, "[ cut here ]"))
                return false;
        return (hit->role == SCAN_ROLE_TASK && hit->task_hash == last->task_hash) ||
               (hit->is_hung && has(panic, end, "hung_task"));
}

bool scan_hit_continues(
        const struct scan_hit *last, const struct scan_hit *hit, const char *p, const char *end)
{
        uint64_t distance = hit->offset - last->offset;
        int64_t apart = time_between(&last->time, &hit->time);

        if (!last->any || distance > REPORT_BYTES || apart > REPORT_USEC)
                return false;
        if (hit->role == SCAN_ROLE_NAMES)
                return hit->mask == last->mask && distance <= REPORT_NEAR && !has_mark(p, end);
        if (ends_in_panic(last, hit, p, end))
                return true;
        if (has_mark(p, end))
                return false;
        /* All CPUs are asked what they do: it is one stall. */
        if (has(p, end, "NMI backtrace for cpu"))
                return true;
        if (hit->text_hash == last->text_hash)
                return apart <= REPEATED_USEC;
        switch (hit->role) {
        case SCAN_ROLE_REGISTERS:
                return hit->mask == last->mask && distance <= REPORT_NEAR;
        case SCAN_ROLE_BARE:
                return last->role == SCAN_ROLE_TASK && hit->mask == last->mask && distance <= REPORT_NEAR;
        case SCAN_ROLE_TASK:
                return last->role == SCAN_ROLE_HEAD;
        case SCAN_ROLE_NAMES:
        case SCAN_ROLE_HEAD:
        case SCAN_ROLE_OTHER:
                break;
        }
        return false;
}
