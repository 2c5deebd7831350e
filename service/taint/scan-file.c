/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../schema/base/macro.h"
#include "../../schema/base/array.h"
#include "scan-internal.h"
#include "scan.h"
#include "source.h"

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
        const bool same_task = hit->role == SCAN_ROLE_TASK && hit->task_hash == last->task_hash;

        if (!same_task && !hit->is_hung)
                return false;
        const char *panic = memmem(p, (size_t)(end - p), "Kernel panic", strlen("Kernel panic"));
        if (!panic || has(p, end, "[ cut here ]"))
                return false;
        return same_task || has(panic, end, "hung_task");
}

/* By the two lines alone. */
static bool goes_on(
        const struct scan_hit *last, const struct scan_hit *hit, uint64_t distance, int64_t apart)
{
        const bool near_by = hit->mask == last->mask && distance <= REPORT_NEAR;

        if (hit->role != SCAN_ROLE_NAMES && hit->text_hash == last->text_hash)
                return apart <= REPEATED_USEC;
        switch (hit->role) {
        case SCAN_ROLE_NAMES:
        case SCAN_ROLE_REGISTERS:
                return near_by;
        case SCAN_ROLE_BARE:
                return last->role == SCAN_ROLE_TASK && near_by;
        case SCAN_ROLE_TASK:
                return last->role == SCAN_ROLE_HEAD;
        case SCAN_ROLE_HEAD:
        case SCAN_ROLE_OTHER:
                break;
        }
        return false;
}

/* What is searched for between the two lines comes last: most lines are reports of their own, and it would
 * be tens of kilobytes for each of the marks. */
bool scan_hit_continues(
        const struct scan_hit *last, const struct scan_hit *hit, const char *p, const char *end)
{
        uint64_t distance = hit->offset - last->offset;
        int64_t apart = time_between(&last->time, &hit->time);

        if (!last->any || distance > REPORT_BYTES || apart > REPORT_USEC)
                return false;
        const bool names = hit->role == SCAN_ROLE_NAMES;
        if (!names && ends_in_panic(last, hit, p, end))
                return true;
        /* All CPUs are asked what they do: it is one stall. */
        bool may = goes_on(last, hit, distance, apart) || (!names && has(p, end, "NMI backtrace for cpu"));
        return may && !has_mark(p, end);
}

/* A block fits into the second-level cache beside what is kept of the last one. */
#define BLOCK ((size_t)96 * 1024)
#define KEPT (SCAN_BEFORE + SCAN_AFTER)

struct window {
        char *text;
        size_t n, searched; /* valid bytes, and those in which every hit was handled */
        uint64_t base;      /* of text[0] in the file */
        bool ends;
};

/* Handles the hits whose surroundings are complete. */
static int search(struct scan *s, struct window *w)
{
        size_t until = w->ends ? w->n : w->n > SCAN_AFTER ? w->n - SCAN_AFTER : 0;

        while (w->searched < until) {
                /* A needle may lie across `until`. */
                size_t reach = until + TAINT_NEEDLE_LEN - 1 < w->n ? until + TAINT_NEEDLE_LEN - 1 : w->n;
                const char *hit = taint_find(w->text + w->searched, reach - w->searched);
                if (!hit) {
                        w->searched = until;
                        break;
                }
                int r = scan_hit(s, w->text, w->n, (size_t)(hit - w->text), w->base);
                if (r < 0)
                        return r;
                w->searched = (size_t)(hit - w->text) + TAINT_NEEDLE_LEN;
        }
        return scan_modules_below(s, w->text, w->n, w->base, w->ends);
}

static void slide(struct window *w)
{
        size_t drop = w->searched > SCAN_BEFORE ? w->searched - SCAN_BEFORE : 0;

        memmove(w->text, w->text + drop, w->n - drop);
        w->n -= drop;
        w->searched -= drop;
        w->base += drop;
}

/* pstore writes what it keeps of a crash under a head of its own, "Oops#1 Part1". */
static bool begins_pstore(const char *text, size_t n)
{
        static const char *const heads[] = { "Oops#", "Panic#", "Emergency#", "Shutdown#", "Unknown#" };

        for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
                if (n > strlen(heads[i]) && memcmp(text, heads[i], strlen(heads[i])) == 0)
                        return true;
        return false;
}

/* 0; an error of the source's with d set; -ENOMEM. */
static int scan_text(struct scan *s, struct source *source, uint64_t before, char *text, struct diag *d)
{
        struct window w = { .text = text };

        while (!w.ends) {
                ssize_t n = source_read(source, w.text + w.n, BLOCK, d);
                int error = n < 0 ? (int)n : 0;
                w.ends = n <= 0;
                w.n += n > 0 ? (size_t)n : 0;
                s->bytes += n > 0 ? (uint64_t)n : 0;
                s->consumed = before + source_consumed(source);
                if (w.base == 0)
                        s->is_pstore = begins_pstore(w.text, w.n);
                int r = search(s, &w);
                if (r < 0 || error < 0)
                        return r < 0 ? r : error;
                if (w.n > KEPT)
                        slide(&w);
                if (s->progress)
                        s->progress(s->userdata, s->consumed);
        }
        return 0;
}

static int add_file(struct scan *s, const char *name)
{
        if (array_grow(&s->files, s->n_files, sizeof(char *)) < 0 || !(s->files[s->n_files] = strdup(name)))
                return -ENOMEM;
        s->n_files++;
        s->last.any = s->open.any = s->is_pstore = false;
        return 0;
}

