/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scan-internal.h"

/* An oops says the same again within this many bytes; another oops is further away or says something else.
 */
#define SAME_REPORT ((uint64_t)64 * 1024)
#define SAME_REPORT_NAMES UINT64_C(1024)

int scan_init(struct scan *s, const struct taint_kernel *context)
{
        size_t n;

        (void)taint_flags(&n);
        *s = (struct scan){ .context = *context, .flags = calloc(n, sizeof(*s->flags)) };
        return s->flags ? 0 : -ENOMEM;
}

static void names_done(struct scan_names *names)
{
        uint32_t i = 0;

        for (void *p; (p = hashmap_next(&names->map, &i));)
                free(p);
        hashmap_done(&names->map);
}

void scan_done(struct scan *s)
{
        for (uint32_t i = 0; i < s->n_files; i++)
                free(s->files[i]);
        for (size_t i = 0; i < s->n_skipped; i++)
                free(s->skipped[i].path);
        for (size_t i = 0; i < ARRAY_SIZE(s->letters); i++)
                free(s->letters[i]);
        names_done(&s->modules);
        names_done(&s->releases);
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
        struct scan_skipped *p = realloc(s->skipped, (s->n_skipped + 1) * sizeof(*p));
        if (!p)
                return -ENOMEM;
        s->skipped = p;
        p[s->n_skipped] = (struct scan_skipped){ .path = strdup(path) };
        if (!p[s->n_skipped].path)
                return -ENOMEM;
        (void)snprintf(p[s->n_skipped++].reason, sizeof(p->reason), "%s", reason);
        return 0;
}

void scan_count_at(struct scan_count *c, const struct scan_place *place)
{
        if (c->reports++ == 0)
                c->first = *place;
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

int scan_name_of(struct scan_names *names, const char *text, size_t n, struct scan_name **ret)
{
        struct key key = { text, n < sizeof((*ret)->name) ? n : sizeof((*ret)->name) - 1 };
        uint32_t hash = hash_bytes(key.text, key.n, hash_seed());

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

static void copy_example(char to[static 160], const char *text, size_t n, size_t at)
{
        const char *start, *end;
        size_t used = 0;

        taint_line_bounds(text, n, at, &start, &end);
        if (text + at - start > 80)
                start = text + at - 80;
        for (; start < end && used < 159; start++)
                to[used++] = *start >= ' ' && *start <= '~' ? *start : ' ';
        to[used] = '\0';
}

static int count_unknown(
        struct scan *s, char letter, const char *text, size_t n, size_t at, const struct scan_place *place)
{
        struct scan_letter **slot = &s->letters[(unsigned char)letter % ARRAY_SIZE(s->letters)];

        if (!*slot && !(*slot = calloc(1, sizeof(**slot))))
                return -ENOMEM;
        struct scan_letter *l = *slot;
        scan_count_at(&l->count, place);
        if (l->n_examples < SCAN_EXAMPLES) {
                copy_example(l->examples[l->n_examples], text, n, at);
                l->places[l->n_examples++] = *place;
        }
        return 0;
}

static int count_letters(struct scan *s, const struct taint_reading *reading, const char *text, size_t n,
        size_t at, const struct scan_place *place)
{
        size_t n_rows;
        const struct taint_flag *rows = taint_flags(&n_rows);

        for (unsigned bit = 0; bit < 64; bit++)
                if (reading->mask >> bit & 1)
                        scan_count_at(&s->flags[reading->flags[bit] - rows], place);
        s->ambiguous += reading->n_ambiguous > 0 ? 1 : 0;
        for (const char *letter = reading->unknown; *letter; letter++) {
                int r = count_unknown(s, *letter, text, n, at, place);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The line from "CPU:", "Pid:" or the like on: without the time in front of it. */
static uint64_t hash_of_line(const char *text, size_t n, size_t at)
{
        const char *start, *end;

        taint_line_bounds(text, n, at, &start, &end);
        for (const char *p = text + at; p > start; p--)
                if (p[-1] == ']' || (p[-1] == ':' && p - start > 7 && memcmp(p - 7, "kernel:", 7) == 0)) {
                        start = p;
                        break;
                }
        uint64_t h = UINT64_C(14695981039346656037);
        for (; start < end; start++)
                h = (h ^ (unsigned char)*start) * UINT64_C(1099511628211);
        return h;
}

/* A new report begins between the two places. A panic says once more what the oops before it said. */
static bool begins_anew(const char *text, size_t n)
{
        static const char begin[] = "[ cut here ]", end[] = "---[ end trace", panic[] = "Kernel panic";

        return memmem(text, n, begin, sizeof(begin) - 1) ||
               (memmem(text, n, end, sizeof(end) - 1) && !memmem(text, n, panic, sizeof(panic) - 1));
}

static bool is_repeated(const struct scan_last *last, const struct taint_line *line, const char *text,
        size_t n, size_t at, const struct taint_reading *reading, uint64_t base, uint64_t hash)
{
        uint64_t distance = base + at - last->offset;

        if (!last->any || distance > SAME_REPORT)
                return false;
        if (hash == last->text_hash) {
                size_t between = distance < at ? (size_t)distance : at;
                return !begins_anew(text + at - between, between);
        }
        if (reading->mask != last->mask || distance > SAME_REPORT_NAMES)
                return false;
        const char *start, *end;
        taint_line_bounds(text, n, at, &start, &end);
        return line->kind == TAINT_LINE_NAMES || memmem(start, (size_t)(text + at - start), "REGS:", 5);
}

static int count_release(struct scan *s, const struct taint_line *line, const struct taint_reading *reading,
        const struct scan_place *place)
{
        struct scan_name *name;

        if (line->release_len == 0)
                return 0;
        int r = scan_name_of(&s->releases, line->release, line->release_len, &name);
        if (r < 0 || !name)
                return r;
        name->mask |= reading->mask;
        if (line->kind == TAINT_LINE_CLEAN)
                name->clean++;
        else
                scan_count_at(&name->count, place);
        return 0;
}

static int count_report(struct scan *s, const struct taint_line *line, const struct taint_reading *reading,
        const char *text, size_t n, size_t at, uint64_t base)
{
        struct taint_kernel context = taint_line_context(line, &s->context);
        struct scan_place place = { .file = s->n_files - 1, .offset = base + at };
        uint64_t before = s->last.any && s->last.offset > base ? s->last.offset - base : 0;
        size_t from = at > SCAN_BEFORE && at - SCAN_BEFORE > before ? at - SCAN_BEFORE : (size_t)before;

        (void)snprintf(place.release, sizeof(place.release), "%.*s", (int)line->release_len, line->release);
        if (line->kind == TAINT_LINE_CLEAN)
                s->clean++;
        else
                s->reports++;
        int r = count_release(s, line, reading, &place);
        if (r == 0)
                r = count_letters(s, reading, text, n, at, &place);
        if (r == 0)
                r = scan_modules(s, text, from, at, base, &context, &place);
        return r;
}

int scan_hit(struct scan *s, const char *text, size_t n, size_t at, uint64_t base)
{
        struct taint_reading reading = { 0 };
        struct taint_line line;

        taint_line_parse(text, n, at, &line);
        if (line.kind == TAINT_LINE_NUMBER || !taint_line_read(&line, &s->context, &reading))
                return 0;
        uint64_t hash = hash_of_line(text, n, at);
        if (is_repeated(&s->last, &line, text, n, at, &reading, base, hash))
                return 0;
        int r = count_report(s, &line, &reading, text, n, at, base);
        s->last = (struct scan_last){ true, base + at, hash, reading.mask };
        return r;
}
