/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decode.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "decode-internal.h"
#include "log-lines.h"

#define MESSAGE_MAX 1024 /* of a line of the kernel */

void taint_decoded_done(struct taint_decoded *d)
{
        free(d->modules);
        d->modules = NULL;
        d->n_modules = 0;
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

static int add_module(struct taint_decoded *d, const struct taint_module *module)
{
        struct taint_reading one = { 0 };

        taint_read_module(module->letters, module->letters_len, &d->context, &one);
        if (d->n_modules == TAINT_MODULES_MAX || (one.mask == 0 && !one.unknown[0]))
                return 0;
        struct taint_tainter *p = realloc(d->modules, (d->n_modules + 1) * sizeof(*p));
        if (!p)
                return -ENOMEM;
        d->modules = p;
        taint_read_module(module->letters, module->letters_len, &d->context, &d->reading);
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

int decode_line(struct taint_decoded *d, const char *text_end, struct diag *diag)
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
