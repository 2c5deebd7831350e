/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is not a line of the kernel's: numbers, letters and names by themselves, and what tools make of them.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "decode-internal.h"

/* So few letters may stand in any order. */
#define UNORDERED_MAX 2U

static int digit_of(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)tolower((unsigned char)c);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

static int parse_base(const char *s, size_t n, int base, uint64_t *ret)
{
        uint64_t v = 0;

        if (n == 0)
                return -EINVAL;
        for (size_t i = 0; i < n; i++)
                if (digit_of(s[i]) >= base)
                        return -EINVAL;
        for (size_t i = 0; i < n; i++)
                if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
                        __builtin_add_overflow(v, (uint64_t)digit_of(s[i]), &v))
                        return -ERANGE;
        *ret = v;
        return 0;
}

int taint_number_parse(const char *s, size_t n, uint64_t *ret)
{
        if (n > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
                return parse_base(s + 2, n - 2, 16, ret);
        if (n > 2 && s[0] == '0' && (s[1] == 'o' || s[1] == 'O'))
                return parse_base(s + 2, n - 2, 8, ret);
        return parse_base(s, n, 10, ret);
}

/* "(0x3000)" says the same again. */
static bool repeats_number(const char *s, size_t n, uint64_t mask)
{
        uint64_t again;

        return n > 2 && s[0] == '(' && s[n - 1] == ')' && taint_number_parse(s + 1, n - 2, &again) == 0 &&
               again == mask;
}

/* What may stand behind a number that is all there is. */
static bool ends_number(const char *s, size_t n, uint64_t mask)
{
        decode_trim(&s, &n);
        return n == 0 || (n == 1 && strchr(",;.", *s)) || repeats_number(s, n, mask);
}

static int decode_number(struct taint_decoded *d, struct diag *diag)
{
        uint64_t mask, octal;
        size_t n = 0;

        while (n < d->input_len && isalnum((unsigned char)d->input[n]))
                n++;
        int r = taint_number_parse(d->input, n, &mask);
        if (r == -ERANGE)
                return diag_set(diag, EINVAL, "'%.*s': a mask has 64 bits", (int)n, d->input);
        if (r < 0 || !ends_number(d->input + n, d->input_len - n, mask))
                return 0;
        taint_read_mask(mask, &d->context, &d->reading);
        if (n > 1 && d->input[0] == '0' && isdigit((unsigned char)d->input[1]) &&
                parse_base(d->input, n, 8, &octal) == 0 && octal != mask)
                (void)snprintf(d->note, sizeof(d->note),
                        "read as decimal, in spite of the leading 0; as octal it would be %" PRIu64
                        " (write 0o for that)",
                        octal);
        return 1;
}

static bool are_letters(const char *s, size_t n)
{
        size_t letters = 0, unknown = 0;

        for (size_t i = 0; i < n; i++) {
                if (strchr(" \t-", s[i]))
                        continue;
                if (!taint_is_letter(s[i]) && !isupper((unsigned char)s[i]))
                        return false;
                unknown += !taint_is_letter(s[i]);
                letters++;
        }
        /* A newer kernel's letter beside others, and no word of a language. */
        return 2 * unknown < letters && (letters <= UNORDERED_MAX || taint_letters_plausible(s, n));
}

/* Bare letters and `(OE)`. */
static bool decode_letters(struct taint_decoded *d)
{
        struct taint_plain plain;

        if (d->input_len >= TAINT_PLAIN_BEFORE)
                return false;
        taint_plain_read(d->input, d->input_len, 0, &plain);
        const char *s = plain.text, *end = s + plain.n;
        if (s < end && *s == '(') {
                if (*--end != ')')
                        return false;
                s++;
                if (end > s && end[-1] == '+')
                        end--;
        }
        if (!are_letters(s, (size_t)(end - s)))
                return false;
        taint_read_letters(s, (size_t)(end - s), &d->context, false, &d->reading);
        return true;
}

static size_t symbol_length(const char *s, const char *end)
{
        size_t n = 0;

        while (s + n < end && (isupper((unsigned char)s[n]) || isdigit((unsigned char)s[n]) || s[n] == '_'))
                n++;
        return n;
}

/* `OOT_MODULE,WARN`: names and nothing else. */
static bool decode_symbols(struct taint_decoded *d)
{
        struct taint_reading reading = { 0 };
        const char *end = d->input + d->input_len;

        for (const char *s = d->input; s < end;) {
                size_t n = symbol_length(s, end);
                const struct taint_flag *f = n > 0 ? taint_flag_by_symbol(s, n) : NULL;
                if (!f)
                        return false;
                taint_read_flag(f, &reading);
                for (s += n; s < end && strchr(", |+\t", *s); s++)
                        ;
        }
        d->reading = reading;
        return true;
}

int decode_bare(struct taint_decoded *d, struct diag *diag)
{
        int r = decode_number(d, diag);
        return r != 0 ? r : decode_symbols(d) || decode_letters(d);
}

/* A word in front of what counts. */
struct form {
        const char *mark;
        enum {
                FORM_NUMBER,
                FORM_HEX, /* without 0x */
                FORM_LETTERS
        } kind;
};

static const struct form forms[] = {
        { "(flags:", FORM_LETTERS },              /* abrt: "(flags:GBDL)" */
        { "kernel_tainted_short", FORM_LETTERS }, /* abrt's element */
        { "aint value", FORM_NUMBER },  /* "Kernel taint value is 512", "Raw taint value as int/string:" */
        { "aint-check:", FORM_NUMBER }, /* xsos */
        { "TAINTED_MASK:", FORM_HEX },  /* crash> sys -t */
        { "kernel taint:", FORM_NUMBER }, { "\"mask\":", FORM_NUMBER }, /* our own JSON */
};

static const char *skip_words(const char *s, const char *end)
{
        static const char *const words[] = { "is ", "as int/string", "of ", "mask " };

        for (bool more = true; more;) {
                more = false;
                while (s < end && strchr(" :=\t\"'", *s))
                        s++;
                for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                        if ((size_t)(end - s) >= strlen(words[i]) &&
                                memcmp(s, words[i], strlen(words[i])) == 0) {
                                s += strlen(words[i]);
                                more = true;
                        }
        }
        return s;
}

static bool read_form(struct taint_decoded *d, const struct form *form, const char *s, const char *end)
{
        uint64_t mask;
        size_t n = 0;

        s = skip_words(s, end);
        if (form->kind == FORM_LETTERS) {
                while (s + n < end && taint_is_letter(s[n]))
                        n++;
                if (n == 0 || (s + n < end && isalnum((unsigned char)s[n])))
                        return false;
                taint_read_letters(s, n, &d->context, true, &d->reading);
                return true;
        }
        while (s + n < end && isalnum((unsigned char)s[n]))
                n++;
        int r = form->kind == FORM_HEX ? parse_base(s, n, 16, &mask) : taint_number_parse(s, n, &mask);
        if (r < 0)
                return false;
        taint_read_mask(mask, &d->context, &d->reading);
        return true;
}

/* A metric of 0 says that it is not set. */
bool decode_named(struct taint_decoded *d)
{
        static const char prefix[] = "TAINT_";
        const char *end = d->input + d->input_len;
        bool found = false;

        if (d->input_len > 3 && memcmp(end - 3, "} 0", 3) == 0)
                return false;
        for (const char *s = d->input; (s = memmem(s, (size_t)(end - s), prefix, strlen(prefix)));) {
                size_t n = symbol_length(s, end);
                bool whole = s == d->input || !(isalnum((unsigned char)s[-1]) || s[-1] == '_');
                const struct taint_flag *f = whole ? taint_flag_by_symbol(s, n) : NULL;
                if (f)
                        taint_read_flag(f, &d->reading);
                found |= f != NULL;
                s += n;
        }
        return found;
}

/* insmod of modutils, before 2.6. */
static bool read_insmod(struct taint_decoded *d)
{
        static const char mark[] = "will taint the kernel: ", forced[] = "forced load";
        const char *end = d->input + d->input_len, *hit = memmem(d->input, d->input_len, mark, strlen(mark));

        if (!hit)
                return false;
        hit += strlen(mark);
        bool is_forced = (size_t)(end - hit) >= strlen(forced) && memcmp(hit, forced, strlen(forced)) == 0;
        taint_read_flag(taint_flag_by_bit(is_forced ? 1 : 0), &d->reading);
        return true;
}

bool decode_form(struct taint_decoded *d)
{
        const char *end = d->input + d->input_len;

        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                const char *hit = memmem(d->input, d->input_len, forms[i].mark, strlen(forms[i].mark));
                if (hit && read_form(d, &forms[i], hit + strlen(forms[i].mark), end))
                        return true;
        }
        return read_insmod(d);
}
