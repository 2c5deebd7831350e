/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "search.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/names/fold.h"

/* Of data that is longer nobody has typed a part. */
#define DATA_BYTES_MAX (64u * 1024u)

static void drop_places(struct search *s)
{
        for (size_t i = 0; i < s->n; i++) {
                free(s->list[i].key);
                free(s->list[i].name);
        }
        free(STEAL_PTR(s->list));
        s->n = 0;
}

void search_done(struct search *s)
{
        drop_places(s);
        buf_done(&s->text);
        buf_done(&s->scratch);
}

/* With a NUL, which buf has behind it anyway. */
static int fold(struct buf *out, const char *text, size_t n)
{
        buf_clear(out);
        if (buf_reserve(out, FOLDED_BYTES(n)) < 0)
                return -ENOMEM;
        out->len = fold_text(text, n, out->data, FOLDED_BYTES(n));
        out->data[out->len] = '\0';
        return 0;
}

void search_begin(struct search *s, const char *text)
{
        drop_places(s);
        (void)fold(&s->text, text, strlen(text));
}

static int has(struct search *s, const char *text, size_t n, bool *ret)
{
        int r = fold(&s->scratch, text, n);

        if (r == 0)
                *ret = strstr(buf_str(&s->scratch), buf_str(&s->text)) != NULL;
        return r;
}

static int add(struct search *s, const char *key, const char *name)
{
        struct search_place place = { .key = strdup(key), .name = name ? strdup(name) : NULL };

        if (!place.key || (name && !place.name) || array_grow(&s->list, s->n, sizeof(*s->list)) < 0) {
                free(place.key);
                free(place.name);
                return -ENOMEM;
        }
        s->list[s->n++] = place;
        return 0;
}

int search_try_key(struct search *s, const char *key)
{
        const char *name = strrchr(key, '\\');
        bool found = false;

        name = name ? name + 1 : key;
        int r = s->n < SEARCH_PLACES_MAX ? has(s, name, strlen(name), &found) : 0;
        return r == 0 && found ? add(s, key, NULL) : r;
}

int search_try_value(struct search *s, const char *key, const char *name, const struct value *value)
{
        _cleanup_buf_ struct buf data = BUF_INIT;
        bool found = false;

        if (s->n >= SEARCH_PLACES_MAX)
                return 0;
        int r = has(s, name, strlen(name), &found);
        if (r == 0 && !found && value && value->size <= DATA_BYTES_MAX) {
                value_format(&data, value, true);
                r = data.error ? data.error : has(s, buf_str(&data), data.len, &found);
        }
        return r == 0 && found ? add(s, key, name) : r;
}

/* ---- Their order ---- */

static int compare_paths(const char *a, const char *b)
{
        while (*a && *b) {
                size_t n = strcspn(a, "\\"), m = strcspn(b, "\\");
                int c = fold_compare(a, n, b, m);
                if (c != 0)
                        return c;
                a += n + (a[n] != '\0');
                b += m + (b[m] != '\0');
        }
        return (*a != '\0') - (*b != '\0');
}

int search_compare(const char *key, const char *name, const char *other_key, const char *other_name)
{
        int c = compare_paths(key, other_key);

        if (c != 0 || !name || !other_name)
                return c != 0 ? c : (name != NULL) - (other_name != NULL);
        return fold_order(name, other_name);
}

/* The first of those for which sign * comparison is at least `least`, or, with the sign -1, the last. */
static const struct search_place *nearest(
        const struct search *s, const char *key, const char *name, int sign, int least)
{
        const struct search_place *best = NULL;

        for (size_t i = 0; i < s->n; i++) {
                const struct search_place *p = &s->list[i];
                if (key && sign * search_compare(p->key, p->name, key, name) < least)
                        continue;
                if (!best || sign * search_compare(p->key, p->name, best->key, best->name) < 0)
                        best = p;
        }
        return best;
}

const struct search_place *search_behind(
        const struct search *s, const char *key, const char *name, bool or_there)
{
        return nearest(s, key, name, 1, or_there ? 0 : 1);
}

const struct search_place *search_before(const struct search *s, const char *key, const char *name)
{
        return nearest(s, key, name, -1, 1);
}

const struct search_place *search_end(const struct search *s, bool last)
{
        return nearest(s, NULL, NULL, last ? -1 : 1, 0);
}
