/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "scan.h"

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
