/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "letters.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "../../schema/base/file.h"
#include "../../schema/layout.h"
#include "../../schema/values/value.h"

/* The letters alone, for a quick search; the same order as the table. */
static const char row_letters[] = {
#define TAINT_FLAG(WHO, BIT, COLUMN, LETTER, ...) LETTER,
#include "../../schema/taint/taint-flags.def"
#undef TAINT_FLAG
};

struct candidates {
        size_t n;
        const struct taint_flag *flags[TAINT_CANDIDATES_MAX];
};

static bool keep_version(const struct taint_flag *f, int version)
{
        return f->since <= (uint32_t)version && (f->until == 0 || (uint32_t)version < f->until);
}

static bool keep_column(const struct taint_flag *f, int column)
{
        return f->column == column;
}

static bool keep_distro(const struct taint_flag *f, int distro)
{
        return f->distro == (enum taint_distro)distro;
}

/* Narrows the list, unless nothing would be left: distributions take letters over from newer kernels. */
static bool narrow(struct candidates *c, bool (*keep)(const struct taint_flag *, int), int value)
{
        struct candidates kept = { 0 };

        for (size_t i = 0; i < c->n; i++)
                if (keep(c->flags[i], value))
                        kept.flags[kept.n++] = c->flags[i];
        if (kept.n == 0)
                return false;
        *c = kept;
        return true;
}

/* Where the version is not known, what ended before 3.0 would make letters ambiguous that hardly ever are.
 */
static bool may_be_meant(const struct taint_flag *f, const struct taint_kernel *context)
{
        if (context->version == 0 && f->until != 0 && f->until < TAINT_VERSION(3, 0, 0))
                return false;
        return context->distro == TAINT_ANY || f->distro == TAINT_UPSTREAM || f->distro == context->distro;
}

static bool is_same(const struct taint_flag *a, const struct taint_flag *b)
{
        return a->bit == b->bit && strcmp(a->symbol, b->symbol) == 0;
}

/* All rows with this letter, or (letter 0) with this bit. */
static void find_candidates(
        char letter, unsigned bit, const struct taint_kernel *context, struct candidates *ret)
{
        size_t n;
        const struct taint_flag *table = taint_flags(&n);
        struct candidates c = { 0 };

        for (size_t i = 0; i < n && c.n < TAINT_CANDIDATES_MAX; i++) {
                const char *hit = letter ? memchr(row_letters + i, letter, n - i) : NULL;
                if (letter && !hit)
                        break;
                if (hit)
                        i = (size_t)(hit - row_letters);
                if ((letter || table[i].bit == bit) && may_be_meant(&table[i], context))
                        c.flags[c.n++] = &table[i];
        }
        if (context->version != 0)
                (void)narrow(&c, keep_version, (int)context->version);
        *ret = c;
}

bool taint_is_letter(char c)
{
        return c != '\0' &&
               (c == taint_flag_by_bit(0)->clear || memchr(row_letters, c, sizeof(row_letters)));
}

static bool is_filler(char c)
{
        return c == ' ' || c == '\t' || c == '-' || c == '\0';
}

static bool is_clear_letter(char c)
{
        return c == taint_flag_by_bit(0)->clear;
}

static bool stands_in_columns(const char *s, size_t n, const struct taint_kernel *context)
{
        for (size_t i = 0; i < n; i++) {
                struct candidates c;
                if (is_filler(s[i]))
                        continue;
                if (is_clear_letter(s[i])) {
                        if (i > 0)
                                return false;
                        continue;
                }
                find_candidates(s[i], 0, context, &c);
                if (c.n > 0 && !narrow(&c, keep_column, (int)i))
                        return false;
        }
        return true;
}

/* The first column behind `last` in which some kernel prints the letter; -1 where there is none. */
static int column_behind(char letter, int last)
{
        size_t n;
        const struct taint_flag *table = taint_flags(&n);
        int best = -1;

        if (is_clear_letter(letter))
                return last < 0 ? 0 : -1;
        for (size_t i = 0; i < n; i++)
                if (table[i].letter == letter && table[i].column > last &&
                        (best < 0 || table[i].column < best))
                        best = table[i].column;
        return best;
}

bool taint_letters_plausible(const char *s, size_t n)
{
        bool unknown[UCHAR_MAX + 1] = { 0 };
        int last = -1;

        for (size_t i = 0; i < n; i++) {
                unsigned char c = (unsigned char)s[i];
                if (is_filler(s[i]))
                        continue;
                if (taint_is_letter(s[i])) {
                        last = column_behind(s[i], last);
                        if (last < 0)
                                return false;
                } else if (unknown[c]) {
                        return false;
                }
                unknown[c] = true;
        }
        return true;
}

static void add_unknown(struct taint_reading *r, char letter)
{
        size_t n = strlen(r->unknown);

        if (n < TAINT_UNKNOWN_MAX && !strchr(r->unknown, letter))
                r->unknown[n] = letter;
}

void taint_read_flag(const struct taint_flag *f, struct taint_reading *r)
{
        r->mask |= UINT64_C(1) << f->bit;
        r->flags[f->bit] = f;
}

