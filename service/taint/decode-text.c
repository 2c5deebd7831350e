/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "decode-internal.h"
#include "find.h"
#include "utf16.h"

#define NUMBER_MAX 24u /* of what stands for a mask, with what may follow it */

struct walk {
        const struct taint_kernel *context;
        taint_decoded_fn each;
        void *userdata;
        uint64_t *seen;
        size_t n_seen;
        uint64_t last_mask;
        struct taint_kernel
                near;           /* what the next release in the text tells, where the caller does not know */
        const char *near_until; /* of the text that it holds for */
        bool bare;
        bool number_expected; /* the line above says what a number alone is */
        bool names_go_on;     /* the last line was of names, and ended in a comma */
};

static const char names_mark[] = "ainted: [";

static uint64_t hash_of(const struct taint_decoded *d)
{
        /* FNV-1a: what differs only in the time of the log line is the same. */
        const char *s = d->input, *end = s + d->input_len;
        uint64_t h = UINT64_C(14695981039346656037);
        const char *behind = memmem(s, d->input_len, "] ", 2);

        if (*s == '[' && behind)
                s = behind;
        for (; s < end; s++)
                h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
        return h;
}

/* 1 if it is new. */
static int remember(struct walk *w, const struct taint_decoded *d)
{
        uint64_t h = hash_of(d);

        for (size_t i = 0; i < w->n_seen; i++)
                if (w->seen[i] == h)
                        return 0;
        if (w->n_seen == TAINT_FOUND_MAX)
                return 0;
        if ((w->n_seen & (w->n_seen + 1)) == 0) {
                uint64_t *p = realloc(w->seen, (w->n_seen + 1) * 2 * sizeof(*p));
                if (!p)
                        return -ENOMEM;
                w->seen = p;
        }
        w->seen[w->n_seen++] = h;
        return 1;
}

/* Whether the line before it has told these names already. */
static bool continues_names(struct walk *w, const char *line, size_t n)
{
        bool begins = decode_begins_names(line, n), goes_on = w->names_go_on && begins;

        while (n > 0 && strchr("= ", line[n - 1])) /* quoted-printable */
                n--;
        w->names_go_on =
                n > 0 && line[n - 1] == ',' && (begins || memmem(line, n, names_mark, strlen(names_mark)));
        return goes_on;
}

/* A list of modules stands above the line with the release: their letters are of that kernel. */
static void find_release(struct walk *w, const char *from, const char *end)
{
        struct taint_line line;

        w->near_until = end;
        for (const char *p = from; (p = taint_find(p, (size_t)(end - p))); p += TAINT_NEEDLE_LEN) {
                taint_line_parse(from, (size_t)(end - from), (size_t)(p - from), &line);
                if (line.release_len == 0)
                        continue;
                w->near = taint_line_context(&line, w->context);
                const char *newline = memchr(p, '\n', (size_t)(end - p));
                w->near_until = newline ? newline : end;
                return;
        }
}

/* Below "cat /proc/sys/kernel/tainted", or where the text begins. */
static bool is_expected_number(struct walk *w, const char *line, size_t n)
{
        static const char *const files[] = { "kernel/tainted", "kernel.tainted" };
        bool expected = w->number_expected;

        if (n == 0)
                return false;
        w->number_expected = false;
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                w->number_expected |= memmem(line, n, files[i], strlen(files[i])) != NULL;
        return expected && n < NUMBER_MAX && isdigit((unsigned char)*line);
}

static int decode_walked(struct walk *w, struct taint_decoded *d, bool is_number, const char *text_end)
{
        if (d->input_len == 0)
                return 0;
        int r = w->bare || is_number ? decode_bare(d, NULL) : 0;
        return r != 0 || w->bare ? r : decode_line(d, text_end, NULL);
}

static int walk_line(struct walk *w, const char *line, size_t n, const char *text_end)
{
        if (line >= w->near_until)
                find_release(w, line, text_end);
        _cleanup_decoded_ struct taint_decoded d = { .context = w->near };

        decode_trim(&line, &n);
        if (continues_names(w, line, n))
                return 0;
        d.input = line;
        d.input_len = n;
        int r = decode_walked(w, &d, is_expected_number(w, line, n), text_end);
        if (r == -EINVAL)
                return 0; /* another line may tell something */
        if (r <= 0)
                return r;
        /* The names of 6.11 repeat the letters above them. */
        if (w->n_seen > 0 && d.reading.mask == w->last_mask &&
                memmem(line, n, names_mark, strlen(names_mark)))
                return 0;
        r = remember(w, &d);
        w->last_mask = d.reading.mask;
        return r <= 0 ? r : w->each(&d, w->userdata);
}

static int walk_text(struct walk *w, const char *text, size_t n)
{
        const char *end = text + n;

        for (const char *line = text; line < end;) {
                const char *newline = memchr(line, '\n', (size_t)(end - line));
                const char *line_end = newline ? newline : end;
                int r = walk_line(w, line, (size_t)(line_end - line), end);
                if (r != 0)
                        return r;
                line = newline ? newline + 1 : end;
        }
        return 0;
}

static int decode_text(const char *text, size_t n, const struct taint_kernel *context, taint_decoded_fn each,
        void *userdata, struct diag *d)
{
        struct walk w = { .context = context,
                .near = *context,
                .near_until = text,
                .number_expected = true,
                .each = each,
                .userdata = userdata };

        decode_trim(&text, &n);
        if (!memchr(text, '\n', n)) {
                _cleanup_decoded_ struct taint_decoded one = { 0 };
                int r = taint_decode_one(text, n, context, &one, d);
                return r < 0 ? r : each(&one, userdata);
        }
        int r = walk_text(&w, text, n);
        if (r == 0 && w.n_seen == 0) {
                w.bare = true;
                r = walk_text(&w, text, n);
        }
        if (r == 0 && w.n_seen == 0)
                r = diag_set(d, EINVAL, "no line of the text tells of taints");
        free(w.seen);
        return r;
}

int taint_decode_text(const char *text, size_t n, const struct taint_kernel *context, taint_decoded_fn each,
        void *userdata, struct diag *d)
{
        struct utf16 utf16;

        if (!utf16_detect((const uint8_t *)text, n, &utf16))
                return decode_text(text, n, context, each, userdata, d);
        _cleanup_free_ char *plain = malloc(n / 2 * 3 + 3);
        if (!plain)
                return -ENOMEM;
        size_t length = utf16_convert(&utf16, (const uint8_t *)text, n, plain);
        return decode_text(plain, length, context, each, userdata, d);
}
