/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decode.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "decode-internal.h"
#include "message.h"

void taint_decoded_done(struct taint_decoded *d)
{
        free(d->modules);
        d->modules = NULL;
        d->n_modules = 0;
}

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

void decode_trim(const char **s, size_t *n)
{
        while (*n > 0 && isspace((unsigned char)**s)) {
                (*s)++;
                (*n)--;
        }
        while (*n > 0 && isspace((unsigned char)(*s)[*n - 1]))
                (*n)--;
}

static int decode_number(struct taint_decoded *d, struct diag *diag)
{
        uint64_t mask, octal;

        int r = taint_number_parse(d->input, d->input_len, &mask);
        if (r == -ERANGE)
                return diag_set(diag, EINVAL, "'%.*s': a mask has 64 bits", (int)d->input_len, d->input);
        if (r < 0)
                return 0;
        taint_read_mask(mask, &d->context, &d->reading);
        if (d->input_len > 1 && d->input[0] == '0' && isdigit((unsigned char)d->input[1]) &&
                parse_base(d->input, d->input_len, 8, &octal) == 0 && octal != mask)
                (void)snprintf(d->note, sizeof(d->note),
                        "read as decimal, in spite of the leading 0; as octal it would be %" PRIu64
                        " (write 0o for that)",
                        octal);
        return 1;
}

static int add_module(struct taint_decoded *d, const struct taint_module *module)
{
        struct taint_reading one = { 0 };

        if (d->n_modules == TAINT_MODULES_MAX)
                return 0;
        struct taint_tainter *p = realloc(d->modules, (d->n_modules + 1) * sizeof(*p));
        if (!p)
                return -ENOMEM;
        d->modules = p;
        taint_read_letters(module->letters, module->letters_len, &d->context, true, &one);
        taint_read_letters(module->letters, module->letters_len, &d->context, true, &d->reading);
        p[d->n_modules++] = (struct taint_tainter){ *module, one.mask };
        return 0;
}

static int decode_modules(struct taint_decoded *d)
{
        static const char *const lists[] = { "Modules linked in:", "nloaded tainted modules:" };
        struct taint_module module;
        bool list = false;
        size_t at = 0;

        if (taint_module_line(d->input, d->input_len, &module)) {
                int r = add_module(d, &module);
                return r < 0 ? r : 1;
        }
        for (size_t i = 0; i < ARRAY_SIZE(lists) && !list; i++) {
                const char *hit = memmem(d->input, d->input_len, lists[i], strlen(lists[i]));
                list = hit != NULL;
                at = hit ? (size_t)(hit - d->input) : 0;
        }
        if (!list && !taint_module_names(d->input, d->input_len))
                return 0;
        while (taint_module_next(d->input, d->input_len, &at, &module)) {
                int r = add_module(d, &module);
                if (r < 0)
                        return r;
        }
        if (list && d->n_modules == 0)
                (void)snprintf(d->note, sizeof(d->note), "no module of the list carries letters");
        return list || d->n_modules > 0;
}

/* Bare letters and `(OE)`. */
static bool decode_letters(struct taint_decoded *d)
{
        const char *s = d->input, *end = s + d->input_len;
        bool bracket = *s == '(', twice = false;
        size_t n = 0, letters = 0, unknown = 0;

        if (bracket) {
                s++;
                if (end[-1] != ')')
                        return false;
                end--;
                if (end > s && end[-1] == '+')
                        end--;
        }
        bool seen[UCHAR_MAX + 1] = { 0 };
        for (; s + n < end; n++) {
                unsigned char c = (unsigned char)s[n];
                if (strchr(" \t-", c))
                        continue;
                if (!taint_is_letter((char)c)) {
                        if (!isupper(c))
                                return false;
                        unknown++;
                }
                twice |= seen[c];
                seen[c] = true;
                letters++;
        }
        /* A newer kernel's letter beside others, and no word of a language. */
        if (2 * unknown >= letters || (unknown > 0 && twice))
                return false;
        taint_read_letters(s, n, &d->context, false, &d->reading);
        return true;
}

