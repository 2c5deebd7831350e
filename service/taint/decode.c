/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decode.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "log-lines.h"
#include "source.h"

#define MESSAGE_MAX 1024 /* of a line of the kernel */

void taint_decoded_done(struct taint_decoded *d)
{
        free(d->modules);
        d->modules = NULL;
        d->n_modules = 0;
}

/* Takes blanks and newlines off both ends. */
static void trim(const char **s, size_t *n)
{
        while (*n > 0 && isspace((unsigned char)**s)) {
                (*s)++;
                (*n)--;
        }
        while (*n > 0 && isspace((unsigned char)(*s)[*n - 1]))
                (*n)--;
}

static int add_module(struct taint_decoded *d, const struct taint_module *module)
{
        struct taint_reading one = { 0 };

        taint_read_module(module->letters, module->letters_len, &d->context, &one);
        if (d->n_modules == TAINT_MODULES_MAX || (one.mask == 0 && !one.unknown[0]))
                return 0;
        if (array_grow(&d->modules, d->n_modules, sizeof(*d->modules)) < 0)
                return -ENOMEM;
        taint_read_module(module->letters, module->letters_len, &d->context, &d->reading);
        d->modules[d->n_modules++] = (struct taint_tainter){ *module, one.mask };
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
                d->unreadable = line.kind == TAINT_LINE_UNREADABLE;
                if (d->unreadable || taint_line_read(&line, &d->context, &d->reading)) {
                        d->context = taint_line_context(&line, &d->context);
                        return 1;
                }
                at += 6;
        }
        return 0;
}

/* `[W]=WARN…`: names without what stands in front of them. */
static bool begins_names(const char *s, size_t n)
{
        return n >= 5 && s[0] == '[' && s[2] == ']' && s[3] == '=';
}

static bool decode_names(struct taint_decoded *d)
{
        if (!begins_names(d->input, d->input_len))
                return false;
        struct taint_line line = { .kind = TAINT_LINE_NAMES, .names = d->input, .names_len = d->input_len };
        return taint_line_read(&line, &d->context, &d->reading);
}

/* What the kernel logs when it taints itself. */
static int decode_message(struct taint_decoded *d)
{
        const char *text = log_line_text(d->input, d->input_len), *name = NULL;
        char record[MESSAGE_MAX];
        struct log_line line;

        size_t n = text ? (size_t)(d->input + d->input_len - text) : 0;
        if (n == 0 || n >= sizeof(record))
                return 0;
        *(char *)mempcpy(record, text, n) = '\0';
        if (strlen(record) != n || !log_line_match(record, &line) || line.weak)
                return 0;
        taint_read_mask(UINT64_C(1) << line.bit, &d->context, &d->reading);
        if (line.module[0])
                name = memmem(text, n, line.module, strlen(line.module));
        if (!name)
                return 1;
        d->modules = calloc(1, sizeof(*d->modules));
        if (!d->modules)
                return -ENOMEM;
        d->modules[0] = (struct taint_tainter){ .module = { .name = name, .name_len = strlen(line.module) },
                .mask = d->reading.mask };
        d->n_modules = 1;
        return 1;
}

/* So few letters may stand in any order. */
#define UNORDERED_MAX 2U

/* "(0x3000)" says the same again. */
static bool repeats_number(const char *s, size_t n, uint64_t mask)
{
        uint64_t again;

        return n > 2 && s[0] == '(' && s[n - 1] == ')' && taint_number_parse(s + 1, n - 2, 0, &again) == 0 &&
               again == mask;
}

/* What may stand behind a number that is all there is. */
static bool ends_number(const char *s, size_t n, uint64_t mask)
{
        trim(&s, &n);
        return n == 0 || (n == 1 && strchr(",;.", *s)) || repeats_number(s, n, mask);
}

