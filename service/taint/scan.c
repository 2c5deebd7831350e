/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/base/date.h"
#include "scan-internal.h"

int scan_init(struct scan *s, const struct taint_kernel *context)
{
        size_t n;

        (void)taint_flags(&n);
        *s = (struct scan){ .context = *context,
                .limits = SOURCE_LIMITS,
                .since = INT64_MIN,
                .until = INT64_MAX,
                .flags = calloc(n, sizeof(*s->flags)) };
        return s->flags ? 0 : -ENOMEM;
}

static void map_done(struct hashmap *map)
{
        uint32_t i = 0;

        for (void *p; (p = hashmap_next(map, &i));)
                free(p);
        hashmap_done(map);
}

void scan_done(struct scan *s)
{
        for (uint32_t i = 0; i < s->n_files; i++)
                free(s->files[i]);
        for (size_t i = 0; i < s->n_skipped; i++)
                free(s->skipped[i].path);
        for (size_t i = 0; i < ARRAY_SIZE(s->letters); i++)
                free(s->letters[i]);
        map_done(&s->modules.map);
        map_done(&s->releases.map);
        map_done(&s->weeks.map);
        map_done(&s->crashes);
        free(s->files);
        free(s->skipped);
        free(s->flags);
        *s = (struct scan){ 0 };
}

int scan_skip(struct scan *s, const char *path, const char *reason)
{
        s->n_skipped_all++;
        if (s->n_skipped == SCAN_SKIPPED_MAX)
                return 0;
        struct scan_skipped skipped = { .path = strdup(path) };
        if (!skipped.path || array_grow(&s->skipped, s->n_skipped, sizeof(skipped)) < 0) {
                free(skipped.path);
                return -ENOMEM;
        }
        (void)snprintf(skipped.reason, sizeof(skipped.reason), "%s", reason);
        s->skipped[s->n_skipped++] = skipped;
        return 0;
}

static void count_at(struct scan_count *c, const struct scan_place *place)
{
        bool none = c->reports++ == 0;

        if (none || place->usec < c->first.usec)
                c->first = *place;
        if (none || place->usec >= c->last.usec)
                c->last = *place;
}

struct key {
        const char *text;
        size_t n;
};

static bool has_name(const void *entry, const void *key)
{
        const struct scan_name *e = entry;
        const struct key *k = key;

        return strlen(e->name) == k->n && memcmp(e->name, k->text, k->n) == 0;
}

static bool is_crash(const void *entry, const void *key)
{
        return *(const uint64_t *)entry == *(const uint64_t *)key;
}

/* The entry of a name, made if need be; NULL without an error where there are too many already. */
static int name_of(struct scan_names *names, const char *text, size_t n, struct scan_name **ret)
{
        struct key key = { text, n < sizeof((*ret)->name) ? n : sizeof((*ret)->name) - 1 };
        uint32_t hash = hashmap_hash(key.text, key.n, hashmap_seed());

        *ret = hashmap_get(&names->map, hash, has_name, &key);
        if (*ret)
                return 0;
        if (names->map.used >= SCAN_NAMES_MAX) {
                names->left_out++;
                return 0;
        }
        struct scan_name *e = calloc(1, sizeof(*e));
        if (!e)
                return -ENOMEM;
        memcpy(e->name, key.text, key.n);
        int r = hashmap_put(&names->map, hash, e);
        if (r < 0) {
                free(e);
                return r;
        }
        *ret = e;
        return 0;
}

static void copy_example(char to[static 160], const struct taint_line *line)
{
        const char *start = line->plain.text, *at = start + line->plain.at, *end = taint_line_end(line);
        size_t used = 0;

        if (at - start > 80)
                start = at - 80;
        for (; start < end && used < 159; start++)
                to[used++] = *start >= ' ' && *start <= '~' ? *start : ' ';
        to[used] = '\0';
}