/* "(flags:GBDL)" of a crash reporter, "Kernel taint value is 512" of a test. */
static bool decode_report(struct taint_decoded *d)
{
        static const char flags[] = "(flags:", value[] = "aint value";
        const char *end = d->input + d->input_len,
                   *s = memmem(d->input, d->input_len, flags, sizeof(flags) - 1);
        size_t n = 0;

        if (s) {
                s += sizeof(flags) - 1;
                while (s + n < end && taint_is_letter(s[n]))
                        n++;
                taint_read_letters(s, n, &d->context, true, &d->reading);
                return n > 0 && s + n < end && s[n] == ')';
        }
        s = memmem(d->input, d->input_len, value, sizeof(value) - 1);
        if (!s)
                return false;
        for (s += sizeof(value) - 1; s < end && strchr(" is:=", *s); s++)
                ;
        while (s + n < end && isdigit((unsigned char)s[n]))
                n++;
        uint64_t mask;
        if (taint_number_parse(s, n, &mask) < 0)
                return false;
        taint_read_mask(mask, &d->context, &d->reading);
        return true;
}

static int decode_tainted(struct taint_decoded *d, const char *text_end, struct diag *diag)
{
        struct taint_line line;
        size_t n = (size_t)(text_end - d->input), at = 0;

        for (const char *hit; (hit = memmem(d->input + at, d->input_len - at, "ainted", 6));) {
                at = (size_t)(hit - d->input);
                taint_line_parse(d->input, n, at, &line);
                if (line.kind == TAINT_LINE_XEN)
                        return diag_set(diag, EINVAL,
                                "a line of the Xen hypervisor: its letters are not the kernel's");
                if (taint_line_read(&line, &d->context, &d->reading)) {
                        d->context = taint_line_context(&line, &d->context);
                        return 1;
                }
                at += 6;
        }
        return 0;
}

bool decode_begins_names(const char *s, size_t n)
{
        return n >= 5 && s[0] == '[' && s[2] == ']' && s[3] == '=';
}

static bool decode_names(struct taint_decoded *d)
{
        if (!decode_begins_names(d->input, d->input_len))
                return false;
        struct taint_line line = { .kind = TAINT_LINE_NAMES, .names = d->input, .names_len = d->input_len };
        return taint_line_read(&line, &d->context, &d->reading);
}

static int decode_message(struct taint_decoded *d)
{
        struct taint_message message;

        if (!taint_message_parse(d->input, d->input_len, &message))
                return 0;
        taint_read_mask(UINT64_C(1) << message.bit, &d->context, &d->reading);
        if (!message.module)
                return 1;
        d->modules = calloc(1, sizeof(*d->modules));
        if (!d->modules)
                return -ENOMEM;
        d->modules[0] =
                (struct taint_tainter){ .module = { .name = message.module, .name_len = message.module_len },
                        .mask = d->reading.mask };
        d->n_modules = 1;
        return 1;
}

int decode_line(struct taint_decoded *d, const char *text_end, struct diag *diag)
{
        int r = decode_tainted(d, text_end, diag);

        if (r == 0)
                r = decode_names(d);
        if (r == 0)
                r = decode_report(d);
        if (r == 0)
                r = decode_message(d);
        if (r == 0)
                r = decode_modules(d);
        return r;
}

int decode_bare(struct taint_decoded *d, struct diag *diag)
{
        int r = decode_number(d, diag);
        return r != 0 ? r : decode_letters(d);
}

/* For a message: no control characters of somebody's log reach the terminal. */
static int refuse(const char *text, size_t n, struct diag *diag)
{
        char shown[200];
        size_t length = n < sizeof(shown) - 1 ? n : sizeof(shown) - 1;

        for (size_t i = 0; i < length; i++)
                shown[i] = (unsigned char)text[i] < ' ' || text[i] == '\x7f' ? '?' : text[i];
        shown[length] = '\0';
        return diag_set(diag, EINVAL,
                "'%s': neither a number, nor taint letters, nor a line that tells of taints", shown);
}

int taint_decode_one(const char *text, size_t n, const struct taint_kernel *context,
        struct taint_decoded *ret, struct diag *diag)
{
        _cleanup_decoded_ struct taint_decoded d = { .context = *context };
        const char *text_end = text + n;

        /* Columns start at the first letter, but blanks behind the last one are only padding. */
        decode_trim(&text, &n);
        d.input = text;
        d.input_len = n;
        int r = n == 0 ? diag_set(diag, EINVAL, "nothing to decode") : decode_bare(&d, diag);
        if (r == 0)
                r = decode_line(&d, text_end, diag);
        if (r == 0)
                r = refuse(text, n, diag);
        if (r < 0)
                return r;
        *ret = d;
        d.modules = NULL;
        return 0;
}
