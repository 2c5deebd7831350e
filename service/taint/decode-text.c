/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "decode-internal.h"

struct walk {
        const struct taint_kernel *context;
        taint_decoded_fn each;
        void *userdata;
        uint64_t *seen;
        size_t n_seen;
        uint64_t last_mask;
        bool bare;
        bool names_go_on; /* the last line was of names, and ended in a comma */
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

static int walk_line(struct walk *w, const char *line, size_t n, const char *text_end)
{
        _cleanup_decoded_ struct taint_decoded d = { .context = *w->context };

        decode_trim(&line, &n);
        if (continues_names(w, line, n))
                return 0;
        d.input = line;
        d.input_len = n;
        int r = n == 0 ? 0 : w->bare ? decode_bare(&d, NULL) : decode_line(&d, text_end, NULL);
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

int taint_decode_text(const char *text, size_t n, const struct taint_kernel *context, taint_decoded_fn each,
        void *userdata, struct diag *d)
{
        struct walk w = { .context = context, .each = each, .userdata = userdata };

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