static int decode_number(struct taint_decoded *d, struct diag *diag)
{
        uint64_t mask, octal;
        size_t n = 0;

        while (n < d->input_len && isalnum((unsigned char)d->input[n]))
                n++;
        int r = taint_number_parse(d->input, n, 0, &mask);
        if (r == -ERANGE)
                return diag_set(diag, EINVAL, "'%.*s': a mask has 64 bits", (int)n, d->input);
        if (r < 0 || !ends_number(d->input + n, d->input_len - n, mask))
                return 0;
        taint_read_mask(mask, &d->context, &d->reading);
        if (n > 1 && d->input[0] == '0' && isdigit((unsigned char)d->input[1]) &&
                taint_number_parse(d->input, n, 8, &octal) == 0 && octal != mask)
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

/* What stands alone: numbers and letters, too short to be looked for in a log. 1 if it is that, 0 if not;
 * -EINVAL with the reason in diag. */
static int decode_bare(struct taint_decoded *d, struct diag *diag)
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
        int r = taint_number_parse(s, n, form->kind == FORM_HEX ? 16 : 0, &mask);
        if (r < 0)
                return false;
        taint_read_mask(mask, &d->context, &d->reading);
        return true;
}

/* A name of the table, `TAINT_WARN`, anywhere in the line: in this project's records, journal entries,
 * metrics and JSON. A metric of 0 says that it is not set. */
static bool decode_named(struct taint_decoded *d)
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

/* What tools, this project's too, make of a mask or of letters: a word in front of them says which. */
static bool decode_form(struct taint_decoded *d)
{
        const char *end = d->input + d->input_len;

        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                const char *hit = memmem(d->input, d->input_len, forms[i].mark, strlen(forms[i].mark));
                if (hit && read_form(d, &forms[i], hit + strlen(forms[i].mark), end))
                        return true;
        }
        return read_insmod(d);
}

/* What a line of a log can be. `text_end`: how far a wrapped line may be followed. The same values, or
 * -ENOMEM. */
static int decode_line(struct taint_decoded *d, const char *text_end, struct diag *diag)
{
        int r = decode_tainted(d, text_end, diag);

        if (r == 0)
                r = decode_names(d);
        if (r == 0)
                r = decode_form(d);
        if (r == 0)
                r = decode_message(d);
        if (r == 0)
                r = decode_named(d);
        if (r == 0)
                r = decode_modules(d);
        return r;
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
                "'%s': neither a number, nor taint letters, nor a line that reports taints", shown);
}

int taint_decode_one(const char *text, size_t n, const struct taint_kernel *context,
        struct taint_decoded *ret, struct diag *diag)
{
        _cleanup_decoded_ struct taint_decoded d = { .context = *context };
        const char *text_end = text + n;

        /* Columns start at the first letter, but blanks behind the last one are only padding. */
        trim(&text, &n);
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

#define NUMBER_MAX 24u /* of what stands for a mask, with what may follow it */

struct walk {
        const struct taint_kernel *context;
        taint_decoded_fn each;
        void *userdata;
        uint64_t *seen;
        size_t n_seen;
        uint64_t last_mask;
        struct taint_kernel
                near;           /* what the next release in the text says, where the caller does not know */
        const char *near_until; /* of the text that it holds for */
        bool bare;
        bool number_expected; /* the line above says what a number alone is */
        bool names_go_on;     /* the last line was of names, and ended in a comma */
};

static const char names_mark[] = "ainted: [";

/* 1 if it is new: what differs only in the time of the log line is not. */
static int remember(struct walk *w, const struct taint_decoded *d)
{
        const char *behind = *d->input == '[' ? memmem(d->input, d->input_len, "] ", 2) : NULL;
        uint64_t h = taint_text_hash(behind ? behind : d->input, d->input + d->input_len);

        for (size_t i = 0; i < w->n_seen; i++)
                if (w->seen[i] == h)
                        return 0;
        if (w->n_seen == TAINT_FOUND_MAX)
                return 0;
        if (array_grow(&w->seen, w->n_seen, sizeof(*w->seen)) < 0)
                return -ENOMEM;
        w->seen[w->n_seen++] = h;
        return 1;
}

/* Whether the line before it has had these names already. */
static bool continues_names(struct walk *w, const char *line, size_t n)
{
        bool begins = begins_names(line, n), goes_on = w->names_go_on && begins;

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

        trim(&line, &n);
        if (continues_names(w, line, n))
                return 0;
        d.input = line;
        d.input_len = n;
        int r = decode_walked(w, &d, is_expected_number(w, line, n), text_end);
        if (r == -EINVAL)
                return 0; /* another line may say something */
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

        trim(&text, &n);
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
                r = diag_set(d, EINVAL, "no line of the text reports taints");
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