static void add_ambiguous(struct taint_reading *r, char letter, const struct candidates *c)
{
        for (size_t i = 0; i < r->n_ambiguous; i++)
                if (r->ambiguous[i].letter == letter)
                        return;
        if (r->n_ambiguous == TAINT_AMBIGUOUS_MAX)
                return;
        struct taint_ambiguous *a = &r->ambiguous[r->n_ambiguous++];
        *a = (struct taint_ambiguous){ .letter = letter, .n = c->n };
        memcpy(a->candidates, c->flags, sizeof(a->candidates));
}

/* Takes the first; the others that mean something else make it ambiguous. */
static void settle(const struct candidates *all, const struct taint_kernel *context, struct taint_reading *r)
{
        struct candidates c = *all, different = { 0 };

        if (context->distro != TAINT_ANY)
                (void)narrow(&c, keep_distro, (int)context->distro);
        for (size_t i = 0; i < c.n; i++) {
                size_t k = 0;
                while (k < different.n && !is_same(c.flags[i], different.flags[k]))
                        k++;
                if (k == different.n)
                        different.flags[different.n++] = c.flags[i];
        }
        taint_read_flag(c.flags[0], r);
        if (different.n > 1)
                add_ambiguous(r, c.flags[0]->letter, &different);
}

/* column: -1 where it says nothing */
static void read_letter(char letter, int column, const struct taint_kernel *context, struct taint_reading *r)
{
        struct candidates c;

        find_candidates(letter, 0, context, &c);
        if (c.n == 0) {
                add_unknown(r, letter);
                return;
        }
        if (column >= 0)
                (void)narrow(&c, keep_column, column);
        settle(&c, context, r);
}

void taint_read_letters(
        const char *s, size_t n, const struct taint_kernel *context, bool squeezed, struct taint_reading *r)
{
        bool columns = !squeezed && stands_in_columns(s, n, context);

        for (size_t i = 0; i < n; i++)
                if (!is_filler(s[i]) && !is_clear_letter(s[i]))
                        read_letter(s[i], columns ? (int)i : -1, context, r);
        r->columns = columns;
}

void taint_read_module(const char *s, size_t n, const struct taint_kernel *context, struct taint_reading *r)
{
        for (size_t i = 0; i < n; i++)
                if (!is_filler(s[i]) && !is_clear_letter(s[i]) &&
                        (s[i] != 'U' || context->distro == TAINT_SUSE))
                        read_letter(s[i], -1, context, r);
}

void taint_read_mask(uint64_t mask, const struct taint_kernel *context, struct taint_reading *r)
{
        struct candidates c;

        r->mask |= mask;
        for (unsigned bit = 0; bit < 64; bit++) {
                if (!(mask >> bit & 1))
                        continue;
                find_candidates(0, bit, context, &c);
                if (c.n > 0)
                        settle(&c, context, r);
        }
}

void taint_read_symbol(char letter, const char *symbol, size_t n, const struct taint_kernel *context,
        struct taint_reading *r)
{
        const struct taint_flag *f = taint_flag_by_symbol(symbol, n);

        if (f && f->letter == letter)
                taint_read_flag(f, r);
        else
                read_letter(letter, -1, context, r);
}

#define MASK_TEXT_MAX 64u

/* The first line. */
static int read_line(const char *root, const char *file, size_t max, struct buf *ret, struct diag *d)
{
        _cleanup_free_ char *path = file_path(root, file);

        int r = path ? file_read(AT_FDCWD, path, max, ret, NULL, d) : -ENOMEM;
        if (r < 0)
                return d && d->text[0] ? r : diag_set(d, -r, "%s: %s", file, strerror(-r));
        ret->data[strcspn(ret->data, "\n")] = '\0';
        return 0;
}

int taint_running_mask(const char *root, uint64_t *ret, struct diag *d)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        int r = read_line(root, LAYOUT_SYSCTL "/kernel/tainted", MASK_TEXT_MAX, &text, d);
        if (r == 0 && number_parse(text.data, strlen(text.data), UINT64_MAX, ret) < 0)
                r = diag_set(d, EINVAL, LAYOUT_SYSCTL "/kernel/tainted: '%s' is no mask", text.data);
        return r;
}

/* What the letters say; those of a kernel that is not ours may be of bits that have none here. */
static bool tells_of(const char *letters, uint64_t mask)
{
        const struct taint_kernel anything = { 0 };
        struct taint_reading reading = { 0 };

        taint_read_letters(letters, strlen(letters), &anything, false, &reading);
        return reading.unknown[0] || reading.mask == mask;
}

const char *taint_running_letters(
        const char *root, uint64_t mask, bool *ret_differs, char s[static TAINT_LETTERS_MAX])
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        *ret_differs = false;
        if (read_line(root, LAYOUT_SYSCTL "/kernel/tainted_chars", TAINT_LETTERS_MAX, &text, NULL) < 0 ||
                strlen(text.data) >= TAINT_LETTERS_MAX)
                return taint_columns(mask, s);
        *ret_differs = !tells_of(text.data, mask);
        return strcpy(s, text.data);
}