static int count_unknown(struct scan *s, char letter)
{
        const struct scan_report *r = &s->report;
        struct scan_letter **slot = &s->letters[(unsigned char)letter % ARRAY_SIZE(s->letters)];

        if (!*slot && !(*slot = calloc(1, sizeof(**slot))))
                return -ENOMEM;
        struct scan_letter *l = *slot;
        count_at(&l->count, &r->place);
        if (l->n_examples < SCAN_EXAMPLES) {
                memcpy(l->examples[l->n_examples], r->example, sizeof(r->example));
                l->places[l->n_examples++] = r->place;
        }
        return 0;
}

static int count_letters(struct scan *s)
{
        const struct taint_reading *reading = &s->report.reading;
        size_t n_rows;
        const struct taint_flag *rows = taint_flags(&n_rows);

        for (unsigned bit = 0; bit < 64; bit++)
                if (reading->mask >> bit & 1)
                        count_at(&s->flags[reading->flags[bit] - rows], &s->report.place);
        s->ambiguous += reading->n_ambiguous > 0 ? 1 : 0;
        for (const char *letter = reading->unknown; *letter; letter++) {
                int r = count_unknown(s, *letter);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int count_name(struct scan_names *names, const char *text, const struct scan_report *report)
{
        struct scan_name *name;

        int r = name_of(names, text, strlen(text), &name);
        if (r < 0 || !name)
                return r;
        name->mask |= report->reading.mask;
        name->kernel = report->context;
        if (report->clean)
                name->clean++;
        else
                count_at(&name->count, &report->place);
        return 0;
}

int scan_flush(struct scan *s)
{
        struct scan_report *report = &s->report;
        bool counts = report->any && !report->left_out;
        char week[DATE_TEXT_MAX];

        report->any = false;
        if (!counts)
                return 0;
        (void)date_format_week(report->place.usec, week);
        s->clean += report->clean;
        s->reports += !report->clean;
        s->unreadable += report->unreadable;
        int r = report->place.release[0] ? count_name(&s->releases, report->place.release, report) : 0;
        if (r == 0)
                r = count_name(&s->weeks, week, report);
        return r < 0 ? r : count_letters(s);
}

/* True for the first. */
static int remember_crash(struct scan *s, uint64_t hash, bool *ret_known)
{
        uint32_t h = hashmap_hash(&hash, sizeof(hash), hashmap_seed());

        *ret_known = hashmap_get(&s->crashes, h, is_crash, &hash);
        if (*ret_known || s->crashes.used >= SCAN_NAMES_MAX)
                return 0;
        uint64_t *entry = malloc(sizeof(*entry));
        if (!entry)
                return -ENOMEM;
        *entry = hash;
        int r = hashmap_put(&s->crashes, h, entry);
        if (r < 0)
                free(entry);
        return r;
}

static void set_release(struct scan_report *report, const struct taint_line *line)
{
        (void)snprintf(report->place.release, sizeof(report->place.release), "%.*s", (int)line->release_len,
                line->release ? line->release : "");
}

static void set_time(struct scan *s, const struct taint_line *line)
{
        struct scan_report *report = &s->report;
        const struct taint_plain *plain = &line->plain;
        int64_t usec;

        bool is_dated = date_find(plain->text, plain->at, s->file_time, &usec);
        report->place.dated = is_dated ? SCAN_DATED_TEXT : SCAN_DATED_FILE;
        report->place.usec = is_dated ? usec : s->file_time;
        if (report->place.usec >= s->since && report->place.usec < s->until)
                return;
        s->other_times += !report->left_out;
        report->left_out = true;
}

static int begin_report(struct scan *s, const struct taint_line *line, const struct scan_hit *hit)
{
        struct scan_report *report = &s->report;

        int r = scan_flush(s);
        if (r < 0)
                return r;
        *report = (struct scan_report){
                .any = true, .clean = true, .place = { .file = s->n_files - 1, .offset = hit->offset }
        };
        if (s->is_pstore && hit->time.kind == SCAN_TIME_KERNEL)
                r = remember_crash(s, hit->line_hash, &report->left_out);
        set_release(report, line);
        set_time(s, line);
        copy_example(report->example, line);
        return r;
}

static void add_line(struct scan *s, const struct taint_line *line)
{
        struct scan_report *report = &s->report;
        struct taint_kernel context = taint_line_context(line, &s->context);

        if (line->release_len > 0 || report->context.version == 0)
                report->context = context;
        if (!report->place.release[0])
                set_release(report, line);
        if (line->kind == TAINT_LINE_CLEAN)
                return;
        report->clean = false;
        if (line->kind == TAINT_LINE_UNREADABLE)
                report->unreadable = report->reading.mask == 0;
        else if (taint_line_read(line, &context, &report->reading))
                report->unreadable = false;
}

/* Where another report begins or this one ends: no list is a report's beyond one of these. */
static const char *const bounds[] = { "[ cut here ]", "---[ end trace", "Oops",
        "BUG: ", "WARNING: ", "INFO: ", "Kernel panic" };

static const char *find_list(const char *p, const char *end)
{
        static const char mark[] = "odules linked in:";

        return memmem(p, (size_t)(end - p), mark, sizeof(mark) - 1);
}

static bool has_bound(const char *p, const char *end)
{
        for (size_t i = 0; i < ARRAY_SIZE(bounds); i++)
                if (memmem(p, (size_t)(end - p), bounds[i], strlen(bounds[i])))
                        return true;
        return false;
}

/* A list has more lines where the first is full: they hold nothing but names. */
static const char *end_of_list(const char *list, const char *end)
{
        const char *line = memchr(list, '\n', (size_t)(end - list));

        while (line) {
                const char *next = memchr(line + 1, '\n', (size_t)(end - line - 1));
                if (!taint_module_names(line + 1, (size_t)((next ? next : end) - line - 1)))
                        return line;
                line = next;
        }
        return end;
}

static int count_module(struct scan *s, const struct taint_module *module,
        const struct taint_kernel *context, const struct scan_place *place)
{
        struct taint_reading r = { 0 };
        struct scan_name *name;

        taint_read_module(module->letters, module->letters_len, context, &r);
        if (r.mask == 0 && !r.unknown[0])
                return 0;
        int e = name_of(&s->modules, module->name, module->name_len, &name);
        if (e < 0 || !name)
                return e;
        name->mask |= r.mask;
        name->kernel = *context;
        /* x86 lists the modules twice in some oopses: once a report */
        if (name->count.reports == 0 || name->seen_file != place->file || name->seen_offset != place->offset)
                count_at(&name->count, place);
        name->seen_file = place->file;
        name->seen_offset = place->offset;
        return 0;
}

static int count_list(struct scan *s, const char *list, const char *end, const struct taint_kernel *context,
        const struct scan_place *place)
{
        const size_t n = (size_t)(end - list);
        struct taint_module module;
        size_t i = 0;
        int r = 0;

        while (r == 0 && taint_module_next(list, n, &i, &module))
                r = count_module(s, &module, context, place);
        return r;
}

/* Looks for the list of the open report in what ends at text[n]. `complete`: nothing that comes later can be
 * of it. *ret is behind its list where there is one, else unchanged. */
static int look_below(
        struct scan *s, const char *text, size_t n, uint64_t base, bool complete, const char **ret)
{
        const struct scan_open open = s->open;
        const char *p = open.from > base ? text + (open.from - base) : text, *end = text + n;

        if (!open.any || p >= end)
                return 0;
        const char *list = find_list(p, end);
        if (!list || base + (uint64_t)(list - text) >= open.until || has_bound(p, list)) {
                s->open.any = !list && !complete && base + n < open.until && !has_bound(p, end);
                return 0;
        }
        if ((size_t)(end - list) > SCAN_LIST_MAX)
                end = list + SCAN_LIST_MAX;
        else if (!complete)
                return 0;
        s->open.any = false;
        *ret = end_of_list(list, end);
        return count_list(s, list, *ret, &open.context, &open.place);
}

int scan_modules_below(struct scan *s, const char *text, size_t n, uint64_t base, bool ends)
{
        const char *behind = NULL;

        return look_below(s, text, n, base, ends, &behind);
}

/* Counts the modules of the report whose line is at text[at]; nothing before text[from] belongs to it. Where
 * no list stands above, the report is left open for one that comes. */
static int count_modules(struct scan *s, const char *text, size_t from, size_t at, uint64_t base,
        const struct taint_kernel *context, const struct scan_place *place)
{
        const char *p = text + from, *end = text + at, *behind = p, *list = NULL;

        int r = look_below(s, text, at, base, true, &behind);
        if (r < 0)
                return r;
        for (const char *next = behind > p ? behind : p; (next = find_list(next, end)); next++)
                list = next;
        if (list && !has_bound(list, end))
                return count_list(s, list, end, context, place);
        s->open = (struct scan_open){ true, base + at, base + at + SCAN_BELOW, *place, *context };
        return 0;
}

int scan_hit(struct scan *s, const char *text, size_t n, size_t at, uint64_t base)
{
        struct taint_reading reading = { 0 };
        struct taint_line line;

        taint_line_parse(text, n, at, &line);
        if (line.kind == TAINT_LINE_NUMBER || line.is_listing ||
                (!taint_line_read(&line, &s->context, &reading) && line.kind != TAINT_LINE_UNREADABLE))
                return 0;
        const struct scan_hit hit = scan_hit_of(&line, reading.mask, base + at), last = s->last;
        uint64_t before = last.any && last.offset > base ? last.offset - base : 0;
        bool same = scan_hit_continues(&last, &hit, text + before, text + at);
        s->last = hit;
        int r = same && s->report.any ? 0 : begin_report(s, &line, &hit);
        if (r < 0)
                return r;
        if (same && (hit.role == SCAN_ROLE_NAMES || hit.text_hash == last.text_hash))
                return 0;
        add_line(s, &line);
        if ((same && last.role != SCAN_ROLE_HEAD) || s->report.left_out)
                return 0;
        size_t from = at > SCAN_BEFORE && at - SCAN_BEFORE > before ? at - SCAN_BEFORE : (size_t)before;
        return count_modules(s, text, from, at, base, &s->report.context, &s->report.place);
}

static int by_reports(const void *a, const void *b)
{
        const struct scan_name *x = *(const struct scan_name *const *)a,
                               *y = *(const struct scan_name *const *)b;

        if (x->count.reports != y->count.reports)
                return x->count.reports < y->count.reports ? 1 : -1;
        return strcmp(x->name, y->name);
}

static int by_version(const void *a, const void *b)
{
        const struct scan_name *x = *(const struct scan_name *const *)a,
                               *y = *(const struct scan_name *const *)b;
        uint32_t v = taint_version_parse(x->name, strlen(x->name)),
                 w = taint_version_parse(y->name, strlen(y->name));

        if (v != w)
                return v < w ? -1 : 1;
        return strverscmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
        return strcmp(
                (*(const struct scan_name *const *)a)->name, (*(const struct scan_name *const *)b)->name);
}

static const struct scan_name **sort(
        const struct scan_names *names, int (*compare)(const void *, const void *))
{
        const struct scan_name **list = calloc((size_t)names->map.used + 1, sizeof(*list));
        size_t n = 0;
        uint32_t i = 0;

        if (!list)
                return NULL;
        for (struct scan_name *e; (e = hashmap_next(&names->map, &i));)
                list[n++] = e;
        qsort(list, n, sizeof(*list), compare);
        return list;
}

const struct scan_name **scan_sort_modules(const struct scan_names *names)
{
        return sort(names, by_reports);
}

const struct scan_name **scan_sort_releases(const struct scan_names *names)
{
        return sort(names, by_version);
}

const struct scan_name **scan_sort_weeks(const struct scan_names *names)
{
        return sort(names, by_name);
}