static int skip_part(struct scan *s, const char *name, int r, const struct diag *d)
{
        return r == -ENOMEM ? r : scan_skip(s, name, d->text[0] ? d->text : strerror(-r));
}

static char *name_of(const char *file, const char *member)
{
        char *name = NULL;

        return asprintf(&name, "%s%s%s", file, member[0] ? "/" : "", member) < 0 ? NULL : name;
}

static int scan_one(struct scan *s, struct source *source, const char *name, uint64_t before, char *text)
{
        struct diag d = { 0 };

        int r = add_file(s, name);
        if (r < 0)
                return r;
        s->file_time = source_time(source, s->file_time);
        r = scan_text(s, source, before, text, &d);
        if (r != -ENOMEM && scan_flush(s) < 0)
                return -ENOMEM;
        return r < 0 ? skip_part(s, name, r, &d) : 0;
}

static int scan_members(struct scan *s, struct source *source, const char *file, char *text)
{
        const uint64_t before = s->consumed - source_consumed(source);
        const int64_t file_time = s->file_time;

        for (;;) {
                struct diag d = { 0 };
                const char *member;
                bool goes_on;
                int r = source_next(source, &member, &goes_on, &d);
                if (r == 0)
                        return 0;
                _cleanup_free_ char *name = name_of(file, member);
                if (!name)
                        return -ENOMEM;
                s->file_time = file_time;
                int done = r > 0 ? scan_one(s, source, name, before, text) : skip_part(s, name, r, &d);
                if (done < 0 || (r < 0 && !goes_on))
                        return done;
        }
}

static int64_t time_of_file(int fd)
{
        struct stat st;

        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                return (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
        return (int64_t)time(NULL) * 1000000;
}

int scan_fd(struct scan *s, int fd, const char *name)
{
        _cleanup_free_ char *text = malloc(BLOCK + KEPT + SCAN_AFTER);
        struct source *source;
        struct diag d = { 0 };

        if (!text)
                return -ENOMEM;
        int r = source_open(fd, &s->limits, &source, &d);
        if (r < 0)
                return skip_part(s, name, r, &d);
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
        s->file_time = time_of_file(fd);
        s->consumed += source_consumed(source);
        r = scan_members(s, source, name, text);
        (void)source_close(source);
        return r;
}

static int scan_entry(struct scan *s, const FTSENT *e)
{
        /* A pipe that was named may be waited for; one that was found may not. */
        bool found = e->fts_level > FTS_ROOTLEVEL;
        struct stat st;

        if (e->fts_info == FTS_DEFAULT && found)
                return scan_skip(s, e->fts_path, "not a regular file");
        _cleanup_close_ int fd = open(
                e->fts_accpath, O_RDONLY | O_NOCTTY | O_CLOEXEC | (found ? O_NONBLOCK | O_NOFOLLOW : 0));
        if (fd < 0 || fstat(fd, &st) < 0)
                return scan_skip(s, e->fts_path, strerror(errno));
        if (found && !S_ISREG(st.st_mode))
                return scan_skip(s, e->fts_path, "not a regular file");
        return scan_fd(s, fd, e->fts_path);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
        return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Calls `each` for every file below the path. */
static int walk(const char *path, int (*each)(void *userdata, const FTSENT *e), void *userdata)
{
        _cleanup_free_ char *copy = strdup(path);
        char *paths[] = { copy, NULL };
        int r = 0;

        FTS *fts = copy ? fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name) : NULL;
        if (!fts)
                return copy ? -errno : -ENOMEM;
        while (r == 0) {
                FTSENT *e = fts_read(fts);
                if (!e)
                        break;
                if (e->fts_info != FTS_D && e->fts_info != FTS_DP && e->fts_info != FTS_SL)
                        r = each(userdata, e);
        }
        (void)fts_close(fts);
        return r;
}

static int scan_walked(void *userdata, const FTSENT *e)
{
        struct scan *s = userdata;

        switch (e->fts_info) {
        case FTS_DNR:
        case FTS_ERR:
        case FTS_NS:
                return scan_skip(s, e->fts_path, strerror(e->fts_errno));
        case FTS_DC:
                return scan_skip(s, e->fts_path, "a folder that holds itself");
        case FTS_SLNONE:
                return scan_skip(s, e->fts_path, "a symbolic link to nothing");
        default:
                return scan_entry(s, e);
        }
}

int scan_paths(struct scan *s, char *const *paths)
{
        int r = 0;

        for (size_t i = 0; paths[i] && r == 0; i++) {
                r = strcmp(paths[i], "-") == 0 ? scan_fd(s, STDIN_FILENO, "standard input")
                                               : walk(paths[i], scan_walked, s);
                if (r < 0 && r != -ENOMEM)
                        r = scan_skip(s, paths[i], strerror(-r));
        }
        return r;
}

static int measure_walked(void *userdata, const FTSENT *e)
{
        uint64_t *sum = userdata;

        if (e->fts_info == FTS_F)
                *sum += (uint64_t)e->fts_statp->st_size;
        return 0;
}

uint64_t scan_measure(char *const *paths)
{
        uint64_t sum = 0;

        for (size_t i = 0; paths[i]; i++)
                if (strcmp(paths[i], "-") != 0)
                        (void)walk(paths[i], measure_walked, &sum);
        return sum;
}
