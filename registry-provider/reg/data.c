/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "data.h"

#include <errno.h>
#include <string.h>

/* Bytes, or the text for them; a registry can be configured for values as large as this. */
#define DATA_BYTES_MAX (64u * 1024u * 1024u)

void data_done(struct data *d)
{
        buf_done(&d->bytes);
        buf_done(&d->read);
}

struct value data_value(const struct data *d)
{
        return (struct value){ .type = d->type, .data = d->bytes.data, .size = d->bytes.len };
}

static int check_options(struct session *s, struct data *d)
{
        const struct reg_options *o = &s->options;

        if (o->raw && (!o->from || !o->type)) {
                (void)diag_set(&s->diag, EINVAL,
                        "--raw is for the bytes that --from reads, and wants their --type too");
                return EXIT_CODE_USAGE;
        }
        if (o->type && value_type_parse(o->type, strlen(o->type), &d->type) < 0) {
                (void)diag_set(&s->diag, EINVAL,
                        "--type: there is no type '%s', expected sz, expand, dword, qword, dword-be, multi, hex, "
                        "link, none or 0x<code>",
                        o->type);
                return EXIT_CODE_USAGE;
        }
        return EXIT_CODE_OK;
}

/* A text file ends with a newline, which is no part of the data. */
static int read_text(struct session *s, struct data *d)
{
        const char *nul = memchr(buf_str(&d->read), '\0', d->read.len);

        if (nul) {
                (void)diag_set(&s->diag, EINVAL,
                        "%s: a NUL at byte %zu, expected text (--raw takes bytes as they are)",
                        s->options.from, (size_t)(nul - d->read.data));
                return EXIT_CODE_INVALID;
        }
        if (d->read.len > 0 && d->read.data[d->read.len - 1] == '\n')
                d->read.data[--d->read.len] = '\0';
        d->literal = buf_str(&d->read);
        return EXIT_CODE_OK;
}

/* A type that is given is the prefix that the literal has not. */
static int parse(struct session *s, struct data *d)
{
        const char *type = s->options.type, *literal = d->literal;
        _cleanup_buf_ struct buf text = BUF_INIT;
        int r = 0;

        if (type) {
                bool is_code = type[0] == '0';
                buf_printf(&text, "%s:", is_code ? type : value_type_keyword(d->type));
                buf_puts(&text, literal);
                literal = buf_str(&text);
                r = text.error;
        }
        if (r == 0)
                r = literal_parse(literal, &d->bytes, &d->type, &d->inferred, &s->diag);
        return r < 0 ? session_refuse(s, r) : EXIT_CODE_OK;
}

int data_get(struct session *s, const char *word, struct data *d)
{
        const struct reg_options *o = &s->options;

        d->literal = word ? word : "";
        int code = check_options(s, d);
        if (code == EXIT_CODE_OK && o->from)
                code = session_read(s, o->from, DATA_BYTES_MAX, o->raw ? &d->bytes : &d->read);
        if (code == EXIT_CODE_OK && o->from && !o->raw)
                code = read_text(s, d);
        return code == EXIT_CODE_OK && !o->raw ? parse(s, d) : code;
}

void data_warn(const struct session *s, const struct data *d)
{
        bool tried = s->options.dry_run;

        if (d->inferred && is_oversized_number(d->literal))
                warn("%.64s is too large for a number and %s as text", d->literal,
                        tried ? "would be stored" : "stored");
        if (!d->inferred && is_regedit_number(d->literal))
                warn("%s is decimal: hexadecimal digits, as in a .reg file, want 0x in front", d->literal);
        if (d->inferred && d->type == REG_SZ && looks_typed(d->literal))
                warn("%.64s %s as this text: a type in front is one of sz, expand, dword, qword, dword-be, multi, "
                     "hex, link and none",
                        d->literal, tried ? "would be stored" : "is stored");
}
