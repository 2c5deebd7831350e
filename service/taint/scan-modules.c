/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which modules a report names. */
#include <string.h>

#include "scan-internal.h"

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

/* Behind the last of them; `p` where there is none. */
static const char *behind_bounds(const char *p, const char *end)
{
        for (size_t i = 0; i < ARRAY_SIZE(bounds); i++)
                for (const char *hit; (hit = memmem(p, (size_t)(end - p), bounds[i], strlen(bounds[i])));)
                        p = hit + strlen(bounds[i]);
        return p;
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
        int e = scan_name_of(&s->modules, module->name, module->name_len, &name);
        if (e < 0 || !name)
                return e;
        name->mask |= r.mask;
        name->kernel = *context;
        /* x86 lists the modules twice in some oopses: once a report */
        if (name->count.reports == 0 || name->seen_file != place->file || name->seen_offset != place->offset)
                scan_count_at(&name->count, place);
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

int scan_modules(struct scan *s, const char *text, size_t from, size_t at, uint64_t base,
        const struct taint_kernel *context, const struct scan_place *place)
{
        const char *p = text + from, *end = text + at, *behind = p, *list = NULL;

        int r = look_below(s, text, at, base, true, &behind);
        if (r < 0)
                return r;
        p = behind_bounds(behind > p ? behind : p, end);
        for (const char *next = p; (next = find_list(next, end)); next++)
                list = next;
        if (list)
                return count_list(s, list, end, context, place);
        s->open = (struct scan_open){ true, base + at, base + at + SCAN_BELOW, *place, *context };
        return 0;
}
